/** The log of training runs in D1. At most one run of a tenant is queued or running; the table itself sees to it. */
import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import type { TrainingRun } from '#contracts/scoring';
import { trailOfJob, type AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { feedPart, isRunCursor, startedBefore } from '../../db/run-feed.ts';
import { trainingRuns } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';

export type TrainingRunRow = typeof trainingRuns.$inferSelect;

const liveStatuses = ['queued', 'running'] as const;
const isLive = inArray(trainingRuns.status, [...liveStatuses]);

/**
 * Inserts a queued run; when one already lives, returns that one instead. `aliveUntil` lies ahead when the run is to wait
 * before it begins; with `trail`, somebody asked for it by hand and is named in the audit log.
 */
export async function createTrainingRun(
  scope: TenantScope,
  db: Database,
  run: { trigger: TrainingRun['trigger']; nowIso: string; aliveUntil?: string; trail?: AuditTrail | undefined },
): Promise<{ created: boolean; row: TrainingRunRow }> {
  // Between a refused insert and the look at what refused it, the other run may end: then there is room again.
  for (let attempt = 0; attempt < 3; attempt++) {
    const id = newId(Date.parse(run.nowIso));
    const insert = db
      .insert(trainingRuns)
      .values({
        id,
        tenantId: scope.tenantId,
        status: 'queued',
        trigger: run.trigger,
        startedAt: run.nowIso,
        heartbeatAt: run.aliveUntil ?? run.nowIso,
        progress: { step: 'Waiting for its turn', share: 0 },
      })
      .onConflictDoNothing()
      .returning();
    const started = {
      tenantId: scope.tenantId,
      action: 'training_run.start',
      resourceType: 'training_run',
      resourceId: id,
    };
    const [[inserted]] = await (run.trail === undefined
      ? db.batch([insert])
      : db.batch([insert, run.trail.entry(db, started, { onlyIfChanged: true })]));
    if (inserted !== undefined) return { created: true, row: inserted };
    const [live] = await db
      .select()
      .from(trainingRuns)
      .where(and(eq(trainingRuns.tenantId, scope.tenantId), sql`status in ('queued', 'running')`));
    if (live !== undefined) return { created: false, row: live };
  }
  throw new Error('a training run could neither be created nor found');
}

/** Marks the run as running; the first beginning is its start. Null when it has ended. */
export async function beginTrainingRun(
  scope: TenantScope,
  db: Database,
  runId: string,
  nowIso: string,
): Promise<TrainingRunRow | null> {
  const [row] = await db
    .update(trainingRuns)
    .set({
      status: 'running',
      startedAt: sql`case when ${trainingRuns.status} = 'queued' then ${nowIso} else ${trainingRuns.startedAt} end`,
      heartbeatAt: nowIso,
    })
    .where(and(eq(trainingRuns.id, runId), eq(trainingRuns.tenantId, scope.tenantId), isLive))
    .returning();
  return row ?? null;
}

/** A sign of life, and where the run is. Nothing is written of one that has ended. */
export async function reportProgress(
  scope: TenantScope,
  db: Database,
  runId: string,
  aliveUntil: string,
  progress?: TrainingRun['progress'],
): Promise<void> {
  await db
    .update(trainingRuns)
    .set({ heartbeatAt: aliveUntil, ...(progress === undefined ? {} : { progress }) })
    .where(and(eq(trainingRuns.id, runId), eq(trainingRuns.tenantId, scope.tenantId), isLive));
}

export interface TrainingRunEnd {
  status: Extract<TrainingRun['status'], 'succeeded' | 'refused' | 'failed'>;
  outcome: TrainingRun['outcome'];
  /** In words that a person may read; null unless the run failed. */
  error: string | null;
}

const errorMaxLength = 500;

/**
 * Ends a run that lives, with the run's entry in the audit log. True when this call ended it: a second one changes
 * nothing. Where a failed run stood is kept; any other has come to its end.
 */
export async function endTrainingRun(
  scope: TenantScope,
  db: Database,
  runId: string,
  end: TrainingRunEnd,
  now: Date,
): Promise<boolean> {
  const { status, outcome } = end;
  const error = end.error?.slice(0, errorMaxLength) ?? null;
  const update = db
    .update(trainingRuns)
    .set({
      ...{ status, outcome, error, finishedAt: now.toISOString(), heartbeatAt: now.toISOString() },
      ...(status === 'failed' ? {} : { progress: { step: 'Finished', share: 1 } }),
    })
    .where(and(eq(trainingRuns.id, runId), eq(trainingRuns.tenantId, scope.tenantId), isLive))
    .returning({ id: trainingRuns.id });
  const finished = {
    tenantId: scope.tenantId,
    action: 'training_run.finish',
    resourceType: 'training_run',
    resourceId: runId,
    outcome: status === 'failed' ? ('failed' as const) : ('success' as const),
    after: { status, outcome, error },
  };
  const [ended] = await db.batch([update, trailOfJob(now).entry(db, finished, { onlyIfChanged: true })]);
  return ended.length > 0;
}

/** Newest first. The cursor is the id of the last run shown; null when it names none of the scope's runs. */
export async function listTrainingRuns(
  scope: ReadScope,
  db: Database,
  page: { cursor?: string | undefined; limit: number },
): Promise<{ rows: TrainingRunRow[]; nextCursor: string | null } | null> {
  const from =
    page.cursor !== undefined && isRunCursor(page.cursor) ? await getTrainingRun(scope, db, page.cursor) : null;
  if (page.cursor !== undefined && from === null) return null;
  const rows = await db
    .select()
    .from(trainingRuns)
    .where(and(inTenants(trainingRuns.tenantId, scope), startedBefore(trainingRuns, from)))
    .orderBy(desc(trainingRuns.startedAt), desc(trainingRuns.id))
    .limit(page.limit + 1);
  return feedPart(rows, page.limit);
}

export async function getTrainingRun(scope: ReadScope, db: Database, id: string): Promise<TrainingRunRow | null> {
  const [row] = await db
    .select()
    .from(trainingRuns)
    .where(and(eq(trainingRuns.id, id), inTenants(trainingRuns.tenantId, scope)));
  return row ?? null;
}

/**
 * Runs whose last sign of life is older than `beforeIso`, the longest silent first.
 * @unscoped the sweep looks after the runs of every tenant
 */
export async function listSilentTrainingRuns(
  db: Database,
  beforeIso: string,
  atMost: number,
): Promise<TrainingRunRow[]> {
  return db
    .select()
    .from(trainingRuns)
    .where(and(isLive, lt(trainingRuns.heartbeatAt, beforeIso)))
    .orderBy(asc(trainingRuns.heartbeatAt), asc(trainingRuns.id))
    .limit(atMost);
}
