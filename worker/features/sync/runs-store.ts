/** The log of runs in D1. At most one run per tenant and provider is queued or running; the table itself sees to it. */
import { and, desc, eq, gte, inArray, lt, ne, or, sql } from 'drizzle-orm';
import { noCounts, type SyncErrorCode, type SyncProvider, type SyncRun, type SyncRunStatus } from '#contracts/sync';
import { trailOfJob, type AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { feedPart, isRunCursor, startedBefore } from '../../db/run-feed.ts';
import { alerts, syncRuns } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';

export type SyncRunRow = typeof syncRuns.$inferSelect;

const liveStatuses = ['queued', 'running'] as const satisfies readonly SyncRunStatus[];
const dayMs = 86_400_000;

/**
 * Inserts a queued run; when one already lives, returns that one instead. `aliveUntil` lies ahead when the run is to
 * wait before it begins; with `trail`, somebody asked for it by hand and is named in the audit log.
 */
export async function createRun(
  scope: TenantScope,
  db: Database,
  run: {
    provider: SyncProvider;
    trigger: SyncRun['trigger'];
    nowIso: string;
    aliveUntil?: string;
    trail?: AuditTrail | undefined;
  },
): Promise<{ created: boolean; row: SyncRunRow }> {
  // Between a refused insert and the look at what refused it, the other run may end: then there is room again.
  for (let attempt = 0; attempt < 3; attempt++) {
    const id = newId(Date.parse(run.nowIso));
    const insert = db
      .insert(syncRuns)
      .values({
        id,
        tenantId: scope.tenantId,
        provider: run.provider,
        status: 'queued',
        trigger: run.trigger,
        startedAt: run.nowIso,
        heartbeatAt: run.aliveUntil ?? run.nowIso,
        counts: noCounts,
      })
      .onConflictDoNothing()
      .returning();
    const started = {
      tenantId: scope.tenantId,
      action: 'sync_run.start',
      resourceType: 'sync_run',
      resourceId: id,
      after: { provider: run.provider },
    };
    const [[inserted]] = await (run.trail === undefined
      ? db.batch([insert])
      : db.batch([insert, run.trail.entry(db, started, { onlyIfChanged: true })]));
    if (inserted !== undefined) return { created: true, row: inserted };
    const [live] = await db
      .select()
      .from(syncRuns)
      .where(
        and(
          eq(syncRuns.tenantId, scope.tenantId),
          eq(syncRuns.provider, run.provider),
          inArray(syncRuns.status, [...liveStatuses]),
        ),
      );
    if (live !== undefined) return { created: false, row: live };
  }
  throw new Error('a sync run could neither be created nor found');
}

/**
 * Marks the run as running; the first beginning is the time its vehicles count as read. Null when it has ended.
 * @unscoped the run's own workflow names it by the id it was started with
 */
export async function beginRun(db: Database, runId: string, nowIso: string): Promise<SyncRunRow | null> {
  const [row] = await db
    .update(syncRuns)
    .set({
      status: 'running',
      startedAt: sql`case when ${syncRuns.status} = 'queued' then ${nowIso} else ${syncRuns.startedAt} end`,
      heartbeatAt: nowIso,
    })
    .where(and(eq(syncRuns.id, runId), inArray(syncRuns.status, [...liveStatuses])))
    .returning();
  return row ?? null;
}

/**
 * A sign of life; `untilIso` may lie ahead when the run is going to wait.
 * @unscoped the run's own workflow names it by the id it was started with
 */
export async function beat(db: Database, runId: string, untilIso: string): Promise<void> {
  await db
    .update(syncRuns)
    .set({ heartbeatAt: untilIso })
    .where(and(eq(syncRuns.id, runId), inArray(syncRuns.status, [...liveStatuses])));
}

export interface RunEnd {
  status: Extract<SyncRunStatus, 'succeeded' | 'partial' | 'failed'>;
  finishedAt: string;
  /** What was read, set as it is; what was changed has been added up by the persisting transactions. */
  read: { vehiclesSeen: number; faultsSeen: number; alertsOpened: number } | null;
  error: { code: SyncErrorCode; message: string } | null;
}

const messageMaxLength = 500;

/**
 * Ends a run that lives, and writes the run's one entry in the audit log. True when this call ended it: a second one
 * changes nothing.
 * @unscoped the run's own workflow names it by the id it was started with
 */
export async function endRun(db: Database, runId: string, end: RunEnd): Promise<boolean> {
  const [run] = await db.select().from(syncRuns).where(eq(syncRuns.id, runId));
  if (run === undefined) return false;
  const counts =
    end.read === null
      ? sql`counts`
      : sql`json_set(counts, '$.vehiclesSeen', ${end.read.vehiclesSeen}, '$.faultsSeen', ${end.read.faultsSeen},
          '$.alertsOpened', ${end.read.alertsOpened})`;
  const update = db
    .update(syncRuns)
    .set({
      status: end.status,
      finishedAt: end.finishedAt,
      heartbeatAt: end.finishedAt,
      counts: sql`${counts}`,
      errorCode: end.error?.code ?? null,
      errorMessage: end.error?.message.slice(0, messageMaxLength) ?? null,
    })
    .where(and(eq(syncRuns.id, runId), inArray(syncRuns.status, [...liveStatuses])))
    .returning({ id: syncRuns.id });
  const { provider, trigger, tenantId } = run;
  const finished = {
    tenantId,
    action: 'sync_run.finish',
    resourceType: 'sync_run',
    resourceId: runId,
    outcome: end.status === 'failed' ? ('failed' as const) : ('success' as const),
    // What was changed has all been added up before a run ends.
    after: { provider, trigger, status: end.status, counts: { ...run.counts, ...end.read }, error: end.error },
  };
  const [ended] = await db.batch([
    update,
    trailOfJob(new Date(end.finishedAt)).entry(db, finished, { onlyIfChanged: true }),
  ]);
  return ended.length > 0;
}

/**
 * How many vehicles "last time" had: the most seen by a finished run of the last day, else by the latest one. A fleet
 * that really shrank is believed after a day of saying the same. Runs before `connectedAt` read another account.
 */
export async function vehiclesLastTime(
  scope: TenantScope,
  db: Database,
  provider: SyncProvider,
  nowIso: string,
  connectedAt: string | null,
): Promise<number> {
  const finished = and(
    connectedAt === null ? undefined : gte(syncRuns.startedAt, connectedAt),
    eq(syncRuns.tenantId, scope.tenantId),
    eq(syncRuns.provider, provider),
    inArray(syncRuns.status, ['succeeded', 'partial']),
  );
  const dayAgo = new Date(Date.parse(nowIso) - dayMs).toISOString();
  const seen = sql<number>`json_extract(${syncRuns.counts}, '$.vehiclesSeen')`;
  const [[most], [latest]] = await db.batch([
    db
      .select({ seen: sql<number | null>`max(${seen})` })
      .from(syncRuns)
      .where(and(finished, gte(syncRuns.startedAt, dayAgo))),
    db.select({ seen }).from(syncRuns).where(finished).orderBy(desc(syncRuns.startedAt)).limit(1),
  ]);
  return most?.seen ?? latest?.seen ?? 0;
}

/** The id of a cause's alert that was seen or resolved at or after `sinceIso`, if there is one. */
export async function findAlertTouchedSince(
  scope: TenantScope,
  db: Database,
  cause: string,
  sinceIso: string,
): Promise<{ seen: string | null; resolved: string | null }> {
  const [newest] = await db
    .select({ id: alerts.id, lastSeenAt: alerts.lastSeenAt, resolvedAt: alerts.resolvedAt })
    .from(alerts)
    .where(and(eq(alerts.tenantId, scope.tenantId), eq(alerts.cause, cause)))
    .orderBy(desc(alerts.openedAt))
    .limit(1);
  const at = (time: string | null | undefined) => (newest && time && time >= sinceIso ? newest.id : null);
  return { seen: at(newest?.lastSeenAt), resolved: at(newest?.resolvedAt) };
}

/** Alerts of vehicles that opened in the evaluation at `evaluatedAt`. */
export async function countAlertsOpenedAt(scope: TenantScope, db: Database, evaluatedAt: string): Promise<number> {
  const [row] = await db.all<{ opened: number }>(sql`
    SELECT count(*) AS opened FROM alerts
    WHERE tenant_id = ${scope.tenantId} AND opened_at = ${evaluatedAt} AND type <> 'sync'`);
  return row?.opened ?? 0;
}

/** Newest first. The cursor is the id of the last run shown; null when it names none of the scope's runs. */
export async function listRuns(
  scope: ReadScope,
  db: Database,
  page: { cursor?: string | undefined; limit: number },
): Promise<{ rows: SyncRunRow[]; nextCursor: string | null } | null> {
  const from = page.cursor !== undefined && isRunCursor(page.cursor) ? await runStart(scope, db, page.cursor) : null;
  if (page.cursor !== undefined && from === null) return null;
  const rows = await db
    .select()
    .from(syncRuns)
    .where(and(inTenants(syncRuns.tenantId, scope), startedBefore(syncRuns, from)))
    .orderBy(desc(syncRuns.startedAt), desc(syncRuns.id))
    .limit(page.limit + 1);
  return feedPart(rows, page.limit);
}

async function runStart(scope: ReadScope, db: Database, id: string) {
  const [row] = await db
    .select({ id: syncRuns.id, startedAt: syncRuns.startedAt })
    .from(syncRuns)
    .where(and(eq(syncRuns.id, id), inTenants(syncRuns.tenantId, scope)));
  return row ?? null;
}

export async function getRun(scope: ReadScope, db: Database, id: string): Promise<SyncRunRow | null> {
  const [row] = await db
    .select()
    .from(syncRuns)
    .where(and(eq(syncRuns.id, id), inTenants(syncRuns.tenantId, scope)));
  return row ?? null;
}

export interface SyncSituation {
  lastRun: SyncRunRow | null;
  running: boolean;
  lastSucceededAt: string | null;
  failedRuns24Hours: number;
}

/** What the status page needs to know of one tenant. */
export async function readSituation(scope: TenantScope, db: Database, nowIso: string): Promise<SyncSituation> {
  const dayAgo = new Date(Date.parse(nowIso) - dayMs).toISOString();
  const ofTenant = eq(syncRuns.tenantId, scope.tenantId);
  // One truck whose page keeps failing does not make the fleet stale; a half-empty list does.
  const wasGood = or(
    eq(syncRuns.status, 'succeeded'),
    and(eq(syncRuns.status, 'partial'), ne(syncRuns.errorCode, 'SUSPICIOUS_RESULT')),
  );
  const [[lastRun], [good], [recent]] = await db.batch([
    db.select().from(syncRuns).where(ofTenant).orderBy(desc(syncRuns.startedAt), desc(syncRuns.id)).limit(1),
    db
      .select({ finishedAt: syncRuns.finishedAt })
      .from(syncRuns)
      .where(and(ofTenant, wasGood))
      .orderBy(desc(syncRuns.startedAt))
      .limit(1),
    db
      .select({
        failed: sql<number>`coalesce(sum(${syncRuns.status} = 'failed'), 0)`,
        live: sql<number>`coalesce(sum(${syncRuns.status} in ('queued', 'running')), 0)`,
      })
      .from(syncRuns)
      .where(and(ofTenant, gte(syncRuns.startedAt, dayAgo))),
  ]);
  return {
    lastRun: lastRun ?? null,
    running: (recent?.live ?? 0) > 0,
    lastSucceededAt: good?.finishedAt ?? null,
    failedRuns24Hours: recent?.failed ?? 0,
  };
}

/**
 * Runs whose last sign of life is older than `beforeIso`.
 * @unscoped the sweep looks after the runs of every tenant
 */
export async function listSilentRuns(db: Database, beforeIso: string): Promise<SyncRunRow[]> {
  return db
    .select()
    .from(syncRuns)
    .where(and(inArray(syncRuns.status, [...liveStatuses]), lt(syncRuns.heartbeatAt, beforeIso)))
    .limit(100);
}

/** The newest runs of one provider, for the timer's decision. */
export async function listNewestRuns(
  scope: TenantScope,
  db: Database,
  provider: SyncProvider,
  limit: number,
): Promise<SyncRunRow[]> {
  return db
    .select()
    .from(syncRuns)
    .where(and(eq(syncRuns.tenantId, scope.tenantId), eq(syncRuns.provider, provider)))
    .orderBy(desc(syncRuns.startedAt))
    .limit(limit);
}

/** When a provider last brought data, and what was wrong with its newest run. */
export async function readLastOutcome(
  scope: TenantScope,
  db: Database,
  provider: SyncProvider,
): Promise<{ lastSyncAt: string | null; lastError: string | null }> {
  const ofProvider = and(eq(syncRuns.tenantId, scope.tenantId), eq(syncRuns.provider, provider));
  const newest = (...statuses: SyncRunStatus[]) =>
    db
      .select({ finishedAt: syncRuns.finishedAt, errorMessage: syncRuns.errorMessage })
      .from(syncRuns)
      .where(and(ofProvider, inArray(syncRuns.status, statuses)))
      .orderBy(desc(syncRuns.startedAt))
      .limit(1);
  const [[good], [latest]] = await db.batch([newest('succeeded', 'partial'), newest('succeeded', 'partial', 'failed')]);
  return { lastSyncAt: good?.finishedAt ?? null, lastError: latest?.errorMessage ?? null };
}
