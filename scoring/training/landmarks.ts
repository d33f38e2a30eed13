/**
 * Landmarks: one vehicle at one time, with what followed. Landmarks of a vehicle that share their next failure say nearly
 * the same thing, so one per vehicle and week is kept; what of that sharing remains is weighed where it matters
 * (prior-correction.ts) instead of being hidden.
 */
import type { FeatureDefinition } from '../features/feature-definition.ts';
import { featureList, featureListVersion } from '../features/feature-list.ts';
import { nonFinite, type Refusal } from '../survival/refusal.ts';
import { demand } from '../trees/demand.ts';
import { dayMs, firstEnd, lifetimeEnds, timeOfInstant, type LifetimeEnd } from './outcome.ts';
import type { LandmarkRow, TrainingInput } from './training-types.ts';

/** More rows do not make a tenant's model better, only slower. */
export const mostLandmarks = 20_000;
const weekMs = 7 * dayMs;
/** The product speaks of 90 days; what happens long after that teaches nothing and would count one failure more often. */
export const followUpDays = 90;
/** To judge day 90 somebody has to be in sight after it. */
export const judgedDays = followUpDays + 1;

/** FNV-1a with the murmur3 finaliser: which rows are kept depends on their names and the seed, never on their order. */
const hashOf = (text: string, seed: number): number => {
  let hash = (0x811c9dc5 ^ seed) | 0;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** A number from 0 to `parts` − 1 that a vehicle keeps: folds of a cross-validation never share a vehicle. */
export const partOf = (vehicleId: string, parts: number, seed: number): number => hashOf(vehicleId, seed) % parts;

/**
 * Places of the rows to use: one per vehicle and week and at most `most` in all, drawn by the seed, ordered by time, then
 * vehicle. Which rows are drawn does not depend on the order they come in.
 * @throws RangeError for a time that is none.
 */
export const thinLandmarks = (
  rows: readonly Pick<LandmarkRow, 'vehicleId' | 'at'>[],
  seed: number,
  most = mostLandmarks,
): number[] => {
  interface Drawn {
    place: number;
    ms: number;
    lot: number;
  }
  const drawn = new Map<string, Drawn>();
  rows.forEach(({ vehicleId, at }, place) => {
    const ms = timeOfInstant(at, 'landmark.at');
    const key = `${vehicleId} ${Math.floor(ms / weekMs)}`;
    const lot = hashOf(`${vehicleId} ${ms}`, seed);
    const known = drawn.get(key);
    if (known === undefined || lot < known.lot || (lot === known.lot && ms < known.ms)) {
      drawn.set(key, { place, ms, lot });
    }
  });
  const vehicleOf = (one: Drawn): string => (rows[one.place] as LandmarkRow).vehicleId;
  const byName = (a: Drawn, b: Drawn): number =>
    a.ms - b.ms || (vehicleOf(a) < vehicleOf(b) ? -1 : vehicleOf(a) > vehicleOf(b) ? 1 : 0);
  return [...drawn.values()]
    .sort((a, b) => a.lot - b.lot || byName(a, b))
    .slice(0, most)
    .sort(byName)
    .map(({ place }) => place);
};

/** Rows of the plan, unpacked. */
export interface Landmarks {
  features: readonly FeatureDefinition[];
  names: string[];
  vehicleIds: string[];
  atMs: number[];
  /** NaN where unknown. */
  x: number[][];
  /** Failures and preventive work per vehicle, in the order of time. */
  ends: Map<string, LifetimeEnd[]>;
}

/**
 * Unpacks `input.landmarks[places]`. `non_finite` names a feature with an infinity in it.
 * @throws RangeError for rows that do not fit the feature list, and for times that are none.
 */
export const readLandmarks = (input: TrainingInput, places: readonly number[]): Landmarks | Refusal => {
  const features = input.features ?? featureList;
  const names = features.map((feature) => feature.name);
  const landmarks: Landmarks = { features, names, vehicleIds: [], atMs: [], x: [], ends: new Map() };
  for (const place of places) {
    const row = input.landmarks[place];
    demand(row !== undefined, `there is no landmark ${place}`);
    demand(
      row.x.length === names.length,
      `landmark ${place} has ${row.x.length} features, the list has ${names.length}`,
    );
    const x = row.x.map((value) => value ?? Number.NaN);
    const infinite = x.findIndex((value) => Math.abs(value) === Infinity);
    if (infinite >= 0) return nonFinite(names[infinite] as string);
    landmarks.vehicleIds.push(row.vehicleId);
    landmarks.atMs.push(timeOfInstant(row.at, 'landmark.at'));
    landmarks.x.push(x);
  }
  const untilMs = timeOfInstant(input.until, 'until');
  const events = new Map<string, TrainingInput['events'][number][]>(landmarks.vehicleIds.map((id) => [id, []]));
  for (const event of input.events) events.get(event.vehicleId)?.push(event);
  for (const [id, list] of events) {
    landmarks.ends.set(
      id,
      lifetimeEnds(list).filter(({ ms }) => ms <= untilMs),
    );
  }
  return landmarks;
};

/** Which list of features a model follows, as it is stored with it; nothing for lists other than the declared one. */
export const listOf = (features: readonly FeatureDefinition[]): { featureList?: string } =>
  features === featureList ? { featureList: featureListVersion } : {};

/** Landmarks with their outcomes as they were known at one time. */
export interface Lifetimes {
  vehicleIds: string[];
  x: number[][];
  /** Days, above 0. */
  time: number[];
  event: number[];
  /** The failure that ends the row, as vehicle and instant; null when none did. */
  failure: (string | null)[];
}

/**
 * Landmarks with fromMs ≤ time < untilMs and what was known of them at `untilMs`: an outcome after that is not looked at.
 * Followed for `followUpDays` at most.
 */
export const lifetimesBetween = (
  landmarks: Landmarks,
  fromMs: number,
  untilMs: number,
  mostDays = followUpDays,
): Lifetimes => {
  const lifetimes: Lifetimes = { vehicleIds: [], x: [], time: [], event: [], failure: [] };
  landmarks.atMs.forEach((atMs, row) => {
    if (atMs < fromMs || atMs >= untilMs) return;
    const vehicleId = landmarks.vehicleIds[row] as string;
    const lastMs = Math.min(untilMs, atMs + mostDays * dayMs);
    const end = firstEnd(landmarks.ends.get(vehicleId) ?? [], atMs, lastMs);
    lifetimes.vehicleIds.push(vehicleId);
    lifetimes.x.push(landmarks.x[row] as number[]);
    lifetimes.time.push(((end?.ms ?? lastMs) - atMs) / dayMs);
    lifetimes.event.push(end?.isFailure === true ? 1 : 0);
    lifetimes.failure.push(end?.isFailure === true ? `${vehicleId} ${end.ms}` : null);
  });
  return lifetimes;
};

/** Failures, each counted once however many landmarks it ends. */
export const distinctFailures = (lifetimes: Pick<Lifetimes, 'failure'>): number => {
  const failures = new Set(lifetimes.failure);
  failures.delete(null);
  return failures.size;
};

/** Some of the rows. */
export const rowsWhere = (lifetimes: Lifetimes, keep: (row: number) => boolean): Lifetimes => {
  const chosen = lifetimes.time.map((_, row) => row).filter(keep);
  const pick = <T>(values: readonly T[]): T[] => chosen.map((row) => values[row] as T);
  return {
    vehicleIds: pick(lifetimes.vehicleIds),
    x: pick(lifetimes.x),
    time: pick(lifetimes.time),
    event: pick(lifetimes.event),
    failure: pick(lifetimes.failure),
  };
};
