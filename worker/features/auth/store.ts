/** People, sessions and refresh tokens in D1. These run before a scope exists: they are what a scope is made from. */
import { and, desc, eq, gt, isNull, lte, or, sql } from 'drizzle-orm';
import { refreshTokenSeconds } from '#contracts/auth';
import type { Database } from '../../db/client.ts';
import { refreshTokens, sessions, signInFailures, tenants, users } from '../../db/schema/index.ts';
import { hashToken, newOpaqueToken } from '../../http/tokens.ts';
import { newId } from '../../ids.ts';
import { lockMs, maxFailedSignIns, type LockState } from './rules.ts';

export type UserRow = typeof users.$inferSelect;
export type SessionRow = typeof sessions.$inferSelect;
export type EndReason = NonNullable<SessionRow['endReason']>;

export interface Account {
  user: UserRow;
  tenant: { name: string; isActive: boolean } | null;
}

const accountColumns = { user: users, tenant: { name: tenants.name, isActive: tenants.isActive } };

export async function findAccountByEmail(db: Database, email: string): Promise<Account | null> {
  const [account] = await db
    .select(accountColumns)
    .from(users)
    .leftJoin(tenants, eq(tenants.id, users.tenantId))
    .where(and(eq(users.email, email.toLowerCase()), isNull(users.deletedAt)));
  return account ?? null;
}

export async function findAccountById(db: Database, userId: string): Promise<Account | null> {
  const [account] = await db
    .select(accountColumns)
    .from(users)
    .leftJoin(tenants, eq(tenants.id, users.tenantId))
    .where(and(eq(users.id, userId), isNull(users.deletedAt)));
  return account ?? null;
}

export async function readSignInFailures(db: Database, emailHash: string): Promise<LockState> {
  const [state] = await db
    .select({ failedSignIns: signInFailures.failedSignIns, lockedUntil: signInFailures.lockedUntil })
    .from(signInFailures)
    .where(eq(signInFailures.emailHash, emailHash));
  return state ?? { failedSignIns: 0, lockedUntil: null };
}

/**
 * Counts a wrong password of an address, anybody's or nobody's. One statement, so that parallel guesses are counted one by
 * one; a lock that has run out starts a new count, one that stands stays.
 */
export async function recordWrongPassword(db: Database, emailHash: string, now: Date): Promise<LockState> {
  const at = now.toISOString();
  const lockedUntil = new Date(now.getTime() + lockMs).toISOString();
  const { failedSignIns: failed, lockedUntil: until } = signInFailures;
  const count = sql`case when ${until} is null then ${failed} + 1 when ${until} > ${at} then ${failed} else 1 end`;
  const [state] = await db
    .insert(signInFailures)
    .values({ emailHash, failedSignIns: 1, lockedUntil: null, updatedAt: at })
    .onConflictDoUpdate({
      target: signInFailures.emailHash,
      set: {
        failedSignIns: count,
        lockedUntil: sql`case when ${until} > ${at} then ${until} when ${count} >= ${maxFailedSignIns} then ${lockedUntil} end`,
        updatedAt: at,
      },
    })
    .returning({ failedSignIns: signInFailures.failedSignIns, lockedUntil: signInFailures.lockedUntil });
  if (state === undefined) throw new Error('a wrong password could not be counted');
  return state;
}

/**
 * Forgets the wrong passwords after a right one. False when the address was locked in the meantime: of many guesses at
 * once the right one must not win against the lock.
 */
export async function forgetWrongPasswords(db: Database, emailHash: string, now: Date): Promise<boolean> {
  const { lockedUntil } = signInFailures;
  const isThis = eq(signInFailures.emailHash, emailHash);
  const [, left] = await db.batch([
    db.delete(signInFailures).where(and(isThis, or(isNull(lockedUntil), lte(lockedUntil, now.toISOString())))),
    db.select({ lockedUntil }).from(signInFailures).where(isThis),
  ]);
  return left.length === 0;
}

async function issueRefreshToken(db: Database, sessionId: string, now: Date) {
  const token = newOpaqueToken('rt_');
  const statement = db.insert(refreshTokens).values({
    id: newId(),
    sessionId,
    tokenHash: await hashToken(token),
    issuedAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + refreshTokenSeconds * 1000).toISOString(),
  });
  return { token, statement };
}

/** Opens a session after a right password. */
export async function openSession(
  db: Database,
  user: UserRow,
  client: { ip: string | null; userAgent: string | null },
  now: Date,
): Promise<{ sessionId: string; refreshToken: string }> {
  const sessionId = newId();
  const at = now.toISOString();
  const { token, statement } = await issueRefreshToken(db, sessionId, now);
  await db.batch([
    db.insert(sessions).values({
      id: sessionId,
      userId: user.id,
      createdAt: at,
      lastUsedAt: at,
      expiresAt: new Date(now.getTime() + refreshTokenSeconds * 1000).toISOString(),
      ip: client.ip,
      userAgent: client.userAgent?.slice(0, 500) ?? null,
    }),
    statement,
  ]);
  return { sessionId, refreshToken: token };
}

export type RotationResult =
  | { kind: 'rotated'; sessionId: string; userId: string; refreshToken: string }
  | { kind: 'unknown' | 'ended' | 'expired' }
  | { kind: 'reused'; sessionId: string; userId: string };

/** Trades a refresh token for the next one. A used token ends its whole family; of two at once one wins and is ended. */
export async function rotateRefreshToken(db: Database, token: string, now: Date): Promise<RotationResult> {
  const at = now.toISOString();
  const [found] = await db
    .select({ token: refreshTokens, session: sessions })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .where(eq(refreshTokens.tokenHash, await hashToken(token)));
  if (found === undefined) return { kind: 'unknown' };
  const { id: sessionId, userId } = found.session;
  if (found.session.endedAt !== null) return { kind: 'ended' };
  const taken =
    found.token.usedAt === null && found.token.expiresAt > at
      ? await db
          .update(refreshTokens)
          .set({ usedAt: at })
          .where(and(eq(refreshTokens.id, found.token.id), isNull(refreshTokens.usedAt)))
          .returning({ id: refreshTokens.id })
      : [];
  if (taken.length === 0) {
    if (found.token.usedAt === null && found.token.expiresAt <= at) return { kind: 'expired' };
    await endSession(db, sessionId, 'token_reused', now);
    return { kind: 'reused', sessionId, userId };
  }
  const { token: refreshToken, statement } = await issueRefreshToken(db, sessionId, now);
  await db.batch([
    statement,
    db
      .update(sessions)
      .set({ lastUsedAt: at, expiresAt: new Date(now.getTime() + refreshTokenSeconds * 1000).toISOString() })
      .where(eq(sessions.id, sessionId)),
  ]);
  return { kind: 'rotated', sessionId, userId, refreshToken };
}

export async function endSession(db: Database, sessionId: string, reason: EndReason, now: Date): Promise<void> {
  await db
    .update(sessions)
    .set({ endedAt: now.toISOString(), endReason: reason })
    .where(and(eq(sessions.id, sessionId), isNull(sessions.endedAt)));
}

/** Ends every live session of a user and names them. */
export async function endAllSessions(db: Database, userId: string, reason: EndReason, now: Date): Promise<string[]> {
  const ended = await db
    .update(sessions)
    .set({ endedAt: now.toISOString(), endReason: reason })
    .where(and(eq(sessions.userId, userId), isNull(sessions.endedAt)))
    .returning({ id: sessions.id });
  return ended.map((session) => session.id);
}

/** Sessions of a user that still live, newest first. */
export async function listSessions(db: Database, userId: string, now: Date): Promise<SessionRow[]> {
  return db
    .select()
    .from(sessions)
    .where(and(eq(sessions.userId, userId), isNull(sessions.endedAt), gt(sessions.expiresAt, now.toISOString())))
    .orderBy(desc(sessions.lastUsedAt));
}
