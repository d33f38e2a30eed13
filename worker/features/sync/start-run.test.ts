/** How runs that are started together are spread over time. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startDelaySeconds } from './start-run.ts';

it('a few runs begin two seconds apart, the first at once', () => {
  expect([0, 1, 2].map((position) => startDelaySeconds(position, 3))).toEqual([0, 2, 4]);
  expect(startDelaySeconds(0, 0)).toBe(0);
});

it('however many there are, they begin in order and all within ten minutes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), (count) => {
      const delays = Array.from({ length: count }, (_, position) => startDelaySeconds(position, count));
      expect(delays.at(-1)).toBeLessThan(600);
      expect(delays.every((delay, n) => n === 0 || delay >= (delays[n - 1] ?? 0))).toBe(true);
    }),
  );
});
