import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { tenantSchema, type Tenant } from '#contracts/tenants';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { call, db, link, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { auditLog, auditOutbox, predictions, sessions, tenants, users, vehicles } from '#worker/db/schema/index';

commonRouteTests('GET /tenant', {
  method: 'GET',
  path: () => '/tenant',
  permission: null,
  namesThing: false,
  takesBody: false,
});
commonRouteTests('PATCH /tenant', {
  method: 'PATCH',
  path: () => '/tenant',
  permission: 'settings:manage',
  namesThing: false,
  takesBody: true,
});

const get = (token: string, query = '') => call('GET', `/tenant${query}`, { token });
const patch = (token: string, body: object, headers = {}) => call('PATCH', '/tenant', { token, body, headers });
const dataOf = (answer: { body: unknown }) => (answer.body as { data: Tenant }).data;
const entries = async (home: TestTenant) =>
  [
    ...(await db.select().from(auditLog).where(eq(auditLog.chain, home.id))),
    ...(await db.select().from(auditOutbox).where(eq(auditOutbox.chain, home.id))),
  ].filter(({ action }) => action === 'tenant.update');

describe('GET /tenant', () => {
  test('names active customers, and not those that are switched off', async () => {
    const [dealer, on, off] = [await tenant('dealer'), await tenant(), await tenant()];
    await link(dealer, on);
    await link(dealer, off);
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, off.id));
    const { token } = await person(dealer, 'viewer');
    expect(tenantSchema.strict().parse(dataOf(await get(token))).linkedTenants).toEqual([on]);
    expect((await get(token, `?tenantId=${on.id}`)).status).toBe(404);
  });
});

describe('PATCH /tenant', () => {
  test('what is not mentioned stays, flags too; the change is in the log with both sides', async () => {
    const home = await tenant('fleet', {
      timeZone: 'America/Chicago',
      riskBands: { medium: 10, high: 20, critical: 30 },
    });
    const { token } = await person(home, 'fleet_admin');
    expect(dataOf(await patch(token, { flags: { alerts: false } })).flags).toEqual({
      predictions: true,
      alerts: false,
    });
    const answer = await patch(token, { name: 'Renamed', flags: { predictions: false }, units: 'metric' });
    expect(dataOf(answer)).toMatchObject({
      name: 'Renamed',
      timeZone: 'America/Chicago',
      units: 'metric',
      flags: { predictions: false, alerts: false },
    });
    expect(dataOf(await get(token))).toEqual(dataOf(answer));
    const [row] = await db.select().from(tenants).where(eq(tenants.id, home.id));
    expect(row?.settings.riskBands).toEqual({ medium: 10, high: 20, critical: 30 });
    const [, second] = await entries(home);
    expect(JSON.parse(second?.before ?? '')).toEqual({
      name: home.name,
      units: 'us',
      flags: { predictions: true, alerts: false },
    });
    expect(JSON.parse(second?.after ?? '')).toMatchObject({ name: 'Renamed', units: 'metric' });
  });

  test('two changes at once both hold', async () => {
    const home = await tenant();
    const { token } = await person(home, 'fleet_admin');
    await Promise.all([patch(token, { flags: { alerts: false } }), patch(token, { flags: { predictions: false } })]);
    expect(dataOf(await get(token)).flags).toEqual({ predictions: false, alerts: false });
  });

  test('with forecasts switched off, or on again, the fleet is scored anew; anything else leaves it alone', async () => {
    const home = await tenant();
    const { token } = await person(home, 'fleet_admin');
    const id = await truck(home);
    const kept = () => db.select().from(predictions).where(eq(predictions.vehicleId, id));
    await patch(token, { units: 'metric', flags: { alerts: false, predictions: true } });
    expect((await db.select().from(vehicles).where(eq(vehicles.id, id)))[0]?.isScoreDirty).toBe(false);
    await patch(token, { flags: { predictions: false } });
    await expect.poll(async () => (await kept()).length).toBe(1);
    const operator = await person(null, 'super_admin');
    const on = { flags: { predictions: true } };
    await call('PATCH', `/admin/tenants/${home.id}`, { token: operator.token, body: on });
    await expect.poll(async () => (await kept()).length).toBe(2);
  });

  test('nothing new writes nothing', async () => {
    const home = await tenant();
    const { token } = await person(home, 'fleet_admin');
    expect((await patch(token, {})).status).toBe(200);
    expect((await patch(token, { name: home.name, units: 'us' })).status).toBe(200);
    expect(await entries(home)).toEqual([]);
  });

  test('If-Match: the state that was read, or 412', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    const headers = { 'if-match': (await get(token)).headers.get('etag') ?? '' };
    expect((await patch(token, { name: 'One' }, headers)).status).toBe(200);
    expect((await patch(token, { name: 'Two' }, headers)).body.error.code).toBe('PRECONDITION_FAILED');
    expect(dataOf(await get(token)).name).toBe('One');
  });

  test('of many with the same If-Match one wins', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    const headers = { 'if-match': (await get(token)).headers.get('etag') ?? '' };
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => patch(token, { name }, headers)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
  });

  test('what only the operator sets, and what is no zone or name, is 400', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    for (const body of [
      { isActive: false },
      { requestsPerMinute: 1_000_000 },
      { timeZone: 'Mars/Olympus' },
      { name: '' },
      { name: 'x'.repeat(121) },
      { units: 'both' },
      { flags: { unknown: true } },
    ]) {
      expect((await patch(token, body)).status).toBe(400);
    }
  });

  test('a second factor is not made a duty by somebody who has none', async () => {
    const home = await tenant();
    const { token, userId, sessionId } = await person(home, 'fleet_admin');
    const colleague = await person(home, 'viewer');
    const refused = await patch(token, { requireMfa: true });
    expect([refused.status, refused.body.error.code]).toEqual([409, 'CONFLICT']);
    // Signed in through the identity provider they have shown their factors there.
    await db.update(sessions).set({ method: 'oidc' }).where(eq(sessions.id, sessionId));
    expect((await patch(token, { requireMfa: true })).status).toBe(200);
    expect((await call('GET', '/vehicles', { token: colleague.token })).status).toBe(403);
    expect((await patch(token, { requireMfa: false })).status).toBe(200);
    await db.update(sessions).set({ method: 'password' }).where(eq(sessions.id, sessionId));
    await db.update(users).set({ mfaEnabledAt: new Date().toISOString() }).where(eq(users.id, userId));
    expect(dataOf(await patch(token, { requireMfa: true })).requireMfa).toBe(true);
  });

  test('the operator names the tenant', async () => {
    const home = await tenant();
    const { token } = await person(null, 'super_admin');
    expect((await patch(token, { name: 'x' })).status).toBe(400);
    const answer = await call('PATCH', `/tenant?tenantId=${home.id}`, { token, body: { name: 'By the operator' } });
    expect(dataOf(answer)).toMatchObject({ id: home.id, name: 'By the operator' });
  });
});
