import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { persistently } from './tell-room.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('tries again after longer and longer pauses, and says nothing when it succeeds', async () => {
  const log = vi.spyOn(console, 'error').mockReturnValue();
  const work = vi.fn().mockRejectedValueOnce(new Error('away')).mockRejectedValueOnce(new Error('away'));
  const done = persistently('not_told', {}, work);
  await vi.advanceTimersByTimeAsync(699);
  expect(work).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(1);
  await done;
  expect(work).toHaveBeenCalledTimes(3);
  expect(log).not.toHaveBeenCalled();
});

test('gives up within four seconds, with one line in the log and without throwing', async () => {
  const log = vi.spyOn(console, 'error').mockReturnValue();
  const work = vi.fn().mockRejectedValue(new Error('away'));
  const done = persistently('not_told', { roomId: 'r' }, work);
  await vi.advanceTimersByTimeAsync(4_000);
  await done;
  expect(work).toHaveBeenCalledTimes(5);
  expect(log.mock.calls).toEqual([[expect.stringContaining('"event":"not_told","roomId":"r"')]]);
});
