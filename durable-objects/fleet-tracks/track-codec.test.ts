import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { none, type Fix } from '../readings/packed-steps.ts';
import { trackOf } from './buckets.ts';
import { decodeChunk, encodeChunk, lastInChunk } from './track-codec.ts';

const count = (max: number) =>
  fc.oneof(fc.constant(none), fc.constant(0), fc.constant(max), fc.integer({ min: 0, max }));
const anyFix: fc.Arbitrary<Fix> = fc.record({
  // Every instant that RFC 3339 has a name for.
  atMs: fc.oneof(
    fc.integer({ min: Date.parse('0000-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59Z') }),
    fc.integer({ min: 1.79e12, max: 1.79e12 + 1e6 }),
  ),
  lat: fc.oneof(fc.constantFrom(-90e7, 0, -1, 90e7), fc.integer({ min: -90e7, max: 90e7 })),
  // Both sides of the date line.
  lon: fc.oneof(fc.constantFrom(-180e7, 180e7, 179.9999999e7, -179.9999999e7), fc.integer({ min: -180e7, max: 180e7 })),
  odometerMiles: count(1e9),
  engineHours: count(1e9),
  speedMph: count(20_000),
  heading: count(36_000),
  fuelPercent: count(10_000),
  ignition: fc.constantFrom(none, 0, 1),
});
/** Fixes as a truck sends them: steady, with what it does not know missing throughout, and here and there. */
const drive: fc.Arbitrary<Fix[]> = fc
  .record({
    steps: fc.array(fc.tuple(fc.integer({ min: -900, max: 900 }), fc.integer({ min: 0, max: 40 })), { maxLength: 60 }),
    unit: fc.constantFrom(1, 10, 100),
    missing: fc.subarray(['odometerMiles', 'engineHours', 'speedMph', 'heading', 'fuelPercent'] as const),
    gapAt: fc.nat(60),
  })
  .map(({ steps, unit, missing, gapAt }) =>
    steps.map(([turn, gain], n) => {
      const fix: Fix = {
        atMs: 1.79e12 + n * 30_000,
        lat: 397_000_000 + n * turn * unit,
        lon: -1_049_000_000 + n * 900 * unit,
        odometerMiles: 1_000_000 + n * gain * unit,
        engineHours: 20_000 + n * 8,
        speedMph: 5_500 + turn,
        heading: (9_000 + turn) * unit > 36_000 ? 0 : 9_000,
        fuelPercent: n === gapAt ? none : 5_000 - n,
        ignition: n < gapAt ? 1 : 0,
      };
      for (const field of missing) fix[field] = none;
      return fix;
    }),
  );
const anyFixes = fc.oneof(fc.array(anyFix, { maxLength: 50 }), drive);

describe('a chunk', () => {
  test('gives back exactly what went in, in its order, whatever it is', () => {
    fc.assert(
      fc.property(anyFixes, fc.boolean(), (fixes, deflate) => {
        expect(decodeChunk(encodeChunk(fixes, { deflate }))).toEqual(fixes);
      }),
      { numRuns: 500 },
    );
  });

  test('is read out of the middle of other bytes', () => {
    fc.assert(
      fc.property(anyFixes, (fixes) => {
        const chunk = encodeChunk(fixes, { deflate: true });
        const among = new Uint8Array(chunk.length + 14).fill(0x55);
        among.set(chunk, 7);
        expect(decodeChunk(among.subarray(7, 7 + chunk.length))).toEqual(fixes);
      }),
    );
  });

  test('in order of time tells the last fix at or before an instant', () => {
    fc.assert(
      fc.property(anyFixes, fc.nat(), fc.constantFrom(-1, 0, 1), fc.boolean(), (fixes, at, off, deflate) => {
        const track = trackOf(fixes);
        const chunk = encodeChunk(track, { deflate });
        const atMs = (track[at % Math.max(1, track.length)]?.atMs ?? 0) + off;
        expect(lastInChunk(chunk, atMs)).toEqual(track.findLast((fix) => fix.atMs <= atMs) ?? null);
        chunk[1] = (chunk[1] as number) ^ 1;
        expect(lastInChunk(chunk, atMs)).toBe('damaged');
      }),
      { numRuns: 300 },
    );
  });

  test('that is damaged is known for it, and nothing is thrown', () => {
    fc.assert(
      fc.property(anyFixes, fc.boolean(), fc.nat(), fc.integer({ min: 1, max: 255 }), (fixes, deflate, at, flip) => {
        const chunk = encodeChunk(fixes, { deflate });
        const place = at % chunk.length;
        chunk[place] = (chunk[place] as number) ^ flip;
        expect(decodeChunk(chunk)).toBeNull();
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(anyFixes, fc.nat(), (fixes, at) => {
        const chunk = encodeChunk(fixes, { deflate: false });
        expect(decodeChunk(chunk.subarray(0, at % chunk.length))).toBeNull();
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeChunk(bytes)));
  });

  test('whose checksum is right and whose body is rubbish is damaged too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(1, 2), (body, version) => {
        let hash = 0x811c9dc5;
        for (const byte of body) hash = Math.imul(hash ^ byte, 0x0100_0193);
        const chunk = new Uint8Array([version, 0, 0, 0, 0, ...body]);
        new DataView(chunk.buffer).setUint32(1, hash >>> 0, true);
        const fixes = decodeChunk(chunk);
        if (fixes !== null) expect(fixes.every((fix) => Number.isFinite(fix.atMs))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
