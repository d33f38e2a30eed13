/** Calibration: refusals, known answers, and what holds for any scores. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomSource } from '../trees/random.ts';
import { applyCalibration, type Calibration } from './calibration-model.ts';
import { calibrateIsotonic } from './isotonic.ts';
import { calibratePlatt } from './platt.ts';

const fits = [
  ['isotonic', calibrateIsotonic],
  ['platt', calibratePlatt],
] as const;
const must = (result: ReturnType<(typeof fits)[number][1]>): Calibration => {
  if ('kind' in result) throw new Error(`refused: ${result.kind}`);
  return result;
};

describe.each(fits)('%s', (_, fit) => {
  it('refuses one class, too little and what is no number', () => {
    expect(fit({ score: [1, 2], outcome: [0, 0] })).toEqual({ kind: 'no_events' });
    expect(fit({ score: [1, 2], outcome: [1, 1] })).toEqual({ kind: 'insufficient_data', have: 0, need: 1 });
    expect(fit({ score: [1], outcome: [1] })).toEqual({ kind: 'insufficient_data', have: 1, need: 2 });
    expect(fit({ score: [], outcome: [] })).toEqual({ kind: 'insufficient_data', have: 0, need: 2 });
    expect(fit({ score: [1, Number.NaN], outcome: [0, 1] })).toEqual({ kind: 'non_finite', column: 'score' });
  });

  it('throws for lengths that differ, outcomes that are not 0 or 1, and a score that is none', () => {
    expect(() => fit({ score: [1], outcome: [] })).toThrow(RangeError);
    expect(() => fit({ score: [1, 2], outcome: [0, 2] })).toThrow(RangeError);
    const model = must(fit({ score: [1, 2], outcome: [0, 1] }));
    expect(() => applyCalibration(model, Number.NaN)).toThrow(RangeError);
  });

  it('is monotone and within 0–1, for any finite scores, in the same bytes for any order', () => {
    const score = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(1e9, 1e9 + 1, -1e9, 1.7e308, -1.7e308),
    );
    const pairs = fc.array(fc.tuple(score, fc.constantFrom(0, 1)), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(pairs, fc.array(score), (given, others) => {
        const input = { score: given.map(([s]) => s), outcome: given.map(([, o]) => o) };
        const result = fit(input);
        fc.pre(!('kind' in result));
        const model = result as Calibration;
        const reversed = { score: [...input.score].reverse(), outcome: [...input.outcome].reverse() };
        expect(JSON.stringify(fit(reversed))).toBe(JSON.stringify(model));
        expect(JSON.stringify(model)).not.toContain('null');
        const sorted = [...input.score, ...others, -Infinity, Infinity].sort((a, b) => a - b || 0);
        const read = applyCalibration(JSON.parse(JSON.stringify(model)) as Calibration, sorted);
        read.forEach((p, at) => expect(p >= (read[at - 1] ?? 0) && p <= 1).toBe(true));
      }),
      { numRuns: 200 },
    );
  });
});

describe('isotonic', () => {
  it('reads between the smallest and between the largest numbers there are', () => {
    const tiny = must(calibrateIsotonic({ score: [5.4e-323, 0, 6e-323, 1e9], outcome: [1, 0, 0, 1] }));
    expect(applyCalibration(tiny, [0, 5.4e-323, 6e-323, 1e9])).toEqual([0, 0.5, 0.5, 1]);
    const huge = must(calibrateIsotonic({ score: [-1.7e308, 1.7e308], outcome: [0, 1] }));
    expect(applyCalibration(huge, 0)).toBe(0.5);
  });

  it('pools violators and equal scores, keeps both ends of a block, is linear between', () => {
    const model = must(calibrateIsotonic({ score: [1, 2, 3, 4, 5, 5], outcome: [0, 1, 0, 0, 1, 1] }));
    expect(model).toEqual({ method: 'isotonic', scores: [1, 2, 4, 5], probabilities: [0, 1 / 3, 1 / 3, 1] });
    const expected = [0, 1 / 6, 1 / 3, 2 / 3, 1];
    applyCalibration(model, [0, 1.5, 3, 4.5, 9]).forEach((p, at) => expect(p).toBeCloseTo(expected[at] as number, 14));
    expect(applyCalibration(model, 4)).toBe(1 / 3);
  });

  it('has the least squared error of any rising sequence', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1), { minLength: 2, maxLength: 7 }), (outcome) => {
        const score = outcome.map((_, at) => at);
        const model = calibrateIsotonic({ score, outcome });
        fc.pre(!('kind' in model));
        const fitted = applyCalibration(model as Calibration, score);
        // Max-min formula of isotonic regression (Barlow et al. 1972).
        fitted.forEach((p, at) => {
          const best = Math.max(
            ...score.slice(0, at + 1).map((from) =>
              Math.min(
                ...score.slice(at).map((to) => {
                  const block = outcome.slice(from, to + 1);
                  return block.reduce((sum: number, value) => sum + value, 0) / block.length;
                }),
              ),
            ),
          );
          expect(p).toBeCloseTo(best, 12);
        });
      }),
    );
  });
});

describe('weights', () => {
  it('are above 0, one per score, and for isotonic alone', () => {
    const pairs = { score: [1, 2], outcome: [0, 1] };
    expect(() => calibrateIsotonic({ ...pairs, weight: [1] })).toThrow(/same length/);
    for (const wrong of [0, -1, Infinity, Number.NaN]) {
      expect(() => calibrateIsotonic({ ...pairs, weight: [1, wrong] })).toThrow(/above 0/);
    }
    expect(() => calibratePlatt({ ...pairs, weight: [1, 1] })).toThrow(/isotonic/);
  });

  it('count like repeated pairs, in any order', () => {
    const pair = fc.record({
      score: fc.integer({ min: 0, max: 6 }),
      outcome: fc.integer({ min: 0, max: 1 }),
      weight: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(pair, { minLength: 2, maxLength: 12 }), (pairs) => {
        const of = (rows: typeof pairs) => ({
          score: rows.map(({ score }) => score),
          outcome: rows.map(({ outcome }) => outcome),
        });
        const weighted = calibrateIsotonic({ ...of(pairs), weight: pairs.map(({ weight }) => weight) });
        const repeated = calibrateIsotonic(of(pairs.flatMap((row) => Array.from({ length: row.weight }, () => row))));
        expect(weighted).toEqual(repeated);
        const fractions = (rows: typeof pairs) =>
          calibrateIsotonic({ ...of(rows), weight: rows.map(({ weight }) => weight / 3) });
        expect(JSON.stringify(fractions([...pairs].reverse()))).toBe(JSON.stringify(fractions(pairs)));
      }),
    );
  });
});

describe('platt', () => {
  it('recovers the curve the outcomes were drawn from, at any scale of the score', () => {
    const { next } = randomSource(4);
    const score = Array.from({ length: 20_000 }, () => next() * 8 - 4);
    const outcome = score.map((s) => (next() < 1 / (1 + Math.exp(1 - 1.5 * s)) ? 1 : 0));
    const model = must(calibratePlatt({ score, outcome }));
    for (const s of [-3, 0, 0.7, 2]) {
      expect(applyCalibration(model, s)).toBeCloseTo(1 / (1 + Math.exp(1 - 1.5 * s)), 1);
    }
    const moved = must(calibratePlatt({ score: score.map((s) => s * 1e-6 + 1e3), outcome }));
    expect(applyCalibration(moved, 0.7e-6 + 1e3)).toBeCloseTo(applyCalibration(model, 0.7), 6);
  });

  it('meets its likelihood equations: fitted and smoothed outcomes agree in sum', () => {
    const score = [1, 2, 3, 4, 5, 6, 7, 8];
    const outcome = [0, 0, 1, 0, 1, 0, 1, 1];
    const fitted = applyCalibration(must(calibratePlatt({ score, outcome })), score);
    const targets = outcome.map((o) => (o === 1 ? 5 / 6 : 1 / 6));
    const gap = (weight: (at: number) => number): number =>
      fitted.reduce((sum, p, at) => sum + weight(at) * (p - (targets[at] as number)), 0);
    expect(gap(() => 1)).toBeCloseTo(0, 10);
    expect(gap((at) => score[at] as number)).toBeCloseTo(0, 9);
  });

  it('never turns a ranking round, and knows the base rate without one', () => {
    const falling = must(calibratePlatt({ score: [1, 2, 3, 4], outcome: [1, 1, 0, 0] }));
    expect(applyCalibration(falling, [0, 9])).toEqual([0.5, 0.5]);
    const flat = must(calibratePlatt({ score: [2, 2, 2, 2], outcome: [1, 0, 0, 0] }));
    expect(applyCalibration(flat, 2)).toBeCloseTo((2 / 3 + 3 / 5) / 4, 12);
  });
});
