/**
 * Brings a Chromium to where the local Browser Rendering looks for one, without any download: a small wrapper at the
 * exact path of its own cache that runs another executable.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** An executable that also starts and says its version: a dead link or a missing library is no browser. */
function runs(path: string): boolean {
  try {
    return /\d+\.\d+/.test(execFileSync(path, ['--version'], { encoding: 'utf8', timeout: 15_000, stdio: 'pipe' }));
  } catch {
    return false;
  }
}

async function bundledChromium(): Promise<string | null> {
  try {
    const { default: chromium } = await import('@sparticuz/chromium');
    return await chromium.executablePath();
  } catch {
    return null;
  }
}

/** $CHROME_PATH, then a Chromium on PATH, then the one that comes inside an npm package; null when none runs. */
export async function findBrowser(): Promise<string | null> {
  const { CHROME_PATH, PATH = '' } = process.env;
  if (CHROME_PATH !== undefined && CHROME_PATH !== '') return isExecutable(CHROME_PATH) ? CHROME_PATH : null;
  const onPath = PATH.split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => isExecutable(path) && runs(path));
  return onPath ?? (await bundledChromium());
}

/** The Chrome version that the installed miniflare would launch: read from it, because it changes with it. */
function expectedChromeVersion(): string {
  const require = createRequire(import.meta.url);
  const source = readFileSync(require.resolve('miniflare'), 'utf8');
  const version = /["'](\d{3}\.0\.\d{4}\.\d+)["']/.exec(source)?.[1];
  if (version === undefined) throw new Error('the installed miniflare names no Chrome version');
  return version;
}

/**
 * Writes the wrapper into `cacheFolder` and returns the environment that makes Browser Rendering find it.
 * Flags: the sandbox needs rights a container lacks; QUIC and background networking only reach for outside hosts.
 */
export function installBrowserWrapper(browserPath: string, cacheFolder: string): Record<string, string> {
  const install = join(cacheFolder, '.wrangler', 'chrome', `linux-${expectedChromeVersion()}`);
  const folder = join(install, 'chrome-linux64');
  mkdirSync(folder, { recursive: true });
  const flags = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-dev-shm-usage',
    '--headless=new',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-extensions',
  ];
  const quoted = `'${browserPath.replaceAll("'", String.raw`'\''`)}'`;
  const wrapper = join(folder, 'chrome');
  writeFileSync(wrapper, `#!/bin/sh\nexec ${quoted} ${flags.join(' ')} "$@"\n`);
  chmodSync(wrapper, 0o755);
  writeFileSync(join(install, '.miniflare-install-complete'), '');
  return { XDG_CACHE_HOME: cacheFolder };
}
