/**
 * Harrell's concordance: of all pairs whose order of failure is known, the share in which who failed first had the higher
 * risk. Rules of R's survival::concordance: a row censored at the time of a failure outlives it; two failures at one time are
 * not a pair; equal risks count one half; with entries the other row must be watched at the failure; pairs are within a stratum.
 */
import { everyRow, finiteValues, readLifetimes, type LifetimeInput, type Lifetimes } from './lifetimes.ts';
import { insufficientData, type Refusal } from './refusal.ts';

export interface PairCounts {
  concordant: number;
  discordant: number;
  tied: number;
  /** The three together. */
  comparable: number;
}

/** How many rows are present at each rank, with prefix sums in O(log n) (Fenwick 1994). */
class RankCounts {
  readonly #tree: Float64Array;
  constructor(size: number) {
    this.#tree = new Float64Array(size + 1);
  }
  add(rank: number, amount: number): void {
    for (let i = rank + 1; i < this.#tree.length; i += i & -i) this.#tree[i] = (this.#tree[i] as number) + amount;
  }
  /** Sum over ranks below `rank`. */
  below(rank: number): number {
    let sum = 0;
    for (let i = rank; i > 0; i -= i & -i) sum += this.#tree[i] as number;
    return sum;
  }
}

/** Ranks from 0 with equal values sharing one; values whose neighbours are within `tolerance` are equal. */
export const tiedWithin = (values: Float64Array, tolerance: number): Int32Array => {
  const order = everyRow(values.length).sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Int32Array(values.length);
  let rank = 0;
  for (let at = 1; at < order.length; at++) {
    const here = order[at] as number;
    if ((values[here] as number) - (values[order[at - 1] as number] as number) > tolerance) rank++;
    ranks[here] = rank;
  }
  return ranks;
};

/**
 * Counts the pairs in O(n log n), each failure's weighing `weightOf(time)` (1 when left out). `ranks` orders the risks.
 */
export const countPairs = (
  lifetimes: Lifetimes,
  ranks: Int32Array,
  weightOf?: (time: number) => number,
): PairCounts => {
  const { count, time, event, entry, stratum, longestFirst: order, latestEntryFirst: leaving } = lifetimes;
  const size = ranks.reduce((most, rank) => Math.max(most, rank), -1) + 1;
  let present = new RankCounts(size);
  let presentCount = 0;
  let concordant = 0;
  let discordant = 0;
  let tied = 0;
  let left = 0;
  let home = -1;
  const join = (row: number): void => {
    present.add(ranks[row] as number, 1);
    presentCount++;
  };
  for (let start = 0; start < count;) {
    const first = order[start] as number;
    const t = time[first] as number;
    if (stratum[first] !== home) {
      home = stratum[first] as number;
      present = new RankCounts(size);
      presentCount = 0;
      while (left < count && leaving !== null && (stratum[leaving[left] as number] as number) < home) left++;
    }
    let end = start;
    for (; end < count && time[order[end] as number] === t && stratum[order[end] as number] === home; end++) {
      const row = order[end] as number;
      if (event[row] === 0) join(row);
    }
    if (leaving !== null && entry !== null) {
      for (; left < count; left++) {
        const row = leaving[left] as number;
        if (stratum[row] !== home || (entry[row] as number) < t) break;
        present.add(ranks[row] as number, -1);
        presentCount--;
      }
    }
    const weight = weightOf === undefined ? 1 : weightOf(t);
    for (let at = start; at < end && presentCount > 0 && weight > 0; at++) {
      const row = order[at] as number;
      if (event[row] === 0) continue;
      const rank = ranks[row] as number;
      const lower = present.below(rank);
      const upTo = present.below(rank + 1);
      concordant += weight * lower;
      tied += weight * (upTo - lower);
      discordant += weight * (presentCount - upTo);
    }
    for (let at = start; at < end; at++) {
      const row = order[at] as number;
      if (event[row] === 1) join(row);
    }
    start = end;
  }
  return { concordant, discordant, tied, comparable: concordant + discordant + tied };
};

/** Risks as finite numbers, one per time. */
export const readRisk = (risk: readonly number[], count: number): Float64Array | Refusal => {
  if (risk.length !== count) throw new RangeError(`risk has ${risk.length} values, time has ${count}`);
  return finiteValues('risk', risk);
};

/**
 * Harrell's C of a risk score (higher = fails sooner), 0–1.
 * Without a comparable pair: `insufficient_data` (pairs); NaN or an infinity: `non_finite`.
 * @throws RangeError for lengths that differ, negative times, events other than 0 and 1, an entry not before its time.
 */
export const concordance = (input: LifetimeInput & { risk: readonly number[] }): number | Refusal => {
  const lifetimes = readLifetimes(input);
  const risk = readRisk(input.risk, input.time.length);
  if ('kind' in lifetimes) return lifetimes;
  if ('kind' in risk) return risk;
  const pairs = countPairs(lifetimes, tiedWithin(risk, 0));
  return pairs.comparable === 0 ? insufficientData(0, 1) : (pairs.concordant + pairs.tied / 2) / pairs.comparable;
};
