import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NotifierError } from './notifier.ts';
import { describeError, judgeAttempt, maxAttempts, pauseMsAfter } from './retry.ts';

const minute = 60_000;
const error = (more: Partial<NotifierError>): NotifierError => ({
  kind: 'unavailable',
  status: null,
  code: null,
  retryAfterSeconds: null,
  ...more,
});
const farAway = { attempts: 1, expiresAtMs: Number.MAX_SAFE_INTEGER };

describe('after a try', () => {
  test('a refused message is given up at once', () => {
    expect(judgeAttempt(error({ kind: 'rejected', status: 422, code: 'validation_error' }), farAway, 0)).toEqual({
      status: 'failed',
      lastError: 'rejected (422 validation_error)',
    });
  });

  test('what would come after the end of the link is given up', () => {
    const almostOver = { attempts: 1, expiresAtMs: minute };
    expect(judgeAttempt(error({}), almostOver, 0)).toEqual({ status: 'failed', lastError: 'unavailable; expired' });
    expect(judgeAttempt(error({}), { attempts: 1, expiresAtMs: minute + 1 }, 0).status).toBe('queued');
  });

  test('the last attempt is the last', () => {
    const last = { attempts: maxAttempts, expiresAtMs: Number.MAX_SAFE_INTEGER };
    expect(judgeAttempt(error({ code: 'network' }), last, 0)).toEqual({
      status: 'failed',
      lastError: 'unavailable (network); given up',
    });
    expect(judgeAttempt(error({}), { ...last, attempts: maxAttempts - 1 }, 0).status).toBe('queued');
  });

  test('an outage is waited out with growing pauses, at most two hours, within the day ids are remembered', () => {
    expect([1, 2, 3, 4].map(pauseMsAfter)).toEqual([1, 2, 4, 8].map((minutes) => minutes * minute));
    expect(pauseMsAfter(1000)).toBe(120 * minute);
    const all = Array.from({ length: maxAttempts - 1 }, (_, at) => pauseMsAfter(at + 1));
    expect(all.reduce((sum, pause) => sum + pause, 0)).toBeLessThan(20 * 60 * minute);
  });

  test('a refused key is tried slowly', () => {
    expect(judgeAttempt(error({ kind: 'auth', status: 401 }), farAway, 0)).toEqual({
      status: 'queued',
      attempts: 1,
      nextAttemptAtMs: 15 * minute,
      lastError: 'auth (401)',
    });
  });

  test('being told to wait is obeyed, costs no attempt, and is believed for an hour at most', () => {
    const limited = (retryAfterSeconds: number | null) =>
      judgeAttempt(error({ kind: 'rate_limited', status: 429, retryAfterSeconds }), { ...farAway, attempts: 3 }, 0);
    expect(limited(2)).toMatchObject({ status: 'queued', attempts: 2, nextAttemptAtMs: 2000 });
    expect(limited(0)).toMatchObject({ nextAttemptAtMs: 1000 });
    expect(limited(86_400)).toMatchObject({ nextAttemptAtMs: 60 * minute });
    expect(limited(null)).toMatchObject({ nextAttemptAtMs: 4 * minute });
    // An outage that names its end is not asked before it.
    expect(judgeAttempt(error({ status: 503, retryAfterSeconds: 300 }), farAway, 0)).toMatchObject({
      nextAttemptAtMs: 5 * minute,
    });
  });

  test('whatever happened, a waiting message is due in the future and before its end', () => {
    const kinds = fc.constantFrom('auth', 'rate_limited', 'unavailable', 'rejected', 'sent' as const);
    fc.assert(
      fc.property(
        kinds,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: -1, max: 10 ** 9 }),
        fc.option(fc.nat(10 ** 6)),
        (kind, attempts, expiresInMs, retryAfterSeconds) => {
          const result =
            kind === 'sent'
              ? ({ kind, providerId: null } as const)
              : error({ kind: kind as NotifierError['kind'], retryAfterSeconds });
          const verdict = judgeAttempt(result, { attempts, expiresAtMs: 1000 + expiresInMs }, 1000);
          if (verdict.status !== 'queued') return;
          expect(verdict.nextAttemptAtMs).toBeGreaterThan(1000);
          expect(verdict.nextAttemptAtMs).toBeLessThan(1000 + expiresInMs);
        },
      ),
    );
  });
});

test('an error in words', () => {
  expect(describeError(error({}))).toBe('unavailable');
  expect(describeError(error({ code: 'timeout' }))).toBe('unavailable (timeout)');
});
