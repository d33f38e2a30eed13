/** The latest reading of a vehicle as D1 last heard it from the live room. */
import type { Reading } from '#contracts/telemetry';
import type { vehicles } from './schema/index.ts';

/** null when the vehicle never reported. */
export function lastReadingOf(row: typeof vehicles.$inferSelect): Reading | null {
  if (row.lastReadingAt === null || row.lastLat === null || row.lastLon === null) return null;
  return {
    at: row.lastReadingAt,
    lat: row.lastLat,
    lon: row.lastLon,
    speedMph: row.lastSpeedMph,
    heading: row.lastHeading,
    odometerMiles: row.odometerMiles,
    engineHours: row.engineHours,
    fuelPercent: row.lastFuelPercent,
    ignition: row.lastIgnition,
  };
}
