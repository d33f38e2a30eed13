/** Geofences for tests, and everything that is asked of the database about them. */
import { env } from 'cloudflare:workers';
import type { Geofence, GeofenceShape } from '#contracts/geofences';
import { asKept } from '#contracts/reading-scales';
import { packReadings } from '#durable-objects/readings/packed-readings';
import { tracksOf } from '#durable-objects/stubs';
import { openDatabase } from '#worker/db/client';
import { geofences } from '#worker/db/schema/index';
import type { Env } from '#worker/env';
import { takeFenceEvents } from '#worker/features/geofences/take-events';
import { tellAll } from '#worker/features/geofences/tell-tracks';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { db, person, tenant, truck, type TestTenant } from './harness.ts';

/** A hundredth of a degree wide and high, its south-west corner given. */
export const squareShape = (lon = -105, lat = 40, size = 0.01): GeofenceShape => ({
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

/** Somewhere in the middle of `squareShape()`, and far from it. */
export const insideSquare = { lat: 40.005, lon: -104.995 };
export const outsideSquare = { lat: 40.005, lon: -104.9 };

/** A fence straight into D1; the tracks do not know it. */
export async function geofence(of: TestTenant, fields: Partial<typeof geofences.$inferInsert> = {}): Promise<string> {
  const id = fields.id ?? newId();
  const at = new Date().toISOString();
  await db.insert(geofences).values({
    ...{ id, tenantId: of.id, name: 'Yard', cornerCount: 5, shape: squareShape() },
    ...{ alertOnEntry: false, alertOnExit: false, createdAt: at, updatedAt: at },
    ...fields,
  });
  return id;
}

export interface Sighting {
  lat: number;
  lon: number;
  at: string;
  speedMph?: number;
}

/** What a truck reports, straight to its tenant's tracks. */
export async function drives(of: TestTenant, vehicleId: string, ...sightings: Sighting[]): Promise<void> {
  const unknown = { heading: null, odometerMiles: null, engineHours: null, fuelPercent: null, ignition: null };
  await tracksOf(env.FLEET_TRACKS, of.id).append(
    packReadings(
      sightings.map(({ speedMph = null, ...place }) => ({
        vehicleId,
        reading: asKept({ ...place, speedMph, ...unknown }),
      })),
    ),
  );
}

/** Everything that is waiting is taken over now. */
export const takeEvents = (of: TestTenant, bindings: Env = env) =>
  takeFenceEvents(scopeForJob(of.id), bindings, openDatabase(bindings.DB), new Date());

type Ask = (method: string, path: string, token: string, body?: unknown) => Promise<Response>;

/** A fence is drawn, changed, driven through, read about and deleted. */
export async function askAboutFences(recorded: Env, ask: Ask): Promise<void> {
  const owner = await tenant();
  const vehicleId = await truck(owner);
  const { token } = await person(owner, 'fleet_admin');
  const fields = { name: 'Yard', shape: squareShape(), alertOnEntry: true, alertOnExit: true };
  const drawn = await ask('POST', '/geofences', token, fields);
  const { id } = ((await drawn.json()) as { data: Geofence }).data;
  await ask('PUT', `/geofences/${id}`, token, { name: 'The yard' });
  await tellAll(scopeForJob(owner.id), recorded, openDatabase(recorded.DB));
  const at = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
  await drives(owner, vehicleId, { ...insideSquare, at: at(9) }, { ...outsideSquare, at: at(8) });
  await takeEvents(owner, recorded);
  const readers = [token, (await person(owner, 'driver')).token, (await person(null, 'super_admin')).token];
  for (const reader of readers) {
    for (const path of ['/geofences', '/geofences?q=yard', `/geofences/${id}`, `/geofences/${id}/events`]) {
      await ask('GET', path, reader);
    }
    const between = `from=${at(100)}&to=${at(0)}`;
    await ask('GET', `/geofences/${id}/events?kind=entry&vehicleId=${vehicleId}&${between}`, reader);
  }
  const page = await ask('GET', `/geofences/${id}/events?limit=1`, token);
  const { nextCursor } = ((await page.json()) as { meta: { nextCursor: string } }).meta;
  await ask('GET', `/geofences/${id}/events?cursor=${nextCursor}`, token);
  await ask('DELETE', `/geofences/${id}`, token);
}
