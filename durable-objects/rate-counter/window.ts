/** Counting requests in fixed windows of one minute. Pure; times are epoch milliseconds. */

export const windowMs = 60_000;

export interface RateWindow {
  startMs: number;
  /** Requests let through since `startMs`. */
  count: number;
}

export interface RateTake {
  allowed: boolean;
  limit: number;
  remaining: number;
  /** Whole seconds until the window ends, at least 1. */
  resetSeconds: number;
}

/**
 * Counts one request against `limit`. A clock that lags a little counts into the running window; a window from a clock
 * that ran a minute ahead is dropped rather than waited for.
 */
export function takeOne(held: RateWindow | null, limit: number, nowMs: number): { window: RateWindow; take: RateTake } {
  const startMs = Math.floor(nowMs / windowMs) * windowMs;
  const isRunning = held !== null && held.startMs >= startMs && held.startMs <= startMs + windowMs;
  const window = isRunning ? held : { startMs, count: 0 };
  const allowed = window.count < limit;
  const count = allowed ? window.count + 1 : window.count;
  return {
    window: { startMs: window.startMs, count },
    take: {
      allowed,
      limit,
      remaining: Math.max(0, limit - count),
      resetSeconds: Math.max(1, Math.ceil((window.startMs + windowMs - nowMs) / 1_000)),
    },
  };
}
