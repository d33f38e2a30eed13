import { describe, expect, it } from 'vitest';
import { nextAlarmMs, shouldRearm, type AlarmReasons } from './next-alarm.ts';

const nothing: AlarmReasons = {
  tickMs: null,
  statusMs: null,
  helloMs: null,
  slowReaderMs: null,
  copyBackMs: null,
  displayMs: null,
  tracksMs: null,
  subscribersMs: null,
  mirrorsMs: null,
};

describe('the next alarm', () => {
  it('is null when nothing is awaited', () => {
    expect(nextAlarmMs(nothing, 1_000)).toBeNull();
  });

  it('is the earliest of the reasons', () => {
    expect(nextAlarmMs({ ...nothing, statusMs: 9_000, tickMs: 1_080, copyBackMs: 20_000 }, 1_000)).toBe(1_080);
    expect(nextAlarmMs({ ...nothing, helloMs: 10_000, slowReaderMs: 5_000 }, 1_000)).toBe(5_000);
  });

  it('is now for what is overdue', () => {
    expect(nextAlarmMs({ ...nothing, copyBackMs: 400 }, 1_000)).toBe(1_000);
  });

  it('moves only forward', () => {
    expect(shouldRearm(null, 5_000)).toBe(true);
    expect(shouldRearm(6_000, 5_000)).toBe(true);
    expect(shouldRearm(5_000, 5_000)).toBe(false);
    expect(shouldRearm(4_000, 5_000)).toBe(false);
    expect(shouldRearm(4_000, null)).toBe(false);
  });
});
