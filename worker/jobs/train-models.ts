/**
 * Once a night: a training for every tenant that has something new to learn from, each in a workflow of its own, one a
 * little after the other.
 */
import { openDatabase } from '../db/client.ts';
import type { Env } from '../env.ts';
import { listTrainingCandidates } from '../features/training/due-store.ts';
import {
  reasonToSkip,
  startDelaySeconds,
  type SkipReason,
  type TrainingCandidate,
} from '../features/training/rules.ts';
import { startTraining } from '../features/training/start-run.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

/** Tenants judged in one statement. */
const tenantsAtOnce = 100;
/** Two calls each, of the thousand that an invocation has; who is left over is first the next night. */
const mostPerNight = 400;

export interface TrainModelsResult {
  started: number;
  alreadyRunning: number;
  skipped: Partial<Record<SkipReason, number>>;
  /** Due, and left to the next night. */
  postponed: number;
  failed: number;
}

/** Starts the trainings; one tenant's trouble is logged and does not stop the others. */
export async function trainModels(env: Env, now: Date): Promise<TrainModelsResult> {
  const db = openDatabase(env.DB);
  const nowIso = now.toISOString();
  const result: TrainModelsResult = { started: 0, alreadyRunning: 0, skipped: {}, postponed: 0, failed: 0 };
  const due: TrainingCandidate[] = [];
  for (let afterId: string | null = ''; afterId !== null;) {
    const candidates: TrainingCandidate[] = await listTrainingCandidates(db, nowIso, afterId, tenantsAtOnce);
    for (const candidate of candidates) {
      const reason = reasonToSkip(candidate);
      if (reason === null) due.push(candidate);
      else {
        result.skipped[reason] = (result.skipped[reason] ?? 0) + 1;
        console.log(JSON.stringify({ level: 'info', event: 'training_skipped', tenantId: candidate.id, reason }));
      }
    }
    afterId = candidates.length < tenantsAtOnce ? null : (candidates.at(-1)?.id ?? null);
  }
  // Whoever has waited longest comes first.
  due.sort((a, b) => ((a.lastRunAt ?? '') < (b.lastRunAt ?? '') ? -1 : 1));
  const tonight = due.slice(0, mostPerNight);
  result.postponed = due.length - tonight.length;
  for (const { id: tenantId } of tonight) {
    try {
      const { created } = await startTraining(scopeForJob(tenantId), env, db, {
        trigger: 'cron',
        nowIso,
        startDelaySeconds: startDelaySeconds(result.started, tonight.length),
      });
      if (created) result.started += 1;
      else result.alreadyRunning += 1;
    } catch (cause) {
      result.failed += 1;
      logFailure('training_start_failed', cause, { tenantId });
    }
  }
  return result;
}
