/** What a fit refuses, what it learns, and how a model travels. */
import { describe, expect, it } from 'vitest';
import { fitGradientTrees } from './fit-gradient-trees.ts';
import { predictSurvival, predictTrees } from './predict.ts';
import { randomSource } from './random.ts';
import type { GradientTreesModel, TreeFitInput, TreeFitParams } from './tree-model.ts';

const params: TreeFitParams = {
  rounds: 60,
  depth: 3,
  learningRate: 0.1,
  minLeaf: 2,
  bins: 64,
  subsample: 1,
  l2: 0,
};
const fit = (input: TreeFitInput): GradientTreesModel => {
  const model = fitGradientTrees(input);
  if ('kind' in model) throw new Error(`refused: ${model.kind}`);
  return model;
};
const squared = (x: number[][], y: number[], over: Partial<TreeFitParams> = {}, seed = 1): TreeFitInput => ({
  x,
  y,
  loss: 'squared',
  names: (x[0] ?? [0]).map((_, at) => `c${at}`),
  params: { ...params, ...over },
  seed,
});
const meanSquare = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, at) => sum + (value - (b[at] ?? 0)) ** 2, 0) / a.length;

/** Friedman's first test function: interactions, a curve, lines, and five columns of noise. */
const friedman = (rows: number, seed: number): { x: number[][]; y: number[] } => {
  const random = randomSource(seed);
  const x = Array.from({ length: rows }, () => Array.from({ length: 10 }, random.next));
  const y = x.map(
    ([a = 0, b = 0, c = 0, d = 0, e = 0]) =>
      10 * Math.sin(Math.PI * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e + random.next() - 0.5,
  );
  return { x, y };
};

describe('mistakes in the call are RangeErrors', () => {
  const x = [[1], [2], [3], [4]];
  const y = [1, 2, 3, 4];
  it.each<[string, Partial<TreeFitInput>]>([
    ['y missing', { y: undefined }],
    ['y too short', { y: [1] }],
    ['ragged x', { x: [[1], [2, 3], [3], [4]] }],
    ['more names than columns', { names: ['a', 'b'] }],
    ['no names', { names: [], x: [[], [], [], []] }],
    ['outcomes that are not 0 or 1', { loss: 'logistic' }],
    ['hazard without time', { loss: 'hazard', event: [1, 1, 0, 0] }],
    ['hazard with negative time', { loss: 'hazard', time: [-1, 2, 3, 4], event: [1, 1, 0, 0] }],
    ['hazard with event 2', { loss: 'hazard', time: [1, 2, 3, 4], event: [1, 2, 0, 0] }],
    ['hazard with entry at time', { loss: 'hazard', time: [1, 2, 3, 4], event: [1, 1, 0, 0], entry: [0, 2, 0, 0] }],
    ['seed of half', { seed: 0.5 }],
    ['no rounds', { params: { ...params, rounds: 0 } }],
    ['depth 0', { params: { ...params, depth: 0 } }],
    ['negative l2', { params: { ...params, l2: -1 } }],
    ['learning rate NaN', { params: { ...params, learningRate: Number.NaN } }],
    ['one bin', { params: { ...params, bins: 1 } }],
    ['256 bins', { params: { ...params, bins: 256 } }],
    ['subsample 0', { params: { ...params, subsample: 0 } }],
    ['monotone too short', { params: { ...params, monotone: [] } }],
    ['early stopping with patience 0', { params: { ...params, earlyStopping: 0 } }],
  ])('%s', (_, over) => {
    expect(() => fitGradientTrees({ ...squared(x, y), ...over })).toThrow(RangeError);
  });

  it('cells that are no numbers', () => {
    const text = JSON.parse('[["1"],["2"],["3"],["4"]]') as number[][];
    expect(() => fitGradientTrees(squared(text, y))).toThrow(RangeError);
    const absent = JSON.parse('[[null],[1],[2],[3]]') as number[][];
    expect(() => fitGradientTrees(squared(absent, y))).toThrow(RangeError);
  });

  it('rows of another width, a model of another kind, times that are none', () => {
    const model = fit(squared(x, y));
    expect(() => predictTrees(model, [[1, 2]])).toThrow(RangeError);
    expect(() => predictSurvival(model, x, [1])).toThrow(RangeError);
    const hazard = fit({ ...squared(x, y), loss: 'hazard', time: [1, 2, 3, 4], event: [1, 1, 1, 1] });
    expect(() => predictSurvival(hazard, x, [Number.NaN])).toThrow(RangeError);
    expect(() => predictSurvival(hazard, x, [-1])).toThrow(RangeError);
  });

  it('a damaged model', () => {
    const model = fit(squared(x, y));
    const damaged: Partial<GradientTreesModel>[] = [
      { sizes: [...model.sizes, 1] },
      { nodes: model.nodes.map(() => -1) },
      { nodes: model.nodes.map((node) => (node === -1 ? -1 : 7)) },
      { values: model.values.map(() => 1e9) },
      { values: model.values.slice(1) },
      { edges: [] },
      { base: Number.NaN },
    ];
    for (const over of damaged) expect(() => predictTrees({ ...model, ...over }, x)).toThrow(RangeError);
  });
});

describe('what data cannot carry is a tag', () => {
  const x = [[1], [2], [3], [4]];
  it.each<[string, Partial<TreeFitInput>, object]>([
    ['one class, zeros', { loss: 'logistic', y: [0, 0, 0, 0] }, { kind: 'no_events' }],
    ['one class, ones', { loss: 'logistic', y: [1, 1, 1, 1] }, { kind: 'insufficient_data', have: 0, need: 1 }],
    ['no events', { loss: 'hazard', time: [1, 2, 3, 4], event: [0, 0, 0, 0] }, { kind: 'no_events' }],
    ['target NaN', { y: [1, 2, Number.NaN, 4] }, { kind: 'non_finite', column: 'y' }],
    ['target infinite', { y: [1, 2, Infinity, 4] }, { kind: 'non_finite', column: 'y' }],
    [
      'time infinite',
      { loss: 'hazard', time: [1, Infinity, 3, 4], event: [1, 0, 0, 0] },
      { kind: 'non_finite', column: 'time' },
    ],
    ['a cell infinite', { x: [[1], [2], [-Infinity], [4]] }, { kind: 'non_finite', column: 'c0' }],
    ['one row', { x: [[1]], y: [1] }, { kind: 'insufficient_data', have: 1, need: 2 }],
    ['no row', { x: [], y: [] }, { kind: 'insufficient_data', have: 0, need: 2 }],
  ])('%s', (_, over, expected) => {
    expect(fitGradientTrees({ ...squared(x, [1, 2, 3, 4]), ...over })).toEqual(expected);
  });
});

describe('learning', () => {
  it('finds interactions and curves that a line misses, on rows it has not seen', () => {
    const train = friedman(1500, 1);
    const test = friedman(500, 2);
    const model = fit(squared(train.x, train.y, { rounds: 150, depth: 4, minLeaf: 5, subsample: 0.7, l2: 1 }));
    // Variance of y is about 24; the noise alone is 1/12.
    expect(meanSquare(predictTrees(model, test.x), test.y)).toBeLessThan(1);
    expect(model.importance.slice(0, 5).reduce((sum, share) => sum + share, 0)).toBeGreaterThan(0.97);
  });

  it('one tree without shrinkage is the least-squares tree', () => {
    const x = [[1], [2], [3], [4]];
    const model = fit(squared(x, [1, 1, 5, 7], { rounds: 1, depth: 1, learningRate: 1, minLeaf: 1 }));
    expect(predictTrees(model, [[0], [2], [2.5], [9]])).toEqual([1, 1, 6, 6]);
  });

  it('l2 shrinks a leaf by n / (n + l2)', () => {
    const model = fit(squared([[1], [2]], [-1, 1], { rounds: 1, depth: 1, learningRate: 1, minLeaf: 1, l2: 3 }));
    expect(predictTrees(model, [[1], [2]])).toEqual([-0.25, 0.25]);
  });

  it('a leaf holds at least minLeaf rows', () => {
    const model = fit(
      squared([[1], [2], [3], [4], [5]], [9, 0, 0, 0, 0], { rounds: 1, depth: 2, minLeaf: 2, learningRate: 1 }),
    );
    expect(predictTrees(model, [[1], [5]])).toEqual([4.5, 0]);
  });

  it('learns the direction of missing values, per split', () => {
    const x = [[Number.NaN], [Number.NaN], [1], [2], [3], [4]];
    const high = fit(squared(x, [9, 9, 0, 0, 9, 9], { rounds: 1, depth: 1, learningRate: 1 }));
    expect(predictTrees(high, [[Number.NaN], [1], [4]])).toEqual([9, 0, 9]);
    const low = fit(squared(x, [0, 0, 0, 0, 9, 9], { rounds: 1, depth: 1, learningRate: 1 }));
    expect(predictTrees(low, [[Number.NaN], [1], [4]])).toEqual([0, 0, 9]);
    const own = fit(squared(x, [9, 9, 0, 0, 0, 0], { rounds: 1, depth: 1, learningRate: 1 }));
    // Larger than anything seen is still not missing.
    expect(predictTrees(own, [[Number.NaN], [1e300], [Infinity], [-Infinity]])).toEqual([9, 0, 0, 0]);
  });

  it('gives probabilities that fit, and finite ones where classes separate', () => {
    const random = randomSource(3);
    const x = Array.from({ length: 4000 }, () => [random.next()]);
    const y = x.map(([a = 0]) => (random.next() < (a > 0.5 ? 0.8 : 0.1) ? 1 : 0));
    const model = fit({ ...squared(x, y, { depth: 1, minLeaf: 50, rounds: 80 }), loss: 'logistic' });
    const [low = 0, high = 0] = predictTrees(model, [[0.2], [0.8]]);
    expect(low).toBeCloseTo(0.1, 1);
    expect(high).toBeCloseTo(0.8, 1);
    const apart = fit({ ...squared([[0], [0], [1], [1]], [0, 0, 1, 1], { rounds: 500 }), loss: 'logistic' });
    for (const p of predictTrees(apart, [[0], [1]])) expect(p > 0 && p < 1).toBe(true);
  });
});

describe('early stopping', () => {
  it('stops where noise begins and keeps the best round', () => {
    const random = randomSource(5);
    const x = Array.from({ length: 400 }, () => [random.next(), random.next()]);
    const y = x.map(() => random.next());
    const stopped = fit(squared(x, y, { rounds: 300, earlyStopping: { patience: 10, fraction: 0.3 } }));
    expect(stopped.sizes.length).toBeLessThan(30);
    const train = friedman(800, 1);
    const useful = fit(squared(train.x, train.y, { rounds: 200, earlyStopping: 10 }));
    expect(useful.sizes.length).toBeGreaterThan(60);
  });

  it('is seeded: the same seed holds out the same rows, another seed others', () => {
    const { x, y } = friedman(300, 4);
    const run = (seed: number): string => JSON.stringify(fit(squared(x, y, { earlyStopping: 5 }, seed)));
    expect(run(1)).toBe(run(1));
    expect(run(1)).not.toBe(run(2));
  });
});

describe('the artefact', () => {
  it('is compact JSON that predicts the same after a round trip', () => {
    const { x, y } = friedman(2000, 6);
    const model = fit(squared(x, y, { rounds: 100, depth: 6, bins: 255 }));
    const text = JSON.stringify(model);
    // A node of two numbers and its share of the edges; doubles alone would take 40.
    expect(text.length / model.nodes.length).toBeLessThan(25);
    const again = JSON.parse(text) as GradientTreesModel;
    expect(predictTrees(again, x.slice(0, 50))).toEqual(predictTrees(model, x.slice(0, 50)));
  });
});
