import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { signInResultSchema } from '#contracts/auth';
import { permissionsOf } from '#contracts/roles';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { call, db, origin, person, tenant } from '#test/workers/harness';
import { refreshTokens, users } from '#worker/db/schema/index';
import { configOf } from '#worker/env';
import { hashToken, publicJwk } from '#worker/http/tokens';
import { SignJWT } from 'jose';
import { hashPassword } from './passwords.ts';
import { lockMs } from './rules.ts';
import { forgetWrongPasswords, readSignInFailures, recordWrongPassword } from './store.ts';

const password = 'Right-Word-2026!';
const passwordHash = await hashPassword(password);

for (const [method, path] of [
  ['GET', '/auth/me'],
  ['GET', '/auth/sessions'],
  ['POST', '/auth/logout'],
  ['POST', '/auth/logout-all'],
] as const) {
  commonRouteTests(`${method} ${path}`, {
    method,
    path: () => path,
    permission: null,
    namesThing: false,
    takesBody: false,
  });
}

const signIn = (email: string, word = password, more = {}) =>
  call('POST', '/auth/login', { body: { email, password: word, ...more } });
const account = async (fields: Parameters<typeof person>[2] = {}) =>
  person(await tenant(), 'fleet_admin', { passwordHash, ...fields });

describe('POST /auth/login', () => {
  test('answers tokens and who it is; the e-mail’s case does not matter', async () => {
    const { email, userId } = await account();
    const answer = await signIn(email.toUpperCase());
    expect(answer.status).toBe(200);
    const result = signInResultSchema.parse(answer.body.data);
    expect(result.user).toMatchObject({ id: userId, role: 'fleet_admin', permissions: permissionsOf.fleet_admin });
    expect((await call('GET', '/auth/me', { token: result.accessToken })).body.data).toEqual(result.user);
  });

  test('the third wrong password is answered 423, and the right one does not open it', async () => {
    const { email } = await account();
    expect((await signIn(email, 'wrong')).body.error.code).toBe('INVALID_CREDENTIALS');
    expect((await signIn(email, 'wrong')).body.error.code).toBe('INVALID_CREDENTIALS');
    const third = await signIn(email, 'wrong');
    expect([third.status, third.body.error.code]).toEqual([423, 'ACCOUNT_LOCKED']);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(1700);
    expect((await signIn(email)).status).toBe(423);
  });

  test('parallel guesses are counted one by one', async () => {
    const { email } = await account();
    const answers = await Promise.all(Array.from({ length: 6 }, () => signIn(email, 'wrong')));
    expect(answers.filter((answer) => answer.status === 401)).toHaveLength(2);
    expect(await readSignInFailures(db, await hashToken(email))).toMatchObject({ failedSignIns: 3 });
  });

  test('a right password does not win against a lock that was set while it was being checked', async () => {
    const { email } = await account();
    const emailHash = await hashToken(email);
    const now = new Date();
    for (let guess = 0; guess < 3; guess += 1) await recordWrongPassword(db, emailHash, now);
    expect(await forgetWrongPasswords(db, emailHash, now)).toBe(false);
    expect(await readSignInFailures(db, emailHash)).toMatchObject({ failedSignIns: 3 });
    expect(await forgetWrongPasswords(db, emailHash, new Date(now.getTime() + lockMs))).toBe(true);
    expect((await signIn(email)).status).toBe(200);
  });

  test('a deactivated account is told so only with the right password', async () => {
    const { email, userId } = await account();
    await db.update(users).set({ isDeactivated: true }).where(eq(users.id, userId));
    expect((await signIn(email)).body.error.code).toBe('ACCOUNT_DEACTIVATED');
    expect((await signIn(email, 'wrong')).body.error.code).toBe('INVALID_CREDENTIALS');
  });

  test.each([
    { email: 'no-address', password },
    { email: `${'a'.repeat(1000)}@tenant.example`, password },
    { email: 'a@tenant.example' },
    { email: "a' OR 1=1 --@tenant.example", password },
    { email: { $ne: '' }, password },
    { email: 'a@tenant.example', password, unknown: 1 },
  ])('body %j is 400', async (body) => {
    const answer = await call('POST', '/auth/login', { body });
    expect([answer.status, answer.body.error.code]).toEqual([400, 'VALIDATION_FAILED']);
  });

  test('delivery cookie keeps the refresh token out of the body and within /api/v1/auth', async () => {
    const { email } = await account();
    const answer = await signIn(email, password, { delivery: 'cookie' });
    expect(answer.body.data).not.toHaveProperty('refreshToken');
    const cookie = answer.headers.get('set-cookie') ?? '';
    for (const part of ['HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/api/v1/auth']) expect(cookie).toContain(part);
  });
});

describe('POST /auth/refresh', () => {
  const refresh = (refreshToken: string) => call('POST', '/auth/refresh', { body: { refreshToken } });
  const signedIn = async () => {
    const { email } = await account();
    return signInResultSchema.parse((await signIn(email)).body.data);
  };

  test('rotates; the old token ends the family, with its access tokens', async () => {
    const first = await signedIn();
    const second = signInResultSchema.parse((await refresh(first.refreshToken ?? '')).body.data);
    expect((await refresh(first.refreshToken ?? '')).body.error.code).toBe('TOKEN_REUSED');
    expect((await refresh(second.refreshToken ?? '')).body.error.code).toBe('TOKEN_REVOKED');
    expect((await call('GET', '/auth/me', { token: second.accessToken })).body.error.code).toBe('TOKEN_REVOKED');
  });

  test('of two at the same moment at most one lives, and then none', async () => {
    const { refreshToken = '' } = await signedIn();
    const answers = await Promise.all([refresh(refreshToken), refresh(refreshToken)]);
    expect(answers.filter((answer) => answer.status === 200).length).toBeLessThanOrEqual(1);
    expect(answers.some((answer) => answer.body.error?.code === 'TOKEN_REUSED')).toBe(true);
    for (const answer of answers) {
      const next = (answer.body.data as { refreshToken?: string } | undefined)?.refreshToken;
      if (next !== undefined) expect((await refresh(next)).status).toBe(401);
    }
  });

  test('unknown, expired and missing tokens are 401', async () => {
    expect((await refresh('rt_invented')).body.error.code).toBe('UNAUTHENTICATED');
    expect((await call('POST', '/auth/refresh')).body.error.code).toBe('UNAUTHENTICATED');
    const { refreshToken = '' } = await signedIn();
    await db.update(refreshTokens).set({ expiresAt: '2020-01-01T00:00:00.000Z' });
    expect((await refresh(refreshToken)).body.error.code).toBe('TOKEN_EXPIRED');
  });

  test('the cookie counts only from the dashboard’s own origin', async () => {
    const { email } = await account();
    const cookie = ((await signIn(email, password, { delivery: 'cookie' })).headers.get('set-cookie') ?? '').split(
      ';',
    )[0];
    const from = (headers: Record<string, string>) =>
      call('POST', '/auth/refresh', { headers: { cookie: cookie ?? '', ...headers } });
    expect((await from({ origin: 'https://elsewhere.example' })).status).toBe(403);
    expect((await from({})).status).toBe(403);
    const own = await from({ origin });
    expect(own.status).toBe(200);
    expect(own.body.data).not.toHaveProperty('refreshToken');
  });
});

describe('ending', () => {
  test('logout ends this session on the next request, logout-all every one', async () => {
    const { email } = await account();
    const [one, two] = [
      signInResultSchema.parse((await signIn(email)).body.data),
      signInResultSchema.parse((await signIn(email)).body.data),
    ];
    expect((await call('POST', '/auth/logout', { token: one.accessToken })).status).toBe(204);
    expect((await call('GET', '/auth/me', { token: one.accessToken })).body.error.code).toBe('TOKEN_REVOKED');
    expect((await call('GET', '/auth/me', { token: two.accessToken })).status).toBe(200);
    expect((await call('POST', '/auth/logout-all', { token: two.accessToken })).status).toBe(204);
    expect((await call('GET', '/auth/me', { token: two.accessToken })).status).toBe(401);
  });

  test('suspension and a changed role hold on the next request with the same token', async () => {
    const { token, userId } = await account();
    await db.update(users).set({ role: 'driver' }).where(eq(users.id, userId));
    expect((await call('GET', '/exports/fleet', { token })).body.error.code).toBe('FORBIDDEN');
    await db.update(users).set({ isDeactivated: true }).where(eq(users.id, userId));
    expect((await call('GET', '/auth/me', { token })).body.error.code).toBe('USER_TOKENS_REVOKED');
  });

  test('one session of one’s own can be ended; another person’s is not found', async () => {
    const mine = await account();
    const other = await account();
    expect((await call('DELETE', `/auth/sessions/${other.sessionId}`, { token: mine.token })).status).toBe(404);
    expect((await call('DELETE', `/auth/sessions/${mine.sessionId}`, { token: mine.token })).status).toBe(204);
    expect((await call('GET', '/auth/me', { token: mine.token })).status).toBe(401);
  });
});

describe('forged tokens are 401, never 500', () => {
  const base64Url = (text: string) => btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const claims = {
    iss: 'truckiq',
    aud: 'truckiq-api',
    sub: 's',
    sid: 's',
    role: 'super_admin',
    tid: null,
    iat: 1,
    exp: 9e9,
  };
  const { kid } = configOf(env).authPrivateJwk;

  test('alg none, HS256 with the public key, a wrong kid, garbage', async () => {
    const none = `${base64Url('{"alg":"none"}')}.${base64Url(JSON.stringify(claims))}.`;
    const secret = new TextEncoder().encode(JSON.stringify(publicJwk(configOf(env))));
    const symmetric = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid, typ: 'at+jwt' }).sign(secret);
    const { token } = await account();
    const [header = '', payload = '', signature = ''] = token.split('.');
    const otherKid = base64Url(JSON.stringify({ alg: 'ES256', kid: 'other', typ: 'at+jwt' }));
    const forged = [
      none,
      `${none}x`,
      symmetric,
      `${otherKid}.${payload}.${signature}`,
      `${header}.${base64Url(JSON.stringify(claims))}.${signature}`,
      `${token}=`,
      `${header}.${payload}`,
      'a.b.c',
      '..',
      'x'.repeat(5000),
      'rt_refresh',
      'tk_live_key',
    ];
    for (const bad of forged) {
      const answer = await call('GET', '/auth/me', { token: bad });
      expect([answer.status, answer.body.error?.code], bad.slice(0, 40)).toEqual([401, 'UNAUTHENTICATED']);
    }
  });
});
