import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { createApp } from './app.ts';
import { call, origin, person, tenant, truck } from '#test/workers/harness';

describe('every answer', () => {
  test('health is public and says so', async () => {
    const answer = await call('GET', '/api/health');
    expect(answer.body.data).toMatchObject({ status: 'ok' });
    for (const header of ['x-request-id', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset']) {
      expect(answer.headers.get(header), header).not.toBeNull();
    }
  });

  test('health is 503 when the database does not answer', async () => {
    const broken = { ...env, DB: { prepare: () => ({ first: () => Promise.reject(new Error('down')) }) } };
    const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    const answer = await createApp().request(`${origin}/api/health`, {}, broken, ctx as unknown as ExecutionContext);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ error: { code: 'UNAVAILABLE' } });
  });

  test('sign-in that cannot be checked is 503, never yes', async () => {
    const { token } = await person(await tenant(), 'viewer');
    const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    const down = { bind: () => ({ first: () => Promise.reject(new Error('down')) }) };
    const answer = await createApp().request(
      `${origin}/api/v1/auth/me`,
      { headers: { authorization: `Bearer ${token}` } },
      { ...env, DB: { prepare: () => down } },
      ctx as unknown as ExecutionContext,
    );
    expect(answer.status).toBe(503);
  });

  test('the limit’s headers stand on refusals and on 304 too', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const path = `/vehicles/${await truck(fleet)}`;
    const etag = (await call('GET', path, { token })).headers.get('etag') ?? '';
    const answers = [
      await call('GET', '/api/nowhere'),
      await call('DELETE', '/vehicles', { token }),
      await call('GET', '/vehicles'),
      await call('GET', path, { token, headers: { 'if-none-match': etag } }),
      await call('POST', '/auth/login', { body: '{' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 405, 401, 304, 400]);
    for (const { headers } of answers) expect(headers.get('ratelimit-remaining')).not.toBeNull();
  });

  test('an unknown path is 404 for the signed-in, a wrong method 405 with Allow', async () => {
    const { token } = await person(await tenant(), 'viewer');
    expect((await call('GET', '/nowhere', { token })).body.error.code).toBe('NOT_FOUND');
    const wrong = await call('DELETE', '/vehicles', { token });
    expect([wrong.status, wrong.body.error.code, wrong.headers.get('allow')]).toEqual([
      405,
      'METHOD_NOT_ALLOWED',
      'GET',
    ]);
    expect((await call('GET', '/auth/login')).status).toBe(405);
  });

  test('a client’s own request id is echoed when it is harmless, replaced when not', async () => {
    const kept = await call('GET', '/api/health', { headers: { 'x-request-id': 'shop-42.request' } });
    expect(kept.headers.get('x-request-id')).toBe('shop-42.request');
    const replaced = await call('GET', '/api/health', { headers: { 'x-request-id': 'a b{"x":1}' } });
    expect(replaced.headers.get('x-request-id')).not.toContain('{');
  });

  test('ids that are none, long, encoded or hostile are 404, never 500', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    for (const id of [
      'x',
      '%00',
      "'; DROP TABLE vehicles; --",
      'é'.repeat(50),
      '%F0%9F%9A%9B',
      '..%2f..%2f',
      'null',
      '0',
    ]) {
      const answer = await call('GET', `/vehicles/${encodeURIComponent(id)}`, { token });
      expect([answer.status, answer.body.error.code], id).toEqual([404, 'NOT_FOUND']);
    }
    expect((await call('GET', '/vehicles/%E0%A4%A', { token })).status).toBeLessThan(500);
    expect((await call('GET', `/vehicles/${'a'.repeat(5000)}`, { token })).status).toBeLessThan(500);
  });

  test('past its limit a user gets 429 with Retry-After, another user does not', async () => {
    const app = createApp();
    const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    const limited = { ...env, RATE_LIMIT_PER_MINUTE: '3' };
    const ask = (token: string) =>
      app.request(
        `${origin}/api/v1/auth/me`,
        { headers: { authorization: `Bearer ${token}` } },
        limited,
        ctx as unknown as ExecutionContext,
      );
    const fleet = await tenant();
    const [one, two] = [await person(fleet, 'viewer'), await person(fleet, 'viewer')];
    const answers = [];
    for (let turn = 0; turn < 4; turn += 1) answers.push(await ask(one.token));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers.map(({ headers }) => headers.get('ratelimit-remaining'))).toEqual(['2', '1', '0', '0']);
    expect(Number(answers[3]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(two.token)).status).toBe(200);
  });
});

describe('a super admin', () => {
  test('acts inside a tenant by naming it, and is told to', async () => {
    const fleet = await tenant();
    const { token } = await person(null, 'super_admin');
    expect((await call('GET', '/tenant', { token })).body.error.code).toBe('VALIDATION_FAILED');
    expect((await call('GET', `/tenant?tenantId=${fleet.id}`, { token })).body.data).toMatchObject({ id: fleet.id });
    expect((await call('GET', '/admin/tenants?pageSize=100', { token })).status).toBe(200);
    const { token: admin } = await person(fleet, 'fleet_admin');
    expect((await call('GET', '/admin/tenants', { token: admin })).status).toBe(403);
  });
});
