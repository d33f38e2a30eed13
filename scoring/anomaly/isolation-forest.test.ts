/** Isolation forest: refusals, the formula, and what it must find. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomSource } from '../trees/random.ts';
import { anomalyScore, fitIsolationForest, meanPathLength, type IsolationForestModel } from './isolation-forest.ts';

const fit = (x: number[][], trees = 50, sampleSize = 256, seed = 1): IsolationForestModel => {
  const model = fitIsolationForest({ x, trees, sampleSize, seed });
  if ('kind' in model) throw new Error(`refused: ${model.kind}`);
  return model;
};
/** About normal: a sum of twelve uniforms. */
const cloud = (rows: number, columns: number, seed: number): number[][] => {
  const { next } = randomSource(seed);
  const normal = (): number => Array.from({ length: 12 }, next).reduce((sum, u) => sum + u, -6);
  return Array.from({ length: rows }, () => Array.from({ length: columns }, normal));
};

describe('refusals and mistakes', () => {
  it('tags what data cannot carry', () => {
    const given = { trees: 10, sampleSize: 8, seed: 1 };
    expect(fitIsolationForest({ x: [], ...given })).toEqual({ kind: 'insufficient_data', have: 0, need: 2 });
    expect(fitIsolationForest({ x: [[1, 2]], ...given })).toEqual({ kind: 'insufficient_data', have: 1, need: 2 });
    expect(fitIsolationForest({ x: [[1], [Infinity]], ...given })).toEqual({ kind: 'non_finite', column: '0' });
  });

  it('throws RangeErrors for mistakes in the call', () => {
    const given = { x: [[1], [2]], trees: 10, sampleSize: 8, seed: 1 };
    expect(() => fitIsolationForest({ ...given, trees: 0 })).toThrow(RangeError);
    expect(() => fitIsolationForest({ ...given, sampleSize: 1 })).toThrow(RangeError);
    expect(() => fitIsolationForest({ ...given, seed: Number.NaN })).toThrow(RangeError);
    expect(() => fitIsolationForest({ ...given, x: [[1], [2, 3]] })).toThrow(RangeError);
    expect(() => fitIsolationForest({ ...given, x: [[], []] })).toThrow(RangeError);
    const model = fit(given.x);
    expect(() => anomalyScore(model, [[1, 2]])).toThrow(RangeError);
    expect(() => anomalyScore({ ...model, sizes: [] }, [[1]])).toThrow(RangeError);
  });
});

describe('the formula', () => {
  it('c(n) is the mean depth of an unsuccessful search', () => {
    expect([0, 1, 2].map(meanPathLength)).toEqual([0, 0, 1]);
    expect(meanPathLength(256)).toBeCloseTo(10.2448, 4);
  });

  it('scores 2^(−h/c): two different rows lie at depth 1 = c(2), so both score one half', () => {
    expect(anomalyScore(fit([[0], [1]]), [[0], [1]])).toEqual([0.5, 0.5]);
  });

  it('equal rows cannot be told apart: one half', () => {
    const x = Array.from({ length: 20 }, () => [3, 3]);
    expect(anomalyScore(fit(x), [[3, 3]])[0]).toBeCloseTo(0.5, 12);
  });
});

describe('finding', () => {
  it('ranks rows far out above the cloud, and rows odd only in combination above its middle', () => {
    const x = cloud(600, 3, 2).map(([a = 0, b = 0, c = 0]) => [a, a + b * 0.1, c]);
    const model = fit(x, 200);
    const [far = 0, joint = 0, middle = 1] = anomalyScore(model, [
      [8, 8, 8],
      [1.5, -1.5, 0],
      [0, 0, 0],
    ]);
    expect(far).toBeGreaterThan(0.7);
    expect(joint).toBeGreaterThan(middle + 0.1);
    expect(middle).toBeLessThan(0.5);
  });

  it('takes missing values without calling them odd', () => {
    const x = cloud(400, 3, 3).map((row, at) => (at % 4 === 0 ? [Number.NaN, ...row.slice(1)] : row));
    const [missing = 1] = anomalyScore(fit(x, 100), [[Number.NaN, 0, 0]]);
    expect(missing).toBeLessThan(0.55);
  });
});

describe('promises', () => {
  const value = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.double({ min: -1e308, max: 1e308, noNaN: true }),
    fc.constantFrom(1e9, Number.NaN, 5e-324, 1.7e308, -1.7e308),
  );
  const rows = fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 40 });

  it('scores in 0–1 for any input, the same bytes for any order of the rows and after a trip through JSON', () => {
    fc.assert(
      fc.property(rows, fc.integer(), fc.integer({ min: 2, max: 50 }), (x, seed, sampleSize) => {
        const data = x.map((row) => [...row]);
        const model = fit(data, 10, sampleSize, seed);
        const text = JSON.stringify(model);
        expect(JSON.stringify(fit([...data].reverse(), 10, sampleSize, seed))).toBe(text);
        const scores = anomalyScore(model, data);
        expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true);
        expect(anomalyScore(JSON.parse(text) as IsolationForestModel, data)).toEqual(scores);
      }),
      { numRuns: 100 },
    );
  });

  it('does not depend on scale and place beyond the rounding of thresholds', () => {
    const x = cloud(200, 2, 5);
    const moved = x.map(([a = 0, b = 0]) => [a * 1024 + 4096, b / 1024]);
    const before = anomalyScore(fit(x, 100), x);
    anomalyScore(fit(moved, 100), moved).forEach((score, at) => expect(score).toBeCloseTo(before[at] ?? -1, 1));
  });
});
