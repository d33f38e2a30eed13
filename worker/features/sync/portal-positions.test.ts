/** When a portal's position is news, and when telemetry knows better. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readingsToFeed } from './portal-positions.ts';

const nowMs = Date.parse('2026-11-20T09:00:00.000Z');
const at = (minutesAgo: number) => new Date(nowMs - minutesAgo * 60_000).toISOString();
const position = (minutesAgo: number) => ({ vehicleId: 'v', lat: 41.8, lon: -87.6, at: at(minutesAgo) });
const held = (minutesAgo: number, speedMph: number | null = 60, ignition: boolean | null = true) => ({
  vehicleId: 'v',
  status: 'moving' as const,
  reading: {
    ...{ at: at(minutesAgo), lat: 1, lon: 1, speedMph, ignition },
    ...{ heading: null, odometerMiles: null, engineHours: null, fuelPercent: null },
  },
});

describe('a portal position', () => {
  it('is fed where nothing is known, and says only where', () => {
    const expected = { ...position(5), speedMph: null, ignition: null, odometerMiles: null };
    expect(readingsToFeed([position(5)], [], nowMs)).toMatchObject([expected]);
    const unread = { vehicleId: 'v', status: 'offline' as const, reading: null };
    expect(readingsToFeed([position(5)], [unread], nowMs)).toHaveLength(1);
  });

  it.each([
    ['telemetry of a quarter of an hour ago', held(15), 1],
    ['telemetry a moment younger', held(14.99), 0],
    ['a standing truck’s telemetry', held(14, 0, false), 0],
    ['telemetry of the same instant', held(5), 0],
    ['telemetry that is newer', held(1), 0],
    ['an earlier portal position, however young', held(6, null, null), 1],
    ['the same portal position', held(5, null, null), 0],
  ])('beside %s', (_, reading, fed) => {
    expect(readingsToFeed([position(5)], [reading], nowMs)).toHaveLength(fed);
  });

  it('of a clock that is far ahead is not believed', () => {
    expect(readingsToFeed([position(-9)], [], nowMs)).toHaveLength(1);
    expect(readingsToFeed([position(-11)], [], nowMs)).toEqual([]);
  });

  it('once fed is no news any more', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60 })), (ages) => {
        const positions = ages.map((age, n) => ({ ...position(age), vehicleId: `v${n}` }));
        const fed = readingsToFeed(positions, [], nowMs);
        const known = fed.map(({ vehicleId, ...reading }) => ({ vehicleId, status: 'stopped' as const, reading }));
        expect(readingsToFeed(positions, known, nowMs)).toEqual([]);
      }),
    );
  });
});
