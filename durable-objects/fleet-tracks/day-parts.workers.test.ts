/** Days that leave for R2: frozen, read in parts, dropped, and what comes late. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { unpackReadings } from '../readings/packed-readings.ts';
import {
  compactNow,
  newTracks,
  packed,
  row,
  startMs,
  vehicleId,
  wholeTrack,
} from '#test/durable-objects/tracks-builders';

const second = 1_000;
const dayMs = 86_400_000;

describe('days on their way out', () => {
  const day = '2026-11-10';
  const rowsOf = (n: number, count: number) =>
    Array.from({ length: count }, (_, at) => row(n, startMs + at * 600 * second, { fuelPercent: at % 100 }));

  it('are listed, read in parts that stay the same, and dropped; what came late is a day again', async () => {
    const { tracks, stub } = newTracks();
    const arrived = [...rowsOf(2, 90), ...rowsOf(1, 90), row(3, startMs + 3 * dayMs)];
    await tracks.append(packed(...arrived));
    expect(await tracks.listDaysBefore(day)).toEqual([]);
    expect(await tracks.listDaysBefore('2026-11-12')).toEqual([day]);
    expect(await tracks.listDaysBefore('2026-12-12')).toEqual([day, '2026-11-13']);
    expect(await tracks.readDayPart(day, 1)).toEqual({ part: 1, readings: new Uint8Array(0), hasMore: false });
    const part = await tracks.readDayPart(day, 0);
    const rows = unpackReadings(part.readings);
    expect(part.hasMore).toBe(false);
    expect(rows).toEqual([...rowsOf(1, 90), ...rowsOf(2, 90)]);

    // The day is frozen: what comes now is not among what is dropped.
    const late = [row(1, startMs + second), row(4, startMs), row(1, startMs, { speedMph: 1 })];
    await tracks.append(packed(...late));
    await compactNow({ tracks, stub });
    expect(await tracks.readDayPart(day, 0)).toEqual(part);
    // Who moved another number of parts has not moved this day.
    await tracks.dropDay(day, 2);
    expect(await tracks.readDayPart(day, 0)).toEqual(part);
    await tracks.dropDay(day, 1);
    await tracks.dropDay(day, 1);
    expect(await tracks.listDaysBefore('2026-11-12')).toEqual([day]);
    const again = await tracks.readDayPart(day, 0);
    expect(unpackReadings(again.readings)).toEqual([late[2], late[0], late[1]]);
    await tracks.dropDay(day, 1);
    expect(await tracks.listDaysBefore('2026-12-12')).toEqual(['2026-11-13']);
    expect(await tracks.readDayPart(day, 0)).toEqual({ part: 0, readings: new Uint8Array(0), hasMore: false });
    expect(await tracks.status()).toMatchObject({ chunks: 1, intakeFixes: 0 });
    expect(await wholeTrack(tracks, vehicleId(3))).toHaveLength(1);
  });

  it('are dropped to the end by the alarm when memory is lost in the middle', async () => {
    const { tracks, stub } = newTracks();
    await tracks.append(packed(...rowsOf(1, 50), ...rowsOf(2, 50)));
    await tracks.readDayPart(day, 0);
    await runInDurableObject(stub, (_, { storage }) => void storage.sql.exec('UPDATE moves SET is_dropping = 1'));
    await evictDurableObject(stub);
    expect(await tracks.listDaysBefore('2026-12-12')).toEqual([]);
    expect(await tracks.readDayPart(day, 0)).toMatchObject({ hasMore: false, readings: new Uint8Array(0) });
    await runDurableObjectAlarm(stub);
    expect(await tracks.status()).toMatchObject({ chunks: 0, chunkBytes: 0 });
  });

  it('of which everything was forgotten are dropped all the same', async () => {
    const { tracks } = newTracks();
    await tracks.append(packed(...rowsOf(1, 5)));
    expect(await tracks.listDaysBefore('2026-12-12')).toEqual([day]);
    await tracks.forgetVehicle(vehicleId(1));
    const nothing = { part: 0, readings: new Uint8Array(0), hasMore: false };
    expect(await tracks.readDayPart(day, 0)).toMatchObject(nothing);
    await tracks.dropDay(day, 1);
    expect(await tracks.listDaysBefore('2026-12-12')).toEqual([]);
  });

  it('go only at the word of their own move: one that comes late does not drop what came since', async () => {
    const { tracks } = newTracks();
    await tracks.append(packed(...rowsOf(1, 5)));
    const { move } = await tracks.readDayPart(day, 0);
    await tracks.dropDay(day, 1, move);
    await tracks.append(packed(row(1, startMs + second)));
    const late = await tracks.readDayPart(day, 0);
    expect(late.move).toBeGreaterThan(move ?? Infinity);
    await tracks.dropDay(day, 1, move);
    expect(await tracks.readDayPart(day, 0)).toEqual(late);
    await tracks.dropDay(day, 1, late.move);
    expect(await tracks.listDaysBefore('2026-12-12')).toEqual([]);
  });
});
