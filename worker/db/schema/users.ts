/** People, their sessions and their single-use refresh tokens. */
import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { roles } from '#contracts/roles';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';

export const users = sqliteTable(
  'users',
  {
    id: id(),
    /** null for a super admin only. */
    tenantId: text().references(() => tenants.id),
    /** Lower case. */
    email: text().notNull(),
    name: text().notNull(),
    role: text({ enum: roles }).notNull(),
    passwordHash: text(),
    failedSignIns: integer().notNull().default(0),
    lockedUntil: time(),
    isDeactivated: integer({ mode: 'boolean' }).notNull().default(false),
    createdAt: time().notNull(),
    updatedAt: time().notNull(),
  },
  (table) => [
    // Signing in names no tenant, so an e-mail address is one person across the platform.
    uniqueIndex('users_email').on(table.email),
    index('users_tenant').on(table.tenantId),
  ],
);

export const sessions = sqliteTable(
  'sessions',
  {
    id: id(),
    userId: text()
      .notNull()
      .references(() => users.id),
    createdAt: time().notNull(),
    lastUsedAt: time().notNull(),
    expiresAt: time().notNull(),
    endedAt: time(),
    endReason: text({
      enum: [
        'logout',
        'logout_all',
        'token_reused',
        'suspended',
        'password_reset',
        'password_changed',
        'role_changed',
        'ended_by_user',
      ],
    }),
    ip: text(),
    userAgent: text(),
  },
  (table) => [
    index('sessions_user')
      .on(table.userId)
      .where(sql`ended_at is null`),
    index('sessions_expires').on(table.expiresAt),
  ],
);

/** One row per refresh token ever issued; only the SHA-256 of the token is kept. */
export const refreshTokens = sqliteTable(
  'refresh_tokens',
  {
    id: id(),
    sessionId: text()
      .notNull()
      .references(() => sessions.id),
    tokenHash: text().notNull(),
    issuedAt: time().notNull(),
    expiresAt: time().notNull(),
    usedAt: time(),
  },
  (table) => [
    uniqueIndex('refresh_tokens_hash').on(table.tokenHash),
    index('refresh_tokens_session').on(table.sessionId),
    index('refresh_tokens_expires').on(table.expiresAt),
  ],
);
