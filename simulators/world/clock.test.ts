import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClock, realTimeAt, worldTimeAt } from './clock.ts';

describe('clock', () => {
  it('refuses a speed or anchor that makes no sense', () => {
    const now = () => 0;
    expect(() => createClock({ anchorMs: 0, speed: 0, now })).toThrow(RangeError);
    expect(() => createClock({ anchorMs: 0, speed: Number.NaN, now })).toThrow(RangeError);
    expect(() => createClock({ anchorMs: Number.NaN, speed: 1, now })).toThrow(RangeError);
  });

  it('hurries ageing after the anchor and leaves driving alone', () => {
    let nowMs = 1_000_000;
    const clock = createClock({ anchorMs: 1_000_000, speed: 60, now: () => nowMs });
    nowMs += 60_000;
    expect(clock.realMs()).toBe(1_060_000);
    expect(clock.worldMs()).toBe(1_000_000 + 3_600_000);
    nowMs = 999_000;
    expect(clock.worldMs()).toBe(999_000);
  });

  it('holds both clocks while frozen and catches up afterwards', () => {
    let nowMs = 5000;
    const clock = createClock({ anchorMs: 0, speed: 10, now: () => nowMs });
    clock.setFrozen(true);
    nowMs = 9000;
    clock.setFrozen(true);
    expect([clock.realMs(), clock.worldMs(), clock.isFrozen()]).toEqual([5000, 50_000, true]);
    clock.setFrozen(false);
    expect([clock.realMs(), clock.worldMs(), clock.isFrozen()]).toEqual([9000, 90_000, false]);
  });

  it('maps world time back to real time', () => {
    const instants = fc.integer({ min: -1e12, max: 1e12 });
    fc.assert(
      fc.property(instants, instants, fc.integer({ min: 1, max: 1000 }), (realMs, anchorMs, speed) => {
        expect(realTimeAt(worldTimeAt(realMs, anchorMs, speed), anchorMs, speed)).toBeCloseTo(realMs, 2);
      }),
    );
  });
});
