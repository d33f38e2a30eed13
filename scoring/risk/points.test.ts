import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { discountByRank, sumTenths, toShares, toUnits, trimTo, type Reason } from './points.ts';

const reason = (points: number, factor = `faults.${points}`): Reason => ({
  factor,
  units: toUnits(points),
  text: '',
  evidence: {},
  keep: true,
});
const pointsArbitrary = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 30 });

describe('units', () => {
  it('take NaN and negatives as nothing and stop at 100 points', () => {
    expect([Number.NaN, -Infinity, -1].map(toUnits)).toEqual([0, 0, 0]);
    expect([1e6, Infinity].map(toUnits)).toEqual([toUnits(100), toUnits(100)]);
  });
});

describe('shares', () => {
  it('halve the second reason, whatever the order', () => {
    const shares = toShares(discountByRank([reason(10), reason(34)]));
    expect(shares.map(({ tenths }) => tenths)).toEqual([340, 50]);
  });

  it('round so that the parts add up to the rounded whole', () => {
    expect(toShares([reason(0.04), reason(0.04), reason(0.04)]).map(({ tenths }) => tenths)).toEqual([0, 1, 0]);
    fc.assert(
      fc.property(pointsArbitrary, (points) => {
        const reasons = points.map((value, index) => reason(value, `faults.${index}`));
        const exact = reasons.reduce((sum, { units }) => sum + units, 0);
        const shares = toShares(reasons);
        expect(sumTenths(shares)).toBe(Math.floor((exact + 5000) / 10_000));
        for (const { tenths } of shares) expect(tenths).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('trim to a limit exactly and leave what fits alone', () => {
    fc.assert(
      fc.property(pointsArbitrary, fc.integer({ min: 0, max: 1000 }), (points, limit) => {
        const shares = toShares(points.map((value, index) => reason(value, `faults.${index}`)));
        const trimmed = trimTo(shares, limit);
        expect(sumTenths(trimmed)).toBe(Math.min(limit, sumTenths(shares)));
        trimmed.forEach(({ tenths }, index) => {
          expect(tenths).toBeGreaterThanOrEqual(0);
          expect(tenths).toBeLessThanOrEqual((shares[index]?.tenths ?? 0) + 1);
        });
      }),
    );
  });
});
