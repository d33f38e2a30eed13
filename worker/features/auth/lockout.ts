/**
 * Counting wrong secrets, and shutting an account after the third. Counted by address, anybody's or nobody's, so that a
 * stranger cannot tell one from the other.
 * @unscoped runs before a scope exists
 */
import { and, eq, isNull, lte, or, sql } from 'drizzle-orm';
import { isWorthAnEntry, recordStranger, type Target } from '../../audit/strangers.ts';
import type { AuditedAction } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { signInFailures } from '../../db/schema/index.ts';
import { configOf, type Env } from '../../env.ts';
import { clientOf } from '../../http/client-address.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import { logFailure } from '../../log.ts';
import { mailEntry, sendSoon } from '../../mail/outbox.ts';
import { keyedHash } from '../../secrets/keyed-hash.ts';
import { lockedForMs, lockMs, maxFailedSignIns, type LockState } from './rules.ts';
import type { Account } from './store.ts';

/** The name under which wrong secrets of an address are counted: a copy of the table tells nobody which were tried. */
export const emailHashOf = (env: Env, email: string): Promise<string> =>
  keyedHash(configOf(env), 'sign-in failures', email.toLowerCase());

export async function readSignInFailures(db: Database, emailHash: string): Promise<LockState> {
  const [state] = await db
    .select({ failedSignIns: signInFailures.failedSignIns, lockedUntil: signInFailures.lockedUntil })
    .from(signInFailures)
    .where(eq(signInFailures.emailHash, emailHash));
  return state ?? { failedSignIns: 0, lockedUntil: null };
}

/**
 * Counts a wrong secret, as a statement by itself or in a batch. One statement, so that parallel guesses are counted one by one; a lock that has run out starts a
 * new count, one that stands stays.
 */
export const countWrongSecret = (db: Database, emailHash: string, now: Date) => {
  const at = now.toISOString();
  const lockedUntil = new Date(now.getTime() + lockMs).toISOString();
  const { failedSignIns: failed, lockedUntil: until } = signInFailures;
  const count = sql`case when ${until} is null then ${failed} + 1 when ${until} > ${at} then ${failed} else 1 end`;
  return db
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
};

/** Opens an account again: an item of the batch that says why. */
export const unlockStatement = (db: Database, emailHash: string) =>
  db.delete(signInFailures).where(eq(signInFailures.emailHash, emailHash));

/** Forgets wrong secrets after the right ones, save a lock that was set in the meantime: an item of the sign-in's batch. */
export const forgetUnlessLocked = (db: Database, emailHash: string, now: Date) => {
  const { lockedUntil } = signInFailures;
  const isOpen = or(isNull(lockedUntil), lte(lockedUntil, now.toISOString()));
  return db.delete(signInFailures).where(and(eq(signInFailures.emailHash, emailHash), isOpen));
};

/** Condition: no lock stands on the address. Of many guesses at once the right one must not win against the lock. */
export const isNotLocked = (emailHash: string, now: Date) =>
  sql`NOT EXISTS (SELECT 1 FROM sign_in_failures WHERE email_hash = ${emailHash} AND locked_until > ${now.toISOString()})`;

export const locked = (lockedMs: number): AppError =>
  new AppError('ACCOUNT_LOCKED', 'Too many wrong tries. The account opens again by itself.', {
    retryAfterSeconds: lockedMs / 1000,
    details: { retryAfterSeconds: Math.ceil(lockedMs / 1000) },
  });

/** Whose secret is being tried: an address, and the account behind it if there is one. */
export interface Tried {
  emailHash: string;
  account: Account | null;
}

/** A refusal as the audit log keeps it: in the account's chain, or the platform's; an unknown address is never written down. */
export const refusal = ({ account }: Tried, action: string, reason: string): AuditedAction => ({
  tenantId: account?.user.tenantId ?? null,
  action,
  resourceType: 'user',
  resourceId: account?.user.id ?? null,
  outcome: 'denied',
  after: { reason: account === null ? 'unknown_account' : reason },
});

/** What its refusals are counted by before they become entries; the same for anybody's address and nobody's. */
const targetOf = ({ emailHash, account }: Tried): Target => ({ name: emailHash, isKnown: account !== null });

/** Throws 423 while a lock stands on the address; the right secret does not open it, so it is not even looked at. */
export async function requireUnlocked(c: AppContext, tried: Tried, action: string, known?: LockState): Promise<void> {
  const db = c.get('db');
  const lockedMs = lockedForMs(known ?? (await readSignInFailures(db, tried.emailHash)), c.get('now'));
  if (lockedMs === 0) return;
  await recordStranger(c.env, db, c.get('audit'), refusal(tried, action, 'locked'), targetOf(tried));
  throw locked(lockedMs);
}

/** Counts a wrong secret and throws: `wrong`, or 423 when this was the third. Known and unknown addresses cost the same. */
export async function refuseWrongSecret(
  c: AppContext,
  tried: Tried,
  action: string,
  reason: string,
  wrong: AppError,
): Promise<never> {
  const db = c.get('db');
  const now = c.get('now');
  const trail = c.get('audit');
  const refused = refusal(tried, action, reason);
  const isWorth = await isWorthAnEntry(c.env, trail, refused, targetOf(tried));
  const [[state]] = await db.batch([
    countWrongSecret(db, tried.emailHash, now),
    ...(isWorth ? [trail.entry(db, refused)] : []),
  ]);
  if (state === undefined) throw new Error('a wrong secret could not be counted');
  const isNewLock = state.lockedUntil === new Date(now.getTime() + lockMs).toISOString();
  if (isNewLock && tried.account !== null) mailLock(c, tried.account);
  const lockedMs = lockedForMs(state, now);
  throw lockedMs > 0 ? locked(lockedMs) : wrong;
}

/** Tells the account's owner after the answer is out: the time it takes must not tell a stranger that there is one. */
function mailLock(c: AppContext, { user }: Account): void {
  const db = c.get('db');
  const now = c.get('now');
  const write = async (): Promise<void> => {
    const entry = await mailEntry(
      c.env,
      db,
      {
        tenantId: user.tenantId,
        to: user.email,
        template: 'sign_in_locked',
        data: { name: user.name, minutes: lockMs / 60_000, ip: clientOf(c).ip },
        expiresAt: new Date(now.getTime() + lockMs),
      },
      now,
    );
    await db.batch([entry]);
    sendSoon(c);
  };
  c.executionCtx.waitUntil(write().catch((cause: unknown) => logFailure('lock_mail_failed', cause)));
}
