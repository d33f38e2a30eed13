/** What lies on the drawing board and where the pointer is on it. Pure. */
import type { Polygon } from 'geojson';
import type { GeoJSONStoreFeatures } from 'terra-draw';
import { circleId, hasHandles, roundCorner, type Draft } from './draft.ts';
import { circleRing, type Corner } from './shapes.ts';

export interface Pixels {
  x: number;
  y: number;
}

export const isSame = (a: readonly Corner[], b: readonly Corner[]): boolean =>
  a.length === b.length && a.every(([lon, lat], at) => lon === b[at]?.[0] && lat === b[at][1]);

/** The ring of a feature; empty when it is no polygon. */
export function ringOf(feature: GeoJSONStoreFeatures | undefined): Corner[] {
  if (feature?.geometry.type !== 'Polygon') return [];
  return (feature.geometry.coordinates[0] ?? []).map(([lon = 0, lat = 0]): Corner => [lon, lat]);
}
export const polygon = (ring: readonly Corner[]): Polygon => ({
  type: 'Polygon',
  coordinates: [ring.map(roundCorner)],
});

export interface Ring {
  id: string;
  corners: Corner[];
}

export const ringsOf = (draft: Draft): Ring[] =>
  draft.kind === 'rings'
    ? draft.rings
    : draft.kind === 'circle'
      ? [{ id: circleId, corners: circleRing(draft.center, draft.radiusMeters) }]
      : [];

/** The ring that is to lie on the board, and what it is called there; null for none. */
export function boardOf(draft: Draft, id: string | null): { id: string; mode: string; ring: Corner[] } | null {
  const ring = ringsOf(draft).find((known) => known.id === id);
  if (ring === undefined) return null;
  const mode = draft.kind === 'circle' ? 'circle' : hasHandles(ring) ? 'polygon' : 'freehand';
  return { id: ring.id, mode, ring: ring.corners };
}

/** How far a point is from an edge, pixels. */
export function pixelsToEdge(point: Pixels, from: Pixels, to: Pixels): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const square = dx * dx + dy * dy;
  const along = square === 0 ? 0 : ((point.x - from.x) * dx + (point.y - from.y) * dy) / square;
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(point.x - from.x - share * dx, point.y - from.y - share * dy);
}
