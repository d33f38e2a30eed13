/**
 * Cloudflare's own limiter in front of everything. Coarse: it counts per data centre and tells no counts, so it only keeps
 * a flood away from D1 and the exact counters (rate-limit.ts). It never adds to an account's lockout.
 */
import { createMiddleware } from 'hono/factory';
import { logFailure } from '../log.ts';
import { clientOf, limitSubjectOf } from './client-address.ts';
import type { AppContext, AppEnv } from './context.ts';
import { AppError } from './errors.ts';

/** Requests a minute of one address (of IPv6, one /64), as in wrangler.toml: far above any honest gateway. */
export const shieldPerMinute = 30_000;

/**
 * It protects capacity, not data: a binding that does not answer lets the request through. The local start has none: its
 * stand-in writes to the disk for every request, and nobody floods the loopback address.
 */
async function isLetIn(c: AppContext): Promise<boolean> {
  if (c.env.SHIELD === undefined) return true;
  try {
    return (await c.env.SHIELD.limit({ key: limitSubjectOf(clientOf(c).ip) })).success;
  } catch (cause) {
    logFailure('shield_failed', cause);
    return true;
  }
}

export const shield = createMiddleware<AppEnv>(async (c, next) => {
  if (!(await isLetIn(c))) {
    c.header('RateLimit-Limit', String(shieldPerMinute));
    c.header('RateLimit-Remaining', '0');
    c.header('RateLimit-Reset', '60');
    throw new AppError('RATE_LIMITED', `More than ${shieldPerMinute} requests in a minute. Wait 60 s.`, {
      retryAfterSeconds: 60,
    });
  }
  await next();
});
