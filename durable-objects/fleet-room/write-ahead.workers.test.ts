/** The write-ahead log: what was answered for is there after any loss of memory, and reaches the tracks. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asKept } from '#contracts/reading-scales';
import { changeOf, newRoom, readingOf, seedOf, truck, uuid } from '#test/durable-objects/room-builders';
import { packRows, type NamedReading } from '../readings/packed-readings.ts';
import type { FleetRoom } from './fleet-room.ts';
import type { RoomState } from './room-state.ts';
import { RoomStorage } from './room-storage.ts';

const vinOf = (n: number) => `1XKYD49X0NJ${String(n).padStart(6, '0')}`;
const row = (n: number, atMs: number, patch: Partial<NamedReading['reading']> = {}): NamedReading => {
  const { vehicleId, ...reading } = readingOf(uuid(n), atMs, patch);
  return { vehicleId, vin: null, reading: asKept(reading) };
};

async function seededRoom(trucks = 3) {
  const made = newRoom();
  const { tenantId, room } = made;
  const vehicles = Array.from({ length: trucks }, (_, n) => truck(tenantId, n + 1, { vin: vinOf(n + 1) }));
  await room.seed(seedOf(tenantId, vehicles));
  return made;
}

/** What storage alone would bring back, and what memory holds. */
const bothOf = (stub: DurableObjectStub) =>
  runInDurableObject(stub, (instance: FleetRoom, ctx) => {
    const room = instance['room'];
    if (!room) throw new Error('the room has no memory');
    const picture = ({ sources, vehicles, log, tombstones, ...state }: RoomState) => {
      const { seq, nextMark, confirmedMark, copyBackDueMs, readings, alerts } = state;
      // A version up to which everything was heard is never compared again, and not written down.
      const heard = [...vehicles].map(([id, entry]) => {
        const heardThrough = sources.get(entry.facts.tenantId)?.heardThrough ?? 0;
        return [id, { ...entry, version: Math.max(entry.version, heardThrough) }] as const;
      });
      return {
        ...{ seq, nextMark, confirmedMark, copyBackDueMs, readings, alerts, sources, tombstones },
        vehicles: new Map(heard),
        log: new Map(log.map((entry) => [`${entry.seq} ${entry.id}`, entry])),
      };
    };
    const recovered = new RoomStorage(ctx.storage).load(null, () => 'never');
    // What came and went between two ticks nobody is owed.
    if (recovered.hasChanges) expect(room.state.hasChanges).toBe(true);
    return { held: picture(room.state), recovered: picture(recovered) };
  });

describe('a batch that was answered for', () => {
  it('is there after the object has lost its memory, to the last number', async () => {
    const { room, stub } = await seededRoom();
    const nowMs = Date.now();
    const rows = [
      row(1, nowMs, { lat: 41.5 }),
      { ...row(2, nowMs - 5_000), vehicleId: null, vin: vinOf(2) },
      { ...row(3, nowMs), vin: vinOf(3) },
      { ...row(3, nowMs), vin: vinOf(1) },
      { ...row(9, nowMs), vehicleId: null, vin: vinOf(9) },
      row(8, nowMs),
    ];
    expect(await room.ingest(packRows(rows))).toEqual({ kind: 'taken', unknown: [3, 4, 5] });
    const { held, recovered } = await bothOf(stub);
    expect(recovered).toEqual(held);
    await evictDurableObject(stub);
    const [first] = await room.overlay([uuid(1)]);
    expect(first).toMatchObject({ status: 'moving', reading: { lat: 41.5 } });
    expect((await room.listDirtyReadings(9)).readings.map(({ vehicleId }) => vehicleId)).toEqual([1, 2, 3].map(uuid));
  });

  it('is one row of SQLite, and goes once parts and tracks hold it', async () => {
    const { room, stub } = await seededRoom();
    const nowMs = Date.now();
    await room.ingest(packRows([row(1, nowMs), row(2, nowMs), row(3, nowMs)]));
    const logRows = () =>
      runInDurableObject(
        stub,
        (_, { storage }) => storage.sql.exec('SELECT count(*) AS n FROM reading_log').one()['n'],
      );
    expect(await logRows()).toBe(1);
    const takeMany = (count: number, fromMs: number) =>
      runInDurableObject(stub, async (instance: FleetRoom) => {
        for (let n = 1; n <= count; n += 1) await instance.ingest(packRows([row(1 + (n % 3), fromMs + n)]));
      });
    await takeMany(64 * 16, nowMs);
    await room.settleTracks();
    await takeMany(64, nowMs + 5_000);
    expect(await logRows()).toBeLessThan(64 * 16);
    const { held, recovered } = await bothOf(stub);
    expect(recovered).toEqual(held);
  });

  it('that is rubbish is refused, and leaves the room as it was', async () => {
    const { room, stub } = await seededRoom();
    await runInDurableObject(stub, async (instance: FleetRoom) => {
      await expect(instance.ingest(new Uint8Array([7, 7, 7]))).rejects.toThrow('not packed readings');
    });
    expect(await room.ingest(packRows([row(1, Date.now())]))).toEqual({ kind: 'taken', unknown: [] });
  });
});

describe('a random life', () => {
  const vehicle = fc.integer({ min: 1, max: 3 });
  const ageSeconds = fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 850, max: 200_000 }));
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ op: fc.constant('ingest' as const), rows: fc.array(fc.tuple(vehicle, ageSeconds)) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ op: fc.constant('mirror' as const), rows: fc.array(fc.tuple(vehicle, ageSeconds)) }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('remove' as const), n: vehicle }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('bring' as const), n: vehicle }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('link' as const), isLinked: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('copied' as const) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('parts' as const) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('forget' as const) }) },
  );

  it('never leaves storage behind what was answered', { timeout: 60_000 }, async () => {
    for (const history of fc.sample(fc.array(step, { minLength: 40, maxLength: 60, size: 'max' }), 4)) {
      const { tenantId, room, stub } = await seededRoom();
      const other = uuid(700_000);
      const foreign = [1, 2, 3].map((n) => truck(other, n, { id: uuid(100 + n) }));
      let counter = 10;
      for (const next of history) {
        counter += 1;
        const nowMs = Date.now();
        if (next.op === 'ingest') {
          await room.ingest(
            packRows(next.rows.map(([n, age]) => row(n, nowMs - age * 1_000, { odometerMiles: age % 7 }))),
          );
        }
        if (next.op === 'mirror') {
          const readings = next.rows.map(([n, age]) => readingOf(uuid(100 + n), nowMs - age * 1_000));
          await room.recordReadings({ sourceTenantId: other, readings });
        }
        if (next.op === 'remove')
          await room.applyChange(changeOf(tenantId, counter, { removedVehicleIds: [uuid(next.n)] }));
        if (next.op === 'bring') {
          const vehicles = [truck(tenantId, next.n, { vin: vinOf(next.n), riskScore: counter })];
          await room.applyChange(changeOf(tenantId, counter, { vehicles }));
        }
        if (next.op === 'link')
          await (next.isLinked ? room.seed(seedOf(other, foreign, { counter })) : room.dropSource(other));
        if (next.op === 'copied') await room.confirmCopiedBack((await room.listDirtyReadings(2)).mark);
        await runInDurableObject(stub, (instance: FleetRoom) => {
          const inside = instance['room'];
          if (next.op === 'parts' && inside) inside.storage.readings.writeAllParts(inside.state);
          if (next.op === 'forget') instance['room'] = null;
        });
        if (next.op === 'forget') await room.status();
        const { held, recovered } = await bothOf(stub);
        expect(recovered).toEqual(held);
      }
    }
  });
});

describe('rooms from before the log', () => {
  it('open, keep their readings and marks, and ask to be seeded for the VINs', async () => {
    const { tenantId, room, stub } = newRoom();
    const nowMs = Date.now();
    const reading = (n: number, lat: number) => {
      const { vehicleId, ...rest } = readingOf(uuid(n), nowMs - 1_000, { lat });
      return [vehicleId, JSON.stringify(rest)] as const;
    };
    await runInDurableObject(stub, (_, { storage: { sql } }) => {
      sql.exec(`CREATE TABLE room (
        only INTEGER PRIMARY KEY CHECK (only = 1), tenant_id TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
        resume_floor INTEGER NOT NULL, next_mark INTEGER NOT NULL, confirmed_mark INTEGER NOT NULL, copy_back_due_ms INTEGER);
      CREATE TABLE sources (id TEXT PRIMARY KEY, heard_through INTEGER NOT NULL, ahead TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE vehicles (
        id TEXT PRIMARY KEY, version INTEGER NOT NULL, created_seq INTEGER NOT NULL, facts_seq INTEGER NOT NULL,
        facts TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE readings (
        vehicle_id TEXT PRIMARY KEY, source TEXT NOT NULL, status TEXT NOT NULL, seq INTEGER NOT NULL, mark INTEGER NOT NULL,
        reading TEXT NOT NULL) WITHOUT ROWID;`);
      sql.exec('INSERT INTO room VALUES (1, ?, ?, 7, 0, 4, 2, NULL)', tenantId, 'old-epoch');
      sql.exec('INSERT INTO sources VALUES (?, 10, ?)', tenantId, '[]');
      const { vin: _vin, ...facts } = truck(tenantId, 1);
      sql.exec('INSERT INTO vehicles VALUES (?, 10, 1, 1, ?)', uuid(1), JSON.stringify(facts));
      // Finer than it is kept now.
      sql.exec(
        'INSERT INTO readings VALUES (?, ?, ?, 7, 2, ?)',
        reading(1, 39.123456789)[0],
        tenantId,
        'moving',
        reading(1, 39.123456789)[1],
      );
      sql.exec(
        'INSERT INTO readings VALUES (?, ?, ?, 7, 3, ?)',
        reading(2, 40)[0],
        tenantId,
        'moving',
        reading(2, 40)[1],
      );
    });
    expect(await room.status()).toMatchObject({
      epoch: 'old-epoch',
      seq: 7,
      vehicles: 1,
      heardThrough: { [tenantId]: -1 },
    });
    await evictDurableObject(stub);
    expect(await room.overlay([uuid(1)])).toMatchObject([{ status: 'moving', reading: { lat: 39.1234568 } }]);
    expect((await room.listDirtyReadings(9)).readings.map(({ vehicleId }) => vehicleId)).toEqual([uuid(2)]);
    await room.seed(seedOf(tenantId, [truck(tenantId, 1, { vin: vinOf(1) })]));
    expect((await room.status()).heardThrough).toEqual({ [tenantId]: 10 });
    const named = { ...row(1, nowMs), vehicleId: null, vin: vinOf(1) };
    expect(await room.ingest(packRows([named]))).toEqual({ kind: 'taken', unknown: [] });
    await runInDurableObject(stub, (_, { storage }) => {
      expect(storage.sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'readings'`).toArray()).toEqual([]);
    });
  });
});
