/**
 * Columns as small whole numbers: bin k holds the values in (edges[k−1], edges[k]], the last bin everything above. Edges
 * are values that were seen, chosen by rank alone, so a strictly increasing change of scale changes no bin.
 */

/** Bins fit a byte with one place left for "missing". */
export const maxBins = 255;

export interface BinnedColumns {
  /** One array per column, a bin per row; a missing value is in bin `counts[column]`, one past the last. */
  bins: Uint8Array[];
  /** Bins in use per column, without the missing one. */
  counts: number[];
  /** Inner upper edges per column: `counts[column] − 1` of them, ascending. */
  edges: number[][];
}

/**
 * Inner edges for ascending values: one bin per distinct value where they fit, else bins of about equal size in which
 * equal values stay together and a heavy value has a bin to itself.
 */
export const quantileEdges = (sorted: ArrayLike<number>, bins: number): number[] => {
  const distinct: number[] = [];
  const weights: number[] = [];
  for (let at = 0; at < sorted.length; at += 1) {
    const value = sorted[at] as number;
    if (distinct.length > 0 && distinct[distinct.length - 1] === value) {
      weights[weights.length - 1] = (weights[weights.length - 1] as number) + 1;
    } else {
      distinct.push(value);
      weights.push(1);
    }
  }
  if (distinct.length <= bins) return distinct.slice(0, -1);
  const edges: number[] = [];
  let rest = sorted.length;
  let inBin = 0;
  for (let at = 0; at < distinct.length - 1 && edges.length < bins - 1; at += 1) {
    const weight = weights[at] as number;
    inBin += weight;
    const target = rest / (bins - edges.length);
    // A heavy value ahead starts its own bin; this one closes early rather than swallow it.
    if (inBin >= target || (weights[at + 1] as number) >= target * 2) {
      edges.push(distinct[at] as number);
      rest -= inBin;
      inBin = 0;
    }
  }
  return edges;
};

/** The bin of a value: how many edges lie strictly below it. */
export const binOf = (value: number, edges: ArrayLike<number>): number => {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= (edges[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
};

/** Bins the rows of a row-major array in the order given. */
export const binColumns = (data: Float64Array, columns: number, order: Int32Array, maximum: number): BinnedColumns => {
  const result: BinnedColumns = { bins: [], counts: [], edges: [] };
  const present = new Float64Array(order.length);
  for (let column = 0; column < columns; column += 1) {
    let have = 0;
    for (const row of order) {
      const value = data[row * columns + column] as number;
      if (!Number.isNaN(value)) {
        present[have] = value;
        have += 1;
      }
    }
    const edges = quantileEdges(present.slice(0, have).sort(), maximum);
    const bins = new Uint8Array(order.length);
    for (let at = 0; at < order.length; at += 1) {
      const value = data[(order[at] as number) * columns + column] as number;
      bins[at] = Number.isNaN(value) ? edges.length + 1 : binOf(value, edges);
    }
    result.bins.push(bins);
    result.counts.push(edges.length + 1);
    result.edges.push(edges);
  }
  return result;
};
