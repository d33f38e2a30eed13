/** Writes decided alerts: one transaction, a handful of bulk statements however many alerts there are. */
import { sql } from 'drizzle-orm';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import { bumpChangeCounter } from '../live/publish.ts';
import { noDecisions, type AlertDecisions, type AlertSignal } from './rules.ts';

export interface AlertOutcome {
  /** Alerts that are newly open: opened or reopened. */
  openedIds: string[];
  changedIds: string[];
  resolvedIds: string[];
  /** Vehicles whose count of live alerts was counted again. */
  vehicleIds: string[];
  counters: number[];
}

export const noOutcome: AlertOutcome = { openedIds: [], changedIds: [], resolvedIds: [], vehicleIds: [], counters: [] };

/** Counts live alerts again for the vehicles of these alerts. */
export const recountLiveAlerts = (scope: TenantScope, alertIds: readonly string[]) => sql`
  UPDATE vehicles SET open_alert_count = (
    SELECT count(*) FROM alerts a
    WHERE a.vehicle_id = vehicles.id AND a.status IN ('open', 'acknowledged', 'snoozed'))
  WHERE tenant_id = ${scope.tenantId} AND id IN (
    SELECT vehicle_id FROM alerts WHERE id IN (SELECT value FROM json_each(${JSON.stringify(alertIds)})))`;

/** Alerts opened per transaction: about 500 bytes each keep the parameter far below D1's 2 MB. */
const openedPerBatch = 1_000;

/** Carries out what was decided; more than a batch of new alerts go in several. */
export async function carryOut(
  scope: TenantScope,
  db: Database,
  decisions: AlertDecisions,
  nowIso: string,
): Promise<AlertOutcome> {
  if (decisions.open.length <= openedPerBatch) return carryOutBatch(scope, db, decisions, nowIso);
  const first = { ...decisions, open: decisions.open.slice(0, openedPerBatch) };
  const rest = { ...noDecisions, open: decisions.open.slice(openedPerBatch) };
  const outcomes = [await carryOutBatch(scope, db, first, nowIso), await carryOut(scope, db, rest, nowIso)];
  return {
    openedIds: outcomes.flatMap((outcome) => outcome.openedIds),
    changedIds: outcomes.flatMap((outcome) => outcome.changedIds),
    resolvedIds: outcomes.flatMap((outcome) => outcome.resolvedIds),
    vehicleIds: [...new Set(outcomes.flatMap((outcome) => outcome.vehicleIds))],
    counters: outcomes.flatMap((outcome) => outcome.counters),
  };
}

/** What was decided, with ids for the alerts that open. */
export type NumberedDecisions = Omit<AlertDecisions, 'open'> & { open: readonly (AlertSignal & { id: string })[] };

/** Alerts that a decision changes. */
export const touchedBy = ({ open, reopen, update, resolve }: NumberedDecisions): string[] => [
  ...[...open, ...reopen, ...update].map((alert) => alert.id),
  ...resolve,
];

/** The statements that carry out what was decided, for whoever has more to put into the same batch. */
export function alertStatements(scope: TenantScope, db: Database, decisions: NumberedDecisions, nowIso: string) {
  const reopened = decisions.reopen.map(({ id, signal }) => ({ id, ...signal }));
  const updated = decisions.update.map(({ id, signal }) => ({ id, ...signal }));
  const newWords = sql`severity = r.value ->> 'severity', title = r.value ->> 'title', message = r.value ->> 'message',
    occurrence_count = r.value ->> 'occurrenceCount', last_seen_at = ${nowIso}, updated_at = ${nowIso}`;
  return [
    // Two evaluations may race to open the same cause: the partial unique index lets one win, silently.
    bulk(
      db,
      sql`
      INSERT INTO alerts (id, tenant_id, vehicle_id, type, severity, status, title, message, cause, occurrence_count,
        opened_at, last_seen_at, updated_at)
      SELECT r.value ->> 'id', ${scope.tenantId}, r.value ->> 'vehicleId', r.value ->> 'type', r.value ->> 'severity',
        'open', r.value ->> 'title', r.value ->> 'message', r.value ->> 'cause', r.value ->> 'occurrenceCount',
        ${nowIso}, ${nowIso}, ${nowIso}
      FROM json_each(${JSON.stringify(decisions.open)}) AS r WHERE true
      ON CONFLICT DO NOTHING`,
    ),
    bulk(
      db,
      sql`
      UPDATE alerts SET status = 'open', resolved_at = NULL, resolved_by = NULL, cause_ended_at = NULL,
        acknowledged_at = NULL, acknowledged_by = NULL, ${newWords}
      FROM json_each(${JSON.stringify(reopened)}) AS r
      WHERE alerts.id = r.value ->> 'id' AND +alerts.tenant_id = ${scope.tenantId}`,
    ),
    bulk(
      db,
      sql`
      UPDATE alerts SET ${newWords} FROM json_each(${JSON.stringify(updated)}) AS r
      WHERE alerts.id = r.value ->> 'id' AND +alerts.tenant_id = ${scope.tenantId}
        -- Not one that a person settled a moment ago: this occurrence would count as covered by their word.
        AND alerts.status IN ('open', 'acknowledged', 'snoozed')`,
    ),
    bulk(
      db,
      sql`
      UPDATE alerts SET status = 'resolved', resolved_at = ${nowIso}, cause_ended_at = ${nowIso}, updated_at = ${nowIso}
      WHERE tenant_id = ${scope.tenantId} AND status IN ('open', 'acknowledged', 'snoozed')
        AND id IN (SELECT value FROM json_each(${JSON.stringify(decisions.resolve)}))`,
    ),
    bulk(
      db,
      sql`
      UPDATE alerts SET cause_ended_at = ${nowIso}
      WHERE tenant_id = ${scope.tenantId} AND id IN (SELECT value FROM json_each(${JSON.stringify(decisions.causeEnded)}))`,
    ),
    bulk(db, recountLiveAlerts(scope, touchedBy(decisions))),
  ] as const;
}

async function carryOutBatch(
  scope: TenantScope,
  db: Database,
  decisions: AlertDecisions,
  nowIso: string,
): Promise<AlertOutcome> {
  const open = decisions.open.map((signal) => ({ id: newId(Date.parse(nowIso)), ...signal }));
  const numbered: NumberedDecisions = { ...decisions, open };
  if (touchedBy(numbered).length === 0 && decisions.causeEnded.length === 0) return noOutcome;
  const openedIds = [...open, ...decisions.reopen].map((alert) => alert.id);
  const changedIds = decisions.update.map((alert) => alert.id);
  const [, , , , , , [bumped]] = await db.batch([
    ...alertStatements(scope, db, numbered, nowIso),
    bumpChangeCounter(db, scope.tenantId),
  ]);
  const moved = [...decisions.reopen, ...decisions.update].map(({ signal }) => signal);
  const touchedVehicles = [...open, ...moved].flatMap(({ vehicleId }) => vehicleId ?? []);
  const resolvedVehicles = await vehiclesOf(scope, db, decisions.resolve);
  return {
    openedIds,
    changedIds,
    resolvedIds: decisions.resolve,
    vehicleIds: [...new Set([...touchedVehicles, ...resolvedVehicles])],
    counters: bumped === undefined ? [] : [bumped.counter],
  };
}

async function vehiclesOf(scope: TenantScope, db: Database, alertIds: readonly string[]): Promise<string[]> {
  if (alertIds.length === 0) return [];
  const rows = await db.all<{ vehicle_id: string | null }>(
    sql`SELECT DISTINCT vehicle_id FROM alerts
      WHERE +tenant_id = ${scope.tenantId} AND id IN (SELECT value FROM json_each(${JSON.stringify(alertIds)}))`,
  );
  return rows.flatMap((row) => row.vehicle_id ?? []);
}
