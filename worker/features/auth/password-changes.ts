/**
 * Choosing a new password: knowing the old one, or holding a link out of one's own mailbox.
 * @unscoped touches the caller's own account, or the one a mailed token names
 */
import { and, eq, isNull, sql } from 'drizzle-orm';
import { passwordResetMinutes } from '#contracts/auth';
import { chainSoon } from '../../audit/chain.ts';
import { recordStranger } from '../../audit/strangers.ts';
import type { AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { commitGuarded, requireChanged, requireThat } from '../../db/guard.ts';
import { passwordResets, users } from '../../db/schema/index.ts';
import type { Env } from '../../env.ts';
import { clientOf } from '../../http/client-address.ts';
import type { AppContext, UserCaller } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import { hashToken, newOpaqueToken } from '../../http/tokens.ts';
import { logFailure } from '../../log.ts';
import { linkTo, mailEntry, sendSoon } from '../../mail/outbox.ts';
import {
  emailHashOf,
  isNotLocked,
  refuseWrongSecret,
  requireUnlocked,
  unlockStatement,
  type Tried,
} from './lockout.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { closeSockets, endSessionsOf } from './revocation.ts';
import { maxPasswordResetsPerHour } from './rules.ts';
import { findAccountByEmail, findAccountById, isActive, type Account, type UserRow } from './store.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const invalid = (path: string, message: string): AppError =>
  new AppError('VALIDATION_FAILED', `${path}: ${message}`, { details: { issues: [{ path, message }] } });

/** One answer for a link that was never sent, has been used or has run out. */
const invalidLink = (): AppError =>
  invalid('token', 'This link is not valid: it has been used, has run out, or was never sent. Ask for a new one.');

/** The account of a signed-in person; gone only if somebody deleted it a moment ago. */
export async function requireOwnAccount(c: AppContext, caller: UserCaller): Promise<Account & { tried: Tried }> {
  const [account, emailHash] = await Promise.all([
    findAccountById(c.get('db'), caller.id),
    emailHashOf(c.env, caller.email),
  ]);
  if (account === null) throw new AppError('TOKEN_REVOKED', 'This session has ended. Sign in again.');
  return { ...account, tried: { emailHash, account } };
}

/** Items of a batch: links that were mailed before are worthless once one of them, or the old password, has been used. */
const forgetResets = (db: Database, userId: string, now: Date) =>
  db
    .update(passwordResets)
    .set({ usedAt: now.toISOString() })
    .where(and(eq(passwordResets.userId, userId), isNull(passwordResets.usedAt)));

const changedMail = (c: AppContext, user: UserRow, now: Date) =>
  mailEntry(
    c.env,
    c.get('db'),
    {
      tenantId: user.tenantId,
      to: user.email,
      template: 'password_changed',
      data: { name: user.name, at: now, ip: clientOf(c).ip },
      expiresAt: new Date(now.getTime() + dayMs),
    },
    now,
  );

/** Changes the caller's password and ends their other sessions. */
export async function changePassword(
  c: AppContext,
  caller: UserCaller,
  { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
): Promise<void> {
  const db = c.get('db');
  const now = c.get('now');
  const action = 'password.change';
  const { user, tried } = await requireOwnAccount(c, caller);
  await requireUnlocked(c, tried, action);
  if (!(await verifyPassword(currentPassword, user.passwordHash))) {
    const wrong = new AppError('INVALID_CREDENTIALS', 'The current password is wrong.');
    return refuseWrongSecret(c, tried, action, 'wrong_password', wrong);
  }
  if (newPassword.normalize('NFKC') === currentPassword.normalize('NFKC')) {
    throw invalid('newPassword', 'must differ from the current password');
  }
  const passwordHash = await hashPassword(newPassword);
  const mail = await changedMail(c, user, now);
  const changed = await commitGuarded(db, [
    endSessionsOf(db, user.id, 'password_changed', now, { except: caller.sessionId }),
    requireThat(db, isNotLocked(tried.emailHash, now)),
    db
      .update(users)
      .set({ passwordHash, updatedAt: now.toISOString() })
      .where(and(eq(users.id, user.id), sql`${users.passwordHash} IS ${user.passwordHash}`, isNull(users.deletedAt))),
    requireChanged(db),
    forgetResets(db, user.id, now),
    c.get('audit').entry(db, {
      tenantId: user.tenantId,
      action,
      resourceType: 'user',
      resourceId: user.id,
    }),
    mail,
  ]);
  if (changed === null) {
    await requireUnlocked(c, tried, action);
    throw new AppError('CONFLICT', 'The password was changed a moment ago.');
  }
  sendSoon(c);
  await closeSockets(c.env, user.tenantId, { endedSessionIds: changed[0].map((session) => session.id) });
}

/** A refusal of somebody who has not signed in, about an account or nobody's. */
const recordRefused = (
  env: Env,
  db: Database,
  trail: AuditTrail,
  account: Account | null,
  { action, reason }: { action: string; reason: string },
): Promise<void> =>
  recordStranger(
    env,
    db,
    trail,
    {
      tenantId: account?.user.tenantId ?? null,
      action,
      resourceType: 'user',
      resourceId: account?.user.id ?? null,
      outcome: 'denied',
      after: { reason },
    },
    account && { name: account.user.id, isKnown: true },
  );

/**
 * Mails a link for a new password, if the address is somebody's who may sign in with one. Runs after the answer: neither
 * what it says nor how long it takes tells a stranger anything.
 */
export async function requestPasswordReset(
  env: Env,
  db: Database,
  trail: AuditTrail,
  email: string,
  now: Date,
): Promise<void> {
  const action = 'password.reset_request';
  const account = await findAccountByEmail(db, email);
  const refuse = (reason: string) => recordRefused(env, db, trail, account, { action, reason });
  if (account === null) return refuse('unknown_account');
  const { user } = account;
  if (!isActive(account)) return refuse('deactivated');
  // Whoever signs in through their organisation keeps to it; whoever was invited accepts the invitation.
  if (user.passwordHash === null) return refuse('no_password');
  const token = newOpaqueToken('pr_');
  const tokenHash = await hashToken(token);
  const nowIso = now.toISOString();
  const expiresAt = new Date(now.getTime() + passwordResetMinutes * 60_000);
  const mail = await mailEntry(
    env,
    db,
    {
      tenantId: user.tenantId,
      to: user.email,
      template: 'password_reset',
      data: { name: user.name, link: linkTo(env, '/reset-password', { token }), minutes: passwordResetMinutes },
      expiresAt,
    },
    now,
  );
  const hourAgo = new Date(now.getTime() - hourMs).toISOString();
  const written = await commitGuarded(db, [
    bulk(
      db,
      sql`INSERT INTO password_resets (token_hash, user_id, created_at, expires_at)
        SELECT ${tokenHash}, ${user.id}, ${nowIso}, ${expiresAt.toISOString()}
        WHERE (SELECT count(*) FROM password_resets WHERE user_id = ${user.id} AND created_at > ${hourAgo})
          < ${maxPasswordResetsPerHour}`,
    ),
    requireChanged(db),
    trail.entry(db, { tenantId: user.tenantId, action, resourceType: 'user', resourceId: user.id }),
    mail,
  ]);
  if (written === null) await refuse('too_many');
}

/** Sets the password of whoever holds the mailed token, opens their account again and ends all their sessions. */
export async function confirmPasswordReset(
  c: AppContext,
  { token, newPassword }: { token: string; newPassword: string },
): Promise<void> {
  const db = c.get('db');
  const now = c.get('now');
  const nowIso = now.toISOString();
  const action = 'password.reset';
  const tokenHash = await hashToken(token);
  const [reset] = await db.select().from(passwordResets).where(eq(passwordResets.tokenHash, tokenHash));
  const account = reset === undefined ? null : await findAccountById(db, reset.userId);
  const isLive = reset !== undefined && reset.usedAt === null && reset.expiresAt > nowIso;
  if (account === null || !isLive || !isActive(account)) {
    await recordRefused(c.env, db, c.get('audit'), account, { action, reason: 'invalid_link' });
    throw invalidLink();
  }
  const { user } = account;
  c.get('audit').actAs('user', user.id, user.tenantId);
  const passwordHash = await hashPassword(newPassword);
  const emailHash = await emailHashOf(c.env, user.email);
  const mail = await changedMail(c, user, now);
  const done = await commitGuarded(db, [
    endSessionsOf(db, user.id, 'password_reset', now),
    bulk(
      db,
      sql`UPDATE password_resets SET used_at = ${nowIso}
        WHERE token_hash = ${tokenHash} AND used_at IS NULL AND expires_at > ${nowIso}`,
    ),
    requireChanged(db),
    db
      .update(users)
      .set({ passwordHash, updatedAt: nowIso })
      .where(and(eq(users.id, user.id), eq(users.isDeactivated, false), isNull(users.deletedAt))),
    requireChanged(db),
    forgetResets(db, user.id, now),
    unlockStatement(db, emailHash),
    c.get('audit').entry(db, { tenantId: user.tenantId, action, resourceType: 'user', resourceId: user.id }),
    mail,
  ]);
  if (done === null) throw invalidLink();
  sendSoon(c);
  const endedSessionIds = done[0].map((session) => session.id);
  await closeSockets(c.env, user.tenantId, { userIds: [user.id], endedSessionIds });
}

/** The same work for every address, begun after the answer. */
export function requestPasswordResetSoon(c: AppContext, email: string): void {
  const trail = c.get('audit');
  const work = requestPasswordReset(c.env, c.get('db'), trail, email, c.get('now'))
    .then(async () => {
      sendSoon(c);
      // The entries came after the answer, and with it after the chaining of what the request itself had written.
      await Promise.all([...trail.touched].map((chain) => chainSoon(c.env, chain)));
    })
    .catch((cause: unknown) => logFailure('password_reset_failed', cause));
  c.executionCtx.waitUntil(work);
}
