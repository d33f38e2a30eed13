/** Compaction and sealing: interrupted anywhere, damaged anywhere, and with too much to do. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { unpackReadings, type VehicleReadingRow } from '../readings/packed-readings.ts';
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

describe('compaction', () => {
  /** A round under way: more vehicles than one slice writes. */
  async function halfCompacted() {
    const made = newTracks();
    const { tracks, stub } = made;
    const rows: VehicleReadingRow[] = [];
    for (let n = 1; n <= 400; n += 1) {
      for (let at = 0; at < 3; at += 1) rows.push(row(n, startMs + at * second, { fuelPercent: n % 100 }));
    }
    await tracks.append(packed(...rows));
    await tracks.status();
    await makeDue(stub);
    await evictDurableObject(stub);
    // One slice, as the alarm does it, and then the memory is gone.
    await runInDurableObject(stub, async (instance) => {
      const inside = instance as unknown as { loaded(): Promise<unknown>; workSlice(nowMs: number): boolean };
      await inside.loaded();
      expect(inside.workSlice(Date.now())).toBe(true);
      expect(await instance.status()).toMatchObject({ chunks: 150, intakeFixes: 1_200 });
      // A slice that fails leaves nothing behind.
      const { storage } = (await inside.loaded()) as { storage: { saveProgress: (patch: object) => void } };
      storage.saveProgress = () => {
        throw new Error('the machine went down');
      };
      expect(() => inside.workSlice(Date.now())).toThrow('the machine went down');
    });
    await evictDurableObject(stub);
    return { ...made, rows };
  }

  it('goes on where it was when memory is lost in the middle, and writes nothing twice', async () => {
    const { tracks, stub, rows } = await halfCompacted();
    for (const n of [1, 100, 150, 151, 400]) {
      expect(await wholeTrack(tracks, vehicleId(n))).toEqual(trackAfter(rows, vehicleId(n)));
    }
    // What comes meanwhile belongs to the next round, for vehicles that are done and for those that are not.
    const late = [row(1, startMs + 9 * second), row(400, startMs + 9 * second)];
    await tracks.append(packed(...late));
    await runDurableObjectAlarm(stub);
    expect(await tracks.status()).toMatchObject({ chunks: 400, intakeFixes: 2, vehicles: 400 });
    for (const n of [1, 150, 151, 400]) {
      expect(await wholeTrack(tracks, vehicleId(n))).toEqual(trackAfter([...rows, ...late], vehicleId(n)));
    }
    await runInDurableObject(stub, (_, { storage }) => {
      expect(storage.sql.exec('SELECT count(*) AS n FROM intake').one()['n']).toBe(1);
    });
  });

  it('seals a quarter of a day into one chunk a vehicle, and never writes a sealed one again', async () => {
    const { tracks, stub } = newTracks();
    const rows: VehicleReadingRow[] = [];
    for (let part = 0; part < 5; part += 1) {
      const some = Array.from({ length: 20 }, (_, n) => row(1 + (n % 2), startMs + (part * 20 + n) * 10 * second));
      rows.push(...some);
      await tracks.append(packed(...some));
      await runInDurableObject(stub, (_, { storage }) => void storage.sql.exec('UPDATE intake SET taken_ms = 0'));
      await evictDurableObject(stub);
      await tracks.status();
      await runDurableObjectAlarm(stub);
    }
    // Its end lies in the past: each round was sealed after it, later ones are side chunks until there are many.
    await compactNow({ tracks, stub });
    const sealed = await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec('SELECT chunk_no, data FROM chunks WHERE sealed_from IS NOT NULL ORDER BY chunk_no').toArray(),
    );
    expect(sealed.length).toBeGreaterThan(0);
    const late = row(1, startMs + 5 * second, { speedMph: 1 });
    await tracks.append(packed(late));
    await compactNow({ tracks, stub });
    const after = await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec('SELECT chunk_no, data FROM chunks WHERE sealed_from IS NOT NULL ORDER BY chunk_no').toArray(),
    );
    expect(after.slice(0, sealed.length)).toEqual(sealed);
    for (const n of [1, 2]) {
      expect(await wholeTrack(tracks, vehicleId(n))).toEqual(trackAfter([...rows, late], vehicleId(n)));
    }
  });

  it('skips a damaged chunk and says so, and nothing else suffers', async () => {
    const { tracks, stub } = newTracks();
    const [early, later] = [row(1, startMs), row(1, startMs + 7 * hour)];
    await tracks.append(packed(early, later, row(2, startMs)));
    await compactNow({ tracks, stub });
    await runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec(`UPDATE chunks SET data = x'010000000007' WHERE last_ms = ?`, startMs + 7 * hour);
    });
    expect(await wholeTrack(tracks, vehicleId(1))).toEqual([early.reading]);
    expect(await tracks.fleetAt(startMs + 8 * hour)).toEqual([
      { vehicleId: vehicleId(1), reading: early.reading },
      { vehicleId: vehicleId(2), reading: readingAt(startMs) },
    ]);
    await tracks.append(packed(row(1, startMs + 7 * hour + second)));
    await compactNow({ tracks, stub });
    expect(await wholeTrack(tracks, vehicleId(1))).toHaveLength(2);
    expect(await tracks.listDaysBefore('2027-01-01')).toEqual(['2026-11-10']);
    expect(unpackReadings((await tracks.readDayPart('2026-11-10', 0)).readings)).toHaveLength(3);
  });

  it('refuses more when too much waits, and takes again afterwards', async () => {
    const { tracks, stub } = newTracks();
    await tracks.append(packed(row(1, startMs)));
    await runInDurableObject(stub, (_, { storage }) => void storage.sql.exec('UPDATE intake SET fixes = 1000000'));
    await evictDurableObject(stub);
    expect(await tracks.append(packed(row(1, startMs + second)))).toEqual({ kind: 'busy', retryAfterSeconds: 2 });
    expect(await wholeTrack(tracks, vehicleId(1))).toHaveLength(1);
    await runDurableObjectAlarm(stub);
    expect(await tracks.append(packed(row(1, startMs + second)))).toEqual({ kind: 'taken' });
    expect(await wholeTrack(tracks, vehicleId(1))).toHaveLength(2);
  });

  it('takes what it can of bytes that are not rows', async () => {
    const { tracks } = newTracks();
    expect(await tracks.append(new Uint8Array([9, 9, 9]))).toEqual({ kind: 'taken' });
    const bytes = packed(row(1, startMs), row(1, startMs + second));
    expect(await tracks.append(bytes.subarray(0, bytes.length - 5))).toEqual({ kind: 'taken' });
    expect(await wholeTrack(tracks, vehicleId(1))).toHaveLength(1);
  });
});
