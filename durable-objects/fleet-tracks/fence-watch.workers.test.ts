/** The watch in its object: nothing lost by an eviction, nothing twice, fences that change in any order. */
import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asKept } from '#contracts/reading-scales';
import type { Reading } from '#contracts/telemetry';
import { tracksOf } from '../stubs.ts';
import { packReadings } from '../readings/packed-readings.ts';
import { FenceWatch } from './fence-watch.ts';
import type { FenceChange, FenceEvent, FleetTracksRpc, WatchedFence } from './feed.ts';

let tenants = 0;
let trucks = 0;
const idOf = (kind: number, number: number): string =>
  `0194${kind.toString(16).padStart(4, '0')}-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
const newTruck = (): string => idOf(1, (trucks += 1));

function newTracks() {
  const tenantId = idOf(9, (tenants += 1) + Math.floor(Math.random() * 1e9) * 1000);
  const stub = env.FLEET_TRACKS.get(env.FLEET_TRACKS.idFromName(tenantId));
  return { tenantId, stub, tracks: tracksOf(env.FLEET_TRACKS, tenantId) };
}

const square = (lon: number, lat: number, size = 0.01): WatchedFence['shape'] => ({
  type: 'Polygon',
  coordinates: [
    [
      [lon, lat],
      [lon + size, lat],
      [lon + size, lat + size],
      [lon, lat + size],
      [lon, lat],
    ],
  ],
});
const fenceOf = (number: number, fields: Partial<WatchedFence> = {}): WatchedFence => ({
  id: idOf(2, number),
  shape: square(-105, 40),
  alertOnEntry: true,
  alertOnExit: true,
  dwellMinutes: null,
  speedLimitMph: null,
  ...fields,
});
const changeOf = (version: number, fields: Partial<FenceChange> = {}): FenceChange => ({
  version,
  isWhole: false,
  isLast: true,
  fences: [],
  removedIds: [],
  ...fields,
});

/** Work on the storage of an object of its own, in which a new watch is what one is after an eviction. */
const onStorage = <T>(work: (sql: SqlStorage) => T): Promise<T> =>
  runInDurableObject(newTracks().stub, (_, { storage }) => work(storage.sql));

const reading = (atMs: number, lon: number, lat = 40.005, speedMph: number | null = null): Reading =>
  asKept({
    at: new Date(atMs).toISOString(),
    ...{ lat, lon, speedMph, heading: null, odometerMiles: null },
    ...{ engineHours: null, fuelPercent: null, ignition: null },
  });
const inside = -104.995;
const outside = -104.9;
const send = (tracks: FleetTracksRpc, vehicleId: string, ...readings: Reading[]) =>
  tracks.append(packReadings(readings.map((one) => ({ vehicleId, reading: one }))));
const plain = (events: readonly FenceEvent[]) => events.map(({ kind, vehicleId, at }) => ({ kind, vehicleId, at }));
const nowMs = (): number => Math.floor(Date.now() / 1000) * 1000;

describe('events', () => {
  it('wait in order until they are confirmed, and asking for them is asked of the queue once', async () => {
    const { tracks, stub, tenantId } = newTracks();
    const truck = newTruck();
    await tracks.changeFences(changeOf(1, { fences: [fenceOf(1, { speedLimitMph: 20 })] }));
    const asked: unknown[] = [];
    await runInDurableObject(stub, (instance) => {
      const holder = instance as unknown as { env: unknown };
      holder.env = { LIVE_QUEUE: { send: async (message: unknown) => void asked.push(message) } };
    });
    const at = nowMs() - 600_000;
    await send(tracks, truck, reading(at, outside), reading(at + 60_000, inside, 40.005, 30));
    await expect.poll(async () => (await runDurableObjectAlarm(stub), asked)).toHaveLength(1);
    expect(asked).toEqual([{ kind: 'fence_events', tenantId }]);
    await send(tracks, truck, reading(at + 120_000, outside));
    await runDurableObjectAlarm(stub);
    expect(asked).toHaveLength(1);
    const events = await tracks.listFenceEvents(10);
    expect(events).toMatchObject([
      { kind: 'entry', geofenceId: idOf(2, 1), vehicleId: truck, lon: inside, lat: 40.005, speedMph: 30 },
      { kind: 'speeding', speedMph: 30 },
      { kind: 'speeding_ended' },
      { kind: 'exit', lon: outside, speedMph: null },
    ]);
    expect(await tracks.listFenceEvents(2)).toEqual(events.slice(0, 2));
    await tracks.confirmFenceEvents(events[1]?.mark ?? 0);
    expect(await tracks.listFenceEvents(10)).toEqual(events.slice(2));
    await tracks.confirmFenceEvents(events[3]?.mark ?? 0);
    expect(await tracks.listFenceEvents(10)).toEqual([]);
    // Everything was found done: what is new is asked for at once.
    await send(tracks, truck, reading(at + 180_000, inside));
    await expect.poll(async () => (await runDurableObjectAlarm(stub), asked)).toHaveLength(2);
  });

  it('survive evictions between any two batches, as do visits, fixes and fences', async () => {
    const step = fc.record({
      truck: fc.nat(2),
      lon: fc.constantFrom(inside, outside, -105.0001, -105.0005, -104.99),
      gap: fc.integer({ min: 1, max: 500 }),
      evict: fc.boolean(),
      again: fc.boolean(),
      wait: fc.constantFrom(0, 0, 0, 60_000, 300_000),
      speed: fc.constantFrom(null, 10, 30),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const names = [newTruck(), newTruck(), newTruck()];
        const beginMs = nowMs() - 86_400_000;
        /** The same steps in a watch of its own; a troubled one loses its memory, and is told things twice. */
        const run = (isTroubled: boolean) =>
          onStorage((sql) => {
            let watch = new FenceWatch(sql);
            let at = beginMs;
            watch.change(changeOf(1, { fences: [fenceOf(1, { dwellMinutes: 2, speedLimitMph: 20 })] }), at);
            for (const { truck, lon, gap, evict, again, wait, speed } of steps) {
              at += gap * 1000;
              const batch = packReadings([
                { vehicleId: names[truck] as string, reading: reading(at, lon, 40.005, speed) },
              ]);
              watch.observe(batch, at);
              if (isTroubled && evict) watch = new FenceWatch(sql);
              if (isTroubled && again) watch.observe(batch, at);
              at += wait;
              watch.settle(at);
            }
            return watch.listEvents(1_000);
          });
        expect(plain(await run(true))).toEqual(plain(await run(false)));
      }),
      { numRuns: 60 },
    );
  });

  it('of fixes that come in any order within one batch are judged in the order of their times', async () => {
    const { tracks } = newTracks();
    const truck = newTruck();
    await tracks.changeFences(changeOf(1, { fences: [fenceOf(1)] }));
    const at = nowMs() - 3_600_000;
    await send(tracks, truck, reading(at + 1200_000, outside), reading(at, outside), reading(at + 600_000, inside));
    expect((await tracks.listFenceEvents(9)).map(({ kind }) => kind)).toEqual(['entry', 'exit']);
    // Late ones change nothing, and what is older than thirty days even less.
    await send(tracks, truck, reading(at + 900_000, inside));
    await send(tracks, newTruck(), reading(at - 31 * 86_400_000, inside));
    expect(await tracks.listFenceEvents(9)).toHaveLength(2);
  });

  it('a dwell is told by time alone once a vehicle has been silent for a minute', async () => {
    await onStorage((sql) => {
      const truck = newTruck();
      const at = nowMs() - 3_600_000;
      const take = (watch: FenceWatch, atMs: number, lon: number, heardMs: number): FenceWatch => {
        watch.observe(packReadings([{ vehicleId: truck, reading: reading(atMs, lon) }]), heardMs);
        return watch;
      };
      let watch = new FenceWatch(sql);
      watch.change(changeOf(1, { fences: [fenceOf(1, { dwellMinutes: 5 })] }), at);
      take(watch, at, inside, at + 1_000);
      expect(watch.nextDueMs()).toBe(0);
      expect(watch.settle(at + 1_000)).toBe(true);
      expect(watch.nextDueMs()).toBe(at + 16_000);
      watch = new FenceWatch(sql);
      expect(watch.settle(at + 299_999)).toBe(true);
      expect(watch.listEvents(9)).toHaveLength(1);
      watch.settle(at + 300_000);
      expect(watch.listEvents(9)).toMatchObject([
        { kind: 'entry' },
        { kind: 'dwell', at: new Date(at + 300_000).toISOString(), lon: inside, speedMph: null },
      ]);
      take(watch, at + 301_000, inside, at + 301_000);
      take(watch, at + 400_000, outside, at + 400_000);
      // Long ago, in parts: what the second one shows is awaited, and then there was no dwell.
      const later = at + 3_000_000;
      take(watch, at + 1_000_000, inside, later);
      watch.settle(later + 59_999);
      take(watch, at + 1_060_000, outside, later + 59_999);
      watch.settle(later + 600_000);
      expect(watch.listEvents(9).map(({ kind }) => kind)).toEqual([
        ...['entry', 'dwell', 'dwell_ended', 'exit'],
        ...['entry', 'exit'],
      ]);
      expect(watch.nextDueMs()).toBeLessThanOrEqual(later + 615_000);
    });
  });

  it('dwells of a whole fleet go in parts', async () => {
    await onStorage((sql) => {
      const watch = new FenceWatch(sql);
      const at = nowMs() - 3_600_000;
      const fleet = Array.from({ length: 2_500 }, newTruck);
      watch.observe(packReadings(fleet.map((vehicleId) => ({ vehicleId, reading: reading(at, inside) }))), at);
      watch.change(changeOf(1, { fences: [fenceOf(1, { dwellMinutes: 5 })] }), at);
      const counts: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        expect(watch.nextDueMs()).toBeLessThanOrEqual(at + 300_000);
        watch.settle(at + 300_000);
        counts.push(watch.listEvents(5_000).length);
      }
      expect(counts).toEqual([1_000, 2_000, 2_500]);
      expect(new Set(watch.listEvents(5_000).map(({ vehicleId }) => vehicleId)).size).toBe(2_500);
    });
  });

  it('of a vehicle that is forgotten end without a word; it may come back as a new one', async () => {
    const { tracks, stub } = newTracks();
    const [truck, other] = [newTruck(), newTruck()];
    await tracks.changeFences(changeOf(1, { fences: [fenceOf(1)] }));
    const at = nowMs() - 600_000;
    await send(tracks, truck, reading(at, inside));
    await send(tracks, other, reading(at, inside));
    await tracks.forgetVehicle(truck);
    await evictDurableObject(stub);
    await send(tracks, other, reading(at + 1000, outside));
    await send(tracks, truck, reading(at + 2000, outside));
    expect((await tracks.listFenceEvents(9)).map(({ kind, vehicleId }) => [kind, vehicleId])).toEqual([
      ['entry', truck],
      ['entry', other],
      ['exit', other],
    ]);
    await tracks.forgetVehicle('no id at all');
  });
});

describe('fences', () => {
  it('drawn around standing trucks: inside, without an entry', async () => {
    const { tracks } = newTracks();
    const truck = newTruck();
    const at = nowMs() - 600_000;
    await send(tracks, truck, reading(at, inside));
    expect(await tracks.changeFences(changeOf(1, { fences: [fenceOf(1)] }))).toEqual({ version: 1 });
    await send(tracks, truck, reading(at + 1000, inside));
    expect(await tracks.listFenceEvents(9)).toEqual([]);
    await send(tracks, truck, reading(at + 120_000, outside));
    expect((await tracks.listFenceEvents(9)).map(({ kind }) => kind)).toEqual(['exit']);
  });

  it('changed, and deleted: nobody enters or exits', async () => {
    const { tracks } = newTracks();
    const truck = newTruck();
    const at = nowMs() - 600_000;
    await tracks.changeFences(changeOf(1, { fences: [fenceOf(1), fenceOf(2)] }));
    await send(tracks, truck, reading(at, inside));
    const entries = await tracks.listFenceEvents(9);
    await tracks.confirmFenceEvents(entries.at(-1)?.mark ?? 0);
    await tracks.changeFences(changeOf(2, { fences: [fenceOf(1, { shape: square(-105, 40, 0.02) })] }));
    await tracks.changeFences(changeOf(3, { removedIds: [idOf(2, 2)] }));
    await send(tracks, truck, reading(at + 1000, inside));
    expect(await tracks.listFenceEvents(9)).toEqual([]);
    await tracks.changeFences(changeOf(4, { fences: [fenceOf(1, { shape: square(-90, 40) })] }));
    expect((await tracks.listFenceEvents(9)).map(({ kind }) => kind)).toEqual(['visit_ended']);
    expect(await tracks.status()).toMatchObject({ fenceVersion: 4, fences: 1 });
  });

  it(
    'come to the same end whatever the order, the repetitions and the evictions of changes',
    { timeout: 60_000 },
    async () => {
      // A history of changes of four fences; each version changes one of them.
      const history = fc.array(fc.record({ fence: fc.integer({ min: 1, max: 4 }), isRemoved: fc.boolean() }), {
        minLength: 1,
        maxLength: 10,
      });
      await fc.assert(
        fc.asyncProperty(
          history,
          fc.array(fc.nat(9), { maxLength: 12 }),
          fc.nat(10),
          async (changes, order, evictAt) => {
            const { tracks, stub } = newTracks();
            const all = changes.map(({ fence, isRemoved }, at) =>
              changeOf(at + 1, {
                fences: isRemoved ? [] : [fenceOf(fence, { speedLimitMph: at + 1 })],
                removedIds: isRemoved ? [idOf(2, fence)] : [],
              }),
            );
            for (const [number, at] of order.entries()) {
              const change = all[at];
              if (change !== undefined) await tracks.changeFences(change);
              if (number !== evictAt) continue;
              await tracks.status();
              await evictDurableObject(stub);
            }
            for (const change of all) await tracks.changeFences(change);
            const expected = new Map<string, number>();
            for (const { fences, removedIds } of all) {
              for (const { id, speedLimitMph } of fences) expected.set(id, speedLimitMph ?? 0);
              for (const id of removedIds) expected.delete(id);
            }
            expect(await tracks.status()).toMatchObject({ fenceVersion: all.length, fences: expected.size });
            await evictDurableObject(stub);
            expect(await tracks.status()).toMatchObject({ fenceVersion: all.length, fences: expected.size });
            // Each of them is the one that was drawn last: just above its limit is too fast.
            const at = nowMs() - 60_000;
            const truck = newTruck();
            await send(tracks, truck, reading(at, inside, 40.005, 0));
            const limits = new Map<string, number>();
            const faster = all.map((_, n) => reading(at + (n + 1) * 1000, inside, 40.005, n + 1.5));
            await send(tracks, truck, ...faster);
            for (const { kind, geofenceId, speedMph } of await tracks.listFenceEvents(500)) {
              if (kind === 'speeding') limits.set(geofenceId, (speedMph ?? 0) - 0.5);
            }
            expect(limits).toEqual(expected);
          },
        ),
        { numRuns: 6 },
      );
    },
  );

  it('told as a whole, in parts: what no part names goes with the last, what is newer stays', async () => {
    const { tracks, stub } = newTracks();
    await tracks.changeFences(changeOf(1, { fences: [fenceOf(1), fenceOf(2)] }));
    await tracks.changeFences(changeOf(9, { fences: [fenceOf(5)], removedIds: [idOf(2, 3)] }));
    const part = (fences: WatchedFence[], isLast: boolean) => changeOf(7, { isWhole: true, isLast, fences });
    expect(await tracks.changeFences(part([fenceOf(2), fenceOf(3)], false))).toEqual({ version: 1 });
    await evictDurableObject(stub);
    expect(await tracks.status()).toMatchObject({ fences: 3 });
    expect(await tracks.changeFences(part([fenceOf(4)], true))).toEqual({ version: 7 });
    // 2 and 4 of the list, 5 of the newer change; 3 is deleted by it, 1 is no more.
    expect(await tracks.status()).toMatchObject({ fenceVersion: 7, fences: 3 });
    expect(await tracks.changeFences(changeOf(3, { isWhole: true, fences: [fenceOf(1)] }))).toEqual({ version: 7 });
    expect(await tracks.status()).toMatchObject({ fenceVersion: 7, fences: 3 });
  });

  it('five thousand are there after an eviction, and judged', async () => {
    const { tracks, stub } = newTracks();
    const fences = Array.from({ length: 5_000 }, (_, n) =>
      fenceOf(n + 1, { shape: square(-120 + (n % 100) * 0.5, 25 + Math.floor(n / 100) * 0.4, 0.2) }),
    );
    for (let from = 0; from < fences.length; from += 200) {
      const isLast = from + 200 >= fences.length;
      await tracks.changeFences(changeOf(3, { isWhole: true, isLast, fences: fences.slice(from, from + 200) }));
    }
    await evictDurableObject(stub);
    expect(await tracks.status()).toMatchObject({ fenceVersion: 3, fences: 5_000 });
    await send(tracks, newTruck(), reading(nowMs() - 1000, -119.9, 25.1));
    expect(await tracks.listFenceEvents(9)).toMatchObject([{ kind: 'entry', geofenceId: idOf(2, 1) }]);
  });
});
