/** What must be true before anything starts; each failure is one clear sentence. */
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Databases, bundles and logs of the demo fit many times into this. */
const neededBytes = 300 * 1024 * 1024;

export class CheckError extends Error {}

/** Resolves when a port can be listened on; throws CheckError when it is taken. */
export function requireFreePort(port: number, purpose: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'is already in use' : `cannot be used (${cause.code ?? cause.message})`;
      reject(new CheckError(`Port ${port} for ${purpose} ${why}. Choose another: npm start -- --port 9000`));
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}

/** True when the process is a start command; where /proc does not tell, any living process counts as one. */
function isStartCommand(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync(commandLine) || readFileSync(commandLine, 'utf8').includes('start.ts');
}

const unwritable = (folder: string, cause: unknown): CheckError =>
  new CheckError(
    `The state folder ${folder} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
  );

/** One start command per state folder: two runtimes on the same databases would destroy them. Released at exit. */
export function lockStateFolder(folder: string): void {
  const file = join(folder, 'start.pid');
  const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (holder > 0 && holder !== process.pid && isStartCommand(holder)) {
    throw new CheckError(
      `TruckIQ already runs on ${folder} (process ${holder}). Stop it, or give this one --state DIR.`,
    );
  }
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, String(process.pid));
  } catch (cause) {
    throw unwritable(folder, cause);
  }
  process.once('exit', () => rmSync(file, { force: true }));
}

/** Empties a state folder of everything a start makes. */
function forget(folder: string): void {
  for (const name of ['data', 'secrets.json', 'gateway-keys.json', 'world.json', 'mail', 'logs']) {
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** Reads a small file of the state folder; what is broken there is named with the way out. */
export function readStateFile<T>(file: string, parse: (value: unknown) => T): T {
  try {
    return parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    throw new CheckError(`${file} is damaged. Restore it, or start with --fresh, which forgets everything kept there.`);
  }
}

/** Makes the state folder (emptied when `fresh`) and proves that it can be written. */
export function prepareStateFolder(folder: string, fresh: boolean): void {
  try {
    if (fresh) forget(folder);
    mkdirSync(join(folder, 'logs'), { recursive: true });
    writeFileSync(join(folder, '.writable'), '');
    rmSync(join(folder, '.writable'));
  } catch (cause) {
    throw unwritable(folder, cause);
  }
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < neededBytes) {
    throw new CheckError(
      `The disk of ${folder} is full: ${Math.round((bavail * bsize) / 1024 / 1024)} MB left, 300 MB needed.`,
    );
  }
}
