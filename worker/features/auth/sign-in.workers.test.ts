import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { signInResultSchema } from '#contracts/auth';
import { permissionsOf } from '#contracts/roles';
import { account, auditOf, password, signedIn, signIn, userRow } from '#test/workers/accounts';
import { call, db, person, tenant } from '#test/workers/harness';
import { mailTo } from '#test/workers/mail';
import { sessions, signInFailures, tenants, users } from '#worker/db/schema/index';
import { toBase64 } from '#worker/encoding';
import { hashToken } from '#worker/http/tokens';
import { countWrongSecret, emailHashOf, forgetUnlessLocked, readSignInFailures } from './lockout.ts';
import { lockMs } from './rules.ts';

// Hashing a password is slow on purpose, and a machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

const refused = (answer: Awaited<ReturnType<typeof signIn>>) => [answer.status, answer.body.error.code];
const wrong = [401, 'INVALID_CREDENTIALS'];
const lockedOut = [423, 'ACCOUNT_LOCKED'];

afterEach(() => {
  vi.useRealTimers();
});

describe('refusals', () => {
  test('the third wrong password is answered 423, and the right one does not open it', async () => {
    const { email } = await account();
    expect(refused(await signIn(email, 'wrong'))).toEqual(wrong);
    expect(refused(await signIn(email, 'wrong'))).toEqual(wrong);
    const third = await signIn(email, 'wrong');
    expect(refused(third)).toEqual(lockedOut);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(1700);
    expect(refused(await signIn(email))).toEqual(lockedOut);
  });

  test('the lock runs out after thirty minutes, and then three more tries are free', async () => {
    const { email } = await account();
    for (let guess = 0; guess < 3; guess += 1) await signIn(email, 'wrong');
    const start = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: start + lockMs - 5_000 });
    expect(refused(await signIn(email))).toEqual(lockedOut);
    vi.setSystemTime(start + lockMs + 5_000);
    expect(refused(await signIn(email, 'wrong'))).toEqual(wrong);
    expect((await signIn(email)).status).toBe(200);
  });

  test('an address of nobody gets the same answers, to the letter, and the same lock', async () => {
    const { email } = await account();
    const nobody = `nobody-${crypto.randomUUID()}@tenant.example`;
    for (let guess = 0; guess < 4; guess += 1) {
      const [known, unknown] = [await signIn(email, 'wrong'), await signIn(nobody, 'wrong')];
      const shape = ({ status, body: { error } }: typeof known) => ({
        status,
        error: { ...error, requestId: '', details: error.details === undefined },
      });
      expect(shape(unknown)).toEqual(shape(known));
    }
  });

  test('an address of nobody costs as many statements, and as much time, as somebody’s', async () => {
    const { email } = await account();
    const nobody = `nobody-${crypto.randomUUID()}@tenant.example`;
    const prepare = vi.spyOn(Object.getPrototypeOf(env.DB) as D1Database, 'prepare');
    const cost = async (address: string) => {
      prepare.mockClear();
      const startedMs = performance.now();
      await signIn(address, 'wrong');
      const sent = prepare.mock.calls.map(([statement]) => statement);
      // Chaining goes on behind the answer, and not by who was refused.
      const own = sent.filter((statement) => !/audit_log|FROM audit_outbox/.test(statement));
      return { statements: own, ms: performance.now() - startedMs };
    };
    try {
      await cost(email);
      const known = await cost(email);
      await cost(nobody);
      const unknown = await cost(nobody);
      expect(known.statements).toHaveLength(4);
      expect(unknown.statements).toEqual(known.statements);
      // scrypt is most of it; without it the answer would be there in a tenth of the time.
      expect(unknown.ms).toBeGreaterThan(known.ms / 3);
    } finally {
      prepare.mockRestore();
    }
  });

  test('an account without a password cannot be signed in to', async () => {
    const { email } = await person(await tenant(), 'viewer');
    expect(refused(await signIn(email, ''))).toEqual([400, 'VALIDATION_FAILED']);
    expect(refused(await signIn(email, 'null'))).toEqual(wrong);
  });

  test('parallel guesses are counted one by one', async () => {
    const { email } = await account();
    const answers = await Promise.all(Array.from({ length: 6 }, () => signIn(email, 'wrong')));
    expect(answers.filter((answer) => answer.status === 401)).toHaveLength(2);
    expect(await readSignInFailures(db, await emailHashOf(env, email))).toMatchObject({ failedSignIns: 3 });
  });

  test('a right password does not win against a lock that was set while it was being checked', async () => {
    const { email, userId } = await account();
    const answers = await Promise.all([
      ...Array.from({ length: 8 }, () => signIn(email, 'wrong')),
      ...Array.from({ length: 4 }, () => signIn(email)),
    ]);
    const state = await readSignInFailures(db, await emailHashOf(env, email));
    const admitted = answers.filter((answer) => answer.status === 200).length;
    const opened = await db.select().from(sessions).where(eq(sessions.userId, userId));
    // The one session that `account` itself has, and one for each 200: never one without an answer.
    expect(opened).toHaveLength(1 + admitted);
    if (state.lockedUntil !== null) expect(refused(await signIn(email))).toEqual(lockedOut);
    for (const answer of answers) expect([200, 401, 423]).toContain(answer.status);
  });

  test('a lock outlives the statement that forgets wrong passwords', async () => {
    const emailHash = await emailHashOf(env, `${crypto.randomUUID()}@tenant.example`);
    const now = new Date();
    for (let guess = 0; guess < 3; guess += 1) await countWrongSecret(db, emailHash, now);
    await forgetUnlessLocked(db, emailHash, now);
    expect(await readSignInFailures(db, emailHash)).toMatchObject({ failedSignIns: 3 });
    await forgetUnlessLocked(db, emailHash, new Date(now.getTime() + lockMs));
    expect(await readSignInFailures(db, emailHash)).toMatchObject({ failedSignIns: 0 });
  });

  test('a suspended account is told so only with the right password, and whom to ask', async () => {
    const { email, userId } = await account();
    await db.update(users).set({ isDeactivated: true }).where(eq(users.id, userId));
    const answer = await signIn(email);
    expect(refused(answer)).toEqual([403, 'ACCOUNT_DEACTIVATED']);
    expect(answer.body.error?.message).toBe(
      'Your account has been suspended. Ask an administrator of your organisation.',
    );
    expect(refused(await signIn(email, 'wrong'))).toEqual(wrong);
  });

  test('so is everybody of a suspended organisation, in other words; a deleted person is nobody', async () => {
    const { email, of } = await account();
    await db
      .update(tenants)
      .set({ isActive: false })
      .where(eq(tenants.id, of?.id ?? ''));
    const answer = await signIn(email);
    expect(refused(answer)).toEqual([403, 'ACCOUNT_DEACTIVATED']);
    expect(answer.body.error?.message).toBe('Your organisation has been suspended. Ask whoever operates TruckIQ.');
    const gone = await account();
    await db.update(users).set({ deletedAt: new Date().toISOString() }).where(eq(users.id, gone.userId));
    expect(refused(await signIn(gone.email))).toEqual(wrong);
  });

  test.each([
    { email: 'no-address', password },
    { email: `${'a'.repeat(1000)}@tenant.example`, password },
    { email: 'a@tenant.example' },
    { email: "a' OR 1=1 --@tenant.example", password },
    { email: { $ne: '' }, password },
    { email: ['a@tenant.example'], password },
    { email: 'a@tenant.example', password, unknown: 1 },
    { email: 'a@tenant.example', password, totp: 123456 },
    { email: 'a@tenant.example', password, totp: 'x'.repeat(65) },
    { email: 'a@tenant.example', password: 'x'.repeat(257) },
  ])('body %j is 400', async (body) => {
    expect(refused(await call('POST', '/auth/login', { body }))).toEqual([400, 'VALIDATION_FAILED']);
  });
});

describe('addresses that look like another', () => {
  test.each([
    ['a Cyrillic a', 'р\u0430t@tenant.example'],
    ['a Kelvin sign, which lower-cases to k', '\u212Aim@tenant.example'],
    ['a dotted capital I', 'K\u0130M@tenant.example'],
    ['a right-to-left mark', 'kim\u200F@tenant.example'],
    ['a zero-width space', 'ki\u200Bm@tenant.example'],
    ['a null byte', 'kim\u0000@tenant.example'],
    ['full-width letters', '\uFF4Bim@tenant.example'],
    ['a line break', 'kim@tenant.example\nbcc: x'],
    ['half of a character', 'kim\uD800@tenant.example'],
    ['a homoglyph domain', 'kim@ten\u0430nt.example'],
    ['a comment', 'kim(x)@tenant.example'],
    ['two dots', 'ki..m@tenant.example'],
  ])('%s is 400', async (_what, email) => {
    const answer = await signIn(email);
    expect(refused(answer)).toEqual([400, 'VALIDATION_FAILED']);
    expect(answer.body.error.message).toContain('email');
  });

  test('dots and plus signs make another address; case and spaces around do not', async () => {
    const { email } = await account();
    const [name, domain] = email.split('@');
    for (const other of [`${name}+x@${domain}`, `${name?.slice(0, 3)}.${name?.slice(3)}@${domain}`]) {
      expect(refused(await signIn(other))).toEqual(wrong);
    }
    expect((await signIn(`  ${email.toUpperCase()} `)).status).toBe(200);
  });

  test('a password with a null byte, or in another normal form, is only compared', async () => {
    const { email } = await account();
    expect(refused(await signIn(email, `${password}\0`))).toEqual(wrong);
    expect((await signIn(email, password.replace('2', '\uFF12'))).status).toBe(200);
  });
});

describe('letting in', () => {
  test('answers tokens and who it is, as GET /auth/me does', async () => {
    const { email, userId } = await account();
    const answer = await signIn(email);
    expect(answer.status).toBe(200);
    const result = signInResultSchema.parse(answer.body.data);
    expect(result.user).toMatchObject({ id: userId, role: 'fleet_admin', permissions: permissionsOf.fleet_admin });
    expect(result.user).toMatchObject({ mfaEnabled: false, mfaSetupRequired: false });
    expect((await call('GET', '/auth/me', { token: result.accessToken })).body.data).toEqual(result.user);
  });

  test('forgets the wrong passwords before it', async () => {
    const { email } = await account();
    for (const word of ['wrong', 'wrong', password, 'wrong', 'wrong']) await signIn(email, word);
    expect((await signIn(email)).status).toBe(200);
  });

  test('where the tenant requires a second factor and there is none, nothing is permitted yet', async () => {
    const { email } = await account({ settings: { requireMfa: true } });
    const { accessToken, user } = await signedIn(email);
    expect(user).toMatchObject({ permissions: [], mfaEnabled: false, mfaSetupRequired: true });
    expect((await call('GET', '/auth/me', { token: accessToken })).body.data).toEqual(user);
    const denied = await call('GET', '/vehicles', { token: accessToken });
    expect([denied.status, denied.body.error.details]).toEqual([403, { required: 'vehicles:read' }]);
  });

  test('delivery cookie keeps the refresh token out of the body and within /api/v1/auth', async () => {
    const { email } = await account();
    const answer = await signIn(email, password, { delivery: 'cookie' });
    expect(answer.body.data).not.toHaveProperty('refreshToken');
    const cookie = answer.headers.get('set-cookie') ?? '';
    for (const part of ['HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/api/v1/auth']) expect(cookie).toContain(part);
  });

  test('a hash of another cost is made anew', async () => {
    const { email, userId } = await account();
    const { scryptSync } = await import('node:crypto');
    const salt = new Uint8Array(16);
    const key = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
    const old = ['scrypt', 1024, 8, 1, toBase64(salt), toBase64(key)].join('$');
    await db.update(users).set({ passwordHash: old }).where(eq(users.id, userId));
    expect(refused(await signIn(email, 'wrong'))).toEqual(wrong);
    expect((await userRow(userId)).passwordHash).toBe(old);
    expect((await signIn(email)).status).toBe(200);
    expect((await userRow(userId)).passwordHash).toMatch(/^scrypt\$32768\$8\$3\$/);
    expect((await signIn(email)).status).toBe(200);
  });
});

describe('what is remembered', () => {
  test('failures are counted under a keyed name that a plain hash does not find', async () => {
    const { email } = await account();
    await signIn(email.toUpperCase(), 'wrong');
    const rows = await db.select().from(signInFailures);
    const names = rows.map((row) => row.emailHash);
    expect(names).toContain(await emailHashOf(env, email));
    expect(names).not.toContain(await hashToken(email));
    expect(JSON.stringify(rows)).not.toContain(email);
    // A master key that is replaced forgets no count.
    const replaced = { ...env, MASTER_KEY: btoa('0123456789abcdef0123456789abcdef') };
    expect(names).toContain(await emailHashOf(replaced, email));
  });

  test('the audit log tells a tenant of its people, and the platform of strangers without their address', async () => {
    const { email, of } = await account();
    for (const word of ['wrong', password, 'wrong', 'wrong', 'wrong', password]) await signIn(email, word);
    expect(await auditOf(of?.id ?? '')).toEqual([
      'sign_in denied wrong_password',
      'session.create success',
      'sign_in denied wrong_password',
      'sign_in denied wrong_password',
      'sign_in denied wrong_password',
      'sign_in denied locked',
    ]);
    const stranger = `stranger-${crypto.randomUUID()}@tenant.example`;
    await signIn(stranger, 'Strange-Word-1!');
    expect(await auditOf('platform')).toContain('sign_in denied unknown_account');
    const { results } = await env.DB.prepare(
      'SELECT * FROM audit_outbox UNION ALL SELECT id, chain, at, actor_type, actor_id, action, resource_type, resource_id, outcome, ip, user_agent, request_id, before, after FROM audit_log',
    ).all();
    expect(JSON.stringify(results)).not.toContain(stranger);
    expect(JSON.stringify(results)).not.toContain('Strange-Word');
  });

  test('the owner of an account hears of a lock, once; a stranger’s address gets no mail', async () => {
    const { email, of } = await account();
    const nobody = `nobody-${crypto.randomUUID()}@tenant.example`;
    for (let guess = 0; guess < 5; guess += 1) await Promise.all([signIn(email, 'wrong'), signIn(nobody, 'wrong')]);
    await expect.poll(async () => (await mailTo(email)).map((mail) => mail.template)).toEqual(['sign_in_locked']);
    expect((await mailTo(email))[0]).toMatchObject({ tenantId: of?.id, data: { minutes: 30 } });
    expect(await mailTo(nobody)).toEqual([]);
  });
});
