/**
 * Runtimes to measure: workerd through miniflare, with objects and D1 on disk, bound to the servers' core. The product's
 * Worker is bundled as for a deployment, with the doors of product/worker.ts; peers are plain scripts. Requests and sockets go
 * straight to the Worker's own port, past miniflare's router.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions } from 'wrangler';
import { runTool } from '../../scripts/start/build.ts';
import { applyMigrations } from '../../scripts/start/migrate.ts';
import { descendants } from '../../test/platform/processes.ts';
import { testSecrets } from '../../test/secrets.ts';
import { coresOf, pin, serverCore } from './processor-time.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Runtime {
  /** Of the Worker itself, without a path: `http://127.0.0.1:…`. */
  readonly url: string;
  /** Of workerd. */
  pid(): number;
  /** What the runtime and its Workers have written since the start: `level message`. */
  readonly logs: readonly string[];
  /** Puts an object to sleep as the runtime does after ten idle seconds: memory goes, sockets stay. */
  evict(className: string, name: string): Promise<void>;
  stop(): Promise<void>;
}

const workerdPids = (): number[] =>
  descendants(process.pid)
    .filter(({ command }) => command.includes('workerd') && !command.includes('defunct'))
    .map(({ pid }) => pid);

/** Variables of wrangler.toml as on a machine of one's own. */
const localBindings = {
  ENVIRONMENT: 'development',
  ALLOWED_ORIGINS: '',
  RATE_LIMIT_PER_MINUTE: '1000000',
  ALLOW_LOCAL_TARGETS: 'true',
  TRUST_CONNECTING_IP: 'false',
  PUBLIC_URL: 'http://truckiq.test',
  ...testSecrets,
};

/** Runtimes of this process, so that one is not taken for another. */
const claimed = new Set<number>();

/** A port that nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/** One Worker of miniflare, as wrangler describes it. */
type WorkerOptions = Extract<Parameters<typeof convertV4MiniflareOptions>[0], { workers: unknown }>['workers'][number];

interface StartOptions {
  scriptName: string;
  folder: string;
  worker: WorkerOptions;
  /** Runs before the first request, on a port that nobody knows. */
  prepare?: (miniflare: Miniflare) => Promise<void>;
  /** False where nothing is measured: the machine decides which core it runs on. */
  isPinned: boolean;
  port?: number;
}

async function start({ scriptName, folder, worker, prepare, isPinned, port }: StartOptions): Promise<Runtime> {
  const logs: string[] = [];
  const options = {
    ...convertV4MiniflareOptions({
      log: new Log(LogLevel.ERROR),
      cf: false,
      handleStructuredLogs: ({ level, message }) => {
        logs.push(`${level} ${message}`);
      },
      workers: [
        {
          ...worker,
          name: scriptName,
          unsafeDirectSockets: [{ host: '127.0.0.1', port: port ?? 0 }],
        },
      ],
    }),
    resourcePersistencePath: join(folder, 'data'),
  };
  const miniflare = new Miniflare(options);
  await miniflare.ready;
  await prepare?.(miniflare);
  const url = (await miniflare.unsafeGetDirectURL(scriptName)).origin;
  const [own, ...others] = workerdPids().filter((each) => !claimed.has(each));
  if (own === undefined || others.length > 0) throw new Error('one runtime was expected to have started');
  claimed.add(own);
  if (isPinned) {
    pin(own, serverCore);
    if (coresOf(own) !== String(serverCore)) throw new Error(`workerd may run on ${coresOf(own)}`);
  }
  return {
    url,
    pid: () => own,
    logs,
    evict: (className, name) =>
      miniflare.unsafeEvictDurableObject(scriptName, className, { name, webSockets: 'hibernate' }),
    stop: async () => {
      await miniflare.dispose();
      claimed.delete(own);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A folder for one runtime. Inside the project: the runtime reads its script from nowhere else. */
export function newFolder(): string {
  mkdirSync(join(root, '.truckiq'), { recursive: true });
  return mkdtempSync(join(root, '.truckiq', 'realtime-'));
}

const bundles = new Map<string, Promise<string>>();

/** Bundles the product's Worker with the benchmark's doors; once per process. Answers the script's path. */
export function bundled(): Promise<string> {
  const known = bundles.get(root);
  if (known) return known;
  const out = join(newFolder(), 'worker');
  // Named in wrangler.toml, and asked for although nothing of it is served here.
  mkdirSync(join(root, 'web', 'build'), { recursive: true });
  process.on('exit', () => rmSync(join(out, '..'), { recursive: true, force: true }));
  const made = runTool(root, 'wrangler', ['deploy', 'bench/realtime/product/worker.ts', '--dry-run', '--outdir', out], {
    WRANGLER_SEND_METRICS: 'false',
  }).then(() => join(out, 'worker.js'));
  bundles.set(root, made);
  return made;
}

async function migrate(miniflare: Miniflare): Promise<void> {
  await applyMigrations(await miniflare.getD1Database('DB'), join(root, 'migrations'));
}

export interface ProductOptions {
  bindings?: Readonly<Record<string, string>>;
  isPinned?: boolean;
  /** Where it is to be found, and what it finds there; else somewhere new. */
  at?: { folder: string; port: number; script: string; isMigrated: boolean };
}

/** The product, migrated. */
export async function startProduct({ bindings = {}, isPinned = true, at }: ProductOptions = {}): Promise<Runtime> {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(root, 'wrangler.toml'));
  const { modulesRules: _unused, assets: _none, ...configured } = workerOptions;
  return start({
    scriptName: 'truckiq',
    folder: at?.folder ?? newFolder(),
    worker: {
      ...configured,
      rootPath: root,
      modules: true,
      scriptPath: at?.script ?? (await bundled()),
      bindings: { ...(configured.bindings as Record<string, string>), ...localBindings, ...bindings },
      ratelimits: {},
    },
    // Not while requests may come: miniflare's handles stop this thread until they are answered, and workerd stops when
    // nobody takes its log from it.
    ...(at?.isMigrated === true ? {} : { prepare: migrate }),
    isPinned,
    ...(at === undefined ? {} : { port: at.port }),
  });
}

/** The peer of peers/bare-objects.ts. */
export const startBareObjects = (): Promise<Runtime> =>
  start({
    scriptName: 'bare',
    folder: newFolder(),
    worker: {
      modules: true,
      script: stripTypeScriptTypes(readFileSync(join(import.meta.dirname, 'peers', 'bare-objects.ts'), 'utf8')),
      compatibilityDate: '2026-09-18',
      durableObjects: { OBJECTS: { className: 'Bare', useSQLite: true } },
    },
    isPinned: true,
  });
