/**
 * Days of tracks in D1. A row is changed only as it was read: every write names the whole state it follows from, and
 * changes nothing when somebody else was faster.
 */
import { and, asc, count, eq, gte, isNotNull, lte, ne, sql, type SQL } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { TrackDaysQuery } from '#contracts/positions';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { trackDays, type TrackFile } from '../../db/schema/tracks.ts';
import { inTenants } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';
import type { TrackDayRow } from './rules.ts';

const ofTenant = (scope: TenantScope) => eq(trackDays.tenantId, scope.tenantId);

/** A page of days that have left the object at hand, oldest first. */
export async function listTrackDays(
  scope: TenantScope,
  db: Database,
  query: TrackDaysQuery,
): Promise<{ rows: TrackDayRow[]; total: number }> {
  const { limit, offset } = pageWindow(query);
  const { from = '', to = '9999-12-31' } = query;
  const chosen = and(ofTenant(scope), gte(trackDays.day, from), lte(trackDays.day, to), ne(trackDays.state, 'writing'));
  const [rows, [found]] = await db.batch([
    db.select().from(trackDays).where(chosen).orderBy(asc(trackDays.day)).limit(limit).offset(offset),
    db.select({ total: count() }).from(trackDays).where(chosen),
  ]);
  return { rows, total: found?.total ?? 0 };
}

export async function getTrackDay(scope: TenantScope, db: Database, day: string): Promise<TrackDayRow | null> {
  const [row] = await db
    .select()
    .from(trackDays)
    .where(and(ofTenant(scope), eq(trackDays.day, day)));
  return row ?? null;
}

/** The day's row; a new one when there is none. */
export async function requireTrackDay(scope: TenantScope, db: Database, day: string, now: Date): Promise<TrackDayRow> {
  const [, [row]] = await db.batch([
    db
      .insert(trackDays)
      .values({
        ...{ tenantId: scope.tenantId, day, state: 'writing' as const, files: [], fixes: 0, bytes: 0 },
        updatedAt: now.toISOString(),
      })
      .onConflictDoNothing(),
    db
      .select()
      .from(trackDays)
      .where(and(ofTenant(scope), eq(trackDays.day, day))),
  ]);
  if (row === undefined) throw new Error('the row of a day is gone as soon as it was made');
  return row;
}

/** Days whose move was begun and not finished: the object may have let go of them already. */
export async function listUnfinishedDays(scope: TenantScope, db: Database): Promise<string[]> {
  const rows = await db
    .select({ day: trackDays.day })
    .from(trackDays)
    .where(and(ofTenant(scope), isNotNull(trackDays.moving)))
    .orderBy(asc(trackDays.day));
  return rows.map(({ day }) => day);
}

const textOf = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

/** The row exactly as it was read. */
const unchanged = (scope: TenantScope, before: TrackDayRow): SQL | undefined =>
  and(
    ofTenant(scope),
    eq(trackDays.day, before.day),
    eq(trackDays.state, before.state),
    sql`${trackDays.files} = ${textOf(before.files)}`,
    sql`${trackDays.moving} is ${textOf(before.moving)}`,
    sql`${trackDays.restoredUntil} is ${before.restoredUntil}`,
  );

type DayChange = Partial<Omit<TrackDayRow, 'tenantId' | 'day' | 'updatedAt'>>;
type DayAction = 'track_day.archive' | 'track_day.restored' | 'track_day.lock' | 'track_day.delete';

const actionOn = (row: TrackDayRow, action: DayAction) => ({
  tenantId: row.tenantId,
  action,
  resourceType: 'track_day',
  resourceId: row.day,
  after: { fixes: row.fixes, bytes: row.bytes, files: row.files.length },
});

/** Changes a row that is still what it was; null when it is not. With `audited` the entry goes with it. */
export async function changeTrackDay(
  scope: TenantScope,
  db: Database,
  before: TrackDayRow,
  change: DayChange,
  now: Date,
  audited?: { trail: AuditTrail; action: DayAction },
): Promise<TrackDayRow | null> {
  const update = db
    .update(trackDays)
    .set({ ...change, updatedAt: now.toISOString() })
    .where(unchanged(scope, before))
    .returning();
  const entries: BatchItem<'sqlite'>[] =
    audited === undefined ? [] : [audited.trail.entry(db, actionOn(before, audited.action), { onlyIfChanged: true })];
  const [rows] = await db.batch([update, ...entries]);
  return rows[0] ?? null;
}

/** Deletes a row that is still what it was. */
export async function deleteTrackDay(
  scope: TenantScope,
  db: Database,
  before: TrackDayRow,
  audited?: { trail: AuditTrail },
): Promise<boolean> {
  const gone = db.delete(trackDays).where(unchanged(scope, before)).returning({ day: trackDays.day });
  const entries: BatchItem<'sqlite'>[] =
    audited === undefined
      ? []
      : [audited.trail.entry(db, actionOn(before, 'track_day.delete'), { onlyIfChanged: true })];
  const [rows] = await db.batch([gone, ...entries]);
  return rows.length > 0;
}

/** One day's files in which a vehicle may be, in the order in which they came. */
export interface VehicleDay {
  day: string;
  files: TrackFile[];
}

/**
 * The next days of a stretch, at most `limit`, each with the files in which a vehicle may be; and all days of it that are
 * locked away and may have the vehicle. `hasMore`: later days follow.
 */
export async function findVehicleDays(
  scope: ReadScope,
  db: Database,
  { tenantId, vehicleId, from, to }: { tenantId: string; vehicleId: string; from: string; to: string },
  limit: number,
): Promise<{ days: VehicleDay[]; hasMore: boolean; locked: { day: string; isComing: boolean }[] }> {
  const inStretch = and(
    inTenants(trackDays.tenantId, scope),
    eq(trackDays.tenantId, tenantId),
    gte(trackDays.day, from),
    lte(trackDays.day, to),
  );
  const own = sql`json_each(track_days.files) AS f WHERE ${vehicleId}
    BETWEEN json_extract(f.value, '$.firstVehicleId') AND json_extract(f.value, '$.lastVehicleId')`;
  const [locked, rows] = await db.batch([
    db
      .select({ day: trackDays.day, restoredUntil: trackDays.restoredUntil })
      .from(trackDays)
      .where(and(inStretch, eq(trackDays.state, 'archived'), sql`(SELECT count(*) FROM ${own}) > 0`))
      .orderBy(asc(trackDays.day)),
    db
      .select({
        day: trackDays.day,
        files: sql<string>`(SELECT json_group_array(json(f.value)) FROM ${own})`.as('files'),
      })
      .from(trackDays)
      .where(and(inStretch, sql`${trackDays.state} in ('stored', 'restored')`))
      .orderBy(asc(trackDays.day))
      .limit(limit + 1),
  ]);
  return {
    days: rows.slice(0, limit).map(({ day, files }) => ({ day, files: JSON.parse(files) as TrackFile[] })),
    hasMore: rows.length > limit,
    locked: locked.map(({ day, restoredUntil }) => ({ day, isComing: restoredUntil !== null })),
  };
}

/**
 * Asks for archived days to be readable until `until`, and for restored ones to stay so. Answers how many of them the range
 * has; asking again only moves the end.
 */
export async function requestRestore(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  { from, to, until }: { from: string; to: string; until: string },
): Promise<number> {
  const [rows] = await db.batch([
    db
      .update(trackDays)
      .set({ restoredUntil: until, updatedAt: trail.at.toISOString() })
      .where(
        and(
          ofTenant(scope),
          gte(trackDays.day, from),
          lte(trackDays.day, to),
          sql`${trackDays.state} in ('archived', 'restored')`,
        ),
      )
      .returning({ day: trackDays.day }),
    trail.entry(
      db,
      {
        tenantId: scope.tenantId,
        action: 'track_days.restore',
        resourceType: 'track_day',
        resourceId: null,
        after: { from, to, readableUntil: until },
      },
      { onlyIfChanged: true },
    ),
  ]);
  return rows.length;
}

/** A tenant's days that are to be restored and are not yet, oldest first. */
export const listDaysToRestore = (scope: TenantScope, db: Database, limit: number): Promise<TrackDayRow[]> =>
  db
    .select()
    .from(trackDays)
    .where(and(ofTenant(scope), eq(trackDays.state, 'archived'), isNotNull(trackDays.restoredUntil)))
    .orderBy(asc(trackDays.day))
    .limit(limit);
