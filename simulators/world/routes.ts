/** Roads as polylines: the shortest way between two cities and the place at a distance along it. */
import { cities, roads, type CityKey } from './cities.ts';
import { between, unit } from './random.ts';

export interface Point {
  lat: number;
  lon: number;
}

export interface Polyline {
  points: readonly Point[];
  /** Miles from the start at each point; rises strictly. */
  miles: readonly number[];
}

const earthRadiusMiles = 3958.7613;
const radians = (degrees: number) => (degrees * Math.PI) / 180;

/** Great-circle distance in miles (haversine). */
export function milesBetween(from: Point, to: Point): number {
  const halfLat = Math.sin(radians(to.lat - from.lat) / 2);
  const halfLon = Math.sin(radians(to.lon - from.lon) / 2);
  const a = halfLat ** 2 + Math.cos(radians(from.lat)) * Math.cos(radians(to.lat)) * halfLon ** 2;
  return 2 * earthRadiusMiles * Math.asin(Math.min(1, Math.sqrt(a)));
}

/** Initial bearing in degrees, 0 = north, clockwise, below 360. */
export function bearingDegrees(from: Point, to: Point): number {
  const dLon = radians(to.lon - from.lon);
  const y = Math.sin(dLon) * Math.cos(radians(to.lat));
  const x =
    Math.cos(radians(from.lat)) * Math.sin(radians(to.lat)) -
    Math.sin(radians(from.lat)) * Math.cos(radians(to.lat)) * Math.cos(dLon);
  return ((Math.atan2(y, x) * 180) / Math.PI + 360) % 360;
}

/** A road bends: a few slow swings off the straight line, the same for everybody who drives it. */
function roadPoints(from: CityKey, to: CityKey): Point[] {
  const [first, last] = from < to ? [from, to] : [to, from];
  const start = cities[first];
  const end = cities[last];
  const straight = milesBetween(start, end);
  const steps = Math.max(4, Math.round(straight / 7));
  const swings = [1, 2, 3, 5].map((waves) => ({
    waves,
    // Degrees of swing; shorter waves swing less. About 2% of the length in all.
    size: ((straight / 69) * between(-0.026, 0.026, 'road', first, last, waves)) / Math.sqrt(waves),
  }));
  const lonScale = Math.cos(radians((start.lat + end.lat) / 2));
  const dLat = end.lat - start.lat;
  const dLon = (end.lon - start.lon) * lonScale;
  const length = Math.hypot(dLat, dLon);
  const points = Array.from({ length: steps + 1 }, (_, step) => {
    const share = step / steps;
    const swing = swings.reduce((sum, { waves, size }) => sum + size * Math.sin(Math.PI * waves * share), 0);
    return {
      lat: start.lat + dLat * share + (dLon / length) * swing,
      lon: start.lon + (dLon * share - (dLat / length) * swing) / lonScale,
    };
  });
  return first === from ? points : points.reverse();
}

const neighbours = new Map<CityKey, CityKey[]>();
for (const [from, to] of roads) {
  neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
  neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
}

/** Miles from a city to every city it can reach, with the city before it on the shortest way (Dijkstra). */
function distancesFrom(start: CityKey): Map<CityKey, { miles: number; via: CityKey | null }> {
  const found = new Map<CityKey, { miles: number; via: CityKey | null }>([[start, { miles: 0, via: null }]]);
  const open = new Set<CityKey>([start]);
  while (open.size > 0) {
    let nearest: CityKey | null = null;
    for (const key of open) {
      if (nearest === null || (found.get(key)?.miles ?? 0) < (found.get(nearest)?.miles ?? 0)) nearest = key;
    }
    if (nearest === null) break;
    open.delete(nearest);
    const milesHere = found.get(nearest)?.miles ?? 0;
    for (const next of neighbours.get(nearest) ?? []) {
      const miles = milesHere + milesBetween(cities[nearest], cities[next]);
      const known = found.get(next);
      if (known === undefined || miles < known.miles) {
        found.set(next, { miles, via: nearest });
        open.add(next);
      }
    }
  }
  return found;
}

/** Cities from start to end along the shortest way, both included. Throws a RangeError when no road joins them. */
export function shortestWay(start: CityKey, end: CityKey): CityKey[] {
  const found = distancesFrom(start);
  if (!found.has(end)) throw new RangeError(`no road from ${start} to ${end}`);
  const way: CityKey[] = [];
  for (let at: CityKey | null = end; at !== null; at = found.get(at)?.via ?? null) way.push(at);
  return way.reverse();
}

/** Cities a truck from `home` may be sent to: between the two distances by road, nearest first. */
export function destinationsFrom(home: CityKey, leastMiles: number, mostMiles: number): CityKey[] {
  return [...distancesFrom(home)]
    .filter(([, { miles }]) => miles >= leastMiles && miles <= mostMiles)
    .sort(([keyA, a], [keyB, b]) => a.miles - b.miles || keyA.localeCompare(keyB))
    .map(([key]) => key);
}

/**
 * The polyline through the cities in order, with the miles at which each city is reached. `offset` (degrees) shifts it
 * as a whole, so that two trucks at one city do not stand on one point.
 */
export function polylineThrough(stops: readonly CityKey[], offset: Point): { line: Polyline; stopMiles: number[] } {
  const points: Point[] = [];
  const miles: number[] = [];
  const stopMiles: number[] = [];
  const push = (point: Point) => {
    const shifted = { lat: point.lat + offset.lat, lon: point.lon + offset.lon };
    const before = points.at(-1);
    const step = before === undefined ? 0 : milesBetween(before, shifted);
    if (before !== undefined && step < 1e-9) return;
    miles.push((miles.at(-1) ?? 0) + step);
    points.push(shifted);
  };
  stops.forEach((stop, index) => {
    const previous = stops[index - 1];
    if (previous === undefined) push(cities[stop]);
    else {
      const way = shortestWay(previous, stop);
      way.slice(1).forEach((key, at) => roadPoints(way[at] ?? previous, key).forEach(push));
    }
    stopMiles.push(miles.at(-1) ?? 0);
  });
  return { line: { points, miles }, stopMiles };
}

/** Index of the last value not above `value` in a rising list (0 when all are above). */
export function lastNotAbove(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((values[middle] ?? Infinity) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Place and bearing at a distance along the line; distances past its ends give the ends. */
export function pointAlong(line: Polyline, miles: number): Point & { heading: number } {
  const at = Math.min(lastNotAbove(line.miles, miles), line.points.length - 2);
  const from = line.points[at];
  const to = line.points[at + 1];
  if (from === undefined || to === undefined) throw new RangeError('a line needs two points');
  const start = line.miles[at] ?? 0;
  const length = (line.miles[at + 1] ?? start) - start;
  const share = Math.max(0, Math.min(1, (miles - start) / length));
  return {
    lat: from.lat + (to.lat - from.lat) * share,
    lon: from.lon + (to.lon - from.lon) * share,
    heading: bearingDegrees(from, to),
  };
}

/** The city nearest to a place, for showing "near Cheyenne, WY". */
export function nearestCity(place: Point): { name: string; state: string; miles: number } {
  let nearest = { name: '', state: '', miles: Infinity };
  for (const candidate of Object.values(cities)) {
    const miles = milesBetween(place, candidate);
    if (miles < nearest.miles) nearest = { name: candidate.name, state: candidate.state, miles };
  }
  return nearest;
}

/** A small shift in degrees (within about a mile) named by its keys. */
export function yardOffset(...keys: readonly (string | number)[]): Point {
  return { lat: (unit(...keys, 'lat') - 0.5) * 0.03, lon: (unit(...keys, 'lon') - 0.5) * 0.03 };
}
