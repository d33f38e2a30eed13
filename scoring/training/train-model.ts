/**
 * Training a tenant's model, in steps of a few seconds each that a Workflow runs one by one:
 *
 *   planTraining → fitRecipe for each of plan.recipes → judgeRecipes → refitChosen
 *
 * Every step takes the same input again; between them goes only small JSON. The same input, prior and seed give the same
 * bytes. `trainModel` runs them all.
 */
import { calibratedSurvival } from '../forecast/forecast.ts';
import { featureList } from '../features/feature-list.ts';
import { insufficientData, isRefusal, type Refusal } from '../survival/refusal.ts';
import { demand } from '../trees/demand.ts';
import { bestRecipe, compareOutOfTime } from './compare.ts';
import { evaluatePredictions } from './evaluate.ts';
import { fitAnomalyModel } from './fit-anomaly.ts';
import { describePopulation, followRecipe, followRecipeOn, priorSurvival, survivalOf } from './fit-recipe.ts';
import {
  distinctFailures,
  judgedDays,
  lifetimesBetween,
  listOf,
  readLandmarks,
  thinLandmarks,
  type Landmarks,
} from './landmarks.ts';
import { dayMs, timeOfInstant } from './outcome.ts';
import { failuresForOwnTrees } from './own-trees.ts';
import type {
  ActiveModel,
  Comparison,
  FittedRecipe,
  GlobalPrior,
  JudgedRecipe,
  Judgement,
  ModelRecipe,
  TrainedModel,
  TrainingInput,
  TrainingOptions,
  TrainingPlan,
} from './training-types.ts';

/** The share of the time that judges, and its limits in days. */
const heldBackShare = 0.3;
const leastHeldBackDays = 14;
const mostHeldBackDays = 120;
/** A shorter history has no two halves. */
const leastDays = 28;
/** Fewer failures on either side say nothing about a model's worth. */
const leastEarlyFailures = 10;
const leastLateFailures = 5;

const shortOf = (column: string, have: number, need: number): Refusal => ({ ...insufficientData(have, need), column });

/** The instant that parts a span into what teaches and what judges. */
const splitOf = (fromMs: number, untilMs: number): number =>
  untilMs -
  dayMs *
    Math.min(mostHeldBackDays, Math.max(leastHeldBackDays, Math.round((heldBackShare * (untilMs - fromMs)) / dayMs)));

/**
 * Step 1. Which landmarks are used (one per vehicle and week, at most 20,000, drawn by the seed), where time is cut, and
 * which recipes the data may carry. Refuses (`insufficient_data` of landmarks, days or failures, `no_events`) a history that
 * is too short or has too few failures to be judged, `non_finite` for infinities. Landmarks after `until` are left out.
 * @throws RangeError for rows that do not fit the feature list and times that are none.
 */
export const planTraining = (
  input: TrainingInput,
  { seed, active }: Pick<TrainingOptions, 'seed'> & { active?: ActiveModel | null },
): TrainingPlan | Refusal => {
  demand(Number.isSafeInteger(seed), 'seed must be a whole number');
  const untilMs = timeOfInstant(input.until, 'until');
  const known = input.landmarks
    .map((_, place) => place)
    .filter((place) => timeOfInstant(input.landmarks[place]?.at as string, 'landmark.at') < untilMs);
  const rows = thinLandmarks(
    known.map((place) => input.landmarks[place] as TrainingInput['landmarks'][number]),
    seed,
  ).map((place) => known[place] as number);
  const landmarks = readLandmarks(input, rows);
  if (isRefusal(landmarks)) return landmarks;
  const fromMs = landmarks.atMs[0];
  if (fromMs === undefined) return shortOf('landmarks', 0, 1);
  const days = (untilMs - fromMs) / dayMs;
  if (days < leastDays) return shortOf('days', Math.floor(days), leastDays);
  const splitMs = splitOf(fromMs, untilMs);
  const all = lifetimesBetween(landmarks, fromMs, untilMs);
  const early = lifetimesBetween(landmarks, fromMs, splitMs);
  const late = lifetimesBetween(landmarks, splitMs, untilMs);
  const failures = { all: distinctFailures(all), early: distinctFailures(early), late: distinctFailures(late) };
  if (failures.all === 0) return { kind: 'no_events', have: 0, need: leastEarlyFailures + leastLateFailures };
  if (failures.early < leastEarlyFailures) return shortOf('failures', failures.early, leastEarlyFailures);
  if (failures.late < leastLateFailures) return shortOf('late failures', failures.late, leastLateFailures);
  const recipes: ModelRecipe[] = ['prior', 'corrected_prior'];
  // Own trees in use are given up only well below what it takes to begin with them: no flutter between nights.
  const need = active?.recipe === 'own_trees' ? failuresForOwnTrees / 2 : failuresForOwnTrees;
  if (failures.early >= need) recipes.push('own_trees');
  return {
    seed,
    rows,
    from: new Date(fromMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    splitAt: new Date(splitMs).toISOString(),
    landmarks: rows.length,
    vehicles: new Set(landmarks.vehicleIds).size,
    failures: failures.all,
    early: { landmarks: early.time.length, failures: failures.early },
    late: { landmarks: late.time.length, failures: failures.late },
    recipes,
  };
};

interface Unpacked {
  landmarks: Landmarks;
  fromMs: number;
  splitMs: number;
  untilMs: number;
}

const unpack = (input: TrainingInput, plan: TrainingPlan): Unpacked | Refusal => {
  demand(Date.parse(input.until) === Date.parse(plan.until), 'the plan was made for another time');
  const landmarks = readLandmarks(input, plan.rows);
  if (isRefusal(landmarks)) return landmarks;
  return {
    landmarks,
    fromMs: Date.parse(plan.from),
    splitMs: Date.parse(plan.splitAt),
    untilMs: Date.parse(plan.until),
  };
};

/** Step 2, once per recipe of `plan.recipes`: follows it on what was known at `plan.splitAt`; nothing later is looked at. */
export const fitRecipe = (
  input: TrainingInput,
  plan: TrainingPlan,
  prior: GlobalPrior,
  recipe: ModelRecipe,
): FittedRecipe | Refusal => {
  const data = unpack(input, plan);
  if (isRefusal(data)) return data;
  const { landmarks, fromMs, splitMs } = data;
  const innerMs = splitOf(fromMs, splitMs);
  return followRecipe(
    recipe,
    prior,
    landmarks.features,
    {
      early: lifetimesBetween(landmarks, fromMs, innerMs),
      late: lifetimesBetween(landmarks, innerMs, splitMs, judgedDays),
      all: lifetimesBetween(landmarks, fromMs, splitMs),
    },
    plan.seed,
  );
};

/**
 * Step 3. Judges what was fitted on the held-back landmarks and decides. Recipes that were refused are simply not given,
 * the prior is always judged; a recipe in use that could not be fitted again leaves the prior in its place.
 */
export const judgeRecipes = (
  input: TrainingInput,
  plan: TrainingPlan,
  prior: GlobalPrior,
  fitted: readonly FittedRecipe[],
  active: ActiveModel | null,
): Judgement | Refusal => {
  const data = unpack(input, plan);
  if (isRefusal(data)) return data;
  const { landmarks, fromMs, splitMs, untilMs } = data;
  const survival = priorSurvival(prior, landmarks.features);
  const test = lifetimesBetween(landmarks, splitMs, untilMs, judgedDays);
  const train = lifetimesBetween(landmarks, fromMs, splitMs, judgedDays);
  const judge = (one: FittedRecipe): JudgedRecipe => {
    const model = survivalOf(survival, one);
    return {
      recipe: one.recipe,
      quality: evaluatePredictions({
        test,
        train,
        predict: (x, times) => calibratedSurvival(model, one.calibration, x, times),
        outOfTimeFrom: plan.splitAt,
      }),
    };
  };
  const untouched = judge({
    recipe: 'prior',
    correction: null,
    trees: null,
    calibration: prior.artefact.calibration,
  });
  const judged = [untouched, ...fitted.filter(({ recipe }) => recipe !== 'prior').map(judge)];
  const chosen = bestRecipe(judged) ?? untouched;
  const incumbent = judged.find(({ recipe }) => recipe === active?.recipe) ?? untouched;
  return {
    chosen,
    incumbent,
    judged,
    ...compareOutOfTime(chosen, incumbent, active, { failures: plan.failures, until: plan.until }),
  };
};

/** Step 4: the chosen recipe on everything known now, with the fleet's anomaly model. `fitted` is the chosen one of step 2. */
export const refitChosen = (
  input: TrainingInput,
  plan: TrainingPlan,
  prior: GlobalPrior,
  judgement: Pick<Judgement, 'chosen'>,
  fitted: FittedRecipe,
  options: TrainingOptions,
): TrainedModel | Refusal => {
  demand(fitted.recipe === judgement.chosen.recipe, 'the recipe to refit is not the one that was chosen');
  const data = unpack(input, plan);
  if (isRefusal(data)) return data;
  const { landmarks, fromMs, splitMs, untilMs } = data;
  const all = lifetimesBetween(landmarks, fromMs, untilMs);
  const late = lifetimesBetween(landmarks, splitMs, untilMs, judgedDays);
  const refitted = followRecipeOn(fitted, prior, landmarks.features, { late, all }, plan.seed);
  if (isRefusal(refitted)) return refitted;
  const model = survivalOf(priorSurvival(prior, landmarks.features), refitted);
  return {
    recipe: fitted.recipe,
    quality: judgement.chosen.quality,
    artefact: {
      version: options.version,
      survival: describePopulation({ ...model, ...listOf(landmarks.features) }, refitted.calibration, all),
      anomaly: fitAnomalyModel(input.vehicles, plan.seed),
      calibration: refitted.calibration,
    },
    lineage: {
      recipe: fitted.recipe,
      priorVersion: prior.version,
      seed: plan.seed,
      landmarks: plan.landmarks,
      vehicles: plan.vehicles,
      failures: plan.failures,
      dataFrom: plan.from,
      dataUntil: plan.until,
      dataDigest: '',
    },
  };
};

/** All steps in a row: the new model, and whether it should take over. */
export const trainModel = (
  input: TrainingInput,
  prior: GlobalPrior,
  options: TrainingOptions & { active: ActiveModel | null },
): (TrainedModel & Comparison) | Refusal => {
  const plan = planTraining(input, options);
  if (isRefusal(plan)) return plan;
  const fitted = plan.recipes
    .map((recipe) => fitRecipe(input, plan, prior, recipe))
    .filter((answer): answer is FittedRecipe => !isRefusal(answer));
  const judgement = judgeRecipes(input, plan, prior, fitted, options.active);
  if (isRefusal(judgement)) return judgement;
  const chosen = fitted.find(({ recipe }) => recipe === judgement.chosen.recipe);
  demand(chosen !== undefined, 'the chosen recipe was not fitted');
  const trained = refitChosen(input, plan, prior, judgement, chosen, options);
  return isRefusal(trained) ? trained : { ...trained, isPromoted: judgement.isPromoted, reason: judgement.reason };
};

/**
 * The rows of training in their order, with the events of their vehicles and what the anomaly model learns from, as canonical
 * JSON: `lineage.dataDigest` is the SHA-256 of its UTF-8 bytes. Neither the order in which the input came nor rows that were
 * not used change it.
 */
export const canonicalTrainingData = (input: TrainingInput, plan: TrainingPlan): string => {
  const rows = plan.rows.map((place) => input.landmarks[place] as TrainingInput['landmarks'][number]);
  const vehicles = new Set(rows.map(({ vehicleId }) => vehicleId));
  const untilMs = Date.parse(plan.until);
  const text = (parts: readonly unknown[]): string => JSON.stringify(parts);
  const events = input.events
    .filter(({ vehicleId, at }) => vehicles.has(vehicleId) && Date.parse(at) <= untilMs)
    .map(({ vehicleId, at, kind }) => text([vehicleId, new Date(Date.parse(at)).toISOString(), kind]))
    .sort();
  const features = (input.features ?? featureList).map(({ name }) => name);
  const watched = input.vehicles
    .map(({ make, model, signals, faultsOpened, observedDays }) => {
      const readings = signals
        .map(({ name, value, at, baselineMedian, baselineMad, n }) =>
          text([name, value, at, baselineMedian, baselineMad, n]),
        )
        .sort();
      return text([make, model, faultsOpened, observedDays, ...readings]);
    })
    .sort();
  return [
    text(features),
    text([plan.from, plan.until, plan.splitAt]),
    ...rows.map(({ vehicleId, at, x }) => text([vehicleId, new Date(Date.parse(at)).toISOString(), ...x])),
    ...events,
    ...watched,
  ].join('\n');
};
