/** Tracks as the room, the Worker and the archive see them, whatever order things come in and whenever memory is lost. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VehicleReadingRow } from '../readings/packed-readings.ts';
import type { FleetTracksRpc } from './feed.ts';
import {
  compactNow,
  makeDue,
  newTracks,
  packed,
  readingAt,
  row,
  startMs,
  trackAfter,
  vehicleId,
  wholeTrack,
} from '#test/durable-objects/tracks-builders';

const second = 1_000;
const hour = 3_600_000;
const dayMs = 24 * hour;

describe('a track', () => {
  it('is there as soon as it was taken, oldest first, both ends included, in pages', async () => {
    const { tracks } = newTracks();
    const rows = [3, 1, 2, 5, 4].map((n) => row(1, startMs + n * second));
    expect(await tracks.append(packed(...rows, row(2, startMs)))).toEqual({ kind: 'taken' });
    const all = trackAfter(rows, vehicleId(1));
    expect(await wholeTrack(tracks, vehicleId(1))).toEqual(all);
    expect(await wholeTrack(tracks, vehicleId(1), 2)).toEqual(all);
    const [fromMs, toMs] = [startMs + 2 * second, startMs + 4 * second];
    expect(await wholeTrack(tracks, vehicleId(1), 1, fromMs, toMs)).toEqual(all.slice(1, 4));
    expect(await tracks.read({ vehicleId: vehicleId(1), fromMs: toMs, toMs: fromMs, afterMs: null, limit: 9 })).toEqual(
      { readings: [], hasMore: false },
    );
    for (const unknown of [vehicleId(99), 'rubbish', '']) expect(await wholeTrack(tracks, unknown)).toEqual([]);
  });

  it('keeps the first of two readings with one time, for good', async () => {
    const { tracks, stub } = newTracks();
    const first = row(1, startMs, { speedMph: 10 });
    const expectFirst = async () => expect(await wholeTrack(tracks, vehicleId(1))).toEqual([first.reading]);
    await tracks.append(packed(first, row(1, startMs, { speedMph: 20 })));
    await tracks.append(packed(row(1, startMs, { speedMph: 30 })));
    await expectFirst();
    for (let round = 0; round < 4; round += 1) {
      await makeDue(stub);
      await runDurableObjectAlarm(stub);
      await expectFirst();
      await evictDurableObject(stub);
      await tracks.append(packed(row(1, startMs, { speedMph: 40 + round })));
      await expectFirst();
    }
    expect((await tracks.fleetAt(startMs))[0]?.reading).toEqual(first.reading);
  });

  it('is the same whatever is compacted, sealed, evicted or sent again in between', async () => {
    const reading = fc.record({
      vehicle: fc.integer({ min: 1, max: 3 }),
      // A few days, few enough times that some meet.
      slot: fc.integer({ min: 0, max: 200 }),
      lon: fc.constantFrom(-180, -179.9999999, 179.9999999, 180, 12.3456789),
      speed: fc.option(fc.integer({ min: 0, max: 90 }), { nil: null }),
    });
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.array(reading, { minLength: 1, maxLength: 30 }) },
      { weight: 2, arbitrary: fc.constantFrom('alarm' as const, 'evict' as const) },
      { weight: 1, arbitrary: fc.constantFrom('due' as const, 'again' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), fc.integer({ min: 1, max: 40 }), async (steps, limit) => {
        const { tracks, stub } = newTracks();
        const arrived: VehicleReadingRow[] = [];
        for (const what of steps) {
          if (what === 'evict') {
            await tracks.confirmFenceEvents(0);
            await evictDurableObject(stub);
          } else if (what === 'alarm') await runDurableObjectAlarm(stub);
          else if (what === 'due') {
            await compactNow({ tracks, stub });
          } else if (what === 'again') await tracks.append(packed(...arrived.slice(-40)));
          else {
            const rows = what.map(({ vehicle, slot, lon, speed }) =>
              row(vehicle, startMs + slot * 0.4 * hour, { lon, speedMph: speed }),
            );
            await tracks.append(packed(...rows));
            arrived.push(...rows);
          }
        }
        for (const n of [1, 2, 3]) {
          const expected = trackAfter(arrived, vehicleId(n));
          expect(await wholeTrack(tracks, vehicleId(n), limit)).toEqual(expected);
          const atMs = startMs + 100 * 0.4 * hour;
          const latest = expected.filter(({ at }) => Date.parse(at) <= atMs).at(-1);
          const fleet = await tracks.fleetAt(atMs);
          expect(fleet.find((found) => found.vehicleId === vehicleId(n))?.reading).toEqual(latest);
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('after an eviction', () => {
  const entries: [string, (tracks: FleetTracksRpc) => Promise<unknown>, unknown][] = [
    ['append', (tracks) => tracks.append(packed(row(1, startMs + hour))), { kind: 'taken' }],
    ['read', (tracks) => wholeTrack(tracks, vehicleId(1)), [readingAt(startMs), readingAt(startMs + second)]],
    ['fleetAt', (tracks) => tracks.fleetAt(startMs), [{ vehicleId: vehicleId(1), reading: readingAt(startMs) }]],
    ['listFenceEvents', (tracks) => tracks.listFenceEvents(5), []],
    ['listDaysBefore', (tracks) => tracks.listDaysBefore('2027-01-01'), ['2026-11-10']],
    ['readDayPart', async (tracks) => (await tracks.readDayPart('2026-11-10', 0)).readings.length, 98],
    ['dropDay', (tracks) => tracks.dropDay('2026-11-10', 1), undefined],
    ['forgetVehicle', (tracks) => tracks.forgetVehicle(vehicleId(2)), undefined],
    ['status', async (tracks) => (await tracks.status()).intakeFixes, 1],
  ];

  it.each(entries)('%s may come first, and nothing is lost', async (_, ask, answer) => {
    const { tracks, stub } = newTracks();
    // One fix in a chunk, one that waits.
    await tracks.append(packed(row(1, startMs)));
    await compactNow({ tracks, stub });
    await tracks.append(packed(row(1, startMs + second)));
    await evictDurableObject(stub);
    expect(await ask(tracks)).toEqual(answer);
    await evictDurableObject(stub);
    expect((await wholeTrack(tracks, vehicleId(1))).slice(0, 2)).toEqual([
      readingAt(startMs),
      readingAt(startMs + second),
    ]);
  });

  it('the alarm may come first, and works off what is due', async () => {
    const { tracks, stub } = newTracks();
    await tracks.append(packed(row(1, startMs)));
    await makeDue(stub);
    await evictDurableObject(stub);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await tracks.status()).toMatchObject({ chunks: 1, intakeFixes: 0 });
    expect(await wholeTrack(tracks, vehicleId(1))).toEqual([readingAt(startMs)]);
  });
});

it('a fault of the watch keeps no position from being kept', async () => {
  const { tracks, stub } = newTracks();
  await runInDurableObject(stub, async (instance) => {
    const inside = instance as unknown as { loaded(): Promise<{ watch: { observe: () => void } }> };
    (await inside.loaded()).watch.observe = () => {
      throw new Error('a fence of no shape');
    };
    expect(await instance.append(packed(row(1, startMs)))).toEqual({ kind: 'taken' });
  });
  await evictDurableObject(stub);
  expect(await wholeTrack(tracks, vehicleId(1))).toEqual([readingAt(startMs)]);
});

describe('the fleet at an instant', () => {
  it('is the latest fix at or before it of each of 1,000 vehicles, up to 30 days back', async () => {
    const { tracks, stub } = newTracks();
    const arrived: VehicleReadingRow[] = [];
    for (let n = 1; n <= 1_000; n += 1) {
      for (const ageMs of [0, 31 * dayMs, (n % 29) * dayMs + hour, (n % 7) * hour]) {
        arrived.push(row(n, startMs - ageMs, { fuelPercent: n % 100 }));
      }
    }
    const half = arrived.filter((_, n) => n % 2 === 0);
    for (let from = 0; from < half.length; from += 500) await tracks.append(packed(...half.slice(from, from + 500)));
    await compactNow({ tracks, stub });
    const rest = arrived.filter((_, n) => n % 2 === 1);
    for (let from = 0; from < rest.length; from += 500) await tracks.append(packed(...rest.slice(from, from + 500)));
    for (const atMs of [startMs, startMs - 1, startMs - 30 * hour, startMs - 29 * dayMs, startMs - 40 * dayMs]) {
      const fleet = new Map((await tracks.fleetAt(atMs)).map(({ vehicleId: id, reading }) => [id, reading]));
      const wrong = [];
      for (let n = 1; n <= 1_000; n += 1) {
        const expected = trackAfter(arrived, vehicleId(n)).findLast(({ at }) => {
          const ms = Date.parse(at);
          return ms <= atMs && ms >= atMs - 30 * dayMs;
        });
        if (JSON.stringify(fleet.get(vehicleId(n))) !== JSON.stringify(expected)) wrong.push(n);
      }
      expect(wrong).toEqual([]);
    }
  });
});

describe('a vehicle that is gone', () => {
  it('is forgotten wherever it was, also after an eviction, and may come again', async () => {
    const { tracks, stub } = newTracks();
    const both = (atMs: number) => packed(row(1, atMs), row(2, atMs));
    await tracks.append(both(startMs));
    await compactNow({ tracks, stub });
    await tracks.append(both(startMs + second));
    await tracks.forgetVehicle(vehicleId(1));
    await tracks.forgetVehicle('rubbish');
    const expectGone = async () => {
      expect(await wholeTrack(tracks, vehicleId(1))).toEqual([]);
      expect(await wholeTrack(tracks, vehicleId(2))).toHaveLength(2);
      expect((await tracks.fleetAt(startMs + hour)).map((found) => found.vehicleId)).toEqual([vehicleId(2)]);
    };
    await expectGone();
    await evictDurableObject(stub);
    await expectGone();
    await compactNow({ tracks, stub });
    await expectGone();
    await runInDurableObject(stub, (_, { storage }) => {
      expect(storage.sql.exec('SELECT * FROM gone').toArray()).toEqual([]);
      expect(storage.sql.exec('SELECT DISTINCT vehicle_no FROM chunks').toArray()).toHaveLength(1);
    });
    await tracks.append(packed(row(1, startMs + 2 * second)));
    expect(await wholeTrack(tracks, vehicleId(1))).toEqual([readingAt(startMs + 2 * second)]);
  });
});
