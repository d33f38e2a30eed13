/**
 * A straight-line fit that a bad week does not bend: Huber's M-estimate by iteratively reweighted least squares (Huber &
 * Ronchetti, Robust Statistics, 2nd ed., §7.8), with a ridge of one observation's weight on each slope so that columns
 * that say the same share their effect.
 */
import { factorise, invert, solve } from '../survival/cholesky.ts';
import { madToSigma, median } from './robust-z.ts';

interface RobustLine {
  centers: number[];
  scales: number[];
  /** Intercept, then one slope per standardised column. */
  coefficients: Float64Array;
  /** Inverse of the weighted cross products, row-major. */
  inverse: Float64Array;
}

/** Residuals beyond so many sigmas count less: 95 % efficient where errors are normal. */
const huberK = 1.345;
const mostRounds = 50;
const slopeRidge = 1;

const madOf = (values: readonly number[], middle: number): number =>
  median(values.map((value) => Math.abs(value - middle)));

/** Row of the design: 1, then the standardised values. */
const designRow = (line: Pick<RobustLine, 'centers' | 'scales'>, row: readonly number[]): number[] => [
  1,
  ...row.map((value, column) => (value - (line.centers[column] as number)) / (line.scales[column] as number)),
];

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] as number) * (b[at] as number);
  return sum;
};

function crossProducts(rows: readonly number[][], weights: readonly number[], size: number): Float64Array {
  const matrix = new Float64Array(size * size);
  rows.forEach((row, index) => {
    const weight = weights[index] as number;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        const at = i * size + j;
        matrix[at] = (matrix[at] as number) + weight * (row[i] as number) * (row[j] as number);
      }
    }
  });
  for (let i = 1; i < size; i++) matrix[i * size + i] = (matrix[i * size + i] as number) + slopeRidge;
  return matrix;
}

/**
 * Fits y on the columns of x (finite values, at least one row). `leastMad` is the smallest spread of residuals that is
 * believed. Null when a column hardly varies: more than half of its values are one and the same.
 */
export function fitRobustLine(x: readonly number[][], y: readonly number[], leastMad: number): RobustLine | null {
  const columns = (x[0] as number[]).map((_, column) => x.map((row) => row[column] as number));
  const centers = columns.map((values) => median(values));
  const scales = columns.map((values, column) => madToSigma * madOf(values, centers[column] as number));
  if (scales.some((scale) => !(scale > 0))) return null;
  const rows = x.map((row) => designRow({ centers, scales }, row));
  const size = columns.length + 1;
  let coefficients = new Float64Array(size);
  coefficients[0] = median(y);
  let inverse = new Float64Array(size * size);
  for (let round = 0; round < mostRounds; round++) {
    const residuals = rows.map((row, index) => (y[index] as number) - dot(row, coefficients));
    const sigma = madToSigma * Math.max(leastMad, madOf(residuals, median(residuals)));
    const weights = residuals.map((residual) => Math.min(1, (huberK * sigma) / Math.abs(residual)));
    const right = new Float64Array(size);
    rows.forEach((row, index) => {
      for (let i = 0; i < size; i++) {
        right[i] = (right[i] as number) + (weights[index] as number) * (y[index] as number) * (row[i] as number);
      }
    });
    const cholesky = factorise(crossProducts(rows, weights, size), size, 1e-12);
    if ('failedColumn' in cholesky) return null;
    const next = solve(cholesky, right);
    const moved = next.reduce((most, value, at) => Math.max(most, Math.abs(value - (coefficients[at] as number))), 0);
    coefficients = Float64Array.from(next);
    inverse = Float64Array.from(invert(cholesky));
    if (moved <= 1e-9 * sigma) break;
  }
  return { centers, scales, coefficients, inverse };
}

/**
 * What the line expects, and its leverage there: the variance of that expectation in parts of the residuals' own. It grows
 * with the distance from what the fit has seen.
 */
export function expectedAt(line: RobustLine, row: readonly number[]): { value: number; leverage: number } {
  const design = designRow(line, row);
  const size = design.length;
  let leverage = 0;
  for (let i = 0; i < size; i++) {
    leverage += (design[i] as number) * dot(line.inverse.subarray(i * size, (i + 1) * size), design);
  }
  return { value: dot(design, line.coefficients), leverage: Math.max(0, leverage) };
}
