/**
 * Which of thousands of fences hold a place: a packed R-tree over their boxes (flatbush), then each candidate asked itself.
 * Pure. Building it for 5,000 fences takes a few milliseconds; a change builds it anew.
 */
import Flatbush from 'flatbush';
import {
  boxesOfCircle,
  isInBox,
  isInPart,
  isInside,
  type Box,
  type FenceShape,
  type PolygonPart,
} from './fence-shape.ts';

export interface IndexedFence {
  readonly id: string;
  readonly shape: FenceShape;
}

/** Of a shape with more parts than this the tree holds one box around all of them. */
const mostBoxes = 8;

/** What stands behind one box of the tree. */
interface Boxed<F extends IndexedFence> {
  fence: F;
  /** The one polygon that the box is of; null: the whole shape is to be asked. */
  part: PolygonPart | null;
  /** Other boxes may find the same fence. */
  isOneOfSeveral: boolean;
}

function around(parts: readonly PolygonPart[]): Box {
  return {
    minLon: Math.min(...parts.map((part) => part.minLon)),
    minLat: Math.min(...parts.map((part) => part.minLat)),
    maxLon: Math.max(...parts.map((part) => part.maxLon)),
    maxLat: Math.max(...parts.map((part) => part.maxLat)),
  };
}

export class FenceIndex<F extends IndexedFence> {
  private readonly boxed: Boxed<F>[] = [];
  private readonly tree: Flatbush | null;

  constructor(fences: Iterable<F>) {
    const boxes: Box[] = [];
    for (const fence of fences) {
      const { shape } = fence;
      if (shape.kind === 'circle') {
        const found = boxesOfCircle(shape.lon, shape.lat, shape.radiusMeters);
        for (const box of found) {
          this.boxed.push({ fence, part: null, isOneOfSeveral: found.length > 1 });
          boxes.push(box);
        }
      } else if (shape.parts.length <= mostBoxes) {
        for (const part of shape.parts) {
          this.boxed.push({ fence, part, isOneOfSeveral: shape.parts.length > 1 });
          boxes.push(part);
        }
      } else {
        this.boxed.push({ fence, part: null, isOneOfSeveral: false });
        boxes.push(around(shape.parts));
      }
    }
    this.tree = boxes.length === 0 ? null : new Flatbush(boxes.length);
    for (const { minLon, minLat, maxLon, maxLat } of boxes) this.tree?.add(minLon, minLat, maxLon, maxLat);
    this.tree?.finish();
  }

  /** Ids of the fences that contain a place, in no order. The two names of the date line, ±180°, mean the same place. */
  locate(lat: number, lon: number): string[] {
    return this.around(lat, lon).map(({ id }) => id);
  }

  /** The fences that contain a place, each once. */
  around(lat: number, lon: number): F[] {
    const inside: F[] = [];
    this.sort({ minLon: lon, minLat: lat, maxLon: lon, maxLat: lat }, lat, lon, inside, null);
    if (lon === 180 || lon === -180) {
      this.sort({ minLon: -lon, minLat: lat, maxLon: -lon, maxLat: lat }, lat, -lon, inside, null);
    }
    return inside;
  }

  /**
   * The fences that contain a place, and of the others those whose boxes touch a box around it: each once. A box past ±180°
   * goes on at the other side.
   */
  aroundAndBeside(lat: number, lon: number, box: Box): { inside: F[]; beside: F[] } {
    const inside: F[] = [];
    const beside: F[] = [];
    this.sort(box, lat, lon, inside, beside);
    if (box.minLon < -180) this.sort({ ...box, minLon: box.minLon + 360, maxLon: 180 }, lat, lon, inside, beside);
    if (box.maxLon > 180) this.sort({ ...box, minLon: -180, maxLon: box.maxLon - 360 }, lat, lon, inside, beside);
    if (lon === 180 || lon === -180) {
      for (const fence of this.around(lat, lon)) if (!inside.includes(fence)) inside.push(fence);
    }
    // A part of a fence may be beside the place that another part holds.
    return { inside, beside: beside.filter((fence) => !inside.includes(fence)) };
  }

  /** Puts what a box touches where it belongs, unless it is there; `beside` null: only what holds the place is wanted. */
  private sort(box: Box, lat: number, lon: number, inside: F[], beside: F[] | null): void {
    if (this.tree === null) return;
    for (const at of this.tree.search(box.minLon, box.minLat, box.maxLon, box.maxLat)) {
      const { fence, part, isOneOfSeveral } = this.boxed[at] as Boxed<F>;
      const { shape } = fence;
      const isIn =
        part !== null && shape.kind === 'polygons'
          ? (beside === null || isInBox(part, lon, lat)) && isInPart(shape.coords, part, lon, lat)
          : isInside(shape, lat, lon);
      const list = isIn ? inside : beside;
      if (list === null) continue;
      // What one box finds alone cannot be there, but for the date line.
      if ((isOneOfSeveral || lon === 180 || lon === -180) && list.includes(fence)) continue;
      list.push(fence);
    }
  }
}

/** The same answer without an index, by asking every fence: what the index is measured against. */
export const locateByAsking = (fences: readonly IndexedFence[], lat: number, lon: number): string[] =>
  fences
    .filter(({ shape }) => isInside(shape, lat, lon) || (Math.abs(lon) === 180 && isInside(shape, lat, -lon)))
    .map(({ id }) => id);
