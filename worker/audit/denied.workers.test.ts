/** What was refused, in the log of whom it concerns; and what is no denied attempt. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { desc, eq } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { call, db, origin, person, tenant, truck } from '#test/workers/harness';
import { createApp } from '#worker/app';
import { apiKeys, apiKeySecrets, auditLog, auditOutbox, refreshTokens, sessions, users } from '#worker/db/schema/index';
import { hashToken, newOpaqueToken } from '#worker/http/tokens';
import { newId } from '#worker/ids';
import { chainPending } from './chain.ts';

const deniedIn = async (chain: string) => {
  await chainPending(env, chain);
  const rows = await db.select().from(auditLog).where(eq(auditLog.chain, chain)).orderBy(desc(auditLog.seq));
  return rows
    .filter(({ action }) => action === 'access.denied')
    .map((row) => ({ ...row, after: JSON.parse(row.after ?? 'null') as unknown }));
};
const platformCount = async () => (await deniedIn('platform')).length;

async function key(ofTenant: string, fields: Partial<typeof apiKeys.$inferInsert> = {}) {
  const secret = newOpaqueToken('tk_live_');
  const id = newId();
  const at = new Date().toISOString();
  await db.insert(apiKeys).values({
    ...{
      id,
      tenantId: ofTenant,
      name: 'gateway',
      scopes: ['vehicles:read'],
      lifetimeSeconds: 7_776_000,
      createdBy: newId(),
    },
    ...{ createdAt: at, ...fields },
  });
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  await db.insert(apiKeySecrets).values({
    ...{ secretHash: await hashToken(secret), apiKeyId: id, hint: 'x', createdAt: at, expiresAt },
  });
  return { id, secret };
}

describe('a denied attempt is an entry', () => {
  test('a refresh token of an ended session, in its tenant’s log', async () => {
    const fleet = await tenant();
    const { userId, sessionId } = await person(fleet, 'viewer');
    const refreshToken = newOpaqueToken('rt_');
    const at = new Date().toISOString();
    await db.insert(refreshTokens).values({
      ...{ id: newId(), sessionId, tokenHash: await hashToken(refreshToken), issuedAt: at },
      expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
    });
    await db.update(sessions).set({ endedAt: at }).where(eq(sessions.id, sessionId));
    const answer = await call('POST', '/auth/refresh', { body: { refreshToken } });
    expect([answer.status, answer.body.error.code]).toEqual([401, 'TOKEN_REVOKED']);
    expect(await deniedIn(fleet.id)).toMatchObject([
      { actorId: userId, after: { method: 'POST', route: '/api/v1/auth/refresh', code: 'TOKEN_REVOKED' } },
    ]);
  });

  test('403: whose it was, what it wanted, what was missing', async () => {
    const fleet = await tenant();
    const { token, userId } = await person(fleet, 'viewer');
    const answer = await call('PUT', '/alerts/nothing/acknowledge?x=1', {
      token,
      headers: { 'cf-connecting-ip': '203.0.113.7' },
    });
    expect(answer.status).toBe(403);
    expect(await deniedIn(fleet.id)).toMatchObject([
      {
        ...{ actorType: 'user', actorId: userId, outcome: 'denied', ip: '203.0.113.7', resourceType: 'route' },
        resourceId: '/api/v1/alerts/nothing/acknowledge',
        requestId: answer.headers.get('x-request-id'),
        after: { method: 'PUT', route: '/api/v1/alerts/:id/acknowledge', code: 'FORBIDDEN', required: 'alerts:manage' },
      },
    ]);
  });

  test('401 of an ended session, a suspended person, a revoked key: of a known one, in its tenant’s log', async () => {
    const fleet = await tenant();
    const ended = await person(fleet, 'viewer');
    await db.update(sessions).set({ endedAt: new Date().toISOString() }).where(eq(sessions.id, ended.sessionId));
    const suspended = await person(fleet, 'viewer');
    await db.update(users).set({ isDeactivated: true }).where(eq(users.id, suspended.userId));
    const revoked = await key(fleet.id, { revokedAt: new Date().toISOString() });
    for (const token of [ended.token, suspended.token, revoked.secret]) {
      expect((await call('GET', '/vehicles', { token })).status).toBe(401);
    }
    const found = (await deniedIn(fleet.id)).reverse();
    expect(found.map(({ actorType, actorId, after }) => [actorType, actorId, after])).toMatchObject([
      ['user', ended.userId, { code: 'TOKEN_REVOKED', route: '/api/v1/vehicles', required: null }],
      ['user', suspended.userId, { code: 'USER_TOKENS_REVOKED' }],
      ['api_key', revoked.id, { code: 'TOKEN_REVOKED' }],
    ]);
    // None of what was presented is kept.
    for (const token of [ended.token, suspended.token, revoked.secret])
      expect(JSON.stringify(found)).not.toContain(token);
  });

  test('forged and unknown credentials, on the platform’s chain', async () => {
    const before = await platformCount();
    const { token } = await person(await tenant(), 'viewer');
    const forged = [`${token.slice(0, -4)}AAAA`, 'a.b.c', newOpaqueToken('tk_live_'), 'dsp_x', '%00'];
    for (const [n, bad] of forged.entries()) {
      const answer = await call('GET', n % 2 === 0 ? '/vehicles/%00%ff' : '/nowhere/%00', { token: bad });
      expect([answer.status, answer.body.error.code]).toEqual([401, 'UNAUTHENTICATED']);
    }
    const found = (await deniedIn('platform')).slice(0, forged.length);
    expect((await platformCount()) - before).toBe(forged.length);
    expect(found.at(-1)).toMatchObject({
      actorType: 'anonymous',
      actorId: null,
      resourceId: '/api/v1/vehicles/%00%ff',
    });
    expect(
      (await call('GET', '/audit/verify', { token: (await person(null, 'super_admin')).token })).body.data,
    ).toMatchObject({ ok: true });
  });
});

test('no entry: no token, an expired one, an id of somebody else, a malformed request', async () => {
  const before = await platformCount();
  const fleet = await tenant();
  const { token } = await person(fleet, 'fleet_admin');
  const expired = await person(fleet, 'fleet_admin', { issuedAt: new Date(Date.now() - 3600_000) });
  expect((await call('GET', '/vehicles')).status).toBe(401);
  expect((await call('GET', '/vehicles', { headers: { authorization: 'Basic eDp5' } })).status).toBe(401);
  expect((await call('GET', '/vehicles', { token: expired.token })).body.error.code).toBe('TOKEN_EXPIRED');
  expect((await call('GET', `/vehicles/${await truck(await tenant())}`, { token })).status).toBe(404);
  expect((await call('GET', '/vehicles?page=x', { token })).status).toBe(400);
  expect([await deniedIn(fleet.id), await platformCount()]).toEqual([[], before]);
});

test('past the limit on requests a refusal is a 429 and writes nothing', async () => {
  const fleet = await tenant();
  const { token, sessionId } = await person(fleet, 'viewer');
  await db.update(sessions).set({ endedAt: new Date().toISOString() }).where(eq(sessions.id, sessionId));
  const headers = { 'cf-connecting-ip': '203.0.113.200' };
  const limited = { ...env, RATE_LIMIT_PER_MINUTE: '1' };
  const ask = async () => {
    const ctx = createExecutionContext();
    const request = new Request(`${origin}/api/v1/vehicles`, {
      headers: { ...headers, authorization: `Bearer ${token}` },
    });
    const { status } = await createApp().fetch(request, limited, ctx);
    await waitOnExecutionContext(ctx);
    return status;
  };
  const statuses: number[] = [];
  for (let n = 0; n < 9; n += 1) statuses.push(await ask());
  expect(statuses).toEqual([...Array.from({ length: 6 }, () => 401), 429, 429, 429]);
  expect(await deniedIn(fleet.id)).toHaveLength(6);
});

test('a refusal goes out even when its entry cannot be written, and the failure is logged', async () => {
  const fleet = await tenant();
  const { token } = await person(fleet, 'viewer');
  const broken = new Proxy(env.DB, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'prepare') return typeof value === 'function' ? value.bind(target) : value;
      return (sql: string) => {
        if (sql.includes('audit_outbox')) throw new Error('D1 is full');
        return target.prepare(sql);
      };
    },
  });
  const logged = vi.spyOn(console, 'error');
  const ctx = createExecutionContext();
  const request = new Request(`${origin}/api/v1/audit`, { headers: { authorization: `Bearer ${token}` } });
  const answer = await createApp().fetch(request, { ...env, DB: broken }, ctx);
  await waitOnExecutionContext(ctx);
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ error: { code: 'FORBIDDEN', details: { required: 'audit:read' } } });
  expect(logged.mock.calls.flat().join()).toContain('audit_denied_not_recorded');
  logged.mockRestore();
  expect(await db.select().from(auditOutbox).where(eq(auditOutbox.chain, fleet.id))).toEqual([]);
});

test('what a request committed is chained behind its answer, without anybody asking', async () => {
  const fleet = await tenant();
  const { token } = await person(fleet, 'viewer');
  expect((await call('GET', '/audit', { token })).status).toBe(403);
  const ofFleet = () => db.select().from(auditLog).where(eq(auditLog.chain, fleet.id));
  await expect.poll(async () => (await ofFleet()).length, { timeout: 5_000 }).toBe(1);
});
