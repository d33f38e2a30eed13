/**
 * Rescoring a whole fleet in the Worker: workerd with D1 and R2 on disk, as the start command runs them. Standing alone:
 * `node bench/rescore.ts [--vehicles 5000]`. The first scoring is dated twenty days back, so that the measured ones find
 * the history that they look for; the smallest of three counts, because the machine has other things to do.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions } from 'wrangler';
import { runTool } from '../scripts/start/build.ts';
import { applyMigrations } from '../scripts/start/migrate.ts';
import { descendants } from '../test/platform/processes.ts';
import { testSecrets } from '../test/secrets.ts';
import type { Measurement } from './measurement.ts';
import { benchTenantId, plantFleet } from './rescore/fleet.ts';

/** Every variable of wrangler.toml that anything here reads. */
const localBindings = {
  ENVIRONMENT: 'development',
  ALLOWED_ORIGINS: '',
  RATE_LIMIT_PER_MINUTE: '100',
  ALLOW_LOCAL_TARGETS: 'true',
  TRUST_CONNECTING_IP: 'false',
  PUBLIC_URL: 'http://truckiq.test',
};

const root = join(import.meta.dirname, '..');
const turns = 3;

/** The Worker with the benchmark's doors, in a runtime of its own. */
async function startRuntime(folder: string): Promise<Miniflare> {
  const out = join(folder, 'worker');
  await runTool(root, 'wrangler', ['deploy', 'bench/rescore/worker.ts', '--dry-run', '--outdir', out], {
    WRANGLER_SEND_METRICS: 'false',
  });
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(root, 'wrangler.toml'));
  const { modulesRules: _unused, assets: _none, ...options } = workerOptions;
  return new Miniflare(
    convertV4MiniflareOptions({
      defaultPersistRoot: join(folder, 'state'),
      workers: [
        {
          ...options,
          name: 'truckiq',
          rootPath: root,
          modules: true,
          scriptPath: join(out, 'worker.js'),
          bindings: { ...localBindings, ...testSecrets },
          ratelimits: {},
        },
      ],
    }),
  );
}

/** Hundredths of a second, as Linux counts a process's time. */
const ticksPerSecond = 100;

/** Processor time that everything below this process has used: what a busy machine does not distort. */
function cpuSeconds(): number {
  return descendants(process.pid)
    .filter(({ command }) => command.includes('workerd'))
    .reduce((sum, { pid }) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    }, 0);
}

interface Spent {
  seconds: number;
  cpu: number;
}

/** Seconds that rescoring, and the parts of it, take for a fleet of this size. */
export async function measureRescore(vehicles: number): Promise<Measurement[]> {
  // Inside the project: the runtime reads its script from nowhere else.
  mkdirSync(join(root, '.truckiq'), { recursive: true });
  const folder = mkdtempSync(join(root, '.truckiq', 'rescore-'));
  const runtime = await startRuntime(folder);
  try {
    const database = await runtime.getD1Database('DB');
    await applyMigrations(database, join(root, 'migrations'));
    const now = Date.now();
    await plantFleet(database, vehicles, new Date(now));

    const ask = async (path: string, at: number): Promise<Spent> => {
      const cpuBefore = cpuSeconds();
      const startedMs = performance.now();
      const url = `http://truckiq.test${path}?tenant=${benchTenantId}&now=${new Date(at).toISOString()}`;
      const response = await runtime.dispatchFetch(url);
      const text = await response.text();
      if (text !== String(vehicles)) throw new Error(`${path} answered ${text.slice(0, 500)}`);
      return { seconds: (performance.now() - startedMs) / 1000, cpu: cpuSeconds() - cpuBefore };
    };
    const markAll = () =>
      database.prepare('UPDATE vehicles SET is_score_dirty = 1 WHERE tenant_id = ?').bind(benchTenantId).run();
    const smallest = async (path: string, before: () => Promise<unknown>): Promise<Spent> => {
      const spent: Spent[] = [];
      for (let turn = 0; turn < turns; turn += 1) {
        await before();
        spent.push(await ask(path, now + turn * 60_000));
      }
      return {
        seconds: Math.min(...spent.map(({ seconds }) => seconds)),
        cpu: Math.min(...spent.map(({ cpu }) => cpu)),
      };
    };
    await markAll();
    await ask('/rescore', now - 20 * 86_400_000);

    const nothing = () => Promise.resolve();
    const parts: [name: string, path: string, before: () => Promise<unknown>, limit: number | null][] = [
      ['reading what scoring takes', '/read', nothing, null],
      ['reading and scoring', '/read-and-score', nothing, null],
      ['what-if preview', '/preview', nothing, null],
      ['rescoring, everything kept', '/rescore', markAll, 5],
      ['rescoring with alerts and live rooms', '/rescore-and-tell', markAll, null],
    ];
    const results: Measurement[] = [];
    for (const [name, path, before, limit] of parts) {
      const { seconds, cpu } = await smallest(path, before);
      const target = limit === null ? null : ({ relation: '<', value: (limit * vehicles) / 5000 } as const);
      results.push(
        { name: `${name}, ${vehicles} vehicles`, value: seconds, unit: 's', target },
        { name: `${name}, processor time`, value: cpu, unit: 's', target: null },
      );
    }
    return results;
  } finally {
    await runtime.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { vehicles: { type: 'string', default: '5000' } } });
  const results = await measureRescore(Number(values.vehicles));
  console.table(results.map(({ name, value, unit }) => ({ measured: name, value: `${value.toFixed(2)} ${unit}` })));
  const missed = results.filter(({ value, target }) => target !== null && value >= target.value);
  process.exitCode = missed.length === 0 ? 0 : 1;
}
