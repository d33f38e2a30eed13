/** What a landmark's future was: the ground truth. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outcomeAfter } from './outcome.ts';

const at = '2026-01-01T00:00:00.000Z';
const day = (days: number): string => new Date(Date.parse(at) + days * 86_400_000).toISOString();
const until = day(90);
const repair = (days: number) => ({ at: day(days), kind: 'repair' as const });
const preventive = (days: number) => ({ at: day(days), kind: 'preventive' as const });

describe('outcomeAfter', () => {
  it('refuses times that are none', () => {
    expect(() => outcomeAfter('soon', [], until)).toThrow(RangeError);
    expect(() => outcomeAfter(at, [], '')).toThrow(RangeError);
    expect(() => outcomeAfter(at, [{ at: 'x', kind: 'repair' }], until)).toThrow(/event.at/);
  });

  it('ends at the first repair or breakdown, whatever the order they come in', () => {
    const events = [repair(40), { at: day(12), kind: 'breakdown' as const }, repair(13)];
    expect(outcomeAfter(at, events, until)).toEqual({ days: 12, event: 1, failedAt: day(12), censoredAt: null });
    expect(outcomeAfter(at, [...events].reverse(), until)).toEqual(outcomeAfter(at, events, until));
  });

  it('is censored by preventive work that comes first, not by an inspection', () => {
    const inspection = { at: day(2), kind: 'inspection' as const };
    expect(outcomeAfter(at, [inspection, preventive(5), repair(6)], until)).toEqual({
      days: 5,
      event: 0,
      failedAt: null,
      censoredAt: day(5),
    });
    expect(outcomeAfter(at, [inspection], until)).toEqual({ days: 90, event: 0, failedAt: null, censoredAt: null });
  });

  it('counts a failure at the instant of preventive work as a failure', () => {
    expect(outcomeAfter(at, [preventive(5), repair(5)], until).event).toBe(1);
  });

  it('leaves what happened at the moment itself to the time before, and what happens at the end inside', () => {
    expect(outcomeAfter(at, [repair(0), repair(-3)], until).event).toBe(0);
    expect(outcomeAfter(at, [repair(90)], until)).toMatchObject({ days: 90, event: 1 });
    expect(outcomeAfter(at, [repair(90.001)], until)).toMatchObject({ days: 90, event: 0 });
  });

  it('has seen nothing when the end lies before the moment', () => {
    expect(outcomeAfter(at, [repair(1)], day(-1))).toEqual({ days: 0, event: 0, failedAt: null, censoredAt: null });
  });

  it('never looks beyond its end', () => {
    const eventArbitrary = fc.record({
      at: fc.integer({ min: -50, max: 200 }).map(day),
      kind: fc.constantFrom('repair', 'breakdown', 'preventive', 'inspection'),
    });
    fc.assert(
      fc.property(fc.array(eventArbitrary, { maxLength: 8 }), fc.integer({ min: 0, max: 120 }), (events, seen) => {
        const past = events.filter((event) => event.at <= day(seen));
        expect(outcomeAfter(at, events, day(seen))).toEqual(outcomeAfter(at, past, day(seen)));
      }),
    );
  });
});
