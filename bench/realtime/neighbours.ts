/**
 * One large room beside a hundred small ones in one process: what the small ones feel of it, and how long the large one ever
 * keeps the thread. On the platform rooms live apart; here they share a thread, so a long slice is everybody's delay.
 */
import { percentile } from '../measurement.ts';
import { range, rowsByVin, tenantIdOf, vehicleIdOf, positionOf } from './fleet.ts';
import { Gateway, sleep, until } from './gateway.ts';
import { everyMs, largeFleet, movingShare, openLargeRoom, follow } from './large-fleet.ts';
import { exactly, type LineResult, type RunOptions } from './line.ts';
import { interleave, ratiosOf, requireSound, spreadOf } from './pairs.ts';
import { faultsOf, openReaders, type Reader } from './reader.ts';
import { startProduct, type Runtime } from './runtime.ts';

const tenants = 100;
const fleet = 100;
/** Each small tenant reports so often; their turns are spread over it. */
const reportEveryMs = 2_000;
const reporting = 20;
const watchingLarge = 50;

interface Small {
  place: number;
  tenantId: string;
  key: string;
  reader: Reader;
  step: number;
  /** Latitude of the first truck → when it was sent. */
  sent: Map<number, number>;
  delays: number[];
}

async function openSmall(runtime: Runtime, gateway: Gateway, place: number): Promise<Small> {
  const tenantId = tenantIdOf(place);
  const { key } = await gateway.plant(tenantId, place, fleet);
  const first = vehicleIdOf(tenantId, 0);
  const sent = new Map<number, number>();
  const delays: number[] = [];
  const [reader] = await openReaders(runtime.url, await gateway.tickets(tenantId, 1), () => ({
    ...{ encoding: 'json', isWhole: true, ackEvery: 4, tenantId },
    onTick: (_seq, atMs, delta) => {
      const lat = delta?.vehicles.find(({ id }) => id === first)?.lat;
      const sentMs = typeof lat === 'number' ? sent.get(lat) : undefined;
      if (sentMs !== undefined) delays.push(atMs - sentMs);
    },
  }));
  if (reader === undefined) throw new Error('no reader');
  return { place, tenantId, key, reader, step: 0, sent, delays };
}

/** Every small tenant reports in its turn for so long; answers all delays from the sending of a POST to its frame. */
async function reportFor(gateway: Gateway, rooms: readonly Small[], milliseconds: number): Promise<number[]> {
  for (const room of rooms) room.delays.length = 0;
  const startedMs = performance.now();
  const posts: Promise<void>[] = [];
  const turns = Math.round((milliseconds / reportEveryMs) * rooms.length);
  for (let turn = 0; turn < turns; turn += 1) {
    await sleep(startedMs + (turn * reportEveryMs) / rooms.length - performance.now());
    const room = rooms[turn % rooms.length];
    if (room === undefined) continue;
    room.step += 1;
    const rows = rowsByVin(room.place, range(0, reporting), room.step, new Date().toISOString());
    room.sent.set(positionOf(0, room.step, '').lat, performance.now());
    posts.push(gateway.positions(room.key, JSON.stringify({ positions: rows }), reporting));
  }
  await Promise.all(posts);
  await until(() => rooms.reduce((sum, { delays }) => sum + delays.length, 0) >= turns, 5_000, 'every small report');
  for (const { reader, tenantId, step } of rooms) {
    const held = reader.vehicles.get(vehicleIdOf(tenantId, reporting - 1));
    requireSound(held?.lat === positionOf(reporting - 1, step, '').lat, 'a wrong final state of a small room');
  }
  const faults = faultsOf(rooms.map(({ reader }) => reader));
  requireSound(faults.length === 0, faults.slice(0, 3).join('; '));
  return rooms.flatMap(({ delays }) => delays);
}

interface Slice {
  object: string;
  entry: string;
  milliseconds: number;
  calls: number;
}

export async function measureNeighbours({ isQuick, rounds, say }: RunOptions): Promise<LineResult> {
  const milliseconds = isQuick ? 2_000 : 3_000;
  const product = await startProduct({ bindings: { TIMED_SLICES: 'true' } });
  const gateway = new Gateway(product.url, 16);
  try {
    const rooms: Small[] = [];
    for (const place of range(1, tenants + 1)) rooms.push(await openSmall(product, gateway, place));
    const large = await openLargeRoom(product, gateway, {
      ...{ place: tenants + 1, trucks: largeFleet, count: watchingLarge },
    });
    let next = 1;
    const steps = Math.round(milliseconds / everyMs);
    const loadLarge = async (): Promise<void> => {
      next += steps;
      await follow(large, largeFleet, next - steps, steps);
    };
    await reportFor(gateway, rooms, reportEveryMs);
    await loadLarge();
    // What came before is the filling of empty rooms: a slice of its own kind, taken apart.
    const ofFilling = (await gateway.door<Slice[]>('slices', {})).filter(({ object }) =>
      object.includes(large.tenantId),
    );
    const p99 = await interleave(rounds, {
      alone: async () => percentile(await reportFor(gateway, rooms, milliseconds), 0.99),
      beside: async () => {
        const [delays] = await Promise.all([reportFor(gateway, rooms, milliseconds), loadLarge()]);
        return percentile(delays, 0.99);
      },
    });
    const ofLarge = (await gateway.door<Slice[]>('slices', {})).filter(({ object }) => object.includes(large.tenantId));
    const longest = (slices: readonly Slice[]): number => Math.max(0, ...slices.map((slice) => slice.milliseconds));
    const named = (slices: readonly Slice[]): string =>
      slices
        .slice(0, 5)
        .map(
          ({ object, entry, milliseconds: most, calls }) =>
            `${object.split(' ')[0] ?? ''}.${entry} ${most} ms (${calls} calls)`,
        )
        .join(', ');
    say(JSON.stringify({ p99, filling: named(ofFilling), load: named(ofLarge) }));
    const anyOf = 'the small tenants beside the large one';
    const later = p99.beside.map((ms, round) => ms - (p99.alone[round] ?? Number.NaN));
    return {
      findings: [
        {
          ...{ promise: 'longest slice of the large room and its tracks under load', unit: 'ms' },
          ...{ spread: exactly(longest(ofLarge)), limit: { relation: '≤', value: 25 } },
        },
        {
          ...{ promise: 'longest slice while it is filled and its readers come', unit: 'ms' },
          ...{ spread: exactly(longest(ofFilling)), limit: { relation: '≤', value: 25 } },
        },
        {
          ...{ promise: 'p99 of the small tenants beside the large one', unit: '×', anyOf },
          ...{ spread: spreadOf(ratiosOf(p99.beside, p99.alone)), limit: { relation: '≤', value: 1.5 } },
        },
        {
          ...{ promise: 'or later by', unit: 'ms', anyOf },
          ...{ spread: spreadOf(later), limit: { relation: '≤', value: 25 } },
        },
        { promise: 'small tenants alone, p99', spread: spreadOf(p99.alone), unit: 'ms', limit: null },
        { promise: 'small tenants beside the large one, p99', spread: spreadOf(p99.beside), unit: 'ms', limit: null },
      ],
      notes: [
        `${tenants} tenants of ${fleet} trucks, each reporting ${reporting} every ${reportEveryMs / 1000} s to one JSON socket, from the ` +
          `sending of the POST to the frame; the large one has ${largeFleet} trucks of which ${largeFleet * movingShare} move every ` +
          `${everyMs} ms, and ${watchingLarge} packed sockets. All in one process and thread.`,
        `Slices are timed inside the objects, to the millisecond (bench/realtime/product/slices.ts). Under load: ${named(ofLarge)}. ` +
          `While filling: ${named(ofFilling)}.`,
      ],
    };
  } finally {
    gateway.close();
    await product.stop();
  }
}
