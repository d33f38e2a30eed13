/**
 * Wall displays at the door: one indexed read answers token, display, tenant and dealer links together. A display's token
 * never ends by itself, because nobody stands by to renew it: it ends with the pairing, from the next request on.
 */
import { z } from 'zod';
import { displayTokenPattern } from '#contracts/displays';
import type { Permission } from '#contracts/roles';
import { linkedTenantsOf, tenantColumnSchema, tenantColumnSql } from './caller-tenant.ts';
import type { AppContext, DisplayCaller } from './context.ts';
import { AppError } from './errors.ts';
import { countDisplay, countPublicRequest } from './rate-limit.ts';
import { hashToken } from './tokens.ts';

/** What a board shows. Which routes a display may call at all is said by each route (requireAccess). */
const displayPermissions: readonly Permission[] = ['vehicles:read', 'alerts:read'];

const displaySql = `
SELECT d.id, d.name, d.deleted_at, ${tenantColumnSql}
FROM displays d JOIN tenants t ON t.id = d.tenant_id
WHERE d.token_hash = ?1`;

const displayRowSchema = z.object({
  id: z.string(),
  name: z.string(),
  deleted_at: z.string().nullable(),
  tenant: tenantColumnSchema,
});
type DisplayRow = z.infer<typeof displayRowSchema>;

const unpaired = () => new AppError('TOKEN_REVOKED', 'This display was unpaired. Pair it again.');
const suspended = () => new AppError('USER_TOKENS_REVOKED', 'This account has been suspended.');

/** The display that a token belongs to; throws what is wrong with a token that has none, or may not be used any more. */
async function readDisplay(c: AppContext, token: string): Promise<DisplayRow> {
  const unknown = () => new AppError('UNAUTHENTICATED', 'The display token is not known.');
  // What was never issued is not worth a read.
  if (!displayTokenPattern.test(token)) throw unknown();
  let found: unknown;
  try {
    found = await c.env.DB.prepare(displaySql)
      .bind(await hashToken(token))
      .first();
  } catch (cause) {
    throw new AppError('UNAVAILABLE', 'The display cannot be checked right now. Try again in a moment.', { cause });
  }
  if (found === null) throw unknown();
  const row = displayRowSchema.parse(found);
  c.get('audit').actAs('display', row.id, row.tenant.id);
  if (row.deleted_at !== null) throw unpaired();
  if (row.tenant.isActive !== 1) throw suspended();
  return row;
}

/** Throws what a new request of this display would hear by now, for what outlives its request. */
export async function rereadDisplay(c: AppContext): Promise<void> {
  const row = await c.env.DB.prepare(
    'SELECT d.deleted_at, t.is_active FROM displays d JOIN tenants t ON t.id = d.tenant_id WHERE d.id = ?1',
  )
    .bind(c.get('caller').id)
    .first<{ deleted_at: string | null; is_active: number }>();
  if (row?.deleted_at !== null) throw unpaired();
  if (row.is_active !== 1) throw suspended();
}

/**
 * The caller behind a display's token; 401 for one that is unknown or unpaired, or whose organisation is suspended.
 * Refusals count against the address they come from, requests against the display.
 */
export async function authenticateDisplay(c: AppContext, token: string): Promise<DisplayCaller> {
  let row;
  try {
    row = await readDisplay(c, token);
  } catch (refusal) {
    await countPublicRequest(c);
    throw refusal;
  }
  const { id, name, tenant } = row;
  await countDisplay(c, { id, tenant });
  return { kind: 'display', id, name, permissions: displayPermissions, tenant, linkedTenants: linkedTenantsOf(tenant) };
}
