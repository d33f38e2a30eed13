import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fix } from '../readings/packed-steps.ts';
import { bucketEndMs, bucketOf, dayName, dayNumber, dayNumberOf, firstBucketOf, trackOf } from './buckets.ts';

const fix = (atMs: number, speedMph: number): Fix => ({
  ...{ atMs, lat: 0, lon: 0, odometerMiles: 0, engineHours: 0 },
  ...{ speedMph, heading: 0, fuelPercent: 0, ignition: 0 },
});
/** Few times, so that many meet; the speed tells them apart. */
const arrivals = fc
  .array(fc.integer({ min: 0, max: 12 }), { maxLength: 40 })
  .map((times) => times.map((atMs, n) => fix(atMs, n)));

describe('a track', () => {
  test('is in order of time, and of several with one time the first that came', () => {
    fc.assert(
      fc.property(arrivals, (arrived) => {
        const byTime = new Map<number, Fix>();
        for (const one of arrived) if (!byTime.has(one.atMs)) byTime.set(one.atMs, one);
        expect(trackOf(arrived)).toEqual([...byTime.values()].sort((a, b) => a.atMs - b.atMs));
      }),
    );
  });

  test('is the same when a part of what came is made one first', () => {
    fc.assert(
      fc.property(arrivals, fc.nat(40), (arrived, at) => {
        const inParts = [...trackOf(arrived.slice(0, at)), ...arrived.slice(at)];
        expect(trackOf(inParts)).toEqual(trackOf(arrived));
      }),
    );
  });
});

test('quarters of a day and days, before 1970 too', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62e12, max: 253e12 }), (atMs) => {
      const bucket = bucketOf(atMs);
      expect(atMs).toBeLessThan(bucketEndMs(bucket));
      expect(atMs).toBeGreaterThanOrEqual(bucketEndMs(bucket - 1));
      const day = dayNumberOf(bucket);
      expect(firstBucketOf(day)).toBeLessThanOrEqual(bucket);
      expect(dayName(day)).toBe(new Date(atMs).toISOString().split('T')[0]);
      expect(dayNumber(dayName(day))).toBe(day);
    }),
  );
  expect(dayName(dayNumberOf(bucketOf(Date.parse('2026-11-20T23:59:59.999Z'))))).toBe('2026-11-20');
  expect(() => dayNumber('yesterday')).toThrow('not a day');
});
