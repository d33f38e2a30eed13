/**
 * One tree of second-order gradient boosting over histograms (Friedman 2001; Chen & Guestrin 2016, XGBoost §2–3).
 *
 * A leaf's weight is −G/(H + l2); a split's gain is what it takes off the quadratic loss. Missing values go to the side
 * where they help more. A monotone column splits only if its children's weights are in order, and the middle between
 * them bounds everything below on either side: that keeps the order through whatever later splits do.
 */
import type { BinnedColumns } from './binning.ts';
import { leaf, type GrownTree } from './flat-trees.ts';
import type { RandomSource } from './random.ts';
import { sampleInOrder } from './random.ts';
import { bestSplit, weightOf, type NodeSums, type Split, type SplitRules } from './split.ts';

export interface TreeParams {
  depth: number;
  learningRate: number;
  /** Share of columns each tree may use. */
  columnSample: number;
}

/** Shortest decimal of seven digits: a leaf needs no more, and rounding keeps order. */
const rounded = (value: number): number => Number(value.toPrecision(7));

/** What trees grow from; gradient, hessian and scores are read and written in place, round by round. */
export interface GrowthSetup {
  data: BinnedColumns;
  params: TreeParams;
  rules: SplitRules;
  gradient: Float64Array;
  /** null when every row weighs one (squared loss): the count is the hessian. */
  hessian: Float64Array | null;
  scores: Float64Array;
  random: RandomSource;
}

export class TreeGrower {
  private readonly data: BinnedColumns;
  private readonly params: TreeParams;
  private readonly rules: SplitRules;
  private readonly gradient: Float64Array;
  private readonly hessian: Float64Array | null;
  private readonly scores: Float64Array;
  private readonly random: RandomSource;
  private readonly columns: Uint8Array[];
  private readonly offsets: Int32Array;
  private readonly slots: number;
  private readonly usable: Int32Array;
  private readonly free: Float64Array[] = [];
  private readonly rows: Int32Array;
  private readonly spare: Int32Array;
  private readonly gradientInOrder: Float64Array;
  private readonly hessianInOrder: Float64Array;
  private tree: GrownTree = { nodes: [], values: [], left: [], right: [] };
  private features: Int32Array = new Int32Array(0);
  /** Gain per column, over all trees grown so far. */
  readonly importance: Float64Array;

  constructor(setup: GrowthSetup) {
    const { data, gradient, hessian } = setup;
    this.data = data;
    this.params = setup.params;
    this.rules = setup.rules;
    this.gradient = gradient;
    this.hessian = hessian;
    this.scores = setup.scores;
    this.random = setup.random;
    const total = gradient.length;
    this.columns = data.bins;
    this.offsets = new Int32Array(data.counts.length);
    let slots = 0;
    data.counts.forEach((count, column) => {
      this.offsets[column] = slots;
      slots += count + 1;
    });
    this.slots = slots;
    // A column of one value splits only where some rows lack it.
    this.usable = Int32Array.from(data.counts.keys()).filter((column) => {
      const count = data.counts[column] as number;
      return count > 1 || (data.bins[column] as Uint8Array).includes(count);
    });
    this.rows = new Int32Array(total);
    this.spare = new Int32Array(total);
    this.gradientInOrder = new Float64Array(total);
    this.hessianInOrder = new Float64Array(hessian === null ? 0 : total);
    this.importance = new Float64Array(data.counts.length);
  }

  /** Grows a tree on these rows and adds its leaves to their scores. */
  grow(rows: Int32Array): GrownTree {
    this.tree = { nodes: [], values: [], left: [], right: [] };
    this.rows.set(rows);
    this.features = this.chooseColumns();
    let g = 0;
    let h = 0;
    for (const row of rows) {
      g += this.gradient[row] as number;
      h += this.hessian === null ? 1 : (this.hessian[row] as number);
    }
    const sums: NodeSums = { g, h, n: rows.length, low: this.rules.lowest, high: this.rules.highest };
    const histogram = this.take();
    this.fill(histogram, 0, rows.length);
    this.node(0, rows.length, 0, histogram, sums);
    return this.tree;
  }

  private chooseColumns(): Int32Array {
    const { usable } = this;
    const wanted = Math.max(1, Math.round(usable.length * this.params.columnSample));
    if (wanted >= usable.length) return usable;
    return sampleInOrder(usable.length, wanted, this.random).map((at) => usable[at] as number);
  }

  private take(): Float64Array {
    const histogram = this.free.pop();
    if (histogram === undefined) return new Float64Array(this.slots * 3);
    return histogram.fill(0);
  }

  /** Sums of gradient, hessian and rows per bin. Without hessians the third of each slot stays unused. */
  private fill(histogram: Float64Array, start: number, end: number): void {
    const { rows, gradient, hessian, gradientInOrder, hessianInOrder } = this;
    for (let at = start; at < end; at += 1) gradientInOrder[at] = gradient[rows[at] as number] as number;
    if (hessian !== null) {
      for (let at = start; at < end; at += 1) hessianInOrder[at] = hessian[rows[at] as number] as number;
    }
    for (const feature of this.features) {
      const bins = this.columns[feature] as Uint8Array;
      const offset = (this.offsets[feature] as number) * 3;
      if (hessian === null) addPlain(histogram, bins, rows, gradientInOrder, start, end, offset);
      else addWeighted(histogram, bins, rows, gradientInOrder, hessianInOrder, start, end, offset);
    }
  }

  private addLeaf(start: number, end: number, sums: NodeSums): number {
    const value = rounded(this.params.learningRate * weightOf(sums.g, sums.h, sums.low, sums.high, this.rules.l2));
    for (let at = start; at < end; at += 1) {
      const row = this.rows[at] as number;
      this.scores[row] = (this.scores[row] as number) + value;
    }
    return this.place(leaf, value);
  }

  private place(code: number, value: number): number {
    const { nodes, values, left, right } = this.tree;
    left.push(0);
    right.push(0);
    values.push(value);
    return nodes.push(code) - 1;
  }

  /** Grows the subtree of rows[start, end); the histogram is given back when done. Returns the node's place. */
  private node(start: number, end: number, depth: number, histogram: Float64Array | null, sums: NodeSums): number {
    const split =
      histogram === null ? null : bestSplit(histogram, sums, this.features, this.offsets, this.data.counts, this.rules);
    if (split === null) {
      if (histogram !== null) this.free.push(histogram);
      return this.addLeaf(start, end, sums);
    }
    this.importance[split.feature] = (this.importance[split.feature] as number) + split.gain;
    const middle = this.partition(start, end, split);
    const code = split.feature + (split.missingLeft ? 0 : this.data.counts.length);
    const place = this.place(code, split.bin);
    const [forLeft, forRight] = this.childHistograms(start, middle, end, depth + 1, histogram as Float64Array);
    this.tree.left[place] = this.node(start, middle, depth + 1, forLeft, split.left);
    this.tree.right[place] = this.node(middle, end, depth + 1, forRight, split.right);
    return place;
  }

  /** Fills the smaller child's histogram and takes it from the parent's, which becomes the larger child's. */
  private childHistograms(
    start: number,
    middle: number,
    end: number,
    depth: number,
    parent: Float64Array,
  ): [Float64Array | null, Float64Array | null] {
    const needed = (rows: number): boolean => depth < this.params.depth && rows >= 2 * this.rules.minLeaf;
    const leftIsSmaller = middle - start <= end - middle;
    if (!needed(leftIsSmaller ? end - middle : middle - start)) {
      this.free.push(parent);
      return [null, null];
    }
    const smaller = this.take();
    if (leftIsSmaller) this.fill(smaller, start, middle);
    else this.fill(smaller, middle, end);
    for (let at = 0; at < smaller.length; at += 1) {
      parent[at] = (parent[at] as number) - (smaller[at] as number);
    }
    const kept = needed(leftIsSmaller ? middle - start : end - middle) ? smaller : null;
    if (kept === null) this.free.push(smaller);
    return leftIsSmaller ? [kept, parent] : [parent, kept];
  }

  /** Moves the rows that go left to the front, both sides in their old order. Returns where the right side begins. */
  private partition(start: number, end: number, split: Split): number {
    const { rows, spare } = this;
    const bins = this.columns[split.feature] as Uint8Array;
    const missing = this.data.counts[split.feature] as number;
    let left = start;
    let right = 0;
    for (let at = start; at < end; at += 1) {
      const row = rows[at] as number;
      const bin = bins[row] as number;
      if (bin === missing ? split.missingLeft : bin <= split.bin) {
        rows[left] = row;
        left += 1;
      } else {
        spare[right] = row;
        right += 1;
      }
    }
    rows.set(spare.subarray(0, right), left);
    return left;
  }
}

const addPlain = (
  histogram: Float64Array,
  bins: Uint8Array,
  rows: Int32Array,
  gradient: Float64Array,
  start: number,
  end: number,
  offset: number,
): void => {
  for (let at = start; at < end; at += 1) {
    const slot = offset + (bins[rows[at] as number] as number) * 3;
    histogram[slot] = (histogram[slot] as number) + (gradient[at] as number);
    histogram[slot + 1] = (histogram[slot + 1] as number) + 1;
  }
};

const addWeighted = (
  histogram: Float64Array,
  bins: Uint8Array,
  rows: Int32Array,
  gradient: Float64Array,
  hessian: Float64Array,
  start: number,
  end: number,
  offset: number,
): void => {
  for (let at = start; at < end; at += 1) {
    const slot = offset + (bins[rows[at] as number] as number) * 3;
    histogram[slot] = (histogram[slot] as number) + (gradient[at] as number);
    histogram[slot + 1] = (histogram[slot + 1] as number) + 1;
    histogram[slot + 2] = (histogram[slot + 2] as number) + (hessian[at] as number);
  }
};

/** Adds a tree's leaves to rows that did not grow it. */
export const addTreeToRows = (tree: GrownTree, data: BinnedColumns, rows: Int32Array, scores: Float64Array): void => {
  const columns = data.counts.length;
  for (const row of rows) {
    let node = 0;
    for (let code = tree.nodes[0] as number; code !== leaf; code = tree.nodes[node] as number) {
      const feature = code % columns;
      const bin = (data.bins[feature] as Uint8Array)[row] as number;
      const goesLeft = bin === data.counts[feature] ? code < columns : bin <= (tree.values[node] as number);
      node = (goesLeft ? tree.left[node] : tree.right[node]) as number;
    }
    scores[row] = (scores[row] as number) + (tree.values[node] as number);
  }
};
