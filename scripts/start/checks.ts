/** What must be true before anything starts; each failure is one clear sentence. */
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
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

/** Makes the state folder (emptied when `fresh`) and proves that it can be written. */
export function prepareStateFolder(folder: string, fresh: boolean): void {
  try {
    // Builds are kept: they hold nothing of the user's and cost time.
    if (fresh)
      for (const name of ['data', 'secrets.json', 'world.json', 'mail', 'logs'])
        rmSync(join(folder, name), { recursive: true, force: true });
    mkdirSync(join(folder, 'logs'), { recursive: true });
    writeFileSync(join(folder, '.writable'), '');
    rmSync(join(folder, '.writable'));
  } catch (cause) {
    throw new CheckError(
      `The state folder ${folder} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < neededBytes) {
    throw new CheckError(
      `The disk of ${folder} is full: ${Math.round((bavail * bsize) / 1024 / 1024)} MB left, 300 MB needed.`,
    );
  }
}
