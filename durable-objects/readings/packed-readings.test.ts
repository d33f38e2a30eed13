import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asKept } from '#contracts/reading-scales';
import { isoOf, packRows, placeRows, unpackReadings, unpackRows, type NamedReading } from './packed-readings.ts';

const some = (max: number) => fc.option(fc.double({ min: 0, max, noNaN: true }), { nil: null });
const rows: fc.Arbitrary<NamedReading[]> = fc.array(
  fc
    .record({
      vehicleId: fc.option(fc.uuid({ version: 7 }), { nil: null }),
      vin: fc.option(fc.stringMatching(/^[A-HJ-NPR-Z0-9]{17}$/), { nil: null }),
      reading: fc
        .record({
          at: fc.integer({ min: 0, max: 4e12 }).map((ms) => new Date(ms).toISOString()),
          lat: fc.double({ min: -90, max: 90, noNaN: true }),
          lon: fc.double({ min: -180, max: 180, noNaN: true }),
          speedMph: some(200),
          heading: some(360),
          odometerMiles: some(1e7),
          engineHours: some(1e6),
          fuelPercent: some(100),
          ignition: fc.option(fc.boolean(), { nil: null }),
        })
        .map((reading) => asKept(reading)),
    })
    .filter(({ vehicleId, vin }) => vehicleId !== null || vin !== null),
  { maxLength: 20 },
);

describe('packed readings', () => {
  test('come back as they went', () => {
    fc.assert(fc.property(rows, (some) => void expect(unpackRows(packRows(some))).toEqual(some)));
  });

  test('have their times in the form that a date writes', () => {
    const anyMs = fc.oneof(fc.integer({ min: -1e13, max: 1e13 }), fc.maxSafeInteger(), fc.double());
    const written = (write: () => string) => {
      try {
        return write();
      } catch (cause) {
        return cause;
      }
    };
    fc.assert(
      fc.property(
        anyMs,
        (ms) => void expect(written(() => isoOf(ms))).toEqual(written(() => new Date(ms).toISOString())),
      ),
      { numRuns: 2_000 },
    );
    for (const edge of [0, 86_399_999, 86_400_000, 253_402_300_799_999, 253_402_300_800_000]) {
      expect(isoOf(edge)).toBe(new Date(edge).toISOString());
    }
  });

  test('are refused when they are cut short, or are something else', () => {
    fc.assert(
      fc.property(rows, fc.nat(), (some, cut) => {
        fc.pre(some.length > 0);
        const bytes = packRows(some);
        const short = bytes.subarray(0, bytes.length - 1 - (cut % 30));
        expect(() => unpackRows(short)).toThrow('not packed readings');
      }),
    );
    expect(() => unpackRows(new Uint8Array([9, 1, 2]))).toThrow('not packed readings');
    expect(() => packRows([{ vehicleId: 'rubbish', vin: null, reading: unpackableReading }])).toThrow('not a UUID');
  });

  test('are put to their vehicles, in bytes and as they are, and the others named', () => {
    fc.assert(
      fc.property(rows, fc.func(fc.option(fc.uuid({ version: 7 }), { nil: null })), (some, chosen) => {
        const idOf = (vehicleId: string | null, vin: string | null) => (vin === null ? vehicleId : chosen(vin));
        const { placed, packed, unknown } = placeRows(packRows(some), idOf);
        const ids = some.map(({ vehicleId, vin }) => idOf(vehicleId, vin));
        expect(unknown).toEqual(ids.flatMap((id, index) => (id === null ? [index] : [])));
        const expected = some.flatMap(({ reading }, n) => {
          const vehicleId = ids[n] ?? null;
          return vehicleId === null ? [] : [{ vehicleId, reading, atMs: Date.parse(reading.at) }];
        });
        expect(placed).toEqual(expected);
        expect(unpackReadings(packed)).toEqual(expected.map(({ vehicleId, reading }) => ({ vehicleId, reading })));
      }),
    );
    expect(() => placeRows(new Uint8Array([9, 1, 2]), () => null)).toThrow('not packed readings');
  });

  test('of a VIN alone are not readings of a known vehicle', () => {
    const bytes = packRows([{ vehicleId: null, vin: '1XKYD49X0NJ000077', reading: unpackableReading }]);
    expect(() => unpackReadings(bytes)).toThrow('without a vehicle');
  });
});

const unpackableReading = {
  ...{ at: '2026-11-20T09:00:00.000Z', lat: 0, lon: 0, speedMph: null, heading: null },
  ...{ odometerMiles: null, engineHours: null, fuelPercent: null, ignition: null },
};
