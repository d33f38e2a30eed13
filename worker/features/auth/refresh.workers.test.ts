import { eq } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { account, auditOf, endSession, password, signedIn, signIn } from '#test/workers/accounts';
import { call, db, origin } from '#test/workers/harness';
import { trailOfJob } from '#worker/audit/trail';
import { refreshTokens, sessions, tenants, users } from '#worker/db/schema/index';
import { hashToken } from '#worker/http/tokens';
import { rotateRefreshToken } from './store.ts';

// Hashing a password is slow on purpose, and a machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

const refresh = (refreshToken: string) => call('POST', '/auth/refresh', { body: { refreshToken } });
const codeOf = async (refreshToken: string) => {
  const answer = await refresh(refreshToken);
  return answer.status === 200 ? 'OK' : answer.body.error.code;
};
const next = async (refreshToken: string) =>
  (await refresh(refreshToken)).body.data as { accessToken: string; refreshToken: string };
const arrived = async () => {
  const one = await account();
  return { ...one, ...(await signedIn(one.email)) };
};
const tokensOf = (sessionId: string) => db.select().from(refreshTokens).where(eq(refreshTokens.sessionId, sessionId));
const sessionOf = async (refreshToken: string) => {
  const [row] = await db
    .select({ session: sessions })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .where(eq(refreshTokens.tokenHash, await hashToken(refreshToken)));
  if (row === undefined) throw new Error('no such token');
  return row.session;
};

describe('refusals', () => {
  test('unknown, expired and missing tokens are 401; an access token is no refresh token', async () => {
    expect(await codeOf('rt_invented')).toBe('UNAUTHENTICATED');
    expect((await call('POST', '/auth/refresh')).body.error.code).toBe('UNAUTHENTICATED');
    const { refreshToken, accessToken } = await arrived();
    expect(await codeOf(accessToken)).toBe('UNAUTHENTICATED');
    const tokenHash = await hashToken(refreshToken);
    await db
      .update(refreshTokens)
      .set({ expiresAt: '2020-01-01T00:00:00.000Z' })
      .where(eq(refreshTokens.tokenHash, tokenHash));
    expect(await codeOf(refreshToken)).toBe('TOKEN_EXPIRED');
  });

  test('a used token ends its family, with its access tokens, and is audited once', async () => {
    const first = await arrived();
    const second = await next(first.refreshToken);
    expect(await codeOf(first.refreshToken)).toBe('TOKEN_REUSED');
    expect(await codeOf(second.refreshToken)).toBe('TOKEN_REVOKED');
    expect(await codeOf(first.refreshToken)).toBe('TOKEN_REVOKED');
    expect((await call('GET', '/auth/me', { token: second.accessToken })).body.error.code).toBe('TOKEN_REVOKED');
    const reuse = 'session.end denied refresh_token_reused';
    expect((await auditOf(first.of?.id ?? '')).filter((entry) => entry === reuse)).toHaveLength(1);
  });

  test('a family that was ended, suspended or whose person is gone stays so', async () => {
    const ended = await arrived();
    await endSession((await sessionOf(ended.refreshToken)).id, 'logout');
    expect(await codeOf(ended.refreshToken)).toBe('TOKEN_REVOKED');
    const suspended = await arrived();
    await db.update(users).set({ isDeactivated: true }).where(eq(users.id, suspended.userId));
    expect(await codeOf(suspended.refreshToken)).toBe('USER_TOKENS_REVOKED');
    const closed = await arrived();
    await db
      .update(tenants)
      .set({ isActive: false })
      .where(eq(tenants.id, closed.of?.id ?? ''));
    expect(await codeOf(closed.refreshToken)).toBe('USER_TOKENS_REVOKED');
    const deleted = await arrived();
    await db.update(users).set({ deletedAt: new Date().toISOString() }).where(eq(users.id, deleted.userId));
    expect(await codeOf(deleted.refreshToken)).toBe('TOKEN_REVOKED');
    // Refused is not spent: what was suspended can go on once it is no longer.
    await db.update(users).set({ isDeactivated: false }).where(eq(users.id, suspended.userId));
    expect(await codeOf(suspended.refreshToken)).toBe('OK');
  });

  test('the cookie counts only from the dashboard’s own origin, and is forgotten with its family', async () => {
    const { email } = await account();
    const sent = (await signIn(email, password, { delivery: 'cookie' })).headers.get('set-cookie') ?? '';
    const cookie = sent.split(';')[0] ?? '';
    const from = (headers: Record<string, string>) =>
      call('POST', '/auth/refresh', { headers: { cookie, ...headers } });
    const foreign: Record<string, string>[] = [{ origin: 'https://elsewhere.example' }, { origin: 'null' }, {}];
    for (const headers of foreign) {
      const answer = await from(headers);
      expect([answer.status, answer.body.error.details]).toEqual([403, { required: 'origin' }]);
    }
    const own = await from({ origin });
    expect(own.status).toBe(200);
    expect(own.body.data).not.toHaveProperty('refreshToken');
    expect(own.headers.get('set-cookie')).toContain('HttpOnly');
    const reused = await from({ origin });
    expect(reused.body.error.code).toBe('TOKEN_REUSED');
    expect(reused.headers.get('set-cookie')).toMatch(/truckiq_refresh=;.*Max-Age=0/);
  });
});

describe('rotation', () => {
  test('keeps the session, spends one token and issues one', async () => {
    const first = await arrived();
    const { id } = await sessionOf(first.refreshToken);
    const second = await next(first.refreshToken);
    expect((await sessionOf(second.refreshToken)).id).toBe(id);
    const tokens = await tokensOf(id);
    expect(tokens).toHaveLength(2);
    expect(tokens.filter((token) => token.usedAt === null)).toHaveLength(1);
    expect((await call('GET', '/auth/me', { token: second.accessToken })).status).toBe(200);
  });

  test('what fails half-way has not happened: the old token is still good', async () => {
    const { refreshToken } = await arrived();
    const { id } = await sessionOf(refreshToken);
    await db.run(`CREATE TRIGGER broken BEFORE UPDATE OF last_used_at ON sessions BEGIN SELECT RAISE(ABORT, 'x'); END`);
    try {
      await expect(rotateRefreshToken(db, trailOfJob(new Date()), refreshToken, new Date())).rejects.toThrow();
    } finally {
      await db.run('DROP TRIGGER broken');
    }
    expect(await tokensOf(id)).toMatchObject([{ usedAt: null }]);
    expect(await codeOf(refreshToken)).toBe('OK');
  });

  test.each([2, 8])('of %i at the same moment at most one lives, and then none', async (count) => {
    for (let round = 0; round < 3; round += 1) {
      const { refreshToken } = await arrived();
      const { id } = await sessionOf(refreshToken);
      const answers = await Promise.all(Array.from({ length: count }, () => refresh(refreshToken)));
      const won = answers.filter((answer) => answer.status === 200);
      expect(won.length).toBeLessThanOrEqual(1);
      expect(answers.filter((answer) => answer.body.error?.code === 'TOKEN_REUSED')).toHaveLength(1);
      for (const answer of answers) expect([200, 401]).toContain(answer.status);
      expect((await tokensOf(id)).length).toBe(1 + won.length);
      for (const answer of won) {
        expect(await codeOf((answer.body.data as { refreshToken: string }).refreshToken)).toBe('TOKEN_REVOKED');
      }
      expect((await sessionOf(refreshToken)).endReason).toBe('token_reused');
    }
  });

  test('against a logout at the same moment: whatever comes first, the family is over', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { refreshToken, accessToken } = await arrived();
      const [refreshed] = await Promise.all([
        refresh(refreshToken),
        call('POST', '/auth/logout', { token: accessToken }),
      ]);
      const issued = (refreshed.body.data as { refreshToken?: string } | undefined)?.refreshToken;
      expect(await codeOf(issued ?? refreshToken)).toBe('TOKEN_REVOKED');
    }
  });

  test('takes over what has changed: role, name of the tenant, a second factor that is now required', async () => {
    const { refreshToken, userId, of } = await arrived();
    await db.update(users).set({ role: 'viewer' }).where(eq(users.id, userId));
    await db
      .update(tenants)
      .set({ name: 'Renamed', settings: { requireMfa: true } })
      .where(eq(tenants.id, of?.id ?? ''));
    const answer = await refresh(refreshToken);
    expect((answer.body.data as { user: object }).user).toMatchObject({
      ...{ role: 'viewer', tenantName: 'Renamed', permissions: [], mfaSetupRequired: true },
    });
  });
});
