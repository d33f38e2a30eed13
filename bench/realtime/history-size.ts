/** Whether thirty days of positions fit one object: bytes of a fix as encoded, as an object holds them, and the arithmetic. */
import { bulkRoster } from '../../simulators/world/roster.ts';
import { drivenFixes, measureBytesPerFix, monthGigabytes } from '../tracks/bytes-per-fix.ts';
import { toReading } from '#durable-objects/readings/packed-steps';
import { tenantIdOf, vehicleIdOf } from './fleet.ts';
import { Gateway, sleep } from './gateway.ts';
import { exactly, type LineResult, type RunOptions } from './line.ts';
import { requireSound } from './pairs.ts';
import { startProduct } from './runtime.ts';

const objectGigabytes = 10;
const everyMs = 30_000;
const dayMs = 86_400_000;
const perCall = 1_000;
/** A day of so many is more than the 250,000 fixes at which the tracks begin to compact. */
const trucksOfTheObject = 100;

interface Held {
  tracks: { chunks: number; chunkBytes: number; databaseBytes: number; intakeFixes: number };
}

/** A day of some trucks with every digit that an unkind receiver has, through the room into its tracks. */
async function heldByAnObject(trucks: number): Promise<Held['tracks'] & { fixes: number }> {
  const product = await startProduct();
  const gateway = new Gateway(product.url);
  try {
    const tenantId = tenantIdOf(1);
    await gateway.plant(tenantId, 1, trucks);
    // A ticket makes sure that the room knows its trucks.
    await gateway.tickets(tenantId, 1);
    const startMs = Math.floor((Date.now() - 3 * dayMs) / dayMs) * dayMs;
    const rows = bulkRoster(trucks, 7).flatMap((truck, n) =>
      drivenFixes(truck, { startMs, count: dayMs / everyMs, everyMs, isNoisy: true }).map((fix) => ({
        ...toReading(fix),
        vehicleId: vehicleIdOf(tenantId, n),
      })),
    );
    rows.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
    for (let from = 0; from < rows.length; from += perCall) {
      const positions = rows.slice(from, from + perCall);
      for (;;) {
        const outcome = await gateway.door<{ kind: string }>('feed', { tenantId, positions });
        if (outcome.kind === 'taken') break;
        await sleep(1_000);
      }
    }
    let held = (await gateway.door<Held>('status', { tenantId })).tracks;
    // A round of compaction leaves what came after its beginning: over when nothing moves any more.
    for (let waited = 0, still = 0; (held.chunks === 0 || still < 3) && waited < 60; waited += 1) {
      await sleep(1_000);
      const before = held.intakeFixes;
      held = (await gateway.door<Held>('status', { tenantId })).tracks;
      still = held.intakeFixes === before ? still + 1 : 0;
    }
    requireSound(held.chunks > 0, 'nothing was compacted');
    return { ...held, fixes: rows.length };
  } finally {
    gateway.close();
    await product.stop();
  }
}

export async function measureHistorySize({ isQuick, say }: RunOptions): Promise<LineResult> {
  const trucks = isQuick ? 5 : 40;
  const smooth = measureBytesPerFix({ trucks, isNoisy: false, seed: 3 });
  const noisy = measureBytesPerFix({ trucks, isNoisy: true, seed: 3 });
  const held = await heldByAnObject(trucksOfTheObject);
  say(JSON.stringify({ smooth, noisy, held }));
  const month = (promise: string, bytes: number) => ({
    ...{ promise: `30 days × 5,000 trucks × one fix per 30 s, ${promise}`, unit: 'GB' },
    ...{ spread: exactly(monthGigabytes(bytes)), limit: { relation: '≤', value: objectGigabytes } as const },
  });
  const bytes = (promise: string, value: number) => ({ promise, spread: exactly(value), unit: 'bytes', limit: null });
  return {
    findings: [
      month('a good gateway', smooth.sealed),
      month('an unkind receiver', noisy.sealed),
      month('as an object holds it, database and all', held.databaseBytes / held.fixes),
      bytes('a fix of a good gateway, in a sealed chunk', smooth.sealed),
      bytes('a fix of an unkind receiver, in a sealed chunk', noisy.sealed),
      bytes('the same in an object, chunks alone', held.chunkBytes / (held.fixes - held.intakeFixes)),
      bytes('the same in an object, whole database', held.databaseBytes / held.fixes),
    ],
    notes: [
      `5,000 trucks × 2,880 fixes a day × 30 days = 432,000,000 fixes; ${objectGigabytes} GB leave ${((objectGigabytes * 1e9) / 432e6).toFixed(1)} ` +
        `bytes for each. Measured on a day of ${trucks} simulated trucks, in the object of ${trucksOfTheObject}; it held ${held.chunks} chunks of ${held.fixes} fixes, ` +
        `${held.intakeFixes} still waiting to be compacted.`,
    ],
  };
}
