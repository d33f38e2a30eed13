import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SurvivalModel } from '#contracts/scoring-models';
import { forecastSurvival } from '../forecast/forecast.ts';
import { addTrees, layRow } from '../trees/flat-trees.ts';
import { compiledModel } from '../trees/tree-model.ts';
import { attributeHazard } from './attribution.ts';

/** Trees over four columns, grown at random to a depth of three; the period, last, is asked for as well. */
const names = ['a', 'b', 'c', 'd'];
const edges = [
  [1, 2, 3],
  [1, 2, 3],
  [1, 2, 3],
  [1, 2, 3],
  [0, 1],
];
const nodeArbitrary = fc.record({ code: fc.integer({ min: 0, max: 9 }), bin: fc.nat({ max: 2 }) });
const fullTree = fc.tuple(
  fc.array(nodeArbitrary, { minLength: 7, maxLength: 7 }),
  fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }),
);
const modelOf = (trees: [{ code: number; bin: number }[], number[]][], periodEnds: number[]): SurvivalModel => ({
  format: 'survival-1',
  trees: {
    format: 'gradient-trees-1',
    loss: 'hazard',
    names,
    base: -2,
    edges,
    periodEnds,
    importance: [0, 0, 0, 0],
    sizes: trees.map(() => 15),
    nodes: trees.flatMap(([inner]) => [...inner.map(({ code }) => code), ...new Array<number>(8).fill(-1)]),
    values: trees.flatMap(([inner, leaves]) => [
      ...inner.map(({ code, bin }) => (code % 5 === 4 ? Math.min(bin, 1) : bin)),
      ...leaves,
    ]),
  },
  correction: null,
  typical: { days7: 0.01, days30: 0.03, days90: 0.1 },
  reference: [0, 0, 0, 0],
});
const cell = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constant(Number.NaN));
const rowArbitrary = fc.array(cell, { minLength: 4, maxLength: 4 });

const logOdds = (model: SurvivalModel, row: readonly number[], period: number): number => {
  const trees = compiledModel(model.trees);
  const block = new Float64Array(4 * 2 * trees.columns);
  layRow([...row, period], 0, trees.columns, block, 0);
  const sums = new Float64Array(4);
  addTrees(trees, block, 4, sums);
  return (sums[0] as number) + model.trees.base;
};

/** Shapley values by definition: the mean gain of a feature over all 4! orders of joining. */
const byDefinition = (worth: (members: ReadonlySet<number>) => number): number[] => {
  const values = [0, 0, 0, 0];
  const visit = (order: number[]): void => {
    if (order.length === 4) {
      order.forEach((feature, at) => {
        const before = new Set(order.slice(0, at));
        values[feature] = (values[feature] as number) + (worth(new Set([...before, feature])) - worth(before)) / 24;
      });
      return;
    }
    for (let next = 0; next < 4; next += 1) if (!order.includes(next)) visit([...order, next]);
  };
  visit([]);
  return values;
};
const mixed = (x: readonly number[], reference: readonly number[], members: ReadonlySet<number>): number[] =>
  reference.map((value, column) => (members.has(column) ? (x[column] as number) : value));

describe('the hazard’s attribution', () => {
  it('is the Shapley value by definition, in one period', () => {
    fc.assert(
      fc.property(
        fc.array(fullTree, { minLength: 1, maxLength: 4 }),
        rowArbitrary,
        rowArbitrary,
        (trees, x, reference) => {
          const model = modelOf(trees, [40]);
          const expected = byDefinition((members) => logOdds(model, mixed(x, reference, members), 0));
          const found = attributeHazard(model, x, reference, 30);
          found.forEach((value, column) => expect(value).toBeCloseTo(expected[column] as number, 10));
        },
      ),
    );
  });

  it('averages three instants of the horizon by the truck’s own hazard rate in them', () => {
    fc.assert(
      fc.property(
        fc.array(fullTree, { minLength: 1, maxLength: 4 }),
        rowArbitrary,
        rowArbitrary,
        (trees, x, reference) => {
          const model = modelOf(trees, [10, 50, 90]);
          const hazard = (period: number): number => 1 / (1 + Math.exp(-logOdds(model, x, period)));
          // Day 5 lies in the first period of 10 days, days 15 and 25 in the second of 40.
          const weights = [hazard(0) / 10, (2 * hazard(1)) / 40];
          const each = [0, 1].map((period) =>
            byDefinition((members) => logOdds(model, mixed(x, reference, members), period)),
          );
          const found = attributeHazard(model, x, reference, 30);
          found.forEach((value, column) => {
            const sum = weights.reduce((all, weight, at) => all + weight * (each[at]?.[column] as number), 0);
            expect(value).toBeCloseTo(sum / ((weights[0] as number) + (weights[1] as number)), 10);
          });
        },
      ),
    );
  });

  it('sums to the difference of the two log-odds, and is nothing where nothing differs', () => {
    fc.assert(
      fc.property(
        fc.array(fullTree, { minLength: 1, maxLength: 6 }),
        rowArbitrary,
        rowArbitrary,
        (trees, x, reference) => {
          const model = modelOf(trees, [40]);
          const sum = attributeHazard(model, x, reference, 30).reduce((all, value) => all + value, 0);
          expect(sum).toBeCloseTo(logOdds(model, x, 0) - logOdds(model, reference, 0), 10);
          expect(attributeHazard(model, x, x, 30)).toEqual([0, 0, 0, 0]);
        },
      ),
    );
  });

  it('adds the terms of a correction, a missing value counting as its center', () => {
    const model: SurvivalModel = {
      ...modelOf(
        [[new Array(7).fill({ code: 0, bin: 1 }) as { code: number; bin: number }[], new Array<number>(8).fill(0)]],
        [40],
      ),
      correction: {
        names: ['b', 'd'],
        centers: [2, 1],
        scales: [2, 0.5],
        intercept: 3,
        coefficients: [0.4, -0.1],
        standardErrors: [],
        interceptVariance: 1,
        coefficientVariance: 1,
        events: 30,
        expectedEvents: 20,
      },
    };
    const found = attributeHazard(model, [0, 4, 0, Number.NaN], [0, 1, 0, 2], 30);
    expect(found[1]).toBeCloseTo(0.4 * ((4 - 2) / 2 - (1 - 2) / 2), 12);
    expect(found[3]).toBeCloseTo(-0.1 * (0 - (2 - 1) / 0.5), 12);
    const hazard = (row: number[]): number => -Math.log(forecastSurvival(model, [row], [30])[0]?.[0] as number);
    const ratio = hazard([0, 4, 0, Number.NaN]) / hazard([0, 1, 0, 2]);
    expect(found.reduce((all, value) => all + value, 0)).toBeCloseTo(Math.log(ratio), 9);
  });
});
