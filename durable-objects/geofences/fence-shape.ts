/**
 * Shapes of geofences as they are asked millions of times: corners side by side in one array, a box around each part. Pure.
 *
 * Edges are straight lines between longitudes and latitudes, as on a map (RFC 7946); circles go by great-circle distance.
 * The boundary counts as inside. A polygon never reaches over the date line by itself (shape-rules.ts refuses it: it is
 * drawn as two that meet at 180°), a circle may.
 */
import pointInPolygon from 'point-in-polygon-hao';
import type { GeofenceShape } from '#contracts/geofences';
import { earthRadiusMeters, haversineOf, toRadians } from './earth.ts';

/** A box in degrees. */
export interface Box {
  minLon: number;
  minLat: number;
  maxLon: number;
  maxLat: number;
}

/** One polygon: `starts` names the first corner of each ring, and past the last one their end. */
export interface PolygonPart extends Box {
  starts: readonly number[];
}

export type FenceShape =
  | {
      kind: 'polygons';
      /** Longitude and latitude in turn; every ring ends with the corner it began with. */
      coords: Float64Array;
      parts: readonly PolygonPart[];
    }
  | { kind: 'circle'; lon: number; lat: number; radiusMeters: number; maxHaversine: number };

/** A box is widened by this, about a centimetre, where rounding could have made it too small. */
const slackDegrees = 1e-7;

/** A circle, ready to be asked. */
export function circleShape(lon: number, lat: number, radiusMeters: number): FenceShape {
  const half = Math.sin(radiusMeters / (2 * earthRadiusMeters));
  return { kind: 'circle', lon, lat, radiusMeters, maxHaversine: half * half };
}

/** Polygons whose rings have these numbers of corners, ready to be asked. */
export function polygonsShape(coords: Float64Array, ringLengths: readonly (readonly number[])[]): FenceShape {
  let corner = 0;
  const parts = ringLengths.map((lengths): PolygonPart => {
    const starts = [corner];
    const part = { minLon: Infinity, minLat: Infinity, maxLon: -Infinity, maxLat: -Infinity, starts };
    for (const length of lengths) starts.push((corner += length));
    for (let at = (starts[0] ?? 0) * 2; at < corner * 2; at += 2) {
      const [lon, lat] = [coords[at] as number, coords[at + 1] as number];
      if (lon < part.minLon) part.minLon = lon;
      if (lon > part.maxLon) part.maxLon = lon;
      if (lat < part.minLat) part.minLat = lat;
      if (lat > part.maxLat) part.maxLat = lat;
    }
    return part;
  });
  return { kind: 'polygons', coords, parts };
}

/** A shape as people send it, ready to be asked. */
export function toFenceShape(shape: GeofenceShape): FenceShape {
  if (shape.type === 'Circle') return circleShape(shape.center[0], shape.center[1], shape.radiusMeters);
  const polygons = shape.type === 'Polygon' ? [shape.coordinates] : shape.coordinates;
  const coords = new Float64Array(2 * polygons.flat().reduce((sum, ring) => sum + ring.length, 0));
  let at = 0;
  for (const [lon, lat] of polygons.flat(2)) {
    coords[at] = lon;
    coords[at + 1] = lat;
    at += 2;
  }
  return polygonsShape(
    coords,
    polygons.map((rings) => rings.map((ring) => ring.length)),
  );
}

/** Corners of a shape, the closing ones included; a circle counts as one. */
export const countCorners = (shape: GeofenceShape): number =>
  shape.type === 'Circle'
    ? 1
    : (shape.type === 'Polygon' ? [shape.coordinates] : shape.coordinates)
        .flat()
        .reduce((sum, ring) => sum + ring.length, 0);

/** Below this share of its terms a difference of products may have the wrong sign (Shewchuk, 1997: (3 + 16ε)ε). */
const doubtful = 3.3306690738754716e-16;

/**
 * Whether a place is in one polygon: the algorithm of Hao et al. (2018) as in point-in-polygon-hao, over corners that stand
 * side by side. The rare place so near to an edge that rounding could decide is asked of that library, which is exact.
 */
export function isInPart(coords: Float64Array, { starts }: PolygonPart, lon: number, lat: number): boolean {
  let crossings = 0;
  for (let ring = 0; ring + 1 < starts.length; ring += 1) {
    const end = (starts[ring + 1] as number) * 2;
    let at = (starts[ring] as number) * 2;
    let u1 = (coords[at] as number) - lon;
    let v1 = (coords[at + 1] as number) - lat;
    for (at += 2; at < end; at += 2) {
      const v2 = (coords[at + 1] as number) - lat;
      const u2 = (coords[at] as number) - lon;
      if (v1 < 0 ? v2 >= 0 : v1 > 0 ? v2 <= 0 : true) {
        if (v1 === 0 && v2 === 0) {
          if ((u2 <= 0 && u1 >= 0) || (u1 <= 0 && u2 >= 0)) return true;
        } else if (u1 < 0 && u2 < 0) {
          // Wholly to the west, where the ray goes: no rounding can change that.
          if (v1 > 0 !== v2 > 0) crossings += 1;
        } else if (u1 <= 0 || u2 <= 0) {
          const left = u2 * v1;
          const right = u1 * v2;
          const turn = left - right;
          if (turn === 0 && left === 0 && right === 0) return true;
          if (Math.abs(turn) < doubtful * Math.abs(left + right)) return isInPartExactly(coords, starts, lon, lat);
          if ((turn > 0 && v2 > 0 && v1 <= 0) || (turn < 0 && v2 <= 0 && v1 > 0)) crossings += 1;
        }
      }
      u1 = u2;
      v1 = v2;
    }
  }
  return crossings % 2 === 1;
}

function isInPartExactly(coords: Float64Array, starts: readonly number[], lon: number, lat: number): boolean {
  const rings = starts.slice(1).map((end, ring) => {
    const corners: [number, number][] = [];
    for (let at = (starts[ring] as number) * 2; at < end * 2; at += 2) {
      corners.push([coords[at] as number, coords[at + 1] as number]);
    }
    return corners;
  });
  return pointInPolygon([lon, lat], rings) !== false;
}

/** Whether a place is within the box, its edges included. */
export const isInBox = (box: Box, lon: number, lat: number): boolean =>
  lon >= box.minLon && lon <= box.maxLon && lat >= box.minLat && lat <= box.maxLat;

/** Whether a place is inside a shape or on its boundary. */
export function isInside(shape: FenceShape, lat: number, lon: number): boolean {
  if (shape.kind === 'circle') return haversineOf(shape.lat, shape.lon, lat, lon) <= shape.maxHaversine;
  return shape.parts.some((part) => isInBox(part, lon, lat) && isInPart(shape.coords, part, lon, lat));
}

/** Boxes, within ±180°, that hold every place of a circle; two when it reaches over the date line. */
export function boxesOfCircle(lon: number, lat: number, radiusMeters: number): Box[] {
  const angle = radiusMeters / earthRadiusMeters;
  const height = (angle * 180) / Math.PI + slackDegrees;
  const [minLat, maxLat] = [lat - height, lat + height];
  if (minLat <= -90 || maxLat >= 90) return [{ minLon: -180, maxLon: 180, minLat, maxLat }];
  const width = (Math.asin(Math.sin(angle) / Math.cos(toRadians(lat))) * 180) / Math.PI + slackDegrees;
  const [minLon, maxLon] = [lon - width, lon + width];
  if (minLon < -180) {
    return [
      { minLon: minLon + 360, maxLon: 180, minLat, maxLat },
      { minLon: -180, maxLon, minLat, maxLat },
    ];
  }
  if (maxLon > 180) {
    return [
      { minLon, maxLon: 180, minLat, maxLat },
      { minLon: -180, maxLon: maxLon - 360, minLat, maxLat },
    ];
  }
  return [{ minLon, maxLon, minLat, maxLat }];
}
