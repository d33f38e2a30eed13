/** The promises of the trees, held against random data. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitGradientTrees } from './fit-gradient-trees.ts';
import { predictSurvival, predictTrees } from './predict.ts';
import type { GradientTreesModel, TreeFitInput, TreeFitParams } from './tree-model.ts';

const runs = { numRuns: 60 };
const columns = 3;
/** Small whole numbers tie often; missing, huge and tiny values are in. */
const cell = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -4, max: 4 }) },
  { weight: 3, arbitrary: fc.double({ min: -1e9, max: 1e9, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, 1e9, -1e9, 1e308, -1e308, 5e-324, -0) },
);
const rowArbitrary = fc.array(cell, { minLength: columns, maxLength: columns });
const dataArbitrary = (minLength: number) =>
  fc.array(fc.tuple(rowArbitrary, fc.integer({ min: -5, max: 5 }), fc.integer({ min: 1, max: 9 })), {
    minLength,
    maxLength: 40,
  });
const paramsArbitrary: fc.Arbitrary<TreeFitParams> = fc.record({
  rounds: fc.integer({ min: 1, max: 12 }),
  depth: fc.integer({ min: 1, max: 5 }),
  learningRate: fc.constantFrom(0.1, 0.5, 1),
  minLeaf: fc.integer({ min: 1, max: 4 }),
  bins: fc.constantFrom(2, 5, 16, 255),
  subsample: fc.constantFrom(0.5, 1),
  l2: fc.constantFrom(0, 1),
  columnSample: fc.constantFrom(0.5, 1),
  earlyStopping: fc.constantFrom(undefined, 3),
});
const lossArbitrary = fc.constantFrom('squared' as const, 'logistic' as const, 'hazard' as const);
type Data = (readonly [number[], number, number])[];

const inputOf = (data: Data, loss: TreeFitInput['loss'], params: TreeFitParams, seed = 7): TreeFitInput => ({
  x: data.map(([row]) => row),
  y: data.map(([, y]) => (loss === 'squared' ? y : Number(y > 0))),
  time: data.map(([, , time]) => time),
  event: data.map(([, y]) => Number(y > 0)),
  loss,
  names: ['a', 'b', 'c'],
  params,
  seed,
});
const fitOrSkip = (input: TreeFitInput): GradientTreesModel => {
  const model = fitGradientTrees(input);
  fc.pre(!('kind' in model));
  return model as GradientTreesModel;
};

describe('gradient-boosted trees', () => {
  it('give the same bytes on a rerun and for any order of the rows', () => {
    fc.assert(
      fc.property(dataArbitrary(2), lossArbitrary, paramsArbitrary, fc.integer(), (data, loss, params, seed) => {
        const first = JSON.stringify(fitGradientTrees(inputOf(data, loss, params, seed)));
        expect(JSON.stringify(fitGradientTrees(inputOf(data, loss, params, seed)))).toBe(first);
        expect(JSON.stringify(fitGradientTrees(inputOf([...data].reverse(), loss, params, seed)))).toBe(first);
        const half = Math.floor(data.length / 2);
        const cut = [...data.slice(half), ...data.slice(0, half)];
        expect(JSON.stringify(fitGradientTrees(inputOf(cut, loss, params, seed)))).toBe(first);
      }),
      runs,
    );
  });

  it('predict the same for strictly increasing changes of a column, also for rows not seen', () => {
    const steps = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: columns, maxLength: columns });
    const wide = fc.array(fc.tuple(steps, fc.integer({ min: -5, max: 5 }), fc.integer({ min: 1, max: 9 })), {
      minLength: 2,
      maxLength: 40,
    });
    const change = ([a = 0, b = 0, c = 0]: number[]): number[] => [a ** 3, Math.exp(b / 10), c * 1e6 - 1e9];
    fc.assert(
      fc.property(wide, fc.array(steps), lossArbitrary, paramsArbitrary, (data, unseen, loss, params) => {
        const model = fitOrSkip(inputOf(data, loss, params));
        const changed = fitOrSkip(
          inputOf(
            data.map(([row, y, time]) => [change(row), y, time] as const),
            loss,
            params,
          ),
        );
        expect(predictTrees(changed, unseen.map(change))).toEqual(predictTrees(model, unseen));
      }),
      runs,
    );
  });

  it('hold monotone constraints exactly', () => {
    fc.assert(
      fc.property(
        dataArbitrary(10),
        lossArbitrary,
        paramsArbitrary,
        fc.constantFrom([1, -1, 0] as const, [1, 1, 1] as const, [0, -1, -1] as const),
        fc.array(fc.tuple(rowArbitrary, cell), { minLength: 5, maxLength: 20 }),
        (data, loss, params, monotone, pairs) => {
          const model = fitOrSkip(inputOf(data, loss, { ...params, monotone }));
          for (const [row, other] of pairs) {
            monotone.forEach((sign, column) => {
              const value = row[column] as number;
              if (sign === 0 || Number.isNaN(other) || Number.isNaN(value)) return;
              const low = row.map((kept, at) => (at === column ? Math.min(value, other) : kept));
              const high = row.map((kept, at) => (at === column ? Math.max(value, other) : kept));
              const [below = 0, above = 0] = predictTrees(model, [low, high]);
              expect(sign * (above - below)).toBeGreaterThanOrEqual(0);
              if (loss !== 'hazard') return;
              const [lowCurve = [], highCurve = []] = predictSurvival(model, [low, high], [1, 3.5, 9]);
              lowCurve.forEach((survival, at) => {
                expect(sign * (survival - (highCurve[at] as number))).toBeGreaterThanOrEqual(0);
              });
            });
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('answer finite numbers for any finite input, and stay within the targets without shrinkage gone wrong', () => {
    const huge = fc.constantFrom(1e308, -1e308, 1e9, 0, -1e9, 5e-324, 1);
    fc.assert(
      fc.property(
        dataArbitrary(2),
        fc.array(huge, { minLength: 40, maxLength: 40 }),
        lossArbitrary,
        paramsArbitrary,
        (data, targets, loss, params) => {
          const input = inputOf(data, loss, params);
          const y = data.map((_, at) => targets[at] as number);
          const model = fitOrSkip(loss === 'squared' ? { ...input, y } : input);
          const predicted = predictTrees(model, [...input.x, [0, 0, 0], [1e308, -1e308, Number.NaN]]);
          expect(predicted.every(Number.isFinite)).toBe(true);
          expect(JSON.stringify(model)).not.toContain('null');
          if (loss === 'logistic') expect(predicted.every((p) => p >= 0 && p <= 1)).toBe(true);
        },
      ),
      runs,
    );
  });

  it('learn nothing from constant columns and take duplicated rows', () => {
    fc.assert(
      fc.property(dataArbitrary(4), lossArbitrary, paramsArbitrary, (data, loss, params) => {
        const constant = data.map(([, y, time]) => [[1e9, Number.NaN, 0], y, time] as [number[], number, number]);
        const model = fitOrSkip(inputOf(constant, loss, params));
        expect(model.importance.slice(0, columns)).toEqual([0, 0, 0]);
        const twice = fitOrSkip(inputOf([...data, ...data], loss, params));
        expect(predictTrees(twice, [[0, 0, 0]]).every(Number.isFinite)).toBe(true);
      }),
      runs,
    );
  });

  it('score a row the same whatever stands beside it', () => {
    fc.assert(
      fc.property(
        dataArbitrary(8),
        fc.array(rowArbitrary, { maxLength: 150 }),
        paramsArbitrary,
        (data, rows, params) => {
          const model = fitOrSkip(inputOf(data, 'squared', params));
          const together = predictTrees(model, rows);
          expect(rows.map((row) => predictTrees(model, [row])[0])).toEqual(together);
        },
      ),
      runs,
    );
  });
});
