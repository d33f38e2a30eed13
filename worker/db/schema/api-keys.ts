/** Keys for machines: what a key may do, and the secrets that prove it (two while a rotation overlaps). */
import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Permission } from '#contracts/roles';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';

export const apiKeys = sqliteTable(
  'api_keys',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    name: text().notNull(),
    scopes: text({ mode: 'json' }).$type<Permission[]>().notNull(),
    /** CIDR blocks or addresses; null lets every address in. */
    ipAllowList: text({ mode: 'json' }).$type<string[]>(),
    /** null takes the platform's default. */
    requestsPerMinute: integer(),
    /** How long a freshly made or rotated secret lives. */
    lifetimeSeconds: integer().notNull(),
    createdBy: text().notNull(),
    createdAt: time().notNull(),
    lastUsedAt: time(),
    lastUsedIp: text(),
    revokedAt: time(),
  },
  (table) => [
    index('api_keys_tenant').on(table.tenantId, table.createdAt),
    index('api_keys_revoked')
      .on(table.revokedAt)
      .where(sql`revoked_at is not null`),
  ],
);

export const apiKeySecrets = sqliteTable(
  'api_key_secrets',
  {
    /** SHA-256 in hex of the whole key. */
    secretHash: text().primaryKey(),
    apiKeyId: text()
      .notNull()
      .references(() => apiKeys.id),
    /** The last characters, so that a person can tell which key it is. */
    hint: text().notNull(),
    createdAt: time().notNull(),
    expiresAt: time().notNull(),
    /** When the tenant's administrators were told by mail that it ends soon. */
    warnedAt: time(),
  },
  (table) => [
    index('api_key_secrets_key').on(table.apiKeyId, table.expiresAt),
    index('api_key_secrets_expires').on(table.expiresAt),
    index('api_key_secrets_created').on(table.createdAt),
  ],
);
