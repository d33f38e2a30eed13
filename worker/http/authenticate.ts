/**
 * The one line where authentication begins. Every request reads session, user, tenant and dealer links in one indexed
 * statement, so that whatever ended since the last request is ended now. When the read fails the answer is 503, never yes.
 */
import { createMiddleware } from 'hono/factory';
import { z } from 'zod';
import { apiKeyPrefix } from '#contracts/api-keys';
import { displayTokenPrefix } from '#contracts/displays';
import { permissionsOf, roleSchema, seesOnlyAssigned, type Permission } from '#contracts/roles';
import { authenticateDisplay } from './authenticate-display.ts';
import { authenticateKey } from './authenticate-key.ts';
import { linkedTenantsOf, tenantColumnSchema, tenantColumnSql } from './caller-tenant.ts';
import type { AppContext, AppEnv, Caller, UserCaller } from './context.ts';
import { AppError, notFound } from './errors.ts';
import { countPublicRequest, countUser } from './rate-limit.ts';
import { lacksSecondFactor } from './second-factor.ts';
import { readScopeFromAuth, tenantScopeFromAuth, type ReadScope, type TenantScope } from './tenant-scope.ts';
import { verifyAccessToken } from './tokens.ts';

const callerSql = `
SELECT s.ended_at, s.end_reason, s.expires_at, s.method, u.id AS user_id, u.email, u.name, u.role, u.is_deactivated,
  u.mfa_enabled_at, u.access_changed_at,
  ${tenantColumnSql}
FROM sessions s JOIN users u ON u.id = s.user_id LEFT JOIN tenants t ON t.id = u.tenant_id
WHERE s.id = ?1 AND s.user_id = ?2 AND u.deleted_at IS NULL`;

const callerRowSchema = z.object({
  ended_at: z.string().nullable(),
  end_reason: z.string().nullable(),
  expires_at: z.string(),
  method: z.enum(['password', 'oidc']),
  user_id: z.string(),
  email: z.string(),
  name: z.string(),
  role: roleSchema,
  is_deactivated: z.number(),
  mfa_enabled_at: z.string().nullable(),
  access_changed_at: z.string().nullable(),
  tenant: tenantColumnSchema.nullable(),
});
type CallerRow = z.infer<typeof callerRowSchema>;

/** What a protected route declares: one permission (null: signed in is enough), and who may call it. */
export interface RouteAccess {
  permission: Permission | null;
  /** People and machines with a key, people alone, or wall displays alone. */
  callers: 'anyone' | 'people' | 'displays';
  /** Lets wall displays in besides the callers: nobody else's rights make a route open to them. */
  displaysToo?: boolean | undefined;
}

/** Throws the reason this session may not go on; fails closed on anything unexpected. */
function requireLiveSession(row: CallerRow, now: Date): void {
  const suspended = row.is_deactivated !== 0 || row.end_reason === 'suspended';
  if (suspended || (row.tenant !== null && row.tenant.isActive !== 1)) {
    throw new AppError('USER_TOKENS_REVOKED', 'This account has been suspended.');
  }
  if (row.ended_at !== null || row.expires_at <= now.toISOString()) {
    throw new AppError('TOKEN_REVOKED', 'This session has ended. Sign in again.');
  }
}

function toUserCaller(row: CallerRow, sessionId: string): UserCaller {
  const { tenant } = row;
  const mfaEnabled = row.mfa_enabled_at !== null;
  const requireMfa = tenant?.settings.requireMfa ?? false;
  const mfaSetupRequired = lacksSecondFactor({ requireMfa, mfaEnabled, method: row.method });
  return {
    kind: 'user',
    id: row.user_id,
    sessionId,
    email: row.email,
    name: row.name,
    role: row.role,
    accessAsOf: row.access_changed_at,
    method: row.method,
    mfaEnabled,
    mfaSetupRequired,
    permissions: mfaSetupRequired ? [] : permissionsOf[row.role],
    tenant,
    linkedTenants: linkedTenantsOf(tenant),
  };
}

async function readOrFail(c: AppContext, statement: string, ...bound: string[]): Promise<unknown> {
  try {
    return await c.env.DB.prepare(statement)
      .bind(...bound)
      .first();
  } catch (cause) {
    throw new AppError('UNAVAILABLE', 'Sign-in cannot be checked right now. Try again in a moment.', { cause });
  }
}

async function readUser(c: AppContext, userId: string, sessionId: string): Promise<UserCaller> {
  const found = await readOrFail(c, callerSql, sessionId, userId);
  if (found === null) throw new AppError('TOKEN_REVOKED', 'This session has ended. Sign in again.');
  const row = callerRowSchema.parse(found);
  requireLiveSession(row, c.get('now'));
  return toUserCaller(row, sessionId);
}

async function authenticateUser(c: AppContext, token: string): Promise<UserCaller> {
  let caller;
  try {
    const claims = await verifyAccessToken(c.env, token, c.get('now'));
    c.get('audit').actAs('user', claims.sub, claims.tid);
    caller = await readUser(c, claims.sub, claims.sid);
  } catch (refusal) {
    // Guessing tokens, or knocking with an ended one, is counted like any other request without a sign-in.
    await countPublicRequest(c);
    throw refusal;
  }
  await countUser(c, caller);
  return caller;
}

function callerBehind(c: AppContext, token: string): Promise<Caller> {
  if (token.startsWith(apiKeyPrefix)) return authenticateKey(c, token);
  if (token.startsWith(displayTokenPrefix)) return authenticateDisplay(c, token);
  return authenticateUser(c, token);
}

/** Requires a live session's access token, a live API key or a paired display's token; counts against its own limit. */
export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
  const token = /^Bearer ([^\s]+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  if (token === undefined) {
    await countPublicRequest(c);
    throw new AppError('UNAUTHENTICATED', 'Send an access token or an API key as Authorization: Bearer.');
  }
  const caller = await callerBehind(c, token);
  c.set('caller', caller);
  await next();
});

/**
 * Route middleware: 403 naming what is missing. A machine never manages people, keys, sign-in or tenants, whatever its
 * scopes say; a wall display, whose token hangs in a hall, is let in only where a route says so.
 */
export const requireAccess = ({ permission, callers, displaysToo = false }: RouteAccess) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const caller = c.get('caller');
    const required = permission ?? 'sign-in';
    if (caller.kind === 'display' && callers !== 'displays' && !displaysToo) {
      throw new AppError('FORBIDDEN', 'A wall display may read its board and nothing else.', { details: { required } });
    }
    if (caller.kind !== 'display' && callers === 'displays') {
      throw new AppError('FORBIDDEN', 'This is for wall displays, with the token of their pairing.', {
        details: { required: 'display' },
      });
    }
    if (caller.kind === 'api_key' && callers === 'people') {
      throw new AppError('FORBIDDEN', 'This is for people who have signed in; an API key may not do it.', {
        details: { required },
      });
    }
    if (permission !== null && !caller.permissions.includes(permission)) {
      const setUpFirst = caller.kind === 'user' && caller.mfaSetupRequired;
      throw new AppError(
        'FORBIDDEN',
        setUpFirst
          ? 'Your organisation requires two-step sign-in. Set it up first.'
          : `This needs the permission ${permission}.`,
        { details: { required } },
      );
    }
    await next();
  });

/** The person as D1 has them by now, for what outlives its request; throws like a new request would. */
export async function rereadUser(c: AppContext): Promise<UserCaller> {
  const { id, sessionId } = userOf(c);
  return readUser(c, id, sessionId);
}

/** The person who has signed in, on a route for people. */
export function userOf(c: AppContext): UserCaller {
  const caller = c.get('caller');
  if (caller.kind !== 'user') throw new Error('the route lets in machines');
  return caller;
}

const assignedOnly = (caller: Caller): string | null =>
  caller.kind === 'user' && seesOnlyAssigned(caller.role) ? caller.id : null;

/**
 * What the caller may read. `tenantId` (from the query) narrows it to one readable tenant; another tenant's id answers
 * 404, exactly like one that never existed.
 */
export async function readScopeOf(c: AppContext, tenantId?: string): Promise<ReadScope> {
  const caller = c.get('caller');
  let readable: readonly string[];
  if (caller.tenant === null) {
    const all = await c.env.DB.prepare('SELECT id FROM tenants').all<{ id: string }>();
    readable = all.results.map((row) => row.id);
  } else {
    readable = [caller.tenant.id, ...caller.linkedTenants.map((linked) => linked.id)];
  }
  if (tenantId !== undefined) {
    if (!readable.includes(tenantId)) throw notFound('organisation');
    readable = [tenantId];
  }
  return readScopeFromAuth({
    ownTenantId: caller.tenant?.id ?? null,
    readableTenantIds: readable,
    onlyAssignedTo: assignedOnly(caller),
  });
}

/** The tenant the caller writes to: their own, or for a super admin the one named by `?tenantId=`. */
export async function tenantScopeOf(c: AppContext, tenantId?: string): Promise<TenantScope> {
  const own = c.get('caller').tenant;
  if (own === null) {
    if (tenantId === undefined) {
      throw new AppError('VALIDATION_FAILED', 'A super admin acts inside one organisation: name it with ?tenantId=.');
    }
    return tenantScopeFromAuth({ ...(await readScopeOf(c, tenantId)), tenantId });
  }
  if (tenantId !== undefined && tenantId !== own.id) throw notFound('organisation');
  return tenantScopeFromAuth({ ...(await readScopeOf(c)), tenantId: own.id });
}
