/**
 * People, sessions and refresh tokens in D1.
 * @unscoped these run before a scope exists: they are what a scope is made from. After sign-in they touch only what
 * belongs to the caller, whose id they take.
 */
import { and, desc, eq, gt, isNull, sql } from 'drizzle-orm';
import { refreshTokenSeconds } from '#contracts/auth';
import { tenantSettingsSchema } from '#contracts/tenants';
import type { AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { refreshTokens, sessions, tenants, users } from '../../db/schema/index.ts';
import type { Client } from '../../http/client-address.ts';
import { hashToken, newOpaqueToken } from '../../http/tokens.ts';
import { newId } from '../../ids.ts';
import { endSessionsOf, type EndReason } from './revocation.ts';

export type UserRow = typeof users.$inferSelect;
export type SessionRow = typeof sessions.$inferSelect;

export interface Account {
  user: UserRow;
  /** null for a super admin. */
  tenant: { name: string; isActive: boolean; requireMfa: boolean } | null;
}

const accountColumns = {
  user: users,
  tenant: { name: tenants.name, isActive: tenants.isActive, settings: tenants.settings },
};

type AccountRow = {
  user: UserRow;
  tenant: Pick<typeof tenants.$inferSelect, 'name' | 'isActive' | 'settings'> | null;
};

const toAccount = ({ user, tenant }: AccountRow): Account => ({
  user,
  tenant:
    tenant === null
      ? null
      : {
          name: tenant.name,
          isActive: tenant.isActive,
          requireMfa: tenantSettingsSchema.parse(tenant.settings).requireMfa,
        },
});

export async function findAccountByEmail(db: Database, email: string): Promise<Account | null> {
  const [row] = await db
    .select(accountColumns)
    .from(users)
    .leftJoin(tenants, eq(tenants.id, users.tenantId))
    .where(and(eq(users.email, email.toLowerCase()), isNull(users.deletedAt)));
  return row === undefined ? null : toAccount(row);
}

export async function findAccountById(db: Database, userId: string): Promise<Account | null> {
  const [row] = await db
    .select(accountColumns)
    .from(users)
    .leftJoin(tenants, eq(tenants.id, users.tenantId))
    .where(and(eq(users.id, userId), isNull(users.deletedAt)));
  return row === undefined ? null : toAccount(row);
}

/** False for somebody who was suspended, or whose tenant was. */
export const isActive = ({ user, tenant }: Account): boolean => !user.isDeactivated && tenant?.isActive !== false;

const tokenExpiry = (now: Date): string => new Date(now.getTime() + refreshTokenSeconds * 1000).toISOString();

export interface OpenedSession {
  sessionId: string;
  refreshToken: string;
}

export interface SessionOrigin {
  client: Client;
  method: SessionRow['method'];
  /** The identity provider's own session id, by which it announces a logout. */
  providerSessionId?: string | null;
}

/**
 * A new session as items of the batch that admits the person: session, first refresh token, and its audit entry in the
 * name of `trail`'s actor.
 */
export async function newSession(
  db: Database,
  trail: AuditTrail,
  user: Pick<UserRow, 'id' | 'tenantId'>,
  { client, method, providerSessionId = null }: SessionOrigin,
  now: Date,
) {
  const sessionId = newId();
  const at = now.toISOString();
  const refreshToken = newOpaqueToken('rt_');
  const expiresAt = tokenExpiry(now);
  const { ip, userAgent } = client;
  return {
    opened: { sessionId, refreshToken } satisfies OpenedSession,
    statements: [
      db.insert(sessions).values({
        ...{ id: sessionId, userId: user.id, createdAt: at, lastUsedAt: at, expiresAt },
        ...{ ip, userAgent, method, providerSessionId },
      }),
      db
        .insert(refreshTokens)
        .values({ id: newId(), sessionId, tokenHash: await hashToken(refreshToken), issuedAt: at, expiresAt }),
      trail.entry(db, {
        tenantId: user.tenantId,
        action: 'session.create',
        resourceType: 'session',
        resourceId: sessionId,
        after: { method },
      }),
    ] as const,
  };
}

export type RotationResult =
  | { kind: 'rotated'; account: Account; method: SessionRow['method']; opened: OpenedSession }
  | { kind: 'unknown' | 'ended' | 'expired' | 'suspended' }
  | { kind: 'reused'; userId: string; tenantId: string | null; sessionId: string };

/**
 * Trades a refresh token for the next one, in one batch: there is never a moment in which the old one is spent and the
 * next is not there. A used token ends its whole family; of two at once one wins and is ended by the other.
 */
export async function rotateRefreshToken(
  db: Database,
  trail: AuditTrail,
  token: string,
  now: Date,
): Promise<RotationResult> {
  const at = now.toISOString();
  const tokenHash = await hashToken(token);
  const [found] = await db
    .select({ token: refreshTokens, session: sessions, ...accountColumns })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .innerJoin(users, eq(users.id, sessions.userId))
    .leftJoin(tenants, eq(tenants.id, users.tenantId))
    .where(eq(refreshTokens.tokenHash, tokenHash));
  if (found === undefined) return { kind: 'unknown' };
  const { session } = found;
  const account = toAccount(found);
  // A refusal from here on is written into the log of whose token it is.
  trail.actAs('user', account.user.id, account.user.tenantId);
  if (!isActive(account) || session.endReason === 'suspended') return { kind: 'suspended' };
  if (session.endedAt !== null || account.user.deletedAt !== null) return { kind: 'ended' };
  if (found.token.usedAt === null) {
    if (found.token.expiresAt <= at) return { kind: 'expired' };
    const refreshToken = newOpaqueToken('rt_');
    const expiresAt = tokenExpiry(now);
    const nextHash = await hashToken(refreshToken);
    const [spent] = await db.batch([
      bulk(
        db,
        sql`UPDATE refresh_tokens SET used_at = ${at} WHERE id = ${found.token.id} AND used_at IS NULL
          AND EXISTS (SELECT 1 FROM sessions WHERE sessions.id = refresh_tokens.session_id AND ended_at IS NULL)`,
      ),
      bulk(
        db,
        sql`INSERT INTO refresh_tokens (id, session_id, token_hash, issued_at, expires_at)
          SELECT ${newId()}, ${session.id}, ${nextHash}, ${at}, ${expiresAt} WHERE changes() > 0`,
      ),
      bulk(
        db,
        sql`UPDATE sessions SET last_used_at = ${at}, expires_at = ${expiresAt}
          WHERE id = ${session.id} AND changes() > 0`,
      ),
    ]);
    if (spent.meta.changes > 0) {
      return { kind: 'rotated', account, method: session.method, opened: { sessionId: session.id, refreshToken } };
    }
  }
  // Used before, or a moment ago by somebody else; nothing is ended twice.
  const [ended] = await db.batch([
    endSessionStatement(db, account.user.id, session.id, 'token_reused', now),
    trail.entry(
      db,
      {
        tenantId: account.user.tenantId,
        action: 'session.end',
        resourceType: 'session',
        resourceId: session.id,
        outcome: 'denied',
        after: { reason: 'refresh_token_reused', userId: account.user.id },
      },
      { onlyIfChanged: true },
    ),
  ]);
  if (ended.length === 0) return { kind: 'ended' };
  return { kind: 'reused', userId: account.user.id, tenantId: account.user.tenantId, sessionId: session.id };
}

/** The statement that ends one live session of a user, and names it. */
const endSessionStatement = (db: Database, userId: string, sessionId: string, reason: EndReason, now: Date) =>
  db
    .update(sessions)
    .set({ endedAt: now.toISOString(), endReason: reason })
    .where(and(eq(sessions.id, sessionId), eq(sessions.userId, userId), isNull(sessions.endedAt)))
    .returning({ id: sessions.id });

/** Ends one live session of a user, with its audit entry; false when they have no such session. */
export async function endSessionOf(
  db: Database,
  trail: AuditTrail,
  of: { userId: string; tenantId: string | null },
  sessionId: string,
  reason: EndReason,
  now: Date,
): Promise<boolean> {
  const [ended] = await db.batch([
    endSessionStatement(db, of.userId, sessionId, reason, now),
    trail.entry(
      db,
      {
        tenantId: of.tenantId,
        action: 'session.end',
        resourceType: 'session',
        resourceId: sessionId,
        after: { reason },
      },
      { onlyIfChanged: true },
    ),
  ]);
  return ended.length > 0;
}

/** Ends every live session of a user, with one audit entry, and names them. */
export async function endAllSessionsOf(
  db: Database,
  trail: AuditTrail,
  of: { userId: string; tenantId: string | null },
  reason: EndReason,
  now: Date,
): Promise<string[]> {
  const [ended] = await db.batch([
    endSessionsOf(db, of.userId, reason, now),
    trail.entry(
      db,
      {
        tenantId: of.tenantId,
        action: 'session.end',
        resourceType: 'user',
        resourceId: of.userId,
        after: { reason, all: true },
      },
      { onlyIfChanged: true },
    ),
  ]);
  return ended.map((session) => session.id);
}

/** One page of a user's sessions that still live, last used first, and how many there are. */
export async function listSessions(
  db: Database,
  userId: string,
  now: Date,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ rows: SessionRow[]; total: number }> {
  const isLive = and(eq(sessions.userId, userId), isNull(sessions.endedAt), gt(sessions.expiresAt, now.toISOString()));
  const [rows, total] = await Promise.all([
    db
      .select()
      .from(sessions)
      .where(isLive)
      .orderBy(desc(sessions.lastUsedAt), desc(sessions.id))
      .limit(limit)
      .offset(offset),
    db.$count(sessions, isLive),
  ]);
  return { rows, total };
}
