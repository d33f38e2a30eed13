/** How far values lie from the ordinary, by median and median absolute deviation: outliers do not hide themselves. */
import { nonFiniteColumn } from '../trees/matrix.ts';
import type { Refusal } from '../survival/refusal.ts';

/** 1 / Φ⁻¹(3/4): makes the MAD of normal values estimate their standard deviation. */
export const madToSigma = 1.4826;

/** Fewer readings make no baseline. */
export const readingsNeeded = 20;
/** Beyond this robust z-score a value is an outlier (Iglewicz & Hoaglin 1993). */
export const outlierZ = 3.5;

/**
 * (value − median) / (1.4826 · MAD) of one reading against a baseline of `n` readings; null where either is unusable. May be
 * infinite where the baseline is absurd.
 */
export const baselineZ = (reading: {
  value: number;
  baselineMedian: number | null;
  baselineMad: number | null;
  n: number;
}): number | null => {
  const { value, baselineMedian: middle, baselineMad: mad, n } = reading;
  if (!Number.isFinite(value) || !Number.isFinite(n) || n < readingsNeeded) return null;
  if (middle === null || mad === null || !Number.isFinite(middle) || !Number.isFinite(mad) || mad <= 0) return null;
  const z = (value - middle) / (madToSigma * mad);
  return Number.isNaN(z) ? null : z;
};

/** The middle of the sorted values, the mean of the middle two for an even count. `values` must not be empty. */
export const median = (values: ArrayLike<number>): number => {
  const sorted = Float64Array.from(values).sort();
  const high = sorted.length >>> 1;
  const upper = sorted[high] as number;
  return sorted.length % 2 === 1 ? upper : (sorted[high - 1] as number) / 2 + upper / 2;
};

/**
 * Robust z-scores (value − median) / (1.4826 · MAD) (Iglewicz & Hoaglin 1993), one per value; none for none.
 *
 * Where more than half of the values are equal the MAD is 0 and says nothing about the others: that is the refusal
 * `constant_column`, not a row of zeros that would call an outlier ordinary. If all values are equal, nothing deviates and
 * every z is 0.
 */
export const robustZ = (values: readonly number[]): number[] | Refusal => {
  const refusal = nonFiniteColumn(values, 'values');
  if (refusal !== null) return refusal;
  if (values.length === 0) return [];
  // Halved throughout: differences of values near the largest number stay finite.
  const halves = values.map((value) => value / 2);
  const middle = median(halves);
  const deviations = halves.map((value) => value - middle);
  const mad = median(deviations.map(Math.abs));
  if (mad === 0) {
    return values.every((value) => value === values[0])
      ? values.map(() => 0)
      : { kind: 'constant_column', column: 'values' };
  }
  const largest = Number.MAX_VALUE;
  return deviations.map((deviation) => Math.min(largest, Math.max(-largest, deviation / mad / madToSigma)));
};
