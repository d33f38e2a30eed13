/**
 * Writes what a source said of up to a few hundred vehicles: one read, one pure comparison, one transaction. A step
 * that runs again after its commit finds nothing left to write, and so counts nothing twice.
 */
import { and, eq, sql } from 'drizzle-orm';
import type { ObservedVehicle } from '#contracts/sync';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { faults, vehicles } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import { bumpChangeCounter } from '../live/publish.ts';
import { faultWords } from './fault-words.ts';
import { diffSync, type DiffCounts, type KnownFault, type KnownVehicle, type SyncDiff } from './rules.ts';

export interface PersistInput {
  runId: string;
  /** When the pages were read: written as the time things were seen. The same on every attempt. */
  observedAt: string;
  /** When reading ended: the vehicles' `updated_at`. The same on every attempt. */
  changedAt: string;
  /** False in a suspicious run: nothing is cleared then. */
  mayClear: boolean;
  observed: ObservedVehicle[];
}

export interface PersistOutcome {
  counts: DiffCounts;
  counters: number[];
}

async function readKnown(
  scope: TenantScope,
  db: Database,
  vins: readonly string[],
): Promise<{ vehicles: KnownVehicle[]; faults: KnownFault[] }> {
  const ofThese = and(eq(vehicles.tenantId, scope.tenantId), sql`${vehicles.vin} in ${idsIn(vins)}`);
  const [vehicleRows, faultRows] = await db.batch([
    db
      .select({
        id: vehicles.id,
        vin: vehicles.vin,
        unitNumber: vehicles.unitNumber,
        year: vehicles.year,
        make: vehicles.make,
        model: vehicles.model,
        engineMake: vehicles.engineMake,
        engineModel: vehicles.engineModel,
        odometerMiles: vehicles.odometerMiles,
        engineHours: vehicles.engineHours,
        faultsReadAt: vehicles.faultsReadAt,
      })
      .from(vehicles)
      .where(ofThese),
    db
      .select()
      .from(faults)
      .where(sql`${faults.vehicleId} in (select ${vehicles.id} from ${vehicles} where ${ofThese})`),
  ]);
  return { vehicles: vehicleRows, faults: faultRows };
}

/**
 * D1 takes 2 MB per bound value. A fault is about half a kilobyte of JSON and at the worst (200 characters of three bytes
 * each) just under one, so 200 vehicles can bring tens of megabytes; one vehicle's thousand faults at the most still fit.
 */
const maxValueBytes = 1_500_000;

/** Reads, compares, writes. Nothing at all is written when nothing changed; what is too large is written in halves. */
export async function persistObserved(scope: TenantScope, db: Database, input: PersistInput): Promise<PersistOutcome> {
  const { observed } = input;
  const known = await readKnown(
    scope,
    db,
    observed.map((vehicle) => vehicle.vin),
  );
  const diff = diffSync(known, observed, input.observedAt, { describe: faultWords, mayClear: input.mayClear });
  if (diff.inserts.length === 0 && diff.changedVehicleIds.length === 0) return { counts: diff.counts, counters: [] };
  const values = valuesOf(diff, Date.parse(input.observedAt));
  if (observed.length === 1 || Object.values(values).every((value) => byteLength(value) <= maxValueBytes)) {
    return { counts: diff.counts, counters: await write(scope, db, input, diff, values) };
  }
  const middle = Math.ceil(observed.length / 2);
  const first = await persistObserved(scope, db, { ...input, observed: observed.slice(0, middle) });
  const second = await persistObserved(scope, db, { ...input, observed: observed.slice(middle) });
  return { counts: addUp(first.counts, second.counts), counters: [...first.counters, ...second.counters] };
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

const addUp = (a: DiffCounts, b: DiffCounts): DiffCounts => ({
  vehiclesCreated: a.vehiclesCreated + b.vehiclesCreated,
  vehiclesChanged: a.vehiclesChanged + b.vehiclesChanged,
  faultsOpened: a.faultsOpened + b.faultsOpened,
  faultsCleared: a.faultsCleared + b.faultsCleared,
});

/** The difference as the JSON values that the statements bind. */
function valuesOf(diff: SyncDiff, idTimeMs: number) {
  const withId = <T>(rows: readonly T[]) => JSON.stringify(rows.map((row) => ({ newId: newId(idTimeMs), ...row })));
  return {
    inserts: withId(diff.inserts),
    faultInserts: withId(diff.faultInserts),
    faultWrites: JSON.stringify([...diff.faultUpdates, ...diff.faultClears, ...diff.reopened]),
    updates: JSON.stringify(diff.updates),
    rescore: JSON.stringify(diff.rescoreVehicleIds),
    changed: JSON.stringify(diff.changedVehicleIds),
    insertedVins: JSON.stringify(diff.inserts.map(({ vin }) => vin)),
  };
}

async function write(
  scope: TenantScope,
  db: Database,
  input: PersistInput,
  diff: SyncDiff,
  values: ReturnType<typeof valuesOf>,
): Promise<number[]> {
  const { tenantId } = scope;
  const { observedAt, changedAt } = input;
  const results = await db.batch([
    // A vehicle of this VIN may have come in by another way since it was looked up: then it is that one.
    bulk(
      db,
      sql`
      INSERT INTO vehicles (id, tenant_id, vin, unit_number, year, make, model, engine_make, engine_model,
        odometer_miles, engine_hours, first_seen_at, is_score_dirty, updated_at)
      SELECT r.value ->> 'newId', ${tenantId}, r.value ->> 'vin', r.value ->> 'unitNumber', r.value ->> 'year',
        r.value ->> 'make', r.value ->> 'model', r.value ->> 'engineMake', r.value ->> 'engineModel',
        r.value ->> 'odometerMiles', r.value ->> 'engineHours', ${observedAt}, 1, ${changedAt}
      FROM json_each(${values.inserts}) AS r WHERE true
      ON CONFLICT (tenant_id, vin) DO NOTHING`,
    ),
    // CROSS JOIN is SQLite's word for "in this order": the list outside, one vehicle looked up by VIN inside.
    bulk(
      db,
      sql`
      INSERT INTO faults (id, tenant_id, vehicle_id, source_address, spn, fmi, description, system, severity, is_active,
        is_portal_active, first_seen_at, last_seen_at, cleared_at, occurrence_count, reopen_count, lamps)
      SELECT r.value ->> 'newId', ${tenantId}, v.id, r.value ->> 'sourceAddress', r.value ->> 'spn', r.value ->> 'fmi',
        r.value ->> 'description', r.value ->> 'system', r.value ->> 'severity', r.value ->> 'isActive',
        r.value ->> 'isPortalActive', r.value ->> 'firstSeenAt', r.value ->> 'lastSeenAt', r.value ->> 'clearedAt', r.value ->> 'occurrenceCount',
        r.value ->> 'reopenCount', r.value ->> 'lamps'
      FROM json_each(${values.faultInserts}) AS r
      CROSS JOIN vehicles v WHERE v.tenant_id = ${tenantId} AND v.vin = r.value ->> 'vin'
      ON CONFLICT (vehicle_id, source_address, spn, fmi) DO NOTHING`,
    ),
    // The guard on the time keeps what another source wrote between our look and this statement; whether the fault is
    // active follows from what both say now. The plus keeps the planner from walking the tenant's rows and the whole list
    // for each: one look by id per row of the list.
    bulk(
      db,
      sql`
      UPDATE faults SET description = r.value ->> 'description', system = r.value ->> 'system',
        severity = r.value ->> 'severity', is_portal_active = r.value ->> 'isPortalActive',
        is_active = max(r.value ->> 'isPortalActive', is_telemetry_active), last_seen_at = r.value ->> 'lastSeenAt',
        cleared_at = CASE WHEN max(r.value ->> 'isPortalActive', is_telemetry_active) THEN NULL
          ELSE coalesce(r.value ->> 'clearedAt', ${observedAt}) END, occurrence_count = r.value ->> 'occurrenceCount',
        reopen_count = r.value ->> 'reopenCount', lamps = r.value ->> 'lamps'
      FROM json_each(${values.faultWrites}) AS r
      WHERE faults.id = r.value ->> 'id' AND +faults.tenant_id = ${tenantId} AND faults.last_seen_at <= ${observedAt}`,
    ),
    bulk(
      db,
      sql`
      UPDATE vehicles SET unit_number = r.value ->> 'unitNumber', year = r.value ->> 'year', make = r.value ->> 'make',
        model = r.value ->> 'model', engine_make = r.value ->> 'engineMake', engine_model = r.value ->> 'engineModel',
        odometer_miles = r.value ->> 'odometerMiles', engine_hours = r.value ->> 'engineHours'
      FROM json_each(${values.updates}) AS r
      WHERE vehicles.id = r.value ->> 'id' AND +vehicles.tenant_id = ${tenantId}`,
    ),
    // `updated_at` always moves on, even past a later one: scoring tells by it that a vehicle changed under its hands.
    bulk(
      db,
      sql`
      UPDATE vehicles SET
        is_score_dirty = max(is_score_dirty, id IN (SELECT value FROM json_each(${values.rescore}))),
        active_fault_count = (SELECT count(*) FROM faults f WHERE f.vehicle_id = vehicles.id AND f.is_active = 1),
        updated_at = CASE WHEN updated_at < ${changedAt} THEN ${changedAt}
          ELSE strftime('%Y-%m-%dT%H:%M:%fZ', updated_at, '+0.001 seconds') END
      WHERE tenant_id = ${tenantId} AND (id IN (SELECT value FROM json_each(${values.changed}))
        OR vin IN (SELECT value FROM json_each(${values.insertedVins})))`,
    ),
    bulk(db, addCounts(input.runId, diff.counts)),
    bumpChangeCounter(db, tenantId),
  ]);
  return results[6].map((row) => row.counter);
}

const addCounts = (runId: string, counts: DiffCounts) => {
  const added = (name: keyof DiffCounts) => sql`json_extract(counts, ${`$.${name}`}) + ${counts[name]}`;
  return sql`
    UPDATE sync_logs SET counts = json_set(counts,
      '$.vehiclesCreated', ${added('vehiclesCreated')}, '$.vehiclesChanged', ${added('vehiclesChanged')},
      '$.faultsOpened', ${added('faultsOpened')}, '$.faultsCleared', ${added('faultsCleared')})
    WHERE id = ${runId}`;
};

/** The one bulk write of a run without news: when each vehicle, and its fault list, was last read. */
export async function markSeen(
  scope: TenantScope,
  db: Database,
  observedAt: string,
  seen: readonly { vin: string; hasFaultList: boolean }[],
): Promise<void> {
  if (seen.length === 0) return;
  const vinsOf = (some: readonly { vin: string }[]) => idsIn(some.map(({ vin }) => vin));
  await db.run(sql`
    UPDATE vehicles SET last_sync_at = ${observedAt},
      faults_read_at = CASE WHEN vin IN ${vinsOf(seen.filter(({ hasFaultList }) => hasFaultList))}
        THEN max(coalesce(faults_read_at, ''), ${observedAt}) ELSE faults_read_at END
    WHERE tenant_id = ${scope.tenantId} AND vin IN ${vinsOf(seen)}`);
}

/** Vehicles that this run, or the scoring after it, has touched: durable, so that a step that lost its result finds them again. */
export async function listChangedSince(scope: TenantScope, db: Database, changedAt: string): Promise<string[]> {
  const rows = await db
    .select({ id: vehicles.id })
    .from(vehicles)
    .where(and(eq(vehicles.tenantId, scope.tenantId), sql`${vehicles.updatedAt} >= ${changedAt}`));
  return rows.map((row) => row.id);
}
