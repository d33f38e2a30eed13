/**
 * Solving with the information of a penalised likelihood, and turning it into standard errors, also where the columns say the
 * same thing twice and only the penalty tells them apart.
 */
import { factorise, invert, type Cholesky } from './cholesky.ts';

/** Pivots under this share are rounding. */
const roundingShare = 1e-13;

const withPenalty = (information: Float64Array, penalty: Float64Array, times: number): Float64Array => {
  const size = penalty.length;
  const sum = Float64Array.from(information);
  for (let j = 0; j < size; j++) sum[j * size + j] = (sum[j * size + j] as number) + times * (penalty[j] as number);
  return sum;
};

/**
 * Factor of information + penalty for a Newton step; null when they are singular. Where columns repeat each other and the
 * penalty is lost in rounding, it is magnified until it is not: the step then approaches the same optimum (the gradient is the
 * true one, and what it adds stays orthogonal to the undetermined directions in the penalty's own metric), only slower.
 */
export const factoriseForStep = (information: Float64Array, penalty: Float64Array): Cholesky | null => {
  const size = penalty.length;
  const isPenalised = penalty.some((value) => value > 0);
  for (let times = 1; times < 1e290; times *= 100) {
    const factor = factorise(withPenalty(information, penalty, times), size, roundingShare);
    if (!('failedColumn' in factor)) return factor;
    if (!isPenalised) return null;
  }
  return null;
};

/**
 * Eigenvalues and orthonormal eigenvectors (columns) of a symmetric matrix by cyclic Jacobi rotations
 * (Golub & Van Loan, Matrix Computations, §8.5).
 */
export const symmetricEigen = (lower: Float64Array, size: number): { values: Float64Array; vectors: Float64Array } => {
  const a = new Float64Array(size * size);
  const v = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    v[i * size + i] = 1;
    for (let j = 0; j <= i; j++) a[i * size + j] = a[j * size + i] = lower[i * size + j] as number;
  }
  const at = (i: number, j: number): number => a[i * size + j] as number;
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    let whole = 0;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        whole += at(i, j) ** 2;
        if (i !== j) off += at(i, j) ** 2;
      }
    }
    if (!(off > 1e-32 * whole)) break;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        if (at(p, q) === 0) continue;
        const theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const cosine = 1 / Math.hypot(t, 1);
        const sine = t * cosine;
        const rotate = (m: Float64Array, one: number, two: number): void => {
          const x = m[one] as number;
          const y = m[two] as number;
          m[one] = cosine * x - sine * y;
          m[two] = sine * x + cosine * y;
        };
        for (let k = 0; k < size; k++) rotate(a, k * size + p, k * size + q);
        for (let k = 0; k < size; k++) rotate(a, p * size + k, q * size + k);
        for (let k = 0; k < size; k++) rotate(v, k * size + p, k * size + q);
      }
    }
  }
  return { values: Float64Array.from({ length: size }, (_, i) => at(i, i)), vectors: v };
};

/**
 * (information + penalty)⁻¹. Where the sum is singular to rounding, through the eigenvectors of the information in the
 * penalty's own metric, with eigenvalues that are rounding counted as no information. null when that fails too.
 */
export const invertPenalised = (information: Float64Array, penalty: Float64Array): Float64Array | null => {
  const size = penalty.length;
  const factor = factorise(withPenalty(information, penalty, 1), size, roundingShare);
  if (!('failedColumn' in factor)) return invert(factor);
  if (!penalty.some((value) => value > 0)) return null;
  // What is not penalised is well determined by the data; a trillionth of its own information stands in as its metric.
  const root = penalty.map((value, j) => Math.sqrt(value > 0 ? value : 1e-12 * (information[j * size + j] as number)));
  const scaled = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      scaled[i * size + j] = (information[i * size + j] as number) / (root[i] as number) / (root[j] as number);
    }
  }
  if (!scaled.every(Number.isFinite)) return null;
  const { values, vectors } = symmetricEigen(scaled, size);
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  const inverse = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = 0;
      for (let k = 0; k < size; k++) {
        const value = values[k] as number;
        const told = value > roundingShare * largest ? value : 0;
        sum += ((vectors[i * size + k] as number) * (vectors[j * size + k] as number)) / (1 + told);
      }
      inverse[i * size + j] = sum / (root[i] as number) / (root[j] as number);
    }
  }
  return inverse;
};
