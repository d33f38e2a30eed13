/**
 * Training the global prior: hazard trees over landmarks of many fleets. Their shape is chosen, and the chances are
 * calibrated, on fleets that were not learned from.
 */
import type { ModelArtefact, SurvivalModel } from '#contracts/scoring-models';
import type { FeatureDefinition } from '../features/feature-definition.ts';
import { isRefusal, type Refusal } from '../survival/refusal.ts';
import { fitGradientTrees } from '../trees/fit-gradient-trees.ts';
import type { TreeFitParams } from '../trees/tree-model.ts';
import { compactTrees } from './compact-trees.ts';
import { fitAnomalyModel } from './fit-anomaly.ts';
import { calibrateOn, describePopulation } from './fit-recipe.ts';
import { judgedDays, lifetimesBetween, listOf, readLandmarks, type Lifetimes } from './landmarks.ts';
import { timeOfInstant } from './outcome.ts';
import { firstTrees, lifetimeLoss } from './own-trees.ts';
import type { TrainingInput, VehicleSignals } from './training-types.ts';

export type PriorParams = Omit<TreeFitParams, 'monotone' | 'earlyStopping'>;

export interface PriorTrainingInput {
  train: TrainingInput;
  /** Fleets that choose the shape of the trees and calibrate their chances. */
  validation: TrainingInput;
  candidates: readonly PriorParams[];
  seed: number;
  /** Told after each candidate. */
  onTried?: ((tried: TriedParams) => void) | undefined;
}

export interface TriedParams {
  params: PriorParams;
  /** Trees that served the validation fleets best, and minus the log-likelihood per landmark with them. */
  rounds: number;
  loss: number;
}

export interface TrainedPrior {
  artefact: Omit<ModelArtefact, 'version'>;
  chosen: TriedParams;
  tried: TriedParams[];
  landmarks: number;
  failures: number;
}

/** Every landmark of an input with its outcome, without thinning. */
export const everyLifetime = (input: TrainingInput, mostDays?: number): Lifetimes | Refusal => {
  const landmarks = readLandmarks(
    input,
    input.landmarks.map((_, place) => place),
  );
  if (isRefusal(landmarks)) return landmarks;
  return lifetimesBetween(landmarks, -Infinity, timeOfInstant(input.until, 'until'), mostDays);
};

const grow = (rows: Lifetimes, features: readonly FeatureDefinition[], params: PriorParams, seed: number) =>
  fitGradientTrees({
    x: rows.x,
    time: rows.time,
    event: rows.event,
    loss: 'hazard',
    names: features.map((feature) => feature.name),
    params: { ...params, monotone: features.map((feature) => feature.monotone) },
    seed,
  });

const stageEvery = 10;

/** Trains the prior. Refusals are those of the trees; parts of the anomaly model that the fleets do not carry are null. */
export const trainPrior = (
  input: PriorTrainingInput,
  features: readonly FeatureDefinition[],
  vehicles: readonly VehicleSignals[],
): TrainedPrior | Refusal => {
  const train = everyLifetime(input.train);
  if (isRefusal(train)) return train;
  const validation = everyLifetime(input.validation);
  if (isRefusal(validation)) return validation;
  const tried: TriedParams[] = [];
  let best: { chosen: TriedParams; trees: SurvivalModel['trees'] } | null = null;
  for (const params of input.candidates) {
    const model = grow(train, features, params, input.seed);
    if (isRefusal(model)) return model;
    let chosen: TriedParams = { params, rounds: 0, loss: Infinity };
    for (let rounds = stageEvery; rounds <= model.sizes.length; rounds += stageEvery) {
      const loss = lifetimeLoss(firstTrees(model, rounds), validation);
      if (loss < chosen.loss) chosen = { params, rounds, loss };
    }
    tried.push(chosen);
    input.onTried?.(chosen);
    if (best === null || chosen.loss < best.chosen.loss) best = { chosen, trees: compactTrees(model, chosen.rounds) };
  }
  if (best === null) return { kind: 'no_convergence' };
  const bare: SurvivalModel = {
    format: 'survival-1',
    ...listOf(features),
    trees: best.trees,
    correction: null,
    typical: { days7: 0, days30: 0, days90: 0 },
    reference: [],
  };
  const followed = everyLifetime(input.validation, judgedDays);
  if (isRefusal(followed)) return followed;
  const calibration = calibrateOn(bare, followed, input.seed);
  return {
    artefact: {
      survival: describePopulation(bare, calibration, train),
      anomaly: fitAnomalyModel(vehicles, input.seed),
      calibration,
    },
    chosen: best.chosen,
    tried,
    landmarks: train.time.length,
    failures: new Set(train.failure.filter((failure) => failure !== null)).size,
  };
};
