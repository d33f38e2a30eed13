/** Alerts in D1: reading them, and what a person does to one. */
import { and, asc, desc, eq, inArray, notInArray, or, sql, type SQL } from 'drizzle-orm';
import { ownAffairAlertTypes, type AlertListQuery, type AlertStatus } from '#contracts/alerts';
import type { AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { alerts, vehicles } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';
import { bumpChangeCounter } from '../live/publish.ts';
import { visibleVehicles } from '../vehicles/store.ts';
import { recountLiveAlerts } from './write.ts';

export type AlertRow = typeof alerts.$inferSelect;

/**
 * Alerts of readable tenants; a driver sees only those of vehicles assigned to them. How a customer's portal sync and
 * screens fare is the customer's own affair: a link does not open it.
 */
function visibleAlerts(scope: ReadScope, db: Database): SQL | undefined {
  return and(
    inTenants(alerts.tenantId, scope),
    scope.ownTenantId === null
      ? undefined
      : or(notInArray(alerts.type, [...ownAffairAlertTypes]), eq(alerts.tenantId, scope.ownTenantId)),
    scope.onlyAssignedTo === null
      ? undefined
      : inArray(alerts.vehicleId, db.select({ id: vehicles.id }).from(vehicles).where(visibleVehicles(scope))),
  );
}

const severityOrder = sql`case ${alerts.severity} when 'critical' then 0 when 'major' then 1 when 'minor' then 2 else 3 end`;

/** One page of alerts: worst first, and among equals the newest first. */
export async function listAlerts(
  scope: ReadScope,
  db: Database,
  query: AlertListQuery,
): Promise<{ rows: AlertRow[]; total: number }> {
  const where = and(
    visibleAlerts(scope, db),
    query.status === undefined ? undefined : eq(alerts.status, query.status),
    query.severity === undefined ? undefined : eq(alerts.severity, query.severity),
    query.vehicleId === undefined ? undefined : eq(alerts.vehicleId, query.vehicleId),
    query.type === undefined ? undefined : eq(alerts.type, query.type),
    query.assigneeId === undefined ? undefined : eq(alerts.assigneeId, query.assigneeId),
  );
  const { limit, offset } = pageWindow(query);
  const [rows, [count]] = await db.batch([
    db
      .select()
      .from(alerts)
      .where(where)
      .orderBy(asc(severityOrder), desc(alerts.openedAt), asc(alerts.id))
      .limit(limit)
      .offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(alerts)
      .where(where),
  ]);
  return { rows, total: count?.total ?? 0 };
}

export async function getAlert(scope: ReadScope, db: Database, alertId: string): Promise<AlertRow | null> {
  const [row] = await db
    .select()
    .from(alerts)
    .where(and(eq(alerts.id, alertId), visibleAlerts(scope, db)))
    .limit(1);
  return row ?? null;
}

export interface AlertTransition {
  /** What the audit log calls it. */
  action: 'alert.acknowledge' | 'alert.resolve';
  from: readonly AlertStatus[];
  set: Partial<AlertRow>;
}

/**
 * Moves one alert, if it still stands in one of `from`; `row` is null when it no longer does: somebody was quicker.
 * The change is counted either way, so the counters must be published either way.
 */
export async function moveAlert(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  alert: AlertRow,
  transition: AlertTransition,
): Promise<{ row: AlertRow | null; counters: number[] }> {
  const { status, acknowledgeComment, resolveComment } = transition.set;
  const [[row], , , [bumped]] = await db.batch([
    db
      .update(alerts)
      .set(transition.set)
      .where(
        and(eq(alerts.id, alert.id), eq(alerts.tenantId, scope.tenantId), inArray(alerts.status, [...transition.from])),
      )
      .returning(),
    trail.entry(
      db,
      {
        tenantId: scope.tenantId,
        action: transition.action,
        resourceType: 'alert',
        resourceId: alert.id,
        before: { status: alert.status },
        after: { status, comment: resolveComment ?? acknowledgeComment ?? null },
      },
      { onlyIfChanged: true },
    ),
    bulk(db, recountLiveAlerts(scope, [alert.id])),
    bumpChangeCounter(db, scope.tenantId),
  ]);
  return { row: row ?? null, counters: bumped === undefined ? [] : [bumped.counter] };
}
