import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostMilesPerDay, ratePerDay, type MeterPoint } from './usage-rules.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const daysAgo = (days: number): string => new Date(now.getTime() - days * 86_400_000).toISOString();
const rate = (points: [number, number][], most = mostMilesPerDay) =>
  ratePerDay(
    points.map(([days, value]): MeterPoint => ({ at: daysAgo(days), value })),
    most,
    now,
  );

test('one point, or points too close together, say nothing', () => {
  expect(rate([])).toBeNull();
  expect(rate([[0, 1000]])).toBeNull();
  expect(
    rate([
      [0, 1500],
      [6.9, 1000],
    ]),
  ).toBeNull();
});

test('miles a day over the longest span of half a year, in any order', () => {
  expect(
    rate([
      [30, 100_000],
      [0, 112_000],
      [10, 108_000],
    ]),
  ).toBe(400);
  expect(
    rate([
      [300, 0],
      [100, 100_000],
      [0, 110_000],
    ]),
  ).toBe(100);
});

test('an older start is better than none, up to a limit', () => {
  expect(
    rate([
      [300, 0],
      [0, 90_000],
    ]),
  ).toBe(300);
  expect(
    rate([
      [500, 0],
      [0, 90_000],
    ]),
  ).toBeNull();
});

test('what stood before a fall is another meter’s', () => {
  expect(
    rate([
      [60, 900_000],
      [50, 5_000],
      [0, 15_000],
    ]),
  ).toBe(200);
  expect(
    rate([
      [60, 900_000],
      [3, 5_000],
      [0, 6_000],
    ]),
  ).toBeNull();
});

test('absurd, unreadable, future and long forgotten meters are unknown', () => {
  expect(
    rate([
      [10, 0],
      [0, 16_000],
    ]),
  ).toBeNull();
  expect(
    rate(
      [
        [10, 0],
        [0, 241],
      ],
      24,
    ),
  ).toBeNull();
  expect(
    rate([
      [10, Number.NaN],
      [0, 100],
    ]),
  ).toBeNull();
  expect(
    rate([
      [10, 100],
      [-1, 1000],
    ]),
  ).toBeNull();
  expect(
    rate([
      [100, 0],
      [61, 10_000],
    ]),
  ).toBeNull();
  expect(
    ratePerDay(
      [
        { at: 'never', value: 5 },
        { at: daysAgo(0), value: 6 },
      ],
      10,
      now,
    ),
  ).toBeNull();
});

test('a truck that stands still drives nothing, which is known', () => {
  expect(
    rate([
      [40, 77_000],
      [0, 77_000],
    ]),
  ).toBe(0);
});

test('whatever comes in, a rate is finite, not negative, within the limit and the same in any order', () => {
  const point = fc.record({
    at: fc.oneof(fc.integer({ min: -30, max: 600 }).map(daysAgo), fc.constant('nonsense')),
    value: fc.oneof(fc.double(), fc.integer({ min: 0, max: 1_000_000 })),
  });
  fc.assert(
    fc.property(fc.array(point, { maxLength: 12 }), (points) => {
      const found = ratePerDay(points, mostMilesPerDay, now);
      if (found !== null) {
        expect(found).toBeGreaterThanOrEqual(0);
        expect(found).toBeLessThanOrEqual(mostMilesPerDay);
      }
      expect(ratePerDay([...points].reverse(), mostMilesPerDay, now)).toBe(found);
    }),
  );
});
