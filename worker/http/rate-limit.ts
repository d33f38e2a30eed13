/** Exact per-minute counters in a small Durable Object per subject; the headers stand on every answer. */
import { createMiddleware } from 'hono/factory';
import type { Permission } from '#contracts/roles';
import { rateCounterOf } from '#durable-objects/stubs';
import { configOf } from '../env.ts';
import { logFailure } from '../log.ts';
import { clientOf, limitSubjectOf } from './client-address.ts';
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

/**
 * Counts a request of an API key. A number of its own holds literally, for everything together; save that outside of
 * telemetry no key has more than the operator has set for its tenant. Without one it has a person's limit and, where it
 * reports telemetry, a gateway's.
 */
export async function countKey(
  c: AppContext,
  key: {
    id: string;
    scopes: readonly Permission[];
    requests_per_minute: number | null;
    tenant: { settings: { requestsPerMinute: number | null } };
  },
): Promise<void> {
  const { requestsPerMinute } = configOf(c.env);
  const own = key.requests_per_minute;
  const ceiling = key.tenant.settings.requestsPerMinute;
  const elsewhere = Math.min(own ?? ceiling ?? requestsPerMinute, ceiling ?? Infinity);
  const reports = key.scopes.includes('telemetry:write');
  const forTelemetry = own ?? (reports ? requestsPerMinute * telemetryMultiple : elsewhere);
  if (isTelemetry(c) && forTelemetry !== elsewhere) await countRequest(c, `telemetry:${key.id}`, forTelemetry);
  else await countRequest(c, `key:${key.id}`, elsewhere);
}

/** Counts a request of a wall display: each screen by itself, so that a hall full of them never starves one. */
export async function countDisplay(
  c: AppContext,
  { id, tenant }: { id: string; tenant: { settings: { requestsPerMinute: number | null } } },
): Promise<void> {
  const limit = tenant.settings.requestsPerMinute ?? configOf(c.env).requestsPerMinute;
  await countRequest(c, `display:${id}`, limit);
}

/**
 * Where secrets are guessed: passwords, codes, mailed tokens. Apart from everything else an address does, and half as much
 * of it: a shop that signs in at the same minute fits, a list of stolen passwords does not. An account's own lock counts
 * wrong passwords, whatever address they come from.
 */
const guessable =
  /^\/api\/v1\/(?:auth\/(?:login|sign-up|accept-invitation|invitation-preview|password-reset(?:\/confirm)?)|setup)$/;
const guessMultiple = 3;

/** Counts a request that no signed-in user stands behind, by client address. */
export async function countPublicRequest(c: AppContext): Promise<void> {
  const { requestsPerMinute } = configOf(c.env);
  const isGuess = c.req.method === 'POST' && guessable.test(c.req.path);
  const subject = `${isGuess ? 'sign_in' : 'address'}:${limitSubjectOf(clientOf(c).ip)}`;
  await countRequest(c, subject, requestsPerMinute * (isGuess ? guessMultiple : publicMultiple));
}

/**
 * Every screen behind one address comes back at once when its network does, each with a ticket that was counted when it was
 * asked for. Tickets cannot be guessed; this only bounds what opening sockets in a loop costs.
 */
const socketMultiple = 60;

/** For upgrades that carry a ticket. */
export const socketRateLimit = createMiddleware<AppEnv>(async (c, next) => {
  const { requestsPerMinute } = configOf(c.env);
  await countRequest(c, `socket:${limitSubjectOf(clientOf(c).ip)}`, requestsPerMinute * socketMultiple);
  await next();
});

/** For routes that need no sign-in. */
export const publicRateLimit = createMiddleware<AppEnv>(async (c, next) => {
  await countPublicRequest(c);
  await next();
});
