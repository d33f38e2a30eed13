/** Drift of one signal over time: smoothing, and alarms for a mean that moved a little and stays there. */
import { nonFiniteColumn } from '../trees/matrix.ts';
import type { Refusal } from '../survival/refusal.ts';
import { demand, demandNumber } from '../trees/demand.ts';

/**
 * Exponentially weighted moving average (Roberts 1959): z₀ = values[0], z_i = α·values[i] + (1 − α)·z_{i−1}. `alpha` in
 * (0, 1]. No values give no averages; a value that is no finite number is a refusal.
 */
export const ewma = (values: readonly number[], alpha: number): number[] | Refusal => {
  demandNumber('alpha', alpha, Number.MIN_VALUE, 1);
  const refusal = nonFiniteColumn(values, 'values');
  if (refusal !== null) return refusal;
  const averages: number[] = [];
  let average = values[0] ?? 0;
  for (const value of values) {
    // Written as two shares, not as average + α·(value − average): the difference of huge values overflows.
    average = average === value ? value : alpha * value + (1 - alpha) * average;
    averages.push(average);
  }
  return averages;
};

export interface CusumInput {
  values: readonly number[];
  /** The mean in control. */
  target: number;
  /** Allowance k, at least 0, in the unit of the values: half of the shift worth finding. */
  slack: number;
  /** Decision interval h, above 0, in the unit of the values. */
  threshold: number;
}

export interface Cusum {
  /** Upper sums: how far the values ran above target + slack. */
  up: number[];
  /** Lower sums, as positive numbers: how far they ran below target − slack. */
  down: number[];
  /** Indices at which a sum exceeded the threshold, ascending. */
  alarms: number[];
}

/**
 * Tabular CUSUM (Page 1954; Montgomery, Introduction to Statistical Quality Control, §9.1): up_i = max(0, up_{i−1} + x_i −
 * target − slack), down_i likewise below. A sum strictly above the threshold is an alarm; the sums at its index show
 * what raised it, and after it both start again from 0.
 */
export const cusum = ({ values, target, slack, threshold }: CusumInput): Cusum | Refusal => {
  demand(Number.isFinite(target), 'target must be a number');
  demandNumber('slack', slack, 0, Number.MAX_VALUE);
  demandNumber('threshold', threshold, Number.MIN_VALUE, Number.MAX_VALUE);
  const refusal = nonFiniteColumn(values, 'values');
  if (refusal !== null) return refusal;
  const result: Cusum = { up: [], down: [], alarms: [] };
  let up = 0;
  let down = 0;
  values.forEach((value, index) => {
    up = Math.min(Math.max(0, up + (value - target - slack)), Number.MAX_VALUE);
    down = Math.min(Math.max(0, down + (target - value - slack)), Number.MAX_VALUE);
    result.up.push(up);
    result.down.push(down);
    if (up > threshold || down > threshold) {
      result.alarms.push(index);
      up = 0;
      down = 0;
    }
  });
  return result;
};
