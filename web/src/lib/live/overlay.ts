/** Lays the live picture over rows that REST has read. */
import type { LiveVehicle } from '#contracts/live';
import type { Vehicle } from '#contracts/vehicles';

/** The vehicle with everything the live picture knows better; what only REST knows stays. */
export function overlayVehicle(vehicle: Vehicle, live: LiveVehicle | undefined): Vehicle {
  if (live === undefined) return vehicle;
  return {
    ...vehicle,
    unitNumber: live.unitNumber,
    status: live.status,
    healthScore: live.healthScore,
    riskScore: live.riskScore,
    riskLevel: live.riskLevel,
    recommendedAction: live.recommendedAction,
    activeFaultCount: live.activeFaultCount,
    lastPosition:
      live.lat === null || live.lon === null || live.at === null
        ? vehicle.lastPosition
        : { lat: live.lat, lon: live.lon, at: live.at, speedMph: live.speedMph, heading: live.heading },
  };
}

/** When a vehicle was last heard of: the later of its reading and its last sync; null when never. */
export function lastHeardAt(vehicle: Pick<Vehicle, 'lastPosition' | 'lastSyncAt'>): string | null {
  const times = [vehicle.lastPosition?.at ?? null, vehicle.lastSyncAt].filter((at) => at !== null);
  return times.length === 0 ? null : times.reduce((a, b) => (Date.parse(a) >= Date.parse(b) ? a : b));
}
