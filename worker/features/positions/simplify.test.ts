import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { continuousLongitudes, metresFromLine, simplify, type Place } from './simplify.ts';

/** A wandering track, over the date line now and then. */
const track: fc.Arbitrary<Place[]> = fc
  .record({
    lat: fc.double({ min: -60, max: 60, noNaN: true }),
    lon: fc.oneof(fc.double({ min: -180, max: 180, noNaN: true }), fc.constantFrom(179.99, -179.99)),
    steps: fc.array(
      fc.tuple(fc.double({ min: -0.02, max: 0.02, noNaN: true }), fc.double({ min: -0.02, max: 0.02, noNaN: true })),
      { maxLength: 80 },
    ),
  })
  .map(({ lat, lon, steps }) => {
    const places = [{ lat, lon }];
    for (const [north, east] of steps) {
      const before = places.at(-1) as Place;
      const moved = before.lon + east;
      places.push({ lat: before.lat + north, lon: moved > 180 ? moved - 360 : moved < -180 ? moved + 360 : moved });
    }
    return places;
  });
const tolerance = fc.oneof(fc.constantFrom(0, 10_000), fc.double({ min: 0, max: 2_000, noNaN: true }));

/** Great-circle metres, by another formula (haversine). */
function metresBetween(a: Place, b: Place): number {
  const rad = Math.PI / 180;
  const [north, east] = [(b.lat - a.lat) * rad, (b.lon - a.lon) * rad];
  const h = Math.sin(north / 2) ** 2 + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(east / 2) ** 2;
  return 2 * 6_371_008.8 * Math.asin(Math.sqrt(h));
}

describe('a simplified track', () => {
  test('keeps its ends, and leaves out nothing that lies further than the tolerance from the line', () => {
    fc.assert(
      fc.property(track, tolerance, fc.constantFrom(undefined, 0, 100, 1_000), (places, metres, distances) => {
        const kept = simplify(places, metres, distances === undefined ? {} : { distances });
        expect(kept[0]).toBe(0);
        expect(kept.at(-1)).toBe(places.length - 1);
        for (let n = 1; n < kept.length; n += 1) {
          const [from, to] = [kept[n - 1] as number, kept[n] as number];
          expect(from).toBeLessThan(to);
          for (let between = from + 1; between < to; between += 1) {
            const off = metresFromLine(places[between] as Place, places[from] as Place, places[to] as Place);
            expect(off).toBeLessThanOrEqual(metres + 1e-6);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('has no more points with a larger tolerance of nothing but its ends', () => {
    fc.assert(
      fc.property(track, (places) => {
        expect(simplify(places, 1e9)).toEqual(places.length === 1 ? [0] : [0, places.length - 1]);
      }),
    );
  });

  test('of a straight road is its ends, of a corner the corner, on both sides of the date line', () => {
    const road = Array.from({ length: 2_000 }, (_, n) => ({ lat: 40 + n * 1e-4, lon: -105 + n * 1e-4 }));
    expect(simplify(road, 0.01)).toEqual([0, 1_999]);
    const corner = [...road, ...Array.from({ length: 500 }, (_, n) => ({ lat: 40.1999 - n * 1e-4, lon: -104.8 }))];
    expect(simplify(corner, 50)).toEqual([0, 1_999, 2_499]);
    const line = Array.from({ length: 400 }, (_, n) => ({
      lat: 10,
      lon: n < 200 ? 179.98 + n * 1e-4 : -180 + (n - 200) * 1e-4,
    }));
    expect(simplify(line, 0.5)).toEqual([0, 399]);
  });

  test('of a truck that stands is two points, and of one, two, none what is there', () => {
    expect(simplify(new Array<Place>(50).fill({ lat: 1, lon: 1 }), 0)).toEqual([0, 49]);
    expect(simplify([], 5)).toEqual([]);
    expect(simplify([{ lat: 1, lon: 1 }], 5)).toEqual([0]);
    expect(simplify(new Array<Place>(2).fill({ lat: 1, lon: 1 }), 5)).toEqual([0, 1]);
  });
});

test('metres are those of the earth', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -70, max: 70, noNaN: true }),
      fc.double({ min: -180, max: 180, noNaN: true }),
      fc.double({ min: -0.05, max: 0.05, noNaN: true }),
      fc.double({ min: -0.05, max: 0.05, noNaN: true }),
      (lat, lon, north, east) => {
        const [from, to] = [
          { lat, lon },
          { lat: lat + north, lon: lon + east },
        ];
        // From a point to a line of no length: the distance between two points.
        const direct = metresFromLine(to, from, from);
        expect(Math.abs(direct - metresBetween(from, to))).toBeLessThan(0.005 * direct + 1e-3);
      },
    ),
  );
  // A mile off a road along a parallel.
  expect(metresFromLine({ lat: 40.0145, lon: -105 }, { lat: 40, lon: -106 }, { lat: 40, lon: -104 })).toBeCloseTo(
    1612,
    0,
  );
});

test('longitudes go on over the date line', () => {
  const places = [170, 179, -179, -170, 179, -179].map((lon) => ({ lat: 0, lon }));
  expect([...continuousLongitudes(places)]).toEqual([170, 179, 181, 190, 179, 181]);
});
