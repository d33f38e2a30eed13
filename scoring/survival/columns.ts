/**
 * The columns of x, checked, then centred and scaled for the arithmetic: fits run on z = (x − centre) / unit, so that a column
 * of model years, of miles in the billions or of shares of a percent costs no digits. Answers go back to x's own units.
 */
import { nonFinite, type Refusal } from './refusal.ts';

export interface Columns {
  count: number;
  width: number;
  names: readonly string[];
  /** Row-major. */
  values: Float64Array;
}

/** Numbers this close to the end of the range have lost digits already; they count as 0. */
const leastMagnitude = 1e-290;

/**
 * Packs x row by row.
 * @throws RangeError when x is not one row per time, or a row is not one value per name.
 */
export const readColumns = (
  x: readonly (readonly number[])[],
  names: readonly string[],
  count: number,
): Columns | Refusal => {
  if (x.length !== count) throw new RangeError(`x has ${x.length} rows, time has ${count} values`);
  const width = names.length;
  const values = new Float64Array(count * width);
  let refusal: Refusal | null = null;
  for (let row = 0; row < count; row++) {
    const cells = x[row] as readonly number[];
    if (cells.length !== width) throw new RangeError(`row ${row} of x has ${cells.length} values for ${width} names`);
    for (let column = 0; column < width; column++) {
      const value = cells[column] as number;
      if (!Number.isFinite(value)) refusal ??= nonFinite(names[column] as string);
      values[row * width + column] = Math.abs(value) < leastMagnitude ? 0 : value;
    }
  }
  return refusal ?? { count, width, names, values };
};

/** The first column with one value in every stratum, looking only at `rows`; −1 if there is none. */
export const constantColumn = (
  columns: Columns,
  rows: Int32Array,
  stratum: Int32Array,
  strataCount: number,
): number => {
  const { width, values } = columns;
  const first = new Int32Array(strataCount).fill(-1);
  const varies = new Uint8Array(width);
  let still = width;
  for (const row of rows) {
    const home = stratum[row] as number;
    const reference = first[home] as number;
    if (reference < 0) first[home] = row;
    else {
      for (let column = 0; column < width; column++) {
        if (varies[column] === 0 && values[row * width + column] !== values[reference * width + column]) {
          varies[column] = 1;
          still--;
        }
      }
      if (still === 0) return -1;
    }
  }
  return varies.indexOf(0);
};

export interface Standardised {
  /** (x − centre of the row's stratum) / unit, row-major, one row per entry of `rows`. */
  z: Float64Array;
  /** Mean of each column in each stratum, row-major strata × width, in x's units. */
  centre: Float64Array;
  /** Standard deviation within strata in x's units; 1 for a column that does not vary. */
  unit: Float64Array;
  /** Rounding noise of z by column: how far two equal combinations can differ by arithmetic alone. */
  noise: Float64Array;
}

/** The power of two at or below a magnitude: dividing by it is exact, and squares of what is left do not overflow. */
const powerBelow = (magnitude: number): number =>
  magnitude === 0 ? 1 : 2 ** Math.max(-1074, Math.min(1023, Math.floor(Math.log2(magnitude))));

/** Centres each column within its stratum (two passes) and divides by its standard deviation. */
export const standardise = (
  columns: Columns,
  rows: Int32Array,
  stratum: Int32Array,
  strataCount: number,
): Standardised => {
  const { width, values } = columns;
  const count = rows.length;
  const z = new Float64Array(count * width);
  const centre = new Float64Array(strataCount * width);
  const unit = new Float64Array(width);
  const noise = new Float64Array(width);
  const sizes = new Float64Array(strataCount);
  for (const row of rows) sizes[stratum[row] as number] = (sizes[stratum[row] as number] as number) + 1;
  for (let column = 0; column < width; column++) {
    let largest = 0;
    for (const row of rows) largest = Math.max(largest, Math.abs(values[row * width + column] as number));
    const power = powerBelow(largest);
    const mean = new Float64Array(strataCount);
    for (let pass = 0; pass < 2; pass++) {
      const sum = new Float64Array(strataCount);
      for (const row of rows) {
        const home = stratum[row] as number;
        sum[home] = (sum[home] as number) + ((values[row * width + column] as number) / power - (mean[home] as number));
      }
      for (let home = 0; home < strataCount; home++) {
        mean[home] = (mean[home] as number) + (sum[home] as number) / Math.max(1, sizes[home] as number);
      }
    }
    let squares = 0;
    for (let at = 0; at < count; at++) {
      const row = rows[at] as number;
      const away = (values[row * width + column] as number) / power - (mean[stratum[row] as number] as number);
      z[at * width + column] = away;
      squares += away * away;
    }
    const deviation = squares > 0 ? Math.sqrt(squares / count) : 1;
    for (let at = 0; at < count; at++) z[at * width + column] = (z[at * width + column] as number) / deviation;
    for (let home = 0; home < strataCount; home++) centre[home * width + column] = (mean[home] as number) * power;
    unit[column] = deviation * power;
    noise[column] = (2 ** -50 * (largest / power)) / deviation;
  }
  return { z, centre, unit, noise };
};

/** Pivots below this share of their diagonal are rounding: the column is a combination of the ones before it. */
export const pivotTolerance = ({ noise }: Standardised): Float64Array => {
  const worst = noise.reduce((most, value) => Math.max(most, value), 0);
  return new Float64Array(noise.length).fill(Math.max(1e-11, Math.min(0.01, worst * worst)));
};

/**
 * θ of a ridge on x's own units, for coefficients of z: θ / unit². Kept between 1e-290 and 1e150, so that products with it
 * stay numbers; beyond, the coefficient is 0 or free to the last digit anyway.
 */
export const penaltyOn = (unit: Float64Array, ridge: number): Float64Array =>
  unit.map((one) => (ridge === 0 ? 0 : Math.min(1e150, Math.max(1e-290, ridge / one / one))));

/** @throws RangeError for a ridge that is negative or not a number. */
export const readRidge = (ridge: number | undefined): number => {
  if (ridge === undefined) return 0;
  if (!(ridge >= 0) || ridge === Infinity) throw new RangeError(`ridge must be 0 or more; it is ${ridge}`);
  return ridge;
};
