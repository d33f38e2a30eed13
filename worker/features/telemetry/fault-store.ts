/** Keeps what gateways say of faults: one read, one pure comparison, one transaction. */
import { and, eq, sql } from 'drizzle-orm';
import { liveForMs } from '#contracts/telemetry';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { dm1States, faults } from '../../db/schema/index.ts';
import { markedForScoring } from '../../db/score-mark.ts';
import { idsIn } from '../../db/scoped.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import { bumpChangeCounter } from '../live/publish.ts';
import { faultWords } from '../sync/fault-words.ts';
import {
  applyFaultWords,
  wordsOfDm1,
  type DescribeFault,
  type Dm1Word,
  type FaultWord,
  type FaultWrites,
  type KnownFault,
} from './fault-rules.ts';

const describe: DescribeFault = (spn, fmi) => {
  const words = faultWords(spn, fmi);
  return { ...words, description: words.description ?? `SPN ${spn} FMI ${fmi}` };
};

async function readKnown(scope: TenantScope, db: Database, vehicleIds: readonly string[]): Promise<KnownFault[]> {
  return db
    .select()
    .from(faults)
    .where(and(sql`${faults.vehicleId} in ${idsIn([...new Set(vehicleIds)])}`, eq(faults.tenantId, scope.tenantId)));
}

/** Whose condition has changed, and the change counts of the commit: the rooms are to hear of them. */
export interface KeptFaults {
  newsVehicleIds: string[];
  counters: number[];
}

const nothingKept: KeptFaults = { newsVehicleIds: [], counters: [] };

/** The statements that write faults of these vehicles; whoever said something newer in the meantime keeps the last word. */
function faultStatements(
  scope: TenantScope,
  db: Database,
  vehicleIds: readonly string[],
  { rows, newsVehicleIds }: FaultWrites,
  nowIso: string,
) {
  const { tenantId } = scope;
  const liveSince = new Date(Date.parse(nowIso) - liveForMs).toISOString();
  const touched = idsIn([...new Set(vehicleIds)]);
  const inserts = rows.filter(({ id }) => id === null).map((row) => ({ ...row, id: newId(Date.parse(nowIso)) }));
  const updates = rows.filter(({ id }) => id !== null);
  return [
    bulk(
      db,
      sql`
      INSERT INTO faults (id, tenant_id, vehicle_id, source_address, spn, fmi, description, system, severity, is_active,
        is_portal_active, is_telemetry_active, telemetry_at, first_seen_at, last_seen_at, cleared_at, occurrence_count,
        reopen_count, lamps)
      SELECT r.value ->> 'id', ${tenantId}, r.value ->> 'vehicleId', r.value ->> 'sourceAddress', r.value ->> 'spn',
        r.value ->> 'fmi', r.value ->> 'description', r.value ->> 'system', r.value ->> 'severity',
        r.value ->> 'isActive', 0, r.value ->> 'isTelemetryActive', r.value ->> 'telemetryAt',
        r.value ->> 'firstSeenAt', r.value ->> 'lastSeenAt', r.value ->> 'clearedAt', r.value ->> 'occurrenceCount', 0,
        r.value ->> 'lamps'
      FROM json_each(${JSON.stringify(inserts)}) AS r WHERE true
      -- Another source, or another request, was quicker.
      ON CONFLICT (vehicle_id, source_address, spn, fmi) DO UPDATE SET
        is_telemetry_active = excluded.is_telemetry_active, telemetry_at = excluded.telemetry_at,
        is_active = max(faults.is_portal_active, excluded.is_telemetry_active),
        cleared_at = CASE WHEN max(faults.is_portal_active, excluded.is_telemetry_active) THEN NULL
          ELSE coalesce(faults.cleared_at, excluded.cleared_at) END,
        last_seen_at = max(faults.last_seen_at, excluded.last_seen_at),
        occurrence_count = max(faults.occurrence_count, excluded.occurrence_count)
      WHERE coalesce(faults.telemetry_at, '') < excluded.telemetry_at`,
    ),
    bulk(
      db,
      sql`
      UPDATE faults SET is_telemetry_active = r.value ->> 'isTelemetryActive', telemetry_at = r.value ->> 'telemetryAt',
        is_active = max(is_portal_active, r.value ->> 'isTelemetryActive'),
        cleared_at = CASE WHEN max(is_portal_active, r.value ->> 'isTelemetryActive') THEN NULL
          ELSE coalesce(r.value ->> 'clearedAt', r.value ->> 'telemetryAt') END,
        last_seen_at = max(last_seen_at, r.value ->> 'lastSeenAt'),
        occurrence_count = max(occurrence_count, r.value ->> 'occurrenceCount'),
        reopen_count = max(reopen_count, r.value ->> 'reopenCount'), lamps = r.value ->> 'lamps'
      FROM json_each(${JSON.stringify(updates)}) AS r
      WHERE faults.id = r.value ->> 'id' AND +faults.tenant_id = ${tenantId}
        AND coalesce(faults.telemetry_at, '') < r.value ->> 'telemetryAt'`,
    ),
    // A DM1 took back all that its controller had said before: what came late, and what raced with it and was not read.
    bulk(
      db,
      sql`
      UPDATE faults SET is_telemetry_active = 0, telemetry_at = d.at, is_active = faults.is_portal_active,
        cleared_at = CASE WHEN faults.is_portal_active THEN NULL ELSE d.at END
      FROM dm1_states d
      WHERE faults.vehicle_id IN ${touched} AND +faults.tenant_id = ${tenantId} AND faults.is_telemetry_active = 1
        AND d.vehicle_id = faults.vehicle_id AND d.source_address = faults.source_address
        AND coalesce(faults.telemetry_at, '') < d.at AND d.at >= ${liveSince}
      RETURNING vehicle_id AS vehicleId`,
    ),
    bulk(
      db,
      sql`
      UPDATE vehicles SET ${markedForScoring(nowIso)},
        active_fault_count = (SELECT count(*) FROM faults f WHERE f.vehicle_id = vehicles.id AND f.is_active = 1)
      WHERE +vehicles.tenant_id = ${tenantId} AND vehicles.id IN ${touched} AND (id IN ${idsIn(newsVehicleIds)} OR
        active_fault_count <> (SELECT count(*) FROM faults f WHERE f.vehicle_id = vehicles.id AND f.is_active = 1))`,
    ),
    bumpChangeCounter(db, tenantId, newsVehicleIds.length === 0 ? sql`false` : undefined),
  ] as const;
}

/** Whose condition has changed by the writes, or by a newer DM1 that outdoes them. */
function keptOf(
  { newsVehicleIds }: FaultWrites,
  takenBack: D1Result,
  bumped: readonly { counter: number }[],
): KeptFaults {
  const outdone = (takenBack.results as { vehicleId: string }[]).map(({ vehicleId }) => vehicleId);
  return {
    newsVehicleIds: [...new Set([...newsVehicleIds, ...outdone])],
    counters: bumped.map(({ counter }) => counter),
  };
}

/** Keeps single words on faults; `vehicleId`s are the scope's own. */
export async function keepFaultWords(
  scope: TenantScope,
  db: Database,
  words: readonly FaultWord[],
  now: Date,
): Promise<KeptFaults> {
  if (words.length === 0) return nothingKept;
  const vehicleIds = words.map(({ vehicleId }) => vehicleId);
  const known = await readKnown(scope, db, vehicleIds);
  const writes = applyFaultWords(known, words, describe, now);
  if (writes.rows.length === 0) return nothingKept;
  const results = await db.batch(faultStatements(scope, db, vehicleIds, writes, now.toISOString()));
  return keptOf(writes, results[2], results[4]);
}

/**
 * Keeps a DM1: it replaces what its controller reported by telemetry. One that is not newer than the controller's newest
 * changes nothing.
 */
export async function keepDm1(scope: TenantScope, db: Database, dm1: Dm1Word, now: Date): Promise<KeptFaults> {
  const { vehicleId, sourceAddress, at } = dm1;
  const [states, known] = await Promise.all([
    db
      .select({ at: dm1States.at })
      .from(dm1States)
      .where(and(eq(dm1States.vehicleId, vehicleId), eq(dm1States.sourceAddress, sourceAddress))),
    readKnown(scope, db, [vehicleId]),
  ]);
  const newestAt = states[0]?.at ?? '';
  if (at <= newestAt) return nothingKept;
  const writes = applyFaultWords(known, wordsOfDm1(dm1, known), describe, now);
  const results = await db.batch([
    db
      .insert(dm1States)
      .values({ vehicleId, sourceAddress, at, tenantId: scope.tenantId })
      .onConflictDoUpdate({
        target: [dm1States.vehicleId, dm1States.sourceAddress],
        set: { at },
        setWhere: sql`${dm1States.at} < ${at}`,
      }),
    ...faultStatements(scope, db, [vehicleId], writes, now.toISOString()),
  ]);
  return keptOf(writes, results[3], results[5]);
}
