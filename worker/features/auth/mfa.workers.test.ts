import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { TOTP, Secret } from 'otpauth';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { mfaSetupSchema, recoveryCodesSchema } from '#contracts/auth';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { account, auditOf, password, signedIn, signIn, userRow, type TestAccount } from '#test/workers/accounts';
import { call, db } from '#test/workers/harness';
import { mailTo } from '#test/workers/mail';
import { recoveryCodes, users } from '#worker/db/schema/index';

// Hashing a password is slow on purpose, and a machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

const one = { permission: null, namesThing: false } as const;
commonRouteTests('POST /auth/mfa/setup', { ...one, method: 'POST', path: () => '/auth/mfa/setup', takesBody: false });
for (const [method, path] of [
  ['POST', '/auth/mfa/enable'],
  ['POST', '/auth/mfa/recovery-codes'],
  ['DELETE', '/auth/mfa'],
] as const) {
  commonRouteTests(`${method} ${path}`, { ...one, method, path: () => path, takesBody: true });
}

const codeOf = (secret: string, offsetSteps = 0) =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + offsetSteps * 30_000 });
const wrongFor = (secret: string) => {
  const right = [-1, 0, 1].map((offset) => codeOf(secret, offset));
  return ['000000', '111111', '222222', '333333'].find((code) => !right.includes(code)) ?? '';
};

const setUp = async (token: string) =>
  mfaSetupSchema.parse((await call('POST', '/auth/mfa/setup', { token })).body.data);
const enable = (token: string, code: string) => call('POST', '/auth/mfa/enable', { token, body: { code } });
const disable = (token: string, code: string) => call('DELETE', '/auth/mfa', { token, body: { code } });
const refused = (answer: Awaited<ReturnType<typeof call>>) => [answer.status, answer.body.error?.code];
const invalid = [401, 'MFA_INVALID'];
const lockedOut = [423, 'ACCOUNT_LOCKED'];
const withCode = (email: string, totp: string) => signIn(email, password, { totp });

interface Protected extends TestAccount {
  secret: string;
  codes: string[];
}

/** Somebody with a second factor; its code of this very step has been used. */
async function withMfa(settings = {}): Promise<Protected> {
  const someone = await account({ settings });
  const { secret } = await setUp(someone.token);
  const answer = await enable(someone.token, codeOf(secret));
  expect(answer.status, answer.text).toBe(200);
  return { ...someone, secret, codes: recoveryCodesSchema.parse(answer.body.data).recoveryCodes };
}

/** A clock that stands in the middle of a step, and moves only when told to. */
let nowMs = 0;
const pass = (steps: number) => vi.setSystemTime((nowMs += steps * 30_000));
beforeEach(() => {
  nowMs = Math.floor(Date.now() / 30_000) * 30_000 + 15_000;
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('signing in', () => {
  test('without a code is 401 MFA_REQUIRED, as often as one likes, and only with the right password', async () => {
    const { email } = await withMfa();
    for (let n = 0; n < 4; n += 1) expect(refused(await signIn(email))).toEqual([401, 'MFA_REQUIRED']);
    expect(refused(await signIn(email, 'wrong', { totp: '123456' }))).toEqual([401, 'INVALID_CREDENTIALS']);
  });

  test('wrong codes count with wrong passwords, and asking without one between them forgets nothing', async () => {
    const { email, secret } = await withMfa();
    expect(refused(await withCode(email, wrongFor(secret)))).toEqual(invalid);
    expect(refused(await signIn(email))).toEqual([401, 'MFA_REQUIRED']);
    expect(refused(await signIn(email, 'wrong'))).toEqual([401, 'INVALID_CREDENTIALS']);
    expect(refused(await withCode(email, wrongFor(secret)))).toEqual(lockedOut);
    pass(1);
    expect(refused(await withCode(email, codeOf(secret)))).toEqual(lockedOut);
  });

  test('a code of this step or of one beside it, once, and never an older one', async () => {
    const { email, secret } = await withMfa();
    expect(refused(await withCode(email, codeOf(secret)))).toEqual(invalid);
    pass(3);
    expect((await withCode(email, codeOf(secret, -1))).status).toBe(200);
    expect((await withCode(email, codeOf(secret, 1))).status).toBe(200);
    expect(refused(await withCode(email, codeOf(secret, 1)))).toEqual(invalid);
    expect(refused(await withCode(email, codeOf(secret)))).toEqual(invalid);
    pass(5);
    expect((await withCode(email, codeOf(secret))).status).toBe(200);
    pass(5);
    expect(refused(await withCode(email, codeOf(secret, -2)))).toEqual(invalid);
    expect(refused(await withCode(email, codeOf(secret, 2)))).toEqual(invalid);
  });

  test('of many with one code at once, one comes in', async () => {
    const { email, secret, codes } = await withMfa();
    pass(2);
    for (const code of [codeOf(secret), codes[0] ?? '']) {
      const answers = await Promise.all(Array.from({ length: 3 }, () => withCode(email, code)));
      expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
      await db.run('DELETE FROM sign_in_failures');
    }
  });

  test('a recovery code works once, however it is typed', async () => {
    const { email, codes } = await withMfa();
    const [first = '', second = ''] = codes;
    expect((await withCode(email, first.toUpperCase())).status).toBe(200);
    expect(refused(await withCode(email, first))).toEqual(invalid);
    expect((await withCode(email, second.replaceAll('-', ' '))).status).toBe(200);
  });

  test.each(['', ' ', '12345', '１２３４５６', "' OR 1=1 --", 'abcd-efgh-jkmn-pqrs', '\0\0\0\0\0\0'])(
    'the code %j is refused',
    async (code) => {
      const { email } = await withMfa();
      const answer = await withCode(email, code);
      expect(code === '' ? [400] : [401]).toContain(answer.status);
    },
  );

  test('somebody else’s recovery code, and somebody else’s seed, are nothing', async () => {
    const [mine, other] = [await withMfa(), await withMfa()];
    pass(2);
    expect(refused(await withCode(mine.email, other.codes[0] ?? ''))).toEqual(invalid);
    expect(refused(await withCode(mine.email, codeOf(other.secret)))).toEqual(invalid);
    // A sealed seed opens only in its own row.
    await db
      .update(users)
      .set({ mfaSecretSealed: (await userRow(other.userId)).mfaSecretSealed })
      .where(eq(users.id, mine.userId));
    expect((await withCode(mine.email, codeOf(other.secret))).status).not.toBe(200);
  });
});

describe('setting up', () => {
  test('is not in force before a code has been shown; a wrong code counts', async () => {
    const { token, email, userId } = await account();
    expect(refused(await enable(token, '123456'))).toEqual([409, 'CONFLICT']);
    const { secret } = await setUp(token);
    expect((await signIn(email)).status).toBe(200);
    expect(refused(await enable(token, wrongFor(secret)))).toEqual(invalid);
    expect(refused(await enable(token, 'abcd-efgh-jkmn-pqrs'))).toEqual(invalid);
    expect(refused(await enable(token, wrongFor(secret)))).toEqual(lockedOut);
    expect(refused(await enable(token, codeOf(secret)))).toEqual(lockedOut);
    expect((await userRow(userId)).mfaEnabledAt).toBeNull();
  });

  test('asking again replaces the seed; while one is in force it is 409', async () => {
    const { token, userId } = await account();
    const [first, second] = [await setUp(token), await setUp(token)];
    expect(refused(await enable(token, codeOf(first.secret)))).toEqual(invalid);
    expect((await enable(token, codeOf(second.secret))).status).toBe(200);
    const before = await userRow(userId);
    expect(refused(await call('POST', '/auth/mfa/setup', { token }))).toEqual([409, 'CONFLICT']);
    expect(refused(await enable(token, codeOf(second.secret, 1)))).toEqual([409, 'CONFLICT']);
    expect(await userRow(userId)).toEqual(before);
  });

  test('shows a seed that an authenticator can read, and keeps it sealed', async () => {
    const { token, email, userId } = await account();
    const { secret, otpauthUrl, qrSvg } = await setUp(token);
    expect(otpauthUrl).toContain(`secret=${secret}`);
    expect(otpauthUrl).toContain(encodeURIComponent(email));
    expect(qrSvg).toMatch(/^<svg role="img"/);
    const row = JSON.stringify(await userRow(userId));
    expect(row).not.toContain(secret);
    expect(row).not.toContain(btoa(secret));
  });

  test('ends other sessions, mails, audits, gives ten codes whose hashes alone are kept', async () => {
    const someone = await account();
    const other = await signedIn(someone.email);
    const { secret } = await setUp(someone.token);
    const { recoveryCodes: codes } = recoveryCodesSchema.parse((await enable(someone.token, codeOf(secret))).body.data);
    expect(new Set(codes).size).toBe(10);
    const kept = JSON.stringify(await db.select().from(recoveryCodes).where(eq(recoveryCodes.userId, someone.userId)));
    for (const code of codes) expect(kept).not.toContain(code.replaceAll('-', ''));
    expect(await auditOf(someone.of?.id ?? '')).toEqual([
      'session.create success',
      'mfa.setup success',
      'mfa.enable success',
    ]);
    expect(refused(await call('GET', '/auth/me', { token: other.accessToken }))).toEqual([401, 'TOKEN_REVOKED']);
    expect((await call('GET', '/auth/me', { token: someone.token })).body.data).toMatchObject({ mfaEnabled: true });
    expect((await mailTo(someone.email)).map(({ template, data }) => [template, data['enabled']])).toEqual([
      ['mfa_changed', true],
    ]);
    const { results } = await env.DB.prepare(
      'SELECT after FROM audit_outbox UNION ALL SELECT after FROM audit_log',
    ).all();
    expect(JSON.stringify(results)).not.toContain(secret);
  });

  test('of two at once one holds, and its recovery codes are the ones that work', async () => {
    const someone = await account();
    const { secret } = await setUp(someone.token);
    const answers = await Promise.all([
      enable(someone.token, codeOf(secret)),
      enable(someone.token, codeOf(secret, 1)),
    ]);
    const won = answers.filter((answer) => answer.status === 200);
    expect(won).toHaveLength(1);
    const [code = ''] = recoveryCodesSchema.parse(won[0]?.body.data).recoveryCodes;
    await db.run('DELETE FROM sign_in_failures');
    expect((await withCode(someone.email, code)).status).toBe(200);
  });

  test('lifts what the tenant’s rule had withheld, on the next request', async () => {
    const someone = await account({ settings: { requireMfa: true } });
    expect((await call('GET', '/vehicles', { token: someone.token })).status).toBe(403);
    const { secret } = await setUp(someone.token);
    await enable(someone.token, codeOf(secret));
    expect((await call('GET', '/vehicles', { token: someone.token })).status).toBe(200);
  });

  test('a super admin’s seed is sealed under the platform’s key', async () => {
    const someone = await account({ of: null, role: 'super_admin' });
    const { secret } = await setUp(someone.token);
    expect((await enable(someone.token, codeOf(secret))).status).toBe(200);
    expect(await auditOf('platform')).toContain('mfa.enable success');
  });
});

describe('removing', () => {
  test('needs a right code; wrong ones count', async () => {
    const { token, secret, userId } = await withMfa();
    expect(refused(await disable(token, wrongFor(secret)))).toEqual(invalid);
    expect(refused(await disable(token, codeOf(secret)))).toEqual(invalid);
    expect(refused(await disable(token, wrongFor(secret)))).toEqual(lockedOut);
    expect((await userRow(userId)).mfaEnabledAt).not.toBeNull();
    const without = await account();
    expect(refused(await disable(without.token, '123456'))).toEqual([409, 'CONFLICT']);
  });

  test.each(['a code', 'a recovery code'])('with %s takes seed and recovery codes away', async (what) => {
    const { token, secret, codes, email, userId, of } = await withMfa();
    pass(2);
    const other = await withCode(email, codeOf(secret));
    pass(2);
    expect((await disable(token, what === 'a code' ? codeOf(secret) : (codes[3] ?? ''))).status).toBe(204);
    expect(await userRow(userId)).toMatchObject({ mfaEnabledAt: null, mfaSecretSealed: null, lastTotpStep: null });
    expect(await db.select().from(recoveryCodes).where(eq(recoveryCodes.userId, userId))).toEqual([]);
    const ended = await call('GET', '/auth/me', { token: (other.body.data as { accessToken: string }).accessToken });
    expect(refused(ended)).toEqual([401, 'TOKEN_REVOKED']);
    expect((await signIn(email)).status).toBe(200);
    expect((await mailTo(email)).map((mail) => mail.data['enabled'])).toEqual([true, false]);
    expect(await auditOf(of?.id ?? '')).toContain('mfa.disable success');
  });

  test('fresh recovery codes replace the old ones', async () => {
    const { token, secret, codes, email } = await withMfa();
    const fresh = (code: string) => call('POST', '/auth/mfa/recovery-codes', { token, body: { code } });
    expect(refused(await fresh(wrongFor(secret)))).toEqual(invalid);
    pass(2);
    const answer = await fresh(codeOf(secret));
    const { recoveryCodes: renewed } = recoveryCodesSchema.parse(answer.body.data);
    expect(refused(await withCode(email, codes[0] ?? ''))).toEqual(invalid);
    expect((await withCode(email, renewed[0] ?? '')).status).toBe(200);
  });
});
