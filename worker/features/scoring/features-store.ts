/**
 * What scoring takes, read from D1: eight statements in one batch for some hundred vehicles, all as of one moment, with the
 * models that hold at that moment.
 */
import { and, asc, eq, sql, type SQL } from 'drizzle-orm';
import type { Lamps } from '#contracts/faults';
import type { VehicleFeatures } from '#contracts/risk';
import { maxFutureMs } from '#contracts/telemetry';
import { featureListVersion, featureNames } from '#scoring';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { signalStates, vehicles } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { toFeatures, type FaultFacts, type MeterFacts, type ServiceFacts } from './features-rules.ts';
import { modelStatements, type ModelRows } from './models.ts';

/** One vehicle as scoring takes it. */
export interface FeaturedVehicle {
  id: string;
  unitNumber: string;
  /** As read: what is written back holds only as long as it is still this. */
  readUpdatedAt: string;
  features: VehicleFeatures;
}

export interface FeaturesRead {
  /** By id, in ascending order. */
  vehicles: FeaturedVehicle[];
  modelRows: ModelRows;
}

const dayMs = 86_400_000;
/** Codes that went longer ago say nothing any more, and would only be carried along. */
const clearedKeptDays = 400;
/** Odometers of shop visits further back are of no use to `ratePerDay`. */
const odometersDays = 400;
/** An earlier prediction's meters count as a point of their own when they lie this far back. */
const earlierMetersDays = { from: 60, until: 7 };

/** Clocks differ by a little, and a job's time is that of its timer. */
const until = (now: Date): string => new Date(now.getTime() + maxFutureMs).toISOString();

type Cell = string | number | null;

/**
 * The codes of each vehicle as one JSON list: tens of thousands of rows would cost more to carry out of the database than
 * to read.
 */
const faultsOf = (scope: TenantScope, ids: SQL, since: string) => sql`
  SELECT f.vehicle_id, json_group_array(json_array(f.source_address, f.spn, f.fmi, f.is_active, f.first_seen_at,
    f.last_seen_at, f.cleared_at, f.occurrence_count, f.reopen_count, json(f.lamps))
    ORDER BY f.source_address, f.spn, f.fmi) AS list
  FROM faults f
  WHERE f.vehicle_id IN ${ids} AND +f.tenant_id = ${scope.tenantId}
    AND (f.is_active = 1 OR coalesce(f.cleared_at, f.last_seen_at) >= ${since})
  GROUP BY f.vehicle_id`;

type FaultCells = [number, number, number, 0 | 1, string, string, string | null, number, number, Lamps | null];

function toFaultFacts(list: string): FaultFacts[] {
  return (JSON.parse(list) as FaultCells[]).map(
    ([sourceAddress, spn, fmi, isActive, firstSeenAt, lastSeenAt, clearedAt, occurrenceCount, reopenCount, lamps]) => ({
      spn,
      fmi,
      sourceAddress,
      isActive: isActive === 1,
      firstSeenAt,
      lastSeenAt,
      clearedAt,
      occurrenceCount,
      reopenCount,
      lamps,
    }),
  );
}

/** `last_service` is time and odometer of the newest preventive work in one text, so that one max() finds both. */
const serviceOf = (scope: TenantScope, ids: SQL, now: Date) => {
  const before = (days: number): string => new Date(now.getTime() - days * dayMs).toISOString();
  return sql`
  SELECT e.vehicle_id, min(e.at) AS first_at,
    max(CASE WHEN e.kind = 'preventive' THEN e.at || ' ' || coalesce(e.odometer_miles, '') END) AS last_service,
    count(CASE WHEN e.kind IN ('repair', 'breakdown') AND e.at >= ${before(365)} THEN 1 END) AS repairs,
    json_group_array(json_array(e.at, e.odometer_miles) ORDER BY e.at)
      FILTER (WHERE e.odometer_miles IS NOT NULL AND e.at >= ${before(odometersDays)}) AS odometers
  FROM service_events e
  WHERE e.vehicle_id IN ${ids} AND +e.tenant_id = ${scope.tenantId} AND e.at <= ${until(now)}
  GROUP BY e.vehicle_id`;
};

function toServiceFacts(row: Record<string, Cell>): ServiceFacts {
  const [lastServiceAt = '', miles = ''] = String(row['last_service'] ?? '').split(' ');
  const odometers = JSON.parse(String(row['odometers'] ?? '[]')) as [string, number][];
  return {
    firstAt: String(row['first_at']),
    lastServiceAt: lastServiceAt === '' ? null : lastServiceAt,
    lastServiceMiles: miles === '' ? null : Number(miles),
    repairs365Days: Number(row['repairs']),
    odometers: odometers.map(([at, value]) => ({ at, value })),
  };
}

const meterAt = (name: 'odometerMiles' | 'engineHours'): string => `$[${featureNames.indexOf(name)}]`;

/** Meters as the oldest prediction of the last weeks has kept them: the only history of engine hours there is. */
const earlierMetersOf = (scope: TenantScope, ids: SQL, now: Date) => {
  const before = (days: number): string => new Date(now.getTime() - days * dayMs).toISOString();
  return sql`
  SELECT p.vehicle_id, p.created_at, json_extract(p.feature_vector, ${meterAt('odometerMiles')}) AS miles,
    json_extract(p.feature_vector, ${meterAt('engineHours')}) AS hours
  FROM json_each(${ids}) AS r CROSS JOIN predictions p
  WHERE p.id = (SELECT q.id FROM predictions q WHERE q.vehicle_id = r.value
      AND q.created_at >= ${before(earlierMetersDays.from)} AND q.created_at <= ${before(earlierMetersDays.until)}
      AND q.feature_list = ${featureListVersion} ORDER BY q.created_at LIMIT 1)
    AND +p.tenant_id = ${scope.tenantId}`;
};

const toMeterFacts = (row: Record<string, Cell>): MeterFacts => ({
  at: String(row['created_at']),
  odometerMiles: typeof row['miles'] === 'number' ? row['miles'] : null,
  engineHours: typeof row['hours'] === 'number' ? row['hours'] : null,
});

/** Rows of a raw statement in a batch, by the vehicle they are of. */
function byVehicle<T>(result: unknown, toFacts: (row: Record<string, Cell>) => T): Map<string, T> {
  const { results } = result as { results: Record<string, Cell>[] };
  return new Map(results.map((row) => [String(row['vehicle_id']), toFacts(row)]));
}

export interface ReadFeaturesOptions {
  now: Date;
  /** Only those still marked: what another run has scored meanwhile is left out. */
  onlyMarked?: boolean;
}

/** Features of these vehicles of the tenant; ids of others are left out. At most a few hundred at once. */
export async function readFeatures(
  scope: TenantScope,
  db: Database,
  vehicleIds: readonly string[],
  { now, onlyMarked = false }: ReadFeaturesOptions,
): Promise<FeaturesRead> {
  const ids = idsIn(vehicleIds);
  const since = new Date(now.getTime() - clearedKeptDays * dayMs).toISOString();
  const [[tenant], [active], vehicleRows, faultRows, signalRows, serviceRows, meterRows, [records]] = await db.batch([
    ...modelStatements(scope, db),
    db
      .select({
        id: vehicles.id,
        unitNumber: vehicles.unitNumber,
        updatedAt: vehicles.updatedAt,
        make: vehicles.make,
        model: vehicles.model,
        year: vehicles.year,
        odometerMiles: vehicles.odometerMiles,
        engineHours: vehicles.engineHours,
        firstSeenAt: vehicles.firstSeenAt,
        lastSyncAt: vehicles.lastSyncAt,
        lastReadingAt: vehicles.lastReadingAt,
        faultsReadAt: vehicles.faultsReadAt,
      })
      .from(vehicles)
      .where(
        and(
          sql`+${vehicles.tenantId} = ${scope.tenantId}`,
          sql`${vehicles.id} in ${ids}`,
          onlyMarked ? sql`+${vehicles.isScoreDirty} = 1` : undefined,
        ),
      )
      .orderBy(asc(vehicles.id)),
    bulk(db, faultsOf(scope, ids, since)),
    db
      .select({ vehicleId: signalStates.vehicleId, signals: signalStates.signals })
      .from(signalStates)
      .where(and(sql`+${signalStates.tenantId} = ${scope.tenantId}`, sql`${signalStates.vehicleId} in ${ids}`)),
    bulk(db, serviceOf(scope, ids, now)),
    bulk(db, earlierMetersOf(scope, sql`${JSON.stringify(vehicleIds)}`, now)),
    db
      .select({ hasAny: sql<number>`1` })
      .from(sql`service_events`)
      .where(sql`tenant_id = ${scope.tenantId} and at <= ${until(now)}`)
      .limit(1),
  ]);
  const faults = byVehicle(faultRows, (row) => toFaultFacts(String(row['list'])));
  const services = byVehicle(serviceRows, toServiceFacts);
  const earlier = byVehicle(meterRows, toMeterFacts);
  const signals = new Map(signalRows.map((row) => [row.vehicleId, row.signals]));
  return {
    modelRows: { settings: tenant?.settings, active: active ?? null },
    vehicles: vehicleRows.map(({ id, unitNumber, updatedAt, ...vehicle }) => ({
      id,
      unitNumber,
      readUpdatedAt: updatedAt,
      features: toFeatures(
        {
          vehicle,
          faults: faults.get(id) ?? [],
          signals: signals.get(id) ?? [],
          service: services.get(id) ?? null,
          hasServiceRecords: records !== undefined,
          earlier: earlier.get(id) ?? null,
        },
        now,
      ),
    })),
  };
}

/** Ids of vehicles marked for scoring, in ascending order. */
export async function listMarked(scope: TenantScope, db: Database, atMost: number): Promise<string[]> {
  const rows = await db
    .select({ id: vehicles.id })
    .from(vehicles)
    .where(and(eq(vehicles.tenantId, scope.tenantId), sql`is_score_dirty = 1`))
    .orderBy(asc(vehicles.id))
    .limit(atMost);
  return rows.map(({ id }) => id);
}

/** Ids of the tenant's vehicles, in ascending order, `atMost` of them. */
export async function listFleet(scope: TenantScope, db: Database, atMost: number): Promise<string[]> {
  const rows = await db
    .select({ id: vehicles.id })
    .from(vehicles)
    .where(eq(vehicles.tenantId, scope.tenantId))
    .orderBy(asc(vehicles.id))
    .limit(atMost);
  return rows.map(({ id }) => id);
}
