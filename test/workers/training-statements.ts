/** Every statement of models and trainings, for the test that holds statements against their plans. */
import type { env } from 'cloudflare:workers';
import { openDatabase } from '#worker/db/client';
import { createTrainingRun } from '#worker/features/training/runs-store';
import { runTraining } from '#worker/features/training/run-training';
import { createTrainingWork } from '#worker/features/training/training-work';
import { scopeForJob } from '#worker/http/tenant-scope';
import { cleanUpModels } from '#worker/jobs/clean-up-models';
import { reviveStuckTraining } from '#worker/jobs/revive-stuck-training';
import { trainModels } from '#worker/jobs/train-models';
import { person, tenant } from './harness.ts';
import { fleetHistory, scoringModel, trainingRun } from './training-builders.ts';

type Ask = (method: string, path: string, token: string, body?: unknown) => Promise<Response>;

/** Asks through the door, trains a fleet of its own from beginning to end, and runs the jobs. Answers what became of it. */
export async function askAboutTraining(bindings: typeof env, ask: Ask): Promise<string> {
  const db = openDatabase(bindings.DB);
  const fleet = await tenant();
  await fleetHistory(fleet, { vehicles: 10, days: 100, daysBetweenFailures: 20 });
  const { token } = await person(fleet, 'fleet_admin');
  const [model, run] = [await scoringModel(fleet), await trainingRun(fleet)];
  for (const path of [
    ...['models', 'active-model', 'training-runs', `training-runs?cursor=${run}`],
    ...[`models/${model.id}`, `training-runs/${run}`],
  ]) {
    await ask('GET', `/scoring/${path}`, token);
  }
  for (const modelId of [model.id, null])
    await ask('PUT', '/scoring/active-model', token, { modelId, isPinned: false });

  const scope = scopeForJob(fleet.id);
  const { row } = await createTrainingRun(scope, db, { trigger: 'cron', nowIso: new Date().toISOString() });
  const params = { runId: row.id, tenantId: fleet.id, trigger: 'cron', startDelaySeconds: 0 } as const;
  const steps = {
    do: <T>(_name: string, work: () => Promise<T>) => work(),
    sleep: async () => undefined,
  };

  const ended = await runTraining(steps, createTrainingWork(bindings, params));

  // An engine that has finished everything is asked for a silent run.
  const silent = await tenant();
  await createTrainingRun(scopeForJob(silent.id), db, { trigger: 'cron', nowIso: '2026-11-01T00:00:00.000Z' });
  const instance = { status: async () => ({ status: 'complete' }), terminate: async () => undefined };
  const engine: unknown = { create: async () => instance, get: async () => instance };
  const quiet = { ...bindings, TRAINING_WORKFLOW: engine as typeof env.TRAINING_WORKFLOW };
  await reviveStuckTraining(quiet, { nowMs: Date.now(), staleAfterMs: 180_000 });
  await trainModels(quiet, new Date());
  // One whose artefact a night has given up and not yet deleted.
  await scoringModel(fleet, { artefactBytes: 0, status: 'rejected' });
  await cleanUpModels(bindings, new Date());
  return ended;
}
