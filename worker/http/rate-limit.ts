/** Exact per-minute counters in a small Durable Object per subject; the headers stand on every answer. */
import { createMiddleware } from 'hono/factory';
import { rateCounterOf } from '#durable-objects/stubs';
import { configOf } from '../env.ts';
import { logFailure } from '../log.ts';
import type { AppContext, AppEnv } from './context.ts';
import { AppError } from './errors.ts';

/** Clients that have not signed in share an address (a shop behind one NAT), so theirs is a multiple of a user's limit. */
const publicMultiple = 6;

/**
 * Counts one request of `subject`; 429 with Retry-After past `multiple` times the configured limit.
 * A counter that does not answer lets the request through: it protects capacity, not data.
 */
export async function countRequest(c: AppContext, subject: string, multiple: number): Promise<void> {
  const limit = configOf(c.env).requestsPerMinute * multiple;
  let count;
  try {
    count = await rateCounterOf(c.env.RATE_COUNTER, subject).take(limit, c.get('now').getTime());
  } catch (cause) {
    logFailure('rate_counter_failed', cause, { subject });
    return;
  }
  c.header('RateLimit-Limit', String(count.limit));
  c.header('RateLimit-Remaining', String(count.remaining));
  c.header('RateLimit-Reset', String(count.resetSeconds));
  if (!count.allowed) {
    throw new AppError('RATE_LIMITED', `More than ${limit} requests in a minute. Wait ${count.resetSeconds} s.`, {
      retryAfterSeconds: count.resetSeconds,
    });
  }
}

/** A gateway reports for a whole fleet: it has a limit of its own, and leaves the person's alone. */
const telemetryMultiple = 60;

/** Counts a request of a signed-in user; telemetry apart from everything else. */
export async function countSignedIn(c: AppContext, userId: string): Promise<void> {
  if (c.req.path.startsWith('/api/v1/telemetry/')) await countRequest(c, `telemetry:${userId}`, telemetryMultiple);
  else await countRequest(c, `user:${userId}`, 1);
}

/** Counts a request that no signed-in user stands behind, by client address. */
export async function countPublicRequest(c: AppContext): Promise<void> {
  await countRequest(c, `address:${c.req.header('cf-connecting-ip') ?? 'unknown'}`, publicMultiple);
}

/** For routes that need no sign-in. */
export const publicRateLimit = createMiddleware<AppEnv>(async (c, next) => {
  await countPublicRequest(c);
  await next();
});
