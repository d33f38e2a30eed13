import { describe, expect, test } from 'vitest';
import { afterWrongPassword, lockedForMs, lockMs } from './rules.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const open = { failedSignIns: 0, lockedUntil: null };

describe('lockout', () => {
  test('the third wrong password locks for 30 minutes, not the fourth', () => {
    const first = afterWrongPassword(open, now);
    const second = afterWrongPassword(first, now);
    expect(lockedForMs(first, now)).toBe(0);
    expect(lockedForMs(second, now)).toBe(0);
    expect(lockedForMs(afterWrongPassword(second, now), now)).toBe(lockMs);
  });

  test('a lock runs out by time and the count starts anew', () => {
    const locked = { failedSignIns: 3, lockedUntil: '2026-11-20T12:10:00.000Z' };
    expect(lockedForMs(locked, now)).toBe(600_000);
    const later = new Date('2026-11-20T12:10:00.000Z');
    expect(lockedForMs(locked, later)).toBe(0);
    expect(afterWrongPassword(locked, later)).toEqual({ failedSignIns: 1, lockedUntil: null });
  });
});
