/**
 * Which core a process runs on, and how much processor time it has used: what a busy machine distorts least.
 *
 * The kernel says it twice: utime + stime of /proc/<pid>/stat in hundredths of a second, and the run time of each thread in
 * nanoseconds in /proc/<pid>/task/<tid>/schedstat. The second is used, because a tick of a room costs two milliseconds;
 * `crossCheck` holds it against the first.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Core of every server that is measured, and core of what loads it. */
export const serverCore = 0;
export const loadCore = 1;

/** Binds every thread of a process, those it will start included, to one core. */
export function pin(pid: number, core: number): void {
  execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' });
}

/** Gives a process back every core of the machine. */
export function unpin(pid: number, cores: number): void {
  execFileSync('taskset', ['-a', '-c', '-p', `0-${cores - 1}`, String(pid)], { stdio: 'ignore' });
}

/** The cores that a process may run on, as the kernel lists them. */
export const coresOf = (pid: number): string =>
  /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';

/** Hundredths of a second, as Linux counts a process's time. */
const ticksPerSecond = 100;

/** utime + stime of a process in seconds, to the hundredth. */
export function statSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Seconds that every living thread of a process has run. */
export function processorSeconds(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // It ended between the listing and the reading.
    }
  }
  return nanoseconds / 1e9;
}

/** Resident memory of a process in megabytes. */
export const residentMegabytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
