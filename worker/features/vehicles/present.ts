/** Rows → contract, by allow-list. */
import type { Fault } from '#contracts/faults';
import type { Prediction } from '#contracts/risk';
import type { Reading } from '#contracts/telemetry';
import type { LastPosition, Vehicle } from '#contracts/vehicles';
import { vehicleStatusAt } from '#contracts/vehicle-status';
import type { LiveOverlay } from '#durable-objects/fleet-room/feed';
import { lastReadingOf } from '../../db/last-reading.ts';
import type { FaultRow, PredictionRow, VehicleRow } from './store.ts';

const toLastPosition = (reading: Reading): LastPosition => ({
  lat: reading.lat,
  lon: reading.lon,
  at: reading.at,
  speedMph: reading.speedMph,
  heading: reading.heading,
});

/** The larger of two counters that only ever rise, null where neither is known. */
const furthest = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.max(a, b);

/** One vehicle; `overlay` is the live room's word, which is newer than D1's copy when there is one. */
export function toVehicle(row: VehicleRow, overlay: LiveOverlay | undefined, now: Date): Vehicle {
  const kept = lastReadingOf(row);
  const live = overlay?.reading ?? null;
  const reading = live !== null && (kept === null || live.at >= kept.at) ? live : kept;
  return {
    id: row.id,
    tenantId: row.tenantId,
    vin: row.vin,
    unitNumber: row.unitNumber,
    year: row.year,
    make: row.make,
    model: row.model,
    engineMake: row.engineMake,
    engineModel: row.engineModel,
    currentOdometer: furthest(row.odometerMiles, reading?.odometerMiles ?? null),
    engineHours: furthest(row.engineHours, reading?.engineHours ?? null),
    status: vehicleStatusAt(reading, now.getTime()),
    healthScore: row.healthScore,
    riskScore: row.riskScore,
    riskLevel: row.riskLevel,
    recommendedAction: row.recommendedAction,
    activeFaultCount: row.activeFaultCount,
    lastPosition: reading === null ? null : toLastPosition(reading),
    assignedDriverId: row.assignedDriverId,
    lastSyncAt: row.lastSyncAt,
    updatedAt: row.updatedAt,
  };
}

/** One fault. An active one was last seen when its vehicle's whole list was last read, or itself later. */
export function toFault(row: FaultRow, faultsReadAt: string | null): Fault {
  const seenWithList = row.isActive && faultsReadAt !== null && faultsReadAt > row.lastSeenAt;
  return {
    id: row.id,
    spn: row.spn,
    fmi: row.fmi,
    sourceAddress: row.sourceAddress,
    description: row.description,
    system: row.system,
    severity: row.severity,
    isActive: row.isActive,
    firstSeenAt: row.firstSeenAt,
    lastSeenAt: seenWithList ? faultsReadAt : row.lastSeenAt,
    clearedAt: row.clearedAt,
    occurrenceCount: row.occurrenceCount,
    lamps: row.lamps,
  };
}

export const toPrediction = (row: PredictionRow): Prediction => ({
  ...row.score,
  id: row.id,
  createdAt: row.createdAt,
  outcome: {
    failedAt: row.failedAt,
    censoredAt: row.censoredAt,
    within: { days7: row.failed7, days30: row.failed30, days90: row.failed90 },
  },
});
