/**
 * The one line where authentication begins. Every request reads session, user, tenant and dealer links in one indexed
 * statement, so that whatever ended since the last request is ended now. When the read fails the answer is 503, never yes.
 */
import { createMiddleware } from 'hono/factory';
import { z } from 'zod';
import { apiKeyPrefix } from '#contracts/api-keys';
import { permissionsOf, roleSchema, seesOnlyAssigned, type Permission } from '#contracts/roles';
import { tenantKindSchema, tenantSettingsSchema } from '#contracts/tenants';
import { authenticateKey } from './authenticate-key.ts';
import type { AppContext, AppEnv, Caller, UserCaller } from './context.ts';
import { AppError, notFound } from './errors.ts';
import { countPublicRequest, countUser } from './rate-limit.ts';
import { readScopeFromAuth, tenantScopeFromAuth, type ReadScope, type TenantScope } from './tenant-scope.ts';
import { verifyAccessToken } from './tokens.ts';

const callerSql = `
SELECT s.ended_at, s.end_reason, s.expires_at, s.method, u.id AS user_id, u.email, u.name, u.role, u.is_deactivated,
  u.mfa_enabled_at,
  t.id AS tenant_id, t.name AS tenant_name, t.kind AS tenant_kind, t.settings, t.is_active AS tenant_is_active,
  t.created_at AS tenant_created_at,
  (SELECT json_group_array(json_object('id', c.id, 'name', c.name))
     FROM dealer_links l JOIN tenants c ON c.id = l.fleet_tenant_id
    WHERE l.dealer_tenant_id = u.tenant_id AND l.status = 'active' AND c.is_active = 1) AS linked
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
  tenant_id: z.string().nullable(),
  tenant_name: z.string().nullable(),
  tenant_kind: tenantKindSchema.nullable(),
  settings: z.string().nullable(),
  tenant_is_active: z.number().nullable(),
  tenant_created_at: z.string().nullable(),
  linked: z.string(),
});
type CallerRow = z.infer<typeof callerRowSchema>;
export const linkedSchema = z.array(z.object({ id: z.string(), name: z.string() }));

/** What a protected route declares: one permission (null: signed in is enough), and whether machines may call it. */
export interface RouteAccess {
  permission: Permission | null;
  callers: 'anyone' | 'people';
}

/** Throws the reason this session may not go on; fails closed on anything unexpected. */
function requireLiveSession(row: CallerRow, now: Date): void {
  const suspended = row.is_deactivated !== 0 || row.end_reason === 'suspended';
  if (suspended || (row.tenant_id !== null && row.tenant_is_active !== 1)) {
    throw new AppError('USER_TOKENS_REVOKED', 'This account has been suspended.');
  }
  if (row.ended_at !== null || row.expires_at <= now.toISOString()) {
    throw new AppError('TOKEN_REVOKED', 'This session has ended. Sign in again.');
  }
}

function toUserCaller(row: CallerRow, sessionId: string): UserCaller {
  const { tenant_id: id, tenant_name: name, tenant_kind: kind, tenant_created_at: createdAt } = row;
  const settings = tenantSettingsSchema.parse(JSON.parse(row.settings ?? '{}'));
  const mfaEnabled = row.mfa_enabled_at !== null;
  // Whoever comes through the tenant's identity provider has shown their factors there.
  const mfaSetupRequired = settings.requireMfa && !mfaEnabled && row.method === 'password';
  return {
    kind: 'user',
    id: row.user_id,
    sessionId,
    email: row.email,
    name: row.name,
    role: row.role,
    mfaEnabled,
    mfaSetupRequired,
    permissions: mfaSetupRequired ? [] : permissionsOf[row.role],
    tenant:
      id === null || name === null || kind === null || createdAt === null
        ? null
        : { id, name, kind, createdAt, settings },
    linkedTenants: kind === 'dealer' ? linkedSchema.parse(JSON.parse(row.linked)) : [],
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
  let claims;
  try {
    claims = await verifyAccessToken(c.env, token, c.get('now'));
  } catch (refusal) {
    // Guessing tokens is counted like any other request without a sign-in.
    await countPublicRequest(c);
    throw refusal;
  }
  const caller = await readUser(c, claims.sub, claims.sid);
  await countUser(c, caller);
  return caller;
}

/** Requires a live session's access token or a live API key; counts the request against its own limit. */
export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
  const token = /^Bearer ([^\s]+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  if (token === undefined) {
    await countPublicRequest(c);
    throw new AppError('UNAUTHENTICATED', 'Send an access token or an API key as Authorization: Bearer.');
  }
  const caller = token.startsWith(apiKeyPrefix) ? await authenticateKey(c, token) : await authenticateUser(c, token);
  c.set('caller', caller);
  c.get('audit').actor = { ...c.get('audit').actor, actorType: caller.kind, actorId: caller.id };
  await next();
});

/**
 * Route middleware: 403 naming what is missing. A machine never manages people, keys, sign-in or tenants, whatever its
 * scopes say.
 */
export const requireAccess = ({ permission, callers }: RouteAccess) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const caller = c.get('caller');
    const required = permission ?? 'sign-in';
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
          ? 'Your organisation requires a second factor at sign-in. Set it up first.'
          : `This needs the permission ${permission}.`,
        { details: { required } },
      );
    }
    await next();
  });

/** The person who has signed in, on a route for people. */
export function userOf(c: AppContext): UserCaller {
  const caller = c.get('caller');
  if (caller.kind !== 'user') throw new Error('the route lets in API keys');
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
    if (!readable.includes(tenantId)) throw notFound('tenant');
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
      throw new AppError('VALIDATION_FAILED', 'A super admin acts inside one tenant: name it with ?tenantId=.');
    }
    return tenantScopeFromAuth({ ...(await readScopeOf(c, tenantId)), tenantId });
  }
  if (tenantId !== undefined && tenantId !== own.id) throw notFound('tenant');
  return tenantScopeFromAuth({ ...(await readScopeOf(c)), tenantId: own.id });
}
