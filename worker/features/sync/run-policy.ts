/** How often and how long a run waits before it gives up, and what people are told then. Pure. */
import type { SyncErrorCode } from '#contracts/sync';
import type { AlertSeverity } from '#contracts/alerts';

export interface RunPolicy {
  /** Vehicles read in one step: a step's browser and result stay small, and a killed one costs only these. */
  vehiclesPerStep: number;
  /** Vehicles per transaction: with 50 faults each, the JSON of a statement stays near 2 MB at the worst. */
  vehiclesPerPersist: number;
  /** Tries after the first, per step that makes no progress. */
  maxRetries: number;
  /** As above after a time-out, which has already cost its patience. */
  maxTimeoutRetries: number;
  firstDelayMs: number;
  maxDelayMs: number;
  /** Waited when the portal says 429 without saying for how long. */
  defaultRetryAfterMs: number;
  /** A portal that asks for more patience than this ends the run; the gate keeps the cooldown. */
  maxRetryAfterMs: number;
  /** The gate's lease; longer than any step, so that only a dead run loses it. */
  leaseMs: number;
  gatePollMs: number;
}

export const runPolicy: RunPolicy = {
  vehiclesPerStep: 100,
  vehiclesPerPersist: 200,
  maxRetries: 3,
  maxTimeoutRetries: 2,
  firstDelayMs: 4_000,
  maxDelayMs: 60_000,
  defaultRetryAfterMs: 300_000,
  maxRetryAfterMs: 900_000,
  leaseMs: 600_000,
  gatePollMs: 15_000,
};

const retryableCodes: ReadonlySet<SyncErrorCode> = new Set([
  'SESSION_EXPIRED',
  'RATE_LIMITED',
  'TIMED_OUT',
  'BROWSER_LOST',
  'UPSTREAM_FAILED',
]);

/** Milliseconds until the next try, or null when there is none. `retriesDone` counts those without progress. */
export function retryDelayMs(
  failure: { code: SyncErrorCode; retryAfterMs: number | null },
  retriesDone: number,
  policy: RunPolicy,
): number | null {
  const maxRetries = failure.code === 'TIMED_OUT' ? policy.maxTimeoutRetries : policy.maxRetries;
  if (!retryableCodes.has(failure.code) || retriesDone >= maxRetries) return null;
  if (failure.code === 'RATE_LIMITED') {
    const asked = failure.retryAfterMs ?? policy.defaultRetryAfterMs;
    return asked > policy.maxRetryAfterMs ? null : asked;
  }
  return Math.min(policy.firstDelayMs * 2 ** retriesDone, policy.maxDelayMs);
}

/** How loudly a failed run is told: what only a person can mend is worth waking one; the rest mostly mends itself. */
export const alertSeverityOf = (code: SyncErrorCode): AlertSeverity =>
  code === 'LOGIN_FAILED' || code === 'MFA_REQUIRED' || code === 'MARKUP_CHANGED' || code === 'SUSPICIOUS_RESULT'
    ? 'major'
    : 'minor';

const titles: Readonly<Record<SyncErrorCode, string>> = {
  LOGIN_FAILED: 'the sign-in was refused',
  MFA_REQUIRED: 'a one-time code is needed',
  SESSION_EXPIRED: 'the portal keeps ending the session',
  RATE_LIMITED: 'the portal asks us to slow down',
  MARKUP_CHANGED: 'the pages have changed',
  TIMED_OUT: 'the portal does not answer in time',
  BROWSER_LOST: 'the browser was lost',
  UPSTREAM_FAILED: 'the portal cannot be read',
  SUSPICIOUS_RESULT: 'far fewer vehicles than last time',
};

export const alertTitleOf = (provider: string, code: SyncErrorCode): string => `Sync from ${provider}: ${titles[code]}`;
