/** The first law of the reducer: whatever the order, the picture ends the same. And what rows, seeds and mirrors do to it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { liveForMs, type Reading } from '#contracts/telemetry';
import { factsOf, startMs } from '#test/durable-objects/random-world';
import {
  at,
  fleet,
  linked,
  linkedId,
  minuteMs,
  named,
  numbers,
  own,
  ownId,
  ownTruck,
  seededRoom,
  sent,
  uuid,
  vinOf,
} from '#test/durable-objects/random-readings';
import { packRows } from '../readings/packed-readings.ts';
import { reduce } from './room-reducer.ts';
import { emptyRoom, type RoomState } from './room-state.ts';

/** What anybody can see of the readings: not in which tick they came. */
const pictureOf = (room: RoomState) =>
  new Map(
    [...room.readings].map(([id, { reading, status, statusUntilMs }]) => [id, { reading, status, statusUntilMs }]),
  );

describe('readings in any order', () => {
  // One reading per vehicle and instant: of two that differ the first stays, and which is the first is a matter of order.
  const distinct = fc.uniqueArray(sent, {
    selector: ({ vehicle, reading }) => `${vehicle} ${reading.at}`,
    minLength: 1,
    maxLength: 40,
  });

  it('twice, late and in other batches end in the same picture as once and in order', () => {
    const deliveries = distinct.chain((rows) =>
      fc.record({
        rows: fc.constant(rows),
        shuffled: fc.shuffledSubarray([...rows, ...rows, ...rows], { minLength: rows.length }),
        cuts: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        laterMinutes: fc.integer({ min: 0, max: 600 }),
      }),
    );
    fc.assert(
      fc.property(deliveries, ({ rows, shuffled, cuts, laterMinutes }) => {
        const endMs = startMs + laterMinutes * minuteMs;
        const once = seededRoom();
        const inOrder = rows.toSorted((a, b) => a.reading.at.localeCompare(b.reading.at));
        for (const row of inOrder) reduce(once, { kind: 'ingest', rows: packRows([named(row)]) }, startMs);
        reduce(once, { kind: 'age' }, endMs);

        const other = seededRoom();
        // Whatever the shuffle left out comes at the end, later still.
        const all = [...shuffled, ...rows];
        for (let at = 0, n = 0; at < all.length; n += 1) {
          const size = cuts[n % cuts.length] ?? 1;
          const batch = all.slice(at, at + size);
          const nowMs = startMs + Math.floor((at / all.length) * laterMinutes * minuteMs);
          reduce(other, { kind: 'age' }, nowMs);
          if (n % 3 === 2) {
            const readings = batch.map(({ vehicle, reading }) => ({ vehicleId: ownId(vehicle), ...reading }));
            reduce(other, { kind: 'readings', batch: { sourceTenantId: own, readings } }, nowMs);
          } else
            expect(reduce(other, { kind: 'ingest', rows: packRows(batch.map(named)) }, nowMs)).toEqual({ unknown: [] });
          at += size;
        }
        reduce(other, { kind: 'age' }, endMs);
        expect(pictureOf(other)).toEqual(pictureOf(once));
      }),
      { numRuns: 500 },
    );
  });
});

describe('rows from gateways', () => {
  const unknownOf = (room: RoomState, vehicleId: string | null, vin: string | null) =>
    reduce(room, { kind: 'ingest', rows: packRows([{ vehicleId, vin, reading: at(0) }]) }, startMs).unknown.length > 0;

  it('name an own vehicle by id, by VIN, or by both when they agree', () => {
    const room = seededRoom();
    expect(unknownOf(room, ownId(1), null)).toBe(false);
    expect(unknownOf(room, null, vinOf(2))).toBe(false);
    expect(unknownOf(room, ownId(3), vinOf(3))).toBe(false);
    expect([...room.readings.keys()]).toEqual([ownId(1), ownId(2), ownId(3)]);
    expect(unknownOf(room, ownId(1), vinOf(3))).toBe(true);
    expect(unknownOf(room, ownId(1), '1XKYD49X0NJ999999')).toBe(true);
    expect(unknownOf(room, uuid(0x77), null)).toBe(true);
    expect(unknownOf(room, linkedId(1), null)).toBe(true);
    expect(room.unsaved.journal.filter(({ kind }) => kind === 'taken')).toHaveLength(3);
  });

  it('find a vehicle under its VIN of now', () => {
    const room = seededRoom();
    expect(unknownOf(room, null, vinOf(1))).toBe(false);
    const change = (counter: number, patch: object) => {
      const empty = { sourceTenantId: own, counters: [counter], vehicles: [], removedVehicleIds: [], alerts: [] };
      reduce(room, { kind: 'change', change: { ...empty, ...patch } }, startMs);
    };
    change(2, { vehicles: [{ ...ownTruck(1), vin: vinOf(50) }] });
    expect([unknownOf(room, null, vinOf(1)), unknownOf(room, null, vinOf(50))]).toEqual([true, false]);
    // The same truck entered anew, before the old entry has gone: the newer one counts, and stays.
    change(3, { vehicles: [factsOf(own, 9, { id: ownId(9), vin: vinOf(2) })] });
    room.readings.clear();
    expect(unknownOf(room, null, vinOf(2))).toBe(false);
    expect([...room.readings.keys()]).toEqual([ownId(9)]);
    change(4, { removedVehicleIds: [ownId(2)] });
    expect(unknownOf(room, null, vinOf(2))).toBe(false);
    change(5, { removedVehicleIds: [ownId(9)] });
    expect(unknownOf(room, null, vinOf(2))).toBe(true);
  });

  it('too old for the picture are still for the tracks', () => {
    const room = seededRoom();
    const old = at(-liveForMs / minuteMs - 1);
    expect(
      reduce(room, { kind: 'ingest', rows: packRows([{ vehicleId: ownId(1), vin: null, reading: old }]) }, startMs),
    ).toEqual({
      unknown: [],
    });
    expect(room.readings.size).toBe(0);
    expect(room.unsaved.journal).toMatchObject([{ kind: 'taken', rows: [{ vehicleId: ownId(1), reading: old }] }]);
    expect(room.copyBackDueMs).toBeNull();
  });

  it('of one instant: the first stays, and the higher meter counts', () => {
    const room = seededRoom();
    const take = (reading: Reading) =>
      reduce(room, { kind: 'ingest', rows: packRows([{ vehicleId: ownId(1), vin: null, reading }]) }, startMs);
    take(at(0, { lat: 5, odometerMiles: 10 }));
    take(at(0, { lat: 6, odometerMiles: 12 }));
    take(at(-1, { lat: 7, odometerMiles: 11, engineHours: 3 }));
    expect(room.readings.get(ownId(1))?.reading).toMatchObject({ lat: 5, odometerMiles: 12, engineHours: 3 });
  });
});

describe('what D1 or a customer’s room knows', () => {
  it('does not make a reading that waits for D1 look copied', () => {
    const room = seededRoom();
    reduce(room, { kind: 'ingest', rows: packRows([{ vehicleId: ownId(1), vin: null, reading: at(0) }]) }, startMs);
    const readings = [{ vehicleId: ownId(1), ...at(-5, { odometerMiles: 100 }) }];
    const seed = { sourceTenantId: own, counter: 2, vehicles: numbers.map(ownTruck), alerts: [], readings };
    reduce(room, { kind: 'seed', seed }, startMs);
    expect(room.readings.get(ownId(1))).toMatchObject({ mark: 1, reading: { odometerMiles: 100, at: at(0).at } });
  });

  it('is refused of a tenant that is not shown, and of the own one', () => {
    const room = seededRoom();
    const rows = [{ vehicleId: linkedId(1), reading: at(0) }];
    expect(reduce(room, { kind: 'mirror', sourceTenantId: linked, rows }, startMs)).toBe(1);
    reduce(room, { kind: 'dropSource', sourceTenantId: linked }, startMs);
    expect(room.readings.size).toBe(0);
    expect(reduce(room, { kind: 'mirror', sourceTenantId: linked, rows }, startMs)).toBeNull();
    expect(reduce(room, { kind: 'mirror', sourceTenantId: own, rows: [] }, startMs)).toBeNull();
    const foreign = [{ vehicleId: ownId(1), reading: at(0) }];
    reduce(
      room,
      { kind: 'seed', seed: { sourceTenantId: linked, counter: 9, vehicles: [], alerts: [], readings: [] } },
      startMs,
    );
    expect(reduce(room, { kind: 'mirror', sourceTenantId: linked, rows: foreign }, startMs)).toBe(0);
    expect(room.readings.size).toBe(0);
  });
});

describe('a seed in parts', () => {
  const part = (counter: number, from: number, to: number, completes: number | null) => ({
    sourceTenantId: own,
    counter,
    vehicles: numbers.slice(from, to).map(ownTruck),
    alerts: [],
    readings: [],
    part: {
      vehicles: { after: from === 0 ? null : ownId(from - 1), through: to === fleet ? null : ownId(to - 1) },
      alerts: null,
      completes,
    },
  });

  it('speaks for its ids alone, and is heard with the last part', () => {
    const room = emptyRoom(own, 'epoch');
    const heard = () => room.sources.get(own)?.heardThrough;
    reduce(room, { kind: 'seed', seed: part(5, 0, 3, null) }, startMs);
    expect([room.vehicles.size, heard()]).toEqual([3, -1]);
    const empty = { sourceTenantId: own, vehicles: [], removedVehicleIds: [], alerts: [] };
    reduce(room, { kind: 'change', change: { ...empty, counters: [6], removedVehicleIds: [ownId(0)] } }, startMs);
    reduce(room, { kind: 'seed', seed: part(6, 3, 6, 5) }, startMs);
    expect([room.vehicles.size, heard()]).toEqual([5, 6]);
    expect(room.tombstones.size).toBe(0);
    reduce(room, { kind: 'seed', seed: { ...part(7, 3, 6, null), vehicles: [ownTruck(4)] } }, startMs);
    expect([...room.vehicles.keys()].toSorted()).toEqual([ownId(1), ownId(2), ownId(4)]);
  });
});
