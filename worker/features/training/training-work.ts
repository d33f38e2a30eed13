/** What the steps of a training really do: D1, R2, the arithmetic of scoring, the registry. */
import type { ModelLineage } from '#contracts/scoring';
import {
  canonicalTrainingData,
  fitRecipe,
  globalPrior,
  isRefusal,
  judgeRecipes,
  planTraining,
  refitChosen,
  type ActiveRecipe,
  type FittedRecipe,
  type Judgement,
  type Refusal,
  type TrainedModel,
  type TrainingInput,
  type TrainingPlan,
} from '#scoring';
import { chainSoon } from '../../audit/chain.ts';
import { openDatabase } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import { scopeForJob } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { packArtefact, putArtefact } from '../scoring/artefacts.ts';
import { readLandmarks, takeCensus, type LandmarkPage } from './landmarks-store.ts';
import type { TrainingWorkflowParams } from './params.ts';
import { promoteModel, registerModel } from './promotion-store.ts';
import { modelInForce } from './registry-store.ts';
import { dataEnd, planReading, refusalInWords, trainingSeed, versionOf, type ReadingPlan } from './rules.ts';
import type { BegunTraining, Pages, Refused, TrainingWork } from './run-training.ts';
import { beginTrainingRun, endTrainingRun, reportProgress } from './runs-store.ts';
import { deleteStepFiles, putStepFile, readStepFile, sha256OfText, type StepFile } from './step-files.ts';

/** The state that a run works on, from its first step to its last. */
export interface TrainingState extends BegunTraining {
  /** What is known ends here. */
  until: string;
  reading: ReadingPlan;
  /** The model in force; null: the prior. */
  inForce: { id: string; version: string; active: ActiveRecipe } | null;
}

const refused = (refusal: Refusal): Refused => ({ refusal: refusalInWords(refusal) });

const activeRecipe = ({ recipe, failures, dataUntil }: ModelLineage): ActiveRecipe => ({ recipe, failures, dataUntil });

/** The steps of one run. `now` is asked at the moment a step runs; its result is what a replay sees. */
export function createTrainingWork(
  env: Env,
  params: TrainingWorkflowParams,
  now: () => Date = () => new Date(),
): TrainingWork<TrainingState> {
  const { runId, tenantId } = params;
  const place = { tenantId, runId };
  const bucket = env.ARTIFACTS;
  const db = openDatabase(env.DB);
  const scope = scopeForJob(tenantId);

  async function inputOf({ until }: TrainingState, pages: Pages): Promise<TrainingInput> {
    const input = { landmarks: [], events: [], vehicles: [], until } as {
      [K in 'landmarks' | 'events' | 'vehicles']: LandmarkPage[K];
    } & { until: string };
    for (const file of pages) {
      const page = await readStepFile<LandmarkPage>(bucket, file);
      for (const landmark of page.landmarks) input.landmarks.push(landmark);
      for (const event of page.events) input.events.push(event);
      for (const vehicle of page.vehicles) input.vehicles.push(vehicle);
    }
    return input;
  }
  const put = (name: string, value: unknown): Promise<StepFile> => putStepFile(bucket, place, name, value);
  const activeOf = ({ inForce }: TrainingState): ActiveRecipe | null => inForce?.active ?? null;

  return {
    async begin() {
      const row = await beginTrainingRun(scope, db, runId, now().toISOString());
      const inForce = await modelInForce(scope, db);
      if (row === null || inForce === null) return null;
      const until = dataEnd(row.startedAt);
      const { vehicles, earliestAt } = await takeCensus(scope, db);
      const reading = planReading(until, vehicles, earliestAt);
      const { model } = inForce;
      return {
        ...{ until, reading, pages: reading.pages },
        inForce:
          model === null
            ? null
            : {
                ...{ id: model.id, version: model.version },
                active: activeRecipe(model.lineage),
              },
      };
    },

    report: (progress) => reportProgress(scope, db, runId, now().toISOString(), progress),

    async read({ reading }, page, afterVin) {
      const { nextVin, ...rows } = await readLandmarks(scope, db, reading, afterVin);
      return { file: await put(`page-${page}`, rows), landmarks: rows.landmarks.length, nextVin };
    },

    async plan(begun, pages) {
      const input = await inputOf(begun, pages);
      const plan = planTraining(input, { seed: trainingSeed, active: activeOf(begun) });
      if (isRefusal(plan)) return refused(plan);
      return { plan: await put('plan', plan), recipes: plan.recipes };
    },

    async fit(begun, pages, planned, recipe) {
      const [input, plan] = await Promise.all([
        inputOf(begun, pages),
        readStepFile<TrainingPlan>(bucket, planned.plan),
      ]);
      const fitted = fitRecipe(input, plan, globalPrior, recipe);
      return isRefusal(fitted) ? refused(fitted) : { fitted: await put(`fitted-${recipe}`, fitted) };
    },

    async judge(begun, pages, planned, files) {
      const [input, plan, fitted] = await Promise.all([
        inputOf(begun, pages),
        readStepFile<TrainingPlan>(bucket, planned.plan),
        Promise.all(files.map((file) => readStepFile<FittedRecipe>(bucket, file))),
      ]);
      const judgement = judgeRecipes(input, plan, globalPrior, fitted, activeOf(begun));
      if (isRefusal(judgement)) return refused(judgement);
      const { isPromoted, reason, chosen, incumbent } = judgement;
      const isNews = isPromoted || chosen.recipe !== incumbent.recipe;
      const file = await put('judgement', judgement);
      return { isPromoted, reason, chosen: chosen.recipe, isNews, judgement: file };
    },

    async refit(begun, pages, planned, judged, fittedFile) {
      const [input, plan, judgement, fitted] = await Promise.all([
        inputOf(begun, pages),
        readStepFile<TrainingPlan>(bucket, planned.plan),
        readStepFile<Judgement>(bucket, judged.judgement),
        readStepFile<FittedRecipe>(bucket, fittedFile),
      ]);
      const madeOf = [pages.map(({ digest }) => digest), globalPrior.version, trainingSeed, judged.chosen];
      const version = versionOf(begun.until, await sha256OfText(JSON.stringify(madeOf)));
      const options = { seed: trainingSeed, version };
      const trained = refitChosen(input, plan, globalPrior, judgement, fitted, options);
      if (isRefusal(trained)) return refused(trained);
      const dataDigest = await sha256OfText(canonicalTrainingData(input, plan));
      const whole: TrainedModel = { ...trained, lineage: { ...trained.lineage, dataDigest } };
      return { trained: await put('trained', whole) };
    },

    async keep(trainedFile, { isPromoted, reason }) {
      const { artefact, lineage, quality } = await readStepFile<TrainedModel>(bucket, trainedFile);
      const packed = await packArtefact(artefact);
      const { key, digest } = await putArtefact(bucket, tenantId, packed);
      const row = await registerModel(
        scope,
        db,
        {
          ...{ version: artefact.version, status: isPromoted ? 'candidate' : 'rejected', reason, lineage, quality },
          ...{ artefactKey: key, artefactDigest: digest, artefactBytes: packed.bytes.byteLength },
        },
        now().toISOString(),
      );
      return { modelId: row.id, version: row.version };
    },

    async promote({ inForce }, { modelId, version }, { isPromoted, reason }) {
      if (inForce?.id === modelId) {
        const same = `${version} is in force already: nothing has been learned since.`;
        return { kind: 'kept', reason: same, modelId };
      }
      if (!isPromoted) return { kind: 'kept', reason, modelId };
      const comparedWith = inForce?.id ?? null;
      const verdict = await promoteModel(scope, db, { modelId, version, reason, comparedWith, runId }, now());
      if (verdict === 'promoted') return { kind: 'promoted', reason, modelId };
      if (verdict === 'pinned') {
        return { kind: 'pinned', reason: `A person has chosen the model in force. ${reason}`, modelId };
      }
      const changed = 'Meanwhile another model was put in force than the one it was compared with.';
      return { kind: 'kept', reason: changed, modelId };
    },

    async finish({ status, outcome, error }) {
      await endTrainingRun(scope, db, runId, { status, outcome, error }, now());
      await chainSoon(env, tenantId);
      await deleteStepFiles(bucket, place).catch((cause: unknown) =>
        logFailure('step_files_not_deleted', cause, { runId }),
      );
      const level = status === 'failed' ? 'error' : 'info';
      const told = { level, event: 'training_ended', runId, tenantId, status, outcome: outcome?.kind ?? null };
      console[level](JSON.stringify(told));
    },
  };
}
