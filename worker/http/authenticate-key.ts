/** API keys at the door: one indexed read answers secret, key, tenant and dealer links together. */
import { z } from 'zod';
import { permissionSchema } from '#contracts/roles';
import { tenantKindSchema, tenantSettingsSchema } from '#contracts/tenants';
import type { AppContext, KeyCaller } from './context.ts';
import { AppError } from './errors.ts';
import { countKey, countPublicRequest } from './rate-limit.ts';
import { hashToken } from './tokens.ts';

const keySql = `
SELECT k.id, k.name, k.scopes, k.ip_allow_list, k.requests_per_minute, k.revoked_at, k.last_used_at, s.expires_at,
  t.id AS tenant_id, t.name AS tenant_name, t.kind AS tenant_kind, t.settings, t.is_active AS tenant_is_active,
  t.created_at AS tenant_created_at,
  (SELECT json_group_array(json_object('id', c.id, 'name', c.name))
     FROM dealer_links l JOIN tenants c ON c.id = l.fleet_tenant_id
    WHERE l.dealer_tenant_id = k.tenant_id AND l.status = 'active' AND c.is_active = 1) AS linked
FROM api_key_secrets s JOIN api_keys k ON k.id = s.api_key_id JOIN tenants t ON t.id = k.tenant_id
WHERE s.secret_hash = ?1`;

const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);

const keyRowSchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: json(z.array(permissionSchema)),
  ip_allow_list: json(z.array(z.string())).nullable(),
  requests_per_minute: z.number().nullable(),
  revoked_at: z.string().nullable(),
  last_used_at: z.string().nullable(),
  expires_at: z.string(),
  tenant_id: z.string(),
  tenant_name: z.string(),
  tenant_kind: tenantKindSchema,
  settings: json(tenantSettingsSchema),
  tenant_is_active: z.number(),
  tenant_created_at: z.string(),
  linked: json(z.array(z.object({ id: z.string(), name: z.string() }))),
});

/** The caller behind an API key; 401 for one that is unknown, revoked or expired, 403 from an address it does not allow. */
export async function authenticateKey(c: AppContext, key: string): Promise<KeyCaller> {
  let found: unknown;
  try {
    found = await c.env.DB.prepare(keySql)
      .bind(await hashToken(key))
      .first();
  } catch (cause) {
    throw new AppError('UNAVAILABLE', 'The key cannot be checked right now. Try again in a moment.', { cause });
  }
  if (found === null) {
    await countPublicRequest(c);
    throw new AppError('UNAUTHENTICATED', 'The API key is not known.');
  }
  const row = keyRowSchema.parse(found);
  if (row.revoked_at !== null) throw new AppError('TOKEN_REVOKED', 'This API key has been revoked.');
  if (row.expires_at <= c.get('now').toISOString()) {
    throw new AppError('TOKEN_EXPIRED', 'This API key has expired. Rotate it, or make a new one.');
  }
  if (row.tenant_is_active !== 1) throw new AppError('USER_TOKENS_REVOKED', 'This account has been suspended.');
  await countKey(c, row);
  return {
    kind: 'api_key',
    id: row.id,
    name: row.name,
    permissions: row.scopes,
    tenant: {
      id: row.tenant_id,
      name: row.tenant_name,
      kind: row.tenant_kind,
      settings: row.settings,
      createdAt: row.tenant_created_at,
    },
    linkedTenants: row.tenant_kind === 'dealer' ? row.linked : [],
  };
}
