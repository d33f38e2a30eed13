/**
 * Where a truck has been: its readings as lines coloured by speed, its stops, and where it was at any instant. Times are
 * epoch milliseconds, speeds mph, distances metres. Pure.
 */
import type { Feature, FeatureCollection, LineString } from 'geojson';
import type { LiveVehicle } from '#contracts/live';
import type { Position } from '#contracts/positions';

export interface TrailPoint {
  atMs: number;
  lat: number;
  lon: number;
  speedMph: number | null;
  heading: number | null;
  odometerMiles: number | null;
}

/** Readings further apart than this say nothing of the way between them. */
export const gapMs = 30 * 60_000;
/** Standing for less than this is traffic. */
export const stopMs = 10 * 60_000;
/** Slower than this over the whole way between two readings is standing: about a walk. */
const standingMph = 3;
const metresPerMile = 1609.344;
const earthRadiusM = 6_371_008.8;

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Great-circle distance, metres (haversine). */
export function metresBetween(a: { lat: number; lon: number }, b: { lat: number; lon: number }): number {
  const [latA, latB] = [radians(a.lat), radians(b.lat)];
  const h =
    Math.sin((latB - latA) / 2) ** 2 + Math.cos(latA) * Math.cos(latB) * Math.sin(radians(b.lon - a.lon) / 2) ** 2;
  return 2 * earthRadiusM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** The points of a trail, oldest first, one an instant. */
export function trailOf(positions: readonly Position[]): TrailPoint[] {
  const points: TrailPoint[] = [];
  for (const { at, lat, lon, speedMph, heading, odometerMiles } of positions) {
    const atMs = Date.parse(at);
    const last = points.at(-1);
    if (last !== undefined && atMs <= last.atMs) continue;
    points.push({ atMs, lat, lon, speedMph, heading, odometerMiles });
  }
  return points;
}

/** A trail with where the truck is by now at its end, when that is newer: so that the line reaches the truck. */
export function withPresent(points: readonly TrailPoint[], live: LiveVehicle | null): readonly TrailPoint[] {
  const last = points.at(-1);
  if (last === undefined || live === null || live.lat === null || live.lon === null || live.at === null) return points;
  const atMs = Date.parse(live.at);
  if (atMs <= last.atMs) return points;
  const { lat, lon, speedMph, heading } = live;
  // The live picture has no odometer: it cannot be far from what it just was.
  return [...points, { atMs, lat, lon, speedMph, heading, odometerMiles: last.odometerMiles }];
}

/** How fast, in four steps that a map can show: standing and slow, town, road, highway. */
export const paces = [
  { pace: 0, fromMph: 0 },
  { pace: 1, fromMph: 15 },
  { pace: 2, fromMph: 40 },
  { pace: 3, fromMph: 60 },
] as const;
export type Pace = (typeof paces)[number]['pace'];

export const paceOf = (mph: number): Pace => paces.findLast(({ fromMph }) => mph >= fromMph)?.pace ?? 0;

function impliedMph(a: TrailPoint, b: TrailPoint): number {
  const hours = (b.atMs - a.atMs) / 3_600_000;
  return hours <= 0 ? 0 : metresBetween(a, b) / metresPerMile / hours;
}

/** The way between two readings that follow each other. */
export interface Leg {
  from: TrailPoint;
  to: TrailPoint;
  isStanding: boolean;
  /** What the truck said, or how far it came; null: nothing was heard on the way. */
  mph: number | null;
}

/**
 * The legs of a trail. `isWhole`: every reading is there, so that a long silence on the way is one; a simplified trail leaves
 * readings out and says nothing by it.
 */
export function legsOf(points: readonly TrailPoint[], isWhole: boolean): Leg[] {
  const legs: Leg[] = [];
  for (let at = 1; at < points.length; at += 1) {
    const [from, to] = [points[at - 1], points[at]];
    if (from === undefined || to === undefined) continue;
    const implied = impliedMph(from, to);
    const isStanding = implied < standingMph;
    const told = from.speedMph === null || to.speedMph === null ? implied : (from.speedMph + to.speedMph) / 2;
    const isSilent = isWhole && !isStanding && to.atMs - from.atMs > gapMs;
    legs.push({ from, to, isStanding, mph: isSilent ? null : isStanding ? implied : told });
  }
  return legs;
}

export interface PaceProperties {
  /** null: nothing is known of this way. */
  pace: Pace | null;
}

/** The trail as lines, a new one wherever the pace changes; each begins where the one before ends. */
export function paceLines(legs: readonly Leg[]): FeatureCollection<LineString, PaceProperties> {
  const features: Feature<LineString, PaceProperties>[] = [];
  for (const { from, to, mph } of legs) {
    const pace = mph === null ? null : paceOf(mph);
    const last = features.at(-1);
    if (last !== undefined && last.properties.pace === pace) {
      last.geometry.coordinates.push([to.lon, to.lat]);
      continue;
    }
    features.push({
      type: 'Feature',
      properties: { pace },
      geometry: {
        type: 'LineString',
        coordinates: [
          [from.lon, from.lat],
          [to.lon, to.lat],
        ],
      },
    });
  }
  return { type: 'FeatureCollection', features };
}

export interface Stop {
  fromMs: number;
  toMs: number;
  lat: number;
  lon: number;
}

/** Where the truck stood for ten minutes and more, oldest first. */
export function stopsOf(legs: readonly Leg[]): Stop[] {
  const stops: Stop[] = [];
  let open: Stop | null = null;
  const close = (): void => {
    if (open !== null && open.toMs - open.fromMs >= stopMs) stops.push(open);
    open = null;
  };
  for (const { from, to, isStanding } of legs) {
    if (!isStanding) {
      close();
      continue;
    }
    open ??= { fromMs: from.atMs, toMs: to.atMs, lat: from.lat, lon: from.lon };
    open.toMs = to.atMs;
  }
  close();
  return stops;
}

export interface TrailMoment {
  lat: number;
  lon: number;
  speedMph: number | null;
  odometerMiles: number | null;
  heading: number | null;
  /** The reading that this is taken from, or the earlier of the two around it. */
  readingAtMs: number;
  /** Nothing was heard around this instant: the place is a guess between two readings. */
  isGuess: boolean;
}

const mix = (a: number, b: number, share: number): number => a + (b - a) * share;

/**
 * Where the truck was at an instant: between the readings around it; at the ends the first or the last. null for no trail.
 * `isWhole` as in `legsOf`.
 */
export function momentAt(points: readonly TrailPoint[], atMs: number, isWhole: boolean): TrailMoment | null {
  const index = lastAtOrBefore(points, atMs);
  const a = points[Math.max(0, index)];
  if (a === undefined) return null;
  const b = points[index + 1];
  if (index < 0 || b === undefined) return { ...a, readingAtMs: a.atMs, isGuess: false };
  const [leg] = legsOf([a, b], isWhole);
  const share = (atMs - a.atMs) / (b.atMs - a.atMs);
  return {
    lat: mix(a.lat, b.lat, share),
    lon: mix(a.lon, b.lon, share),
    // Between readings that lie far apart the way's own speed is nearer to the truth than the one it began with.
    speedMph: isWhole ? a.speedMph : (leg?.mph ?? a.speedMph),
    odometerMiles:
      a.odometerMiles === null || b.odometerMiles === null
        ? a.odometerMiles
        : mix(a.odometerMiles, b.odometerMiles, share),
    heading: a.heading,
    readingAtMs: a.atMs,
    isGuess: leg?.mph === null,
  };
}

/** The place of the last point that is not after an instant; -1 when all are. */
export function lastAtOrBefore(points: readonly TrailPoint[], atMs: number): number {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle]?.atMs ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The highest speed in each of `count` equal parts of a window, null where nothing is known: the profile of a scrubber. */
export function speedProfile(
  legs: readonly Leg[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
  count: number,
): (number | null)[] {
  const profile: (number | null)[] = Array.from({ length: count }, () => null);
  const span = toMs - fromMs;
  if (span <= 0) return profile;
  const partOf = (atMs: number): number => Math.floor(((atMs - fromMs) / span) * count);
  for (const { from, to, mph } of legs) {
    if (mph === null) continue;
    const last = Math.min(count - 1, partOf(to.atMs));
    for (let part = Math.max(0, partOf(from.atMs)); part <= last; part += 1) {
      profile[part] = Math.max(profile[part] ?? 0, mph);
    }
  }
  return profile;
}
