import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import type { Role } from '#contracts/roles';
import { userSchema, type User } from '#contracts/users';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { call, db, link, person, tenant, type TestTenant } from '#test/workers/harness';
import { auditLog, auditOutbox, invitations, mailOutbox, users } from '#worker/db/schema/index';
import { hashPassword } from '../auth/passwords.ts';

const password = 'Right-Word-2026!';
const passwordHash = await hashPassword(password);
const never = '01900000-0000-7000-8000-000000000000';

for (const [method, path, takesBody] of [
  ['GET', '/users', false],
  ['POST', '/users', true],
] as const) {
  const route = { method, path: () => path, permission: 'users:manage', namesThing: false, takesBody } as const;
  commonRouteTests(`${method} ${path}`, route);
}
for (const [method, end, takesBody] of [
  ['GET', '', false],
  ['PATCH', '', true],
  ['DELETE', '', false],
  ['POST', '/suspend', false],
  ['POST', '/activate', false],
] as const) {
  commonRouteTests(`${method} /users/:id${end}`, {
    method,
    path: async (owner) => `/users/${(await person(owner, 'viewer')).userId}${end}`,
    permission: 'users:manage',
    namesThing: true,
    takesBody,
  });
}

async function staffed(...others: Role[]) {
  const home = await tenant();
  const admin = await person(home, 'fleet_admin', { passwordHash });
  const rest = await Promise.all(others.map((role) => person(home, role, { passwordHash })));
  return { home, admin, rest };
}
const read = async (userId: string) => (await db.select().from(users).where(eq(users.id, userId)))[0];
const actions = async (home: TestTenant) => {
  const waiting = await db.select().from(auditOutbox).where(eq(auditOutbox.chain, home.id));
  const chained = await db.select().from(auditLog).where(eq(auditLog.chain, home.id));
  return [...chained, ...waiting].map(({ action }) => action);
};
const listed = (answer: { body: unknown }) => (answer.body as { data: User[] }).data;

describe('GET /users', () => {
  test('shows the own tenant’s people and nobody else’s: no linked customer’s, no operator, no deleted one', async () => {
    const [dealer, customer] = [await tenant('dealer'), await tenant()];
    await link(dealer, customer);
    const admin = await person(dealer, 'dealer_admin');
    const gone = await person(dealer, 'viewer');
    await db.update(users).set({ deletedAt: new Date().toISOString() }).where(eq(users.id, gone.userId));
    await person(customer, 'fleet_admin');
    const answer = await call('GET', '/users', { token: admin.token });
    expect(listed(answer).map(({ id }) => id)).toEqual([admin.userId]);
    expect(answer.body.meta).toEqual({ total: 1, page: 1, pageSize: 20 });
    for (const row of listed(answer)) expect(userSchema.strict().parse(row)).toEqual(row);
    expect(answer.text).not.toContain('scrypt');
    expect((await call('GET', `/users?tenantId=${customer.id}`, { token: admin.token })).status).toBe(404);
  });

  test('is filtered by name or address and by role, in pages', async () => {
    const { admin, rest, home } = await staffed('viewer', 'viewer', 'driver');
    const [viewer] = rest;
    await db
      .update(users)
      .set({ name: 'Zoë 100% Näme' })
      .where(eq(users.id, viewer?.userId ?? ''));
    const ask = async (query: string) => listed(await call('GET', `/users?${query}`, { token: admin.token }));
    expect((await ask(`q=${encodeURIComponent('zoë 100%')}`)).map(({ id }) => id)).toEqual([viewer?.userId]);
    expect((await ask(`q=${viewer?.email.toUpperCase()}`)).map(({ id }) => id)).toEqual([viewer?.userId]);
    expect(await ask('role=viewer')).toHaveLength(2);
    expect(await ask('role=viewer&pageSize=1&page=2')).toHaveLength(1);
    expect(await ask(`tenantId=${home.id}`)).toHaveLength(4);
    expect((await call('GET', '/users?role=king', { token: admin.token })).status).toBe(400);
    expect((await call('GET', '/users?nope=1', { token: admin.token })).status).toBe(400);
  });

  test('the operator sees everybody, or one tenant’s people', async () => {
    const { home, admin } = await staffed();
    const operator = await person(null, 'super_admin');
    const one = listed(await call('GET', `/users?tenantId=${home.id}`, { token: operator.token }));
    expect(one.map(({ id }) => id)).toEqual([admin.userId]);
    const all = listed(await call('GET', '/users?pageSize=100&role=super_admin', { token: operator.token }));
    expect(all.map(({ id }) => id)).toContain(operator.userId);
    expect((await call('GET', `/users?tenantId=${never}`, { token: operator.token })).status).toBe(404);
  });
});

describe('POST /users', () => {
  const enter = (token: string, body: object, more = {}) => call('POST', '/users', { token, body, ...more });

  test('with a password: they may sign in at once', async () => {
    const { home, admin } = await staffed();
    const body = { email: 'New.Driver@Fleet.example', name: 'New Driver', role: 'driver', password };
    const answer = await enter(admin.token, body);
    expect(answer.status, answer.text).toBe(201);
    expect(answer.body.data).toMatchObject({
      email: 'new.driver@fleet.example',
      role: 'driver',
      tenantId: home.id,
      hasSignedUp: true,
      isDeactivated: false,
      lastSeenAt: null,
    });
    const signIn = await call('POST', '/auth/login', { body: { email: body.email, password } });
    expect(signIn.status).toBe(200);
    expect(await actions(home)).toContain('user.create');
  });

  test('without one: they are on the list, and an invitation is mailed', async () => {
    const { home, admin } = await staffed();
    const email = `invited.${home.id}@fleet.example`;
    const answer = await enter(admin.token, { email, name: 'Invited', role: 'viewer' });
    expect(answer.body.data).toMatchObject({ hasSignedUp: false });
    const [open] = await db.select().from(invitations).where(eq(invitations.email, email));
    expect(open).toMatchObject({ tenantId: home.id, userId: (answer.body.data as User).id, acceptedAt: null });
    const mails = await db.select().from(mailOutbox).where(eq(mailOutbox.tenantId, home.id));
    expect(mails.map(({ template }) => template)).toEqual(['invitation']);
    expect(await actions(home)).toEqual(['user.create', 'invitation.create']);
  });

  test('an address in use anywhere is 409 and says nothing of where', async () => {
    const { admin, rest } = await staffed('viewer');
    const elsewhere = await person(await tenant(), 'viewer');
    const own = await enter(admin.token, { email: rest[0]?.email, name: 'Twice', role: 'viewer', password });
    const foreign = await enter(admin.token, { email: elsewhere.email, name: 'Twice', role: 'viewer', password });
    expect([own.status, foreign.status]).toEqual([409, 409]);
    expect({ ...own.body.error, requestId: '' }).toEqual({ ...foreign.body.error, requestId: '' });
  });

  test('of many at once with one address one is made, and one mail is written', async () => {
    const { home, admin } = await staffed();
    const body = { email: `race.${home.id}@fleet.example`, name: 'Race', role: 'viewer' };
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => enter(admin.token, body)))).map(
      (a) => a.status,
    );
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(4);
    expect(await db.select().from(mailOutbox).where(eq(mailOutbox.tenantId, home.id))).toHaveLength(1);
    expect(await actions(home)).toEqual(['user.create', 'invitation.create']);
  });

  test('the same Idempotency-Key and body makes one person', async () => {
    const { home, admin } = await staffed();
    const body = { email: `again.${home.id}@fleet.example`, name: 'Again', role: 'viewer', password };
    const headers = { 'idempotency-key': 'again-1' };
    const [first, second] = [await enter(admin.token, body, { headers }), await enter(admin.token, body, { headers })];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.data).toEqual(first.body.data);
  });

  test('a role of another kind of tenant is 400, super_admin too', async () => {
    const { admin } = await staffed();
    for (const role of ['dealer_admin', 'super_admin', 'king']) {
      const answer = await enter(admin.token, { email: 'x@fleet.example', name: 'X', role, password });
      expect([answer.status, answer.body.error.code]).toEqual([400, 'VALIDATION_FAILED']);
    }
  });

  test('weak passwords and broken addresses and names are 400', async () => {
    const { admin } = await staffed();
    const good = { email: 'ok@fleet.example', name: 'Ok', role: 'viewer' };
    for (const wrong of [
      { password: 'short' },
      { email: 'no-address' },
      { email: `${'a'.repeat(1000)}@fleet.example` },
      { name: 'two\nlines' },
      { name: '  ' },
    ]) {
      expect((await enter(admin.token, { ...good, ...wrong })).status).toBe(400);
    }
  });

  test('the operator must say in which tenant', async () => {
    const home = await tenant('dealer');
    const { token } = await person(null, 'super_admin');
    const body = { email: `boss.${home.id}@dealer.example`, name: 'Boss', role: 'dealer_admin', password };
    expect((await enter(token, body)).status).toBe(400);
    const answer = await call('POST', `/users?tenantId=${home.id}`, { token, body });
    expect([answer.status, (answer.body.data as User).tenantId]).toEqual([201, home.id]);
  });

  test('SQL in every field is text', async () => {
    const { admin } = await staffed();
    const name = "Robert'); DROP TABLE users;--";
    const answer = await enter(admin.token, { email: 'bobby@fleet.example', name, role: 'viewer', password });
    expect((answer.body.data as User).name).toBe(name);
    expect(listed(await call('GET', `/users?q=${encodeURIComponent(name)}`, { token: admin.token }))).toHaveLength(1);
  });
});

describe('PATCH /users/:id', () => {
  const change = (token: string, userId: string, body: object, headers = {}) =>
    call('PATCH', `/users/${userId}`, { token, body, headers });

  test('a changed role holds on the next request with the same token', async () => {
    const { home, admin, rest } = await staffed('viewer');
    const [viewer] = rest;
    expect((await call('GET', '/users', { token: viewer?.token })).status).toBe(403);
    const answer = await change(admin.token, viewer?.userId ?? '', { role: 'fleet_admin' });
    expect(answer.body.data).toMatchObject({ role: 'fleet_admin', name: 'Person viewer' });
    expect((await call('GET', '/users', { token: viewer?.token })).status).toBe(200);
    await change(admin.token, viewer?.userId ?? '', { role: 'shipper' });
    expect((await call('GET', '/vehicles', { token: viewer?.token })).status).toBe(403);
    expect(await actions(home)).toEqual(expect.arrayContaining(['user.update', 'user.update']));
  });

  test('what is not mentioned stays, and nothing new writes nothing', async () => {
    const { home, admin, rest } = await staffed('viewer');
    const userId = rest[0]?.userId ?? '';
    expect((await change(admin.token, userId, { name: 'New Name' })).body.data).toMatchObject({
      name: 'New Name',
      role: 'viewer',
    });
    expect((await change(admin.token, userId, {})).status).toBe(200);
    expect((await change(admin.token, userId, { name: 'New Name', role: 'viewer' })).status).toBe(200);
    expect(await actions(home)).toEqual(['user.update']);
  });

  test('If-Match: the state that was read, or 412', async () => {
    const { admin, rest } = await staffed('viewer');
    const userId = rest[0]?.userId ?? '';
    const got = await call('GET', `/users/${userId}`, { token: admin.token });
    const tag = got.headers.get('etag') ?? '';
    const again = await call('GET', `/users/${userId}`, { token: admin.token, headers: { 'if-none-match': tag } });
    expect(again.status).toBe(304);
    expect((await change(admin.token, userId, { name: 'One' }, { 'if-match': tag })).status).toBe(200);
    const late = await change(admin.token, userId, { name: 'Two' }, { 'if-match': tag });
    expect([late.status, late.body.error.code]).toEqual([412, 'PRECONDITION_FAILED']);
    expect((await read(userId))?.name).toBe('One');
    const now = (await call('GET', `/users/${userId}`, { token: admin.token })).headers.get('etag') ?? '';
    const race = ['Three', 'Four', 'Five'].map((name) => change(admin.token, userId, { name }, { 'if-match': now }));
    expect((await Promise.all(race)).map(({ status }) => status).sort()).toEqual([200, 412, 412]);
  });

  test('nobody changes their own role, but everybody their name', async () => {
    const { admin } = await staffed('fleet_admin');
    expect((await change(admin.token, admin.userId, { role: 'viewer' })).body.error.code).toBe('CONFLICT');
    expect((await change(admin.token, admin.userId, { name: 'Me', role: 'fleet_admin' })).status).toBe(200);
  });

  test('an administrator may demote another; the operator cannot demote the last', async () => {
    const { home, admin, rest } = await staffed('fleet_admin');
    const operator = await person(null, 'super_admin');
    expect((await change(admin.token, rest[0]?.userId ?? '', { role: 'viewer' })).status).toBe(200);
    const last = await change(operator.token, admin.userId, { role: 'viewer' });
    expect([last.status, last.body.error.code]).toEqual([409, 'CONFLICT']);
    expect((await read(admin.userId))?.role).toBe('fleet_admin');
    expect((await change(operator.token, admin.userId, { role: 'dealer_admin' })).status).toBe(400);
    expect((await actions(home)).filter((action) => action === 'user.update')).toHaveLength(1);
  });
});
