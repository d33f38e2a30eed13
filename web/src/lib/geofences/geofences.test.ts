import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GeofenceShape } from '#contracts/geofences';
import type { LiveVehicle } from '#contracts/live';
import {
  circleId,
  countsOf,
  draftOf,
  emptyDraft,
  mostHandles,
  resizedCircle,
  movedCircle,
  shapeOf,
  simplifiedRing,
  withArea,
  withCorners,
  withHole,
  withMovedRing,
  withoutCorner,
  withoutRing,
  boxRing,
  hasHandles,
  type Draft,
} from './draft.ts';
import { FenceFeatures } from './fence-features.ts';
import { FenceIndex, trucksInside } from './fence-index.ts';
import { box, dock, fenceOf, idOf, tenantId, two, yard } from './example-fences.ts';
import { formatArea, formatLength, handyUnit, lengthIn, metersOf, mphOf, numberOf, speedIn } from './measures.ts';
import { boxOf, circleRing, isInside, labelPlaceOf, metersBetween, squareMetersOf, type Corner } from './shapes.ts';
import { inputOf, valuesOf } from './form.ts';
import { eventWord, raisesOf } from './words.ts';

/** A counter for ids: rings need names that differ. */
const naming = () => {
  let next = 0;
  return () => `ring-${(next += 1)}`;
};
const ringsOf = (draft: Draft) => (draft.kind === 'rings' ? draft.rings : []);

const corner = fc.tuple(fc.double({ min: -179, max: 179, noNaN: true }), fc.double({ min: -80, max: 80, noNaN: true }));
const closed = fc.array(corner, { minLength: 3, maxLength: 12 }).map((open): Corner[] => [...open, open[0] as Corner]);
const polygons = fc.array(fc.array(closed, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });

describe('a shape on the drawing board', () => {
  test('comes back whole: parts, holes, order, corners to a tenth of a millimetre', () => {
    fc.assert(
      fc.property(polygons, (coordinates) => {
        const shape: GeofenceShape =
          coordinates.length === 1
            ? { type: 'Polygon', coordinates: coordinates[0] ?? [] }
            : { type: 'MultiPolygon', coordinates };
        const back = shapeOf(draftOf(shape, naming()));
        if (back === null || back.type === 'Circle') throw new Error('it is no polygon any more');
        expect(back.type).toBe(shape.type);
        const flat = (value: unknown): number[] => (value as number[][]).flat(Infinity as 1) as unknown as number[];
        const [was, is] = [flat(shape.coordinates), flat(back.coordinates)];
        expect(is.length).toBe(was.length);
        is.forEach((value, at) => expect(Math.abs(value - (was[at] ?? Number.NaN))).toBeLessThanOrEqual(5.1e-10));
        const structure = (value: GeofenceShape) =>
          value.type === 'MultiPolygon' ? value.coordinates.map((rings) => rings.map((ring) => ring.length)) : null;
        expect(structure(back)).toEqual(structure(shape));
      }),
    );
  });

  test('holds plain shapes exactly; a circle stays a circle', () => {
    for (const shape of [yard, two, dock]) expect(shapeOf(draftOf(shape, naming()))).toEqual(shape);
    expect(shapeOf(emptyDraft)).toBeNull();
    expect(countsOf(draftOf(two, naming()))).toEqual({ areas: 2, holes: 2, corners: 16 });
  });

  test('grows by areas and holes; a hole belongs to the smallest area around it', () => {
    const one = withArea(emptyDraft, 'big', box(0, 0, 10));
    const both = withArea(one, 'small', box(20, 0, 4));
    const cut = withHole(both, 'hole', box(21, 1, 1));
    expect(cut === null ? null : shapeOf(cut)).toEqual({
      type: 'MultiPolygon',
      coordinates: [[box(0, 0, 10)], [box(20, 0, 4), box(21, 1, 1)]],
    });
    expect(withHole(both, 'hole', box(50, 50, 1))).toBeNull();
    expect(withHole(emptyDraft, 'hole', box(0, 0, 1))).toBeNull();
    // A circle makes room for what is drawn after it.
    expect(shapeOf(withArea(draftOf(dock, naming()), 'a', box(0, 0, 1)))?.type).toBe('Polygon');
  });

  test('loses a ring with its holes, and nothing else', () => {
    const draft = draftOf(two, naming());
    const [outer, hole] = ringsOf(draft);
    expect(countsOf(withoutRing(draft, hole?.id ?? ''))).toEqual({ areas: 2, holes: 1, corners: 12 });
    expect(shapeOf(withoutRing(draft, outer?.id ?? ''))).toEqual({ type: 'Polygon', coordinates: [box(-80, 40, 0.5)] });
    expect(withoutRing(draftOf(dock, naming()), circleId)).toEqual(emptyDraft);
  });

  test('takes a moved area along with its holes, over the map and not over the globe', () => {
    const draft = draftOf(yard, naming());
    const [outer] = ringsOf(draft);
    const moved = withMovedRing(draft, outer?.id ?? '', box(-80, 35, 1));
    expect(shapeOf(moved)).toEqual({ type: 'Polygon', coordinates: [box(-80, 35, 1), box(-79.8, 35.2, 0.2)] });
    const north = withMovedRing(
      draft,
      outer?.id ?? '',
      [...box(-90, 35, 1)].map(([lon, lat]): Corner => [lon, lat + 10]),
    );
    const hole = ringsOf(north)[1]?.corners ?? [];
    // Further north the same stretch of map is less of the Earth.
    expect((hole[0]?.[1] ?? 0) - 45).toBeLessThan(0.2);
    expect((hole[0]?.[1] ?? 0) - 45).toBeGreaterThan(0.15);
    expect(hole[0]).toEqual(hole.at(-1));
  });

  test('loses a corner, the first one too, but stays a ring', () => {
    const draft = withArea(emptyDraft, 'a', box(0, 0, 2));
    const without = withoutCorner(draft, 'a', 0);
    expect(ringsOf(without)[0]?.corners).toEqual([
      [2, 0],
      [2, 2],
      [0, 2],
      [2, 0],
    ]);
    expect(withoutCorner(without, 'a', 1)).toBe(without);
    expect(withoutCorner(draft, 'a', 9)).toBe(draft);
    expect(withCorners(draftOf(dock, naming()), 'a', box(0, 0, 1)).kind).toBe('circle');
  });

  test('has handles until there are too many to drag', () => {
    const ring = (corners: number) => circleOf(corners);
    const circleOf = (corners: number): Corner[] =>
      Array.from({ length: corners + 1 }, (_, n): Corner => [Math.cos(n), Math.sin(n)]);
    const [small] = ringsOf(withArea(emptyDraft, 'a', ring(mostHandles)));
    const [large] = ringsOf(withArea(emptyDraft, 'a', ring(mostHandles + 1)));
    expect([small, large].map((known) => known !== undefined && hasHandles(known))).toEqual([true, false]);
  });

  test('drawn by hand it is simplified, and stays near where the hand was', () => {
    const rough = circleRing([-90, 35], 5_000);
    const fine = simplifiedRing(rough, 0.002);
    expect(fine.length).toBeLessThan(rough.length / 2);
    expect(fine.length).toBeGreaterThan(8);
    expect(fine[0]).toEqual(fine.at(-1));
    const [was, is] = [rough, fine].map((ring) => squareMetersOf({ type: 'Polygon', coordinates: [ring] }));
    expect((is ?? 0) / (was ?? 1)).toBeGreaterThan(0.93);
    fc.assert(
      fc.property(closed, fc.double({ min: 0, max: 100, noNaN: true }), (ring, tolerance) => {
        const left = simplifiedRing(ring, tolerance);
        expect(left.length).toBeGreaterThanOrEqual(4);
        expect(left[0]).toEqual(left.at(-1));
        for (const place of left) expect(ring).toContainEqual(place);
      }),
    );
  });

  test('around a view it is a rectangle inside of it', () => {
    expect(boxRing([-100, 30, -90, 40], 0.5)).toEqual(box(-97.5, 32.5, 5));
  });
});

describe('circles', () => {
  test('are drawn with every corner on the edge', () => {
    fc.assert(
      fc.property(corner, fc.double({ min: 10, max: 200_000, noNaN: true }), (center, radius) => {
        const ring = circleRing(center, radius);
        expect(ring.length).toBe(65);
        expect(ring[0]).toEqual(ring.at(-1));
        for (const place of ring) expect(Math.abs(metersBetween(center, place) - radius)).toBeLessThan(0.01);
      }),
    );
  });

  test('grow and move as their polygons do', () => {
    const circle = { center: [-90, 35] as Corner, radiusMeters: 1_000 };
    const ring = circleRing(circle.center, 2_500);
    expect(resizedCircle(circle, ring).radiusMeters).toBeCloseTo(2_500, 0);
    const moved = movedCircle(circle, circleRing([-89, 36], 1_000));
    expect(moved.radiusMeters).toBe(1_000);
    expect(metersBetween(moved.center, [-89, 36])).toBeLessThan(1);
  });
});

describe('sizes', () => {
  test('are those of the sphere, holes left out', () => {
    // A spherical rectangle: R² Δλ (sin φ2 − sin φ1).
    const degree = Math.PI / 180;
    const exact = 6_371_008.8 ** 2 * degree * (Math.sin(36 * degree) - Math.sin(35 * degree));
    expect(squareMetersOf({ type: 'Polygon', coordinates: [box(-90, 35, 1)] }) / exact).toBeCloseTo(1, 3);
    const hole = squareMetersOf({ type: 'Polygon', coordinates: [box(-89.8, 35.2, 0.2)] });
    const whole = squareMetersOf({ type: 'Polygon', coordinates: [box(-90, 35, 1)] });
    expect(squareMetersOf(yard)).toBeCloseTo(whole - hole, 3);
    expect(squareMetersOf(dock)).toBeCloseTo(Math.PI * 1_500 ** 2, -2);
  });

  test('read well in both systems', () => {
    expect(formatArea(4_046.8564224, 'us')).toBe('1 acre');
    expect(formatArea(50_000, 'us')).toBe('12.4 acres');
    expect(formatArea(2_589_988.11 * 3, 'us')).toBe('3 sq mi');
    expect(formatArea(900, 'metric')).toBe('900 m²');
    expect(formatArea(25_000, 'metric')).toBe('2.5 ha');
    expect(formatArea(12_340_000, 'metric')).toBe('12.3 km²');
    expect(formatLength(100, 'us')).toBe('328 ft');
    expect(formatLength(1_609.344, 'us')).toBe('1 mi');
    expect(formatLength(850, 'metric')).toBe('850 m');
    expect(formatLength(12_500, 'metric')).toBe('12.5 km');
  });

  test('are typed in the same units', () => {
    expect(metersOf('1.5', 'mi')).toBeCloseTo(2_414.016, 3);
    expect(metersOf('1,500', 'm')).toBe(1_500);
    for (const wrong of ['', 'x', '-3', '1e3', '1.2.3', 'Infinity']) expect(numberOf(wrong)).toBeNull();
    expect(lengthIn(2_414.016, 'mi')).toBe('1.5');
    expect([handyUnit(200, 'us'), handyUnit(5_000, 'us'), handyUnit(999, 'metric')]).toEqual(['ft', 'mi', 'm']);
    // A speed typed in km/h reads the same when it comes back.
    for (const kmh of ['30', '80', '99.5', '130']) expect(speedIn(mphOf(kmh, 'metric'), 'metric')).toBe(kmh);
    expect(mphOf('fast', 'us')).toBeNaN();
  });
});

describe('inside', () => {
  test('leaves holes out and parts in', () => {
    expect(isInside(yard, [-89.9, 35.1])).toBe(true);
    expect(isInside(yard, [-89.7, 35.3])).toBe(false);
    expect(isInside(two, [-79.8, 40.2])).toBe(true);
    expect(isInside(two, [-85, 37])).toBe(false);
    expect(isInside(dock, [-86.8, 36.11])).toBe(true);
    expect(isInside(dock, [-86.8, 36.12])).toBe(false);
  });

  test('names stand inside, also where the middle is a hole', () => {
    const donut: GeofenceShape = { type: 'Polygon', coordinates: [box(0, 0, 10), box(3, 3, 4)] };
    for (const shape of [yard, two, dock, donut]) expect(isInside(shape, labelPlaceOf(shape))).toBe(true);
    expect(boxOf(two)).toEqual([-90, 35, -79.5, 40.5]);
  });

  const truck = (n: number, lon: number | null, lat: number | null, tenant = tenantId): LiveVehicle =>
    ({ id: idOf(n), tenantId: tenant, unitNumber: `T-${n}`, lat, lon }) as LiveVehicle;
  const fleet = [
    truck(10, -89.9, 35.1),
    truck(9, -89.9, 35.15),
    truck(3, -89.7, 35.3),
    truck(4, null, null),
    truck(5, -89.9, 35.1, idOf(901)),
    truck(6, -86.8, 36.1),
  ];

  test('are the trucks of the same organisation, by unit', () => {
    expect(trucksInside(fenceOf(1, yard), fleet).map(({ unitNumber }) => unitNumber)).toEqual(['T-9', 'T-10']);
  });

  test('counts every fence the way a single one is looked at', () => {
    const fences = [fenceOf(1, yard), fenceOf(2, two), fenceOf(3, dock), fenceOf(4, dock, { tenantId: idOf(901) })];
    const counts = new FenceIndex(fences).counts(fleet);
    for (const fence of fences) expect(counts.get(fence.id) ?? 0).toBe(trucksInside(fence, fleet).length);
    expect(counts.has(idOf(4))).toBe(false);
    expect(new FenceIndex([]).counts(fleet).size).toBe(0);
  });
});

describe('the source of the map', () => {
  test('is told only of what differs', () => {
    const features = new FenceFeatures();
    const [one, other] = [fenceOf(1, yard), fenceOf(2, dock)];
    expect(features.next([one, other])?.add?.length).toBe(4);
    expect(features.next([one, other])).toBeNull();
    const changed = { ...other, name: 'Dock' };
    const change = features.next([one, changed]);
    expect(change?.add?.map(({ properties }) => properties?.['key'])).toEqual([`area:${other.id}`, `name:${other.id}`]);
    expect(features.next([changed])?.remove).toEqual([`area:${one.id}`, `name:${one.id}`]);
  });
});

describe('the form', () => {
  test('sends what is typed, in the units that are kept; what was not touched stays to the last digit', () => {
    const fence = fenceOf(1, dock, { speedLimitMph: 33.333333, dwellMinutes: 45 });
    const values = valuesOf(fence, 'metric');
    expect(values).toMatchObject({ speedLimitMph: '53.6', dwellMinutes: '45' });
    const draft = draftOf(dock, naming());
    expect(inputOf(values, draft, fence, 'metric')).toMatchObject({ speedLimitMph: 33.333333, dwellMinutes: 45 });
    expect(inputOf({ ...values, speedLimitMph: '80' }, draft, fence, 'metric').speedLimitMph).toBeCloseTo(49.7097, 4);
    const emptied = inputOf({ ...values, speedLimitMph: ' ', dwellMinutes: '' }, draft, fence, 'us');
    expect(emptied).toMatchObject({ speedLimitMph: null, dwellMinutes: null });
    expect(inputOf({ ...values, dwellMinutes: 'ten' }, draft, fence, 'us').dwellMinutes).toBeNaN();
  });

  test('says in words what is raised and what happened', () => {
    const fence = fenceOf(1, dock, { alertOnExit: true, dwellMinutes: 90, speedLimitMph: 25 });
    expect(raisesOf(fence, 'us')).toEqual(['Entry', 'Exit', 'Stays 1 h 30 min', 'Over 25 mph']);
    expect(raisesOf(fenceOf(1, dock, { alertOnEntry: false }), 'us')).toEqual([]);
    expect(eventWord({ kind: 'speeding', speedMph: 41 }, 'us')).toBe('Too fast, 41 mph');
    expect(eventWord({ kind: 'entry', speedMph: 41 }, 'us')).toBe('Entered');
  });
});
