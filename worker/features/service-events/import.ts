/** A file of service events: its vehicles found by VIN or unit number, its rows kept, each tenant's in its own log. */
import { and, or, sql } from 'drizzle-orm';
import type { ServiceImportResult } from '#contracts/service-events';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { vehicles } from '../../db/schema/index.ts';
import { idsIn, inTenants } from '../../db/scoped.ts';
import { actingIn, type ReadScope, type TenantScope } from '../../http/tenant-scope.ts';
import { visibleVehicles } from '../vehicles/store.ts';
import type { NamedServiceEvent, Rejection } from './csv/read.ts';
import { recordServiceEvents, type RecordedServiceEvents } from './record.ts';
import type { NewServiceEvent } from './rules.ts';

interface FoundVehicle {
  id: string;
  tenantId: string;
  vin: string;
  unitNumber: string;
}

/** Vehicles of the scope that the rows may mean, in one statement. */
async function findVehicles(
  scope: ReadScope,
  db: Database,
  rows: readonly NamedServiceEvent[],
): Promise<FoundVehicle[]> {
  const vins = [...new Set(rows.flatMap(({ vin }) => vin ?? []))];
  const units = [...new Set(rows.flatMap(({ unitNumber }) => unitNumber ?? []))];
  return db
    .select({ id: vehicles.id, tenantId: vehicles.tenantId, vin: vehicles.vin, unitNumber: vehicles.unitNumber })
    .from(vehicles)
    .where(
      and(
        visibleVehicles(scope),
        or(
          and(inTenants(vehicles.tenantId, scope), sql`${vehicles.vin} in ${idsIn(vins)}`),
          and(inTenants(vehicles.tenantId, scope), sql`${vehicles.unitNumber} in ${idsIn(units)}`),
        ),
      ),
    );
}

/** The one vehicle a row means, or why there is not one. */
function vehicleOf(
  row: NamedServiceEvent,
  byVin: ReadonlyMap<string, FoundVehicle[]>,
  byUnit: ReadonlyMap<string, FoundVehicle[]>,
): FoundVehicle | Rejection {
  const found = (row.vin === null ? byUnit.get(row.unitNumber ?? '') : byVin.get(row.vin)) ?? [];
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const what = row.vin === null ? 'unit number' : 'VIN';
  const message =
    only === undefined ? `no vehicle has this ${what}` : row.vin === null ? `${found.length} vehicles have this unit number: name the vehicle by its VIN` : `vehicles of ${found.length} organisations have this VIN: name the organisation with ?tenantId=`; // prettier-ignore
  return { line: row.line, code: 'UNKNOWN_VEHICLE', message };
}

export interface ImportedServiceEvents {
  result: ServiceImportResult;
  /** What was written in each tenant. */
  byTenant: { acting: TenantScope; recorded: RecordedServiceEvents }[];
}

/** Keeps the rows whose vehicle is known. `rejected` are those that could not be read in the first place. */
export async function importServiceEvents(
  scope: ReadScope,
  db: Database,
  trail: AuditTrail,
  file: { rows: readonly NamedServiceEvent[]; rejected: readonly Rejection[] },
  now: Date,
): Promise<ImportedServiceEvents> {
  const found = file.rows.length === 0 ? [] : await findVehicles(scope, db, file.rows);
  const byVin = Map.groupBy(found, ({ vin }) => vin);
  const byUnit = Map.groupBy(found, ({ unitNumber }) => unitNumber);
  const rejected = [...file.rejected];
  const eventsByTenant = new Map<string, NewServiceEvent[]>();
  for (const row of file.rows) {
    const vehicle = vehicleOf(row, byVin, byUnit);
    if ('line' in vehicle) {
      rejected.push(vehicle);
      continue;
    }
    const events = eventsByTenant.get(vehicle.tenantId) ?? [];
    eventsByTenant.set(vehicle.tenantId, events);
    events.push({ ...row.event, vehicleId: vehicle.id });
  }
  const byTenant: ImportedServiceEvents['byTenant'] = [];
  for (const [tenantId, events] of eventsByTenant) {
    const acting = actingIn(scope, tenantId);
    if (acting === null) throw new Error('a vehicle was found outside its scope');
    const recorded = await recordServiceEvents(acting, db, events, now, {
      entryOf: (rows) =>
        trail.entry(
          db,
          {
            tenantId,
            action: 'service_events.import',
            resourceType: 'service_event',
            resourceId: null,
            after: { rows: rows.length, vehicles: new Set(rows.map(({ vehicleId }) => vehicleId)).size },
          },
          { onlyIfChanged: true },
        ),
    });
    byTenant.push({ acting, recorded });
  }
  const sum = (of: 'created' | 'unchanged') => byTenant.reduce((total, { recorded }) => total + recorded[of], 0);
  rejected.sort((a, b) => a.line - b.line);
  return { result: { created: sum('created'), unchanged: sum('unchanged'), rejected }, byTenant };
}
