/**
 * Denied attempts. Whatever is refused for who is asking becomes an entry, in one place, whichever route refused it.
 *
 * No entries are: a missing token and a plain TOKEN_EXPIRED, which every honest client meets and which prove nothing
 * about anybody; 404s, because an id of another tenant is answered exactly like one that never existed, so that nobody
 * can say of a 404 that something was denied; and failed sign-ins, which the sign-in writes itself because it alone knows
 * whose account it was (`sign_in`, outcome denied).
 */
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import type { ErrorCode } from '#contracts/errors';
import type { AppContext, AppEnv } from '../http/context.ts';
import { AppError } from '../http/errors.ts';
import { logFailure } from '../log.ts';
import { recordStranger } from './strangers.ts';
import type { AuditedAction } from './trail.ts';

const deniedCodes: ReadonlySet<ErrorCode> = new Set([
  'FORBIDDEN',
  'TOKEN_REVOKED',
  'USER_TOKENS_REVOKED',
  'TOKEN_REUSED',
  'UNAUTHENTICATED',
]);

/** The permission that was missing, where the refusal names one. */
function requiredOf({ options: { details } }: AppError): string | null {
  if (typeof details !== 'object' || details === null || !('required' in details)) return null;
  return typeof details.required === 'string' ? details.required : null;
}

function isDenial(c: AppContext, error: unknown): error is AppError {
  if (!(error instanceof AppError) || !deniedCodes.has(error.code)) return false;
  return error.code !== 'UNAUTHENTICATED' || /^Bearer /i.test(c.req.header('authorization') ?? '');
}

/** The route as it is declared: a path as it was sent is the sender's text. */
const routeOf = (c: AppContext): string | null =>
  matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path ?? null;

async function record(c: AppContext, error: AppError): Promise<void> {
  const trail = c.get('audit');
  const { method } = c.req;
  const { actorTenantId: tenantId, actor } = trail;
  const denied: AuditedAction = {
    tenantId,
    action: 'access.denied',
    resourceType: 'route',
    // Percent-encoded as it came, so plain ASCII; without the query, which may hold anything.
    resourceId: new URL(c.req.url).pathname,
    outcome: 'denied',
    after: { method, route: routeOf(c), code: error.code, required: requiredOf(error) },
  };
  if (actor.actorType !== 'anonymous') await trail.record(c.get('db'), denied);
  else {
    const target = tenantId === null ? null : { name: tenantId, isKnown: true };
    await recordStranger(c.env, c.get('db'), trail, denied, target);
  }
}

/**
 * Right after the request context: writes down what was denied. The limits on requests were asked before the refusal, and
 * answer in its place when they are used up; strangers have a tighter one for entries (strangers.ts): so no flood of
 * refusals becomes a flood of entries. An entry that is not written changes nothing about the answer.
 */
export const recordDenied = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  const { error } = c;
  if (!isDenial(c, error)) return;
  try {
    await record(c, error);
  } catch (cause) {
    logFailure('audit_denied_not_recorded', cause, { requestId: c.get('requestId'), code: error.code });
  }
});
