/** The product in a process of its own, to be killed: workerd by SIGKILL, and with it what started it; then both again. */
import { fork, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { bundled, freePort, newFolder } from './runtime.ts';

export interface Mortal {
  url: string;
  /** Kills it now; it comes back by itself. */
  kill(): void;
  stop(): Promise<void>;
}

const startedSchema = z.object({ workerdPid: z.number() });

export async function startMortal(isPinned: boolean): Promise<Mortal> {
  const at = { folder: newFolder(), port: await freePort(), script: await bundled() };
  let child: ChildProcess;
  let workerdPid = 0;
  let isWanted = true;
  let isMigrated = false;
  const begin = (): Promise<void> => {
    child = fork(join(import.meta.dirname, 'product', 'host.ts'));
    child.send({ at: { ...at, isMigrated }, isPinned });
    child.once('exit', () => {
      if (isWanted) begin().catch((cause: unknown) => console.error(cause));
    });
    return new Promise((resolve, reject) => {
      child.once('message', (message) => {
        ({ workerdPid } = startedSchema.parse(message));
        resolve();
      });
      child.once('exit', () => reject(new Error('the host ended before it had begun')));
    });
  };
  await begin();
  isMigrated = true;
  return {
    url: `http://127.0.0.1:${at.port}`,
    kill() {
      process.kill(workerdPid, 'SIGKILL');
      child.kill('SIGKILL');
    },
    async stop() {
      isWanted = false;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await ended;
      rmSync(at.folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
