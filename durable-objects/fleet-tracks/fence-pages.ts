/**
 * How the fence watch packs what it keeps: fences in pages, so that an object that wakes up has thousands of them after a
 * few reads and without parsing their corners; newest fixes as rows of 28 bytes. Pure. Numbers are little-endian.
 */
import { fromSteps, toSteps } from '#contracts/reading-scales';
import { circleShape, polygonsShape, toFenceShape, type FenceShape } from '../geofences/fence-shape.ts';
import type { RuledFence } from '../geofences/visits.ts';
import { idKey } from '../readings/packed-steps.ts';
import type { WatchedFence } from './feed.ts';

/** A fence as the watch holds it. */
export interface HeldFence extends RuledFence {
  /** The version of the list that last confirmed it. */
  version: number;
  /** The page it is kept in. */
  page: number;
}

export const toHeldFence = (fence: WatchedFence, version: number, page: number): HeldFence => ({
  id: fence.id,
  shape: toFenceShape(fence.shape),
  dwellMinutes: fence.dwellMinutes,
  speedLimitMph: fence.speedLimitMph,
  version,
  page,
});

const ringLengthsOf = (shape: FenceShape & { kind: 'polygons' }): number[][] =>
  shape.parts.map(({ starts }) => starts.slice(1).map((end, ring) => end - (starts[ring] as number)));

/** Bytes of a fence in its page, about. */
export const sizeOfFence = ({ shape }: HeldFence): number =>
  150 + (shape.kind === 'circle' ? 0 : shape.coords.byteLength + 8 * shape.parts.length);

function haveSameShape(a: FenceShape, b: FenceShape): boolean {
  if (a.kind === 'circle' || b.kind === 'circle') {
    return (
      a.kind === 'circle' &&
      b.kind === 'circle' &&
      a.lat === b.lat &&
      a.lon === b.lon &&
      a.radiusMeters === b.radiusMeters
    );
  }
  return (
    a.coords.length === b.coords.length &&
    a.coords.every((value, at) => value === b.coords[at]) &&
    JSON.stringify(ringLengthsOf(a)) === JSON.stringify(ringLengthsOf(b))
  );
}

/** True when nothing that is watched differs. */
export const isSameFence = (a: HeldFence, b: HeldFence): boolean =>
  a.dwellMinutes === b.dwellMinutes && a.speedLimitMph === b.speedLimitMph && haveSameShape(a.shape, b.shape);

/** id, version, dwell minutes, speed limit; then a circle's three numbers, or the lengths of the rings of each polygon. */
type Heading = [string, number, number | null, number | null, [number, number, number] | null, number[][] | null];

/** A page: the length of its headings (JSON), these, zeros up to a multiple of eight, then all corners as float64. */
export function packPage(fences: readonly HeldFence[]): Uint8Array {
  const headings = fences.map(({ id, version, dwellMinutes, speedLimitMph, shape }): Heading => {
    const isCircle = shape.kind === 'circle';
    return [
      ...([id, version, dwellMinutes, speedLimitMph] as const),
      isCircle ? [shape.lon, shape.lat, shape.radiusMeters] : null,
      isCircle ? null : ringLengthsOf(shape),
    ];
  });
  const text = new TextEncoder().encode(JSON.stringify(headings));
  const cornersAt = Math.ceil((4 + text.length) / 8) * 8;
  const corners = fences.flatMap(({ shape }) => (shape.kind === 'polygons' ? [shape.coords] : []));
  const bytes = new Uint8Array(cornersAt + corners.reduce((sum, coords) => sum + coords.byteLength, 0));
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  const numbers = new Float64Array(bytes.buffer, cornersAt);
  let at = 0;
  for (const coords of corners) {
    numbers.set(coords, at);
    at += coords.length;
  }
  return bytes;
}

/** The fences of a page; their corners stay where they are. */
export function unpackPage(body: ArrayBuffer, page: number): HeldFence[] {
  const length = new DataView(body).getUint32(0, true);
  const headings = JSON.parse(new TextDecoder().decode(new Uint8Array(body, 4, length))) as Heading[];
  const numbers = new Float64Array(body, Math.ceil((4 + length) / 8) * 8);
  let at = 0;
  return headings.map(([id, version, dwellMinutes, speedLimitMph, circle, rings]) => {
    let shape: FenceShape;
    if (circle !== null) shape = circleShape(...circle);
    else {
      const lengths = rings ?? [];
      let end = at;
      for (const polygon of lengths) for (const length of polygon) end += 2 * length;
      shape = polygonsShape(numbers.subarray(at, end), lengths);
      at = end;
    }
    return { id, shape, dwellMinutes, speedLimitMph, version, page };
  });
}

/** The newest fix of a vehicle, which goes by the number it was given when it was first seen. */
export interface NumberedFix {
  slot: number;
  atMs: number;
  lat: number;
  lon: number;
  /** When it came in. Epoch milliseconds. */
  heardMs: number;
}

const idBytes = 16;
const fixBytes = 28;

/** Vehicles seen for the first time, by the keys of their ids (readings/packed-steps.ts); their numbers follow on. Then fixes. */
export function packFixes(newKeys: readonly string[], fixes: readonly NumberedFix[]): Uint8Array {
  const bytes = new Uint8Array(4 + newKeys.length * idBytes + fixes.length * fixBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, newKeys.length, true);
  let at = 4;
  for (const key of newKeys) {
    for (let n = 0; n < idBytes; n += 2) view.setUint16(at + n, key.charCodeAt(n / 2));
    at += idBytes;
  }
  for (const { slot, atMs, lat, lon, heardMs } of fixes) {
    view.setUint32(at, slot, true);
    view.setFloat64(at + 4, atMs, true);
    view.setInt32(at + 12, toSteps('lat', lat), true);
    view.setInt32(at + 16, toSteps('lon', lon), true);
    view.setFloat64(at + 20, heardMs, true);
    at += fixBytes;
  }
  return bytes;
}

export function unpackFixes(body: ArrayBuffer): { newKeys: string[]; fixes: NumberedFix[] } {
  const view = new DataView(body);
  const bytes = new Uint8Array(body);
  const count = view.getUint32(0, true);
  const newKeys = Array.from({ length: count }, (_, n) => idKey(bytes, 4 + n * idBytes));
  const fixes: NumberedFix[] = [];
  for (let at = 4 + count * idBytes; at < body.byteLength; at += fixBytes) {
    fixes.push({
      slot: view.getUint32(at, true),
      atMs: view.getFloat64(at + 4, true),
      lat: fromSteps('lat', view.getInt32(at + 12, true)),
      lon: fromSteps('lon', view.getInt32(at + 16, true)),
      heardMs: view.getFloat64(at + 20, true),
    });
  }
  return { newKeys, fixes };
}
