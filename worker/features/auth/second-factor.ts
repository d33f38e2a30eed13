/**
 * Second factors in D1: the sealed seed of an account, the codes that were used, the recovery codes.
 * @unscoped runs before a scope exists, and after it only for the caller's own account
 */
import { and, eq, isNull, lt, or, sql } from 'drizzle-orm';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { requireChanged } from '../../db/guard.ts';
import { recoveryCodes, users } from '../../db/schema/index.ts';
import { configOf, type Env } from '../../env.ts';
import { hashToken } from '../../http/tokens.ts';
import { openVault } from '../../secrets/vault.ts';
import type { UserRow } from './store.ts';
import { matchingStep, newRecoveryCodes, readTypedCode } from './totp.ts';

/** A right code, not spent yet. */
export type Factor = { kind: 'totp'; step: number } | { kind: 'recovery'; codeHash: string };

const vaultOwner = (user: Pick<UserRow, 'tenantId'>): string => user.tenantId ?? 'platform';
const seedPlace = (userId: string) => ({ table: 'users', rowId: userId, field: 'mfa_secret' });

export async function sealSeed(
  env: Env,
  db: Database,
  user: Pick<UserRow, 'id' | 'tenantId'>,
  secretBase32: string,
): Promise<string> {
  const vault = await openVault(db, configOf(env), vaultOwner(user));
  return vault.seal(secretBase32, seedPlace(user.id));
}

/**
 * What a typed code proves: the step of a TOTP code that is right now and was not used, or a recovery code that is left;
 * null when nothing. Only `spend` decides between two who bring the same code.
 */
export async function judgeCode(
  env: Env,
  db: Database,
  user: UserRow,
  typed: string,
  now: Date,
): Promise<Factor | null> {
  const read = readTypedCode(typed);
  if (read === null) return null;
  if (read.kind === 'recovery') {
    if (user.mfaEnabledAt === null) return null;
    const codeHash = await recoveryHash(user.id, read.code);
    const [left] = await db
      .select({ usedAt: recoveryCodes.usedAt })
      .from(recoveryCodes)
      .where(and(eq(recoveryCodes.userId, user.id), eq(recoveryCodes.codeHash, codeHash)));
    return left === undefined || left.usedAt !== null ? null : { kind: 'recovery', codeHash };
  }
  if (user.mfaSecretSealed === null) return null;
  const vault = await openVault(db, configOf(env), vaultOwner(user));
  const step = matchingStep(await vault.open(user.mfaSecretSealed, seedPlace(user.id)), read.code, now);
  // An older step than the last one used is a replay too.
  if (step === null || (user.lastTotpStep !== null && step <= user.lastTotpStep)) return null;
  return { kind: 'totp', step };
}

/** Items of a guarded batch that use the code up; the batch is refused when somebody else just did. */
export const spend = (db: Database, user: Pick<UserRow, 'id'>, factor: Factor, now: Date) =>
  [
    factor.kind === 'totp'
      ? db
          .update(users)
          .set({ lastTotpStep: factor.step })
          .where(and(eq(users.id, user.id), or(isNull(users.lastTotpStep), lt(users.lastTotpStep, factor.step))))
      : db
          .update(recoveryCodes)
          .set({ usedAt: now.toISOString() })
          .where(
            and(
              eq(recoveryCodes.userId, user.id),
              eq(recoveryCodes.codeHash, factor.codeHash),
              isNull(recoveryCodes.usedAt),
            ),
          ),
    requireChanged(db),
  ] as const;

const recoveryHash = (userId: string, code: string): Promise<string> => hashToken(`${userId}:${code}`);

/** Fresh recovery codes, and the items of a batch that put them in the place of the old ones. */
export async function freshRecoveryCodes(db: Database, userId: string, now: Date) {
  const codes = newRecoveryCodes((bytes) => crypto.getRandomValues(new Uint8Array(bytes)));
  const hashes = await Promise.all(codes.map((code) => recoveryHash(userId, code.replaceAll('-', ''))));
  return {
    codes,
    statements: [
      forgetRecoveryCodes(db, userId),
      bulk(
        db,
        sql`INSERT INTO recovery_codes (user_id, code_hash, created_at)
          SELECT ${userId}, value, ${now.toISOString()} FROM json_each(${JSON.stringify(hashes)})`,
      ),
    ] as const,
  };
}

/** The columns of an account without a second factor. */
export const noSecondFactor = { mfaEnabledAt: null, mfaSecretSealed: null, lastTotpStep: null };

export const forgetRecoveryCodes = (db: Database, userId: string) =>
  db.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId));
