import { eq } from 'drizzle-orm';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { invitationSchema, type Invitation, type User } from '#contracts/users';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { call, db, link, person, tenant } from '#test/workers/harness';
import { invitations, mailOutbox, users } from '#worker/db/schema/index';
import { configOf } from '#worker/env';
import { newId } from '#worker/ids';
import { mailVaultOwner, messagePlace } from '#worker/mail/store';
import { openVault } from '#worker/secrets/vault';

for (const [method, takesBody] of [
  ['GET', false],
  ['POST', true],
] as const) {
  commonRouteTests(`${method} /users/invitations`, {
    method,
    path: () => '/users/invitations',
    permission: 'users:manage',
    namesThing: false,
    takesBody,
  });
}
commonRouteTests('DELETE /users/invitations/:id', {
  method: 'DELETE',
  path: async (owner) => {
    const id = newId();
    const at = new Date().toISOString();
    await db.insert(invitations).values({
      ...{ id, tenantId: owner.id, email: `${id}@x.example`, role: 'viewer', tokenHash: id, invitedBy: id },
      ...{ createdAt: at, expiresAt: at },
    });
    return `/users/invitations/${id}`;
  },
  permission: 'users:manage',
  namesThing: true,
  takesBody: false,
});

const invite = (token: string, email: string, role = 'viewer', query = '') =>
  call('POST', `/users/invitations${query}`, { token, body: { email, role } });
const list = async (token: string) =>
  ((await call('GET', '/users/invitations', { token })).body as { data: Invitation[] }).data;
const dataOf = (answer: { body: unknown }) => (answer.body as { data: Invitation }).data;

describe('invitations', () => {
  test('one is mailed, listed, and never shows its token', async () => {
    const home = await tenant();
    const { token, userId } = await person(home, 'fleet_admin');
    const answer = await invite(token, 'New.Person@fleet.example', 'technician');
    expect(answer.status, answer.text).toBe(201);
    expect(invitationSchema.strict().parse(dataOf(answer))).toMatchObject({
      tenantId: home.id,
      email: 'new.person@fleet.example',
      role: 'technician',
      userId: null,
      invitedBy: userId,
    });
    expect(await list(token)).toEqual([dataOf(answer)]);
    expect(answer.text).not.toMatch(/token|inv_|hash/i);
    const [mail] = await db.select().from(mailOutbox).where(eq(mailOutbox.tenantId, home.id));
    expect(mail?.template).toBe('invitation');
    expect(JSON.stringify(mail)).not.toContain('new.person');
  });

  test('again for the same address replaces the open one, however many at once', async () => {
    const home = await tenant();
    const { token } = await person(home, 'fleet_admin');
    const first = await invite(token, 'again@fleet.example');
    const more = await Promise.all([1, 2].map(() => invite(token, 'again@fleet.example', 'driver')));
    expect(more.map(({ status }) => status)).toEqual([201, 201]);
    const open = await list(token);
    expect(open).toHaveLength(1);
    expect(open[0]?.id).not.toBe(dataOf(first).id);
    expect(open[0]?.role).toBe('driver');
  });

  test('an address is mailed three times an hour, however many at once: then 429, and nothing is written', async () => {
    const home = await tenant();
    const { token } = await person(home, 'fleet_admin');
    const email = `often.${home.id}@fleet.example`;
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => invite(token, email)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, 429, 429]);
    const entered = await call('POST', '/users', { token, body: { email, name: 'Entered', role: 'viewer' } });
    expect([entered.status, entered.body.error.code]).toEqual([429, 'RATE_LIMITED']);
    const retryAfter = Number(entered.headers.get('retry-after'));
    expect([retryAfter > 3_500, retryAfter <= 3_600]).toEqual([true, true]);
    expect(await db.$count(mailOutbox, eq(mailOutbox.tenantId, home.id))).toBe(3);
    expect(await db.$count(invitations, eq(invitations.tenantId, home.id))).toBe(3);
    expect(await db.$count(users, eq(users.email, email))).toBe(0);
    // Of the three none is lost: the last to come replaced the others, a refused one replaces nothing.
    expect(await list(token)).toHaveLength(1);
    const other = await person(await tenant(), 'fleet_admin');
    expect((await invite(other.token, email)).status).toBe(201);
    const hourAgo = new Date(Date.now() - 3_601_000).toISOString();
    await db.update(invitations).set({ createdAt: hourAgo }).where(eq(invitations.tenantId, home.id));
    expect((await invite(token, email)).status).toBe(201);
  });

  test('a tenant mails a hundred invitations a day', async () => {
    const home = await tenant();
    const { token } = await person(home, 'fleet_admin');
    const at = new Date(Date.now() - 23 * 3_600_000).toISOString();
    const sent = (n: number) => ({
      ...{ id: newId(), tenantId: home.id, email: `n${n}@x.example`, role: 'viewer' as const, tokenHash: newId() },
      ...{ invitedBy: home.id, createdAt: at, expiresAt: at, revokedAt: n % 2 === 0 ? at : null },
    });
    for (let n = 0; n < 100; n += 4) {
      await db.insert(invitations).values([sent(n), sent(n + 1), sent(n + 2), sent(n + 3)]);
    }
    const refused = await invite(token, `more.${home.id}@fleet.example`);
    expect([refused.status, refused.body.error.code]).toEqual([429, 'RATE_LIMITED']);
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect([retryAfter > 3_500, retryAfter <= 3_600]).toEqual([true, true]);
  });

  test('entering and deleting somebody again and again greets them three times an hour', async () => {
    const home = await tenant();
    const { token } = await person(home, 'fleet_admin');
    const email = `greeted.${home.id}@fleet.example`;
    for (let n = 0; n < 5; n += 1) {
      const body = { email, name: 'Greeted', role: 'viewer', password: 'Right-Word-2026!' };
      const made = await call('POST', '/users', { token, body });
      expect(made.status, made.text).toBe(201);
      expect((await call('DELETE', `/users/${(made.body.data as User).id}`, { token })).status).toBe(204);
    }
    expect(await db.$count(mailOutbox, eq(mailOutbox.tenantId, home.id))).toBe(3);
  });

  test('an address in use is 409, in the own tenant and elsewhere alike', async () => {
    const home = await tenant();
    const { token } = await person(home, 'fleet_admin');
    const [own, foreign] = [await person(home, 'viewer'), await person(await tenant(), 'viewer')];
    await db.update(users).set({ passwordHash: 'x' }).where(eq(users.id, own.userId));
    const answers = [await invite(token, own.email), await invite(token, foreign.email)];
    expect(answers.map(({ status }) => status)).toEqual([409, 409]);
    expect(answers[0]?.body.error.message).toBe(answers[1]?.body.error.message);
    expect(await list(token)).toEqual([]);
  });

  test('somebody who was entered and has not signed up is sent another link, in their role', async () => {
    const home = await tenant();
    const { token } = await person(home, 'fleet_admin');
    const email = `entered.${home.id}@fleet.example`;
    const made = await call('POST', '/users', { token, body: { email, name: 'Entered', role: 'viewer' } });
    expect((await invite(token, email, 'driver')).status).toBe(409);
    const again = await invite(token, email, 'viewer');
    expect(again.status).toBe(201);
    expect(dataOf(again).userId).toBe((made.body.data as User).id);
    expect(await list(token)).toHaveLength(1);
  });

  test('a role of another kind of tenant, super_admin or nobody knows is 400', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    for (const role of ['dealer_admin', 'super_admin', 'king']) {
      expect((await invite(token, 'x@fleet.example', role)).status).toBe(400);
    }
  });

  test('revoked, its link leads nowhere, and a second time there is nothing to revoke', async () => {
    const home = await tenant();
    const { token } = await person(home, 'fleet_admin');
    const { id } = dataOf(await invite(token, `revoked.${home.id}@fleet.example`));
    const revoke = () => call('DELETE', `/users/invitations/${id}`, { token });
    expect((await revoke()).status).toBe(204);
    expect((await revoke()).status).toBe(404);
    expect(await list(token)).toEqual([]);
  });

  test('links open no invitations; the operator names the tenant', async () => {
    const [dealer, customer] = [await tenant('dealer'), await tenant()];
    await link(dealer, customer);
    const theirs = await person(customer, 'fleet_admin');
    const { id } = dataOf(await invite(theirs.token, `c.${customer.id}@fleet.example`));
    const { token } = await person(dealer, 'dealer_admin');
    expect(await list(token)).toEqual([]);
    expect((await call('DELETE', `/users/invitations/${id}`, { token })).status).toBe(404);
    expect((await invite(token, 'y@fleet.example', 'viewer', `?tenantId=${customer.id}`)).status).toBe(404);
    const operator = await person(null, 'super_admin');
    expect((await invite(operator.token, 'z@fleet.example')).status).toBe(400);
    const asOperator = await invite(operator.token, 'z@fleet.example', 'viewer', `?tenantId=${customer.id}`);
    expect(asOperator.status).toBe(201);
    expect((await call('DELETE', `/users/invitations/${id}`, { token: operator.token })).status).toBe(204);
  });

  test('accepted through the mailed link: the person is there with the role, and the link works once', async () => {
    const home = await tenant();
    const { token } = await person(home, 'fleet_admin');
    const email = `joins.${home.id}@fleet.example`;
    await invite(token, email, 'dispatcher');
    const [mail] = await db.select().from(mailOutbox).where(eq(mailOutbox.tenantId, home.id));
    const vault = await openVault(db, configOf(env), mailVaultOwner);
    const letter = await vault.open(mail?.messageSealed ?? '', messagePlace(mail?.id ?? ''));
    const mailed = /accept-invitation\?token=([A-Za-z0-9_-]+)/.exec(letter)?.[1];
    const body = { token: mailed, name: 'Joins', password: 'Right-Word-2026!' };
    const answer = await call('POST', '/auth/accept-invitation', { body });
    expect(answer.status, answer.text).toBeLessThan(300);
    const people = (await call('GET', '/users?role=dispatcher', { token })).body as { data: User[] };
    expect(people.data).toMatchObject([{ email, name: 'Joins', hasSignedUp: true, tenantId: home.id }]);
    expect(people.data[0]?.lastSeenAt).not.toBeNull();
    expect(await list(token)).toEqual([]);
    expect((await call('POST', '/auth/accept-invitation', { body })).status).toBeGreaterThanOrEqual(400);
  });
});
