/** Judging the prior where it has never been: beside Kaplan–Meier curves and a Cox model of the same features. */
import type { ModelQuality } from '#contracts/scoring-models';
import {
  calibratedSurvival,
  evaluatePredictions,
  everyLifetime,
  fitCoxPh,
  isRefusal,
  planTraining,
  fitRecipe,
  refitChosen,
  predictCoxSurvival,
  trainModel,
  type GlobalPrior,
  type Lifetimes,
  type Refusal,
} from '#scoring';
import type { ObservedWorld } from './worlds.ts';

const dayMs = 86_400_000;
/** One day more than the longest horizon, so that somebody is in sight after it. */
const judgedDays = 91;

/** The result, or an error that names the refusal: nothing here may be refused. */
export function must<T>(answer: T | Refusal, what: string): T {
  if (isRefusal(answer)) throw new Error(`${what}: ${JSON.stringify(answer)}`);
  return answer;
}

export const lifetimesOf = (world: ObservedWorld): Lifetimes => must(everyLifetime(world, judgedDays), 'landmarks');

export type Predict = (x: readonly (readonly number[])[], times: readonly number[]) => number[][];

export const priorPredicts = (prior: Pick<GlobalPrior, 'artefact'>): Predict => {
  const { survival, calibration } = prior.artefact;
  if (survival === null) throw new Error('the prior has no survival model');
  return (x, times) => calibratedSurvival(survival, calibration, x, times);
};

/** Cox's model with a ridge on standardised features, unknown values at their mean. */
export function fitCoxRidge(rows: Lifetimes, names: readonly string[], ridge: number): Predict {
  const means: number[] = [];
  const scales: number[] = [];
  names.forEach((_, column) => {
    const known = rows.x.map((row) => row[column] as number).filter((value) => !Number.isNaN(value));
    const mean = known.reduce((sum, value) => sum + value / known.length, 0);
    means.push(mean);
    scales.push(Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2 / known.length, 0)) || 1);
  });
  const standardise = (x: readonly (readonly number[])[]): number[][] =>
    x.map((row) =>
      row.map((value, column) =>
        Number.isNaN(value) ? 0 : (value - (means[column] as number)) / (scales[column] as number),
      ),
    );
  const fit = must(fitCoxPh({ time: rows.time, event: rows.event, x: standardise(rows.x), names, ridge }), 'Cox');
  return (x, times) => predictCoxSurvival(fit, fit.baseline, standardise(x), times);
}

/** Of several ridges the one that serves the validation fleets best. */
export function chooseCoxRidge(train: Lifetimes, validation: Lifetimes, names: readonly string[]) {
  let best: { predict: Predict; ridge: number; score: number } | null = null;
  for (const ridge of [1, 30, 1000]) {
    const predict = fitCoxRidge(train, names, ridge);
    const quality = evaluatePredictions({ test: validation, train, predict, outOfTimeFrom: null });
    const score = quality.integratedBrier ?? Infinity;
    if (best === null || score < best.score) best = { predict, ridge, score };
  }
  if (best === null) throw new Error('no ridge was tried');
  return best;
}

export interface Standing {
  concordance: number | null;
  integratedBrier: number | null;
  brier7: number | null;
  brier30: number | null;
  auc7: number | null;
  auc30: number | null;
}

export const standingOf = (quality: ModelQuality): Standing => ({
  concordance: quality.concordance,
  integratedBrier: quality.integratedBrier,
  brier7: quality.horizons.days7.brier,
  brier30: quality.horizons.days30.brier,
  auc7: quality.horizons.days7.auc,
  auc30: quality.horizons.days30.auc,
});

const trivialOf = (quality: ModelQuality): Standing => ({
  concordance: quality.baselineConcordance,
  integratedBrier: quality.baselineIntegratedBrier,
  brier7: quality.horizons.days7.baselineBrier,
  brier30: quality.horizons.days30.baselineBrier,
  auc7: null,
  auc30: null,
});

export interface JudgedWorld {
  name: string;
  trucks: number;
  landmarks: number;
  /** Repairs and breakdowns per truck and year. */
  failuresPerTruckYear: number;
  /** The curve of the training fleets, that of this world itself (which nobody could know), Cox, the prior. */
  trainingCurve: Standing;
  ownCurve: Standing;
  cox: Standing;
  prior: Standing;
  quality: ModelQuality;
}

/** Judges everything on one world. */
export function judgeWorld(
  name: string,
  world: ObservedWorld,
  train: Lifetimes,
  predictions: { prior: Predict; cox: Predict },
): JudgedWorld {
  const test = lifetimesOf(world);
  const judge = (predict: Predict, from: Lifetimes): ModelQuality =>
    evaluatePredictions({ test, train: from, predict, outOfTimeFrom: null });
  const quality = judge(predictions.prior, train);
  const truckYears = world.vehicles.reduce((sum, { observedDays }) => sum + observedDays / 365.25, 0);
  const failures = world.events.filter(({ kind }) => kind === 'repair' || kind === 'breakdown').length;
  return {
    name,
    trucks: world.vehicles.length,
    landmarks: test.time.length,
    failuresPerTruckYear: failures / truckYears,
    trainingCurve: trivialOf(quality),
    ownCurve: trivialOf(judge(predictions.prior, test)),
    cox: standingOf(judge(predictions.cox, train)),
    prior: standingOf(quality),
    quality,
  };
}

export interface LearnedAfter {
  months: number;
  failures: number;
  /** Factor on the hazard that the tenant's failures ask for, with one standard error of its logarithm. */
  factor: number;
  standardError: number;
  isPromoted: boolean;
  recipe: string;
  prior: Standing;
  corrected: Standing;
}

const monthMs = 30.4375 * dayMs;
const seenAheadDays = 91;

/** What a tenant's first months add: everything known then, judged on the landmarks of the two months after. */
export function learnAfter(world: ObservedWorld, fromMs: number, months: number, prior: GlobalPrior): LearnedAfter {
  const untilMs = fromMs + months * monthMs;
  const at = (ms: number): string => new Date(ms).toISOString();
  const input = {
    ...world,
    landmarks: world.landmarks.filter((landmark) => Date.parse(landmark.at) < untilMs),
    events: world.events.filter((event) => Date.parse(event.at) <= untilMs),
    until: at(untilMs),
  };
  const options = { seed: 1, version: 'learned' };
  const plan = must(planTraining(input, options), 'plan');
  const fitted = must(fitRecipe(input, plan, prior, 'corrected_prior'), 'fit');
  const chosen = { recipe: 'corrected_prior' as const, quality: prior.quality };
  const { artefact } = must(refitChosen(input, plan, prior, { chosen }, fitted, options), 'refit');
  const decided = must(trainModel(input, prior, { ...options, active: null }), 'training');
  const ahead = lifetimesOf({
    ...world,
    landmarks: world.landmarks.filter((landmark) => {
      const ms = Date.parse(landmark.at);
      return ms >= untilMs && ms < untilMs + 2 * monthMs;
    }),
    until: at(Math.min(Date.parse(world.until), untilMs + 2 * monthMs + seenAheadDays * dayMs)),
  });
  const judge = (predict: Predict): Standing =>
    standingOf(evaluatePredictions({ test: ahead, train: ahead, predict, outOfTimeFrom: at(untilMs) }));
  const correction = artefact.survival?.correction ?? null;
  return {
    months,
    failures: plan.failures,
    factor: Math.exp(correction?.intercept ?? 0),
    standardError: correction?.standardErrors[0] ?? 0,
    isPromoted: decided.isPromoted,
    recipe: decided.recipe,
    prior: judge(priorPredicts(prior)),
    corrected: judge(priorPredicts({ artefact })),
  };
}
