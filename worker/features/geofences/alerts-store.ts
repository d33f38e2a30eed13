/** What fence alerts need of D1: what events name, the alerts of their causes, and the end of a whole fence's. */
import { and, eq, gte, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import { liveAlertStatuses } from '#contracts/alerts';
import { tenantSettingsSchema } from '#contracts/tenants';
import type { FenceEvent } from '#durable-objects/fleet-tracks/feed';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { alerts, geofences, tenants, vehicles } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { reopenWithinMs, type KnownAlert } from '../alerts/rules.ts';
import { causeRangesOf, type EventContext } from './event-rules.ts';

/** What is known of the things that events name, and the last event that was taken over. */
export async function readEventContext(
  scope: TenantScope,
  db: Database,
  events: readonly FenceEvent[],
): Promise<EventContext & { mark: number }> {
  const fenceIds = [...new Set(events.map(({ geofenceId }) => geofenceId))];
  const vehicleIds = [...new Set(events.map(({ vehicleId }) => vehicleId))];
  const [[tenant], fenceRows, vehicleRows] = await db.batch([
    db
      .select({ mark: tenants.fenceEventMark, settings: tenants.settings })
      .from(tenants)
      .where(eq(tenants.id, scope.tenantId)),
    db
      .select({
        id: geofences.id,
        name: geofences.name,
        alertOnEntry: geofences.alertOnEntry,
        alertOnExit: geofences.alertOnExit,
        dwellMinutes: geofences.dwellMinutes,
        speedLimitMph: geofences.speedLimitMph,
        deletedAt: geofences.deletedAt,
      })
      .from(geofences)
      .where(and(sql`${geofences.id} in ${idsIn(fenceIds)}`, sql`+${geofences.tenantId} = ${scope.tenantId}`)),
    db
      .select({ id: vehicles.id, unitNumber: vehicles.unitNumber })
      .from(vehicles)
      .where(and(sql`${vehicles.id} in ${idsIn(vehicleIds)}`, sql`+${vehicles.tenantId} = ${scope.tenantId}`)),
  ]);
  const settings = tenantSettingsSchema.safeParse(tenant?.settings ?? {});
  return {
    mark: tenant?.mark ?? 0,
    wantsAlerts: settings.data?.flags.alerts ?? true,
    fences: new Map(fenceRows.map(({ id, deletedAt, ...facts }) => [id, { ...facts, isDeleted: deletedAt !== null }])),
    unitNumbers: new Map(vehicleRows.map(({ id, unitNumber }) => [id, unitNumber])),
  };
}

/** Alerts of these causes that could matter now: those that stand, those settled while it holds, those that may reopen. */
export async function readAlertsOf(
  scope: TenantScope,
  db: Database,
  causes: readonly string[],
  now: Date,
): Promise<(KnownAlert & { vehicleId: string | null })[]> {
  if (causes.length === 0) return [];
  return db
    .select()
    .from(alerts)
    .where(
      and(
        eq(alerts.tenantId, scope.tenantId),
        sql`${alerts.cause} in ${idsIn(causes)}`,
        or(isNull(alerts.causeEndedAt), gte(alerts.resolvedAt, new Date(now.getTime() - reopenWithinMs).toISOString())),
      ),
    );
}

/**
 * Statements that end every alert of a fence that is deleted; the first one's rows name those that were live. For the
 * batch that deletes it.
 */
export function endAlertsOfFence(scope: TenantScope, db: Database, fenceId: string, nowIso: string) {
  const [[geofenceFrom, geofenceTo], [speedFrom, speedTo]] = causeRangesOf(fenceId) as [
    [string, string],
    [string, string],
  ];
  const ofFence = and(
    eq(alerts.tenantId, scope.tenantId),
    or(
      and(gte(alerts.cause, geofenceFrom), lt(alerts.cause, geofenceTo)),
      and(gte(alerts.cause, speedFrom), lt(alerts.cause, speedTo)),
    ),
  );
  return [
    db
      .update(alerts)
      .set({ status: 'resolved', resolvedAt: nowIso, causeEndedAt: nowIso, updatedAt: nowIso })
      .where(and(ofFence, inArray(alerts.status, [...liveAlertStatuses])))
      .returning({ id: alerts.id, vehicleId: alerts.vehicleId }),
    db
      .update(alerts)
      .set({ causeEndedAt: nowIso })
      .where(and(ofFence, isNull(alerts.causeEndedAt))),
    bulk(
      db,
      sql`UPDATE vehicles SET open_alert_count = (
          SELECT count(*) FROM alerts a
          WHERE a.vehicle_id = vehicles.id AND a.status IN ('open', 'acknowledged', 'snoozed'))
        WHERE +tenant_id = ${scope.tenantId} AND id IN (
          SELECT vehicle_id FROM alerts WHERE tenant_id = ${scope.tenantId} AND resolved_at = ${nowIso}
            AND cause >= ${geofenceFrom} AND cause < ${geofenceTo}
          UNION SELECT vehicle_id FROM alerts WHERE tenant_id = ${scope.tenantId} AND resolved_at = ${nowIso}
            AND cause >= ${speedFrom} AND cause < ${speedTo})`,
    ),
  ] as const;
}
