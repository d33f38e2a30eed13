/** Vehicles, faults and predictions in D1. Every function takes the scope first and sees nothing beyond it. */
import { and, asc, desc, eq, inArray, or, sql, type SQL } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { VehicleFaultsQuery, VehicleListQuery, VehicleSortField } from '#contracts/vehicles';
import type { Database } from '../../db/client.ts';
import { faults, predictions, vehicles } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';

export type VehicleRow = typeof vehicles.$inferSelect;
export type FaultRow = typeof faults.$inferSelect;
export type PredictionRow = typeof predictions.$inferSelect;

const sortColumn: Record<VehicleSortField, SQLiteColumn> = {
  riskScore: vehicles.riskScore,
  healthScore: vehicles.healthScore,
  unitNumber: vehicles.unitNumber,
  activeFaultCount: vehicles.activeFaultCount,
  currentOdometer: vehicles.odometerMiles,
  lastSyncAt: vehicles.lastSyncAt,
  updatedAt: vehicles.updatedAt,
};

/** Rows that exist for the caller: of a readable tenant and, for a driver, assigned to them. */
export const visibleVehicles = (scope: ReadScope): SQL | undefined =>
  and(
    inTenants(vehicles.tenantId, scope),
    scope.onlyAssignedTo === null ? undefined : eq(vehicles.assignedDriverId, scope.onlyAssignedTo),
  );

function listFilter(scope: ReadScope, query: VehicleListQuery): SQL | undefined {
  const text = query.q === undefined || query.q === '' ? undefined : query.q.toLowerCase();
  return and(
    visibleVehicles(scope),
    query.riskLevel === undefined ? undefined : eq(vehicles.riskLevel, query.riskLevel),
    query.status === undefined ? undefined : eq(vehicles.status, query.status),
    // Not LIKE: D1 refuses patterns past 50 bytes, and here % is a character like any other.
    text === undefined
      ? undefined
      : or(sql`instr(lower(${vehicles.unitNumber}), ${text}) > 0`, sql`instr(lower(${vehicles.vin}), ${text}) > 0`),
  );
}

/** One page of vehicles and the total that the filter finds. */
export async function listVehicles(
  scope: ReadScope,
  db: Database,
  query: VehicleListQuery,
): Promise<{ rows: VehicleRow[]; total: number }> {
  const where = listFilter(scope, query);
  const { limit, offset } = pageWindow(query);
  const descending = query.sort.startsWith('-');
  const column = sortColumn[query.sort.replace(/^-/, '') as VehicleSortField];
  const [rows, [count]] = await db.batch([
    db
      .select()
      .from(vehicles)
      .where(where)
      // Unknown values come last either way: "no score yet" is neither the best nor the worst.
      .orderBy(sql`${descending ? desc(column) : asc(column)} nulls last`, asc(vehicles.id))
      .limit(limit)
      .offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(vehicles)
      .where(where),
  ]);
  return { rows, total: count?.total ?? 0 };
}

export async function getVehicle(scope: ReadScope, db: Database, vehicleId: string): Promise<VehicleRow | null> {
  const [row] = await db
    .select()
    .from(vehicles)
    .where(and(eq(vehicles.id, vehicleId), visibleVehicles(scope)))
    .limit(1);
  return row ?? null;
}

/** Faults of one vehicle (already found visible), active ones first, newest first. */
export async function listFaults(
  scope: ReadScope,
  db: Database,
  vehicleId: string,
  query: VehicleFaultsQuery,
): Promise<{ rows: FaultRow[]; total: number }> {
  const where = and(
    eq(faults.vehicleId, vehicleId),
    inTenants(faults.tenantId, scope),
    query.active === undefined ? undefined : eq(faults.isActive, query.active === 'true'),
  );
  const { limit, offset } = pageWindow(query);
  const [rows, [count]] = await db.batch([
    db
      .select()
      .from(faults)
      .where(where)
      .orderBy(desc(faults.isActive), desc(faults.lastSeenAt), asc(faults.id))
      .limit(limit)
      .offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(faults)
      .where(where),
  ]);
  return { rows, total: count?.total ?? 0 };
}

/** Predictions of one vehicle (already found visible), newest first. */
export async function listPredictions(
  scope: ReadScope,
  db: Database,
  vehicleId: string,
  query: { page?: number | undefined; pageSize?: number | undefined },
): Promise<{ rows: PredictionRow[]; total: number }> {
  const where = and(eq(predictions.vehicleId, vehicleId), inTenants(predictions.tenantId, scope));
  const { limit, offset } = pageWindow(query);
  const [rows, [count]] = await db.batch([
    db
      .select()
      .from(predictions)
      .where(where)
      .orderBy(desc(predictions.createdAt), desc(predictions.id))
      .limit(limit)
      .offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(predictions)
      .where(where),
  ]);
  return { rows, total: count?.total ?? 0 };
}

/** Every vehicle of one tenant with all its faults, in two statements. */
export async function readFleet(
  scope: ReadScope,
  db: Database,
): Promise<{ vehicles: VehicleRow[]; faultsByVehicle: Map<string, FaultRow[]> }> {
  const [vehicleRows, faultRows] = await db.batch([
    db.select().from(vehicles).where(visibleVehicles(scope)).orderBy(asc(vehicles.unitNumber)),
    db
      .select()
      .from(faults)
      .where(
        and(
          inTenants(faults.tenantId, scope),
          scope.onlyAssignedTo === null
            ? undefined
            : inArray(faults.vehicleId, db.select({ id: vehicles.id }).from(vehicles).where(visibleVehicles(scope))),
        ),
      ),
  ]);
  const faultsByVehicle = new Map<string, FaultRow[]>();
  for (const fault of faultRows) {
    const known = faultsByVehicle.get(fault.vehicleId);
    if (known) known.push(fault);
    else faultsByVehicle.set(fault.vehicleId, [fault]);
  }
  return { vehicles: vehicleRows, faultsByVehicle };
}
