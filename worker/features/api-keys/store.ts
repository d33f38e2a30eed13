/** API keys in D1. A revoked key exists for nobody but the door, which still knows why it refuses it. */
import { and, desc, eq, getTableColumns, isNull, lt, sql } from 'drizzle-orm';
import { z } from 'zod';
import { apiKeyPrefix } from '#contracts/api-keys';
import type { AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, requireThat } from '../../db/guard.ts';
import { apiKeys, apiKeySecrets } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';
import { hashToken, newOpaqueToken } from '../../http/tokens.ts';
import { newId } from '../../ids.ts';
import { maxKeysPerTenant, rotationTimes, type NewKey } from './rules.ts';

const secretsSchema = z.array(z.object({ hint: z.string(), expiresAt: z.string() }));

/** A key with its secrets, the newest first; of the others the second alone may still be valid. */
export type ApiKeyRow = typeof apiKeys.$inferSelect & { secrets: z.infer<typeof secretsSchema> };

const hintLength = 4;
/** How long the door can still tell an old secret from one that never was. */
const keepEndedMs = 30 * 86_400_000;

// The names are written out: drizzle drops table names inside templates of single-table selects.
const keyColumns = {
  ...getTableColumns(apiKeys),
  secrets: sql<string>`(
    select json_group_array(json_object('hint', s.hint, 'expiresAt', s.expires_at) order by s.created_at desc, s.rowid desc)
    from api_key_secrets s where s.api_key_id = api_keys.id)`.as('secrets'),
};

type RawRow = typeof apiKeys.$inferSelect & { secrets: string };
const withSecrets = (row: RawRow): ApiKeyRow => ({ ...row, secrets: secretsSchema.parse(JSON.parse(row.secrets)) });

const visible = (scope: ReadScope) => and(inTenants(apiKeys.tenantId, scope), isNull(apiKeys.revokedAt));

const selectKey = (scope: ReadScope, db: Database, id: string) =>
  db
    .select(keyColumns)
    .from(apiKeys)
    .where(and(eq(apiKeys.id, id), visible(scope)));

/** A page of keys that have not been revoked, newest first; expired ones stay to be rotated. */
export async function listApiKeys(
  scope: ReadScope,
  db: Database,
  query: { page?: number | undefined; pageSize?: number | undefined },
): Promise<{ rows: ApiKeyRow[]; total: number }> {
  const { limit, offset } = pageWindow(query);
  const [rows, [count]] = await db.batch([
    db
      .select(keyColumns)
      .from(apiKeys)
      .where(visible(scope))
      .orderBy(desc(apiKeys.createdAt), desc(apiKeys.id))
      .limit(limit)
      .offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(apiKeys)
      .where(visible(scope)),
  ]);
  return { rows: rows.map(withSecrets), total: count?.total ?? 0 };
}

export async function getApiKey(scope: ReadScope, db: Database, id: string): Promise<ApiKeyRow | null> {
  const [row] = await selectKey(scope, db, id);
  return row === undefined ? null : withSecrets(row);
}

async function newSecret(): Promise<{ key: string; secretHash: string; hint: string }> {
  const key = newOpaqueToken(apiKeyPrefix);
  return { key, secretHash: await hashToken(key), hint: key.slice(-hintLength) };
}

const entryFor = (tenantId: string, id: string, action: 'api_key.create' | 'api_key.rotate' | 'api_key.revoke') => ({
  tenantId,
  action,
  resourceType: 'api_key',
  resourceId: id,
});

/**
 * Makes a key; `key` is in this answer and nowhere else. Null when the tenant has as many as it may, however many are made
 * at once.
 */
export async function createApiKey(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  input: NewKey & { name: string; requestsPerMinute: number | null; createdBy: string },
  now: Date,
): Promise<{ row: ApiKeyRow; key: string } | null> {
  const { tenantId } = scope;
  const id = newId(now.getTime());
  const createdAt = now.toISOString();
  const expiresAt = input.expiresAt.toISOString();
  const { key, secretHash, hint } = await newSecret();
  const { name, scopes, ipAllowList, requestsPerMinute, lifetimeSeconds, createdBy } = input;
  const fields = { name, scopes, ipAllowList, requestsPerMinute };
  const made = await commitGuarded(db, [
    requireThat(
      db,
      sql`(SELECT count(*) FROM api_keys WHERE tenant_id = ${tenantId} AND revoked_at IS NULL) < ${maxKeysPerTenant}`,
    ),
    db.insert(apiKeys).values({ id, tenantId, ...fields, lifetimeSeconds, createdBy, createdAt }),
    db.insert(apiKeySecrets).values({ secretHash, apiKeyId: id, hint, createdAt, expiresAt }),
    trail.entry(db, { ...entryFor(tenantId, id, 'api_key.create'), after: { ...fields, expiresAt, hint } }),
    selectKey(scope, db, id),
  ]);
  if (made === null) return null;
  const [row] = made[4];
  if (row === undefined) throw new Error('the key is not there after its own insert');
  return { row: withSecrets(row), key };
}

/**
 * Gives a key a new secret. The newest before it goes on until `previousEndsAt`, any older one ends now: at most two are
 * valid at any moment, however many rotate at once. Null when the key was revoked meanwhile.
 */
export async function rotateApiKey(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  row: ApiKeyRow,
  overlapHours: number,
  now: Date,
): Promise<{ row: ApiKeyRow; key: string } | null> {
  const { id, secrets } = row;
  const at = now.toISOString();
  const times = rotationTimes(row, overlapHours, now);
  const [expiresAt, previousEndsAt] = [times.expiresAt.toISOString(), times.previousEndsAt.toISOString()];
  const { key, secretHash, hint } = await newSecret();
  const keepEndedSince = new Date(now.getTime() - keepEndedMs).toISOString();
  const isLive = sql`exists (select 1 from api_keys k
    where k.id = ${id} and k.tenant_id = ${scope.tenantId} and k.revoked_at is null)`;
  const [, , , , [after]] = await db.batch([
    bulk(
      db,
      sql`UPDATE api_key_secrets SET expires_at = min(expires_at, CASE secret_hash
          WHEN (select n.secret_hash from api_key_secrets n where n.api_key_id = ${id}
            order by n.created_at desc, n.rowid desc limit 1) THEN ${previousEndsAt} ELSE ${at} END)
        WHERE api_key_id = ${id} AND expires_at > ${at} AND ${isLive}`,
    ),
    db
      .delete(apiKeySecrets)
      .where(and(eq(apiKeySecrets.apiKeyId, id), lt(apiKeySecrets.expiresAt, keepEndedSince), isLive)),
    bulk(
      db,
      sql`INSERT INTO api_key_secrets (secret_hash, api_key_id, hint, created_at, expires_at)
        SELECT ${secretHash}, ${id}, ${hint}, ${at}, ${expiresAt} WHERE ${isLive}`,
    ),
    trail.entry(
      db,
      {
        ...entryFor(scope.tenantId, id, 'api_key.rotate'),
        before: { hint: secrets[0]?.hint, expiresAt: secrets[0]?.expiresAt },
        after: { hint, expiresAt, previousEndsAt },
      },
      { onlyIfChanged: true },
    ),
    selectKey(scope, db, id),
  ]);
  return after === undefined ? null : { row: withSecrets(after), key };
}

/** Revokes a key with all its secrets; false when it was revoked already. */
export async function revokeApiKey(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  { id, name, scopes }: ApiKeyRow,
  now: Date,
): Promise<boolean> {
  const [revoked] = await db.batch([
    db
      .update(apiKeys)
      .set({ revokedAt: now.toISOString() })
      .where(and(eq(apiKeys.id, id), eq(apiKeys.tenantId, scope.tenantId), isNull(apiKeys.revokedAt)))
      .returning({ id: apiKeys.id }),
    trail.entry(
      db,
      { ...entryFor(scope.tenantId, id, 'api_key.revoke'), before: { name, scopes } },
      { onlyIfChanged: true },
    ),
  ]);
  return revoked.length > 0;
}
