/** Smaller trees that say the same. */
import { describe, expect, it } from 'vitest';
import { hazardTreesSchema } from '#contracts/scoring-models';
import { fitGradientTrees } from '../trees/fit-gradient-trees.ts';
import { predictSurvival } from '../trees/predict.ts';
import { randomSource } from '../trees/random.ts';
import type { GradientTreesModel } from '../trees/tree-model.ts';
import { compactTrees } from './compact-trees.ts';

const random = randomSource(4);
const x = Array.from({ length: 800 }, (_, row) => [
  row % 7 === 0 ? Number.NaN : random.next() * 1e6,
  Math.floor(random.next() * 9) / 3,
  -random.next() / 1e6,
]);
const time = x.map(([, thirds = 0]) => (-Math.log(1 - random.next()) * 40) / (1 + thirds));
const event = time.map(() => (random.next() < 0.8 ? 1 : 0));
const model = fitGradientTrees({
  x,
  time,
  event,
  loss: 'hazard',
  names: ['large', 'thirds', 'small'],
  params: { rounds: 25, depth: 4, learningRate: 0.2, minLeaf: 20, bins: 200, subsample: 1, l2: 1, periods: 6 },
  seed: 1,
}) as GradientTreesModel;
const times = [1, 7, 30, 90];

describe('compactTrees', () => {
  it('refuses trees that are not of hazards', () => {
    expect(() => compactTrees({ ...model, loss: 'squared' })).toThrow(RangeError);
  });

  it('predicts the same to four digits, on the rows of the fit and beside every edge', () => {
    const compact = compactTrees(model);
    const whole = predictSurvival(model, x, times);
    predictSurvival(compact, x, times).forEach((row, at) =>
      row.forEach((value, place) => expect(value).toBeCloseTo((whole[at] as number[])[place] as number, 4)),
    );
  });

  it('is a stored model and far smaller', () => {
    const compact = compactTrees(model);
    expect(hazardTreesSchema.parse(compact)).toEqual(compact);
    expect(JSON.stringify(compact).length).toBeLessThan(0.5 * JSON.stringify(model).length);
  });

  it('keeps as many trees as asked', () => {
    const short = compactTrees(model, 5);
    expect(short.sizes).toEqual(model.sizes.slice(0, 5));
    const nodes = short.sizes.reduce((sum, size) => sum + size, 0);
    const cut = {
      ...model,
      sizes: short.sizes,
      nodes: model.nodes.slice(0, nodes),
      values: model.values.slice(0, nodes),
    };
    const whole = predictSurvival(cut, x.slice(0, 50), times);
    predictSurvival(short, x.slice(0, 50), times).forEach((row, at) =>
      row.forEach((value, place) => expect(value).toBeCloseTo((whole[at] as number[])[place] as number, 4)),
    );
  });

  it('changes nothing when it has done its work already', () => {
    const once = compactTrees(model);
    expect(compactTrees(once)).toEqual(once);
  });
});
