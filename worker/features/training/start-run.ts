/** Starting a training: the row first, because it is the promise; the workflow right after, or by the sweep. */
import type { TrainingRun } from '#contracts/scoring';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { createTrainingRun, type TrainingRunRow } from './runs-store.ts';

/**
 * Creates the run, or returns the one that is already queued or running for this tenant. A run that is to wait says so
 * with its heartbeat, which then lies ahead.
 */
export async function startTraining(
  scope: TenantScope,
  env: Env,
  db: Database,
  run: { trigger: TrainingRun['trigger']; nowIso: string; startDelaySeconds?: number; trail?: AuditTrail },
): Promise<{ created: boolean; row: TrainingRunRow }> {
  const { startDelaySeconds = 0, ...rest } = run;
  const aliveUntil = new Date(Date.parse(run.nowIso) + startDelaySeconds * 1000).toISOString();
  const result = await createTrainingRun(scope, db, { ...rest, aliveUntil });
  if (result.created) {
    try {
      await createTrainingInstance(env, result.row, startDelaySeconds);
    } catch (cause) {
      // The run is written down; the sweep creates its workflow.
      logFailure('workflow_create_failed', cause, { runId: result.row.id });
    }
  }
  return result;
}

/** One workflow instance per run, under the run's id: creating it twice is refused by the engine. */
export async function createTrainingInstance(env: Env, row: TrainingRunRow, startDelaySeconds = 0): Promise<void> {
  const { id, tenantId, trigger } = row;
  await env.TRAINING_WORKFLOW.create({ id, params: { runId: id, tenantId, trigger, startDelaySeconds } });
}
