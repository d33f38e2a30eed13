import { expect, test } from 'vitest';
import { measureBytesPerFix, monthGigabytes } from './bytes-per-fix.ts';

test('a month of 5,000 trucks fits one object with room to spare, whatever their receivers are like', () => {
  const smooth = measureBytesPerFix({ trucks: 12, isNoisy: false, seed: 7 });
  const noisy = measureBytesPerFix({ trucks: 12, isNoisy: true, seed: 7 });
  expect(smooth.sealed).toBeLessThan(2);
  expect(noisy.sealed).toBeLessThan(9);
  // What is not sealed yet is little; even if everything were, there is room.
  expect(noisy.open).toBeLessThan(12);
  expect(monthGigabytes(noisy.sealed)).toBeLessThan(4);
  expect(monthGigabytes(12)).toBeCloseTo(5.184);
});
