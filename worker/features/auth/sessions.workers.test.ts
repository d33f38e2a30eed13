import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { sessionSchema } from '#contracts/auth';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { account, auditOf, signedIn } from '#test/workers/accounts';
import { call, db, origin, person } from '#test/workers/harness';
import { sessions, users } from '#worker/db/schema/index';
import { newId } from '#worker/ids';

// Hashing a password is slow on purpose, and a machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

const one = { permission: null, namesThing: false, takesBody: false } as const;
for (const [method, path] of [
  ['GET', '/auth/me'],
  ['GET', '/auth/sessions'],
  ['POST', '/auth/logout'],
  ['POST', '/auth/logout-all'],
] as const) {
  commonRouteTests(`${method} ${path}`, { ...one, method, path: () => path });
}
commonRouteTests('DELETE /auth/sessions/:id', {
  ...one,
  method: 'DELETE',
  path: async (owner) => `/auth/sessions/${(await person(owner, 'viewer')).sessionId}`,
  namesThing: true,
});

const me = (token: string) => call('GET', '/auth/me', { token });
const listed = async (token: string) =>
  ((await call('GET', '/auth/sessions', { token })).body.data as unknown[]).map((row) => sessionSchema.parse(row));

describe('ending', () => {
  test('one’s own session only: another person’s, an ended one and nonsense are the same 404', async () => {
    const mine = await account();
    const colleague = await account({ of: mine.of });
    const [ended] = [await signedIn(mine.email)];
    const endedId = (await listed(ended.accessToken)).find((row) => row.isCurrent)?.id ?? '';
    expect((await call('DELETE', `/auth/sessions/${endedId}`, { token: mine.token })).status).toBe(204);
    for (const id of [colleague.sessionId, endedId, newId(), 'x', "' OR 1=1 --", '%00']) {
      const answer = await call('DELETE', `/auth/sessions/${encodeURIComponent(id)}`, { token: mine.token });
      expect([answer.status, answer.body.error.message]).toEqual([404, 'No such session.']);
    }
    expect((await me(colleague.token)).status).toBe(200);
    expect((await me(ended.accessToken)).body.error.code).toBe('TOKEN_REVOKED');
    expect((await auditOf(mine.of?.id ?? '')).filter((entry) => entry.startsWith('session.end'))).toEqual([
      'session.end success ended_by_user',
    ]);
  });

  test('logout ends this session on the next request, logout-all every one', async () => {
    const { email, of, userId } = await account();
    const [first, second] = [await signedIn(email), await signedIn(email)];
    expect((await call('POST', '/auth/logout', { token: first.accessToken })).status).toBe(204);
    expect((await me(first.accessToken)).body.error.code).toBe('TOKEN_REVOKED');
    expect((await me(second.accessToken)).status).toBe(200);
    const cookie = `truckiq_refresh=${second.refreshToken}`;
    const all = await call('POST', '/auth/logout-all', { token: second.accessToken, headers: { cookie } });
    expect(all.status).toBe(204);
    expect(all.headers.get('set-cookie')).toMatch(/truckiq_refresh=;.*Max-Age=0/);
    expect((await me(second.accessToken)).status).toBe(401);
    const rows = await db.select().from(sessions).where(eq(sessions.userId, userId));
    expect(rows.every((row) => row.endedAt !== null)).toBe(true);
    expect((await auditOf(of?.id ?? '')).filter((entry) => entry.startsWith('session.end'))).toEqual([
      'session.end success logout',
      'session.end success logout_all',
    ]);
  });

  test('another site cannot sign a browser out, even with a token', async () => {
    const { token } = await account();
    const headers = { cookie: 'truckiq_refresh=rt_x', origin: 'https://elsewhere.example' };
    for (const path of ['/auth/logout', '/auth/logout-all']) {
      const answer = await call('POST', path, { token, headers });
      expect([answer.status, answer.body.error.details]).toEqual([403, { required: 'origin' }]);
    }
    expect((await me(token)).status).toBe(200);
    expect((await call('POST', '/auth/logout', { token, headers: { ...headers, origin } })).status).toBe(204);
  });

  test('suspension and a changed role hold on the next request with the same token', async () => {
    const { token, userId } = await account();
    await db.update(users).set({ role: 'driver' }).where(eq(users.id, userId));
    expect((await call('GET', '/exports/fleet', { token })).body.error.code).toBe('FORBIDDEN');
    await db.update(users).set({ isDeactivated: true }).where(eq(users.id, userId));
    expect((await me(token)).body.error.code).toBe('USER_TOKENS_REVOKED');
  });

  test('an entry that cannot be written undoes the end with it', async () => {
    const { token, of } = await account();
    await env.DB.prepare(
      `CREATE TRIGGER broken BEFORE INSERT ON audit_outbox WHEN NEW.chain = '${of?.id}' BEGIN SELECT RAISE(ABORT, 'x'); END`,
    ).run();
    try {
      expect((await call('POST', '/auth/logout', { token })).status).toBe(500);
    } finally {
      await env.DB.prepare('DROP TRIGGER broken').run();
    }
    expect((await me(token)).status).toBe(200);
  });
});

describe('GET /auth/sessions', () => {
  test('shows one’s own live sessions, last used first, and which of them is asking', async () => {
    const { email, sessionId } = await account();
    await account();
    const newer = await signedIn(email);
    const all = await listed(newer.accessToken);
    expect(all.map((row) => row.isCurrent)).toEqual([true, false]);
    expect(all[1]).toMatchObject({ id: sessionId, method: 'password' });
    const paged = await call('GET', '/auth/sessions?pageSize=1&page=2', { token: newer.accessToken });
    expect(paged.body.meta).toEqual({ total: 2, page: 2, pageSize: 1 });
    expect(paged.body.data).toMatchObject([{ id: sessionId }]);
  });
});
