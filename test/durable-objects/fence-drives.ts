/** For tests of the geofence engine: fences at the equator, fixes by metres and seconds, and a vehicle that follows them. */
import type { GeofenceShape } from '#contracts/geofences';
import { metersPerDegree } from '#durable-objects/geofences/earth';
import { FenceIndex } from '#durable-objects/geofences/fence-index';
import { toFenceShape } from '#durable-objects/geofences/fence-shape';
import { follow, type Course, type Fix, type Happening, type RuledFence } from '#durable-objects/geofences/visits';

export const startMs = Date.parse('2026-11-20T12:00:00Z');
export const minuteMs = 60_000;

/** A yard of 400 m by 400 m at the equator, so that metres are the same in both directions. */
export const meter = 1 / metersPerDegree;
export const box = (west: number, south: number, size: number): GeofenceShape => ({
  type: 'Polygon',
  coordinates: [
    [
      [west * meter, south * meter],
      [(west + size) * meter, south * meter],
      [(west + size) * meter, (south + size) * meter],
      [west * meter, (south + size) * meter],
      [west * meter, south * meter],
    ],
  ],
});
export const fenceOf = (shape: GeofenceShape, rules: Partial<RuledFence> = {}): RuledFence => ({
  id: 'yard',
  shape: toFenceShape(shape),
  dwellMinutes: null,
  speedLimitMph: null,
  ...rules,
});
export const yard = fenceOf(box(0, 0, 400));
export const round = fenceOf(
  { type: 'Circle', center: [200 * meter, 200 * meter], radiusMeters: 200 },
  { id: 'round' },
);

/** A fix so many metres east and north of the yard's corner, after so many seconds. */
export const fix = (seconds: number, east: number, north = 200, speedMph: number | null = null): Fix => ({
  atMs: startMs + seconds * 1000,
  lat: north * meter,
  lon: east * meter,
  speedMph,
});

/** Drives a vehicle along the fixes; what was told, and where it ends. */
export function drive(
  fixes: readonly Fix[],
  fences: readonly RuledFence[] = [yard],
  course: Course<RuledFence> | null = null,
) {
  const told: Happening<RuledFence>[] = [];
  const index = new FenceIndex(fences);
  for (const one of fixes) {
    const next = follow(course, one, index, (happening) => told.push(happening));
    if (next !== false) course = next;
  }
  return { told, course, kinds: told.map(({ kind }) => kind) };
}
