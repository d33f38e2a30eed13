/**
 * Who is behind e-mail, password and code. One order for everybody, so that nothing can be learnt by trying: lock,
 * password, suspension, second factor; then one batch that admits or refuses as a whole.
 * @unscoped a scope is made from what is read here
 */
import { eq, sql } from 'drizzle-orm';
import type { LoginInput } from '#contracts/auth';
import { commitGuarded, requireThat } from '../../db/guard.ts';
import { users } from '../../db/schema/index.ts';
import { clientOf } from '../../http/client-address.ts';
import type { AppContext } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import {
  emailHashOf,
  forgetUnlessLocked,
  isNotLocked,
  readSignInFailures,
  refusal,
  refuseWrongSecret,
  requireUnlocked,
  type Tried,
} from './lockout.ts';
import { hashPassword, isOutdated, verifyPassword } from './passwords.ts';
import { judgeCode, spend, type Factor } from './second-factor.ts';
import { findAccountByEmail, isActive, newSession, type Account, type OpenedSession } from './store.ts';

const action = 'sign_in';

export const wrongPassword = (): AppError => new AppError('INVALID_CREDENTIALS', 'E-mail or password is wrong.');
export const wrongCode = (): AppError =>
  new AppError('MFA_INVALID', 'The code is wrong, has been used or has run out.');

/** Who can undo it differs: an administrator brings back a person, only the operator an organisation. */
export const suspended = ({ user }: Pick<Account, 'user'>): AppError =>
  new AppError(
    'ACCOUNT_DEACTIVATED',
    user.isDeactivated
      ? 'Your account has been suspended. Ask an administrator of your organisation.'
      : 'Your organisation has been suspended. Ask whoever operates TruckIQ.',
  );

/** Opens a session for the right credentials; throws what api.md promises for every other. */
export async function signIn(c: AppContext, input: LoginInput): Promise<{ account: Account; opened: OpenedSession }> {
  const db = c.get('db');
  const emailHash = await emailHashOf(c.env, input.email);
  const [account, failures] = await Promise.all([
    findAccountByEmail(db, input.email),
    readSignInFailures(db, emailHash),
  ]);
  const tried: Tried = { emailHash, account };
  await requireUnlocked(c, tried, action, failures);
  const fits = await verifyPassword(input.password, account?.user.passwordHash ?? null);
  if (account === null || !fits) return refuseWrongSecret(c, tried, action, 'wrong_password', wrongPassword());
  if (!isActive(account)) {
    await c.get('audit').record(db, refusal(tried, action, 'deactivated'));
    throw suspended(account);
  }
  const factor = await requireFactor(c, tried, account, input.totp);
  const opened = await admit(c, tried, account, { factor, password: input.password });
  return { account, opened };
}

/** The second factor of an account that has one; null for one without. */
async function requireFactor(
  c: AppContext,
  tried: Tried,
  { user }: Account,
  typed: string | undefined,
): Promise<Factor | null> {
  if (user.mfaEnabledAt === null) return null;
  if (typed === undefined) throw new AppError('MFA_REQUIRED', 'Send the code of your two-step sign-in as totp.');
  const factor = await judgeCode(c.env, c.get('db'), user, typed, c.get('now'));
  return factor ?? refuseWrongSecret(c, tried, action, 'wrong_code', wrongCode());
}

/**
 * Condition: the account is as it was when its password was compared. A session must not outlive a password that was
 * reset, a suspension or a new second factor that came in the meantime.
 */
const isUnchanged = ({ user }: Account) =>
  sql`EXISTS (SELECT 1 FROM users WHERE id = ${user.id} AND password_hash IS ${user.passwordHash}
    AND mfa_enabled_at IS ${user.mfaEnabledAt} AND is_deactivated = 0 AND deleted_at IS NULL)`;

async function admit(
  c: AppContext,
  tried: Tried,
  account: Account,
  { factor, password }: { factor: Factor | null; password: string },
): Promise<OpenedSession> {
  const db = c.get('db');
  const now = c.get('now');
  const { user } = account;
  const trail = c.get('audit');
  const rehashed = isOutdated(user.passwordHash) ? await hashPassword(password) : null;
  trail.actAs('user', user.id, user.tenantId);
  const session = await newSession(db, trail, user, { client: clientOf(c), method: 'password' }, now);
  const admitted = await commitGuarded(db, [
    forgetUnlessLocked(db, tried.emailHash, now),
    requireThat(db, isNotLocked(tried.emailHash, now)),
    requireThat(db, isUnchanged(account)),
    ...(factor === null ? [] : spend(db, user, factor, now)),
    ...(rehashed === null ? [] : [db.update(users).set({ passwordHash: rehashed }).where(eq(users.id, user.id))]),
    ...session.statements,
  ]);
  if (admitted !== null) return session.opened;
  trail.actAsStranger();
  await requireUnlocked(c, tried, action);
  // Of two who bring the same code at once, this is the other one.
  if (factor !== null) return refuseWrongSecret(c, tried, action, 'code_already_used', wrongCode());
  await trail.record(db, refusal(tried, action, 'account_changed'));
  throw wrongPassword();
}
