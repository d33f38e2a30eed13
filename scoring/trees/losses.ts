/**
 * The losses of boosting as start value, first and second derivative and link. Hazards use the logistic loss on
 * person-periods (see person-periods.ts).
 */

export type Loss = 'squared' | 'logistic' | 'hazard';

/** Rows to learn: outcomes and, for hazards, weights. */
export interface Outcomes {
  y: Float64Array;
  weight: Float64Array | null;
}

/** The largest step in log-odds one tree may take before the learning rate: a pure leaf would ask for an infinite one. */
export const largestLogOddsStep = 8;
/** Keeps the second derivative of a sure prediction above zero. */
const smallestHessian = 1e-16;

export const logistic = (logOdds: number): number =>
  logOdds >= 0 ? 1 / (1 + Math.exp(-logOdds)) : Math.exp(logOdds) / (1 + Math.exp(logOdds));

/** log(1 + e^z) without overflow. */
const softplus = (z: number): number => (z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z)));

const weightAt = (weight: Float64Array | null, row: number): number => (weight === null ? 1 : (weight[row] as number));

/** The best constant score: the mean, or the log-odds of the share of ones (kept off 0 and 1 by half a row). */
export const startScore = (loss: Loss, { y, weight }: Outcomes, rows: Int32Array): number => {
  let sum = 0;
  let total = 0;
  let same = true;
  for (const row of rows) {
    const w = weightAt(weight, row);
    sum += w * (y[row] as number);
    total += w;
    same &&= y[row] === y[rows[0] as number];
  }
  if (loss === 'squared') return same ? (y[rows[0] as number] as number) : sum / total;
  const share = Math.min(Math.max(sum / total, 0.5 / (total + 1)), 1 - 0.5 / (total + 1));
  return Math.log(share / (1 - share));
};

/** Writes the derivatives of the loss by the score, row by row; squared loss has second derivative 1. */
export const derivatives = (
  loss: Loss,
  { y, weight }: Outcomes,
  scores: Float64Array,
  gradient: Float64Array,
  hessian: Float64Array | null,
): void => {
  if (loss === 'squared' || hessian === null) {
    for (let row = 0; row < y.length; row += 1) gradient[row] = (scores[row] as number) - (y[row] as number);
    return;
  }
  for (let row = 0; row < y.length; row += 1) {
    const w = weightAt(weight, row);
    const probability = logistic(scores[row] as number);
    gradient[row] = w * (probability - (y[row] as number));
    hessian[row] = w * Math.max(probability * (1 - probability), smallestHessian);
  }
};

/** Mean loss over these rows: squared error, or minus the log-likelihood. */
export const meanLoss = (loss: Loss, { y, weight }: Outcomes, scores: Float64Array, rows: Int32Array): number => {
  let sum = 0;
  let total = 0;
  for (const row of rows) {
    const score = scores[row] as number;
    const outcome = y[row] as number;
    const w = weightAt(weight, row);
    sum += loss === 'squared' ? w * (score - outcome) ** 2 : w * (softplus(score) - outcome * score);
    total += w;
  }
  return sum / total;
};
