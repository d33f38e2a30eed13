/** Drift, robust z-scores and fault-rate surprise. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cusum, ewma, type Cusum } from './drift.ts';
import { faultRateSurprise, fitFaultRatePrior } from './fault-rate.ts';
import { logGamma, negativeBinomialTail } from './negative-binomial.ts';
import { robustZ } from './robust-z.ts';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const unit = { target: 0, slack: 0.5, threshold: 2 };

describe('ewma', () => {
  it('refuses what is no number and a share outside (0, 1]', () => {
    expect(ewma([1, Number.NaN], 0.5)).toEqual({ kind: 'non_finite', column: 'values' });
    for (const alpha of [0, -1, 1.1, Number.NaN]) expect(() => ewma([1], alpha)).toThrow(RangeError);
  });

  it('starts at the first value and weighs each new one by alpha', () => {
    expect(ewma([], 0.5)).toEqual([]);
    expect(ewma([4, 8, 0], 0.5)).toEqual([4, 6, 3]);
    expect(ewma([4, 8], 1)).toEqual([4, 8]);
    expect(ewma([0.1, 0.1, 0.1], 0.3)).toEqual([0.1, 0.1, 0.1]);
  });

  it('stays finite and within what was seen', () => {
    fc.assert(
      fc.property(
        fc.array(finite, { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, alpha) => {
          const averages = ewma(values, alpha) as number[];
          const size = Math.max(...values.map(Math.abs));
          expect(averages.every((average) => Math.abs(average) <= size * (1 + 1e-12))).toBe(true);
        },
      ),
    );
  });
});

describe('cusum', () => {
  it('refuses what is no number and limits that are none', () => {
    expect(cusum({ values: [Infinity], ...unit })).toEqual({ kind: 'non_finite', column: 'values' });
    expect(() => cusum({ values: [], ...unit, slack: -1 })).toThrow(RangeError);
    expect(() => cusum({ values: [], ...unit, threshold: 0 })).toThrow(RangeError);
    expect(() => cusum({ values: [], ...unit, target: Number.NaN })).toThrow(RangeError);
  });

  it('sums above and below, alarms past the threshold, and starts again', () => {
    expect(cusum({ values: [1, 1, 2, 1, -3], ...unit })).toEqual({
      up: [0.5, 1, 2.5, 0.5, 0],
      down: [0, 0, 0, 0, 2.5],
      alarms: [2, 4],
    });
    expect(cusum({ values: [2.5], ...unit })).toEqual({ up: [2], down: [0], alarms: [] });
  });

  it('finds a small lasting shift that no single value shows', () => {
    const values = Array.from({ length: 60 }, (_, at) => (at < 30 ? 0 : 1) + (at % 2 === 0 ? 0.4 : -0.4));
    const { alarms } = cusum({ values, target: 0, slack: 0.5, threshold: 4 }) as Cusum;
    expect(alarms[0]).toBeGreaterThan(30);
    expect(alarms[0]).toBeLessThan(42);
  });

  it('stays finite for any finite values', () => {
    fc.assert(
      fc.property(fc.array(finite), (values) => {
        const { up, down } = cusum({ values, target: 1e9, slack: 0, threshold: 1e300 }) as Cusum;
        expect([...up, ...down].every((sum) => Number.isFinite(sum) && sum >= 0)).toBe(true);
      }),
    );
  });
});

describe('robustZ', () => {
  it('refuses where the middle half does not vary, and what is no number', () => {
    expect(robustZ([5, 5, 5, 5, 100])).toEqual({ kind: 'constant_column', column: 'values' });
    expect(robustZ([1, Number.NaN])).toEqual({ kind: 'non_finite', column: 'values' });
  });

  it('is 0 where nothing deviates', () => {
    expect(robustZ([])).toEqual([]);
    expect(robustZ([7])).toEqual([0]);
    expect(robustZ([1e9, 1e9, 1e9])).toEqual([0, 0, 0]);
  });

  it('measures in 1.4826 MADs from the median', () => {
    const z = robustZ([1, 2, 3, 4, 1000]) as number[];
    [-2, -1, 0, 1, 997].forEach((away, at) => expect(z[at]).toBeCloseTo(away / 1.4826, 10));
  });

  it('does not depend on place, scale or order, and stays finite', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -100, max: 100 })), (values) => {
        const z = robustZ(values);
        const moved = robustZ(values.map((value) => value * 4 + 12));
        if ('kind' in z) expect(moved).toEqual(z);
        else (moved as number[]).forEach((value, at) => expect(value).toBeCloseTo(z[at] as number, 10));
        const reversed = robustZ([...values].reverse());
        expect(Array.isArray(reversed) ? reversed.reverse() : reversed).toEqual(z);
      }),
    );
    fc.assert(
      fc.property(fc.array(finite), (values) => {
        const z = robustZ(values);
        if (Array.isArray(z)) expect(z.every(Number.isFinite)).toBe(true);
      }),
    );
  });
});

describe('fault-rate surprise', () => {
  const prior = { shape: 2, rate: 100 };
  const history = { count: 3, days: 50 };

  it('throws for counts and days that are none', () => {
    for (const count of [-1, 0.5, Number.NaN]) {
      expect(() => faultRateSurprise({ count, days: 7, history, prior })).toThrow(RangeError);
    }
    expect(() => faultRateSurprise({ count: 1, days: -1, history, prior })).toThrow(RangeError);
    expect(() => faultRateSurprise({ count: 1, days: 1, history, prior: { shape: 0, rate: 1 } })).toThrow(RangeError);
    expect(() => fitFaultRatePrior({ counts: [1], days: [] })).toThrow(RangeError);
    expect(() => fitFaultRatePrior({ counts: [-1, 1], days: [1, 1] })).toThrow(RangeError);
  });

  it('has a prior only where a fleet shows one', () => {
    expect(fitFaultRatePrior({ counts: [1], days: [10] })).toEqual({ kind: 'insufficient_data', have: 1, need: 2 });
    expect(fitFaultRatePrior({ counts: [0, 0], days: [10, 10] })).toEqual({ kind: 'no_events' });
    expect(fitFaultRatePrior({ counts: [1, Number.NaN], days: [1, 1] })).toEqual({
      kind: 'non_finite',
      column: 'counts',
    });
  });

  it('recovers mean and spread of the trucks’ rates', () => {
    // Rates 0.02 and 0.06 a day: mean 0.04, variance 0.0004, so shape 4 and rate 100; counts at their expectation.
    const trucks = Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? 0.02 : 0.06));
    const fitted = fitFaultRatePrior({ counts: trucks.map((rate) => rate * 1e6), days: trucks.map(() => 1e6) });
    expect(fitted).toMatchObject({ shape: expect.closeTo(4, 0), rate: expect.closeTo(100, 0) });
    // Trucks that differ by less than chance: as sharp as it gets.
    expect(fitFaultRatePrior({ counts: [5, 5, 5], days: [100, 100, 100] })).toEqual({ shape: 1e6, rate: 2e7 });
  });

  it('is the upper tail of the negative binomial, summed term by term', () => {
    const [shape, rate, days] = [5, 150, 30];
    const p = days / (rate + days);
    let below = 0;
    let term = (1 - p) ** shape;
    for (let count = 0; count < 12; count += 1) {
      const surprise = faultRateSurprise({ count, days, history, prior });
      expect(surprise.tailProbability).toBeCloseTo(1 - below, 12);
      expect(surprise.expected).toBeCloseTo(1, 12);
      below += term;
      term *= ((shape + count) / (count + 1)) * p;
    }
  });

  it('rises with the count, falls with the history of faults, and stays finite', () => {
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 13);
    expect(negativeBinomialTail(3, 1e-3, 1e-9, 1e12)).toBeLessThanOrEqual(1);
    const nat = (max: number) => fc.integer({ min: 0, max });
    fc.assert(
      fc.property(nat(1e9), nat(3650), nat(1e6), nat(3650), (count, days, faults, watched) => {
        const at = (n: number, before: number) =>
          faultRateSurprise({ count: n, days, history: { count: before, days: watched }, prior });
        const now = at(count, faults);
        expect(Object.values(now).every(Number.isFinite)).toBe(true);
        expect(now.tailProbability >= 0 && now.tailProbability <= 1).toBe(true);
        expect(at(count + 1, faults).tailProbability).toBeLessThanOrEqual(now.tailProbability + 1e-9);
        expect(at(count, faults + 1).tailProbability).toBeGreaterThanOrEqual(now.tailProbability - 1e-9);
      }),
    );
  });
});
