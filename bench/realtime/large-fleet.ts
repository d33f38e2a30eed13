/**
 * The large fleet: 5,000 trucks of which a fixed fifth moves every 200 ms, reported in batches of 1,000 through the whole
 * way in, watched by 200 sockets in packed encoding. From the answer to a POST to the frame on every socket, beside a
 * Durable Object that takes the same bytes and sends frames of the same size at the same ticks; and what a frame weighs.
 */
import { liveLimits } from '#contracts/live';
import { percentile } from '../measurement.ts';
import { range, rowsByVin, tenantIdOf, vehicleIdOf, positionOf } from './fleet.ts';
import { Gateway, sleep, until } from './gateway.ts';
import { exactly, type LineResult, type RunOptions } from './line.ts';
import { interleave, ratiosOf, requireSound, spreadOf } from './pairs.ts';
import { openPeerReaders, type PeerReader } from './peers/peer-reader.ts';
import { faultsOf, openReaders, Reader } from './reader.ts';
import { startBareObjects, startProduct, type Runtime } from './runtime.ts';

export const largeFleet = 5_000;
export const movingShare = 0.2;
const moving = largeFleet * movingShare;
export const everyMs = 200;
const sockets = 200;
const wholeReaders = 4;
const ackEvery = 4;

/** The POST of one step for a tenant: a fixed fifth of its trucks. */
export const stepBody = (place: number, trucks: number, step: number): string => {
  const at = new Date().toISOString();
  return JSON.stringify({ positions: rowsByVin(place, range(0, trucks * movingShare), step, at) });
};

/** When what was posted came: per step the moment of its answer and of the frame on each socket. */
class Arrivals {
  /** Per step the moment at which its POST had been answered. */
  readonly accepted = new Map<number, number>();
  /** Per tick of the room the moments of arrival. */
  readonly ticks = new Map<number, number[]>();
  /** Per tick the latest step that it brings. */
  readonly stepOfTick = new Map<number, number>();

  noteTick(seq: number, atMs: number): void {
    const known = this.ticks.get(seq);
    if (known) known.push(atMs);
    else this.ticks.set(seq, [atMs]);
  }

  /** Milliseconds from each answer to each socket's frame that brought the step; a frame may be quicker than the answer. */
  delays(): number[] {
    const inOrder = [...this.stepOfTick].sort(([a], [b]) => a - b);
    const delays: number[] = [];
    for (const [step, acceptedMs] of this.accepted) {
      const tick = inOrder.find(([, brings]) => brings >= step);
      if (tick === undefined) throw new Error(`step ${step} never came`);
      for (const atMs of this.ticks.get(tick[0]) ?? []) delays.push(Math.max(0, atMs - acceptedMs));
    }
    return delays;
  }

  clear(): void {
    this.accepted.clear();
    this.ticks.clear();
    this.stepOfTick.clear();
  }
}

/** Which step a position of the first truck is of: its latitude goes up with each. */
export const stepOfLat = (lat: number): number => Math.round((lat - positionOf(0, 0, '').lat) / 0.000_052_3);

export interface LargeRoom {
  runtime: Runtime;
  gateway: Gateway;
  tenantId: string;
  place: number;
  key: string;
  readers: Reader[];
  arrivals: Arrivals;
}

/** A room with readers of whom the first few read everything. */
export async function openLargeRoom(
  runtime: Runtime,
  gateway: Gateway,
  { place, trucks, count }: { place: number; trucks: number; count: number },
): Promise<LargeRoom> {
  const tenantId = tenantIdOf(place);
  const { key } = await gateway.plant(tenantId, place, trucks);
  const arrivals = new Arrivals();
  const first = vehicleIdOf(tenantId, 0);
  const readers = await openReaders(runtime.url, await gateway.tickets(tenantId, count), (at) => ({
    ...{ encoding: 'packed', isWhole: at < wholeReaders, ackEvery, tenantId },
    onTick: (seq, atMs, delta) => {
      if (delta === null && at < wholeReaders) return;
      arrivals.noteTick(seq, atMs);
      const lat = delta?.vehicles.find(({ id }) => id === first)?.lat;
      if (typeof lat === 'number') arrivals.stepOfTick.set(seq, stepOfLat(lat));
    },
  }));
  return { runtime, gateway, tenantId, place, key, readers, arrivals };
}

/** Posts steps at the pace; answers the delays from each answer to each socket. Throws when anything is wrong. */
export async function follow(room: LargeRoom, trucks: number, from: number, steps: number): Promise<number[]> {
  const { gateway, key, arrivals, readers, place } = room;
  arrivals.clear();
  const bodies = range(from, from + steps).map((step) => () => stepBody(place, trucks, step));
  const startedMs = performance.now();
  const posts: Promise<void>[] = [];
  for (const [n, body] of bodies.entries()) {
    await sleep(startedMs + n * everyMs - performance.now());
    // The next one does not wait for the answer to this one: gateways do not know each other.
    posts.push(
      gateway
        .positions(key, body(), trucks * movingShare)
        .then(() => void arrivals.accepted.set(from + n, performance.now())),
    );
  }
  await Promise.all(posts);
  await until(() => Math.max(...arrivals.stepOfTick.values()) >= from + steps - 1, 5_000, 'the last step');
  await sleep(50);
  const faults = faultsOf(readers);
  requireSound(faults.length === 0, faults.slice(0, 3).join('; '));
  requireFleetAt(room, trucks, from + steps - 1);
  return arrivals.delays();
}

/** Whoever reads whole frames must hold where each truck was last said to be. */
export function requireFleetAt({ readers, tenantId }: LargeRoom, trucks: number, step: number): void {
  for (const reader of readers.slice(0, wholeReaders)) {
    requireSound(reader.vehicles.size === trucks, `${reader.vehicles.size} trucks where there are ${trucks}`);
    for (const truck of range(0, trucks * movingShare)) {
      const { lat, lon } = positionOf(truck, step, '');
      const held = reader.vehicles.get(vehicleIdOf(tenantId, truck));
      requireSound(held?.lat === lat && held.lon === lon, `a wrong final state of truck ${truck}`);
    }
  }
}

/** The same from a bare object: bytes in, frames of a given size out at the same ticks. */
async function followBare(
  gateway: Gateway,
  readers: readonly PeerReader[],
  { from, steps, frameBytes, came }: { from: number; steps: number; frameBytes: number; came: Map<number, number[]> },
): Promise<number[]> {
  came.clear();
  const accepted = new Map<number, number>();
  const startedMs = performance.now();
  const posts: Promise<void>[] = [];
  for (let seq = from; seq < from + steps; seq += 1) {
    await sleep(startedMs + (seq - from) * everyMs - performance.now());
    const path = `/object/large/fill?seq=${seq}&tick=${liveLimits.tickMs}&bytes=${frameBytes}`;
    posts.push(
      gateway.post(path, stepBody(1, largeFleet, seq)).then(({ status }) => {
        requireSound(status === 200, `the bare object answered ${status}`);
        accepted.set(seq, performance.now());
      }),
    );
  }
  await Promise.all(posts);
  const last = from + steps - 1;
  await until(() => (came.get(last)?.length ?? 0) === readers.length, 5_000, 'the last frame of the bare object');
  const faults = readers.flatMap((reader) => reader.faults);
  requireSound(faults.length === 0, faults.slice(0, 3).join('; '));
  const counts = [...came.keys()].sort((a, b) => a - b);
  return [...accepted].flatMap(([seq, atMs]) => {
    const frame = counts.find((count) => count >= seq) ?? Number.NaN;
    return (came.get(frame) ?? []).map((frameMs) => Math.max(0, frameMs - atMs));
  });
}

/** Bytes of a merged delta after five seconds away, and of the snapshot that it saves. */
async function comeBack(room: LargeRoom, from: number): Promise<{ resume: number; snapshot: number }> {
  const { gateway, tenantId, runtime } = room;
  const open = async (resumes?: Reader) => {
    const [ticket = ''] = await gateway.tickets(tenantId, 1);
    const options = { encoding: 'packed', isWhole: true, ackEvery, tenantId } as const;
    const reader = new Reader(runtime.url, ticket, resumes ? { ...options, resumes } : options);
    await reader.ready;
    return reader;
  };
  const first = await open();
  first.close();
  const steps = 5_000 / everyMs;
  await follow(room, largeFleet, from, steps);
  const second = await open(first);
  const { bytes, snapshots, faults } = second;
  requireSound(snapshots === 0 && faults.length === 0, `no resume: ${faults.join('; ')}`);
  const moved = vehicleIdOf(tenantId, moving - 1);
  requireSound(
    second.vehicles.get(moved)?.lat === positionOf(moving - 1, from + steps - 1, '').lat,
    'a resume that left something out',
  );
  second.close();
  return { resume: bytes, snapshot: first.snapshotBytes };
}

export async function measureLargeFleet({ isQuick, rounds, say }: RunOptions): Promise<LineResult> {
  const steps = isQuick ? 10 : 25;
  const [product, bare] = [await startProduct(), await startBareObjects()];
  const [gateway, toBare] = [new Gateway(product.url), new Gateway(bare.url)];
  try {
    const room = await openLargeRoom(product, gateway, { place: 1, trucks: largeFleet, count: sockets });
    const [inJson] = await openReaders(product.url, await gateway.tickets(room.tenantId, 1), () => ({
      ...{ encoding: 'json', isWhole: true, ackEvery, tenantId: room.tenantId },
    }));
    const packed = room.readers[0];
    if (inJson === undefined || packed === undefined) throw new Error('no readers');
    await follow(room, largeFleet, 1, isQuick ? 5 : 15);
    const weightOf = ({ deltaBytes, updates }: Reader): number => deltaBytes / updates;
    const weights = { packed: weightOf(packed), json: weightOf(inJson) };
    // A JSON socket costs the room a serialisation of its own: gone before the clock is read.
    inJson.close();
    const frameBytes = Math.round(packed.deltaBytes / packed.deltas);

    const came = new Map<number, number[]>();
    const bareReaders = await openPeerReaders(`${bare.url}/object/large`, sockets, {
      speech: 'bytes',
      onFrame: (count, atMs) => {
        const known = came.get(count);
        if (known) known.push(atMs);
        else came.set(count, [atMs]);
      },
    });
    let next = 100;
    const medians: number[] = [];
    const p99 = await interleave(rounds, {
      room: async () => {
        const delays = await follow(room, largeFleet, next, steps);
        next += steps;
        medians.push(percentile(delays, 0.5));
        return percentile(delays, 0.99);
      },
      bare: async (round) => {
        const from = 1 + round * steps;
        return percentile(await followBare(toBare, bareReaders, { from, steps, frameBytes, came }), 0.99);
      },
    });
    say(JSON.stringify(p99));
    const { resume, snapshot } = await comeBack(room, next);
    return {
      findings: [
        {
          ...{ promise: 'accepted POST → frame, p99, above the tick', unit: 'ms' },
          ...{ spread: spreadOf(p99.room.map((ms) => ms - liveLimits.tickMs)), limit: { relation: '≤', value: 100 } },
        },
        {
          ...{ promise: 'accepted POST → frame, p99, beside a bare Durable Object with the same bytes', unit: '×' },
          ...{ spread: spreadOf(ratiosOf(p99.room, p99.bare)), limit: { relation: '≤', value: 2 } },
        },
        { promise: 'accepted POST → frame, p50', spread: spreadOf(medians), unit: 'ms', limit: null },
        { promise: 'accepted POST → frame, p99', spread: spreadOf(p99.room), unit: 'ms', limit: null },
        { promise: 'bare Durable Object, p99', spread: spreadOf(p99.bare), unit: 'ms', limit: null },
        {
          ...{ promise: 'packed bytes of a vehicle update, beside its JSON delta', unit: '×' },
          ...{ spread: exactly(weights.packed / weights.json), limit: { relation: '≤', value: 0.25 } },
        },
        { promise: 'packed, a vehicle update', spread: exactly(weights.packed), unit: 'bytes', limit: null },
        { promise: 'JSON, a vehicle update', spread: exactly(weights.json), unit: 'bytes', limit: null },
        {
          ...{ promise: 'resume after 5 s, beside the snapshot', unit: '×' },
          ...{ spread: exactly(resume / snapshot), limit: { relation: '≤', value: 0.1 } },
        },
        { promise: 'resume after 5 s', spread: exactly(resume), unit: 'bytes', limit: null },
        { promise: 'snapshot', spread: exactly(snapshot), unit: 'bytes', limit: null },
      ],
      notes: [
        `${largeFleet} trucks, the same ${moving} of them every ${everyMs} ms in one POST with an API key, ${steps} POSTs a round, ` +
          `${sockets} sockets, ${wholeReaders} of them decoded whole. The bare object takes the same POSTs, parses nothing, and sends ` +
          `${frameBytes} bytes at ticks of ${liveLimits.tickMs} ms.`,
      ],
    };
  } finally {
    gateway.close();
    toBare.close();
    await Promise.all([product.stop(), bare.stop()]);
  }
}
