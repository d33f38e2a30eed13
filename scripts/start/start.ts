/**
 * `npm start`: from a clone to live demo fleets with one command. Checks, builds, starts the simulated outside world and
 * the Worker, each supervised, and prints where to look. Ctrl-C stops everything; what was acknowledged is kept.
 */
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { demoDomain } from '#simulators/identity/people';
import { localApiKey } from '#simulators/mail/email-api';
import { demoPassword, demoPeople } from '#simulators/world/demo';
import { findBrowser, installBrowserWrapper } from './browser.ts';
import { build } from './build.ts';
import { CheckError, lockStateFolder, prepareStateFolder, readStateFile, requireFreePort } from './checks.ts';
import { isHistorySeeded } from './demo-history.ts';
import { gatewayKeys, gatewayKeysFile } from './gateway-keys.ts';
import { localSecrets } from './local-secrets.ts';
import { OptionError, parseStartOptions, type StartOptions } from './options.ts';
import { demoProviderId } from './seed.ts';
import { worldSeed } from './seed-ids.ts';
import type { ServerSettings } from './server.ts';
import { supervise, type Supervised } from './supervise.ts';

const root = join(import.meta.dirname, '..', '..');

/** When the world began: kept, so that a restart continues the same story. */
function worldAnchorMs(stateFolder: string): number {
  const file = join(stateFolder, 'world.json');
  if (existsSync(file)) return readStateFile(file, (value) => z.object({ anchorMs: z.number() }).parse(value).anchorMs);
  const anchorMs = Date.now();
  writeFileSync(file, JSON.stringify({ anchorMs }));
  return anchorMs;
}

async function waitUntilServing(url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await fetch(`${url}/api/health`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('The Worker started but does not answer.');
}

function announce(options: StartOptions, url: string): void {
  const people = demoPeople.map(
    ({ email, role, tenantName }) => `    ${email.padEnd(27)} ${role.padEnd(16)} ${tenantName ?? 'all tenants'}`,
  );
  const world = options.world
    ? [
        `  Portal     http://127.0.0.1:${options.worldPort} (simulated; read by a real Chromium every ${options.syncEverySeconds} s)`,
      ]
    : ['  Portal     none (--no-world)'];
  const identity = `  Directory  http://127.0.0.1:${options.identityPort} (simulated identity provider of Blue Ridge Freight: sign in with ${demoDomain})`;
  const mail = `  Mail       http://127.0.0.1:${options.mailPort} (every message that would be sent)`;
  console.log(
    [
      '',
      '  TruckIQ is running.',
      '',
      `  Dashboard  ${url}`,
      `  Display    ${url}/display (shows a code to pair it; signed in, the board at once)`,
      `  API        ${url}/api/docs`,
      ...world,
      mail,
      identity,
      '',
      `  Sign in with the password ${demoPassword} as`,
      ...people,
      '',
      '  Look at: Home for the trucks that need attention, a truck’s page for the reasons, Alerts for the inbox,',
      '  and the display on a second screen. Trucks move every few seconds; faults arrive with the next sync.',
      '',
      `  Data, secrets and logs are in ${options.stateFolder}. Ctrl-C stops everything.`,
      '',
    ].join('\n'),
  );
}

/** Ending `npm start` by its process id reaches npm alone, which does not always pass it on. */
function stopWithParent(stop: () => void): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stop();
  }, 1000).unref();
}

async function run(options: StartOptions): Promise<void> {
  lockStateFolder(options.stateFolder);
  await requireFreePort(options.port, 'the dashboard');
  if (options.world) await requireFreePort(options.worldPort, 'the simulated portal (the one after --port)');
  await requireFreePort(options.mailPort, 'the mail simulator (the second after --port)');
  await requireFreePort(options.identityPort, 'the identity provider (the third after --port)');
  prepareStateFolder(options.stateFolder, options.fresh);
  // Read before anything takes time: a damaged file is said at once.
  const secrets = localSecrets(options.stateFolder);
  const anchorMs = worldAnchorMs(options.stateFolder);
  gatewayKeys(options.stateFolder);
  const browser = await findBrowser();
  if (browser === null) {
    throw new CheckError(
      process.env['CHROME_PATH']
        ? `CHROME_PATH names ${process.env['CHROME_PATH']}, which cannot be run. Point it at a Chromium, or unset it.`
        : 'No Chromium was found. Install one (apt-get install chromium), or point CHROME_PATH at it.',
    );
  }
  const browserEnv = installBrowserWrapper(browser, join(options.stateFolder, 'cache'));
  const { workerScript } = await build(root, join(root, '.truckiq', 'build'), (line) => console.log(line));

  const dashboardFolder = join(options.stateFolder, 'dashboard');
  rmSync(dashboardFolder, { recursive: true, force: true });
  cpSync(join(root, 'web', 'build'), dashboardFolder, { recursive: true });

  const portalUrl = `http://127.0.0.1:${options.worldPort}`;
  const url = `http://127.0.0.1:${options.port}`;
  const children: Supervised[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopping ??= Promise.all(children.map((child) => child.stop())).then(() => undefined));
  const stopAndExit = (): void =>
    void stop().then(() => {
      console.log(`Stopped. Everything is kept in ${options.stateFolder}.`);
      process.exit(0);
    });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stopAndExit);
  if (process.env['npm_lifecycle_event'] !== undefined) stopWithParent(stopAndExit);

  // One process for everything outside: mail always, the world unless it is not wanted.
  const simulators = supervise({
    name: 'The simulators',
    script: join(root, 'simulators', 'main.ts'),
    logFile: join(options.stateFolder, 'logs', 'world.log'),
    args: [
      ...['--mail-port', String(options.mailPort), '--mail-folder', join(options.stateFolder, 'mail')],
      ...['--identity-port', String(options.identityPort), '--identity-provider', demoProviderId],
      ...['--port', String(options.worldPort), '--api', url, '--seed', String(worldSeed)],
      ...['--anchor', String(anchorMs), '--speed', String(options.speed)],
      ...['--keys', gatewayKeysFile(options.stateFolder)],
      ...(options.world ? [] : ['--no-world']),
    ],
  });
  children.push(simulators);
  if (!isHistorySeeded(options.stateFolder)) console.log('Writing the past of the demo fleets (once, some seconds)…');
  await Promise.race([simulators.ready, simulators.failed]);
  const server = supervise({
    name: 'The Worker',
    script: join(import.meta.dirname, 'server.ts'),
    env: browserEnv,
    logFile: join(options.stateFolder, 'logs', 'server.log'),
    settings: {
      root,
      port: options.port,
      stateFolder: options.stateFolder,
      workerScript,
      dashboardFolder,
      syncEverySeconds: options.syncEverySeconds,
      anchorMs,
      seedPortalUrl: options.world ? portalUrl : null,
      identityUrl: `http://127.0.0.1:${options.identityPort}`,
      bindings: {
        ...secrets,
        ENVIRONMENT: 'development',
        PUBLIC_URL: url,
        SIGN_UP: String(options.signUp),
        MAIL_API_URL: `http://127.0.0.1:${options.mailPort}`,
        MAIL_API_KEY: localApiKey,
        MAIL_FROM: 'TruckIQ <notify@truckiq.example>',
        DNS_API_URL: `http://127.0.0.1:${options.identityPort}/dns-query`,
        ALLOWED_ORIGINS: `http://localhost:${options.port},http://127.0.0.1:${options.port}`,
        ALLOW_LOCAL_TARGETS: 'true',
        TRUST_CONNECTING_IP: 'false',
        RATE_LIMIT_PER_MINUTE: String(options.requestsPerMinute),
      },
    } satisfies ServerSettings,
  });
  children.push(server);
  try {
    await Promise.race([server.ready, server.failed]);
    await waitUntilServing(url);
    announce(options, url);
    await Promise.race(children.map((child) => child.failed));
  } catch (cause) {
    await stop();
    throw cause;
  }
}

try {
  await run(parseStartOptions(process.argv.slice(2), root));
} catch (cause) {
  const expected = cause instanceof CheckError || cause instanceof OptionError;
  console.error(
    expected ? cause.message : `TruckIQ could not start. ${cause instanceof Error ? cause.message : String(cause)}`,
  );
  process.exit(1);
}
