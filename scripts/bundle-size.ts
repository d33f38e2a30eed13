/** Runs the deployment dry, says how big the Worker is, and fails past the limit of 1.5 MB gzip. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from './start/build.ts';

const limitKib = 1.5 * 1024;
const root = join(import.meta.dirname, '..');
const outdir = mkdtempSync(join(tmpdir(), 'truckiq-bundle-'));
const output = await runTool(root, 'wrangler', ['deploy', '--dry-run', '--outdir', outdir], {
  WRANGLER_SEND_METRICS: 'false',
});
rmSync(outdir, { recursive: true, force: true });
const size = /gzip: ([\d.]+) KiB/.exec(output)?.[1];
if (size === undefined) throw new Error(`wrangler printed no size:\n${output}`);
console.log(`Worker bundle: ${size} KiB gzip (limit ${limitKib} KiB)`);
process.exit(Number(size) <= limitKib ? 0 : 1);
