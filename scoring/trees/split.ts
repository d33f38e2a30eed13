/** The best split of one node, from its histogram. */

export interface NodeSums {
  /** Sums of gradient and hessian, rows. */
  g: number;
  h: number;
  n: number;
  /** The weights a leaf below may take, both included: what splits on monotone columns above allow. */
  low: number;
  high: number;
}

export interface Split {
  feature: number;
  /** Bins up to this one go left. */
  bin: number;
  missingLeft: boolean;
  gain: number;
  left: NodeSums;
  right: NodeSums;
}

export interface SplitRules {
  minLeaf: number;
  l2: number;
  /** −1, 0 or 1 per column. */
  monotone: Int8Array;
  /** No hessians: the count is the hessian. */
  unitHessian: boolean;
  /** A gain at or below this is rounding, not structure. */
  minGain: number;
  /** Limits of a leaf's weight before the learning rate: log-odds stay finite when a leaf is pure. */
  lowest: number;
  highest: number;
}

/** The weight that lowers the loss most within its limits: −G/(H + l2), clipped. */
export const weightOf = (g: number, h: number, low: number, high: number, l2: number): number => {
  const weight = h + l2 > 0 ? -g / (h + l2) : 0;
  return weight < low ? low : weight > high ? high : weight;
};

/** Twice what a weight takes off the loss: −(2Gw + (H + l2)w²); G²/(H + l2) where it is not clipped. */
const reduction = (g: number, h: number, weight: number, l2: number): number =>
  -(2 * g * weight + (h + l2) * weight * weight);

/**
 * Tries every bin of every column; with missing values in the node both of their directions. The first best wins, so
 * ties fall to the lower column and bin. null when nothing gains.
 */
export const bestSplit = (
  histogram: Float64Array,
  sums: NodeSums,
  features: Int32Array,
  offsets: Int32Array,
  counts: readonly number[],
  rules: SplitRules,
): Split | null => {
  const { minLeaf, l2, unitHessian, lowest, highest } = rules;
  const { g, h, n, low, high } = sums;
  if (n < 2 * minLeaf) return null;
  const hessianAt = unitHessian ? 1 : 2;
  const limited = low !== -Infinity || high !== Infinity || lowest !== -Infinity || highest !== Infinity;
  const own = reduction(g, h, weightOf(g, h, low, high, l2), l2);
  let best = own + rules.minGain;
  let feature = -1;
  let bestBin = 0;
  let missingLeft = true;
  let bestG = 0;
  let bestH = 0;
  let bestN = 0;
  for (const column of features) {
    const bins = counts[column] as number;
    const offset = (offsets[column] as number) * 3;
    const direction = rules.monotone[column] as number;
    const missing = offset + bins * 3;
    const missingN = histogram[missing + 1] as number;
    const general = limited || direction !== 0;
    // Without missing rows one pass is enough; the last bin is a split only from them.
    for (let pass = 0; pass < (missingN > 0 ? 2 : 1); pass += 1) {
      const joins = missingN > 0 && pass === 1;
      let leftG = joins ? (histogram[missing] as number) : 0;
      let leftN = joins ? missingN : 0;
      let leftH = joins ? (histogram[missing + hessianAt] as number) : 0;
      const last = missingN > 0 && pass === 0 ? bins : bins - 1;
      for (let bin = 0; bin < last; bin += 1) {
        const slot = offset + bin * 3;
        const inBin = histogram[slot + 1] as number;
        if (inBin === 0) continue;
        leftG += histogram[slot] as number;
        leftN += inBin;
        leftH += histogram[slot + hessianAt] as number;
        if (leftN < minLeaf) continue;
        if (n - leftN < minLeaf) break;
        const rightG = g - leftG;
        const rightH = h - leftH;
        let score: number;
        if (general) {
          const left = weightOf(leftG, leftH, low, high, l2);
          const right = weightOf(rightG, rightH, low, high, l2);
          if (direction !== 0 && direction * (right - left) < 0) continue;
          score = reduction(leftG, leftH, left, l2) + reduction(rightG, rightH, right, l2);
        } else {
          score = (leftG * leftG) / (leftH + l2) + (rightG * rightG) / (rightH + l2);
        }
        if (score > best) {
          best = score;
          feature = column;
          bestBin = bin;
          // Where no row of the node lacks the value, an unseen gap follows the larger side.
          missingLeft = missingN > 0 ? joins : leftN * 2 >= n;
          bestG = leftG;
          bestH = leftH;
          bestN = leftN;
        }
      }
    }
  }
  if (feature < 0) return null;
  const left: NodeSums = { g: bestG, h: bestH, n: bestN, low, high };
  const right: NodeSums = { g: g - bestG, h: h - bestH, n: n - bestN, low, high };
  const direction = rules.monotone[feature] as number;
  if (direction !== 0) {
    const middle = (weightOf(left.g, left.h, low, high, l2) + weightOf(right.g, right.h, low, high, l2)) / 2;
    if (direction > 0) {
      left.high = middle;
      right.low = middle;
    } else {
      left.low = middle;
      right.high = middle;
    }
  }
  return { feature, bin: bestBin, missingLeft, gain: best - own, left, right };
};
