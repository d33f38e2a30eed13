/** Geofences in D1, and what happened at them. Every function takes the scope first and sees nothing beyond it. */
import { and, asc, desc, eq, gte, inArray, isNull, lte, sql } from 'drizzle-orm';
import { maxGeofences, type GeofenceEventsQuery, type GeofenceListQuery } from '#contracts/geofences';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, requireChanged, requireThat } from '../../db/guard.ts';
import { geofenceEvents, geofences, tenants, vehicles } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import { bumpChangeCounter } from '../live/publish.ts';
import { visibleVehicles } from '../vehicles/store.ts';
import { endAlertsOfFence } from './alerts-store.ts';
import type { GeofenceEventRow, GeofenceRow } from './present.ts';
import { inWords, maxCornersInAll, type GeofenceFields } from './rules.ts';

const standing = (scope: ReadScope) => and(inTenants(geofences.tenantId, scope), isNull(geofences.deletedAt));

/** One page of fences by name, and the total that the filter finds. */
export async function listGeofences(
  scope: ReadScope,
  db: Database,
  query: GeofenceListQuery,
): Promise<{ rows: GeofenceRow[]; total: number }> {
  const text = query.q?.toLowerCase();
  const where = and(
    standing(scope),
    // Not LIKE: D1 refuses patterns past 50 bytes, and here % is a character like any other.
    text === undefined ? undefined : sql`instr(lower(${geofences.name}), ${text}) > 0`,
  );
  const { limit, offset } = pageWindow(query);
  const [rows, [count]] = await db.batch([
    db
      .select()
      .from(geofences)
      .where(where)
      .orderBy(asc(geofences.name), asc(geofences.id))
      .limit(limit)
      .offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(geofences)
      .where(where),
  ]);
  return { rows, total: count?.total ?? 0 };
}

export async function getGeofence(scope: ReadScope, db: Database, id: string): Promise<GeofenceRow | null> {
  const [row] = await db
    .select()
    .from(geofences)
    .where(and(eq(geofences.id, id), standing(scope)));
  return row ?? null;
}

/** A change that was committed, and the version of the tenant's list that it made. */
export interface CommittedChange {
  version: number;
}

/** The statement that tells the tracks' sweep of a change; its row holds the new version. */
const bumpVersion = (scope: TenantScope, db: Database) =>
  db
    .update(tenants)
    .set({ geofenceVersion: sql`${tenants.geofenceVersion} + 1` })
    .where(eq(tenants.id, scope.tenantId))
    .returning({ version: tenants.geofenceVersion });

/** Fences and corners of the tenant are within their limits, as they stand at this point of the batch. */
const requireRoom = (scope: TenantScope, db: Database) =>
  requireThat(
    db,
    sql`(SELECT count(*) <= ${maxGeofences} AND coalesce(sum(corner_count), 0) <= ${maxCornersInAll}
      FROM geofences WHERE tenant_id = ${scope.tenantId} AND deleted_at IS NULL)`,
  );

/** Draws a fence; null when the tenant has too many, or too large ones. */
export async function createGeofence(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  fields: GeofenceFields,
  { createdBy, now }: { createdBy: string | null; now: Date },
): Promise<(CommittedChange & { row: GeofenceRow }) | null> {
  const [id, at] = [newId(now.getTime()), now.toISOString()];
  const committed = await commitGuarded(db, [
    db
      .insert(geofences)
      .values({ id, tenantId: scope.tenantId, ...fields, createdBy, createdAt: at, updatedAt: at })
      .returning(),
    requireRoom(scope, db),
    trail.entry(db, {
      ...{ tenantId: scope.tenantId, action: 'geofence.create', resourceType: 'geofence', resourceId: id },
      after: inWords(fields),
    }),
    bumpVersion(scope, db),
  ]);
  if (committed === null) return null;
  const [[row], , , [bumped]] = committed;
  if (row === undefined || bumped === undefined) throw new Error('a fence was drawn in no tenant');
  return { row, version: bumped.version };
}

/** The row as it was read still stands. */
const stillAsRead = (scope: TenantScope, known: GeofenceRow) =>
  and(
    eq(geofences.id, known.id),
    eq(geofences.tenantId, scope.tenantId),
    eq(geofences.updatedAt, known.updatedAt),
    isNull(geofences.deletedAt),
  );

/** Later than the change before, also within one millisecond. */
const laterThan = (known: GeofenceRow, now: Date): string =>
  new Date(Math.max(now.getTime(), Date.parse(known.updatedAt) + 1)).toISOString();

/** Changes a fence; null when somebody was quicker, or its new shape is one corner too many for the tenant. */
export async function changeGeofence(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  known: GeofenceRow,
  { fields, before, now }: { fields: GeofenceFields; before: GeofenceFields; now: Date },
): Promise<(CommittedChange & { row: GeofenceRow }) | null> {
  const committed = await commitGuarded(db, [
    db
      .update(geofences)
      .set({ ...fields, updatedAt: laterThan(known, now) })
      .where(stillAsRead(scope, known))
      .returning(),
    requireChanged(db),
    requireRoom(scope, db),
    trail.entry(db, {
      ...{ tenantId: scope.tenantId, action: 'geofence.update', resourceType: 'geofence', resourceId: known.id },
      before: inWords(before),
      after: inWords(fields),
    }),
    bumpVersion(scope, db),
  ]);
  if (committed === null) return null;
  const [[row], , , , [bumped]] = committed;
  if (row === undefined || bumped === undefined) throw new Error('a fence was changed in no tenant');
  return { row, version: bumped.version };
}

/** A fence that is gone, and the alerts that ended with it. */
export interface DeletedFence extends CommittedChange {
  /** Change counts that the rooms are to hear. */
  counters: number[];
  endedAlerts: { id: string; vehicleId: string | null }[];
}

/** Deletes a fence and ends its alerts; its row stays for the events that name it. Null when it is gone already. */
export async function deleteGeofence(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  known: GeofenceRow,
  now: Date,
): Promise<DeletedFence | null> {
  const at = laterThan(known, now);
  const committed = await commitGuarded(db, [
    db
      .update(geofences)
      .set({ deletedAt: at, updatedAt: at })
      .where(and(eq(geofences.id, known.id), eq(geofences.tenantId, scope.tenantId), isNull(geofences.deletedAt))),
    requireChanged(db),
    trail.entry(db, {
      ...{ tenantId: scope.tenantId, action: 'geofence.delete', resourceType: 'geofence', resourceId: known.id },
      before: inWords(toFields(known)),
    }),
    bumpVersion(scope, db),
    bumpChangeCounter(db, scope.tenantId),
    ...endAlertsOfFence(scope, db, known.id, now.toISOString()),
  ]);
  if (committed === null) return null;
  const [, , , [bumped], counters, endedAlerts] = committed;
  if (bumped === undefined) throw new Error('a fence was deleted in no tenant');
  return { version: bumped.version, counters: counters.map(({ counter }) => counter), endedAlerts };
}

export const toFields = (row: GeofenceRow): GeofenceFields => ({
  name: row.name,
  cornerCount: row.cornerCount,
  shape: row.shape,
  alertOnEntry: row.alertOnEntry,
  alertOnExit: row.alertOnExit,
  dwellMinutes: row.dwellMinutes,
  speedLimitMph: row.speedLimitMph,
  groupId: row.groupId,
});

const defaultLimit = 20;
const cursorPattern = /^[0-9a-f-]{36}$/;

/**
 * What happened at one fence (already found visible), newest first. The cursor is the id of the last event shown; null when
 * it names none of this fence. A driver sees what the assigned vehicles did.
 */
export async function listGeofenceEvents(
  scope: ReadScope,
  db: Database,
  geofenceId: string,
  query: GeofenceEventsQuery,
): Promise<{ rows: GeofenceEventRow[]; nextCursor: string | null } | null> {
  const { cursor, limit = defaultLimit } = query;
  const ofFence = and(eq(geofenceEvents.geofenceId, geofenceId), inTenants(geofenceEvents.tenantId, scope));
  let after;
  if (cursor !== undefined) {
    const [last] = cursorPattern.test(cursor)
      ? await db
          .select({ at: geofenceEvents.at })
          .from(geofenceEvents)
          .where(and(eq(geofenceEvents.id, cursor), ofFence))
      : [];
    if (last === undefined) return null;
    // As one comparison of pairs, by which the index goes straight to the place.
    after = sql`(${geofenceEvents.at}, ${geofenceEvents.id}) < (${last.at}, ${cursor})`;
  }
  const rows = await db
    .select()
    .from(geofenceEvents)
    .where(
      and(
        ofFence,
        after,
        query.kind === undefined ? undefined : eq(geofenceEvents.kind, query.kind),
        query.vehicleId === undefined ? undefined : eq(geofenceEvents.vehicleId, query.vehicleId),
        query.from === undefined ? undefined : gte(geofenceEvents.at, query.from),
        query.to === undefined ? undefined : lte(geofenceEvents.at, query.to),
        scope.onlyAssignedTo === null
          ? undefined
          : inArray(
              geofenceEvents.vehicleId,
              db.select({ id: vehicles.id }).from(vehicles).where(visibleVehicles(scope)),
            ),
      ),
    )
    .orderBy(desc(geofenceEvents.at), desc(geofenceEvents.id))
    .limit(limit + 1);
  const shown = rows.slice(0, limit);
  return { rows: shown, nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null };
}

/** Notes through which version the tracks know every fence. */
export async function noteTold(scope: TenantScope, db: Database, version: number): Promise<void> {
  await db.run(
    sql`UPDATE tenants SET geofence_version_told = max(geofence_version_told, ${version}) WHERE id = ${scope.tenantId}`,
  );
}
