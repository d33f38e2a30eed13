/**
 * Isolation forest (Liu, Ting, Zhou 2008 and 2012): random cuts separate odd rows sooner. Finds rows that are unusual in
 * combination, where each signal by itself still looks ordinary.
 */
import { compileTrees, layRow, leaf, storeTree, sumTrees } from '../trees/flat-trees.ts';
import type { CompiledTrees, GrownTree, StoredTrees } from '../trees/flat-trees.ts';
import { canonicalOrder, infiniteCell, packRows, type Rows } from '../trees/matrix.ts';
import { randomSource, sampleInOrder, type RandomSource } from '../trees/random.ts';
import type { Refusal } from '../survival/refusal.ts';
import { demand, demandInteger } from '../trees/demand.ts';

const forestFormat = 'isolation-forest-1';

/** Plain JSON; treat it as frozen. A node's value is its threshold, a leaf's the path length it stands for. */
export interface IsolationForestModel extends StoredTrees {
  format: typeof forestFormat;
  columns: number;
  /** Rows each tree saw (ψ). */
  sampleSize: number;
}

const eulerGamma = 0.577_215_664_901_532_9;

/**
 * c(n): the mean path length of an unsuccessful search in a binary search tree of n keys, 2H(n−1) − 2(n−1)/n with
 * H(i) ≈ ln i + γ (Liu et al. 2008, equation 1; c(2) = 1, c(1) = 0).
 */
export const meanPathLength = (n: number): number =>
  n > 2 ? 2 * (Math.log(n - 1) + eulerGamma) - (2 * (n - 1)) / n : n === 2 ? 1 : 0;

/** The shortest decimal in [low, high): thresholds need no more digits than tell the two apart. */
const shortThreshold = (value: number, low: number, high: number): number => {
  for (let digits = 4; digits <= 17; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (short >= low && short < high) return short;
  }
  return low;
};

class ForestTree {
  readonly grown: GrownTree = { nodes: [], values: [], left: [], right: [] };
  private readonly data: Float64Array;
  private readonly columns: number;
  private readonly limit: number;
  private readonly random: RandomSource;

  constructor(data: Float64Array, columns: number, limit: number, random: RandomSource) {
    this.data = data;
    this.columns = columns;
    this.limit = limit;
    this.random = random;
  }

  private place(code: number, value: number): number {
    const { nodes, values, left, right } = this.grown;
    left.push(0);
    right.push(0);
    values.push(value);
    return nodes.push(code) - 1;
  }

  /** Columns that still vary among these rows, with their range; missing values aside. */
  private varying(rows: readonly number[]): { column: number; low: number; high: number }[] {
    const found: { column: number; low: number; high: number }[] = [];
    for (let column = 0; column < this.columns; column += 1) {
      let low = Infinity;
      let high = -Infinity;
      for (const row of rows) {
        const value = this.data[row * this.columns + column] as number;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      if (low < high) found.push({ column, low, high });
    }
    return found;
  }

  grow(rows: readonly number[], depth: number): number {
    const ending = (): number => this.place(leaf, depth + meanPathLength(rows.length));
    if (depth >= this.limit || rows.length < 2) return ending();
    const candidates = this.varying(rows);
    const chosen = candidates[this.random.below(candidates.length)];
    if (chosen === undefined) return ending();
    const { column, low, high } = chosen;
    const share = this.random.next();
    const threshold = shortThreshold(low * (1 - share) + high * share, low, high);
    const left: number[] = [];
    const right: number[] = [];
    const missing: number[] = [];
    for (const row of rows) {
      const value = this.data[row * this.columns + column] as number;
      if (value <= threshold) left.push(row);
      else if (value > threshold) right.push(row);
      else missing.push(row);
    }
    // Missing is not odd by itself: it follows the larger side.
    const missingLeft = left.length >= right.length;
    (missingLeft ? left : right).push(...missing);
    const place = this.place(missingLeft ? column : column + this.columns, threshold);
    this.grown.left[place] = this.grow(left, depth + 1);
    this.grown.right[place] = this.grow(right, depth + 1);
    return place;
  }
}

/**
 * Grows `trees` (1–10,000) trees on `sampleSize` (2–65,536; the paper's 256) rows each, drawn without replacement; with
 * fewer rows all are used. NaN is a missing value. The order of the rows changes nothing; the same seed gives the same
 * bytes. Fewer than two rows are `insufficient_data`, an infinite cell `non_finite` (column by number).
 */
export const fitIsolationForest = (input: {
  x: Rows;
  trees: number;
  sampleSize: number;
  seed: number;
}): IsolationForestModel | Refusal => {
  const { x, trees, sampleSize, seed } = input;
  demandInteger('trees', trees, 1, 10_000);
  demandInteger('sampleSize', sampleSize, 2, 65_536);
  const random = randomSource(seed);
  const columns = x[0]?.length ?? 0;
  const data = packRows(x, columns);
  if (x.length < 2) return { kind: 'insufficient_data', have: x.length, need: 2 };
  demand(columns > 0, 'x must have at least one column');
  const infinite = infiniteCell(
    data,
    Array.from({ length: columns }, (_, column) => String(column)),
  );
  if (infinite !== null) return infinite;
  const order = canonicalOrder(data, columns, x.length, []);
  const size = Math.min(sampleSize, x.length);
  const limit = Math.ceil(Math.log2(size));
  const model: IsolationForestModel = {
    format: forestFormat,
    columns,
    sampleSize: size,
    sizes: [],
    nodes: [],
    values: [],
  };
  for (let tree = 0; tree < trees; tree += 1) {
    const growing = new ForestTree(data, columns, limit, random);
    const rows = Array.from(sampleInOrder(x.length, size, random), (at) => order[at] as number);
    growing.grow(rows, 0);
    storeTree(model, growing.grown);
  }
  return model;
};

const compiled = new WeakMap<IsolationForestModel, CompiledTrees>();

const compiledForest = (model: IsolationForestModel): CompiledTrees => {
  const known = compiled.get(model);
  if (known !== undefined) return known;
  demand(model.format === forestFormat, `model: format must be ${forestFormat}`);
  demandInteger('model: columns', model.columns, 1, 1e6);
  demandInteger('model: sampleSize', model.sampleSize, 2, 65_536);
  demand(model.sizes.length > 0, 'model: no trees');
  const trees = compileTrees(model, model.columns, (_, threshold) => threshold);
  compiled.set(model, trees);
  return trees;
};

/**
 * Anomaly score 2^(−E[h(x)] / c(ψ)) per row, in 0–1 (Liu et al. 2008, equation 2): near 1 is an anomaly, at or below 0.5
 * ordinary. NaN is a missing value.
 */
export const anomalyScore = (model: IsolationForestModel, x: Rows): number[] => {
  const trees = compiledForest(model);
  const sums = sumTrees(trees, x.length, 0, (index, block, at) => {
    const row = x[index];
    demand(Array.isArray(row) && row.length === model.columns, `row ${index} of x must have ${model.columns} columns`);
    layRow(row as readonly number[], 0, model.columns, block, at);
  });
  const scale = model.sizes.length * meanPathLength(model.sampleSize);
  return Array.from(sums, (sum) => 2 ** (-sum / scale));
};
