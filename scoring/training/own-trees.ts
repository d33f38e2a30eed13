/**
 * A tenant's own hazard trees, for a tenant with failures enough. Their size is found out of time: trees grown on the earlier
 * landmarks are judged, one more tree at a time, on the later ones. Rows drawn at random would not do for that: a landmark's
 * neighbours of the week before know its outcome.
 */
import type { FeatureDefinition } from '../features/feature-definition.ts';
import { isRefusal, type Refusal } from '../survival/refusal.ts';
import { fitGradientTrees } from '../trees/fit-gradient-trees.ts';
import { predictSurvival } from '../trees/predict.ts';
import type { GradientTreesModel, TreeFitParams } from '../trees/tree-model.ts';
import type { Lifetimes } from './landmarks.ts';

/** Fewer failures than this make trees that mostly repeat chance. */
export const failuresForOwnTrees = 200;

/** Found on a fleet of other laws that no report judges (its seed is none of scripts/train/worlds.ts); refitted in seconds. */
const params: Omit<TreeFitParams, 'minLeaf' | 'monotone'> = {
  rounds: 120,
  depth: 3,
  learningRate: 0.08,
  bins: 32,
  subsample: 0.5,
  l2: 20,
  columnSample: 0.8,
  periods: 12,
};
/** Sizes judged. */
const stages = [5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 120];

/** Leaves hold at least this many person-periods: rows of one vehicle repeat each other. */
const minLeafOf = (rows: number): number => Math.max(60, Math.round(rows / 100));

export const growTrees = (
  rows: Lifetimes,
  features: readonly FeatureDefinition[],
  seed: number,
  rounds = params.rounds,
): GradientTreesModel | Refusal =>
  fitGradientTrees({
    x: rows.x,
    time: rows.time,
    event: rows.event,
    loss: 'hazard',
    names: features.map((feature) => feature.name),
    params: {
      ...params,
      rounds,
      minLeaf: minLeafOf(rows.time.length),
      monotone: features.map((feature) => feature.monotone),
    },
    seed,
  });

/** Minus the log-likelihood per row of right-censored lifetimes under a model: −d·ln h(t) + H(t), h over the last day. */
export const lifetimeLoss = (model: GradientTreesModel, rows: Lifetimes): number => {
  const times = [...new Set(rows.time.map((time) => Math.ceil(time)))].sort((a, b) => a - b);
  const asked = [0, ...times.flatMap((day) => [Math.max(0, day - 1), day])];
  const place = new Map(asked.map((day, at) => [day, at]));
  const survival = predictSurvival(model, rows.x, asked);
  let loss = 0;
  rows.time.forEach((time, row) => {
    const curve = survival[row] as number[];
    const day = Math.ceil(time);
    const before = Math.max(1e-12, curve[place.get(day - 1) as number] as number);
    const after = Math.max(1e-12, curve[place.get(day) as number] as number);
    // The chance to fail on that day, or to be seen alive up to it: what a curve read in days can say.
    loss -= rows.event[row] === 1 ? Math.log(Math.max(1e-9, before - after)) : Math.log(before);
  });
  return loss / Math.max(1, rows.time.length);
};

export const firstTrees = (model: GradientTreesModel, count: number): GradientTreesModel => {
  const sizes = model.sizes.slice(0, count);
  const nodes = sizes.reduce((sum, size) => sum + size, 0);
  return { ...model, sizes, nodes: model.nodes.slice(0, nodes), values: model.values.slice(0, nodes) };
};

/** Trees on the earlier rows, as many of them as serve the later rows best. */
export const sizedTrees = (
  early: Lifetimes,
  late: Lifetimes,
  features: readonly FeatureDefinition[],
  seed: number,
): { model: GradientTreesModel; rounds: number } | Refusal => {
  const model = growTrees(early, features, seed);
  if (isRefusal(model)) return model;
  let best = { model, rounds: 0, loss: Infinity };
  for (const rounds of stages.filter((stage) => stage <= model.sizes.length)) {
    const smaller = firstTrees(model, rounds);
    const loss = lifetimeLoss(smaller, late);
    if (loss < best.loss) best = { model: smaller, rounds, loss };
  }
  return best.rounds === 0 ? { model, rounds: model.sizes.length } : best;
};
