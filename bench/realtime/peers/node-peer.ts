/** Starts a peer that runs on Node, bound to the servers' core. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { pin, serverCore } from '../processor-time.ts';

export interface NodePeer {
  url: string;
  pid: number;
  stop: () => void;
}

export async function startNodePeer(script: 'ws-server' | 'socket-io-server'): Promise<NodePeer> {
  const child = fork(join(import.meta.dirname, `${script}.ts`));
  const address: unknown = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
  });
  const { port } = z.object({ port: z.number() }).parse(address);
  const pid = child.pid ?? 0;
  pin(pid, serverCore);
  return { url: `http://127.0.0.1:${port}`, pid, stop: () => child.kill() };
}
