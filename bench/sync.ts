/** Sync of many vehicles out of the portal's pages by a real browser: time, and the browser's memory as PSS. */
import { Client, control } from '../test/platform/client.ts';
import { descendants, pssMegabytes } from '../test/platform/processes.ts';
import type { RunningPlatform } from '../test/platform/start.ts';
import type { Measurement } from './measurement.ts';

const browserProcess = /chrom/i;
const withinMs = 15 * 60_000;
/** What 100 vehicles may take, in seconds, at four pages in parallel on two cores. */
const secondsPer100 = 60;

export async function measureSync(platform: RunningPlatform, vehicles: number): Promise<Measurement[]> {
  const client = await Client.signIn(platform, 'admin@cascade.example');
  await client.idle();
  await client.useAccount(`bulk-${vehicles}`);
  await control(platform, 'PUT', '/clock', { frozen: true });

  let peakMegabytes = 0;
  const sampler = setInterval(() => {
    const pids = descendants(platform.pid)
      .filter(({ command }) => browserProcess.test(command.split(' ')[0] ?? ''))
      .map(({ pid }) => pid);
    peakMegabytes = Math.max(peakMegabytes, pssMegabytes(pids));
  }, 500);
  const seconds: number[] = [];
  try {
    for (const turn of ['first', 'second']) {
      const startedAt = Date.now();
      const run = await client.sync(withinMs);
      if (run.status !== 'succeeded')
        throw new Error(`the ${turn} run ended ${run.status}: ${run.error?.message ?? ''}`);
      seconds.push((Date.now() - startedAt) / 1000);
    }
  } finally {
    clearInterval(sampler);
    await control(platform, 'PUT', '/clock', { frozen: false });
  }
  const [first = Number.NaN, second = Number.NaN] = seconds;
  const limit = (vehicles / 100) * secondsPer100;
  return [
    { name: `sync of ${vehicles} vehicles`, value: first, unit: 's', target: { relation: '<', value: limit } },
    {
      name: `sync of ${vehicles} vehicles, no news`,
      value: second,
      unit: 's',
      target: { relation: '<', value: limit },
    },
    {
      name: `browser PSS, peak, ${vehicles} vehicles`,
      value: peakMegabytes,
      unit: 'MB',
      target: { relation: '<', value: 700 },
    },
  ];
}
