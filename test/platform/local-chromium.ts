/** A Chromium of this machine for tests: started, spoken to by the very puppeteer that production uses, killable. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser } from '@cloudflare/puppeteer';
import chromium from '@sparticuz/chromium';
import { withBrowser } from '#worker/scrapes/browser';
import type { WithPortalContext } from '#worker/scrapes/page';

const startWithinMs = 20_000;

export interface LocalChromium {
  /** As Browser Rendering would: a fresh browser for each piece of work, closed after it. */
  withContext: WithPortalContext;
  /** Kills the browser that is running now, as a machine would. */
  kill(): void;
  launched(): number;
  stop(): void;
}

async function start(profile: string): Promise<{ process: ChildProcess; endpoint: string }> {
  const executable = process.env['CHROME_PATH'] ?? (await chromium.executablePath());
  const child = spawn(
    executable,
    [
      ...[
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--disable-quic',
        '--no-first-run',
      ],
      ...['--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const endpoint = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('Chromium did not start')), startWithinMs);
    child.once('exit', () => reject(new Error('Chromium ended at once')));
    child.stderr.on('data', (chunk: Buffer) => {
      const found = /DevTools listening on (ws:\S+)/.exec(chunk.toString());
      if (!found?.[1]) return;
      clearTimeout(timer);
      resolve(found[1]);
    });
  });
  return { process: child, endpoint };
}

/** Prepares a place for the browsers of one test file. */
export function localChromium(): LocalChromium {
  const folder = mkdtempSync(join(tmpdir(), 'truckiq-chromium-'));
  let running: ChildProcess | null = null;
  let launched = 0;
  const launch = async (): Promise<Browser> => {
    launched += 1;
    const { process: child, endpoint } = await start(join(folder, `profile-${launched}`));
    running = child;
    return puppeteer.connect({ browserWSEndpoint: endpoint });
  };
  return {
    withContext: async (work) => {
      try {
        return await withBrowser(launch, work);
      } finally {
        running?.kill('SIGKILL');
      }
    },
    kill: () => running?.kill('SIGKILL'),
    launched: () => launched,
    stop() {
      running?.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
