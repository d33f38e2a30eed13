/**
 * The Worker's process: workerd with D1, Durable Objects, queue, workflow, R2 and Browser Rendering, all embedded.
 * Started by start.ts, which restarts it when it dies; talks to it over the process channel.
 * workerd itself is restarted by miniflare when it crashes; stuck runs are revived after either.
 */
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions } from 'wrangler';
import { z } from 'zod';
import { openDatabase } from '#worker/db/client';
import { CheckError } from './checks.ts';
import { demoPasts, isHistorySeeded, writeHistory } from './demo-history.ts';
import { applyMigrations } from './migrate.ts';
import { seedDemoData } from './seed.ts';

const settingsSchema = z.object({
  root: z.string(),
  port: z.number(),
  stateFolder: z.string(),
  workerScript: z.string(),
  /** A copy of its own: a build beside a running server must not pull the files from under it. */
  dashboardFolder: z.string(),
  syncEverySeconds: z.number(),
  /** When the simulated world began; the demo fleets' past ends there. */
  anchorMs: z.number(),
  seedPortalUrl: z.string().nullable(),
  identityUrl: z.string(),
  bindings: z.record(z.string(), z.string()),
});
export type ServerSettings = z.infer<typeof settingsSchema>;

const minuteMs = 60_000;
/** Nothing can be running right after a start: runs that were under way are brought on their way again at once. */
const restartCron = '@restart';
const sweepCron = '*/5 * * * *';
const syncCron = '*/15 * * * *';
/** What follows from readings, events and scores; a deployment runs it between two syncs. */
const ledgerCron = '7,22,37,52 * * * *';
const nightlyCron = '17 3 * * *';
const witnessCron = '47 3 * * *';
const trainingCron = '37 4 * * *';
const retentionCron = '27 5 * * *';
const tracksCron = '57 * * * *';

function workerOptions(settings: ServerSettings) {
  const { workerOptions: configured } = unstable_getMiniflareWorkerOptions(join(settings.root, 'wrangler.toml'));
  const { modulesRules: _unused, ...options } = configured;
  const { assets } = options;
  if (assets === undefined) throw new Error('wrangler.toml names no assets');
  return {
    ...options,
    name: 'truckiq',
    rootPath: settings.root,
    modules: true,
    scriptPath: settings.workerScript,
    assets: { ...assets, directory: settings.dashboardFolder },
    // Every variable of wrangler.toml has its local value here.
    bindings: settings.bindings,
    // The stand-in for Cloudflare's limiter writes to the disk for every request; see worker/http/shield.ts.
    ratelimits: {},
  };
}

/** Migrations and demo data go in before the first request can come: on a port that nobody knows. */
async function prepareDatabase(miniflare: Miniflare, settings: ServerSettings): Promise<void> {
  const { stateFolder, anchorMs } = settings;
  // Worked out beside everything else that a first start has to do.
  const pasts = isHistorySeeded(stateFolder) ? null : demoPasts(anchorMs);
  pasts?.catch(() => undefined);
  try {
    const database = await miniflare.getD1Database('DB');
    await applyMigrations(database, join(settings.root, 'migrations'));
    await seedDemoData(database, stateFolder, settings.bindings, settings.seedPortalUrl, settings.identityUrl);
    if (pasts !== null) {
      // The same bucket, described by another copy of the types.
      const bucket = (await miniflare.getR2Bucket('ARTIFACTS')) as unknown as R2Bucket;
      await writeHistory(openDatabase(database), bucket, stateFolder, await pasts, anchorMs);
    }
  } finally {
    await miniflare.dispose();
  }
}

async function main(settings: ServerSettings): Promise<void> {
  const logs = join(settings.stateFolder, 'logs');
  mkdirSync(logs, { recursive: true });
  const workerLog = createWriteStream(join(logs, 'worker.log'), { flags: 'a' });
  let afterRestart = (): void => undefined;

  const runtime = (port: number) => ({
    ...convertV4MiniflareOptions({
      host: '127.0.0.1',
      port,
      log: new Log(LogLevel.ERROR),
      cf: false,
      handleStructuredLogs: ({ level, message }) => {
        workerLog.write(`${level} ${message}\n`);
      },
      workers: [workerOptions(settings)],
    }),
    resourcePersistencePath: join(settings.stateFolder, 'data'),
  });
  await prepareDatabase(new Miniflare(runtime(0)), settings);
  const miniflare = new Miniflare({
    ...runtime(settings.port),
    unsafeHandleRuntimeRestart: () => {
      console.error('The runtime died and has been restarted.');
      afterRestart();
    },
  });
  const url = await miniflare.ready;
  const tick = async (cron: string): Promise<void> => {
    try {
      // Asked for each time: a handle does not outlive the runtime it came from.
      const worker = await miniflare.getWorker();
      await worker.scheduled({ cron, scheduledTime: new Date() });
    } catch (cause) {
      console.error(`The cron ${cron} failed: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  };
  afterRestart = () => void setTimeout(() => void tick(restartCron), 1000);
  await tick(restartCron);
  void tick(syncCron).then(() => tick(ledgerCron));
  const timers = [
    setInterval(() => void tick(syncCron).then(() => tick(ledgerCron)), settings.syncEverySeconds * 1000),
    setInterval(() => void tick(sweepCron), Math.min(5 * minuteMs, settings.syncEverySeconds * 1000)),
    setInterval(() => void tick(tracksCron), 60 * minuteMs),
    setInterval(
      () =>
        void tick(nightlyCron)
          .then(() => tick(witnessCron))
          .then(() => tick(trainingCron))
          .then(() => tick(retentionCron)),
      24 * 60 * minuteMs,
    ),
  ];

  const stop = async (): Promise<void> => {
    timers.forEach(clearInterval);
    await miniflare.dispose();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop());
  process.on('disconnect', () => void stop());
  // Ctrl-C reaches the whole group; the parent decides when to stop.
  process.on('SIGINT', () => undefined);
  process.send?.({ kind: 'ready', url: url.origin });
}

process.once('message', (message) => {
  main(settingsSchema.parse(message)).catch((cause: unknown) => {
    // What a person can put right needs no stack.
    const known = cause instanceof CheckError;
    console.error(cause instanceof Error && !known ? (cause.stack ?? cause.message) : String(cause));
    process.exit(1);
  });
});
