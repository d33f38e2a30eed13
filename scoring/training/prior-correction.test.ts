/** The correction of the prior: honest shrinkage, shown by simulation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PriorCorrection } from '#contracts/scoring-models';
import { randomSource } from '../trees/random.ts';
import { simulateTenant } from './fixtures/simulated-tenant.ts';
import { lifetimesBetween, readLandmarks } from './landmarks.ts';
import { fitPriorCorrection, type CorrectionInput } from './prior-correction.ts';

const fit = (input: CorrectionInput): PriorCorrection => {
  const answer = fitPriorCorrection(input);
  if ('kind' in answer) throw new Error(JSON.stringify(answer));
  return answer;
};
const bare = (cumulativeHazard: number[], event: number[]): CorrectionInput => ({
  cumulativeHazard,
  event,
  x: event.map(() => []),
  names: [],
});

/** Independent rows whose failures come `factor` times as often as the prior says, more with the feature `a`. */
const independent = (seed: number, rows: number, factor: number, slope = 0): CorrectionInput => {
  const random = randomSource(seed);
  const input = { cumulativeHazard: [] as number[], event: [] as number[], x: [] as number[][], names: ['a', 'b'] };
  for (let row = 0; row < rows; row += 1) {
    const a = 2 * random.next() - 1;
    const sight = 0.02 + 0.3 * random.next();
    const failsAt = -Math.log(1 - random.next()) / (factor * Math.exp(slope * a * Math.sqrt(3)));
    input.event.push(failsAt <= sight ? 1 : 0);
    input.cumulativeHazard.push(Math.min(sight, failsAt));
    input.x.push([a * 10 + 40, random.next()]);
  }
  return input;
};

describe('what is refused', () => {
  it('no rows, no failures, hazards that are no numbers, infinite features', () => {
    expect(fitPriorCorrection(bare([], []))).toEqual({ kind: 'insufficient_data', have: 0, need: 1 });
    expect(fitPriorCorrection(bare([1, 2], [0, 0]))).toMatchObject({ kind: 'no_events' });
    expect(fitPriorCorrection(bare([1, Number.NaN], [0, 1]))).toEqual({
      kind: 'non_finite',
      column: 'cumulativeHazard',
    });
    expect(fitPriorCorrection({ ...bare([1], [1]), x: [[Infinity]], names: ['a'] })).toEqual({
      kind: 'non_finite',
      column: 'a',
    });
  });

  it('throws for mistakes of the caller', () => {
    expect(() => fitPriorCorrection(bare([1], [0, 1]))).toThrow(/same length/);
    expect(() => fitPriorCorrection(bare([-1, 1], [0, 1]))).toThrow(/negative/);
    expect(() => fitPriorCorrection(bare([1, 1], [0, 2]))).toThrow(/0 and 1/);
    expect(() => fitPriorCorrection({ ...bare([1], [1]), x: [[1, 2]], names: ['a'] })).toThrow(/columns/);
    expect(() => fitPriorCorrection({ ...bare([1], [1]), vehicle: [] })).toThrow(/vehicle/);
    expect(() => fitPriorCorrection({ ...bare([1], [1]), failure: [] })).toThrow(/failure/);
  });
});

describe('shrinkage', () => {
  it('leaves the prior nearly as it is for a handful of failures', () => {
    // Two failures where one was expected: nobody should conclude a factor of two.
    const { intercept, standardErrors } = fit(bare([0.25, 0.25, 0.25, 0.25], [1, 1, 0, 0]));
    expect(intercept).toBeGreaterThan(0);
    expect(intercept).toBeLessThan(0.25);
    expect(standardErrors[0]).toBeGreaterThan(0.01);
  });

  it('approaches the tenant’s own rate as failures come in', () => {
    const wanted = Math.log(3);
    const errors = [30, 300, 2000, 8000].map((rows) => Math.abs(fit(independent(4, rows, 3)).intercept - wanted));
    expect(errors[3]).toBeLessThan(0.08);
    expect(errors[2]).toBeLessThan(0.2);
    expect(errors[0]).toBeGreaterThan(errors[3] as number);
    const different = fit(independent(4, 2000, 3));
    const alike = fit(independent(4, 2000, 1));
    expect(different.interceptVariance).toBeGreaterThan(2 * alike.interceptVariance);
    expect(Math.abs(alike.intercept)).toBeLessThan(0.12);
  });

  it('finds the feature that matters and leaves the other alone', () => {
    const input = independent(9, 5000, 0.6, 0.5);
    const found = fit(input);
    expect(found.names).toEqual(['a', 'b']);
    const [errorOfIntercept = 0, errorOfA = 0] = found.standardErrors;
    expect(Math.abs(found.intercept - Math.log(0.6))).toBeLessThan(2.5 * errorOfIntercept);
    expect(Math.abs((found.coefficients[0] as number) - 0.5)).toBeLessThan(2.5 * errorOfA);
    expect(errorOfIntercept).toBeLessThan(0.06);
    expect(Math.abs(found.coefficients[1] as number)).toBeLessThan(0.1);
    expect(found.centers[0]).toBeCloseTo(40, 0);
    expect(found.events).toBe(input.event.filter((event) => event === 1).length);
    expect(found.expectedEvents).toBeCloseTo(
      input.cumulativeHazard.reduce((sum, value) => sum + value, 0),
      6,
    );
  });

  it('does not chase features in noise: coefficients stay within what chance explains', () => {
    const random = randomSource(2);
    const input = independent(12, 400, 1);
    const wide = {
      ...input,
      x: input.event.map(() => Array.from({ length: 12 }, random.next)),
      names: [...'abcdefghijkl'],
    };
    const { coefficients, coefficientVariance } = fit(wide);
    expect(Math.max(...coefficients.map(Math.abs))).toBeLessThan(0.12);
    expect(coefficientVariance).toBeLessThan(0.02);
  });
});

describe('honesty', () => {
  /** Weekly landmarks of a fleet of which the prior knows everything but the rate and the trucks' own ways. */
  const fleet = (seed: number, factor: number, frailty: number, trucks = 40): CorrectionInput => {
    const input = simulateTenant({
      seed,
      trucks,
      days: 200,
      rate: 0.012 * factor,
      faultFactor: 1,
      ageEffect: 0,
      frailty,
    });
    const landmarks = readLandmarks(
      input,
      input.landmarks.map((_, place) => place),
    );
    if ('kind' in landmarks) throw new Error(landmarks.kind);
    const rows = lifetimesBetween(landmarks, 0, Date.parse(input.until));
    return {
      ...bare(
        rows.time.map((time) => 0.012 * time),
        rows.event,
      ),
      vehicle: rows.vehicleIds,
      failure: rows.failure,
    };
  };
  /** What the same fleet would settle at with thousands of trucks. */
  const limitOf = (factor: number, frailty: number): number => {
    const { cumulativeHazard, event } = fleet(1, factor, frailty, 1500);
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    return Math.log(sum(event) / sum(cumulativeHazard));
  };

  it.each([
    [1, 0],
    [1, 0.7],
    [2, 0.5],
    [0.5, 0],
  ])('its intervals hold the truth: rate × %d, trucks differing by %d', (factor, frailty) => {
    const wanted = limitOf(factor, frailty);
    let inside = 0;
    let naive = 0;
    const fleets = 40;
    for (let seed = 0; seed < fleets; seed += 1) {
      const input = fleet(seed + 1000, factor, frailty);
      const { intercept, standardErrors } = fit(input);
      if (Math.abs(intercept - wanted) <= 2 * (standardErrors[0] as number)) inside += 1;
      const counted = fit(bare([...input.cumulativeHazard], [...input.event]));
      if (Math.abs(counted.intercept - wanted) <= 2 * (counted.standardErrors[0] as number)) naive += 1;
    }
    // 95 % nominal; counting every landmark in full would claim far too much.
    expect(inside).toBeGreaterThanOrEqual(0.88 * fleets);
    expect(naive).toBeLessThan(0.8 * fleets);
  });

  it('does not let overlapping landmarks bias the rate', () => {
    const ratios = Array.from({ length: 20 }, (_, seed) => {
      const { events, expectedEvents } = fit(fleet(seed + 500, 1, 0));
      return Math.log(events / expectedEvents);
    });
    const mean = ratios.reduce((sum, value) => sum + value / ratios.length, 0);
    expect(Math.abs(mean)).toBeLessThan(0.06);
  });

  it('says no more for more landmarks of the same failures', () => {
    const often = simulateTenant({ seed: 8, trucks: 40, days: 200, everyDays: 1, faultFactor: 1, ageEffect: 0 });
    const errorWith = (keep: (place: number) => boolean): number => {
      const landmarks = readLandmarks(often, often.landmarks.map((_, place) => place).filter(keep));
      if ('kind' in landmarks) throw new Error(landmarks.kind);
      const rows = lifetimesBetween(landmarks, 0, Date.parse(often.until));
      const hazards = bare(
        rows.time.map((time) => 0.02 * time),
        rows.event,
      );
      return fit({ ...hazards, vehicle: rows.vehicleIds, failure: rows.failure }).standardErrors[0] as number;
    };
    const daily = errorWith(() => true);
    const weekly = errorWith((place) => place % 7 === 0);
    expect(daily / weekly).toBeGreaterThan(0.8);
    expect(daily / weekly).toBeLessThan(1.25);
  });
});

describe('form', () => {
  it('leaves out features that are rarely known or never differ, and takes none at all', () => {
    const input = independent(1, 200, 1);
    const x = input.event.map((_, row) => [3, row % 10 === 0 ? row : Number.NaN, row % 3]);
    expect(fit({ ...input, x, names: ['same', 'rare', 'third'] }).names).toEqual(['third']);
    expect(fit(bare([...input.cumulativeHazard], [...input.event]))).toMatchObject({ names: [], coefficients: [] });
  });

  it('does not depend on the units of a feature, nor on the order of the rows', () => {
    const input = independent(3, 120, 1.5, 0.4);
    const known = fit(input);
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...input.event.keys()], { minLength: 120 }),
        fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        fc.double({ min: -1e3, max: 1e3, noNaN: true }),
        (order, unit, offset) => {
          const pick = <T>(values: readonly T[]): T[] => order.map((row) => values[row] as T);
          const moved = fit({
            ...input,
            cumulativeHazard: pick(input.cumulativeHazard),
            event: pick(input.event),
            x: pick(input.x).map(([a = 0, b = 0]) => [a * unit + offset, b]),
          });
          expect(moved.intercept).toBeCloseTo(known.intercept, 6);
          expect(moved.coefficients[0]).toBeCloseTo(known.coefficients[0] as number, 6);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('never answers with what is no number', () => {
    const cell = fc.oneof(fc.double({ min: -1e12, max: 1e12, noNaN: true }), fc.constant(Number.NaN));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.integer({ min: 0, max: 1 }), cell, cell), {
          maxLength: 30,
        }),
        (rows) => {
          const answer = fitPriorCorrection({
            cumulativeHazard: rows.map(([hazard]) => hazard),
            event: rows.map(([, event]) => event),
            x: rows.map(([, , a, b]) => [a, b]),
            names: ['a', 'b'],
            vehicle: rows.map((_, row) => String(row % 3)),
          });
          if ('kind' in answer) expect(['insufficient_data', 'no_events', 'no_convergence']).toContain(answer.kind);
          else expect(JSON.stringify(answer)).not.toContain('null');
        },
      ),
      { numRuns: 60 },
    );
  });
});
