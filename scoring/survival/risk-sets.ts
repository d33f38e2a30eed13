/**
 * Lifetimes laid out for the partial likelihood: rows that are at risk at some failure, stratum by stratum from the longest
 * lifetime to the shortest, cut into blocks that join the risk set together. One block per distinct failure time.
 */
import type { Lifetimes } from './lifetimes.ts';

export interface RiskSets {
  /** Rows of the input, in the order described above. Everything below counts places in this list. */
  rows: Int32Array;
  event: Uint8Array;
  blockCount: number;
  /** Block b holds the places blockStart[b] … blockStart[b + 1] − 1. Its failures happen at blockTime[b]. */
  blockStart: Int32Array;
  blockTime: Float64Array;
  /** The first block of the stratum that block b is in. */
  stratumStart: Int32Array;
  /** Block of each place, and the last block (earliest failure) at which it is still watched. */
  block: Int32Array;
  lastBlock: Int32Array;
  /** Stratum of each block. */
  stratum: Int32Array;
  /** Places from the latest entry to the earliest, stratum by stratum, with the block after which each has left; null: no entries. */
  leaving: Int32Array | null;
}

/** Lays out the risk sets; rows that no failure compares with anybody are left out (they carry no information). */
export const layOutRiskSets = (lifetimes: Lifetimes): RiskSets => {
  const { count, time, event, entry, stratum, longestFirst: order, latestEntryFirst } = lifetimes;

  // From the shortest lifetime up: the latest failure at or before a row's end must lie after its entry.
  const isInformative = new Uint8Array(count);
  const failureAtOrBefore = new Float64Array(count);
  for (let end = count; end > 0;) {
    const home = stratum[order[end - 1] as number] as number;
    let latest = -1;
    while (end > 0 && stratum[order[end - 1] as number] === home) {
      const t = time[order[end - 1] as number] as number;
      let start = end;
      while (start > 0 && stratum[order[start - 1] as number] === home && time[order[start - 1] as number] === t) {
        start--;
        if (event[order[start] as number] === 1) latest = t;
      }
      for (let at = start; at < end; at++) {
        const row = order[at] as number;
        failureAtOrBefore[row] = latest;
        isInformative[row] = latest >= 0 && (entry === null || latest > (entry[row] as number)) ? 1 : 0;
      }
      end = start;
    }
  }

  const rows = order.filter((row) => isInformative[row] === 1);
  const size = rows.length;
  const block = new Int32Array(size);
  const starts: number[] = [];
  const times: number[] = [];
  const homes: number[] = [];
  const firstOfStratum: number[] = [];
  for (let place = 0; place < size; place++) {
    const row = rows[place] as number;
    const home = stratum[row] as number;
    const t = failureAtOrBefore[row] as number;
    const last = starts.length - 1;
    if (last < 0 || homes[last] !== home || times[last] !== t) {
      firstOfStratum.push(last >= 0 && homes[last] === home ? (firstOfStratum[last] as number) : starts.length);
      starts.push(place);
      times.push(t);
      homes.push(home);
    }
    block[place] = starts.length - 1;
  }
  const blockCount = starts.length;
  starts.push(size);
  const blockTime = Float64Array.from(times);
  const stratumStart = Int32Array.from(firstOfStratum);
  const blockStratum = Int32Array.from(homes);

  const endOfStratum = new Int32Array(blockCount);
  for (let b = blockCount - 1; b >= 0; b--) {
    endOfStratum[b] = b + 1 < blockCount && homes[b + 1] === homes[b] ? (endOfStratum[b + 1] as number) : b;
  }
  const lastBlock = new Int32Array(size);
  for (let place = 0; place < size; place++) {
    let low = block[place] as number;
    let high = endOfStratum[low] as number;
    const since = entry === null ? -1 : (entry[rows[place] as number] as number);
    if ((blockTime[high] as number) <= since) {
      // The block at `low` is watched, the one at `high` is not.
      while (high - low > 1) {
        const middle = (low + high) >>> 1;
        if ((blockTime[middle] as number) > since) low = middle;
        else high = middle;
      }
      high = low;
    }
    lastBlock[place] = high;
  }

  let leaving: Int32Array | null = null;
  if (latestEntryFirst !== null) {
    const placeOf = new Int32Array(count).fill(-1);
    rows.forEach((row, place) => (placeOf[row] = place));
    leaving = latestEntryFirst
      .map((row) => placeOf[row] as number)
      .filter((place) => place >= 0 && (lastBlock[place] as number) < (endOfStratum[block[place] as number] as number));
  }
  return {
    rows,
    event: Uint8Array.from(rows, (row) => event[row] as number),
    blockCount,
    blockStart: Int32Array.from(starts),
    blockTime,
    stratumStart,
    block,
    lastBlock,
    stratum: blockStratum,
    leaving,
  };
};

/**
 * The largest score in each block's risk set: rows from the highest score down claim every block they are watched in that
 * nobody has claimed yet.
 */
export const highestAtRisk = (sets: RiskSets, score: Float64Array): Float64Array => {
  const { blockCount, block, lastBlock } = sets;
  const highest = new Float64Array(blockCount);
  const next = Int32Array.from({ length: blockCount + 1 }, (_, b) => b);
  const unclaimed = (from: number): number => {
    let root = from;
    while (next[root] !== root) root = next[root] as number;
    for (let b = from; b !== root;) {
      const after = next[b] as number;
      next[b] = root;
      b = after;
    }
    return root;
  };
  const order = Int32Array.from({ length: score.length }, (_, place) => place).sort(
    (a, b) => (score[b] as number) - (score[a] as number),
  );
  for (const place of order) {
    const last = lastBlock[place] as number;
    for (let b = unclaimed(block[place] as number); b <= last; b = unclaimed(b)) {
      highest[b] = score[place] as number;
      next[b] = b + 1;
    }
  }
  return highest;
};
