/** API keys at the door: one indexed read answers secret, key, tenant and dealer links together. */
import { z } from 'zod';
import { apiKeyPattern, peopleOnlyPermissions } from '#contracts/api-keys';
import { permissionSchema, type Permission } from '#contracts/roles';
import { logFailure } from '../log.ts';
import { jsonColumn, linkedTenantsOf, tenantColumnSchema, tenantColumnSql } from './caller-tenant.ts';
import { clientOf } from './client-address.ts';
import type { AppContext, KeyCaller } from './context.ts';
import { AppError } from './errors.ts';
import { addressAllowed, addressRefused } from './ip-allow-list.ts';
import { countKey, countPublicRequest } from './rate-limit.ts';
import { hashToken } from './tokens.ts';

const keySql = `
SELECT k.id, k.name, k.scopes, k.ip_allow_list, k.requests_per_minute, k.revoked_at, k.last_used_at, s.expires_at,
  ${tenantColumnSql}
FROM api_key_secrets s JOIN api_keys k ON k.id = s.api_key_id JOIN tenants t ON t.id = k.tenant_id
WHERE s.secret_hash = ?1`;

const noteUseSql = `
UPDATE api_keys SET last_used_at = ?1, last_used_ip = ?2
WHERE id = ?3 AND (last_used_at IS NULL OR last_used_at <= ?4)`;

const keyRowSchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: jsonColumn(z.array(permissionSchema)),
  ip_allow_list: jsonColumn(z.array(z.string())).nullable(),
  requests_per_minute: z.number().nullable(),
  revoked_at: z.string().nullable(),
  last_used_at: z.string().nullable(),
  expires_at: z.string(),
  tenant: tenantColumnSchema,
});

type KeyRow = z.infer<typeof keyRowSchema>;

/** A key in use is noted this often, and no request waits for it. */
const noteUseEveryMs = 60_000;

/** The row of a key's secret; throws what is wrong with a key that has none, or may not be used any more. */
async function readKey(c: AppContext, key: string): Promise<KeyRow> {
  const unknown = () => new AppError('UNAUTHENTICATED', 'The API key is not known.');
  // What was never issued is not worth a read.
  if (!apiKeyPattern.test(key)) throw unknown();
  let found: unknown;
  try {
    found = await c.env.DB.prepare(keySql)
      .bind(await hashToken(key))
      .first();
  } catch (cause) {
    throw new AppError('UNAVAILABLE', 'The key cannot be checked right now. Try again in a moment.', { cause });
  }
  if (found === null) throw unknown();
  const row = keyRowSchema.parse(found);
  c.get('audit').actAs('api_key', row.id, row.tenant.id);
  if (row.revoked_at !== null) throw new AppError('TOKEN_REVOKED', 'This API key has been revoked.');
  if (row.expires_at <= c.get('now').toISOString()) {
    throw new AppError('TOKEN_EXPIRED', 'This API key has expired, or was replaced. Rotate it, or make a new one.');
  }
  if (row.tenant.isActive !== 1) throw new AppError('USER_TOKENS_REVOKED', 'This account has been suspended.');
  if (!addressAllowed(row.ip_allow_list, clientOf(c).ip)) throw addressRefused();
  return row;
}

/** The key as D1 has it by now, for what outlives its request; throws like a new request would. */
export async function rereadKey(
  c: AppContext,
): Promise<{ permissions: readonly Permission[]; expiresAt: string; accessAsOf: string | null }> {
  const row = await readKey(c, /^Bearer ([^\s]+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '');
  const newest = await c.env.DB.prepare('SELECT max(created_at) AS at FROM api_key_secrets WHERE api_key_id = ?1')
    .bind(row.id)
    .first<{ at: string | null }>();
  return { permissions: permissionsOfKey(row), expiresAt: row.expires_at, accessAsOf: newest?.at ?? null };
}

/** Whatever the row says: what only people may do, no key may. */
const permissionsOfKey = ({ scopes }: KeyRow): Permission[] =>
  scopes.filter((scope) => !peopleOnlyPermissions.includes(scope));

/** Notes when and from where the key was last used; of many requests at once one writes. */
function noteUse(c: AppContext, row: KeyRow): void {
  const now = c.get('now');
  const before = new Date(now.getTime() - noteUseEveryMs).toISOString();
  if (row.last_used_at !== null && row.last_used_at > before) return;
  const noting = c.env.DB.prepare(noteUseSql)
    .bind(now.toISOString(), clientOf(c).ip, row.id, before)
    .run()
    .catch((cause: unknown) => logFailure('key_use_not_noted', cause, { apiKeyId: row.id }));
  c.executionCtx.waitUntil(noting);
}

/**
 * The caller behind an API key; 401 for one that is unknown, revoked or expired, 403 from an address it does not allow.
 * Refusals count against the address they come from, uses against the key.
 */
export async function authenticateKey(c: AppContext, key: string): Promise<KeyCaller> {
  let row;
  try {
    row = await readKey(c, key);
  } catch (refusal) {
    await countPublicRequest(c);
    throw refusal;
  }
  await countKey(c, row);
  noteUse(c, row);
  return {
    kind: 'api_key',
    id: row.id,
    name: row.name,
    permissions: permissionsOfKey(row),
    tenant: row.tenant,
    linkedTenants: linkedTenantsOf(row.tenant),
  };
}
