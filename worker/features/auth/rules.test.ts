import { expect, test } from 'vitest';
import { lockedForMs } from './rules.ts';

test('a lock runs out by time', () => {
  const locked = { failedSignIns: 3, lockedUntil: '2026-11-20T12:10:00.000Z' };
  expect(lockedForMs(locked, new Date('2026-11-20T12:00:00.000Z'))).toBe(600_000);
  expect(lockedForMs(locked, new Date('2026-11-20T12:10:00.000Z'))).toBe(0);
  expect(lockedForMs({ failedSignIns: 2, lockedUntil: null }, new Date())).toBe(0);
});
