/** What becomes of a message after a try. Pure. */
import type { NotifierError, NotifierResult } from './notifier.ts';

const minuteMs = 60_000;
/** With the pauses below about ten hours: well inside the day for which the provider remembers a message's id. */
export const maxAttempts = 12;
const firstPauseMs = minuteMs;
const longestPauseMs = 120 * minuteMs;
/** A refused key or sender heals only when an operator acts. */
const authPauseMs = 15 * minuteMs;
/** No provider is believed that wants to be left alone for longer. */
const longestRetryAfterMs = 60 * minuteMs;

export type Verdict =
  | { status: 'sent' }
  | { status: 'failed'; lastError: string }
  | { status: 'queued'; attempts: number; nextAttemptAtMs: number; lastError: string };

/** What went wrong in words of ours: kind, status and code, never what the provider wrote. */
export const describeError = ({ kind, status, code }: NotifierError): string => {
  const details = [status, code].filter((part) => part !== null);
  return details.length === 0 ? kind : `${kind} (${details.join(' ')})`;
};

/** The pause after the `attempts`-th try, in milliseconds: a minute, doubling, at most two hours. */
export const pauseMsAfter = (attempts: number): number =>
  Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(20, Math.max(0, attempts - 1)));

function pauseMsFor(error: NotifierError, attempts: number): number {
  const asked = Math.min(longestRetryAfterMs, (error.retryAfterSeconds ?? 0) * 1000);
  // A word about when to come back is worth more than a guess.
  if (error.kind === 'rate_limited' && error.retryAfterSeconds !== null) return Math.max(1000, asked);
  const pause = pauseMsAfter(attempts);
  return Math.max(asked, error.kind === 'auth' ? Math.max(authPauseMs, pause) : pause);
}

/** Judges a try: done, later, or given up. `attempts` counts this one; a message never waits past its `expiresAtMs`. */
export function judgeAttempt(
  result: NotifierResult,
  { attempts, expiresAtMs }: { attempts: number; expiresAtMs: number },
  nowMs: number,
): Verdict {
  if (result.kind === 'sent') return { status: 'sent' };
  const lastError = describeError(result);
  if (result.kind === 'rejected') return { status: 'failed', lastError };
  // Being told to wait says nothing about the message: it costs no attempt.
  const counted = result.kind === 'rate_limited' ? attempts - 1 : attempts;
  if (counted >= maxAttempts) return { status: 'failed', lastError: `${lastError}; given up` };
  const nextAttemptAtMs = nowMs + pauseMsFor(result, attempts);
  if (nextAttemptAtMs >= expiresAtMs) return { status: 'failed', lastError: `${lastError}; expired` };
  return { status: 'queued', attempts: counted, nextAttemptAtMs, lastError };
}
