/** Builds dashboard and Worker, each only when its sources changed. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A fingerprint of files by name, size and time of change. */
function fingerprint(root: string, patterns: string[]): string {
  const hash = createHash('sha256');
  for (const file of patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).sort()) {
    const stat = statSync(join(root, file));
    if (stat.isFile()) hash.update(`${file}\0${stat.size}\0${stat.mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** Runs a program of node_modules/.bin; its output is shown only when it fails. */
export function runTool(root: string, name: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'node_modules', '.bin', name), args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${name} ${args.join(' ')} failed:\n${output}`)),
    );
  });
}

async function buildWhenChanged(
  root: string,
  stampFile: string,
  result: string,
  patterns: string[],
  build: () => Promise<unknown>,
): Promise<void> {
  const wanted = fingerprint(root, patterns);
  if (existsSync(result) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return;
  await build();
  writeFileSync(stampFile, wanted);
}

const workerSources = ['{contracts,scoring,durable-objects,worker}/**/*.ts', 'wrangler.toml', 'package-lock.json'];
// Not what the build itself puts into static/api-docs.
const webSources = [
  'web/src/**/*.*',
  'web/static/*',
  'web/{*,base-map/*}.{ts,json}',
  'contracts/*.ts',
  'package-lock.json',
];

export interface BuildResult {
  /** The bundled Worker. */
  workerScript: string;
}

/** Builds what is out of date; `say` hears what takes time. Throws with the tool's output. */
export async function build(root: string, buildFolder: string, say: (line: string) => void): Promise<BuildResult> {
  mkdirSync(buildFolder, { recursive: true });
  const workerScript = join(buildFolder, 'worker', 'index.js');
  await buildWhenChanged(
    root,
    join(buildFolder, 'web.stamp'),
    join(root, 'web', 'build', 'index.html'),
    webSources,
    () => {
      say('Building the dashboard …');
      return runTool(root, 'vite', ['build', 'web', '--logLevel', 'warn']);
    },
  );
  await buildWhenChanged(root, join(buildFolder, 'worker.stamp'), workerScript, workerSources, () => {
    say('Building the Worker …');
    return runTool(root, 'wrangler', ['deploy', '--dry-run', '--outdir', join(buildFolder, 'worker')], {
      WRANGLER_SEND_METRICS: 'false',
    });
  });
  return { workerScript };
}
