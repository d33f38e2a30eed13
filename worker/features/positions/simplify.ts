/**
 * Douglas–Peucker for tracks: which points to draw so that none that is left out lies further than a tolerance from the
 * line. Pure.
 *
 * The line between two kept points is straight in latitude and longitude; distances to it are in metres on a sphere,
 * measured with the scale of the point's own latitude. Good to a few per mille for tolerances up to 10 km, away from the
 * poles. Over the date line the track goes on; it does not jump around the earth.
 */

export interface Place {
  lat: number;
  lon: number;
}

/** Mean radius (IUGG R1). */
const earthRadiusMetres = 6_371_008.8;
const metresPerDegree = (earthRadiusMetres * Math.PI) / 180;
const radiansPerDegree = Math.PI / 180;

/** How many distances are worth computing; some 0.2 s. What is left undecided then is kept. */
export const maxDistances = 20_000_000;

/** Longitudes without jumps: each within half a turn of the one before. */
export function continuousLongitudes(places: readonly Place[]): Float64Array {
  const longitudes = new Float64Array(places.length);
  let turn = 0;
  places.forEach(({ lon }, n) => {
    const before = places[n - 1]?.lon ?? lon;
    if (lon - before > 180) turn -= 360;
    else if (lon - before < -180) turn += 360;
    longitudes[n] = lon + turn;
  });
  return longitudes;
}

/**
 * Metres from a point to the line between two others; longitudes continuous. `metresPerLon` is the length of a degree of
 * longitude where the point lies.
 */
function distanceMetres(
  [pointLat, pointLon, metresPerLon]: readonly [number, number, number],
  [fromLat, fromLon]: readonly [number, number],
  [toLat, toLon]: readonly [number, number],
): number {
  const x = (toLon - fromLon) * metresPerLon;
  const y = (toLat - fromLat) * metresPerDegree;
  const px = (pointLon - fromLon) * metresPerLon;
  const py = (pointLat - fromLat) * metresPerDegree;
  const lengthSquared = x * x + y * y;
  const along = lengthSquared === 0 ? 0 : Math.max(0, Math.min(1, (px * x + py * y) / lengthSquared));
  return Math.hypot(px - along * x, py - along * y);
}

/** Metres from a place to the line between two others, of which it is one of the track's. */
export function metresFromLine(place: Place, from: Place, to: Place): number {
  const [fromLon, toLon, lon] = continuousLongitudes([from, to, place]) as unknown as [number, number, number];
  const scale = metresPerDegree * Math.cos(place.lat * radiansPerDegree);
  return distanceMetres([place.lat, lon, scale], [from.lat, fromLon], [to.lat, toLon]);
}

/**
 * Indices of the points to keep, rising; always the first and the last. No other point lies further than `toleranceMetres`
 * from the line between the kept points around it. `distances` bounds the work: a track that would need more keeps more
 * points than it must.
 */
export function simplify(
  places: readonly Place[],
  toleranceMetres: number,
  { distances = maxDistances }: { distances?: number } = {},
): number[] {
  if (places.length <= 2) return places.map((_, n) => n);
  const longitudes = continuousLongitudes(places);
  const latitudes = Float64Array.from(places, ({ lat }) => lat);
  const scales = latitudes.map((lat) => metresPerDegree * Math.cos(lat * radiansPerDegree));
  const isKept = new Uint8Array(places.length);
  isKept[0] = 1;
  isKept[places.length - 1] = 1;
  const pending: [number, number][] = [[0, places.length - 1]];
  let left = distances;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [from, to] = next;
    if (to - from < 2) continue;
    left -= to - from;
    if (left < 0) {
      isKept.fill(1, from, to);
      continue;
    }
    const farthest = farthestFrom(latitudes, longitudes, scales, from, to);
    // Not `>`: what cannot be computed is kept as well.
    if (farthest.metres <= toleranceMetres) continue;
    isKept[farthest.index] = 1;
    pending.push([from, farthest.index], [farthest.index, to]);
  }
  const kept: number[] = [];
  isKept.forEach((flag, n) => {
    if (flag) kept.push(n);
  });
  return kept;
}

function farthestFrom(
  latitudes: Float64Array,
  longitudes: Float64Array,
  scales: Float64Array,
  from: number,
  to: number,
): { index: number; metres: number } {
  const [fromLat, fromLon] = [latitudes[from] as number, longitudes[from] as number];
  const latSpan = ((latitudes[to] as number) - fromLat) * metresPerDegree;
  const lonSpan = (longitudes[to] as number) - fromLon;
  let [index, largest] = [from + 1, -1];
  // The same as distanceMetres, squared and without its pairs: this is where the time goes.
  for (let n = from + 1; n < to; n += 1) {
    const scale = scales[n] as number;
    const x = lonSpan * scale;
    const px = ((longitudes[n] as number) - fromLon) * scale;
    const py = ((latitudes[n] as number) - fromLat) * metresPerDegree;
    const lengthSquared = x * x + latSpan * latSpan;
    const along = lengthSquared === 0 ? 0 : Math.max(0, Math.min(1, (px * x + py * latSpan) / lengthSquared));
    const [dx, dy] = [px - along * x, py - along * latSpan];
    const squared = dx * dx + dy * dy;
    if (squared > largest) [index, largest] = [n, squared];
  }
  return { index, metres: Math.sqrt(largest) };
}
