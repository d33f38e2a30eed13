/**
 * The product-limit estimate of survival, with left truncation, and the same turned round for censoring.
 * Kaplan & Meier (1958), JASA 53:457–481; Greenwood (1926) for its variance; Tsai, Jewell & Wang (1987) for entries.
 */
import { readLifetimes, type LifetimeInput, type Lifetimes } from './lifetimes.ts';
import { insufficientData, type Refusal } from './refusal.ts';

export interface KaplanMeier {
  /** Every distinct time, ascending. */
  time: number[];
  /** S(t), just after the failures at t. */
  survival: number[];
  /** Greenwood's standard error of S(t); null once S is 0, where it has none. */
  standardError: (number | null)[];
  /** Rows with entry < t ≤ time. */
  atRisk: number[];
  events: number[];
}

/** Failures, censorings and rows at risk at each distinct time, ascending. */
interface LifeTable {
  time: Float64Array;
  atRisk: Float64Array;
  events: Float64Array;
  censored: Float64Array;
}

const lifeTable = (lifetimes: Lifetimes): LifeTable => {
  const { count, time, event, entry, longestFirst: order, latestEntryFirst: entryOrder } = lifetimes;
  const times: number[] = [];
  const atRisk: number[] = [];
  const events: number[] = [];
  const censored: number[] = [];
  let left = 0;
  for (let at = 0; at < count;) {
    const t = time[order[at] as number] as number;
    let failures = 0;
    const start = at;
    for (; at < count && time[order[at] as number] === t; at++) failures += event[order[at] as number] as number;
    if (entry !== null && entryOrder !== null) {
      while (left < count && (entry[entryOrder[left] as number] as number) >= t) left++;
    }
    times.push(t);
    atRisk.push(at - left);
    events.push(failures);
    censored.push(at - start - failures);
  }
  const ascending = (values: number[]): Float64Array => Float64Array.from(values).reverse();
  return {
    time: ascending(times),
    atRisk: ascending(atRisk),
    events: ascending(events),
    censored: ascending(censored),
  };
};

/**
 * Kaplan–Meier survival at all distinct times (days), with Greenwood's standard error of S.
 * Without rows: `insufficient_data`; NaN or an infinity: `non_finite`.
 * @throws RangeError for lengths that differ, negative times, events other than 0 and 1, an entry not before its time.
 */
export const kaplanMeier = (input: Omit<LifetimeInput, 'strata'>): KaplanMeier | Refusal => {
  const lifetimes = readLifetimes({ time: input.time, event: input.event, entry: input.entry });
  if ('kind' in lifetimes) return lifetimes;
  if (lifetimes.count === 0) return insufficientData(0, 1);
  const table = lifeTable(lifetimes);
  const survival: number[] = [];
  const standardError: (number | null)[] = [];
  let s = 1;
  let greenwood = 0;
  for (let k = 0; k < table.time.length; k++) {
    const d = table.events[k] as number;
    const n = table.atRisk[k] as number;
    if (d > 0 && s > 0) {
      s *= (n - d) / n;
      if (s > 0) greenwood += d / (n * (n - d));
    }
    survival.push(s);
    standardError.push(s > 0 ? s * Math.sqrt(greenwood) : null);
  }
  return {
    time: Array.from(table.time),
    survival,
    standardError,
    atRisk: Array.from(table.atRisk),
    events: Array.from(table.events),
  };
};

/** The censoring distribution G as a step function, to be read at a time and just before it. */
export interface CensoringCurve {
  /** G(t): still uncensored after t. */
  at: (t: number) => number;
  /** G(t−): still uncensored just before t. */
  before: (t: number) => number;
}

/**
 * Reverse Kaplan–Meier: censorings are the events. Failures come before censorings at a tie, so that who failed at t is no
 * longer at risk of being censored at t: G(t) = Π (1 − c / (n − d)).
 */
export const censoringCurve = (lifetimes: Lifetimes): CensoringCurve => {
  const table = lifeTable(lifetimes);
  const times: number[] = [];
  const values: number[] = [];
  let g = 1;
  for (let k = 0; k < table.time.length; k++) {
    const c = table.censored[k] as number;
    if (c === 0) continue;
    const n = (table.atRisk[k] as number) - (table.events[k] as number);
    g *= (n - c) / n;
    times.push(table.time[k] as number);
    values.push(g);
  }
  /** G after the censoring times that `belongs` says are behind. */
  const valueBehind = (belongs: (time: number) => boolean): number => {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (belongs(times[middle] as number)) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 1 : (values[low - 1] as number);
  };
  return {
    at: (t) => valueBehind((time) => time <= t),
    before: (t) => valueBehind((time) => time < t),
  };
};
