import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { takeOne, windowMs, type RateWindow } from './window.ts';

describe('a fixed window', () => {
  it('lets exactly the limit through, then refuses until the minute is over', () => {
    let window: RateWindow | null = null;
    const at = 10 * windowMs + 12_345;
    const allowed: boolean[] = [];
    for (let n = 0; n < 5; n += 1) {
      const next = takeOne(window, 3, at);
      window = next.window;
      allowed.push(next.take.allowed);
    }
    expect(allowed).toEqual([true, true, true, false, false]);
    expect(takeOne(window, 3, at).take).toEqual({ allowed: false, limit: 3, remaining: 0, resetSeconds: 48 });
    expect(takeOne(window, 3, 11 * windowMs - 1).take).toMatchObject({ allowed: false, resetSeconds: 1 });
    expect(takeOne(window, 3, 11 * windowMs).take).toMatchObject({ allowed: true, remaining: 2, resetSeconds: 60 });
  });

  it('counts a request with a lagging clock into the running window', () => {
    const { window } = takeOne(null, 2, 20 * windowMs);
    expect(takeOne(window, 2, 20 * windowMs - 500)).toEqual({
      window: { startMs: 20 * windowMs, count: 2 },
      take: { allowed: true, limit: 2, remaining: 0, resetSeconds: 61 },
    });
  });

  it('does not wait for a window from a clock far ahead', () => {
    const { window } = takeOne(null, 1, 90 * windowMs);
    expect(takeOne(window, 1, 20 * windowMs).take.allowed).toBe(true);
  });

  it('never lets more than the limit through in any minute', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 20 }),
        fc.array(fc.nat({ max: 9_000 }), { size: 'max', maxLength: 200 }),
        (limit, gaps) => {
          let window: RateWindow | null = null;
          let nowMs = 0;
          const passed = new Map<number, number>();
          for (const gap of gaps) {
            nowMs += gap;
            const next = takeOne(window, limit, nowMs);
            window = next.window;
            const minute = Math.floor(nowMs / windowMs);
            if (next.take.allowed) passed.set(minute, (passed.get(minute) ?? 0) + 1);
            else expect(passed.get(minute) ?? 0).toBe(limit);
            expect(next.take.remaining).toBe(limit - (passed.get(minute) ?? 0));
          }
        },
      ),
    );
  });
});
