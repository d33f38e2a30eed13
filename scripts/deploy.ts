/**
 * `npm run deploy`: migrates D1, then deploys. `npm run deploy -- --dry-run` builds and prints the bundle's size, and fails
 * past the limit, without sending anything.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from './start/build.ts';

/** Cloudflare takes 3 MB; half of it keeps cold starts short. */
const limitKib = 1.5 * 1024;
const root = join(import.meta.dirname, '..');

async function dryRun(): Promise<number> {
  const outdir = mkdtempSync(join(tmpdir(), 'truckiq-bundle-'));
  const output = await runTool(root, 'wrangler', ['deploy', '--dry-run', '--outdir', outdir], {
    WRANGLER_SEND_METRICS: 'false',
  });
  rmSync(outdir, { recursive: true, force: true });
  const size = /gzip: ([\d.]+) KiB/.exec(output)?.[1];
  if (size === undefined) throw new Error(`wrangler printed no size:\n${output}`);
  console.log(`Worker bundle: ${size} KiB gzip (limit ${limitKib} KiB)`);
  return Number(size) <= limitKib ? 0 : 1;
}

/** Wrangler speaks for itself here: it may have to ask. */
function wrangler(...args: string[]): number {
  return spawnSync(join(root, 'node_modules', '.bin', 'wrangler'), args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

process.exit(
  process.argv.includes('--dry-run')
    ? await dryRun()
    : wrangler('d1', 'migrations', 'apply', 'truckiq', '--remote') || wrangler('deploy'),
);
