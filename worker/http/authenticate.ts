/**
 * The one line where authentication begins. Every request reads session, user, tenant and dealer links in one indexed
 * statement, so that whatever ended since the last request is ended now. When the read fails the answer is 503, never yes.
 */
import { createMiddleware } from 'hono/factory';
import { z } from 'zod';
import { permissionsOf, roleSchema, seesOnlyAssigned, type Permission } from '#contracts/roles';
import { tenantKindSchema, tenantSettingsSchema } from '#contracts/tenants';
import { configOf } from '../env.ts';
import type { AppContext, AppEnv, Caller } from './context.ts';
import { AppError, notFound } from './errors.ts';
import { countPublicRequest, countSignedIn } from './rate-limit.ts';
import { readScopeFromAuth, tenantScopeFromAuth, type ReadScope, type TenantScope } from './tenant-scope.ts';
import { verifyAccessToken } from './tokens.ts';

const callerSql = `
SELECT s.ended_at, s.end_reason, s.expires_at, u.id AS user_id, u.email, u.name, u.role, u.is_deactivated,
  t.id AS tenant_id, t.name AS tenant_name, t.kind AS tenant_kind, t.settings, t.is_active AS tenant_is_active,
  t.created_at AS tenant_created_at,
  (SELECT json_group_array(json_object('id', c.id, 'name', c.name))
     FROM dealer_links l JOIN tenants c ON c.id = l.fleet_tenant_id
    WHERE l.dealer_tenant_id = u.tenant_id AND l.status = 'active' AND c.is_active = 1) AS linked
FROM sessions s JOIN users u ON u.id = s.user_id LEFT JOIN tenants t ON t.id = u.tenant_id
WHERE s.id = ?1 AND s.user_id = ?2`;

const callerRowSchema = z.object({
  ended_at: z.string().nullable(),
  end_reason: z.string().nullable(),
  expires_at: z.string(),
  user_id: z.string(),
  email: z.string(),
  name: z.string(),
  role: roleSchema,
  is_deactivated: z.number(),
  tenant_id: z.string().nullable(),
  tenant_name: z.string().nullable(),
  tenant_kind: tenantKindSchema.nullable(),
  settings: z.string().nullable(),
  tenant_is_active: z.number().nullable(),
  tenant_created_at: z.string().nullable(),
  linked: z.string(),
});
type CallerRow = z.infer<typeof callerRowSchema>;
const linkedSchema = z.array(z.object({ id: z.string(), name: z.string() }));

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

function toCaller(row: CallerRow, sessionId: string): Caller {
  const { tenant_id: id, tenant_name: name, tenant_kind: kind, tenant_created_at: createdAt } = row;
  return {
    userId: row.user_id,
    sessionId,
    email: row.email,
    name: row.name,
    role: row.role,
    permissions: permissionsOf[row.role],
    tenant:
      id === null || name === null || kind === null || createdAt === null
        ? null
        : { id, name, kind, createdAt, settings: tenantSettingsSchema.parse(JSON.parse(row.settings ?? '{}')) },
    linkedTenants: kind === 'dealer' ? linkedSchema.parse(JSON.parse(row.linked)) : [],
  };
}

async function readCaller(c: AppContext, userId: string, sessionId: string): Promise<Caller> {
  let found: unknown;
  try {
    found = await c.env.DB.prepare(callerSql).bind(sessionId, userId).first();
  } catch (cause) {
    throw new AppError('UNAVAILABLE', 'Sign-in cannot be checked right now. Try again in a moment.', { cause });
  }
  if (found === null) throw new AppError('TOKEN_REVOKED', 'This session has ended. Sign in again.');
  const row = callerRowSchema.parse(found);
  requireLiveSession(row, c.get('now'));
  return toCaller(row, sessionId);
}

/** Requires a valid bearer token of a live session; counts the request against its user's limit. */
export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
  let claims;
  try {
    const token = /^Bearer ([^\s]+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (token === undefined) throw new AppError('UNAUTHENTICATED', 'Send an access token as Authorization: Bearer.');
    claims = await verifyAccessToken(configOf(c.env), token, c.get('now'));
  } catch (refusal) {
    // Guessing tokens is counted like any other request without a sign-in.
    await countPublicRequest(c);
    throw refusal;
  }
  const [caller] = await Promise.all([readCaller(c, claims.sub, claims.sid), countSignedIn(c, claims.sub)]);
  c.set('caller', caller);
  await next();
});

/** Route middleware: 403 naming the missing permission. */
export const requirePermission = (permission: Permission) =>
  createMiddleware<AppEnv>(async (c, next) => {
    if (!c.get('caller').permissions.includes(permission)) {
      throw new AppError('FORBIDDEN', `This needs the permission ${permission}.`, {
        details: { required: permission },
      });
    }
    await next();
  });

const assignedOnly = (caller: Caller): string | null => (seesOnlyAssigned(caller.role) ? caller.userId : null);

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
