/** The fleet as it stood at an instant: D1's part and the tracks' part together. */
import type { LiveVehicle } from '#contracts/live';
import type { Reading } from '#contracts/telemetry';
import { vehicleStatusAt } from '#contracts/vehicle-status';
import { tracksOf } from '#durable-objects/stubs';
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import { AppError } from '../../http/errors.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';
import { readFleetThen, type FleetThen, type VehicleThen } from './fleet-at-store.ts';
import { settle } from './read-track.ts';

/** Tenants asked at the same time. */
const tenantsAtOnce = 6;
/** So many are asked without waiting to hear whether they have vehicles. */
const tenantsAskedUnseen = 30;

/** Pure: one vehicle as a live socket would have shown it then. */
export function toVehicleThen(row: VehicleThen, reading: Reading | null, then: FleetThen, atMs: number): LiveVehicle {
  const [riskScore, riskLevel, healthScore, recommendedAction] = row.prediction ?? [null, null, null, null];
  return {
    id: row.id,
    tenantId: row.tenantId,
    unitNumber: row.unitNumber,
    make: row.make,
    model: row.model,
    status: vehicleStatusAt(reading, atMs),
    lat: reading?.lat ?? null,
    lon: reading?.lon ?? null,
    heading: reading?.heading ?? null,
    speedMph: reading?.speedMph ?? null,
    at: reading?.at ?? null,
    healthScore,
    riskScore,
    riskLevel,
    recommendedAction,
    activeFaultCount: then.activeFaults.get(row.id) ?? 0,
    openAlertCount: then.openAlerts.get(row.id) ?? 0,
  };
}

async function readingsOf(env: Env, tenantIds: readonly string[], atMs: number): Promise<Map<string, Reading>> {
  const readings = new Map<string, Reading>();
  const waiting = [...tenantIds];
  const work = async () => {
    for (let tenantId = waiting.pop(); tenantId !== undefined; tenantId = waiting.pop()) {
      await settle(env, tenantId);
      for (const found of await tracksOf(env.FLEET_TRACKS, tenantId).fleetAt(atMs)) {
        readings.set(found.vehicleId, found.reading);
      }
    }
  };
  await Promise.all(Array.from({ length: tenantsAtOnce }, work));
  return readings;
}

/** Every readable vehicle that was there at `at` (RFC 3339, UTC): first seen by then, or heard of. */
export async function fleetAt(scope: ReadScope, env: Env, db: Database, at: string): Promise<LiveVehicle[]> {
  const atMs = Date.parse(at);
  const ofTenants = scope.readableTenantIds;
  // The operator reads everybody's: there it is better to know first who has vehicles at all.
  const asking = ofTenants.length <= tenantsAskedUnseen ? readingsOf(env, ofTenants, atMs) : null;
  // Awaited below; until then a refusal is not forgotten, only early.
  asking?.catch(() => undefined);
  const then = await readFleetThen(scope, db, at);
  let readings;
  try {
    readings = await (asking ?? readingsOf(env, [...new Set(then.vehicles.map((row) => row.tenantId))], atMs));
  } catch (cause) {
    throw new AppError('UNAVAILABLE', 'The tracks do not answer right now. Try again in a moment.', { cause });
  }
  return then.vehicles
    .filter((row) => row.firstSeenAt <= at || readings.has(row.id))
    .map((row) => toVehicleThen(row, readings.get(row.id) ?? null, then, atMs));
}
