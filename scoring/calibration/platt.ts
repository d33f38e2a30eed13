/** Platt calibration: a logistic curve over the score, for when there are too few outcomes for isotonic. */
import { logistic } from '../trees/losses.ts';
import type { Refusal } from '../survival/refusal.ts';
import { median } from '../anomaly/robust-z.ts';
import { demand } from '../trees/demand.ts';
import { refusalOf, standardised, type CalibrationInput, type PlattCalibration } from './calibration-model.ts';

const steps = 100;
/** Newton's decrement below which a full step is always right: the loss is a parabola there, to all its digits. */
const closeBy = 1e-8;
const settled = 1e-22;

/** Minus the log-likelihood of targets in (0, 1), without overflow. */
const lossOf = (z: Float64Array, target: Float64Array, slope: number, intercept: number): number => {
  let loss = 0;
  for (let at = 0; at < z.length; at += 1) {
    const f = intercept + slope * (z[at] as number);
    loss += (f > 0 ? f : 0) + Math.log1p(Math.exp(-Math.abs(f))) - (target[at] as number) * f;
  }
  return loss;
};

/** Newton's method with step-halving (Lin, Lin & Weng 2007, "A note on Platt's probabilistic outputs"). */
const fitCurve = (z: Float64Array, target: Float64Array, start: number): { slope: number; intercept: number } => {
  let slope = 0;
  let intercept = start;
  let loss = lossOf(z, target, slope, intercept);
  for (let step = 0; step < steps; step += 1) {
    let g0 = 0;
    let g1 = 0;
    let h00 = 0;
    let h01 = 0;
    let h11 = 0;
    for (let at = 0; at < z.length; at += 1) {
      const value = z[at] as number;
      const p = logistic(intercept + slope * value);
      const difference = p - (target[at] as number);
      const weight = p * (1 - p);
      g0 += difference;
      g1 += difference * value;
      h00 += weight;
      h01 += weight * value;
      h11 += weight * value * value;
    }
    const determinant = h00 * h11 - h01 * h01;
    const d0 = -(h11 * g0 - h01 * g1) / determinant;
    const d1 = -(h00 * g1 - h01 * g0) / determinant;
    const decrement = -(g0 * d0 + g1 * d1);
    // A flat or saturated curve has no step to take.
    if (!(decrement > settled) || !Number.isFinite(decrement)) break;
    let size = 1;
    let next = lossOf(z, target, slope + d1, intercept + d0);
    while (decrement > closeBy && !(next < loss) && size > 1e-10) {
      size /= 2;
      next = lossOf(z, target, slope + size * d1, intercept + size * d0);
    }
    if (decrement > closeBy && !(next < loss)) break;
    slope += size * d1;
    intercept += size * d0;
    loss = next;
  }
  return { slope, intercept };
};

/**
 * The unit of a score, so that Newton sees numbers of order one: the median distance from the median, or the largest where
 * more than half of the scores are equal.
 */
const spreadAround = (scores: readonly number[], center: number): number => {
  const distances = scores.map((score) => Math.min(Number.MAX_VALUE, Math.abs(score - center)));
  const middle = median(distances);
  return middle > 0 ? middle : distances.reduce((most, distance) => Math.max(most, distance), 0);
};

/**
 * Fits logistic(a + b·score) to Platt's smoothed targets (Platt 1999): (n₁ + 1)/(n₁ + 2) for outcomes 1 and 1/(n₀ + 2) for
 * outcomes 0, so that separated classes stay finite. Where outcomes fall as the score rises the slope is 0 and every score
 * gets the base rate: a calibration never turns a ranking round. One class only, or fewer than two scores, is a refusal.
 */
export const calibratePlatt = (input: CalibrationInput): PlattCalibration | Refusal => {
  demand(input.weight === undefined, 'weight is for isotonic calibration only');
  const refusal = refusalOf(input);
  if (refusal !== null) return refusal;
  // Sorted, so that the order of the pairs does not change the last digits of the sums.
  const pairs = input.score
    .map((score, at) => ({ score, outcome: input.outcome[at] as number }))
    .sort((a, b) => a.score - b.score || a.outcome - b.outcome);
  const ones = pairs.filter(({ outcome }) => outcome === 1).length;
  const zeros = pairs.length - ones;
  const target = Float64Array.from(pairs, ({ outcome }) => (outcome === 1 ? (ones + 1) / (ones + 2) : 1 / (zeros + 2)));
  const scores = pairs.map(({ score }) => score);
  const center = median(scores);
  const scale = spreadAround(scores, center);
  const meanTarget = target.reduce((sum, value) => sum + value, 0) / target.length;
  const flat = Math.log(meanTarget / (1 - meanTarget));
  if (scale === 0) return { method: 'platt', center, scale: 1, slope: 0, intercept: flat };
  const z = Float64Array.from(scores, (score) => standardised(score, center, scale));
  const { slope, intercept } = fitCurve(z, target, flat);
  if (slope <= 0) return { method: 'platt', center, scale, slope: 0, intercept: flat };
  return { method: 'platt', center, scale, slope, intercept };
};
