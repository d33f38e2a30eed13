/** What lies at the edges of a fence: how far a place is from it, and where a drive past or through crosses it. Pure. */
import { metersBetween, metersPerDegree, shortWay, toRadians } from './earth.ts';
import { isInBox, isInside, type FenceShape, type PolygonPart } from './fence-shape.ts';

/** Squared distance from the origin to the line between two points. */
function squaredToSegment(x1: number, y1: number, x2: number, y2: number): number {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const squared = dx * dx + dy * dy;
  const share = squared === 0 ? 0 : Math.min(1, Math.max(0, -(x1 * dx + y1 * dy) / squared));
  const [x, y] = [x1 + share * dx, y1 + share * dy];
  return x * x + y * y;
}

/** True when some edge of the polygon lies within `meters` of a place, measured on a plane that touches the Earth there. */
function isNearPart(coords: Float64Array, part: PolygonPart, lat: number, lon: number, meters: number): boolean {
  const perLon = metersPerDegree * Math.cos(toRadians(lat));
  const margin = { lat: meters / metersPerDegree, lon: perLon > 1 ? meters / perLon : 360 };
  // Near the date line the polygon may lie at the other end of the map.
  if (
    Math.abs(lon) + margin.lon < 180 &&
    !isInBox(
      {
        minLon: part.minLon - margin.lon,
        maxLon: part.maxLon + margin.lon,
        minLat: part.minLat - margin.lat,
        maxLat: part.maxLat + margin.lat,
      },
      lon,
      lat,
    )
  ) {
    return false;
  }
  for (let ring = 0; ring + 1 < part.starts.length; ring += 1) {
    const end = (part.starts[ring + 1] as number) * 2;
    for (let at = (part.starts[ring] as number) * 2; at + 2 < end; at += 2) {
      const y1 = ((coords[at + 1] as number) - lat) * metersPerDegree;
      const y2 = ((coords[at + 3] as number) - lat) * metersPerDegree;
      if ((y1 > meters && y2 > meters) || (y1 < -meters && y2 < -meters)) continue;
      const fromWest = shortWay((coords[at] as number) - lon);
      const x1 = fromWest * perLon;
      const x2 = (fromWest + ((coords[at + 2] as number) - (coords[at] as number))) * perLon;
      if (squaredToSegment(x1, y1, x2, y2) <= meters * meters) return true;
    }
  }
  return false;
}

/** True for a place that is inside, on the boundary, or outside by no more than `meters`. */
export function isWithin(shape: FenceShape, lat: number, lon: number, meters: number): boolean {
  if (shape.kind === 'circle') return metersBetween(shape.lat, shape.lon, lat, lon) <= shape.radiusMeters + meters;
  return isInside(shape, lat, lon) || shape.parts.some((part) => isNearPart(shape.coords, part, lat, lon, meters));
}

/** A drive in a straight line on the map; past the date line `toLon` goes on beyond ±180°. */
export interface Drive {
  fromLat: number;
  fromLon: number;
  toLat: number;
  toLon: number;
}

/** A share of a drive, from 0 at its beginning to 1 at its end. */
export interface Stretch {
  from: number;
  to: number;
}

const latAt = ({ fromLat, toLat }: Drive, share: number): number => fromLat + share * (toLat - fromLat);
const lonAt = ({ fromLon, toLon }: Drive, share: number): number => fromLon + share * (toLon - fromLon);

/** Where a drive stands after a share of its way, with its longitude within ±180°. */
export const placeAt = (drive: Drive, share: number): { lat: number; lon: number } => {
  const lon = lonAt(drive, share);
  return { lat: latAt(drive, share), lon: lon > 180 || lon < -180 ? shortWay(lon) : lon };
};

/** Length of a stretch of a drive, metres. */
export function metersOf(drive: Drive, { from, to }: Stretch): number {
  return metersBetween(latAt(drive, from), lonAt(drive, from), latAt(drive, to), lonAt(drive, to));
}

/** Shares of the drive at which it meets an edge of the polygon. */
function meetingsWith(found: number[], coords: Float64Array, part: PolygonPart, drive: Drive, shift: number): void {
  const { fromLat, toLat } = drive;
  const [fromLon, toLon] = [drive.fromLon + shift, drive.toLon + shift];
  const [dx, dy] = [toLon - fromLon, toLat - fromLat];
  const [south, north] = [Math.min(fromLat, toLat), Math.max(fromLat, toLat)];
  const [west, east] = [Math.min(fromLon, toLon), Math.max(fromLon, toLon)];
  if (part.maxLon < west || part.minLon > east || part.maxLat < south || part.minLat > north) return;
  for (let ring = 0; ring + 1 < part.starts.length; ring += 1) {
    const end = (part.starts[ring + 1] as number) * 2;
    for (let at = (part.starts[ring] as number) * 2; at + 2 < end; at += 2) {
      const [x1, y1] = [coords[at] as number, coords[at + 1] as number];
      const [x2, y2] = [coords[at + 2] as number, coords[at + 3] as number];
      if ((y1 < south && y2 < south) || (y1 > north && y2 > north)) continue;
      if ((x1 < west && x2 < west) || (x1 > east && x2 > east)) continue;
      const [ex, ey] = [x2 - x1, y2 - y1];
      const [ox, oy] = [x1 - fromLon, y1 - fromLat];
      const cross = dx * ey - dy * ex;
      if (cross === 0) {
        // Along the edge, or past it: its ends are where something may change.
        const squared = dx * dx + dy * dy;
        for (const [x, y] of [
          [ox, oy],
          [x2 - fromLon, y2 - fromLat],
        ] as const) {
          const share = (x * dx + y * dy) / squared;
          if (share >= 0 && share <= 1) found.push(share);
        }
        continue;
      }
      const share = (ox * ey - oy * ex) / cross;
      const onEdge = (ox * dy - oy * dx) / cross;
      if (share >= 0 && share <= 1 && onEdge >= -1e-9 && onEdge <= 1 + 1e-9) found.push(share);
    }
  }
}

/** Steps of a search that halves, or takes away a third: to a ten-millionth of the drive at least. */
const searchSteps = 40;

function throughCircle(shape: FenceShape & { kind: 'circle' }, drive: Drive): Stretch | null {
  const beyond = (share: number): number =>
    metersBetween(shape.lat, shape.lon, latAt(drive, share), lonAt(drive, share)) - shape.radiusMeters;
  // The nearest place: the distance to a centre falls, then rises, along any drive short enough to be one.
  let [low, high] = [0, 1];
  for (let step = 0; step < searchSteps; step += 1) {
    const third = (high - low) / 3;
    if (beyond(low + third) < beyond(high - third)) high -= third;
    else low += third;
  }
  const nearest = (low + high) / 2;
  if (beyond(nearest) >= 0) return null;
  const edgeBetween = (outside: number): number => {
    let [out, inside] = [outside, nearest];
    for (let step = 0; step < searchSteps; step += 1) {
      const middle = (out + inside) / 2;
      if (beyond(middle) > 0) out = middle;
      else inside = middle;
    }
    return inside;
  };
  return { from: edgeBetween(0), to: edgeBetween(1) };
}

/**
 * The part of a drive that lies inside a fence, for one that begins and ends outside: from the first time it comes in to
 * the last time it goes out. Null where less than `meters` of it are inside, however it winds.
 */
export function passage(shape: FenceShape, drive: Drive, meters: number): Stretch | null {
  if (shape.kind === 'circle') {
    const through = throughCircle(shape, drive);
    return through !== null && metersOf(drive, through) > meters ? through : null;
  }
  const meetings: number[] = [];
  for (const part of shape.parts) {
    meetingsWith(meetings, shape.coords, part, drive, 0);
    if (drive.toLon > 180) meetingsWith(meetings, shape.coords, part, drive, -360);
    if (drive.toLon < -180) meetingsWith(meetings, shape.coords, part, drive, 360);
  }
  if (meetings.length < 2) return null;
  meetings.sort((a, b) => a - b);
  let inside = 0;
  let first: number | null = null;
  let last = 0;
  for (const [at, from] of meetings.entries()) {
    const to = meetings[at + 1];
    if (to === undefined || to === from) continue;
    const { lat, lon } = placeAt(drive, (from + to) / 2);
    if (!isInside(shape, lat, lon)) continue;
    inside += metersOf(drive, { from, to });
    first ??= from;
    last = to;
  }
  return first !== null && inside > meters ? { from: first, to: last } : null;
}
