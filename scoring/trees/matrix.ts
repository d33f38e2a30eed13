/** Rows of numbers as one flat array, checked once, and their canonical order. */
import type { Refusal } from '../survival/refusal.ts';
import { demand } from './demand.ts';

export type Rows = readonly (readonly number[])[];

/** Copies rows into a row-major array. Wrong lengths and things that are no numbers are the caller's mistakes. */
export const packRows = (x: Rows, columns: number): Float64Array => {
  const data = new Float64Array(x.length * columns);
  let at = 0;
  for (let row = 0; row < x.length; row += 1) {
    const values = x[row];
    demand(Array.isArray(values) && values.length === columns, `row ${row} of x must have ${columns} columns`);
    for (let column = 0; column < columns; column += 1) {
      const value = values[column];
      demand(typeof value === 'number', `x[${row}][${column}] is not a number`);
      // Minus zero equals zero; one spelling keeps equal rows equal.
      data[at] = value === 0 ? 0 : value;
      at += 1;
    }
  }
  return data;
};

/** Names of the columns, checked; without rows nothing else says how wide x is. */
export const demandNames = (names: readonly string[], x: Rows): void => {
  demand(names.length > 0, 'names must name at least one column');
  demand(
    x.every((row) => row.length === names.length),
    `every row of x must have ${names.length} columns, as names does`,
  );
};

/** The refusal of an infinite cell; NaN is a missing value and may stay. */
export const infiniteCell = (data: Float64Array, names: readonly string[]): Refusal | null => {
  for (let at = 0; at < data.length; at += 1) {
    const value = data[at] as number;
    if (value === Infinity || value === -Infinity) {
      return { kind: 'non_finite', column: names[at % names.length] ?? '' };
    }
  }
  return null;
};

/** The refusal of a target column with NaN or an infinity in it. */
export const nonFiniteColumn = (values: readonly number[], column: string): Refusal | null =>
  values.every((value) => Number.isFinite(value)) ? null : { kind: 'non_finite', column };

/** Missing sorts first; otherwise ascending. */
const compare = (a: number, b: number): number => {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return (Number.isNaN(b) ? 1 : 0) - (Number.isNaN(a) ? 1 : 0);
};

/**
 * Row numbers sorted by all columns, then by the target columns. Fits read the rows in this order, so the order in
 * which a caller happens to hold them changes nothing: rows that tie in everything are the same row. A strictly
 * increasing change of a column's scale keeps it, too.
 */
export const canonicalOrder = (
  data: Float64Array,
  columns: number,
  rows: number,
  targets: readonly (readonly number[])[],
): Int32Array => {
  const order = new Int32Array(rows);
  for (let row = 0; row < rows; row += 1) order[row] = row;
  return order.sort((a, b) => {
    for (let column = 0; column < columns; column += 1) {
      const sign = compare(data[a * columns + column] as number, data[b * columns + column] as number);
      if (sign !== 0) return sign;
    }
    for (const target of targets) {
      const sign = compare(target[a] as number, target[b] as number);
      if (sign !== 0) return sign;
    }
    return 0;
  });
};
