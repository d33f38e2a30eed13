import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asKept } from '#contracts/reading-scales';
import { packReadings, packRows, unpackReadings, writeUuid, type VehicleReadingRow } from './packed-readings.ts';
import {
  idKey,
  idOfKey,
  packedRowBytes,
  readFix,
  scanPacked,
  splitPacked,
  timeAt,
  toFix,
  toReading,
  writeRow,
} from './packed-steps.ts';

const some = (max: number) => fc.option(fc.double({ min: 0, max, noNaN: true }), { nil: null });
const rows: fc.Arbitrary<VehicleReadingRow[]> = fc.array(
  fc.record({
    vehicleId: fc.uuid({ version: 7 }),
    reading: fc
      .record({
        at: fc.integer({ min: -6e13, max: 2.5e14 }).map((ms) => new Date(ms).toISOString()),
        lat: fc.double({ min: -90, max: 90, noNaN: true }),
        lon: fc.double({ min: -180, max: 180, noNaN: true }),
        speedMph: some(200),
        heading: some(360),
        odometerMiles: some(1e7),
        engineHours: some(1e6),
        fuelPercent: some(100),
        ignition: fc.option(fc.boolean(), { nil: null }),
      })
      .map(asKept),
  }),
  { maxLength: 20 },
);
const aVin = '1XKYD49X0NJ000077';

describe('packed readings as steps', () => {
  test('are the same as readings', () => {
    fc.assert(
      fc.property(rows, (some) => {
        const bytes = packReadings(some);
        const view = new DataView(bytes.buffer);
        const found: VehicleReadingRow[] = [];
        const scan = scanPacked(bytes, (idAt, bodyAt) => {
          const fix = readFix(view, bodyAt);
          expect(timeAt(view, bodyAt)).toBe(fix.atMs);
          found.push({ vehicleId: idOfKey(idKey(bytes, idAt)), reading: toReading(fix) });
        });
        expect(found).toEqual(some);
        expect(scan).toEqual({ rows: some.length, nameless: 0, unreadableBytes: 0 });
        const written = new Uint8Array(some.length * packedRowBytes);
        some.forEach(({ vehicleId, reading }, n) => {
          const id = new Uint8Array(16);
          writeUuid(id, 0, vehicleId);
          writeRow(written, new DataView(written.buffer), n * packedRowBytes, id, toFix(reading));
        });
        expect(written).toEqual(bytes);
      }),
    );
  });

  test('of a VIN alone are counted, of both found by their id; what is cut off is left', () => {
    const reading = toReading({
      ...{ atMs: 1, lat: 2, lon: 3, odometerMiles: -1, engineHours: -1 },
      ...{ speedMph: -1, heading: -1, fuelPercent: -1, ignition: -1 },
    });
    const vehicleId = '01940000-0000-7000-8000-000000000001';
    const bytes = packRows([
      { vehicleId: null, vin: aVin, reading },
      { vehicleId, vin: aVin, reading },
      { vehicleId, vin: null, reading },
    ]);
    const ids: string[] = [];
    const view = new DataView(bytes.buffer);
    const scan = scanPacked(bytes.subarray(0, bytes.length - 1), (idAt, bodyAt) => {
      ids.push(idOfKey(idKey(bytes, idAt)));
      expect(toReading(readFix(view, bodyAt))).toEqual(reading);
    });
    expect(ids).toEqual([vehicleId]);
    expect(scan).toEqual({ rows: 1, nameless: 1, unreadableBytes: packedRowBytes - 1 });
    expect(scanPacked(new Uint8Array([0, 1, 2]))).toEqual({ rows: 0, nameless: 0, unreadableBytes: 3 });
  });

  test('split between rows', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: packedRowBytes, max: 400 }), (some, maxBytes) => {
        const parts = splitPacked(packReadings(some), maxBytes);
        for (const part of parts) expect(part.length).toBeLessThanOrEqual(maxBytes);
        expect(parts.flatMap((part) => unpackReadings(part))).toEqual(some);
      }),
    );
  });
});
