/** Scores as probabilities: the stored forms, and how a score is read through them. */
import { logistic } from '../trees/losses.ts';
import type { Refusal } from '../survival/refusal.ts';
import { demand } from '../trees/demand.ts';

export interface IsotonicCalibration {
  method: 'isotonic';
  /** Knots: scores strictly ascending, probabilities never falling. */
  scores: number[];
  probabilities: number[];
}

export interface PlattCalibration {
  method: 'platt';
  /** The probability is logistic(intercept + slope · (score − center) / scale), slope at least 0. */
  center: number;
  scale: number;
  slope: number;
  intercept: number;
}

export type Calibration = IsotonicCalibration | PlattCalibration;

export interface CalibrationInput {
  score: readonly number[];
  /** 0 or 1 per score. */
  outcome: readonly number[];
  /** Isotonic only: what each pair counts, above 0; 1 unless given. */
  weight?: readonly number[] | undefined;
}

/** Checks what both fits take; a refusal for what data cannot carry: one class only, or scores that are no numbers. */
export const refusalOf = ({ score, outcome }: CalibrationInput): Refusal | null => {
  demand(score.length === outcome.length, 'score and outcome must have the same length');
  for (const [name, values] of [
    ['score', score],
    ['outcome', outcome],
  ] as const) {
    demand(
      values.every((value) => typeof value === 'number'),
      `${name} must hold numbers only`,
    );
    if (!values.every((value) => Number.isFinite(value))) return { kind: 'non_finite', column: name };
  }
  demand(
    outcome.every((value) => value === 0 || value === 1),
    'outcome must hold only 0 and 1',
  );
  if (score.length < 2) return { kind: 'insufficient_data', have: score.length, need: 2 };
  if (!outcome.includes(1)) return { kind: 'no_events' };
  if (!outcome.includes(0)) return { kind: 'insufficient_data', have: 0, need: 1 };
  return null;
};

/** Linear between knots, the end knots' probabilities beyond them. */
const interpolate = ({ scores, probabilities }: IsotonicCalibration, score: number): number => {
  const last = scores.length - 1;
  if (score <= (scores[0] as number)) return probabilities[0] as number;
  if (score >= (scores[last] as number)) return probabilities[last] as number;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((scores[middle] as number) <= score) low = middle;
    else high = middle;
  }
  const from = probabilities[low] as number;
  const to = probabilities[high] as number;
  const start = scores[low] as number;
  const end = scores[high] as number;
  const share = Number.isFinite(end - start)
    ? (score - start) / (end - start)
    : (score / 2 - start / 2) / (end / 2 - start / 2);
  return Math.min(to, from + share * (to - from));
};

const farthest = 1e15;

/**
 * (score − center) / scale. By halves only where the distance of two huge scores would be infinite: halving the smallest
 * numbers loses them.
 */
const distanceIn = (score: number, center: number, scale: number): number => {
  const distance = score - center;
  return Number.isFinite(distance) ? distance / scale : (score / 2 - center / 2) / (scale / 2);
};

/** A score in units of the scale from the center; with an end, so that huge scores stay finite. */
export const standardised = (score: number, center: number, scale: number): number =>
  Math.min(farthest, Math.max(-farthest, distanceIn(score, center, scale)));

const calibrated = (model: Calibration, score: number): number => {
  demand(typeof score === 'number' && !Number.isNaN(score), 'score must be a number');
  if (model.method === 'isotonic') return interpolate(model, score);
  return logistic(model.intercept + model.slope * standardised(score, model.center, model.scale));
};

/**
 * The calibrated probability of a score, or of each of several; in 0–1 and never falling as the score rises. Takes any
 * number but NaN.
 */
export function applyCalibration(model: Calibration, score: number): number;
export function applyCalibration(model: Calibration, score: readonly number[]): number[];
export function applyCalibration(model: Calibration, score: number | readonly number[]): number | number[] {
  return typeof score === 'number' ? calibrated(model, score) : score.map((value) => calibrated(model, value));
}
