/**
 * Runs that have gone silent: a killed worker leaves its workflow "running" and doing nothing (locally), or a run that
 * was written down and never started. Each is brought on its way again, or ended with a reason. Harmless where the
 * engine heals by itself: steps keep their results, and a run that has ended stays ended.
 */
import { openDatabase, type Database } from '../db/client.ts';
import type { Env } from '../env.ts';
import { finishRun, tellRunEnd } from '../features/sync/run-ending.ts';
import { publishNews } from '../features/sync/run-news.ts';
import type { RunOutcome } from '../features/sync/run-sync.ts';
import { beat, listSilentRuns, type SyncRunRow } from '../features/sync/runs-store.ts';
import { createInstance, startDelaySeconds } from '../features/sync/start-run.ts';
import { logFailure } from '../log.ts';
import { findInstance, isOver, resume } from './stuck-instances.ts';

/** Longer than any honest silence: a heartbeat comes at least every ten seconds, or is announced ahead. */
export const stuckAfterMs = 180_000;
/** A run that has been brought back for this long and still does not end never will. */
export const givenUpAfterMs = 2 * 3600_000;

export interface ReviveOptions {
  nowMs: number;
  /** Silence after which a run counts as stuck; at start-up, when nothing can be running, a moment is enough. */
  staleAfterMs: number;
}

export interface ReviveResult {
  created: number;
  resumed: number;
  ended: number;
  failed: number;
}

type Verdict = 'created' | 'resumed' | 'ended';

/** Looks after every silent run; one run's trouble does not stop the others. */
export async function reviveStuckRuns(env: Env, { nowMs, staleAfterMs }: ReviveOptions): Promise<ReviveResult> {
  const db = openDatabase(env.DB);
  const result: ReviveResult = { created: 0, resumed: 0, ended: 0, failed: 0 };
  const silent = await listSilentRuns(db, new Date(nowMs - staleAfterMs).toISOString());
  for (const row of silent) {
    try {
      const verdict = await revive(env, db, row, nowMs, startDelaySeconds(result.created, silent.length));
      result[verdict] += 1;
      console.log(JSON.stringify({ level: 'info', event: 'sync_run_revived', runId: row.id, verdict }));
    } catch (cause) {
      result.failed += 1;
      logFailure('sync_revive_failed', cause, { runId: row.id });
    }
  }
  return result;
}

/** Ends a run as its own workflow would have: with its alert, its gate given back, and the rooms told. */
async function end(env: Env, db: Database, row: SyncRunRow, nowMs: number, message: string): Promise<Verdict> {
  const { id: runId, tenantId, provider, startedAt } = row;
  const run = { runId, tenantId, provider, startedAt };
  const error = { code: 'UPSTREAM_FAILED', message } as const;
  const outcome: RunOutcome = { status: 'failed', error, read: null, cooldownMs: 0, evaluatedAt: null };
  const told = await tellRunEnd(env, run, outcome, new Date(nowMs).toISOString());
  await finishRun(env, run, outcome, nowMs);
  await publishNews(env, db, tenantId, { ...told, vehicleIds: [] });
  return 'ended';
}

async function revive(
  env: Env,
  db: Database,
  row: SyncRunRow,
  nowMs: number,
  startDelaySeconds: number,
): Promise<Verdict> {
  const aliveUntil = (delaySeconds: number) => beat(db, row.id, new Date(nowMs + delaySeconds * 1000).toISOString());
  const instance = await findInstance(env.SYNC_WORKFLOW, row.id);
  if (nowMs - Date.parse(row.startedAt) > givenUpAfterMs) {
    await instance?.terminate().catch(() => undefined);
    return end(env, db, row, nowMs, 'The run did not come to an end in two hours.');
  }
  // The silence starts anew, so that the next sweep gives this attempt its time.
  if (instance === null) {
    await createInstance(env, row, startDelaySeconds);
    await aliveUntil(startDelaySeconds);
    return 'created';
  }
  if (await isOver(instance)) return end(env, db, row, nowMs, 'The run stopped before it had finished.');
  await resume(instance);
  await aliveUntil(0);
  return 'resumed';
}
