/**
 * `npm run bench`: measures the running platform against its targets, prints a table and writes bench/results.json.
 * `--only sync,api,live,identity,rescore,realtime` runs a part; `--vehicles 2000` chooses how many trucks the sync reads (100, 500 or
 * 2000); `--line fan-out` runs one line of the realtime part, `--quick` shortens it. A part that was left out keeps its last results.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startPlatform } from '../test/platform/start.ts';
import { measureApi } from './api.ts';
import { measureIdentity } from './identity.ts';
import { measureLive } from './live.ts';
import { meets, type Measurement } from './measurement.ts';
import { measureRealtime } from './realtime.ts';
import { measureRescore } from './rescore.ts';
import { measureSync } from './sync.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'sync,api,live,identity,rescore,realtime' },
    vehicles: { type: 'string', default: '500' },
    line: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const parts = z.array(z.enum(['sync', 'api', 'live', 'identity', 'rescore', 'realtime'])).parse(values.only.split(','));
const vehicles = z.enum(['100', '500', '2000']).transform(Number).parse(values.vehicles);

type Part = (typeof parts)[number];
type Result = Measurement & { part?: Part };
const results: Result[] = [];
const take = (part: Part, measured: readonly Measurement[]): void => {
  results.push(...measured.map((each) => ({ part, ...each })));
};
if (parts.some((part) => part !== 'rescore' && part !== 'realtime')) {
  const options = ['--fresh', '--speed', '1', '--rate-limit', '1000000'];
  const platform = await startPlatform(18_887, '.truckiq/bench', options);
  try {
    if (parts.includes('sync')) take('sync', await measureSync(platform, vehicles));
    if (parts.includes('api')) take('api', await measureApi(platform));
    if (parts.includes('live')) take('live', await measureLive(platform));
    if (parts.includes('identity')) take('identity', await measureIdentity(platform));
  } finally {
    await platform.stop();
  }
}
// In runtimes of their own, after the platform has gone.
if (parts.includes('rescore')) take('rescore', await measureRescore(5000));
if (parts.includes('realtime')) {
  take('realtime', await measureRealtime({ isQuick: values.quick, line: values.line ?? null }));
}

console.table(
  results.map((result) => ({
    measured: result.name,
    value: `${result.value.toFixed(result.value < 10 ? 2 : 0)} ${result.unit}`,
    target: result.target === null ? '' : `${result.target.relation} ${result.target.value} ${result.unit}`,
    holds: { true: 'yes', false: 'NO', null: '' }[`${meets(result)}`],
  })),
);

/** What the parts that were not run said when they were. */
function keptFrom(file: string): Result[] {
  if (!existsSync(file)) return [];
  const { results: before } = JSON.parse(readFileSync(file, 'utf8')) as { results: Result[] };
  const isWhole = values.line === undefined;
  return before.filter(({ part, name }) =>
    part === undefined || !isWhole ? results.every((result) => result.name !== name) : !parts.includes(part),
  );
}

// Short rounds are no result.
if (!values.quick) {
  const file = join(import.meta.dirname, 'results.json');
  const all = [...keptFrom(file), ...results];
  const written = { measuredAt: new Date().toISOString(), cores: cpus().length, results: all };
  writeFileSync(file, `${JSON.stringify(written, null, 2)}\n`);
}
