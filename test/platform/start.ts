/** Starts `npm start`'s program as a child for tests and benchmarks, and stops it. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { PlatformAddress } from './client.ts';

const root = join(import.meta.dirname, '..', '..');

export interface RunningPlatform extends PlatformAddress {
  pid: number;
  stop(): Promise<void>;
}

/** Resolves once the start command has said that it runs; rejects with its output when it ends instead. */
export async function startPlatform(port: number, state: string, options: string[]): Promise<RunningPlatform> {
  const script = join(root, 'scripts', 'start', 'start.ts');
  const child = spawn(process.execPath, [script, '--port', String(port), '--state', state, ...options], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes('TruckIQ is running.')) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    void exited.then(() => reject(new Error(`the start command ended:\n${output}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    portalUrl: `http://127.0.0.1:${port + 1}`,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
