/** How often and how long a run waits before it gives up, and what people are told then. Pure. */
import type { SyncErrorCode } from '#contracts/sync';
import type { AlertSeverity } from '#contracts/alerts';
import type { ScrapeFailure } from '../../scrapes/errors.ts';

export interface RunPolicy {
  /** Vehicles read in one step: a step's browser and result stay small, and a killed one costs only these. */
  vehiclesPerStep: number;
  /** Vehicles handed to one persisting step; it splits them further when their JSON would be too large for D1. */
  vehiclesPerPersist: number;
  /** Tries after the first, per step that makes no progress. */
  maxRetries: number;
  /** As above after a time-out, which has already cost its patience. */
  maxTimeoutRetries: number;
  /** Tries after the first when no browser could be had: others wait for one too, so many tries and well apart. */
  maxBrowserRetries: number;
  firstDelayMs: number;
  maxDelayMs: number;
  /** Waited when the portal says 429 without saying for how long. */
  defaultRetryAfterMs: number;
  /** A portal that asks for more patience than this ends the run; the gate keeps the cooldown. */
  maxRetryAfterMs: number;
  /** The gate's lease, extended at every step and while pages are read, so that only a dead run loses it. */
  leaseMs: number;
  gatePollMs: number;
}

export const runPolicy: RunPolicy = {
  vehiclesPerStep: 100,
  vehiclesPerPersist: 200,
  maxRetries: 3,
  maxTimeoutRetries: 2,
  maxBrowserRetries: 8,
  firstDelayMs: 4_000,
  maxDelayMs: 60_000,
  defaultRetryAfterMs: 300_000,
  maxRetryAfterMs: 900_000,
  leaseMs: 600_000,
  gatePollMs: 15_000,
};

/** A refused password, a missing code or a changed page will be the same in a minute; these may not. */
const retryableCodes: ReadonlySet<SyncErrorCode> = new Set([
  'SESSION_EXPIRED',
  'RATE_LIMITED',
  'TIMED_OUT',
  'BROWSER_LOST',
  'UPSTREAM_FAILED',
]);

/**
 * Milliseconds until the next try, or null when there is none. `retriesDone` counts those without progress; `spread`
 * (0 to 1, drawn once per run) keeps runs that wait for the same thing from asking again at the same moment.
 */
export function retryDelayMs(
  failure: Pick<ScrapeFailure, 'code' | 'retryAfterMs' | 'isNoBrowser'>,
  retriesDone: number,
  spread: number,
  policy: RunPolicy,
): number | null {
  if (!retryableCodes.has(failure.code) || retriesDone >= maxRetriesOf(failure, policy)) return null;
  if (failure.code === 'RATE_LIMITED') {
    const asked = failure.retryAfterMs ?? policy.defaultRetryAfterMs;
    return asked > policy.maxRetryAfterMs ? null : asked;
  }
  const delayMs = Math.min(policy.firstDelayMs * 2 ** retriesDone, policy.maxDelayMs);
  if (!failure.isNoBrowser) return delayMs;
  // Each try takes another place in its half-width: two runs that met once part ways.
  const place = (spread + retriesDone * goldenSection) % 1;
  return Math.round(delayMs * (0.5 + place));
}

/** Steps of this size fill an interval evenly, whatever their number. */
const goldenSection = 0.618;

function maxRetriesOf(failure: Pick<ScrapeFailure, 'code' | 'isNoBrowser'>, policy: RunPolicy): number {
  if (failure.isNoBrowser) return policy.maxBrowserRetries;
  return failure.code === 'TIMED_OUT' ? policy.maxTimeoutRetries : policy.maxRetries;
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
  BROWSER_LOST: 'no browser was at hand to the end',
  UPSTREAM_FAILED: 'the portal cannot be read',
  SUSPICIOUS_RESULT: 'far fewer vehicles than last time',
};

export const alertTitleOf = (provider: string, code: SyncErrorCode): string => `Sync from ${provider}: ${titles[code]}`;
