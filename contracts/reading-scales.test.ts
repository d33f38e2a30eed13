import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asKept } from './reading-scales.ts';

test('rounding once is rounding for good', () => {
  const some = (max: number) => fc.option(fc.double({ min: 0, max, noNaN: true }), { nil: null });
  const readings = fc.record({
    at: fc.constant('2026-11-20T09:00:00.000Z'),
    lat: fc.double({ min: -90, max: 90, noNaN: true }),
    lon: fc.double({ min: -180, max: 180, noNaN: true }),
    speedMph: some(200),
    heading: some(360),
    odometerMiles: some(1e7),
    engineHours: some(1e6),
    fuelPercent: some(100),
    ignition: fc.option(fc.boolean(), { nil: null }),
  });
  fc.assert(fc.property(readings, (reading) => void expect(asKept(asKept(reading))).toEqual(asKept(reading))));
  fc.assert(
    fc.property(readings, (reading) => void expect(Math.abs(asKept(reading).lat - reading.lat)).toBeLessThan(6e-8)),
  );
});

test('what a sensor sends in ordinary decimals stays as it was', () => {
  const reading = { at: '2026-11-20T09:00:00.000Z', lat: 39.7392358, lon: -104.990251, speedMph: 61.3, heading: 359.9, odometerMiles: 412_345.6, engineHours: 10_234.7, fuelPercent: 63.5, ignition: true }; // prettier-ignore
  expect(asKept(reading)).toEqual(reading);
});
