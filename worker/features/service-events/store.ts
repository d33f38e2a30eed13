/** Service events in D1: reading them, and taking a mistaken one out again. Writing them is record.ts. */
import { and, desc, eq, sql } from 'drizzle-orm';
import type { ServiceEventListQuery } from '#contracts/service-events';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, requireChanged } from '../../db/guard.ts';
import { serviceEvents } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';
import { reviewPredictions } from '../ledger/reviews.ts';
import { bumpChangeCounter } from '../live/publish.ts';
import { toServiceEvent, type ServiceEventRow } from './present.ts';
import { markForScoring } from './correct.ts';

/** Events of one vehicle (already found visible), newest first. */
export async function listServiceEvents(
  scope: ReadScope,
  db: Database,
  vehicleId: string,
  query: ServiceEventListQuery,
): Promise<{ rows: ServiceEventRow[]; total: number }> {
  const where = and(
    eq(serviceEvents.vehicleId, vehicleId),
    inTenants(serviceEvents.tenantId, scope),
    query.kind === undefined ? undefined : eq(serviceEvents.kind, query.kind),
  );
  const { limit, offset } = pageWindow(query);
  const [rows, [count]] = await db.batch([
    db
      .select()
      .from(serviceEvents)
      .where(where)
      .orderBy(desc(serviceEvents.at), desc(serviceEvents.id))
      .limit(limit)
      .offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(serviceEvents)
      .where(where),
  ]);
  return { rows, total: count?.total ?? 0 };
}

const ofVehicle = (scope: ReadScope, vehicleId: string) =>
  and(eq(serviceEvents.vehicleId, vehicleId), inTenants(serviceEvents.tenantId, scope));

export async function getServiceEvent(
  scope: ReadScope,
  db: Database,
  vehicleId: string,
  eventId: string,
): Promise<ServiceEventRow | null> {
  const [row] = await db
    .select()
    .from(serviceEvents)
    .where(and(eq(serviceEvents.id, eventId), ofVehicle(scope, vehicleId)));
  return row ?? null;
}

/** The event that is there already under this fingerprint. */
export async function findByFingerprint(
  scope: ReadScope,
  db: Database,
  vehicleId: string,
  fingerprint: string,
): Promise<ServiceEventRow | null> {
  const [row] = await db
    .select()
    .from(serviceEvents)
    .where(and(ofVehicle(scope, vehicleId), eq(serviceEvents.fingerprint, fingerprint)));
  return row ?? null;
}

/** Takes a mistaken event out; null when it is gone already. What it said stays in the audit log. */
export async function deleteServiceEvent(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  row: ServiceEventRow,
  now: Date,
): Promise<{ counters: number[] } | null> {
  const committed = await commitGuarded(db, [
    reviewPredictions(scope, db, [row.id]),
    db.delete(serviceEvents).where(and(eq(serviceEvents.id, row.id), eq(serviceEvents.tenantId, scope.tenantId))),
    requireChanged(db),
    trail.entry(db, {
      tenantId: scope.tenantId,
      action: 'service_event.delete',
      resourceType: 'service_event',
      resourceId: row.id,
      before: { ...toServiceEvent(row) },
    }),
    markForScoring(scope, db, sql`id = ${row.vehicleId}`, now),
    bumpChangeCounter(db, scope.tenantId),
  ]);
  return committed === null ? null : { counters: committed[5].map(({ counter }) => counter) };
}
