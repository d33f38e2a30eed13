/**
 * Cholesky factorisation A = L·D·Lᵀ of a symmetric matrix (row-major, only its lower triangle is read) with a judgement of
 * every pivot: what is left of a diagonal element after the columns before it, as a share of the element itself, is
 * 1 − R² of that column on the earlier ones. A share near 0 is a column that the earlier ones already say.
 */
export interface Cholesky {
  size: number;
  /** L strictly below the diagonal, D on it. */
  factor: Float64Array;
}

export interface FailedPivot {
  failedColumn: number;
}

/** Factorises, or names the first column whose pivot is at most `tolerance(column)` of its diagonal element. */
export const factorise = (
  matrix: Float64Array,
  size: number,
  tolerance: number | Float64Array,
): Cholesky | FailedPivot => {
  const factor = Float64Array.from(matrix);
  for (let j = 0; j < size; j++) {
    const whole = factor[j * size + j] as number;
    let pivot = whole;
    for (let k = 0; k < j; k++) {
      const share = factor[j * size + k] as number;
      pivot -= share * share * (factor[k * size + k] as number);
    }
    const least = typeof tolerance === 'number' ? tolerance : (tolerance[j] as number);
    if (!(pivot > least * whole) || !(pivot > 0) || pivot === Infinity) return { failedColumn: j };
    factor[j * size + j] = pivot;
    for (let i = j + 1; i < size; i++) {
      let sum = factor[i * size + j] as number;
      for (let k = 0; k < j; k++) {
        sum -= (factor[i * size + k] as number) * (factor[j * size + k] as number) * (factor[k * size + k] as number);
      }
      factor[i * size + j] = sum / pivot;
    }
  }
  return { size, factor };
};

/** Solves A·x = b. */
export const solve = ({ size, factor }: Cholesky, right: Float64Array): Float64Array => {
  const x = Float64Array.from(right);
  for (let i = 0; i < size; i++) {
    let sum = x[i] as number;
    for (let k = 0; k < i; k++) sum -= (factor[i * size + k] as number) * (x[k] as number);
    x[i] = sum;
  }
  for (let i = 0; i < size; i++) x[i] = (x[i] as number) / (factor[i * size + i] as number);
  for (let i = size - 1; i >= 0; i--) {
    let sum = x[i] as number;
    for (let k = i + 1; k < size; k++) sum -= (factor[k * size + i] as number) * (x[k] as number);
    x[i] = sum;
  }
  return x;
};

/** A⁻¹, row-major. */
export const invert = (cholesky: Cholesky): Float64Array => {
  const { size } = cholesky;
  const inverse = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    const unit = new Float64Array(size);
    unit[j] = 1;
    const column = solve(cholesky, unit);
    for (let i = 0; i < size; i++) inverse[i * size + j] = column[i] as number;
  }
  return inverse;
};
