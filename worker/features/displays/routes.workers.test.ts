/** Managing displays, and what their own token opens; against the real Worker, D1 and rooms. */
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { displaySchema, ownBoardSchema, type Display } from '#contracts/displays';
import { exampleFeatures, exampleModels, scoreVehicle } from '#scoring';
import { commonRouteTests, type RouteUnderTest } from '#test/workers/common-route-tests';
import { display, earlyInTheMinute } from '#test/workers/display-builders';
import {
  apiKey,
  auditEntriesOf,
  call,
  db,
  link,
  origin,
  person,
  tenant,
  truck,
  type TestTenant,
} from '#test/workers/harness';
import { createApp } from '#worker/app';
import { displays, predictions, tenants } from '#worker/db/schema/index';
import { newId } from '#worker/ids';

const managed = (method: RouteUnderTest['method'], path: string, { namesThing = true, takesBody = false } = {}): void =>
  commonRouteTests(`${method} ${path}`, {
    ...{ method, permission: 'displays:manage', namesThing, takesBody },
    path: async (owner) => path.replace('{id}', (await display(owner)).id),
  });

managed('GET', '/displays', { namesThing: false });
managed('GET', '/displays/{id}');
managed('PATCH', '/displays/{id}', { takesBody: true });
managed('DELETE', '/displays/{id}');
managed('POST', '/displays/{id}/commands', { takesBody: true });

const admin = async (of: TestTenant): Promise<string> => (await person(of, 'fleet_manager')).token;
const secondsAgo = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();
const get = async (token: string, id: string): Promise<Display> =>
  displaySchema.parse((await call('GET', `/displays/${id}`, { token })).body.data);

describe('the list', () => {
  test('is a page by name, of the own tenant alone, with health by the last heartbeat or the pairing', async () => {
    const fleet = await tenant();
    const token = await admin(fleet);
    await display(await tenant());
    await display(fleet, {
      name: 'B amber',
      createdAt: secondsAgo(900),
      lastHeartbeatAt: secondsAgo(70),
      build: 'b0',
      viewport: '1280×720',
    });
    await display(fleet, { name: 'A new' });
    await display(fleet, { name: 'C red', lastHeartbeatAt: secondsAgo(151), createdAt: secondsAgo(9_000) });
    await display(fleet, { name: 'D never', createdAt: secondsAgo(151) });
    await display(fleet, { name: 'E gone', deletedAt: secondsAgo(1) });
    const page = await call('GET', '/displays?pageSize=3', { token });
    expect(page.body.meta).toEqual({ total: 4, page: 1, pageSize: 3 });
    const shown = displaySchema.array().parse(page.body.data);
    expect(shown.map(({ name, health, isConnected }) => [name, health, isConnected])).toEqual([
      ['A new', 'green', false],
      ['B amber', 'amber', false],
      ['C red', 'red', false],
    ]);
    expect(shown[1]).toMatchObject({ build: 'b0', viewport: '1280×720', uptimeSeconds: null, lastError: null });
    const second = displaySchema.array().parse((await call('GET', '/displays?pageSize=3&page=2', { token })).body.data);
    expect(second.map(({ name, health, lastHeartbeatAt }) => [name, health, lastHeartbeatAt])).toEqual([
      ['D never', 'red', null],
    ]);
    for (const query of ['?pageSize=101', '?q=x', '?page=0']) {
      expect((await call('GET', `/displays${query}`, { token })).status, query).toBe(400);
    }
  });

  test('of a customer is closed to its dealer; the operator sees all, or one tenant’s', async () => {
    const [dealer, fleet] = [await tenant('dealer'), await tenant()];
    await link(dealer, fleet);
    const theirs = await display(fleet, { name: 'Theirs' });
    const token = (await person(dealer, 'dealer_admin')).token;
    expect((await call('GET', '/displays', { token })).body.data).toEqual([]);
    expect((await call('GET', `/displays?tenantId=${fleet.id}`, { token })).status).toBe(404);
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'x' }],
      ['DELETE', '', undefined],
      ['POST', '/commands', { command: 'reload' }],
    ] as const) {
      const answer = await call(method, `/displays/${theirs.id}${path}`, { token, body });
      expect(answer.status, method).toBe(404);
    }
    const operator = (await person(null, 'super_admin')).token;
    const one = displaySchema
      .array()
      .parse((await call('GET', `/displays?tenantId=${fleet.id}`, { token: operator })).body.data);
    expect(one.map(({ id }) => id)).toEqual([theirs.id]);
    expect((await call('PATCH', `/displays/${theirs.id}`, { token: operator, body: { name: 'By us' } })).status).toBe(
      200,
    );
  });

  test('stands on D1’s copy while the room does not answer', async () => {
    const fleet = await tenant();
    const token = await admin(fleet);
    await display(fleet, { lastHeartbeatAt: secondsAgo(5) });
    const FLEET_ROOM = Object.create(env.FLEET_ROOM, {
      idFromName: { value: (name: string) => env.FLEET_ROOM.idFromName(name) },
      get: { value: () => ({ displayStates: () => Promise.reject(new Error('gone')) }) },
    }) as DurableObjectNamespace;
    const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    const answer = await createApp().request(
      `${origin}/api/v1/displays`,
      { headers: { authorization: `Bearer ${token}` } },
      { ...env, FLEET_ROOM },
      ctx as unknown as ExecutionContext,
    );
    expect(answer.status).toBe(200);
    const { data } = await answer.json<{ data: unknown }>();
    expect(displaySchema.array().parse(data)).toMatchObject([{ health: 'green', isConnected: true }]);
  });
});

describe('a change', () => {
  test('is refused for what it is not, and changes only what is named', async () => {
    const fleet = await tenant();
    const token = await admin(fleet);
    const { id } = await display(fleet);
    for (const body of [{ name: '' }, { layout: 'film' }, { isAsleep: true }, { name: null }, { id: newId() }]) {
      expect((await call('PATCH', `/displays/${id}`, { token, body })).status, JSON.stringify(body)).toBe(400);
    }
    const changed = await call('PATCH', `/displays/${id}`, { token, body: { locationName: 'South shop' } });
    expect(changed.body.data).toMatchObject({ name: 'Bay 3', locationName: 'South shop', layout: 'attention' });
    const [entry, ...more] = await auditEntriesOf(fleet.id);
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ action: 'display.update', resourceId: id });
    expect(JSON.parse(entry?.before ?? '')).toEqual({ locationName: 'North shop' });
    expect(JSON.parse(entry?.after ?? '')).toEqual({ locationName: 'South shop' });
    // What changes nothing is not written down.
    expect((await call('PATCH', `/displays/${id}`, { token, body: {} })).status).toBe(200);
    expect((await call('PATCH', `/displays/${id}`, { token, body: { name: 'Bay 3' } })).status).toBe(200);
    expect(await auditEntriesOf(fleet.id)).toHaveLength(1);
  });

  test('names the state it means by its tag, which a heartbeat does not move; a GET is never told an old state', async () => {
    const fleet = await tenant();
    const token = await admin(fleet);
    const { id } = await display(fleet);
    const read = (headers = {}) => call('GET', `/displays/${id}`, { token, headers });
    const tag = (await read()).headers.get('etag') ?? '';
    expect(tag).toMatch(/^"[0-9a-f]{40}\.[0-9a-f]{40}"$/);
    expect((await read({ 'if-none-match': tag })).status).toBe(304);
    await db
      .update(displays)
      .set({ lastHeartbeatAt: secondsAgo(1), build: 'b2' })
      .where(eq(displays.id, id));
    expect((await read({ 'if-none-match': tag })).status).toBe(200);
    const patch = (body: object, ifMatch: string) =>
      call('PATCH', `/displays/${id}`, { token, body, headers: { 'if-match': ifMatch } });
    const first = await patch({ name: 'One' }, tag);
    expect(first.status).toBe(200);
    const stale = await patch({ name: 'Two' }, tag);
    expect([stale.status, stale.body.error.code]).toEqual([412, 'PRECONDITION_FAILED']);
    for (const wrong of ['"x"', `W/${first.headers.get('etag')}`, ',', '".*"']) {
      expect((await patch({ name: 'Three' }, wrong)).status, wrong).toBe(412);
    }
    expect((await patch({ name: 'Two' }, `"other", ${first.headers.get('etag')}`)).status).toBe(200);
    expect((await patch({ name: 'Three' }, '*')).status).toBe(200);
    expect((await get(token, id)).name).toBe('Three');
  });

  test('of many at once with the same tag one is made', async () => {
    const fleet = await tenant();
    const token = await admin(fleet);
    const { id } = await display(fleet);
    const tag = (await call('GET', `/displays/${id}`, { token })).headers.get('etag') ?? '';
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) =>
        call('PATCH', `/displays/${id}`, { token, body: { name }, headers: { 'if-match': tag } }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412, 412, 412]);
  });
});

describe('a display’s token', () => {
  test('that was never issued, or is nobody’s any more, is 401', async () => {
    for (const token of ['dsp_', 'dsp_x', `dsp_${'x'.repeat(43)}`, `dsp_${'x'.repeat(4000)}`]) {
      const answer = await call('GET', '/displays/me', { token });
      expect([answer.status, answer.body.error.code], token.slice(0, 10)).toEqual([401, 'UNAUTHENTICATED']);
    }
    const fleet = await tenant();
    const { id, token } = await display(fleet);
    expect((await call('GET', '/displays/me', { token })).status).toBe(200);
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, fleet.id));
    for (const [method, path] of [
      ['GET', '/displays/me'],
      ['POST', '/live/tickets'],
    ] as const) {
      const answer = await call(method, path, { token });
      expect([answer.status, answer.body.error.code]).toEqual([401, 'USER_TOKENS_REVOKED']);
    }
    await db.update(tenants).set({ isActive: true }).where(eq(tenants.id, fleet.id));
    await db
      .update(displays)
      .set({ deletedAt: secondsAgo(1) })
      .where(eq(displays.id, id));
    const revoked = await call('GET', '/displays/me', { token });
    expect([revoked.status, revoked.body.error.code]).toEqual([401, 'TOKEN_REVOKED']);
  });

  test('has a count of its own', async () => {
    const fleet = await tenant('fleet', { requestsPerMinute: 3 });
    const [one, two] = [await display(fleet), await display(fleet)];
    await earlyInTheMinute();
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await call('GET', '/displays/me', { token: one.token })).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const other = await call('GET', '/displays/me', { token: two.token });
    expect([other.status, other.headers.get('ratelimit-limit'), other.headers.get('ratelimit-remaining')]).toEqual([
      ...[200, '3', '2'],
    ]);
  });

  test('opens the board and the live picture, and is told what it lacks everywhere else; the refusal is its own', async () => {
    const fleet = await tenant();
    const vehicle = await truck(fleet);
    const { id, token } = await display(fleet);
    for (const [method, path, required] of [
      ['GET', '/vehicles', 'vehicles:read'],
      ['GET', `/vehicles/${vehicle}`, 'vehicles:read'],
      ['GET', '/alerts', 'alerts:read'],
      ['GET', '/tenant', 'sign-in'],
      ['GET', '/users', 'users:manage'],
      ['GET', '/auth/me', 'sign-in'],
      ['POST', '/auth/logout', 'sign-in'],
      ['GET', '/displays', 'displays:manage'],
      ['GET', `/displays/${id}`, 'displays:manage'],
      ['DELETE', `/displays/${id}`, 'displays:manage'],
      ['POST', '/displays/claim', 'displays:manage'],
      ['GET', '/exports/fleet', 'vehicles:read'],
    ] as const) {
      const answer = await call(method, path, { token });
      expect([answer.status, answer.body.error?.code], `${method} ${path}: ${answer.text}`).toEqual([403, 'FORBIDDEN']);
      if (path !== '/exports/fleet') expect(answer.body.error.details, path).toEqual({ required });
    }
    const entries = await auditEntriesOf(fleet.id);
    expect(entries.length).toBeGreaterThan(5);
    expect(new Set(entries.map(({ actorType, actorId, action }) => `${actorType} ${actorId} ${action}`))).toEqual(
      new Set([`display ${id} access.denied`]),
    );
    const { key } = await apiKey(fleet, ['displays:manage', 'vehicles:read']);
    for (const other of [key, await admin(fleet)]) {
      const answer = await call('GET', '/displays/me', { token: other });
      expect([answer.status, answer.body.error.details]).toEqual([403, { required: 'display' }]);
    }
    expect((await call('GET', '/displays/me')).status).toBe(401);
  });
});

describe('the board', () => {
  test('is the display itself, its tenant and the strongest reasons, and names nobody', async () => {
    const [dealer, customer] = [await tenant('dealer', { timeZone: 'Europe/Berlin', units: 'metric' }), await tenant()];
    await link(dealer, customer);
    const { id, token } = await display(dealer, { isAsleep: true, layout: 'rotate' });
    const own = await truck(dealer, { riskLevel: 'critical', riskScore: 90 });
    const theirs = await truck(customer, { riskLevel: 'high', riskScore: 60 });
    await truck(customer, { riskLevel: 'medium', riskScore: 30 });
    const foreign = await truck(await tenant(), { riskLevel: 'critical', riskScore: 99 });
    const score = scoreVehicle(exampleFeatures(), exampleModels(), new Date());
    const reason = (points: number, text: string) => ({ factor: 'f', points, text, evidence: {} });
    const predicted = (vehicleId: string, tenantId: string, contributors: unknown[], at = secondsAgo(10)) =>
      db.insert(predictions).values({
        ...{ id: newId(), tenantId, vehicleId, createdAt: at, modelVersion: 'm', riskScore: 90, riskLevel: 'critical' },
        score: { ...score, contributors: contributors as typeof score.contributors },
      });
    await predicted(own, dealer.id, [reason(99, 'An older reason')], secondsAgo(100));
    await predicted(own, dealer.id, [
      reason(3, 'Small'),
      reason(40, 'Coolant is low on 1XKYDP9X0RJ000001 of (801) 555-0142, for 3 days'),
      reason(-5, 'Young'),
    ]);
    await predicted(theirs, customer.id, [reason(20, 'Soot is high')]);
    await predicted(foreign, customer.id, [reason(20, 'Not theirs to see')]);
    const answer = await call('GET', '/displays/me', { token });
    expect(answer.status).toBe(200);
    const board = ownBoardSchema.parse(answer.body.data);
    expect(board).toEqual({
      display: { id, name: 'Bay 3', locationName: 'North shop', layout: 'rotate', isAsleep: true },
      tenant: { id: dealer.id, name: dealer.name, timeZone: 'Europe/Berlin', units: 'metric' },
      linkedTenants: [{ id: customer.id, name: customer.name }],
      reasons: { [own]: 'Coolant is low on …RJ000001 of [phone]', [theirs]: 'Soot is high' },
      inbound: [],
    });
    const tag = answer.headers.get('etag') ?? '';
    expect((await call('GET', '/displays/me', { token, headers: { 'if-none-match': tag } })).status).toBe(304);
  });
});
