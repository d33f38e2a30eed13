/** Plane geometry on rings of places, degrees: good enough to choose what is drawn and where a name stands. Pure. */
import type { Position } from 'geojson';

/** The area inside a ring, square degrees. */
export function ringArea(ring: readonly Position[]): number {
  let twice = 0;
  for (let at = 0; at < ring.length; at += 1) {
    const [x1 = 0, y1 = 0] = ring[at] ?? [];
    const [x2 = 0, y2 = 0] = ring[(at + 1) % ring.length] ?? [];
    twice += x1 * y2 - x2 * y1;
  }
  return Math.abs(twice) / 2;
}

export function isInside(ring: readonly Position[], x: number, y: number): boolean {
  let inside = false;
  for (let at = 0, before = ring.length - 1; at < ring.length; before = at, at += 1) {
    const [x1 = 0, y1 = 0] = ring[at] ?? [];
    const [x2 = 0, y2 = 0] = ring[before] ?? [];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

function distanceToRing(ring: readonly Position[], x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (let at = 0; at < ring.length; at += 1) {
    const [x1 = 0, y1 = 0] = ring[at] ?? [];
    const [x2 = 0, y2 = 0] = ring[(at + 1) % ring.length] ?? [];
    const [dx, dy] = [x2 - x1, y2 - y1];
    const length2 = dx * dx + dy * dy;
    const along = length2 === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length2));
    nearest = Math.min(nearest, (x - x1 - along * dx) ** 2 + (y - y1 - along * dy) ** 2);
  }
  return Math.sqrt(nearest);
}

/** The place inside a ring that lies furthest from its edge, to a fortieth of the ring's extent: where a name fits. */
export function innermostPoint(ring: readonly Position[]): Position {
  const xs = ring.map(([x = 0]) => x);
  const ys = ring.map(([, y = 0]) => y);
  const [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const cells = 40;
  let best: Position = [(west + east) / 2, (south + north) / 2];
  let room = -1;
  for (let column = 1; column < cells; column += 1) {
    for (let row = 1; row < cells; row += 1) {
      const x = west + ((east - west) * column) / cells;
      const y = south + ((north - south) * row) / cells;
      if (!isInside(ring, x, y)) continue;
      const here = distanceToRing(ring, x, y);
      if (here > room) [best, room] = [[x, y], here];
    }
  }
  return best;
}

/** Names outside the part of the world that the map opens on help nobody. */
export const isOutside = (lon: number, lat: number): boolean => lon > -50 || lon < -180 || lat < 5 || lat > 80;
