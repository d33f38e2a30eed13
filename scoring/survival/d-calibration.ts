/**
 * D-calibration (Haider, Hoehn, Davis & Greiner 2020, JMLR 21(85)): if predicted survival curves are right, S(t|x) at the moment
 * of failure is uniform. A censored row, of which is only known that it would have failed below its S(c|x), is spread over the
 * bins below it.
 */
import { chiSquareTail } from './chi-square.ts';
import { finiteValues } from './lifetimes.ts';
import { insufficientData, type Refusal } from './refusal.ts';

export interface DCalibration {
  /** Rows per bin of equal width, from S in [0, 1/bins) up to [1 − 1/bins, 1]; they add up to the rows. */
  bins: number[];
  /** Pearson's Σ (observed − expected)² / expected. */
  chiSquare: number;
  /** Upper tail with bins − 1 degrees of freedom: small means miscalibrated. */
  pValue: number;
}

/** The bin that a survival probability falls into, by comparison with the edges k / bins themselves. */
const binOf = (survival: number, bins: number): number => {
  let bin = Math.min(bins - 1, Math.floor(survival * bins));
  if (bin + 1 < bins && survival >= (bin + 1) / bins) bin++;
  else if (survival < bin / bins) bin--;
  return bin;
};

/**
 * D-calibration of predicted survival at each row's own time.
 * `insufficient_data` without rows, `non_finite` for NaN or an infinity.
 * @throws RangeError for lengths that differ, events other than 0 and 1, survival outside 0–1, bins not a whole number ≥ 2.
 */
export const dCalibration = (input: {
  event: readonly number[];
  survivalAtTime: readonly number[];
  bins?: number | undefined;
}): DCalibration | Refusal => {
  const bins = input.bins ?? 10;
  if (!Number.isInteger(bins) || bins < 2 || bins > 10_000) {
    throw new RangeError(`bins must be a whole number from 2 to 10000; it is ${bins}`);
  }
  const { event } = input;
  const count = event.length;
  if (input.survivalAtTime.length !== count) {
    throw new RangeError(`survivalAtTime has ${input.survivalAtTime.length} values, event has ${count}`);
  }
  const events = finiteValues('event', event);
  const survival = finiteValues('survivalAtTime', input.survivalAtTime);
  if ('kind' in events) return events;
  if ('kind' in survival) return survival;
  const counts = new Float64Array(bins);
  const put = (bin: number, amount: number): void => {
    counts[bin] = (counts[bin] as number) + amount;
  };
  for (let row = 0; row < count; row++) {
    const failed = events[row] as number;
    if (failed !== 0 && failed !== 1) throw new RangeError(`event must be 0 or 1; row ${row} has ${failed}`);
    const value = survival[row] as number;
    if (value < -1e-9 || value > 1 + 1e-9) {
      throw new RangeError(`survivalAtTime must lie between 0 and 1; row ${row} has ${value}`);
    }
    const s = Math.max(0, Math.min(1, value));
    const bin = binOf(s, bins);
    if (failed === 1 || s === 0) put(bin, 1);
    else {
      put(bin, (s - bin / bins) / s);
      for (let lower = 0; lower < bin; lower++) put(lower, 1 / bins / s);
    }
  }
  if (count === 0) return insufficientData(0, 1);
  const expected = count / bins;
  const chiSquare = counts.reduce((sum, observed) => sum + (observed - expected) ** 2 / expected, 0);
  return { bins: Array.from(counts), chiSquare, pValue: chiSquareTail(chiSquare, bins - 1) };
};
