/** For tests of tracks: objects of their own, readings, and the track that a plain list of arrivals amounts to. */
import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { asKept } from '#contracts/reading-scales';
import type { Reading } from '#contracts/telemetry';
import { packReadings, type VehicleReadingRow } from '#durable-objects/readings/packed-readings';
import type { FleetTracks } from '#durable-objects/fleet-tracks/fleet-tracks';
import type { FleetTracksRpc } from '#durable-objects/fleet-tracks/feed';
import { tracksOf } from '#durable-objects/stubs';

let number = 0;
export const vehicleId = (n: number) => `01940000-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** Tracks of their own per test: storage is shared within a file. */
export function newTracks() {
  number += 1;
  const tenantId = `01940000-0000-7000-9000-${String(number).padStart(12, '0')}`;
  const stub = env.FLEET_TRACKS.get(env.FLEET_TRACKS.idFromName(tenantId)) as DurableObjectStub<FleetTracks>;
  return { tenantId, tracks: tracksOf(env.FLEET_TRACKS, tenantId), stub };
}

export const startMs = Date.parse('2026-11-10T05:30:00.000Z');

export const readingAt = (atMs: number, patch: Partial<Reading> = {}): Reading =>
  asKept({
    at: new Date(atMs).toISOString(),
    lat: 39.7 + ((atMs / 1000) % 1000) / 1e4,
    lon: -105,
    speedMph: 55,
    heading: 90,
    odometerMiles: 1_000,
    engineHours: 20,
    fuelPercent: 50,
    ignition: true,
    ...patch,
  });

export const row = (n: number, atMs: number, patch: Partial<Reading> = {}): VehicleReadingRow => ({
  vehicleId: vehicleId(n),
  reading: readingAt(atMs, patch),
});

export const packed = (...rows: VehicleReadingRow[]): Uint8Array => packReadings(rows);

/** What a vehicle's track must be after these arrivals: oldest first, of equal times the first that came. */
export function trackAfter(arrived: readonly VehicleReadingRow[], id: string): Reading[] {
  const byTime = new Map<string, Reading>();
  for (const { vehicleId: named, reading } of arrived) {
    if (named === id && !byTime.has(reading.at)) byTime.set(reading.at, reading);
  }
  return [...byTime.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** Lets everything that waits look old enough, so that the alarm compacts it. */
export const makeDue = (stub: DurableObjectStub<FleetTracks>): Promise<void> =>
  runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec('UPDATE intake SET taken_ms = 0');
    storage.sql.exec('UPDATE buckets SET seal_after_ms = 0 WHERE seal_after_ms IS NOT NULL');
  });

/** The whole track, page by page. */
export async function wholeTrack(tracks: FleetTracksRpc, id: string, limit = 1_000, fromMs = 0, toMs = 4e12) {
  const readings = [];
  let afterMs: number | null = null;
  for (;;) {
    const page = await tracks.read({ vehicleId: id, fromMs, toMs, afterMs, limit });
    readings.push(...page.readings);
    if (!page.hasMore) return readings;
    if (page.readings.length !== limit) throw new Error('a page with more to follow is full');
    afterMs = Date.parse(page.readings.at(-1)?.at ?? '');
  }
}

/** Everything that waits becomes chunks, and what has ended is sealed, by the alarm of an object that has just been evicted. */
export async function compactNow({
  tracks,
  stub,
}: Pick<ReturnType<typeof newTracks>, 'tracks' | 'stub'>): Promise<void> {
  await tracks.confirmFenceEvents(0);
  await makeDue(stub);
  await evictDurableObject(stub);
  await tracks.confirmFenceEvents(0);
  await runDurableObjectAlarm(stub);
}
