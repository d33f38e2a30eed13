import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { account, auditOf, password, signedIn, signIn, userRow } from '#test/workers/accounts';
import { call, db, person, tenant } from '#test/workers/harness';
import { mailedToken, mailTo } from '#test/workers/mail';
import { trailOfJob } from '#worker/audit/trail';
import { passwordResets, sessions, users } from '#worker/db/schema/index';
import { hashToken } from '#worker/http/tokens';
import { requestPasswordReset } from './password-changes.ts';

// Hashing a password is slow on purpose, and a machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

commonRouteTests('POST /auth/password', {
  ...{ method: 'POST', path: () => '/auth/password', permission: null, namesThing: false, takesBody: true },
});

const newPassword = 'Fresh-Word-2027?';
const change = (token: string, currentPassword: string, next = newPassword) =>
  call('POST', '/auth/password', { token, body: { currentPassword, newPassword: next } });
const refused = (answer: Awaited<ReturnType<typeof call>>) => [answer.status, answer.body.error?.code];

describe('POST /auth/password', () => {
  test('a wrong current password is 401, counts, and the third locks sign-in too', async () => {
    const { token, email, of } = await account();
    expect(refused(await change(token, 'wrong'))).toEqual([401, 'INVALID_CREDENTIALS']);
    expect(refused(await signIn(email, 'wrong'))).toEqual([401, 'INVALID_CREDENTIALS']);
    expect(refused(await change(token, 'wrong'))).toEqual([423, 'ACCOUNT_LOCKED']);
    expect(refused(await change(token, password))).toEqual([423, 'ACCOUNT_LOCKED']);
    expect(refused(await signIn(email))).toEqual([423, 'ACCOUNT_LOCKED']);
    expect(await auditOf(of?.id ?? '')).toEqual([
      'password.change denied wrong_password',
      'sign_in denied wrong_password',
      'password.change denied wrong_password',
      'password.change denied locked',
      'sign_in denied locked',
    ]);
  });

  test.each([
    'short1!',
    'no-upper-1!',
    'NO-LOWER-1!',
    'No-Digit-At-All!',
    'NoSpecial123',
    'Control\u0000Char-1!',
    'PASSWORD1!a'.slice(0, 10),
    'x'.repeat(257),
  ])('the new password %j is 400', async (next) => {
    const { token } = await account();
    const answer = await change(token, password, next);
    expect(refused(answer)).toEqual([400, 'VALIDATION_FAILED']);
    expect(answer.body.error.message).toContain('newPassword');
  });

  test('the current one is no new one', async () => {
    const { token } = await account();
    expect(refused(await change(token, password, password))).toEqual([400, 'VALIDATION_FAILED']);
    expect(refused(await change(token, 'wrong', 'wrong-Word-1!'))).toEqual([401, 'INVALID_CREDENTIALS']);
  });

  test('whoever signs in through their organisation has none to change', async () => {
    const { token } = await person(await tenant(), 'viewer');
    expect(refused(await change(token, password))).toEqual([401, 'INVALID_CREDENTIALS']);
  });

  test('changes it, ends every other session and no other person’s, and tells by mail', async () => {
    const mine = await account();
    const colleague = await account({ of: mine.of });
    const other = await signedIn(mine.email);
    const answer = await change(mine.token, password);
    expect([answer.status, answer.body]).toEqual([200, { data: {} }]);
    expect((await call('GET', '/auth/me', { token: mine.token })).status).toBe(200);
    expect((await call('GET', '/auth/me', { token: colleague.token })).status).toBe(200);
    expect(refused(await call('GET', '/auth/me', { token: other.accessToken }))).toEqual([401, 'TOKEN_REVOKED']);
    const ended = await call('POST', '/auth/refresh', { body: { refreshToken: other.refreshToken } });
    expect(refused(ended)).toEqual([401, 'TOKEN_REVOKED']);
    expect(refused(await signIn(mine.email))).toEqual([401, 'INVALID_CREDENTIALS']);
    expect((await signIn(mine.email, newPassword)).status).toBe(200);
    expect((await mailTo(mine.email)).map((mail) => mail.template)).toEqual(['password_changed']);
    expect(await auditOf(mine.of?.id ?? '')).toContain('password.change success');
  });

  test('of two changes at once one holds', async () => {
    const { token, email } = await account();
    const answers = await Promise.all([
      change(token, password, 'First-Word-2027?'),
      change(token, password, 'Other-Word-2027?'),
    ]);
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    const [first] = answers;
    expect((await signIn(email, first?.status === 200 ? 'First-Word-2027?' : 'Other-Word-2027?')).status).toBe(200);
  });

  test('a sign-in with the old password that is under way does not outlive the change', async () => {
    const { token, email, userId, sessionId } = await account();
    const answers = await Promise.all([change(token, password), ...Array.from({ length: 6 }, () => signIn(email))]);
    expect(answers[0]?.status).toBe(200);
    const live = (await db.select().from(sessions).where(eq(sessions.userId, userId))).filter(
      (session) => session.endedAt === null,
    );
    expect(live.map((session) => session.id)).toEqual([sessionId]);
  });
});

const request = (email: string) => call('POST', '/auth/password-reset', { body: { email } });
const confirm = (token: string, next = newPassword) =>
  call('POST', '/auth/password-reset/confirm', { body: { token, newPassword: next } });
const invalidLink = [400, 'VALIDATION_FAILED'];
const resetsOf = (userId: string) => db.select().from(passwordResets).where(eq(passwordResets.userId, userId));
const askNow = (email: string, now = new Date()) => requestPasswordReset(env, db, trailOfJob(now), email, now);

describe('POST /auth/password-reset', () => {
  test('answers the same whoever’s address it is', async () => {
    const suspended = await account();
    await db.update(users).set({ isDeactivated: true }).where(eq(users.id, suspended.userId));
    const [known, without] = [await account(), await person(await tenant(), 'viewer')];
    for (const email of [known.email, suspended.email, without.email, `nobody-${crypto.randomUUID()}@x.example`]) {
      const answer = await request(email);
      expect([answer.status, answer.body]).toEqual([202, { data: {} }]);
    }
    await expect.poll(async () => (await mailTo(known.email)).map((mail) => mail.template)).toEqual(['password_reset']);
    for (const { email } of [suspended, without]) expect(await mailTo(email)).toEqual([]);
    await expect
      .poll(async () => auditOf(suspended.of?.id ?? ''))
      .toEqual(['password.reset_request denied deactivated']);
    expect(refused(await request('no-address'))).toEqual([400, 'VALIDATION_FAILED']);
  });

  test('mails a link of half an hour, and keeps only its hash', async () => {
    const { email, userId, of } = await account();
    const now = new Date();
    await askNow(email.toUpperCase(), now);
    const [mail] = await mailTo(email);
    expect(mail).toMatchObject({ tenantId: of?.id, data: { minutes: 30 } });
    expect(String(mail?.data['link'])).toMatch(/^http:\/\/truckiq\.test\/reset-password\?token=pr_[A-Za-z0-9_-]{43}$/);
    const token = await mailedToken(email, 'password_reset');
    const [row] = await resetsOf(userId);
    expect(row).toMatchObject({ tokenHash: await hashToken(token), usedAt: null });
    expect(row?.expiresAt).toBe(new Date(now.getTime() + 30 * 60_000).toISOString());
    const dump = JSON.stringify((await env.DB.prepare('SELECT * FROM mail_outbox').all()).results);
    expect(dump).not.toContain(token);
  });

  test('three an hour and address, however many ask at once', async () => {
    const { email, userId, of } = await account();
    const now = new Date();
    await Promise.all(Array.from({ length: 6 }, () => askNow(email, now)));
    expect(await resetsOf(userId)).toHaveLength(3);
    expect(await mailTo(email)).toHaveLength(3);
    expect((await auditOf(of?.id ?? '')).sort()).toEqual([
      ...Array.from({ length: 3 }, () => 'password.reset_request denied too_many'),
      ...Array.from({ length: 3 }, () => 'password.reset_request success'),
    ]);
    await askNow(email, new Date(now.getTime() + 61 * 60_000));
    expect(await resetsOf(userId)).toHaveLength(4);
  });
});

describe('POST /auth/password-reset/confirm', () => {
  const asked = async () => {
    const one = await account();
    await askNow(one.email);
    return { ...one, reset: await mailedToken(one.email, 'password_reset') };
  };

  test('an unknown, used, overtaken or old token, and one of somebody suspended, are the same 400', async () => {
    const unknown = await confirm('pr_invented');
    expect(refused(unknown)).toEqual(invalidLink);
    const same = async (token: string) => {
      const { error } = (await confirm(token)).body;
      expect({ ...error, requestId: '' }).toEqual({ ...unknown.body.error, requestId: '' });
    };
    const used = await asked();
    expect((await confirm(used.reset)).status).toBe(200);
    await same(used.reset);
    const old = await asked();
    await db
      .update(passwordResets)
      .set({ expiresAt: new Date().toISOString() })
      .where(eq(passwordResets.userId, old.userId));
    await same(old.reset);
    const suspended = await asked();
    await db.update(users).set({ isDeactivated: true }).where(eq(users.id, suspended.userId));
    await same(suspended.reset);
    const overtaken = await asked();
    await askNow(overtaken.email, new Date(Date.now() + 1000));
    expect((await confirm(await mailedToken(overtaken.email, 'password_reset'))).status).toBe(200);
    await same(overtaken.reset);
    const changed = await asked();
    expect((await change(changed.token, password)).status).toBe(200);
    await same(changed.reset);
    expect((await signIn(changed.email, newPassword)).status).toBe(200);
  });

  test('a password that breaks the rules leaves the token good', async () => {
    const { reset } = await asked();
    expect(refused(await confirm(reset, 'weak'))).toEqual([400, 'VALIDATION_FAILED']);
    expect((await confirm(reset)).status).toBe(200);
  });

  test('of many at once one holds', async () => {
    const { reset, email, of } = await asked();
    const words = Array.from({ length: 4 }, (_, n) => `Many-Words-${n}!`);
    const answers = await Promise.all(words.map((word) => confirm(reset, word)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 400)).toHaveLength(3);
    const won = words[answers.findIndex((answer) => answer.status === 200)] ?? '';
    expect((await signIn(email, won)).status).toBe(200);
    expect((await auditOf(of?.id ?? '')).filter((entry) => entry === 'password.reset success')).toHaveLength(1);
  });

  test('ends every session, opens a locked account, keeps the second factor, and tells by mail', async () => {
    const { reset, email, token, userId } = await asked();
    for (let guess = 0; guess < 3; guess += 1) await signIn(email, 'wrong');
    await db.update(users).set({ mfaEnabledAt: '2026-01-01T00:00:00.000Z' }).where(eq(users.id, userId));
    const answer = await confirm(reset);
    expect([answer.status, answer.body]).toEqual([200, { data: {} }]);
    expect(refused(await call('GET', '/auth/me', { token }))).toEqual([401, 'TOKEN_REVOKED']);
    expect(refused(await signIn(email, newPassword))).toEqual([401, 'MFA_REQUIRED']);
    expect((await userRow(userId)).mfaEnabledAt).not.toBeNull();
    expect((await mailTo(email)).map((mail) => mail.template)).toContain('password_changed');
  });
});
