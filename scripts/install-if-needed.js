// Runs before `npm start` and `npm test`, under whatever Node the machine has (20 or newer): plain JavaScript, no imports
// from node_modules. Installs the locked dependencies when they are missing or belong to another lockfile.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname ?? process.cwd(), '..');
const stamp = join(root, 'node_modules', '.installed-lockfile');

const [major] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(`TruckIQ needs Node 20 or newer; this is Node ${process.versions.node}.`);
  process.exit(1);
}

const lockHash = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
const nodeBinary = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.exe' : 'node');

if (installed !== lockHash || !existsSync(nodeBinary)) {
  console.log('Installing the locked dependencies (once) …');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error(
      'npm ci failed: the dependencies could not be installed. Is the npm registry reachable, is the disk full?',
    );
    process.exit(1);
  }
  writeFileSync(stamp, lockHash);
}
