/**
 * Failures as Poisson counts with a known expectation and a log-linear correction: d ~ Poisson(H · exp(θ·z)), which for
 * lifetimes is the proportional-hazards likelihood with the baseline given (Aitkin & Clayton 1980, JRSS C 29:156–163).
 * Gaussian priors on θ make it penalised; Newton's method with step-halving finds the mode.
 */
import { factorise, invert, solve, type Cholesky } from '../survival/cholesky.ts';

export interface PoissonRows {
  /** Row-major, `width` columns; the first is 1 for the intercept. */
  z: Float64Array;
  width: number;
  /** Expected failures H, above 0. */
  expected: Float64Array;
  /** Failures seen. */
  seen: Float64Array;
  /** What each row counts. */
  weight: Float64Array;
}

export interface PoissonMode {
  theta: Float64Array;
  /** Log-likelihood at the mode without the prior, up to what does not depend on θ. */
  logLikelihood: number;
  /** Inverse of information + precision: the posterior covariance in Laplace's approximation. */
  covariance: Float64Array;
  /** log |information + precision|. */
  logDeterminant: number;
}

/** exp stays finite; no fleet fails e³⁰ times as often as expected. */
const mostPredictor = 30;
const mostSteps = 50;
const settled = 1e-10;

export const predictorOf = ({ z, width }: PoissonRows, theta: Float64Array, row: number): number => {
  let sum = 0;
  for (let column = 0; column < width; column += 1)
    sum += (z[row * width + column] as number) * (theta[column] as number);
  return Math.max(-mostPredictor, Math.min(mostPredictor, sum));
};

const logLikelihoodAt = (rows: PoissonRows, theta: Float64Array): number => {
  let sum = 0;
  for (let row = 0; row < rows.seen.length; row += 1) {
    const predictor = predictorOf(rows, theta, row);
    sum +=
      (rows.weight[row] as number) *
      ((rows.seen[row] as number) * predictor - (rows.expected[row] as number) * Math.exp(predictor));
  }
  return sum;
};

const derivativesAt = (rows: PoissonRows, theta: Float64Array) => {
  const { z, width } = rows;
  const gradient = new Float64Array(width);
  const information = new Float64Array(width * width);
  for (let row = 0; row < rows.seen.length; row += 1) {
    const weight = rows.weight[row] as number;
    const mean = weight * (rows.expected[row] as number) * Math.exp(predictorOf(rows, theta, row));
    const residual = weight * (rows.seen[row] as number) - mean;
    const at = row * width;
    for (let i = 0; i < width; i += 1) {
      const zi = z[at + i] as number;
      if (zi === 0) continue;
      gradient[i] = (gradient[i] as number) + residual * zi;
      const scaled = mean * zi;
      for (let j = 0; j <= i; j += 1) {
        information[i * width + j] = (information[i * width + j] as number) + scaled * (z[at + j] as number);
      }
    }
  }
  return { gradient, information };
};

/** Finds the mode under precisions (1 / variance per coefficient) from `start`; null when it does not settle. */
export const poissonMode = (rows: PoissonRows, precision: Float64Array, start: Float64Array): PoissonMode | null => {
  const { width } = rows;
  const penaltyAt = (theta: Float64Array): number =>
    theta.reduce((sum, value, j) => sum + 0.5 * (precision[j] as number) * value * value, 0);
  let theta = Float64Array.from(start);
  let level = logLikelihoodAt(rows, theta) - penaltyAt(theta);
  for (let step = 0; step < mostSteps; step += 1) {
    const { gradient, information } = derivativesAt(rows, theta);
    for (let j = 0; j < width; j += 1) {
      gradient[j] = (gradient[j] as number) - (precision[j] as number) * (theta[j] as number);
      information[j * width + j] = (information[j * width + j] as number) + (precision[j] as number);
    }
    const factor = factorise(information, width, 0);
    if ('failedColumn' in factor) return null;
    const move = solve(factor, gradient);
    const decrement = move.reduce((sum, value, j) => sum + value * (gradient[j] as number), 0);
    if (!Number.isFinite(decrement)) return null;
    if (decrement < settled) return modeOf(rows, theta, factor);
    let length = 1;
    let next = theta;
    let nextLevel = -Infinity;
    for (; length > 1e-9; length /= 2) {
      const share = length;
      next = theta.map((value, j) => value + share * (move[j] as number));
      nextLevel = logLikelihoodAt(rows, next) - penaltyAt(next);
      if (nextLevel > level) break;
    }
    // No step rises any more: what the gradient still promises is rounding.
    if (!(nextLevel > level)) return modeOf(rows, theta, factor);
    theta = next;
    level = nextLevel;
  }
  return null;
};

const modeOf = (rows: PoissonRows, theta: Float64Array, factor: Cholesky): PoissonMode => {
  const { width } = rows;
  let logDeterminant = 0;
  for (let j = 0; j < width; j += 1) logDeterminant += Math.log(factor.factor[j * width + j] as number);
  return { theta, logLikelihood: logLikelihoodAt(rows, theta), covariance: invert(factor), logDeterminant };
};
