/**
 * Setting up, confirming and taking away the second factor of the caller's own account.
 * @unscoped touches the caller's own account alone
 */
import { and, eq, isNotNull, isNull } from 'drizzle-orm';
import { commitGuarded, requireChanged, requireThat } from '../../db/guard.ts';
import { users } from '../../db/schema/index.ts';
import { clientOf } from '../../http/client-address.ts';
import type { AppContext, UserCaller } from '../../http/context.ts';
import { AppError } from '../../http/errors.ts';
import { mailEntry, sendSoon } from '../../mail/outbox.ts';
import { isNotLocked, refuseWrongSecret, requireUnlocked, type Tried } from './lockout.ts';
import { requireOwnAccount } from './password-changes.ts';
import { closeSockets, endSessionsOf } from './revocation.ts';
import {
  forgetRecoveryCodes,
  freshRecoveryCodes,
  judgeCode,
  noSecondFactor,
  sealSeed,
  spend,
  type Factor,
} from './second-factor.ts';
import { wrongCode } from './sign-in.ts';
import type { UserRow } from './store.ts';
import { newTotpSecret, otpauthUrlOf, qrSvgOf } from './totp.ts';

const dayMs = 24 * 3_600_000;

const alreadyEnabled = (): AppError => new AppError('CONFLICT', 'Two-step sign-in is on already. Turn it off first.');
const notEnabled = (): AppError => new AppError('CONFLICT', 'Two-step sign-in is not on.');

const audited = (user: UserRow, action: string) => ({
  tenantId: user.tenantId,
  action,
  resourceType: 'user',
  resourceId: user.id,
});

const changedMail = (c: AppContext, user: UserRow, enabled: boolean) => {
  const now = c.get('now');
  return mailEntry(
    c.env,
    c.get('db'),
    {
      tenantId: user.tenantId,
      to: user.email,
      template: 'mfa_changed',
      data: { name: user.name, enabled, at: now, ip: clientOf(c).ip },
      expiresAt: new Date(now.getTime() + dayMs),
    },
    now,
  );
};

/** A new seed, not in force before a code of it has been shown. */
export async function setUpMfa(c: AppContext, caller: UserCaller) {
  const db = c.get('db');
  const { user } = await requireOwnAccount(c, caller);
  if (user.mfaEnabledAt !== null) throw alreadyEnabled();
  const secret = newTotpSecret();
  const mfaSecretSealed = await sealSeed(c.env, db, user, secret);
  const kept = await commitGuarded(db, [
    db
      .update(users)
      .set({ mfaSecretSealed, lastTotpStep: null, updatedAt: c.get('now').toISOString() })
      .where(and(eq(users.id, user.id), isNull(users.mfaEnabledAt), isNull(users.deletedAt))),
    requireChanged(db),
    c.get('audit').entry(db, audited(user, 'mfa.setup')),
  ]);
  if (kept === null) throw alreadyEnabled();
  const otpauthUrl = otpauthUrlOf(secret, user.email);
  return { secret, otpauthUrl, qrSvg: qrSvgOf(otpauthUrl) };
}

/** A right code of the caller's; a wrong one counts like a wrong password. */
async function requireCode(c: AppContext, tried: Tried, user: UserRow, code: string, action: string): Promise<Factor> {
  await requireUnlocked(c, tried, action);
  const factor = await judgeCode(c.env, c.get('db'), user, code, c.get('now'));
  return factor ?? refuseWrongSecret(c, tried, action, 'wrong_code', wrongCode());
}

/** Why a guarded batch with a right code in it was refused: a lock, or somebody else with the same code. */
async function refuseSpent(c: AppContext, tried: Tried, action: string): Promise<never> {
  await requireUnlocked(c, tried, action);
  return refuseWrongSecret(c, tried, action, 'code_already_used', wrongCode());
}

/** Puts the seed in force; answers the recovery codes, which nobody sees again. Other sessions end. */
export async function enableMfa(c: AppContext, caller: UserCaller, code: string): Promise<string[]> {
  const db = c.get('db');
  const now = c.get('now');
  const action = 'mfa.enable';
  const { user, tried } = await requireOwnAccount(c, caller);
  if (user.mfaEnabledAt !== null) throw alreadyEnabled();
  if (user.mfaSecretSealed === null) throw new AppError('CONFLICT', 'Start with POST /auth/mfa/setup.');
  const factor = await requireCode(c, tried, user, code, action);
  const fresh = await freshRecoveryCodes(db, user.id, now);
  const mail = await changedMail(c, user, true);
  const enabled = await commitGuarded(db, [
    endSessionsOf(db, user.id, 'mfa_changed', now, { except: caller.sessionId }),
    requireThat(db, isNotLocked(tried.emailHash, now)),
    ...spend(db, user, factor, now),
    db
      .update(users)
      .set({ mfaEnabledAt: now.toISOString(), updatedAt: now.toISOString() })
      .where(and(eq(users.id, user.id), isNull(users.mfaEnabledAt), eq(users.mfaSecretSealed, user.mfaSecretSealed))),
    requireChanged(db),
    ...fresh.statements,
    c.get('audit').entry(db, audited(user, action)),
    mail,
  ]);
  if (enabled === null) return refuseSpent(c, tried, action);
  sendSoon(c);
  await closeSockets(c.env, user.tenantId, { endedSessionIds: enabled[0].map((session) => session.id) });
  return fresh.codes;
}

/** Takes the second factor away, seed and recovery codes with it. Other sessions end. */
export async function disableMfa(c: AppContext, caller: UserCaller, code: string): Promise<void> {
  const db = c.get('db');
  const now = c.get('now');
  const action = 'mfa.disable';
  const { user, tenant, tried } = await requireOwnAccount(c, caller);
  if (user.mfaEnabledAt === null) throw notEnabled();
  const factor = await requireCode(c, tried, user, code, action);
  const mail = await changedMail(c, user, false);
  // Without it this session may do nothing until there is one again, and its live picture ends.
  const isDuty = tenant?.requireMfa === true;
  const at = now.toISOString();
  const disabled = await commitGuarded(db, [
    endSessionsOf(db, user.id, 'mfa_changed', now, { except: caller.sessionId }),
    requireThat(db, isNotLocked(tried.emailHash, now)),
    ...spend(db, user, factor, now),
    db
      .update(users)
      .set({ ...noSecondFactor, updatedAt: at, ...(isDuty ? { accessChangedAt: at } : {}) })
      .where(and(eq(users.id, user.id), isNotNull(users.mfaEnabledAt))),
    requireChanged(db),
    forgetRecoveryCodes(db, user.id),
    c.get('audit').entry(db, audited(user, action)),
    mail,
  ]);
  if (disabled === null) return refuseSpent(c, tried, action);
  sendSoon(c);
  const endedSessionIds = disabled[0].map((session) => session.id);
  await closeSockets(c.env, user.tenantId, { userIds: isDuty ? [user.id] : [], endedSessionIds });
}

/** Ten new recovery codes in the place of whatever is left of the old ones. */
export async function replaceRecoveryCodes(c: AppContext, caller: UserCaller, code: string): Promise<string[]> {
  const db = c.get('db');
  const now = c.get('now');
  const action = 'mfa.recovery_codes';
  const { user, tried } = await requireOwnAccount(c, caller);
  if (user.mfaEnabledAt === null) throw notEnabled();
  const factor = await requireCode(c, tried, user, code, action);
  const fresh = await freshRecoveryCodes(db, user.id, now);
  const replaced = await commitGuarded(db, [
    requireThat(db, isNotLocked(tried.emailHash, now)),
    ...spend(db, user, factor, now),
    ...fresh.statements,
    c.get('audit').entry(db, audited(user, action)),
  ]);
  return replaced === null ? refuseSpent(c, tried, action) : fresh.codes;
}
