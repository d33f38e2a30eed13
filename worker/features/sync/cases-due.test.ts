/** Each vehicle's cases once a day, whenever runs come, and at once when a fault has gone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObservedFault } from '#contracts/sync';
import { hasCleared, isDailyMoment } from './cases-due.ts';

const minute = 60_000;
const day = 1_440 * minute;
const start = Date.parse('2026-11-20T00:00:00Z');
const iso = (ms: number) => new Date(ms).toISOString();
const observedFault = (changes: Partial<ObservedFault> = {}): ObservedFault => ({
  ...{ spn: 110, fmi: 0, sourceAddress: 0, description: null, isActive: true, occurrenceCount: 1, lamps: null },
  ...changes,
});
const vinOf = (n: number) => `1XKYD49X0NJ${String(n).padStart(6, '0')}`;

describe('the daily moment', () => {
  it('comes once a day for every vehicle, however the runs are spaced', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 0, max: 999_999 }),
        (gaps, n) => {
          const runs = gaps.reduce<number[]>((times, gap) => [...times, (times.at(-1) ?? start) + gap * minute], [start]); // prettier-ignore
          const due = runs.slice(1).filter((until, at) => isDailyMoment(vinOf(n), { since: iso(runs[at] ?? 0), until: iso(until) })); // prettier-ignore
          const days = ((runs.at(-1) ?? start) - start) / day;
          expect(due.length).toBeGreaterThanOrEqual(Math.floor(days));
          expect(due.length).toBeLessThanOrEqual(Math.ceil(days));
          // The same question has the same answer: a step that runs again reads the same pages.
          const plan = { since: iso(start), until: iso(runs.at(-1) ?? start) };
          expect(isDailyMoment(vinOf(n), plan)).toBe(isDailyMoment(vinOf(n), plan));
        },
      ),
    );
  });

  it('spreads a fleet over the day: a run each quarter of an hour reads about a hundredth', () => {
    const vins = Array.from({ length: 960 }, (_, n) => vinOf(n));
    const perRun = Array.from({ length: 96 }, (_, run) => {
      const plan = { since: iso(start + run * 15 * minute), until: iso(start + (run + 1) * 15 * minute) };
      return vins.filter((vin) => isDailyMoment(vin, plan)).length;
    });
    expect(perRun.reduce((sum, count) => sum + count)).toBe(960);
    expect(Math.max(...perRun)).toBeLessThan(40);
  });

  it('is now for everyone when nothing was ever read, or not for a day', () => {
    for (let n = 0; n < 50; n++) {
      expect(isDailyMoment(vinOf(n), { since: null, until: iso(start) })).toBe(true);
      expect(isDailyMoment(vinOf(n), { since: iso(start - day), until: iso(start) })).toBe(true);
      expect(isDailyMoment(vinOf(n), { since: iso(start), until: iso(start) })).toBe(false);
    }
  });
});

describe('a fault that has gone', () => {
  const known = [{ sourceAddress: 0, spn: 110, fmi: 0 }];
  it('is one that was active and is not, or is no longer listed', () => {
    expect(hasCleared(known, [observedFault()])).toBe(false);
    expect(hasCleared(known, [observedFault({ isActive: false })])).toBe(true);
    expect(hasCleared(known, [observedFault({ sourceAddress: 3 })])).toBe(true);
    expect(hasCleared(known, [])).toBe(true);
    expect(hasCleared([], [observedFault()])).toBe(false);
  });
});
