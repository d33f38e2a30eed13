/** Which of the portal's positions are news for the live picture. Pure. */
import { maxFutureMs } from '#contracts/telemetry';
import type { LiveOverlay, VehicleReading } from '#durable-objects/fleet-room/feed';

export interface PortalPosition {
  vehicleId: string;
  lat: number;
  lon: number;
  at: string;
}

/** While telemetry is younger than this it knows better: a portal position has no speed and no ignition. */
export const telemetryLeadsMs = 15 * 60_000;

/** A reading as this file makes them: replaced by any newer position, because no telemetry stands behind it. */
const isPositionOnly = (reading: { speedMph: number | null; ignition: boolean | null }): boolean =>
  reading.speedMph === null && reading.ignition === null;

/** The positions newer than what the room holds, of vehicles without recent telemetry, as readings. `nowMs` is epoch. */
export function readingsToFeed(
  positions: readonly PortalPosition[],
  held: readonly LiveOverlay[],
  nowMs: number,
): VehicleReading[] {
  const heldById = new Map(held.map(({ vehicleId, reading }) => [vehicleId, reading]));
  return positions.flatMap(({ vehicleId, lat, lon, at }): VehicleReading[] => {
    const atMs = Date.parse(at);
    if (atMs - nowMs > maxFutureMs) return [];
    const reading = heldById.get(vehicleId) ?? null;
    if (reading !== null) {
      const heldAtMs = Date.parse(reading.at);
      if (heldAtMs >= atMs) return [];
      if (!isPositionOnly(reading) && nowMs - heldAtMs < telemetryLeadsMs) return [];
    }
    const unknown = { speedMph: null, heading: null, odometerMiles: null, engineHours: null, fuelPercent: null };
    return [{ vehicleId, at, lat, lon, ...unknown, ignition: null }];
  });
}
