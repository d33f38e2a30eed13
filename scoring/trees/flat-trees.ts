/**
 * Binary trees as flat arrays: the stored form (JSON) and the form that is walked.
 *
 * Stored, trees follow one another, each breadth first, so the k-th inner node's children are its nodes 2k+1 and 2k+2
 * and need no pointers. Walked, a node sends a row to its left child unless `row[feature] > threshold`. A row is laid
 * out twice: once with −Infinity for missing values (they go left), once with +Infinity (they go right); a node names
 * the copy that suits the direction it learned, so no node ever asks whether a value is missing. A leaf is its own left
 * child under a threshold nothing exceeds: every row takes `depth` steps and no step branches.
 */
import { demand } from './demand.ts';

/** The stored form. */
export interface StoredTrees {
  /** Nodes per tree. */
  sizes: number[];
  /** Per node: −1 for a leaf, the column when missing goes left, column + columns when missing goes right. */
  nodes: number[];
  /** Per node: the leaf's value, or the threshold (or its place in an edge list), as the model says. */
  values: number[];
}

/** The walked form. */
export interface CompiledTrees {
  columns: number;
  roots: Int32Array;
  depths: Int32Array;
  feature: Int32Array;
  threshold: Float64Array;
  left: Int32Array;
  value: Float64Array;
}

export const leaf = -1;
/** Rows walked together: their doubled copy stays in the first-level cache. */
export const blockRows = 64;

/** Checks the stored form and lays it out for walking. `thresholdAt` turns a node's stored value into a threshold. */
export const compileTrees = (
  stored: StoredTrees,
  columns: number,
  thresholdAt: (column: number, value: number) => number,
): CompiledTrees => {
  const count = stored.nodes.length;
  demand(stored.values.length === count, 'model: nodes and values differ in length');
  demand(
    stored.sizes.reduce((sum, size) => sum + size, 0) === count,
    'model: the sizes of the trees do not add up to its nodes',
  );
  const trees: CompiledTrees = {
    columns,
    roots: new Int32Array(stored.sizes.length),
    depths: new Int32Array(stored.sizes.length),
    feature: new Int32Array(count),
    threshold: new Float64Array(count).fill(Infinity),
    left: new Int32Array(count),
    value: new Float64Array(count),
  };
  const level = new Int32Array(count);
  let root = 0;
  stored.sizes.forEach((size, tree) => {
    trees.roots[tree] = root;
    let child = root + 1;
    for (let node = root; node < root + size; node += 1) {
      const code = stored.nodes[node] as number;
      const value = stored.values[node] as number;
      demand(Number.isFinite(value), 'model: a value is not a finite number');
      if (code === leaf) {
        trees.left[node] = node;
        trees.value[node] = value;
        continue;
      }
      demand(Number.isInteger(code) && code >= 0 && code < 2 * columns, 'model: a node names no column');
      demand(child > node && child + 1 < root + size, 'model: a tree is cut short');
      trees.feature[node] = code;
      trees.threshold[node] = thresholdAt(code % columns, value);
      trees.left[node] = child;
      const depth = (level[node] as number) + 1;
      level[child] = depth;
      level[child + 1] = depth;
      trees.depths[tree] = Math.max(trees.depths[tree] as number, depth);
      child += 2;
    }
    demand(child === root + size, 'model: a tree has nodes that nothing reaches');
    root += size;
  });
  return trees;
};

/** Writes one row in both copies; an infinite value counts as the largest finite one, which only missing exceeds. */
export const layRow = (values: ArrayLike<number>, from: number, columns: number, target: Float64Array, at: number) => {
  for (let column = 0; column < columns; column += 1) {
    const value = values[from + column] as number;
    if (value !== value) {
      target[at + column] = -Infinity;
      target[at + columns + column] = Infinity;
    } else {
      const finite =
        value > Number.MAX_VALUE ? Number.MAX_VALUE : value < -Number.MAX_VALUE ? -Number.MAX_VALUE : value;
      target[at + column] = finite;
      target[at + columns + column] = finite;
    }
  }
};

/**
 * Adds every tree's leaf value to `sums` for `rows` laid-out rows (a block padded to a multiple of four). Four rows walk
 * a tree at once: their memory accesses do not wait for one another. Trees are added in order, so a row's sum does not
 * depend on the rows beside it.
 */
export const addTrees = (trees: CompiledTrees, block: Float64Array, rows: number, sums: Float64Array): void => {
  const { roots, depths, feature, threshold, left, value } = trees;
  const width = trees.columns * 2;
  for (let tree = 0; tree < roots.length; tree += 1) {
    const root = roots[tree] as number;
    const depth = depths[tree] as number;
    for (let row = 0; row < rows; row += 4) {
      const o0 = row * width;
      const o1 = o0 + width;
      const o2 = o1 + width;
      const o3 = o2 + width;
      let n0 = root;
      let n1 = root;
      let n2 = root;
      let n3 = root;
      for (let step = 0; step < depth; step += 1) {
        n0 = (left[n0] as number) + Number((block[o0 + (feature[n0] as number)] as number) > (threshold[n0] as number));
        n1 = (left[n1] as number) + Number((block[o1 + (feature[n1] as number)] as number) > (threshold[n1] as number));
        n2 = (left[n2] as number) + Number((block[o2 + (feature[n2] as number)] as number) > (threshold[n2] as number));
        n3 = (left[n3] as number) + Number((block[o3 + (feature[n3] as number)] as number) > (threshold[n3] as number));
      }
      sums[row] = (sums[row] as number) + (value[n0] as number);
      sums[row + 1] = (sums[row + 1] as number) + (value[n1] as number);
      sums[row + 2] = (sums[row + 2] as number) + (value[n2] as number);
      sums[row + 3] = (sums[row + 3] as number) + (value[n3] as number);
    }
  }
};

/**
 * Sums of leaf values, starting at `base`, for `count` rows. `lay` writes row `index` into `block` at an offset: rows are
 * laid out a block at a time, so no copy of all of them is made.
 */
export const sumTrees = (
  trees: CompiledTrees,
  count: number,
  base: number,
  lay: (index: number, block: Float64Array, at: number) => void,
): Float64Array => {
  const width = trees.columns * 2;
  const block = new Float64Array(Math.min(blockRows, Math.ceil(count / 4) * 4) * width);
  const blockSums = new Float64Array(blockRows);
  const sums = new Float64Array(count);
  for (let start = 0; start < count; start += blockRows) {
    const rows = Math.min(blockRows, count - start);
    for (let row = 0; row < rows; row += 1) lay(start + row, block, row * width);
    blockSums.fill(base);
    addTrees(trees, block, Math.ceil(rows / 4) * 4, blockSums);
    sums.set(blockSums.subarray(0, rows), start);
  }
  return sums;
};

/** A tree while it grows: children by place, in any order. */
export interface GrownTree {
  nodes: number[];
  values: number[];
  left: number[];
  right: number[];
}

/** Appends a grown tree to the stored form, breadth first. */
export const storeTree = (stored: StoredTrees, tree: GrownTree): void => {
  const queue = [0];
  for (let at = 0; at < queue.length; at += 1) {
    const node = queue[at] as number;
    stored.nodes.push(tree.nodes[node] as number);
    stored.values.push(tree.values[node] as number);
    if (tree.nodes[node] !== leaf) queue.push(tree.left[node] as number, tree.right[node] as number);
  }
  stored.sizes.push(queue.length);
};
