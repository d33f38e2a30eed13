/**
 * `npm run bench`: measures the running platform against its targets, prints a table and writes bench/results.json.
 * `--only sync,api,live,identity,rescore` runs a part; `--vehicles 2000` chooses how many trucks the sync reads (100, 500 or 2000).
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startPlatform } from '../test/platform/start.ts';
import { measureApi } from './api.ts';
import { measureIdentity } from './identity.ts';
import { measureLive } from './live.ts';
import type { Measurement } from './measurement.ts';
import { measureRescore } from './rescore.ts';
import { measureSync } from './sync.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'sync,api,live,identity,rescore' },
    vehicles: { type: 'string', default: '500' },
  },
});
const parts = z.array(z.enum(['sync', 'api', 'live', 'identity', 'rescore'])).parse(values.only.split(','));
const vehicles = z.enum(['100', '500', '2000']).transform(Number).parse(values.vehicles);

const results: Measurement[] = [];
if (parts.some((part) => part !== 'rescore')) {
  const options = ['--fresh', '--speed', '1', '--rate-limit', '1000000'];
  const platform = await startPlatform(18_887, '.truckiq/bench', options);
  try {
    if (parts.includes('sync')) results.push(...(await measureSync(platform, vehicles)));
    if (parts.includes('api')) results.push(...(await measureApi(platform)));
    if (parts.includes('live')) results.push(...(await measureLive(platform)));
    if (parts.includes('identity')) results.push(...(await measureIdentity(platform)));
  } finally {
    await platform.stop();
  }
}
// In a runtime of its own, after the platform has gone.
if (parts.includes('rescore')) results.push(...(await measureRescore(5000)));

console.table(
  results.map(({ name, value, unit, target }) => ({
    measured: name,
    value: `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`,
    target: target === null ? '' : `${target.relation} ${target.value} ${unit}`,
    holds:
      target === null ? '' : (target.relation === '<' ? value < target.value : value > target.value) ? 'yes' : 'NO',
  })),
);
writeFileSync(
  join(import.meta.dirname, 'results.json'),
  `${JSON.stringify({ measuredAt: new Date().toISOString(), cores: cpus().length, results }, null, 2)}\n`,
);
