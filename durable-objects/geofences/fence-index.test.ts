/** The index answers what asking every fence would; and that, what the exact library says. */
import fc from 'fast-check';
import pointInPolygon from 'point-in-polygon-hao';
import { describe, expect, it } from 'vitest';
import type { GeofenceShape } from '#contracts/geofences';
import { metersBetween } from './earth.ts';
import { FenceIndex, locateByAsking } from './fence-index.ts';
import { isInside, toFenceShape } from './fence-shape.ts';

const square = (lon: number, lat: number, size: number): [number, number][] => [
  [lon, lat],
  [lon + size, lat],
  [lon + size, lat + size],
  [lon, lat + size],
  [lon, lat],
];

const fenceOf = (id: string, shape: GeofenceShape) => ({ id, shape: toFenceShape(shape) });
const sorted = (ids: string[]): string[] => [...ids].sort();

/** A coarse grid, so that points fall on corners and edges time and again. */
const onGrid = fc.integer({ min: -40, max: 40 }).map((step) => step / 4);
const ring = fc
  .array(fc.tuple(onGrid, onGrid), { minLength: 3, maxLength: 12 })
  .map((corners): [number, number][] => [...corners, corners[0] as [number, number]]);
const polygon = fc.array(ring, { minLength: 1, maxLength: 3 });
const shape: fc.Arbitrary<GeofenceShape> = fc.oneof(
  polygon.map((coordinates) => ({ type: 'Polygon' as const, coordinates })),
  fc
    .array(polygon, { minLength: 1, maxLength: 12 })
    .map((coordinates) => ({ type: 'MultiPolygon' as const, coordinates })),
  fc.record({
    type: fc.constant('Circle' as const),
    center: fc.tuple(fc.double({ min: -180, max: 180, noNaN: true }), fc.double({ min: -90, max: 90, noNaN: true })),
    radiusMeters: fc.double({ min: 10, max: 200_000, noNaN: true }),
  }),
);

describe('a polygon', () => {
  it('holds what the exact library says, corners, edges and all', () => {
    const point = fc.oneof(
      fc.tuple(onGrid, onGrid),
      fc.tuple(fc.double({ min: -11, max: 11, noNaN: true }), fc.double({ min: -11, max: 11, noNaN: true })),
    );
    fc.assert(
      fc.property(polygon, fc.array(point, { minLength: 1, maxLength: 40 }), (coordinates, points) => {
        const { shape: mine } = fenceOf('a', { type: 'Polygon', coordinates });
        for (const [lon, lat] of points) {
          expect(isInside(mine, lat, lon), `${lon},${lat}`).toBe(pointInPolygon([lon, lat], coordinates) !== false);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is decided exactly where rounding would decide', () => {
    const coordinates = [square(0.1, 0.1, 0.3)];
    coordinates[0]?.splice(2, 0, [0.2 + 0.1, 0.7 / 3]);
    const mine = toFenceShape({ type: 'Polygon', coordinates });
    for (let step = 0; step <= 3000; step += 1) {
      for (const [lon, lat] of [
        [0.1 + (step * 0.3) / 3000, 0.1 + (step * 0.3) / 3000],
        [0.4, 0.1 + step / 10_000],
        [0.4 - (step / 3000) * (0.4 - 0.30000000000000004), 0.1 + (step / 3000) * (0.7 / 3 - 0.1)],
      ] as const) {
        expect(isInside(mine, lat, lon), `${lon},${lat}`).toBe(pointInPolygon([lon, lat], coordinates) !== false);
      }
    }
  });

  it('holds its boundary, not its holes, but the holes’ boundary', () => {
    const mine = toFenceShape({ type: 'Polygon', coordinates: [square(0, 0, 4), square(1, 1, 2)] });
    expect(isInside(mine, 0, 0)).toBe(true);
    expect(isInside(mine, 0, 2)).toBe(true);
    expect(isInside(mine, 2, 2)).toBe(false);
    expect(isInside(mine, 1, 2)).toBe(true);
    expect(isInside(mine, 2, 4.0000001)).toBe(false);
  });
});

describe('a circle', () => {
  it('goes by great-circle distance', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -180, max: 180, noNaN: true }),
        fc.double({ min: -90, max: 90, noNaN: true }),
        fc.double({ min: 10, max: 200_000, noNaN: true }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        (lon, lat, radiusMeters, dLon, dLat) => {
          const place = {
            lat: Math.max(-90, Math.min(90, lat + dLat)),
            lon: ((((lon + dLon + 180) % 360) + 360) % 360) - 180,
          };
          const meters = metersBetween(lat, lon, place.lat, place.lon);
          fc.pre(Math.abs(meters - radiusMeters) > 0.001);
          const fence = fenceOf('c', { type: 'Circle', center: [lon, lat], radiusMeters });
          expect(isInside(fence.shape, place.lat, place.lon)).toBe(meters < radiusMeters);
          expect(new FenceIndex([fence]).locate(place.lat, place.lon)).toEqual(meters < radiusMeters ? ['c'] : []);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('reaches over the date line and over a pole', () => {
    const index = new FenceIndex([
      fenceOf('fiji', { type: 'Circle', center: [179.95, -17], radiusMeters: 20_000 }),
      fenceOf('pole', { type: 'Circle', center: [10, 89.9], radiusMeters: 50_000 }),
    ]);
    expect(index.locate(-17, -179.95)).toEqual(['fiji']);
    expect(index.locate(-17, 179.9)).toEqual(['fiji']);
    expect(index.locate(-17, -179.8)).toEqual([]);
    expect(index.locate(89.9, -170)).toEqual(['pole']);
  });
});

describe('the index', () => {
  it('finds what asking every fence finds', () => {
    const place = fc.oneof(
      fc.tuple(onGrid, onGrid),
      fc.tuple(fc.double({ min: -90, max: 90, noNaN: true }), fc.double({ min: -180, max: 180, noNaN: true })),
    );
    fc.assert(
      fc.property(
        fc.array(shape, { minLength: 0, maxLength: 40 }),
        fc.array(place, { minLength: 1, maxLength: 50 }),
        (shapes, places) => {
          const fences = shapes.map((one, at) => fenceOf(String(at), one));
          const index = new FenceIndex(fences);
          for (const [lat, lon] of places) {
            expect(sorted(index.locate(lat, lon))).toEqual(sorted(locateByAsking(fences, lat, lon)));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('takes both names of the date line for one place', () => {
    const index = new FenceIndex([
      fenceOf('west', { type: 'Polygon', coordinates: [square(-180, 0, 1)] }),
      fenceOf('east', { type: 'Polygon', coordinates: [square(179, 0, 1)] }),
      fenceOf('both', { type: 'MultiPolygon', coordinates: [[square(179, 0, 1)], [square(-180, 0, 1)]] }),
    ]);
    for (const lon of [180, -180]) expect(sorted(index.locate(0.5, lon))).toEqual(['both', 'east', 'west']);
    expect(sorted(index.locate(0.5, 179.5))).toEqual(['both', 'east']);
  });

  it('tells what holds a place from what is merely near the way to it', () => {
    fc.assert(
      fc.property(
        fc.array(shape, { maxLength: 20 }),
        fc.tuple(onGrid, onGrid),
        fc.tuple(onGrid, onGrid),
        (shapes, [lat, lon], [fromLat, fromLon]) => {
          const fences = shapes.map((one, at) => fenceOf(String(at), one));
          const box = {
            ...{ minLon: Math.min(lon, fromLon), maxLon: Math.max(lon, fromLon) },
            ...{ minLat: Math.min(lat, fromLat), maxLat: Math.max(lat, fromLat) },
          };
          const { inside, beside } = new FenceIndex(fences).aroundAndBeside(lat, lon, box);
          expect(sorted(inside.map(({ id }) => id))).toEqual(sorted(locateByAsking(fences, lat, lon)));
          const ids = [...inside, ...beside].map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          for (const id of locateByAsking(fences, fromLat, fromLon)) expect(ids).toContain(id);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('finds nothing where there is nothing', () => {
    const box = { minLon: 0, minLat: 0, maxLon: 1, maxLat: 1 };
    expect(new FenceIndex([]).locate(1, 1)).toEqual([]);
    expect(new FenceIndex([]).aroundAndBeside(1, 1, box)).toEqual({ inside: [], beside: [] });
  });
});
