/** Keeping people out, letting them in again, deleting them; and what two administrators do to each other at once. */
import { env } from 'cloudflare:workers';
import { and, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import type { Role } from '#contracts/roles';
import type { User } from '#contracts/users';
import { auditEntriesOf, call, db, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { trailOfJob } from '#worker/audit/trail';
import { openDatabase } from '#worker/db/client';
import { invitations, sessions, tenants, users, vehicles } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { hashPassword } from '../auth/passwords.ts';
import { deletePerson } from './change.ts';
import { getPerson } from './store.ts';

const password = 'Right-Word-2026!';
const passwordHash = await hashPassword(password);

async function staffed(...others: Role[]) {
  const home = await tenant();
  const admin = await person(home, 'fleet_admin', { passwordHash });
  const rest = await Promise.all(others.map((role) => person(home, role, { passwordHash })));
  return { home, admin, rest };
}
const read = async (userId: string) => (await db.select().from(users).where(eq(users.id, userId)))[0];
const actions = async (home: TestTenant) => (await auditEntriesOf(home.id)).map(({ action }) => action);

describe('suspending', () => {
  const suspend = (token: string, userId: string) => call('POST', `/users/${userId}/suspend`, { token });

  test('ends every session now; signing in says why; activating lets in again', async () => {
    const { home, admin, rest } = await staffed('dispatcher');
    const { token = '', userId = '', email = '', sessionId = '' } = rest[0] ?? {};
    const answer = await suspend(admin.token, userId);
    expect(answer.body.data).toMatchObject({ id: userId, isDeactivated: true });
    const next = await call('GET', '/auth/me', { token });
    expect([next.status, next.body.error.code]).toEqual([401, 'USER_TOKENS_REVOKED']);
    const signIn = await call('POST', '/auth/login', { body: { email, password } });
    expect([signIn.status, signIn.body.error.code]).toEqual([403, 'ACCOUNT_DEACTIVATED']);
    const [session] = await db.select().from(sessions).where(eq(sessions.id, sessionId));
    expect(session?.endReason).toBe('suspended');
    expect((await suspend(admin.token, userId)).status).toBe(200);
    const back = await call('POST', `/users/${userId}/activate`, { token: admin.token });
    expect(back.body.data).toMatchObject({ isDeactivated: false });
    expect((await call('GET', '/auth/me', { token })).status).toBe(401);
    expect((await call('POST', '/auth/login', { body: { email, password } })).status).toBe(200);
    const written = (await actions(home)).filter((action) => action.startsWith('user.'));
    expect(written).toEqual(['user.suspend', 'user.activate']);
  });

  test('activating opens an address that wrong passwords have shut', async () => {
    const { home, admin, rest } = await staffed('technician');
    const { userId = '', email = '' } = rest[0] ?? {};
    const signIn = (word: string) => call('POST', '/auth/login', { body: { email, password: word } });
    for (let guess = 0; guess < 3; guess += 1) await signIn('wrong');
    expect((await signIn(password)).status).toBe(423);
    const shut = await call('GET', `/users/${userId}`, { token: admin.token });
    expect(Date.parse((shut.body.data as User).lockedUntil ?? '')).toBeGreaterThan(Date.now());
    const open = await call('POST', `/users/${userId}/activate`, { token: admin.token });
    expect(open.body.data).toMatchObject({ lockedUntil: null, isDeactivated: false });
    expect((await signIn(password)).status).toBe(200);
    expect(await actions(home)).toContain('user.unlock');
  });

  test('nobody suspends themselves', async () => {
    const { admin } = await staffed('fleet_admin');
    expect((await suspend(admin.token, admin.userId)).body.error.code).toBe('CONFLICT');
  });

  test('two administrators who suspend each other at once leave one', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { home, admin, rest } = await staffed('fleet_admin');
      const other = rest[0] ?? admin;
      const answers = await Promise.all([suspend(admin.token, other.userId), suspend(other.token, admin.userId)]);
      const left = await db
        .select()
        .from(users)
        .where(and(eq(users.tenantId, home.id), eq(users.isDeactivated, false)));
      expect(left).toHaveLength(1);
      // The loser hears that they are the last one, or that they are out by now.
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)[0]).toBe(200);
      expect([401, 409]).toContain(Math.max(...answers.map(({ status }) => status)));
      expect((await actions(home)).filter((action) => action === 'user.suspend')).toHaveLength(1);
    }
  });

  test('an administrator who has no way in yet does not count', async () => {
    const { home, admin } = await staffed();
    const body = { email: `second.${home.id}@fleet.example`, name: 'Second', role: 'fleet_admin' };
    await call('POST', '/users', { token: admin.token, body });
    const operator = await person(null, 'super_admin');
    expect((await suspend(operator.token, admin.userId)).status).toBe(409);
    expect((await call('GET', '/auth/me', { token: admin.token })).status).toBe(200);
  });
});

describe('DELETE /users/:id', () => {
  const remove = (token: string, userId: string) => call('DELETE', `/users/${userId}`, { token });

  test('they are out, the address is free, their trucks have no driver, what they did keeps their id', async () => {
    const { home, admin, rest } = await staffed('driver');
    const { token = '', userId = '', email = '' } = rest[0] ?? {};
    const vehicleId = await truck(home, { assignedDriverId: userId });
    const answer = await remove(admin.token, userId);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect((await call('GET', '/auth/me', { token })).status).toBe(401);
    expect((await call('GET', `/users/${userId}`, { token: admin.token })).status).toBe(404);
    expect((await remove(admin.token, userId)).status).toBe(404);
    expect((await call('POST', '/auth/login', { body: { email, password } })).status).toBe(401);
    expect(await read(userId)).toMatchObject({ name: 'Person driver', passwordHash: null });
    const [vehicle] = await db.select().from(vehicles).where(eq(vehicles.id, vehicleId));
    expect(vehicle?.assignedDriverId).toBeNull();
    const [counted] = await db.select().from(tenants).where(eq(tenants.id, home.id));
    expect(counted?.changeCounter).toBe(1);
    const entry = (await auditEntriesOf(home.id)).find(({ action }) => action === 'user.delete');
    expect(JSON.parse(entry?.before ?? '')).toMatchObject({ email, assignedVehicleIds: [vehicleId] });
    const again = { email, name: 'Next', role: 'driver', password };
    expect((await call('POST', '/users', { token: admin.token, body: again })).status).toBe(201);
  });

  test('a truck that cannot be freed keeps them; one given to them in this moment makes it stale', async () => {
    const { home, admin, rest } = await staffed('driver');
    const { userId = '' } = rest[0] ?? {};
    await truck(home, { assignedDriverId: userId });
    await env.DB.prepare(
      `CREATE TRIGGER broken BEFORE UPDATE OF assigned_driver_id ON vehicles BEGIN SELECT RAISE(ABORT, 'x'); END`,
    ).run();
    try {
      expect((await remove(admin.token, userId)).status).toBe(500);
    } finally {
      await env.DB.prepare('DROP TRIGGER broken').run();
    }
    expect(await read(userId)).toMatchObject({ deletedAt: null });
    const scope = scopeForJob(home.id);
    const row = await getPerson(scope, db, userId);
    if (row === null) throw new Error('gone');
    /** Somebody gives them another truck right before the batch. */
    const busy = new Proxy(env.DB, {
      get(target, property) {
        if (property === 'batch') {
          return async (statements: D1PreparedStatement[]) => {
            await truck(home, { assignedDriverId: userId });
            return target.batch(statements);
          };
        }
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const result = await deletePerson(scope, openDatabase(busy), trailOfJob(new Date()), row, new Date());
    expect(result).toEqual({ kind: 'stale' });
    expect(await db.$count(vehicles, eq(vehicles.assignedDriverId, userId))).toBe(2);
    const done = await deletePerson(scope, db, trailOfJob(new Date()), row, new Date());
    expect(done).toMatchObject({ kind: 'changed', counters: [1] });
    expect('freedVehicleIds' in done && done.freedVehicleIds).toHaveLength(2);
  });

  test('an open invitation of theirs leads nowhere', async () => {
    const { home, admin } = await staffed();
    const email = `leaver.${home.id}@fleet.example`;
    const made = await call('POST', '/users', { token: admin.token, body: { email, name: 'L', role: 'viewer' } });
    expect((await remove(admin.token, (made.body.data as User).id)).status).toBe(204);
    const [invitation] = await db.select().from(invitations).where(eq(invitations.email, email));
    expect(invitation?.revokedAt).not.toBeNull();
  });

  test('never oneself, and never the last administrator, from two sides at once', async () => {
    const { home, admin, rest } = await staffed('fleet_admin');
    const other = rest[0] ?? admin;
    expect((await remove(admin.token, admin.userId)).status).toBe(409);
    await Promise.all([remove(admin.token, other.userId), remove(other.token, admin.userId)]);
    const left = await db.select().from(users).where(eq(users.tenantId, home.id));
    expect(left.filter((row) => row.deletedAt === null)).toHaveLength(1);
    const operator = await person(null, 'super_admin');
    expect((await remove(operator.token, left.find((row) => row.deletedAt === null)?.id ?? '')).status).toBe(409);
  });
});
