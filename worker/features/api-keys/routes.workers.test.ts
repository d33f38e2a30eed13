import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { apiKeyPattern, apiKeySchema, issuedApiKeySchema, type IssuedApiKey } from '#contracts/api-keys';
import { apiKey, auditEntriesOf, call, db, link, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { apiKeys, apiKeySecrets, tenants } from '#worker/db/schema/index';
import { createApp } from '#worker/app';
import { hashToken } from '#worker/http/tokens';
import { newId } from '#worker/ids';

const people = { permission: 'settings:manage', callers: 'people' } as const;
const keyPath = async (owner: TestTenant) => `/api-keys/${(await apiKey(owner, ['vehicles:read'])).id}`;
commonRouteTests('GET /api-keys', {
  ...{ ...people, method: 'GET', path: () => '/api-keys', namesThing: false, takesBody: false },
});
commonRouteTests('POST /api-keys', {
  ...{ ...people, method: 'POST', path: () => '/api-keys', namesThing: false, takesBody: true },
});
commonRouteTests('GET /api-keys/:id', {
  ...{ ...people, method: 'GET', path: keyPath, namesThing: true, takesBody: false },
});
commonRouteTests('POST /api-keys/:id/rotate', {
  ...{ ...people, method: 'POST', path: async (owner) => `${await keyPath(owner)}/rotate` },
  ...{ namesThing: true, takesBody: true },
});
commonRouteTests('DELETE /api-keys/:id', {
  ...{ ...people, method: 'DELETE', path: keyPath, namesThing: true, takesBody: false },
});

async function admin(kind: 'dealer' | 'fleet' = 'fleet') {
  const owner = await tenant(kind);
  const { token, userId } = await person(owner, kind === 'dealer' ? 'dealer_admin' : 'fleet_admin');
  return { owner, token, userId };
}

const make = (token: string, body: object, headers: Record<string, string> = {}) =>
  call('POST', '/api-keys', { token, body: { name: 'DMS', scopes: ['vehicles:read'], ...body }, headers });
const issued = (answer: Awaited<ReturnType<typeof call>>): IssuedApiKey => {
  expect(answer.status, answer.text).toBe(201);
  return issuedApiKeySchema.parse(answer.body.data);
};
const daysUntil = (at: string): number => (Date.parse(at) - Date.now()) / 86_400_000;
const codeOf = async (key: string, path = '/vehicles', headers = {}) => {
  const answer = await call('GET', path, { token: key, headers });
  return answer.status === 200 ? 'ok' : answer.body.error.code;
};

describe('making a key', () => {
  test.each([
    [{ scopes: [] }, 'scopes'],
    [{ scopes: ['vehicles:destroy'] }, 'scopes'],
    [{ scopes: 'vehicles:read' }, 'scopes'],
    [{ scopes: ['vehicles:read', 'users:manage'] }, 'scopes.1'],
    [{ scopes: ['settings:manage'] }, 'scopes.0'],
    [{ scopes: ['admin:manage'] }, 'scopes.0'],
    [{ name: ' ' }, 'name'],
    [{ name: 'two\nlines' }, 'name'],
    [{ name: 'x'.repeat(1000) }, 'name'],
    [{ expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    [{ expiresAt: '2999-01-01T00:00:00Z' }, 'expiresAt'],
    [{ expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ ipAllowList: ['10.0.0.0/8', '10.0.0.300'] }, '10.0.0.300'],
    [{ ipAllowList: [] }, 'ipAllowList'],
    [{ requestsPerMinute: 0 }, 'requestsPerMinute'],
    [{ key: 'tk_live_mine' }, 'key'],
  ])('%j is 400 and says where', async (fields, named) => {
    const { token, owner } = await admin();
    const answer = await make(token, fields);
    expect(answer.body.error.code).toBe('VALIDATION_FAILED');
    expect(answer.text).toContain(named);
    expect(await db.$count(apiKeys, eq(apiKeys.tenantId, owner.id))).toBe(0);
  });

  test('shows the key once and keeps its hash alone', async () => {
    const { token, owner, userId } = await admin();
    const { key, ...shown } = issued(await make(token, { ipAllowList: ['10.1.2.3/8', '::ffff:192.0.2.7'] }));
    expect(key).toMatch(apiKeyPattern);
    expect(shown).toMatchObject({
      ...{ tenantId: owner.id, name: 'DMS', scopes: ['vehicles:read'], ipAllowList: ['10.0.0.0/8', '192.0.2.7'] },
      ...{ createdBy: userId, hint: key.slice(-4), previousExpiresAt: null, lastUsedAt: null },
    });
    expect(daysUntil(shown.expiresAt)).toBeCloseTo(90, 2);
    const one = await call('GET', `/api-keys/${shown.id}`, { token });
    expect(apiKeySchema.strict().parse(one.body.data)).toEqual(shown);
    expect(one.headers.get('etag')).not.toBeNull();
    const page = await call('GET', '/api-keys', { token });
    expect(page.body).toEqual({ data: [shown], meta: { total: 1, page: 1, pageSize: 20 } });
    expect(one.text + page.text).not.toContain(key);
    const secrets = await db.select().from(apiKeySecrets).where(eq(apiKeySecrets.apiKeyId, shown.id));
    expect(secrets).toMatchObject([{ secretHash: await hashToken(key) }]);
    const entries = await auditEntriesOf(owner.id);
    expect(entries).toMatchObject([
      { action: 'api_key.create', actorType: 'user', actorId: userId, outcome: 'success' },
    ]);
    expect(JSON.stringify(entries)).not.toContain(key);
  });

  test('Idempotency-Key: once, however often it is sent', async () => {
    const { token, owner } = await admin();
    const headers = { 'idempotency-key': 'one' };
    const first = issued(await make(token, {}, headers));
    expect(issued(await make(token, {}, headers))).toEqual(first);
    expect((await make(token, { name: 'other' }, headers)).body.error.code).toBe('IDEMPOTENCY_MISMATCH');
    expect(await db.$count(apiKeys, eq(apiKeys.tenantId, owner.id))).toBe(1);
  });

  test('a dealer reaches no customer’s keys; the operator reaches all of them', async () => {
    const { owner: dealer, token } = await admin('dealer');
    const fleet = await tenant();
    await link(dealer, fleet);
    const { id } = await apiKey(fleet, ['vehicles:read']);
    for (const query of ['', `?tenantId=${fleet.id}`]) {
      expect((await call('GET', `/api-keys/${id}${query}`, { token })).status).toBe(404);
    }
    expect((await call('GET', `/api-keys?tenantId=${fleet.id}`, { token })).status).toBe(404);
    const operator = (await person(null, 'super_admin')).token;
    const body = { name: 'x', scopes: ['vehicles:read'] };
    expect((await call('POST', '/api-keys', { token: operator, body })).status).toBe(400);
    const made = issued(await call('POST', `/api-keys?tenantId=${fleet.id}`, { token: operator, body }));
    expect(made.tenantId).toBe(fleet.id);
    const page = await call('GET', `/api-keys?tenantId=${fleet.id}`, { token: operator });
    expect(page.body.meta).toMatchObject({ total: 2 });
    expect((await call('DELETE', `/api-keys/${id}`, { token: operator })).status).toBe(204);
    expect((await call('GET', `/api-keys/${made.id}?tenantId=${dealer.id}`, { token: operator })).status).toBe(404);
  });
});

describe('rotating a key', () => {
  const rotate = (token: string, id: string, body?: object) =>
    call('POST', `/api-keys/${id}/rotate`, { token, ...(body === undefined ? {} : { body }) });

  test('the old secret works on for a day, the new one as long as the key once did', async () => {
    const { token } = await admin();
    const expiresAt = new Date(Date.now() + 7_200_000).toISOString();
    const first = issued(await make(token, { expiresAt }));
    const second = issued(await rotate(token, first.id));
    expect(second).toMatchObject({ id: first.id, name: first.name, hint: second.key.slice(-4) });
    expect(second.key).not.toBe(first.key);
    expect(daysUntil(second.expiresAt)).toBeCloseTo(1 / 12, 3);
    // The overlap never makes the old secret live longer than it would have.
    expect(second.previousExpiresAt).toBe(expiresAt);
    expect([await codeOf(first.key), await codeOf(second.key)]).toEqual(['ok', 'ok']);
    const long = issued(await make(token, {}));
    expect(daysUntil(issued(await rotate(token, long.id)).previousExpiresAt ?? '')).toBeCloseTo(1, 3);
  });

  test('at most two secrets are valid: an older overlap ends', async () => {
    const { token, owner } = await admin();
    const first = issued(await make(token, {}));
    const second = issued(await rotate(token, first.id, { overlapHours: 1 }));
    const third = issued(await rotate(token, first.id, { overlapHours: 168 }));
    expect([await codeOf(first.key), await codeOf(second.key), await codeOf(third.key)]).toEqual([
      'TOKEN_EXPIRED',
      'ok',
      'ok',
    ]);
    expect(daysUntil(third.previousExpiresAt ?? '')).toBeCloseTo(7, 3);
    const keys = (await Promise.all([1, 2, 3, 4].map(() => rotate(token, first.id)))).map((one) => issued(one).key);
    const codes = await Promise.all([...keys, third.key, second.key].map((key) => codeOf(key)));
    expect(codes.filter((code) => code === 'ok')).toHaveLength(2);
    expect((await auditEntriesOf(owner.id)).map((entry) => entry.action)).toEqual([
      'api_key.create',
      ...Array<string>(6).fill('api_key.rotate'),
    ]);
  });

  test('overlapHours 0 ends the old secret at once; others than 0 to 168 are 400', async () => {
    const { token } = await admin();
    const first = issued(await make(token, {}));
    const second = issued(await rotate(token, first.id, { overlapHours: 0 }));
    expect(second.previousExpiresAt).toBeNull();
    expect([await codeOf(first.key), await codeOf(second.key)]).toEqual(['TOKEN_EXPIRED', 'ok']);
    for (const overlapHours of [-1, 169, '1', null]) {
      expect((await rotate(token, first.id, { overlapHours })).status).toBe(400);
    }
  });

  test('an expired key comes back, a revoked one does not', async () => {
    const { owner, token } = await admin();
    const expired = await apiKey(owner, ['vehicles:read'], { expiresAt: new Date(Date.now() - 1) });
    expect(await codeOf(expired.key)).toBe('TOKEN_EXPIRED');
    expect(await codeOf(issued(await rotate(token, expired.id)).key)).toBe('ok');
    const revoked = await apiKey(owner, ['vehicles:read'], { revokedAt: new Date().toISOString() });
    expect((await rotate(token, revoked.id)).status).toBe(404);
  });
});

describe('revoking a key', () => {
  test('ends all its secrets with the next request', async () => {
    const { owner, token } = await admin();
    const { id, key } = issued(await make(token, {}));
    const rotated = issued(await call('POST', `/api-keys/${id}/rotate`, { token }));
    expect((await call('DELETE', `/api-keys/${id}`, { token })).status).toBe(204);
    expect([await codeOf(key), await codeOf(rotated.key)]).toEqual(['TOKEN_REVOKED', 'TOKEN_REVOKED']);
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/rotate'],
    ] as const) {
      expect((await call(method, `/api-keys/${id}${path}`, { token })).status).toBe(404);
    }
    expect((await call('GET', '/api-keys', { token })).body.meta).toMatchObject({ total: 0 });
    const actions = (await auditEntriesOf(owner.id)).map((entry) => entry.action);
    expect(actions.filter((action) => action === 'api_key.revoke')).toHaveLength(1);
  });
});

describe('at the door', () => {
  /** The Worker's answer to a key while D1 answers nothing. */
  async function statusWithoutDatabase(key: string): Promise<number> {
    const down = () => ({ bind: () => ({ first: () => Promise.reject(new Error('down')) }) });
    const broken = new Proxy(env.DB, {
      get: (target, property) => {
        if (property === 'prepare') return down;
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const ctx: unknown = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    const headers = { authorization: `Bearer ${key}` };
    const bindings = { ...env, DB: broken };
    return (await createApp().request('/api/v1/tenant', { headers }, bindings, ctx as ExecutionContext)).status;
  }

  test('when a key cannot be looked up the answer is 503, never yes', async () => {
    expect(await statusWithoutDatabase((await apiKey(await tenant(), ['vehicles:read'])).key)).toBe(503);
  });

  test.each(['tk_live_', 'tk_live_short', `tk_live_${'a'.repeat(44)}`, `tk_live_${'a'.repeat(42)}!`, 'tk_test_x'])(
    '%s was never issued: 401 without a look',
    async (key) => {
      expect(await codeOf(key)).toBe('UNAUTHENTICATED');
      expect(await statusWithoutDatabase(key)).toBe(401);
    },
  );

  test('an invented key is 401, and whatever is refused has its limits in the headers', async () => {
    const { owner } = await admin();
    const revoked = await apiKey(owner, ['vehicles:read'], { revokedAt: new Date().toISOString() });
    for (const key of [`tk_live_${'a'.repeat(43)}`, 'tk_live_x', revoked.key]) {
      const answer = await call('GET', '/vehicles', { token: key });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('ratelimit-limit')).toBe('600');
    }
  });

  test('a suspended tenant’s key is 401 USER_TOKENS_REVOKED', async () => {
    const owner = await tenant();
    const { key } = await apiKey(owner, ['vehicles:read']);
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, owner.id));
    expect(await codeOf(key)).toBe('USER_TOKENS_REVOKED');
  });

  test('an address outside the list is 403; a client’s own header is not an address', async () => {
    const owner = await tenant();
    const { key } = await apiKey(owner, ['vehicles:read'], { ipAllowList: ['203.0.113.0/24', '2001:db8::/32'] });
    const from = (ip: string) => codeOf(key, '/vehicles', { 'cf-connecting-ip': ip });
    expect(await Promise.all(['203.0.113.9', '::ffff:203.0.113.9', '2001:db8::7'].map(from))).toEqual([
      'ok',
      'ok',
      'ok',
    ]);
    const outside = await call('GET', '/vehicles', { token: key, headers: { 'cf-connecting-ip': '203.0.114.1' } });
    expect(outside.body.error).toMatchObject({ code: 'FORBIDDEN', details: { required: 'address' } });
    const claimed = { 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '203.0.113.9', 'true-client-ip': '203.0.113.9' };
    expect(await codeOf(key, '/vehicles', claimed)).toBe('FORBIDDEN');
    const denied = (await auditEntriesOf(owner.id)).filter((entry) => entry.outcome === 'denied');
    expect(denied).toHaveLength(2);
    expect(denied[0]).toMatchObject({ actorType: 'api_key', ip: '203.0.114.1' });
  });

  test('use is noted, at most once a minute', async () => {
    const owner = await tenant();
    const { id, key } = await apiKey(owner, ['vehicles:read']);
    const used = async () => (await db.select().from(apiKeys).where(eq(apiKeys.id, id)))[0];
    await codeOf(key, '/vehicles', { 'cf-connecting-ip': '203.0.113.9' });
    await expect.poll(async () => (await used())?.lastUsedIp).toBe('203.0.113.9');
    const at = (await used())?.lastUsedAt;
    await codeOf(key, '/vehicles', { 'cf-connecting-ip': '203.0.113.10' });
    await codeOf(key);
    expect(await used()).toMatchObject({ lastUsedAt: at, lastUsedIp: '203.0.113.9' });
    await db
      .update(apiKeys)
      .set({ lastUsedAt: new Date(Date.now() - 61_000).toISOString() })
      .where(eq(apiKeys.id, id));
    await codeOf(key, '/vehicles', { 'cf-connecting-ip': '203.0.113.11' });
    await expect.poll(async () => (await used())?.lastUsedIp).toBe('203.0.113.11');
  });

  test('scopes are all a key may do, and people’s affairs are none of them', async () => {
    const { owner } = await admin();
    const { key } = await apiKey(owner, ['vehicles:read', 'users:manage', 'settings:manage', 'admin:manage']);
    expect(await codeOf(key)).toBe('ok');
    expect(await codeOf(key, '/tenant')).toBe('ok');
    for (const path of ['/alerts', '/auth/me', '/auth/sessions', '/api-keys', '/dealer-links', '/admin/tenants']) {
      expect(await codeOf(key, path), path).toBe('FORBIDDEN');
    }
    for (const path of ['/auth/logout', '/auth/logout-all', '/auth/password', '/live/tickets', '/api-keys']) {
      const answer = await call('POST', path, { token: key, body: {} });
      expect(answer.body.error?.code, path).toBe('FORBIDDEN');
    }
  });

  test('a dealer’s key sees its customers while the link is active; nobody sees another’s trucks', async () => {
    const [dealer, customer, stranger] = [await tenant('dealer'), await tenant(), await tenant()];
    await link(dealer, customer);
    const [seen, hidden] = [await truck(customer), await truck(stranger)];
    const { key } = await apiKey(dealer, ['vehicles:read']);
    expect((await call('GET', `/vehicles/${seen}`, { token: key })).status).toBe(200);
    expect((await call('GET', `/vehicles/${hidden}`, { token: key })).status).toBe(404);
  });

  test('a key’s own limit, a gateway’s default and another key’s count are apart', async () => {
    const owner = await tenant();
    const limited = await apiKey(owner, ['vehicles:read'], { requestsPerMinute: 2 });
    const answers = [];
    for (let n = 0; n < 3; n += 1) answers.push(await call('GET', '/tenant', { token: limited.key }));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 429]);
    expect(answers[2]?.headers.get('retry-after')).not.toBeNull();
    const limitOf = async (key: string) =>
      (await call('GET', '/tenant', { token: key })).headers.get('ratelimit-limit');
    expect(await limitOf((await apiKey(owner, ['vehicles:read'])).key)).toBe('100');
  });

  test('a secret of no key, and a key without a secret, open nothing', async () => {
    const owner = await tenant();
    const { id, key } = await apiKey(owner, ['vehicles:read']);
    await db.delete(apiKeySecrets).where(eq(apiKeySecrets.apiKeyId, id));
    expect(await codeOf(key)).toBe('UNAUTHENTICATED');
    expect(
      (await call('GET', `/api-keys/${newId()}`, { token: (await person(owner, 'fleet_admin')).token })).status,
    ).toBe(404);
  });
});
