/**
 * A shape while it is drawn. Every ring stands by itself, because the drawing library knows no holes and no parts: the rings
 * say whose they are, and are put together again when the shape is saved. Nothing gets lost on the way. Pure.
 */
import type { GeofenceShape } from '#contracts/geofences';
import { circleRing, isInRing, polygonsOf, ringSquareMeters, type Box, type Corner } from './shapes.ts';

export interface DraftRing {
  id: string;
  /** The ring it is a hole of; null for an outer ring. */
  holeOf: string | null;
  /** Closed. */
  corners: Corner[];
}

export type Draft =
  { kind: 'empty' } | { kind: 'circle'; center: Corner; radiusMeters: number } | { kind: 'rings'; rings: DraftRing[] };

export const emptyDraft: Draft = { kind: 'empty' };
/** What a circle is known by on the drawing board; rings have ids of their own. */
export const circleId = 'circle';

/** Decimals that the drawing library keeps: a tenth of a millimetre. */
export const drawnDecimals = 9;
const round = (value: number): number => Number(value.toFixed(drawnDecimals));
export const roundCorner = ([lon, lat]: Corner): Corner => [round(lon), round(lat)];

/** Beyond this a ring has no handles: nobody drags one of a thousand corners. It can be moved, and drawn anew. */
export const mostHandles = 400;
export const hasHandles = (ring: Pick<DraftRing, 'corners'>): boolean => ring.corners.length - 1 <= mostHandles;

/** A shape taken apart. `newId` names the rings. */
export function draftOf(shape: GeofenceShape, newId: () => string): Draft {
  if (shape.type === 'Circle') return { kind: 'circle', center: shape.center, radiusMeters: shape.radiusMeters };
  const rings = polygonsOf(shape).flatMap(([outer = [], ...holes]): DraftRing[] => {
    const id = newId();
    const parts: [string, string | null, Corner[]][] = [
      [id, null, outer],
      ...holes.map((hole): [string, string | null, Corner[]] => [newId(), id, hole]),
    ];
    return parts.map(([ringId, holeOf, corners]) => ({ id: ringId, holeOf, corners: corners.map(roundCorner) }));
  });
  return { kind: 'rings', rings };
}

/** The shape that is saved; null while there is none. */
export function shapeOf(draft: Draft): GeofenceShape | null {
  if (draft.kind === 'empty') return null;
  if (draft.kind === 'circle') return { type: 'Circle', center: draft.center, radiusMeters: draft.radiusMeters };
  const polygons = outersOf(draft).map((outer) => [
    outer.corners,
    ...draft.rings.filter(({ holeOf }) => holeOf === outer.id).map(({ corners }) => corners),
  ]);
  const [first] = polygons;
  if (first === undefined) return null;
  return polygons.length === 1
    ? { type: 'Polygon', coordinates: first }
    : { type: 'MultiPolygon', coordinates: polygons };
}

const outersOf = (draft: { rings: DraftRing[] }): DraftRing[] => draft.rings.filter(({ holeOf }) => holeOf === null);

/** One more area; a circle that was there gives way. */
export function withArea(draft: Draft, id: string, corners: readonly Corner[]): Draft {
  const rings = draft.kind === 'rings' ? draft.rings : [];
  return { kind: 'rings', rings: [...rings, { id, holeOf: null, corners: corners.map(roundCorner) }] };
}

/** One more hole, in the smallest area around its first corner; null when it lies in none. */
export function withHole(draft: Draft, id: string, corners: readonly Corner[]): Draft | null {
  const [first] = corners;
  if (draft.kind !== 'rings' || first === undefined) return null;
  const [around] = outersOf(draft)
    .filter((ring) => isInRing(first, ring.corners))
    .sort((a, b) => ringSquareMeters(a.corners) - ringSquareMeters(b.corners));
  if (around === undefined) return null;
  return { kind: 'rings', rings: [...draft.rings, { id, holeOf: around.id, corners: corners.map(roundCorner) }] };
}

/** A ring with other corners. */
export const withCorners = (draft: Draft, id: string, corners: readonly Corner[]): Draft =>
  draft.kind === 'rings'
    ? {
        kind: 'rings',
        rings: draft.rings.map((ring) => (ring.id === id ? { ...ring, corners: corners.map(roundCorner) } : ring)),
      }
    : draft;

const mercatorY = (lat: number): number => Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360));
const latOfMercatorY = (y: number): number => (360 / Math.PI) * (Math.atan(Math.exp(y)) - Math.PI / 4);

/** A ring moved as a whole to where its corners are now; the holes in it go along, the same way over the map. */
export function withMovedRing(draft: Draft, id: string, corners: readonly Corner[]): Draft {
  if (draft.kind !== 'rings') return draft;
  const before = draft.rings.find((ring) => ring.id === id)?.corners[0];
  const [after] = corners;
  if (before === undefined || after === undefined) return draft;
  const [east, north] = [after[0] - before[0], mercatorY(after[1]) - mercatorY(before[1])];
  const moved = ([lon, lat]: Corner): Corner => [lon + east, latOfMercatorY(mercatorY(lat) + north)];
  const next = withCorners(draft, id, corners);
  return next.kind !== 'rings'
    ? next
    : {
        kind: 'rings',
        rings: next.rings.map((ring) =>
          ring.holeOf === id ? { ...ring, corners: ring.corners.map((corner) => roundCorner(moved(corner))) } : ring,
        ),
      };
}

/** Without a ring, and without the holes in it. */
export function withoutRing(draft: Draft, id: string): Draft {
  if (draft.kind !== 'rings') return emptyDraft;
  const rings = draft.rings.filter((ring) => ring.id !== id && ring.holeOf !== id);
  return rings.length === 0 ? emptyDraft : { kind: 'rings', rings };
}

/** Without the corner at `index`; the same draft when the ring is a triangle. */
export function withoutCorner(draft: Draft, id: string, index: number): Draft {
  if (draft.kind !== 'rings') return draft;
  const open = draft.rings.find((ring) => ring.id === id)?.corners.slice(0, -1) ?? [];
  if (open.length <= 3 || index < 0 || index >= open.length) return draft;
  const left = open.filter((_, at) => at !== index);
  return withCorners(draft, id, [...left, left[0] as Corner]);
}

/** What stands in the draft, in words: "2 areas, 1 hole, 14 corners". */
export function countsOf(draft: Draft): { areas: number; holes: number; corners: number } {
  if (draft.kind !== 'rings') return { areas: draft.kind === 'circle' ? 1 : 0, holes: 0, corners: 0 };
  const areas = outersOf(draft).length;
  const corners = draft.rings.reduce((sum, ring) => sum + ring.corners.length - 1, 0);
  return { areas, holes: draft.rings.length - areas, corners };
}

/** A rectangle over most of what the map shows. */
export function boxRing([west, south, east, north]: Box, share: number): Corner[] {
  const [lon, lat] = [(west + east) / 2, (south + north) / 2];
  const [wide, high] = [((east - west) / 2) * share, ((north - south) / 2) * share];
  const corners: Corner[] = [
    [lon - wide, lat - high],
    [lon + wide, lat - high],
    [lon + wide, lat + high],
    [lon - wide, lat + high],
    [lon - wide, lat - high],
  ];
  return corners.map(roundCorner);
}

/**
 * A hand-drawn ring with fewer corners: those nearer than `tolerance` to the line without them go (Ramer–Douglas–Peucker,
 * on the flat map with longitudes shortened by the latitude). Unchanged when fewer than a triangle would be left.
 */
export function simplifiedRing(ring: readonly Corner[], tolerance: number): Corner[] {
  const open = ring.slice(0, -1);
  const [first] = open;
  if (first === undefined || open.length < 5) return [...ring];
  const shorten = Math.cos((first[1] * Math.PI) / 180);
  const flat = open.map(([lon, lat]): Corner => [lon * shorten, lat]);
  // A ring has no ends: it is cut at its first corner and at the one furthest from it.
  let far = 0;
  let farthest = -1;
  for (const [at, [x, y]] of flat.entries()) {
    const [x0, y0] = flat[0] as Corner;
    const away = (x - x0) ** 2 + (y - y0) ** 2;
    if (away > farthest) [far, farthest] = [at, away];
  }
  const closed = [...flat, flat[0] as Corner];
  const kept = new Set([
    0,
    far,
    ...keptBetween(closed, 0, far, tolerance),
    ...keptBetween(closed, far, flat.length, tolerance),
  ]);
  const left = open.filter((_, at) => kept.has(at));
  return left.length < 3 ? [...ring] : [...left, [...(left[0] as Corner)]];
}

function keptBetween(line: readonly Corner[], from: number, to: number, tolerance: number): number[] {
  const [[ax, ay], [bx, by]] = [line[from] as Corner, line[to] as Corner];
  const [dx, dy] = [bx - ax, by - ay];
  const square = dx * dx + dy * dy;
  let furthest = -1;
  let most = tolerance;
  for (let at = from + 1; at < to; at += 1) {
    const [x, y] = line[at] as Corner;
    const along = square === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / square));
    const away = Math.hypot(x - ax - along * dx, y - ay - along * dy);
    if (away > most) [furthest, most] = [at, away];
  }
  return furthest === -1
    ? []
    : [furthest, ...keptBetween(line, from, furthest, tolerance), ...keptBetween(line, furthest, to, tolerance)];
}

export interface DrawnCircle {
  center: Corner;
  radiusMeters: number;
}

const lonsOf = (ring: readonly Corner[]): number[] => ring.map(([lon]) => lon);
const spanOf = (values: readonly number[]): number => Math.max(...values) - Math.min(...values);

/** The circle whose polygon was scaled about its middle: as much larger as the polygon has become wider. */
export function resizedCircle(circle: DrawnCircle, ring: readonly Corner[]): DrawnCircle {
  const before = spanOf(lonsOf(circleRing(circle.center, circle.radiusMeters)));
  return { center: circle.center, radiusMeters: (circle.radiusMeters * spanOf(lonsOf(ring))) / before };
}

/** The circle whose polygon was moved; its radius stays, however much larger the map shows it further north. */
export const movedCircle = (circle: DrawnCircle, ring: readonly Corner[]): DrawnCircle => ({
  center: middleOnMap(ring),
  radiusMeters: circle.radiusMeters,
});

/** The middle of what a ring covers on the map. */
export function middleOnMap(ring: readonly Corner[]): Corner {
  const [lons, ys] = [lonsOf(ring), ring.map(([, lat]) => mercatorY(lat))];
  const half = (values: readonly number[]): number => (Math.min(...values) + Math.max(...values)) / 2;
  return roundCorner([half(lons), latOfMercatorY(half(ys))]);
}
