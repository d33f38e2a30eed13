/** People, how they sign in, their sessions and their single-use tokens. */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
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
    /** null for people who only sign in through an identity provider, and until an invitation is accepted. */
    passwordHash: text(),
    /** Sealed TOTP seed; in force once `mfaEnabledAt` is set. */
    mfaSecretSealed: text(),
    mfaEnabledAt: time(),
    /** The last 30-second step whose code was used: a code works once. */
    lastTotpStep: integer(),
    isDeactivated: integer({ mode: 'boolean' }).notNull().default(false),
    createdAt: time().notNull(),
    updatedAt: time().notNull(),
    /** When the role changed, or a missing second factor became a duty: live sockets opened before that must go. */
    accessChangedAt: time(),
    /** A deleted person stays as the name behind what they did; the address is free again. */
    deletedAt: time(),
  },
  (table) => [
    // Signing in names no tenant, so an e-mail address is one person across the platform.
    uniqueIndex('users_email')
      .on(table.email)
      .where(sql`deleted_at is null`),
    index('users_tenant').on(table.tenantId),
    index('users_access_changed')
      .on(table.accessChangedAt)
      .where(sql`access_changed_at is not null`),
    index('users_suspended')
      .on(table.isDeactivated)
      .where(sql`is_deactivated = 1 and deleted_at is null`),
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
        'user_deleted',
        'tenant_deactivated',
        'provider_logout',
        'mfa_changed',
      ],
    }),
    ip: text(),
    userAgent: text(),
    method: text({ enum: ['password', 'oidc'] })
      .notNull()
      .default('password'),
    /**
     * Which provider opened it, and which session there: `<provider id>/<SHA-256 of its session id, if any>`. By it the
     * provider announces a logout.
     */
    providerSessionId: text(),
  },
  (table) => [
    index('sessions_user')
      .on(table.userId)
      .where(sql`ended_at is null`),
    // When a person was last here, their ended sessions included.
    index('sessions_seen').on(table.userId, table.lastUsedAt),
    index('sessions_expires').on(table.expiresAt),
    index('sessions_ended')
      .on(table.endedAt)
      .where(sql`ended_at is not null`),
    index('sessions_provider')
      .on(table.providerSessionId)
      .where(sql`provider_session_id is not null`),
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

/**
 * Wrong passwords in a row per e-mail address, whether or not it is anybody's, so that a stranger cannot tell. The address
 * itself is not kept: people type passwords into the wrong field.
 */
export const signInFailures = sqliteTable(
  'sign_in_failures',
  {
    /** Keyed hash of the lower-case address. */
    emailHash: text().primaryKey(),
    failedSignIns: integer().notNull(),
    lockedUntil: time(),
    updatedAt: time().notNull(),
  },
  (table) => [index('sign_in_failures_updated').on(table.updatedAt)],
);

/** Single-use codes for the day the phone is lost; only hashes are kept. */
export const recoveryCodes = sqliteTable(
  'recovery_codes',
  {
    userId: text()
      .notNull()
      .references(() => users.id),
    codeHash: text().notNull(),
    createdAt: time().notNull(),
    usedAt: time(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.codeHash] })],
);

/** A mailed way to choose a new password; single use, only its hash is kept. */
export const passwordResets = sqliteTable(
  'password_resets',
  {
    tokenHash: text().primaryKey(),
    userId: text()
      .notNull()
      .references(() => users.id),
    createdAt: time().notNull(),
    expiresAt: time().notNull(),
    usedAt: time(),
  },
  (table) => [index('password_resets_user').on(table.userId), index('password_resets_expires').on(table.expiresAt)],
);

/** A mailed way into a tenant; single use, only its hash is kept. */
export const invitations = sqliteTable(
  'invitations',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    /** Lower case. */
    email: text().notNull(),
    role: text({ enum: roles }).notNull(),
    /** Set when the person was entered by name first (POST /users without a password). */
    userId: text().references(() => users.id),
    tokenHash: text().notNull(),
    invitedBy: text().notNull(),
    createdAt: time().notNull(),
    expiresAt: time().notNull(),
    acceptedAt: time(),
    revokedAt: time(),
  },
  (table) => [
    uniqueIndex('invitations_token').on(table.tokenHash),
    uniqueIndex('invitations_open')
      .on(table.tenantId, table.email)
      .where(sql`accepted_at is null and revoked_at is null`),
    index('invitations_tenant').on(table.tenantId, table.createdAt),
    index('invitations_user').on(table.userId),
    // For the clean-up, which names the same condition.
    index('invitations_settled')
      .on(table.expiresAt)
      .where(sql`accepted_at is not null or revoked_at is not null`),
  ],
);
