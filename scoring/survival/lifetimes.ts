/**
 * Lifetimes as every function of this folder takes them: how long, whether a failure ended it, since when it was
 * watched, in which stratum. Here they are checked once and put into typed arrays.
 */
import { nonFinite, type Refusal } from './refusal.ts';

export type StratumKey = number | string;

export interface LifetimeInput {
  /** Days until failure or until last seen; 0 or more. */
  time: readonly number[];
  /** 1 a failure ended it, 0 censored. */
  event: readonly number[];
  /** Days of age at which watching began (left truncation); before its time. */
  entry?: readonly number[] | null | undefined;
  /** Rows are compared only within a stratum. */
  strata?: readonly StratumKey[] | null | undefined;
}

export interface Lifetimes {
  count: number;
  time: Float64Array;
  event: Uint8Array;
  /** null: everybody is watched from 0. */
  entry: Float64Array | null;
  /** Place of the row's stratum in `strata`. */
  stratum: Int32Array;
  /** The distinct strata, numbers before texts, ascending; one without a key when none were given. */
  strata: (StratumKey | null)[];
  eventCount: number;
  /** Rows by stratum, within it from the longest lifetime to the shortest; rows of one time keep their order. */
  longestFirst: Int32Array;
  /** Rows by stratum, within it from the latest entry to the earliest; null without entries. */
  latestEntryFirst: Int32Array | null;
}

const sameLength = (name: string, values: ArrayLike<unknown>, timeName: string, count: number): void => {
  if (values.length !== count) throw new RangeError(`${name} has ${values.length} values, ${timeName} has ${count}`);
};

/** Finite numbers as a typed array, or the refusal that names the list. */
export const finiteValues = (name: string, values: readonly number[]): Float64Array | Refusal => {
  const out = new Float64Array(values.length);
  for (let row = 0; row < values.length; row++) {
    const value = values[row] as number;
    if (!Number.isFinite(value)) return nonFinite(name);
    out[row] = value;
  }
  return out;
};

const notNegative = (name: string, values: Float64Array): void => {
  const row = values.findIndex((value) => value < 0);
  if (row >= 0) throw new RangeError(`${name} must not be negative; row ${row} has ${values[row]}`);
};

const compareKeys = (a: StratumKey, b: StratumKey): number =>
  typeof a !== typeof b ? (typeof a === 'number' ? -1 : 1) : a < b ? -1 : a > b ? 1 : 0;

/** 0, 1, … count − 1. */
export const everyRow = (count: number): Int32Array => {
  const rows = new Int32Array(count);
  for (let row = 0; row < count; row++) rows[row] = row;
  return rows;
};

const descending = (values: Float64Array, stratum: Int32Array): Int32Array =>
  everyRow(values.length).sort(
    (a, b) => (stratum[a] as number) - (stratum[b] as number) || (values[b] as number) - (values[a] as number) || a - b,
  );

/**
 * Checks and packs lifetimes. The names are what messages and tags call the two lists.
 * @throws RangeError when lengths differ, a time is negative, an event is not 0 or 1, or watching began at or after the end.
 * @returns a `non_finite` refusal that names the list when it holds NaN or an infinity.
 */
export const readLifetimes = (input: LifetimeInput, timeName = 'time', eventName = 'event'): Lifetimes | Refusal => {
  const count = input.time.length;
  const entries = input.entry ?? null;
  const keys = input.strata ?? null;
  sameLength(eventName, input.event, timeName, count);
  if (entries !== null) sameLength('entry', entries, timeName, count);
  if (keys !== null) sameLength('strata', keys, timeName, count);

  const time = finiteValues(timeName, input.time);
  if ('kind' in time) return time;
  notNegative(timeName, time);
  const eventValues = finiteValues(eventName, input.event);
  if ('kind' in eventValues) return eventValues;
  const event = new Uint8Array(count);
  let eventCount = 0;
  for (let row = 0; row < count; row++) {
    const value = eventValues[row] as number;
    if (value !== 0 && value !== 1) throw new RangeError(`${eventName} must be 0 or 1; row ${row} has ${value}`);
    event[row] = value;
    eventCount += value;
  }

  let entry: Float64Array | null = null;
  if (entries !== null) {
    const values = finiteValues('entry', entries);
    if ('kind' in values) return values;
    notNegative('entry', values);
    for (let row = 0; row < count; row++) {
      if ((values[row] as number) >= (time[row] as number)) {
        throw new RangeError(`entry must lie before time; row ${row} has ${values[row]} and ${time[row]}`);
      }
    }
    entry = values.some((value) => value > 0) ? values : null;
  }

  const stratum = new Int32Array(count);
  let strata: (StratumKey | null)[] = [null];
  if (keys !== null) {
    if (keys.some((key) => typeof key === 'number' && !Number.isFinite(key))) return nonFinite('strata');
    strata = [...new Set(keys)].sort((a, b) => compareKeys(a, b));
    const placeOf = new Map(strata.map((key, place) => [key, place]));
    for (let row = 0; row < count; row++) stratum[row] = placeOf.get(keys[row] as StratumKey) ?? 0;
  }
  return {
    count,
    time,
    event,
    entry,
    stratum,
    strata,
    eventCount,
    longestFirst: descending(time, stratum),
    latestEntryFirst: entry === null ? null : descending(entry, stratum),
  };
};
