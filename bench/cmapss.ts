/**
 * `node bench/cmapss.ts`: remaining useful life of turbofan engines on NASA's C-MAPSS sets FD001 and FD003, where
 * ../shared/data/cmapss exists. Truth is capped at 125 cycles; the trivial constant, a ridge regression and our trees alone stand
 * beside the ensemble.
 *
 * Everything was chosen by cross-validation over the training engines (`--cross-validate` repeats it): engines left out in
 * fives, cut at remaining lives of 5, 10, … 145. The test rows are only ever predicted.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fitGradientTrees } from '../scoring/trees/fit-gradient-trees.ts';
import { predictTrees } from '../scoring/trees/predict.ts';
import { enginesOf, learnScaling, lifeCap, lifeLeft, ridgeWeights, type Engine } from './cmapss/engines.ts';
import { chosenFeatures, featuresAt } from './cmapss/features.ts';
import { fitNetwork, type NetworkParams } from './cmapss/network.ts';

type Rows = readonly (readonly number[])[];

/** Remaining life is predicted where at least so many cycles were seen, as for every test engine. */
const firstPlace = 25;
const principalDirections = 3;
const networks = 10;
/** The trees' share of the ensemble. */
const treeShare = 0.3;
const networkParams: NetworkParams = {
  firstLayer: 32,
  secondLayer: 16,
  epochs: 15,
  learningRate: 0.002,
  weightDecay: 0.01,
  batch: 32,
  noise: 0.1,
};
const treeParams = {
  rounds: 300,
  depth: 5,
  learningRate: 0.03,
  minLeaf: 20,
  bins: 64,
  subsample: 0.5,
  l2: 5,
  columnSample: 0.3,
};

interface Learned {
  ridge: number[];
  trees: number[];
  ensemble: number[];
}

const withinLife = (value: number): number => Math.min(lifeCap, Math.max(0, value));

/** Learns from engines that ran to failure and predicts others at given places, by ridge, by trees and by all together. */
const learnAndPredict = (
  engines: readonly Engine[],
  asked: readonly { engine: Engine; places: number[] }[],
  seed: number,
  every = 1,
): Learned => {
  const scaling = learnScaling(engines, principalDirections);
  const x: number[][] = [];
  const y: number[] = [];
  engines.forEach((engine, number) => {
    const places = [...engine.keys()].filter((place) => place >= firstPlace && (place + number) % every === 0);
    x.push(...featuresAt(engine, places, scaling, chosenFeatures));
    y.push(...places.map((place) => lifeLeft(engine, place)));
  });
  const rows = asked.flatMap(({ engine, places }) => featuresAt(engine, places, scaling, chosenFeatures));

  const widened = (row: readonly number[]): number[] => [...row, 1];
  const weights = ridgeWeights(x.map(widened), y, 10);
  const ridge = rows.map((row) =>
    withinLife(widened(row).reduce((sum, value, at) => sum + value * (weights[at] as number), 0)),
  );

  const model = fitGradientTrees({
    x,
    y,
    loss: 'squared',
    names: (x[0] ?? []).map((_, at) => `f${at}`),
    params: treeParams,
    seed,
  });
  if ('kind' in model) throw new RangeError(`the training engines carry no model: ${model.kind}`);
  const trees = predictTrees(model, rows).map(withinLife);

  const shares = y.map((life) => life / lifeCap);
  const sums = new Float64Array(rows.length);
  for (let network = 0; network < networks; network += 1) {
    const predict = fitNetwork(x, shares, networkParams, seed * networks + network);
    predict(rows).forEach((share, at) => {
      sums[at] = (sums[at] as number) + withinLife(share * lifeCap) / networks;
    });
  }
  const ensemble = trees.map((life, at) => treeShare * life + (1 - treeShare) * (sums[at] as number));
  return { ridge, trees, ensemble };
};

const atTheEnd = (engines: readonly Engine[]): { engine: Engine; places: number[] }[] =>
  engines.map((engine) => ({ engine, places: [engine.length - 1] }));

/**
 * Remaining useful life (cycles, at most 125) of each test engine after its last row, engines in the order they first
 * appear. Rows have the 26 columns of the C-MAPSS files; training engines ran to failure. The same seed gives the same
 * numbers; what a test engine gets does not depend on the other test engines.
 */
export const predictRul = ({ train, test, seed }: { train: Rows; test: Rows; seed: number }): number[] =>
  learnAndPredict(enginesOf(train), atTheEnd(enginesOf(test)), seed).ensemble;

const rootMeanSquare = (predicted: readonly number[], truth: readonly number[]): number =>
  Math.sqrt(predicted.reduce((sum, value, at) => sum + (value - (truth[at] as number)) ** 2, 0) / predicted.length);

const folder = join(import.meta.dirname, '../../shared/data/cmapss');
const readRows = (name: string): number[][] =>
  readFileSync(join(folder, name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));

type Line = Record<string, string>;

const lineOf = (
  set: string,
  constant: number,
  { ridge, trees, ensemble }: Learned,
  truth: number[],
  cpu: number,
): Line => ({
  set,
  'constant (mean of training)': rootMeanSquare(
    truth.map(() => constant),
    truth,
  ).toFixed(2),
  ridge: rootMeanSquare(ridge, truth).toFixed(2),
  'our trees': rootMeanSquare(trees, truth).toFixed(2),
  ensemble: rootMeanSquare(ensemble, truth).toFixed(2),
  'CPU, s': cpu.toFixed(0),
});

const meanLife = (engines: readonly Engine[]): number => {
  const life = engines.flatMap((engine) => engine.map((_, place) => lifeLeft(engine, place)));
  return life.reduce((sum, value) => sum + value, 0) / life.length;
};

const cpuSeconds = (): number => process.cpuUsage().user / 1e6;

const testLine = (set: string): Line => {
  const start = cpuSeconds();
  const engines = enginesOf(readRows(`train_${set}.txt`));
  const learned = learnAndPredict(engines, atTheEnd(enginesOf(readRows(`test_${set}.txt`))), 1);
  const cpu = cpuSeconds() - start;
  const truth = readRows(`RUL_${set}.txt`).map(([life = 0]) => Math.min(lifeCap, life));
  return lineOf(set, meanLife(engines), learned, truth, cpu);
};

/** Five folds of training engines; learns from every second cycle to be done in minutes. */
const crossValidationLine = (set: string): Line => {
  const folds = 5;
  const start = cpuSeconds();
  const engines = enginesOf(readRows(`train_${set}.txt`));
  const truth: number[] = [];
  const all: Learned = { ridge: [], trees: [], ensemble: [] };
  for (let fold = 0; fold < folds; fold += 1) {
    const asked = engines
      .filter((_, at) => at % folds === fold)
      .map((engine) => ({
        engine,
        places: [...engine.keys()].filter((place) => {
          const left = engine.length - 1 - place;
          return place >= firstPlace && left >= 5 && left <= 145 && left % 5 === 0;
        }),
      }));
    const learned = learnAndPredict(
      engines.filter((_, at) => at % folds !== fold),
      asked,
      1,
      2,
    );
    for (const way of ['ridge', 'trees', 'ensemble'] as const) all[way].push(...learned[way]);
    truth.push(...asked.flatMap(({ engine, places }) => places.map((place) => lifeLeft(engine, place))));
  }
  return lineOf(`${set}, cross-validated`, meanLife(engines), all, truth, cpuSeconds() - start);
};

/** A line per set: the trivial constant, ridge, our trees and the ensemble; null when the data are not there. */
export const measureCmapss = ({ crossValidate = false } = {}): Line[] | null =>
  existsSync(folder) ? ['FD001', 'FD003'].map(crossValidate ? crossValidationLine : testLine) : null;

if (import.meta.main) {
  const lines = measureCmapss({ crossValidate: process.argv.includes('--cross-validate') });
  if (lines === null) console.log(`C-MAPSS is not at ${folder}: skipped.`);
  else console.table(lines);
}
