/**
 * Trainings that have gone silent, looked after like syncs: each is brought on its way again, or ended with a reason. A
 * training that goes on finds the results of its steps; one that has ended stays ended.
 */
import { chainSoon } from '../audit/chain.ts';
import { openDatabase, type Database } from '../db/client.ts';
import type { Env } from '../env.ts';
import {
  endTrainingRun,
  listSilentTrainingRuns,
  reportProgress,
  type TrainingRunRow,
} from '../features/training/runs-store.ts';
import { createTrainingInstance } from '../features/training/start-run.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';
import { givenUpAfterMs, type ReviveOptions, type ReviveResult } from './revive-stuck-runs.ts';
import { findInstance, isOver, resume } from './stuck-instances.ts';

/** Some 25 calls each where one has to be paused and resumed; the others have their turn in five minutes. */
const mostAtOnce = 10;

type Verdict = 'created' | 'resumed' | 'ended';

/** Looks after the trainings that have been silent for longest; one run's trouble does not stop the others. */
export async function reviveStuckTraining(env: Env, { nowMs, staleAfterMs }: ReviveOptions): Promise<ReviveResult> {
  const db = openDatabase(env.DB);
  const result: ReviveResult = { created: 0, resumed: 0, ended: 0, failed: 0 };
  for (const row of await listSilentTrainingRuns(db, new Date(nowMs - staleAfterMs).toISOString(), mostAtOnce)) {
    try {
      const verdict = await revive(env, db, row, nowMs);
      result[verdict] += 1;
      console.log(JSON.stringify({ level: 'info', event: 'training_run_revived', runId: row.id, verdict }));
    } catch (cause) {
      result.failed += 1;
      logFailure('training_revive_failed', cause, { runId: row.id });
      // To the end of the line: ten that cannot be helped must not keep the others waiting for ever.
      await reportProgress(scopeForJob(row.tenantId), db, row.id, new Date(nowMs).toISOString()).catch(() => undefined);
    }
  }
  return result;
}

async function revive(env: Env, db: Database, row: TrainingRunRow, nowMs: number): Promise<Verdict> {
  const scope = scopeForJob(row.tenantId);
  const end = async (error: string): Promise<Verdict> => {
    await endTrainingRun(scope, db, row.id, { status: 'failed', outcome: null, error }, new Date(nowMs));
    await chainSoon(env, row.tenantId);
    return 'ended';
  };
  const instance = await findInstance(env.TRAINING_WORKFLOW, row.id);
  if (nowMs - Date.parse(row.startedAt) > givenUpAfterMs) {
    await instance?.terminate().catch(() => undefined);
    return end('The training did not come to an end in two hours.');
  }
  let verdict: Verdict = 'created';
  if (instance === null) await createTrainingInstance(env, row);
  else {
    if (await isOver(instance)) return end('The training stopped before it had finished.');
    await resume(instance);
    verdict = 'resumed';
  }
  // The silence starts anew, so that the next sweep gives this attempt its time.
  await reportProgress(scope, db, row.id, new Date(nowMs).toISOString());
  return verdict;
}
