/** Exact per-minute counters in a small Durable Object per subject; the headers stand on every answer. */
import { createMiddleware } from 'hono/factory';
import type { Permission } from '#contracts/roles';
import { rateCounterOf } from '#durable-objects/stubs';
import { configOf } from '../env.ts';
import { logFailure } from '../log.ts';
import { clientOf } from './client-address.ts';
import type { AppContext, AppEnv, UserCaller } from './context.ts';
import { AppError } from './errors.ts';

/** Clients that have not signed in share an address (a shop behind one NAT), so theirs is a multiple of a user's limit. */
const publicMultiple = 6;

/**
 * Counts one request of `subject`; 429 with Retry-After past `limit` a minute.
 * A counter that does not answer lets the request through: it protects capacity, not data.
 */
export async function countRequest(c: AppContext, subject: string, limit: number): Promise<void> {
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

/** A gateway reports for a whole fleet: telemetry has a limit of its own, and leaves the person's alone. */
const telemetryMultiple = 60;
const isTelemetry = (c: AppContext): boolean => c.req.path.startsWith('/api/v1/telemetry/');

/** Counts a request of a signed-in person; telemetry apart from everything else. */
export async function countUser(c: AppContext, { id, tenant }: UserCaller): Promise<void> {
  const { requestsPerMinute } = configOf(c.env);
  if (isTelemetry(c)) await countRequest(c, `telemetry:${id}`, requestsPerMinute * telemetryMultiple);
  else await countRequest(c, `user:${id}`, tenant?.settings.requestsPerMinute ?? requestsPerMinute);
}

/** Counts a request of an API key against its own limit; one that reports telemetry has a gateway's. */
export async function countKey(
  c: AppContext,
  key: { id: string; scopes: readonly Permission[]; requests_per_minute: number | null },
): Promise<void> {
  const { requestsPerMinute } = configOf(c.env);
  const byDefault = key.scopes.includes('telemetry:write') ? requestsPerMinute * telemetryMultiple : requestsPerMinute;
  await countRequest(c, `key:${key.id}`, key.requests_per_minute ?? byDefault);
}

/** Counts a request that no signed-in user stands behind, by client address. */
export async function countPublicRequest(c: AppContext): Promise<void> {
  const limit = configOf(c.env).requestsPerMinute * publicMultiple;
  await countRequest(c, `address:${clientOf(c).ip ?? 'unknown'}`, limit);
}

/** For routes that need no sign-in. */
export const publicRateLimit = createMiddleware<AppEnv>(async (c, next) => {
  await countPublicRequest(c);
  await next();
});
