/** Shapes of geofences as the map needs them: circles as polygons, boxes, what is inside, how large they are. Pure. */
import type { MultiPolygon, Polygon, Position } from 'geojson';
import type { GeofenceShape } from '#contracts/geofences';

/** [lon, lat]. */
export type Corner = [number, number];
/** west, south, east, north. */
export type Box = [number, number, number, number];

/** The sphere that the API measures on, metres (docs/geofences.md). */
export const earthRadiusMeters = 6_371_008.8;
/** Corners of a circle as it is drawn. */
export const circleCorners = 64;

const toRadians = (degrees: number): number => (degrees * Math.PI) / 180;
const toDegrees = (radians: number): number => (radians * 180) / Math.PI;

/** Great-circle distance, metres (haversine). */
export function metersBetween([lonA, latA]: Corner, [lonB, latB]: Corner): number {
  const half = (from: number, to: number): number => Math.sin(toRadians(to - from) / 2) ** 2;
  const h = half(latA, latB) + Math.cos(toRadians(latA)) * Math.cos(toRadians(latB)) * half(lonA, lonB);
  return 2 * earthRadiusMeters * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** The place `meters` away along a bearing (radians clockwise from north). Its longitude may reach over ±180. */
export function placeFrom([lon, lat]: Corner, meters: number, bearing: number): Corner {
  const [from, way] = [toRadians(lat), meters / earthRadiusMeters];
  const to = Math.asin(Math.sin(from) * Math.cos(way) + Math.cos(from) * Math.sin(way) * Math.cos(bearing));
  const turn = Math.atan2(
    Math.sin(bearing) * Math.sin(way) * Math.cos(from),
    Math.cos(way) - Math.sin(from) * Math.sin(to),
  );
  return [lon + toDegrees(turn), toDegrees(to)];
}

/** A circle as a closed ring of 64 corners, anticlockwise from north; every corner lies on the circle. */
export function circleRing(center: Corner, radiusMeters: number): Corner[] {
  const ring = Array.from({ length: circleCorners }, (_, n) =>
    placeFrom(center, radiusMeters, (-2 * Math.PI * n) / circleCorners),
  );
  return [...ring, [...(ring[0] ?? center)]];
}

const asCorners = (ring: readonly Position[]): Corner[] => ring.map(([lon = 0, lat = 0]): Corner => [lon, lat]);

/** The polygons of a shape, each its outer ring and its holes, all closed. */
export function polygonsOf(shape: GeofenceShape): Corner[][][] {
  if (shape.type === 'Circle') return [[circleRing(shape.center, shape.radiusMeters)]];
  if (shape.type === 'Polygon') return [shape.coordinates.map(asCorners)];
  return shape.coordinates.map((rings) => rings.map(asCorners));
}

/** A shape as the map draws it. */
export function geometryOf(shape: GeofenceShape): Polygon | MultiPolygon {
  if (shape.type === 'Polygon' || shape.type === 'MultiPolygon') return shape;
  return { type: 'Polygon', coordinates: polygonsOf(shape)[0] ?? [] };
}

export function boxOf(shape: GeofenceShape): Box {
  const box: Box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [outer = []] of polygonsOf(shape)) {
    for (const [lon, lat] of outer) {
      box[0] = Math.min(box[0], lon);
      box[1] = Math.min(box[1], lat);
      box[2] = Math.max(box[2], lon);
      box[3] = Math.max(box[3], lat);
    }
  }
  return box;
}

/** Whether a place lies within a closed ring; what lies on its edge may be told either way. */
export function isInRing([lon, lat]: Corner, ring: readonly Corner[]): boolean {
  let isIn = false;
  for (let n = 0; n + 1 < ring.length; n += 1) {
    const [[lonA, latA], [lonB, latB]] = [ring[n] as Corner, ring[n + 1] as Corner];
    if (latA > lat !== latB > lat && lon < lonA + ((lat - latA) / (latB - latA)) * (lonB - lonA)) isIn = !isIn;
  }
  return isIn;
}

/** Whether a place is inside, for the eye: the API alone decides what lies on the line itself. */
export function isInside(shape: GeofenceShape, place: Corner): boolean {
  if (shape.type === 'Circle') return metersBetween(shape.center, place) <= shape.radiusMeters;
  const polygons = shape.type === 'Polygon' ? [shape.coordinates] : shape.coordinates;
  return polygons.some(([outer = [], ...holes]) => {
    return isInRing(place, outer) && !holes.some((hole) => isInRing(place, hole));
  });
}

/** What a closed ring encloses, square metres, on the sphere (Chamberlain & Duquette 2007, JPL 07-03). */
export function ringSquareMeters(ring: readonly Corner[]): number {
  let twice = 0;
  for (let n = 0; n + 1 < ring.length; n += 1) {
    const [[lonA, latA], [lonB, latB]] = [ring[n] as Corner, ring[n + 1] as Corner];
    twice += toRadians(lonB - lonA) * (2 + Math.sin(toRadians(latA)) + Math.sin(toRadians(latB)));
  }
  return Math.abs((twice * earthRadiusMeters ** 2) / 2);
}

/** Square metres, holes taken away. Of a circle that of the cap itself, not of its 64 corners. */
export function squareMetersOf(shape: GeofenceShape): number {
  if (shape.type === 'Circle') {
    return 2 * Math.PI * earthRadiusMeters ** 2 * (1 - Math.cos(shape.radiusMeters / earthRadiusMeters));
  }
  let sum = 0;
  for (const [outer = [], ...holes] of polygonsOf(shape)) {
    sum += ringSquareMeters(outer);
    for (const hole of holes) sum -= ringSquareMeters(hole);
  }
  return sum;
}

/** Corners of all rings, the closing ones left out; a circle has none. */
export const cornerCountOf = (shape: GeofenceShape): number =>
  shape.type === 'Circle'
    ? 0
    : polygonsOf(shape)
        .flat()
        .reduce((count, ring) => count + ring.length - 1, 0);

/** Where the name stands: the middle of the largest part, moved inside when the middle is not. */
export function labelPlaceOf(shape: GeofenceShape): Corner {
  if (shape.type === 'Circle') return shape.center;
  const largest = polygonsOf(shape).reduce<{ ring: Corner[]; size: number }>(
    (best, [ring = []]) => {
      const size = ringSquareMeters(ring);
      return size > best.size ? { ring, size } : best;
    },
    { ring: [], size: -1 },
  ).ring;
  const middle = centroidOf(largest);
  if (isInside(shape, middle)) return middle;
  return widestSpan(shape, middle[1]) ?? middle;
}

/** The middle of mass of a ring on the flat map. */
function centroidOf(ring: readonly Corner[]): Corner {
  const [lon0, lat0] = ring[0] ?? [0, 0];
  let [twice, x, y] = [0, 0, 0];
  for (let n = 0; n + 1 < ring.length; n += 1) {
    const [[lonA, latA], [lonB, latB]] = [ring[n] as Corner, ring[n + 1] as Corner];
    const [ax, ay, bx, by] = [lonA - lon0, latA - lat0, lonB - lon0, latB - lat0];
    const cross = ax * by - bx * ay;
    twice += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  }
  return twice === 0 ? [lon0, lat0] : [lon0 + x / (3 * twice), lat0 + y / (3 * twice)];
}

/** The middle of the longest stretch inside along a parallel; null when it crosses nothing. */
function widestSpan(shape: GeofenceShape, lat: number): Corner | null {
  const crossings = polygonsOf(shape)
    .flat()
    .flatMap((ring) =>
      ring.slice(1).flatMap(([lonB, latB], n) => {
        const [lonA, latA] = ring[n] as Corner;
        return latA > lat === latB > lat ? [] : [lonA + ((lat - latA) / (latB - latA)) * (lonB - lonA)];
      }),
    )
    .sort((a, b) => a - b);
  let best: { width: number; lon: number } | null = null;
  for (let n = 0; n + 1 < crossings.length; n += 2) {
    const [from = 0, to = 0] = [crossings[n], crossings[n + 1]];
    if (best === null || to - from > best.width) best = { width: to - from, lon: (from + to) / 2 };
  }
  return best === null ? null : [best.lon, lat];
}
