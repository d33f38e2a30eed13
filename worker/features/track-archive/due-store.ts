/** What of all tenants' tracks is due, for the jobs: days that have grown old, and whose turn it is. */
import { and, asc, eq, gt, inArray, isNotNull, isNull, lt, lte, or, sql } from 'drizzle-orm';
import type { Database } from '../../db/client.ts';
import { trackDays, trackTurns } from '../../db/schema/tracks.ts';
import { keysOf, type TrackDayRow } from './rules.ts';

/**
 * Tenants that have something moved, or might have, and have not been asked about the days before this one; who waits
 * longest first. Those without a single truck never had a track.
 * @unscoped whose turn it is concerns all of them
 */
export async function listTurns(db: Database, settledBefore: string, limit: number): Promise<string[]> {
  const rows = await db.all<{ id: string }>(sql`
    SELECT tenants.id AS id FROM tenants LEFT JOIN track_turns u ON u.tenant_id = tenants.id
    WHERE coalesce(u.settled_before, '') < ${settledBefore}
      AND EXISTS (SELECT 1 FROM vehicles v WHERE v.tenant_id = tenants.id)
    ORDER BY coalesce(u.asked_at, ''), tenants.id LIMIT ${limit}`);
  return rows.map(({ id }) => id);
}

/**
 * A tenant has had its turn. `settledBefore` null: something is left, it comes again.
 * @unscoped the job names the tenant whose turn it was
 */
export async function saveTurn(
  db: Database,
  turn: { tenantId: string; settledBefore: string | null; now: Date },
): Promise<void> {
  const { tenantId, settledBefore } = turn;
  const askedAt = turn.now.toISOString();
  await db
    .insert(trackTurns)
    .values({ tenantId, settledBefore: settledBefore ?? '', askedAt })
    .onConflictDoUpdate({
      target: trackTurns.tenantId,
      set: settledBefore === null ? { askedAt } : { askedAt, settledBefore },
    });
}

/** Where a walk over days goes on: after this one. */
export type DayMark = Pick<TrackDayRow, 'day' | 'tenantId'>;

const laterThan = ({ day, tenantId }: DayMark) =>
  or(gt(trackDays.day, day), and(eq(trackDays.day, day), gt(trackDays.tenantId, tenantId)));

/**
 * Days before this one in these states, oldest first, none of them on the move.
 * @unscoped every tenant's days grow old
 */
export const listOldDays = (
  db: Database,
  states: readonly ('stored' | 'archived' | 'restored')[],
  before: string,
  { after, limit }: { after: DayMark | null; limit: number },
): Promise<TrackDayRow[]> =>
  db
    .select()
    .from(trackDays)
    .where(
      and(
        inArray(trackDays.state, [...states]),
        lt(trackDays.day, before),
        isNull(trackDays.moving),
        after === null ? undefined : laterThan(after),
      ),
    )
    .orderBy(asc(trackDays.day), asc(trackDays.tenantId))
    .limit(limit);

/**
 * Days that are to be restored and are not yet; who asked first comes first.
 * @unscoped every tenant's wishes
 */
export const listAllDaysToRestore = (db: Database, limit: number): Promise<TrackDayRow[]> =>
  db
    .select()
    .from(trackDays)
    .where(and(isNotNull(trackDays.restoredUntil), eq(sql`+${trackDays.state}`, 'archived')))
    .orderBy(asc(trackDays.restoredUntil))
    .limit(limit);

/**
 * Restored days whose time is over.
 * @unscoped every tenant's
 */
export const listDaysToLock = (db: Database, nowIso: string, limit: number): Promise<TrackDayRow[]> =>
  db
    .select()
    .from(trackDays)
    .where(and(isNotNull(trackDays.restoredUntil), lte(trackDays.restoredUntil, nowIso)))
    .orderBy(asc(trackDays.restoredUntil))
    .limit(limit);

/**
 * Every object that the rows of these days name.
 * @unscoped an object without a row is nobody's; whose they are is in their keys
 */
export async function namedKeys(
  db: Database,
  days: readonly { tenantId: string; day: string }[],
): Promise<ReadonlySet<string>> {
  const wanted = JSON.stringify(days.map(({ tenantId, day }) => [tenantId, day]));
  const rows = await db.all<{ files: string; moving: string | null }>(sql`
    SELECT d.files AS files, d.moving AS moving FROM json_each(${wanted}) AS w CROSS JOIN track_days AS d
    WHERE d.tenant_id = json_extract(w.value, '$[0]') AND d.day = json_extract(w.value, '$[1]')`);
  return new Set(
    rows.flatMap(({ files, moving }) =>
      keysOf({
        files: JSON.parse(files) as TrackDayRow['files'],
        moving: JSON.parse(moving ?? 'null') as TrackDayRow['moving'],
      }),
    ),
  );
}
