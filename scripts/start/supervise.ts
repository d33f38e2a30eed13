/** Keeps one child process alive: restarts it when it dies, gives up when it dies at once, again and again. */
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface Supervised {
  /** Resolves with the first "ready" message. */
  ready: Promise<unknown>;
  /** Rejects when the process keeps dying. */
  failed: Promise<never>;
  stop(): Promise<void>;
}

const windowMs = 60_000;
const maxDeathsPerWindow = 5;
const stopWithinMs = 8_000;
const linesShown = 12;

/** Pure: whether a process that died at these times (epoch ms) should get another try, and after which pause. */
export function judgeDeath(deathsMs: readonly number[], nowMs: number): { restart: boolean; pauseMs: number } {
  const recent = deathsMs.filter((at) => nowMs - at < windowMs).length;
  return { restart: recent <= maxDeathsPerWindow, pauseMs: Math.min(4000, 250 * 2 ** Math.max(0, recent - 1)) };
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

export interface Program {
  /** What a person calls it. */
  name: string;
  script: string;
  args?: string[];
  /** Sent as its first message. */
  settings?: object;
  env?: Record<string, string>;
  /** Where its own output goes; a person reads it only when something is wrong. */
  logFile: string;
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-linesShown).join('\n');
}

/** Forks a program and keeps it running until `stop`. Its first message means that it is ready. */
export function supervise({ name, script, args = [], settings, env = {}, logFile }: Program): Supervised {
  const deathsMs: number[] = [];
  let child: ChildProcess;
  let stopping = false;
  let fail: (cause: Error) => void;
  let beReady: (message: unknown) => void;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const ready = new Promise<unknown>((resolve) => (beReady = resolve));
  // Whoever only waits for `ready` must not crash on this one.
  failed.catch(() => undefined);
  let wasReady = false;

  const launch = (): void => {
    const log = openSync(logFile, 'a');
    child = fork(script, args, { env: { ...process.env, ...env }, stdio: ['ignore', log, log, 'ipc'] });
    closeSync(log);
    if (settings !== undefined) child.send(settings);
    child.on('message', (message) => {
      wasReady = true;
      beReady(message);
    });
    child.on('exit', (code, signal) => {
      if (stopping) return;
      if (!wasReady)
        return fail(new Error(`${name} could not start (${signal ?? `exit ${code}`}):\n${lastLines(logFile)}`));
      const now = Date.now();
      deathsMs.push(now);
      const { restart, pauseMs } = judgeDeath(deathsMs, now);
      if (!restart) return fail(new Error(`${name} keeps dying (${signal ?? `exit ${code}`}).`));
      console.error(`${name} died (${signal ?? `exit ${code}`}); starting it again.`);
      setTimeout(() => {
        if (!stopping) launch();
      }, pauseMs);
    });
  };
  launch();
  return {
    ready,
    failed,
    stop: () => {
      stopping = true;
      return end(child);
    },
  };
}
