/** Days that leave the tracks for R2, on the real objects, D1 and R2; and everything that can go wrong on the way. */
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { writeUuid } from '#durable-objects/readings/packed-readings';
import { none, packedRowBytes, writeRow } from '#durable-objects/readings/packed-steps';
import { tracksOf } from '#durable-objects/stubs';
import { readingAt } from '#test/durable-objects/tracks-builders';
import { db, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import {
  askTrack,
  dayMs,
  dieEverywhere,
  expectNoOrphans,
  fixesOf,
  midnight,
  nameOfDay,
  objectsOf,
  putFixes,
  trackDay,
} from '#test/workers/track-builders';
import { listTurns } from '#worker/features/track-archive/due-store';
import { movedBefore } from '#worker/features/track-archive/rules';
import { moveTracks, type MoveTracksBounds } from './move-tracks.ts';
import { sweepTrackFiles } from './sweep-track-files.ts';

const plenty: MoveTracksBounds = { calls: 100_000, partsPerTurn: 1_000, tenants: 1_000, ms: 600_000 };
const later = (days: number) => new Date(Date.now() + days * dayMs);
const heldOf = async (of: TestTenant) => (await tracksOf(env.FLEET_TRACKS, of.id).status()).chunks;
const daysHeld = (of: TestTenant) => tracksOf(env.FLEET_TRACKS, of.id).listDaysBefore('9999-12-31');

/** A tenant with two trucks: two old days, and one that is young. */
async function oldFleet() {
  const fleet = await tenant();
  const { token } = await person(fleet, 'viewer');
  const [one, other] = [await truck(fleet), await truck(fleet)];
  const [first, second, young] = [midnight(41), midnight(40), midnight(10)];
  const track = [...fixesOf(first, 100), ...fixesOf(second, 50), ...fixesOf(young, 20)];
  await putFixes(fleet, one, track);
  await putFixes(fleet, other, fixesOf(first, 30, { lat: -33 }));
  const range = { fromMs: first, toMs: Date.now() };
  return { fleet, token, one, other, first, second, young, track, range };
}

describe('days of more than 30 days ago', () => {
  test('leave for R2 and are read like before; young ones stay', async () => {
    const { fleet, token, one, other, first, second, track, range } = await oldFleet();
    expect(await askTrack(one, token, range)).toEqual(track);
    expect(await moveTracks(env, new Date(), plenty)).toMatchObject({ failed: 0, left: 0, parts: 2, fixes: 180 });
    expect(await daysHeld(fleet)).toEqual([nameOfDay(midnight(10))]);
    expect(await heldOf(fleet)).toBe(1);
    expect(await trackDay(fleet, first)).toMatchObject({ state: 'stored', fixes: 130, moving: null });
    expect(await trackDay(fleet, second)).toMatchObject({ state: 'stored', fixes: 50, moving: null });
    await expectNoOrphans(fleet, first, second);
    expect(await askTrack(one, token, range)).toEqual(track);
    expect(await askTrack(one, token, { ...range, limit: 7 })).toEqual(track);
    expect(await askTrack(other, token, range)).toEqual(fixesOf(first, 30, { lat: -33 }));
    // Both ends of a range within a day count, and so does the seam between R2 and what is at hand.
    const [from, to] = [Date.parse(track[97]?.at ?? ''), Date.parse(track[101]?.at ?? '')];
    expect(await askTrack(one, token, { fromMs: from, toMs: to })).toEqual(track.slice(97, 102));
    // Nothing is moved twice.
    expect(await moveTracks(env, later(0.01), plenty)).toMatchObject({ parts: 0, failed: 0 });
  });

  test('what comes late for a day that has left is a file of its own; the first that came counts', async () => {
    const { fleet, token, one, first, second, track, range } = await oldFleet();
    await moveTracks(env, new Date(), plenty);
    const again = { ...(track[3] ?? readingAt(0)), lat: 1, speedMph: 1 };
    const late = [readingAt(first + 60_000, { lat: 44 }), readingAt(first + 23 * 3_600_000, { lat: 45 })];
    await putFixes(fleet, one, [again, ...late]);
    const whole = [...track, ...late].sort((a, b) => (a.at < b.at ? -1 : 1));
    expect(await askTrack(one, token, range)).toEqual(whole);
    // Asked once a day: tomorrow.
    expect(await moveTracks(env, new Date(), plenty)).toMatchObject({ parts: 0 });
    expect(await moveTracks(env, later(1), plenty)).toMatchObject({ parts: 1, fixes: 3, failed: 0 });
    expect(await trackDay(fleet, first)).toMatchObject({ state: 'stored', fixes: 133, moving: null });
    expect((await trackDay(fleet, first))?.files).toHaveLength(2);
    await expectNoOrphans(fleet, first, second);
    expect(await askTrack(one, token, range)).toEqual(whole);
    expect(await askTrack(one, token, { ...range, limit: 3 })).toEqual(whole);
  });

  test('of a truck that was forgotten leave no trace', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    await putFixes(fleet, id, fixesOf(midnight(50), 5));
    const tracks = tracksOf(env.FLEET_TRACKS, fleet.id);
    expect(await tracks.listDaysBefore(movedBefore(new Date()))).toHaveLength(1);
    await tracks.forgetVehicle(id);
    expect(await moveTracks(env, new Date(), plenty)).toMatchObject({ failed: 0, left: 0 });
    expect([await trackDay(fleet, midnight(50)), await objectsOf(fleet)]).toEqual([null, []]);
  });

  test('go some parts a turn, everybody in turn; a tenant without trucks is never asked', async () => {
    const fleets = [await tenant(), await tenant()];
    const days = [45, 44, 43].map(midnight);
    for (const fleet of fleets) {
      const id = await truck(fleet);
      for (const day of days) await putFixes(fleet, id, fixesOf(day, 3));
    }
    const nobody = await tenant();
    expect(await listTurns(db, movedBefore(new Date()), 1_000)).not.toContain(nobody.id);
    const moved = async () =>
      Promise.all(fleets.map(async (fleet) => (await Promise.all(days.map((day) => trackDay(fleet, day)))).length));
    const stored = async () =>
      Promise.all(
        fleets.map(async (fleet) => {
          const rows = await Promise.all(days.map((day) => trackDay(fleet, day)));
          return rows.filter((row) => row?.state === 'stored').length;
        }),
      );
    expect(await moved()).toEqual([3, 3]);
    // Two trucks' turns of one part each fit, and the beginning of nothing more.
    const few = { ...plenty, partsPerTurn: 1, calls: 44 };
    const first = await moveTracks(env, new Date(), few);
    expect(first).toMatchObject({ failed: 0, left: 2 });
    const counts = await stored();
    expect(Math.abs((counts[0] ?? 0) - (counts[1] ?? 0))).toBeLessThanOrEqual(1);
    expect(counts[0]).toBeGreaterThan(0);
    for (let hour = 1; hour < 8; hour += 1) await moveTracks(env, later(hour / 1000), few);
    expect(await stored()).toEqual([3, 3]);
    expect(await listTurns(db, movedBefore(new Date()), 1_000)).toEqual([]);
  });

  test(
    'killed before and after every call, nothing is lost, doubled or left lying about',
    { timeout: 300_000 },
    async () => {
      vi.spyOn(console, 'error').mockImplementation(() => undefined);
      let made: Awaited<ReturnType<typeof oldFleet>> | null = null;
      const fleet = () => {
        if (made === null) throw new Error('there is no fleet yet');
        return made;
      };
      const deaths = await dieEverywhere((mortalEnv) => moveTracks(mortalEnv, new Date(), plenty), {
        before: async () => {
          made = await oldFleet();
        },
        after: async () => {
          const { fleet: of, token, one, other, first, second, track, range } = fleet();
          // Whatever has happened, everything can be read.
          expect(await askTrack(one, token, range)).toEqual(track);
          expect(await moveTracks(env, later(0.001), plenty)).toMatchObject({ failed: 0, left: 0 });
          await sweepTrackFiles(env, later(2), 1_000);
          await expectNoOrphans(of, first, second);
          expect(await trackDay(of, first)).toMatchObject({ state: 'stored', fixes: 130, moving: null });
          expect(await trackDay(of, second)).toMatchObject({ state: 'stored', fixes: 50, moving: null });
          expect(await daysHeld(of)).toEqual([nameOfDay(midnight(10))]);
          expect(await askTrack(one, token, range)).toEqual(track);
          expect(await askTrack(other, token, range)).toEqual(fixesOf(first, 30, { lat: -33 }));
        },
      });
      // Two days of a part each: asking, reading, writing, reading back, writing down, letting go, finishing.
      expect(deaths).toBeGreaterThan(16);
    },
  );

  test('moved by two at once are moved once', async () => {
    const { fleet, token, one, first, second, track, range } = await oldFleet();
    await Promise.all([1, 2, 3].map(() => moveTracks(env, new Date(), plenty)));
    await moveTracks(env, later(1), plenty);
    expect(await trackDay(fleet, first)).toMatchObject({ fixes: 130, moving: null });
    expect(await trackDay(fleet, second)).toMatchObject({ fixes: 50, moving: null });
    await sweepTrackFiles(env, later(2), 1_000);
    await expectNoOrphans(fleet, first, second);
    expect(await askTrack(one, token, range)).toEqual(track);
  });

  test('of 310,000 fixes go in two parts, and may be interrupted between them', { timeout: 240_000 }, async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const trucks = await Promise.all(Array.from({ length: 4 }, () => truck(fleet)));
    const start = midnight(60);
    const perTruck = 77_500;
    for (const vehicleId of trucks) {
      const id = new Uint8Array(16);
      writeUuid(id, 0, vehicleId);
      const bytes = new Uint8Array(perTruck * packedRowBytes);
      const view = new DataView(bytes.buffer);
      for (let n = 0; n < perTruck; n += 1) {
        writeRow(bytes, view, n * packedRowBytes, id, {
          ...{ atMs: start + n * 1_000, lat: 400_000_000 + n * 97, lon: -1_050_000_000 + n * 31 },
          ...{ odometerMiles: 1_000_000 + n, engineHours: 5_000 + (n >> 2), speedMph: 5_000 + (n % 300) },
          ...{ heading: (n * 7) % 36_000, fuelPercent: n % 5 === 0 ? none : 5_000 - (n >> 6), ignition: 1 },
        });
      }
      await tracksOf(env.FLEET_TRACKS, fleet.id).append(bytes);
    }
    const one = { ...plenty, partsPerTurn: 1, calls: 16 };
    expect(await moveTracks(env, new Date(), one)).toMatchObject({ parts: 1, fixes: 3 * perTruck, left: 1 });
    const halfway = await trackDay(fleet, start);
    expect(halfway).toMatchObject({ state: 'writing', fixes: 0, moving: { parts: 1, isStored: false } });
    const stretch = { fromMs: start + 40_000_000, toMs: start + 40_999_000 };
    const [firstTruck, lastTruck] = [...trucks].sort().filter((_, n) => n % 3 === 0) as [string, string];
    const before = [await askTrack(firstTruck, token, stretch), await askTrack(lastTruck, token, stretch)];
    expect(before.map((readings) => readings.length)).toEqual([1_000, 1_000]);
    expect(await moveTracks(env, later(0.001), plenty)).toMatchObject({ parts: 1, fixes: perTruck, left: 0 });
    const row = await trackDay(fleet, start);
    expect(row).toMatchObject({ state: 'stored', fixes: 4 * perTruck, moving: null });
    expect(row?.files).toHaveLength(2);
    expect(row?.files[0]).toEqual(halfway?.moving?.files[0]);
    await expectNoOrphans(fleet, start);
    expect(await daysHeld(fleet)).toEqual([]);
    expect([await askTrack(firstTruck, token, stretch), await askTrack(lastTruck, token, stretch)]).toEqual(before);
  });
});

describe('the sweep', () => {
  test('deletes what no row names once it is a day old, page by page, and nothing else', async () => {
    const { fleet, first, second } = await oldFleet();
    await moveTracks(env, new Date(), plenty);
    const named = await objectsOf(fleet);
    const folder = `tracks/${fleet.id}/2026/01/02`;
    for (const key of [`${folder}/0000-x-y.parquet`, `tracks/${fleet.id}/rubbish`]) await env.ARTIFACTS.put(key, 'x');
    await env.ARTIFACTS.put(`models/${fleet.id}/x.json`, 'x');
    await sweepTrackFiles(env, new Date(), 1_000);
    expect(await objectsOf(fleet)).toHaveLength(named.length + 2);
    const swept = await sweepTrackFiles(env, later(1.1), 1_000);
    expect(swept.deleted).toBe(2);
    expect(swept.seen).toBeGreaterThanOrEqual(4);
    await expectNoOrphans(fleet, first, second);
    expect(await objectsOf(fleet)).toEqual(named);
    expect(await env.ARTIFACTS.head(`models/${fleet.id}/x.json`)).not.toBeNull();
    expect((await sweepTrackFiles(env, later(1.1), 1_000)).deleted).toBe(0);
  });
});
