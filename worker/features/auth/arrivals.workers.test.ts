import { env } from 'cloudflare:workers';
import { and, eq, isNull } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { invitationPreviewSchema, signInResultSchema } from '#contracts/auth';
import { permissionsOf, type Role } from '#contracts/roles';
import { tenantSchema } from '#contracts/tenants';
import { userSchema } from '#contracts/users';
import { account, auditOf, password, signedIn, signIn, userRow } from '#test/workers/accounts';
import { call, db, origin, person, tenant, type TestTenant } from '#test/workers/harness';
import { mailTo } from '#test/workers/mail';
import { testSecrets } from '#test/secrets';
import { createApp } from '#worker/app';
import { invitations, tenants, users } from '#worker/db/schema/index';
import type { Env } from '#worker/env';
import { hashToken, newOpaqueToken } from '#worker/http/tokens';
import { newId } from '#worker/ids';

// Hashing a password is slow on purpose, and a machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

const refused = (answer: Awaited<ReturnType<typeof call>>) => [answer.status, answer.body.error?.code];
const newAddress = () => `new-${crypto.randomUUID()}@tenant.example`;

interface Invitation {
  id: string;
  token: string;
  email: string;
  of: TestTenant;
}

async function invited(
  fields: Partial<typeof invitations.$inferInsert> = {},
  { of, role = 'technician' }: { of?: TestTenant; role?: Role } = {},
): Promise<Invitation> {
  const owner = of ?? (await tenant());
  const [id, token] = [newId(), newOpaqueToken('inv_')];
  const now = Date.now();
  const row = {
    ...{ id, tenantId: owner.id, email: newAddress(), role, invitedBy: newId() },
    ...{ tokenHash: await hashToken(token), createdAt: new Date(now).toISOString() },
    expiresAt: new Date(now + 7 * 86_400_000).toISOString(),
    ...fields,
  };
  await db.insert(invitations).values(row);
  return { id, token, email: row.email, of: owner };
}

const accept = (token: string, more: object = {}) =>
  call('POST', '/auth/accept-invitation', { body: { token, name: 'New Person', password, ...more } });
const livePeople = (email: string) =>
  db
    .select()
    .from(users)
    .where(and(eq(users.email, email), isNull(users.deletedAt)));

/** The Worker with another configuration. */
async function callWith(changes: Partial<Env>, path: string, body?: object) {
  const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
  const answer = await createApp().request(
    `${origin}/api/v1${path}`,
    body === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
    { ...env, ...changes },
    ctx as unknown as ExecutionContext,
  );
  return {
    status: answer.status,
    body: await answer.json<{ data?: unknown; error: { code: string; details?: unknown } }>(),
  };
}

describe('POST /auth/accept-invitation', () => {
  test('unknown, used, revoked, run out, and into a closed tenant: the same 400', async () => {
    const unknown = await accept('inv_invented');
    expect(refused(unknown)).toEqual([400, 'VALIDATION_FAILED']);
    const past = '2026-01-01T00:00:00.000Z';
    const closed = await invited();
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, closed.of.id));
    const suspended = await person(await tenant(), 'viewer');
    await db.update(users).set({ isDeactivated: true }).where(eq(users.id, suspended.userId));
    for (const { token, email } of [
      await invited({ acceptedAt: past }),
      await invited({ revokedAt: past }),
      await invited({ expiresAt: past }),
      await invited({ userId: suspended.userId }),
      closed,
    ]) {
      const { error } = (await accept(token)).body;
      expect({ ...error, requestId: '' }).toEqual({ ...unknown.body.error, requestId: '' });
      expect(await livePeople(email)).toEqual([]);
    }
  });

  test.each([{ name: '' }, { name: 'a\u202Eb' }, { password: 'weak' }, { role: 'super_admin' }, { tenantId: newId() }])(
    '%j is 400, and leaves the invitation open',
    async (wrong) => {
      const { token } = await invited();
      expect(refused(await accept(token, wrong))).toEqual([400, 'VALIDATION_FAILED']);
      expect((await accept(token)).status).toBe(201);
    },
  );

  test('an address that has an account by now is 409, and nobody is changed', async () => {
    const other = await account();
    const { token, of } = await invited({ email: other.email });
    expect(refused(await accept(token))).toEqual([409, 'CONFLICT']);
    expect(await userRow(other.userId)).toMatchObject({ tenantId: other.of?.id, name: 'Person fleet_admin' });
    expect((await auditOf(of.id)).some((entry) => entry.includes('success'))).toBe(false);
  });

  test('makes the person, signs them in, and is over', async () => {
    const { token, email, of, id } = await invited();
    const answer = await accept(token);
    expect(answer.status).toBe(201);
    const result = signInResultSchema.parse(answer.body.data);
    expect(result.refreshToken).toMatch(/^rt_/);
    expect(result.user).toMatchObject({
      ...{ email, name: 'New Person', role: 'technician', tenantId: of.id, tenantName: of.name },
      permissions: permissionsOf.technician,
    });
    expect((await call('GET', '/auth/me', { token: result.accessToken })).body.data).toEqual(result.user);
    expect((await signIn(email)).status).toBe(200);
    expect(refused(await accept(token))).toEqual([400, 'VALIDATION_FAILED']);
    expect((await auditOf(of.id)).slice(0, 3)).toEqual([
      'invitation.accept success',
      'user.create success',
      'session.create success',
    ]);
    const [row] = await db.select().from(invitations).where(eq(invitations.id, id));
    expect(row?.acceptedAt).not.toBeNull();
  });

  test('completes the person who was entered by name', async () => {
    const of = await tenant();
    const entered = await person(of, 'dispatcher');
    const { token } = await invited({ userId: entered.userId, email: entered.email, role: 'viewer' }, { of });
    const { user } = signInResultSchema.parse((await accept(token)).body.data);
    // The role is the person's by now, whatever stood in the invitation when it was sent.
    expect(user).toMatchObject({ id: entered.userId, role: 'dispatcher', name: 'New Person' });
    expect((await signIn(entered.email)).status).toBe(200);
  });

  test('of many at once one comes in', async () => {
    const { token, email, of } = await invited();
    const answers = await Promise.all(Array.from({ length: 4 }, () => accept(token)));
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    for (const answer of answers) expect([201, 400, 409]).toContain(answer.status);
    expect(await livePeople(email)).toHaveLength(1);
    expect((await auditOf(of.id)).filter((entry) => entry === 'user.create success')).toHaveLength(1);
  });

  test('into a tenant that requires a second factor: nothing is permitted yet', async () => {
    const { token } = await invited({}, { of: await tenant('fleet', { requireMfa: true }) });
    const { user } = signInResultSchema.parse((await accept(token)).body.data);
    expect(user).toMatchObject({ permissions: [], mfaSetupRequired: true });
  });

  test('for the dashboard the refresh token travels in the cookie', async () => {
    const { token } = await invited();
    const answer = await accept(token, { delivery: 'cookie' });
    expect(answer.body.data).not.toHaveProperty('refreshToken');
    expect(answer.headers.get('set-cookie')).toContain('HttpOnly');
  });
});

describe('POST /auth/invitation-preview', () => {
  const preview = (token: string, more: object = {}) =>
    call('POST', '/auth/invitation-preview', { body: { token, ...more } });

  test('of an invitation that lets nobody in: the very answer of accepting it, and a trace', async () => {
    const past = '2026-01-01T00:00:00.000Z';
    const closed = await invited();
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, closed.of.id));
    const suspended = await person(await tenant(), 'viewer');
    await db.update(users).set({ isDeactivated: true }).where(eq(users.id, suspended.userId));
    const ofSuspended = await invited({ userId: suspended.userId });
    for (const { token } of [
      await invited({ acceptedAt: past }),
      await invited({ revokedAt: past }),
      await invited({ expiresAt: past }),
      ofSuspended,
      closed,
    ]) {
      const [seen, tried] = [await preview(token), await accept(token)];
      expect(seen.status).toBe(tried.status);
      expect({ ...seen.body.error, requestId: '' }).toEqual({ ...tried.body.error, requestId: '' });
    }
    expect(await auditOf(ofSuspended.of.id)).toContain('invitation.preview denied invalid_invitation');
    expect(refused(await preview('inv_invented'))).toEqual([400, 'VALIDATION_FAILED']);
    expect(refused(await preview('x', { name: 'Kim' }))).toEqual([400, 'VALIDATION_FAILED']);
  });

  test('says who is invited to what by whom, and uses nothing up', async () => {
    const of = await tenant();
    const inviter = await person(of, 'fleet_admin');
    const { token, email } = await invited({ invitedBy: inviter.userId }, { of });
    const seen = invitationPreviewSchema.parse((await preview(token)).body.data);
    expect(seen).toEqual({
      ...{ email, tenantName: of.name, role: 'technician', invitedBy: 'Person fleet_admin' },
      ...{ name: null, needsName: true },
    });
    expect((await preview(token)).status).toBe(200);
    expect(await livePeople(email)).toEqual([]);
    expect((await accept(token)).status).toBe(201);
    expect(refused(await preview(token))).toEqual([400, 'VALIDATION_FAILED']);
  });

  test('of somebody entered by name: the name and role they have by now; an inviter who is gone has no name', async () => {
    const of = await tenant();
    const entered = await person(of, 'dispatcher');
    const { token } = await invited({ userId: entered.userId, email: entered.email, role: 'viewer' }, { of });
    expect((await preview(token)).body.data).toMatchObject({
      ...{ role: 'dispatcher', invitedBy: null, name: 'Person dispatcher', needsName: false },
    });
  });

  test('is limited like every place where secrets are guessed', async () => {
    const headers = { 'cf-connecting-ip': 'previewing' };
    const [seen, tried] = [
      await call('POST', '/auth/invitation-preview', { body: { token: 'inv_x' }, headers }),
      await call('POST', '/auth/accept-invitation', { body: { token: 'inv_x', name: 'N', password }, headers }),
    ];
    const left = [seen, tried].map((answer) => Number(answer.headers.get('ratelimit-remaining')));
    expect((left[0] ?? 0) - (left[1] ?? 0)).toBe(1);
  });
});

describe('GET /auth/options', () => {
  test('tells which ways in are open', async () => {
    const closed = await callWith({ SIGN_UP: 'false', SETUP_TOKEN: undefined }, '/auth/options');
    expect([closed.status, closed.body.data]).toEqual([200, { signUpOpen: false, setupOpen: false }]);
    const open = await callWith({ SIGN_UP: 'true' }, '/auth/options');
    expect(open.body.data).toEqual({ signUpOpen: true, setupOpen: true });
    expect(refused(await call('GET', '/auth/options?x=1'))).toEqual([400, 'VALIDATION_FAILED']);
  });
});

describe('POST /auth/sign-up', () => {
  const input = (more: object = {}) => ({
    ...{ company: 'Aspen Haul', name: 'Kim', email: newAddress(), password },
    ...more,
  });
  const signUp = (body: object) => call('POST', '/auth/sign-up', { body });

  test('is 403 while the operator has it closed', async () => {
    const body = input();
    const answer = await callWith({ SIGN_UP: 'false' }, '/auth/sign-up', body);
    expect([answer.status, answer.body.error.details]).toEqual([403, { required: 'sign_up' }]);
    expect(await livePeople(body.email)).toEqual([]);
  });

  test.each([
    { company: '' },
    { company: 'a\u0000b' },
    { company: 'x'.repeat(121) },
    { email: 'kim' },
    { role: 'super_admin' },
    { kind: 'dealer' },
  ])('%j is 400', async (wrong) => {
    expect(refused(await signUp(input(wrong)))).toEqual([400, 'VALIDATION_FAILED']);
  });

  test('an address that has an account is 409, alone or at the same moment, and leaves no tenant behind', async () => {
    const { email } = await account();
    expect(refused(await signUp(input({ email: email.toUpperCase() })))).toEqual([409, 'CONFLICT']);
    const body = input({ company: `Twice ${crypto.randomUUID()}` });
    const answers = await Promise.all([signUp(body), signUp(body), signUp(body)]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409]);
    expect(await db.select().from(tenants).where(eq(tenants.name, body.company))).toHaveLength(1);
  });

  test('makes a fleet and its administrator, signed in, and welcomes them', async () => {
    const body = input({ company: "O'Hare & Söhne <b>" });
    const answer = await signUp(body);
    expect(answer.status).toBe(201);
    const { accessToken, user } = signInResultSchema.parse(answer.body.data);
    expect(user).toMatchObject({ email: body.email, role: 'fleet_admin', tenantName: body.company });
    expect(user.permissions).not.toContain('admin:manage');
    const own = tenantSchema.parse((await call('GET', '/tenant', { token: accessToken })).body.data);
    expect(own).toMatchObject({ id: user.tenantId, name: body.company, kind: 'fleet', isActive: true });
    expect((await call('GET', '/vehicles', { token: accessToken })).body.data).toEqual([]);
    expect(await auditOf(user.tenantId ?? '')).toEqual([
      'tenant.create success',
      'user.create success',
      'session.create success',
    ]);
    expect((await mailTo(body.email)).map((mail) => mail.template)).toEqual(['welcome']);
    expect((await signedIn(body.email)).user.id).toBe(user.id);
  });
});

describe('POST /setup', () => {
  const setUp = (body: object, ip = crypto.randomUUID()) =>
    call('POST', '/setup', { body, headers: { 'cf-connecting-ip': ip } });
  const token = testSecrets.SETUP_TOKEN;
  const superAdmins = () => db.select().from(users).where(eq(users.role, 'super_admin'));

  test('without a setup token in the configuration is 403', async () => {
    const closed: Partial<Env> = { SETUP_TOKEN: undefined };
    const answer = await callWith(closed, '/setup', { token: 'undefined', email: newAddress(), password });
    expect([answer.status, answer.body.error.details]).toEqual([403, { required: 'setup_token' }]);
  });

  test('a wrong token is 401, and audited', async () => {
    for (const wrong of [`${token}x`, token.slice(1), token.toUpperCase(), 'x', 'null', '\0']) {
      expect(refused(await setUp({ token: wrong, email: newAddress(), password }))).toEqual([
        401,
        'INVALID_CREDENTIALS',
      ]);
    }
    expect(await auditOf('platform')).toContain('setup.complete denied wrong_token');
    expect(await superAdmins()).toEqual([]);
  });

  test('tries are limited by address, together with every other guess', async () => {
    const few: Partial<Env> = { RATE_LIMIT_PER_MINUTE: '1', TRUST_CONNECTING_IP: 'false' };
    const guess = () => callWith(few, '/setup', { token: 'guess', email: newAddress(), password });
    expect([(await guess()).status, (await guess()).status]).toEqual([401, 401]);
    expect((await callWith(few, '/auth/login', { email: newAddress(), password })).status).toBe(401);
    expect((await guess()).body.error.code).toBe('RATE_LIMITED');
  });

  test('with an address that somebody has is 409; a weak password is 400', async () => {
    const { email } = await account();
    expect(refused(await setUp({ token, email, password }))).toEqual([409, 'CONFLICT']);
    expect(refused(await setUp({ token, email: newAddress(), password: 'weak' }))).toEqual([400, 'VALIDATION_FAILED']);
    expect(await superAdmins()).toEqual([]);
  });

  test('makes one super admin, once, however many try at the same moment', async () => {
    const addresses = [newAddress(), newAddress(), newAddress()];
    const answers = await Promise.all(addresses.map((email) => setUp({ token, email, password })));
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409]);
    const made = userSchema.parse(answers.find((answer) => answer.status === 201)?.body.data);
    expect(made).toMatchObject({ role: 'super_admin', tenantId: null, hasSignedUp: true });
    expect((await superAdmins()).map((row) => row.id)).toEqual([made.id]);
    expect(refused(await setUp({ token, email: newAddress(), password }))).toEqual([409, 'CONFLICT']);
    expect(refused(await setUp({ token: 'wrong', email: newAddress(), password }))).toEqual([
      401,
      'INVALID_CREDENTIALS',
    ]);
    expect((await call('GET', '/auth/options')).body.data).toMatchObject({ setupOpen: false });
    const { user } = await signedIn(made.email);
    expect(user).toMatchObject({ role: 'super_admin', tenantId: null, permissions: permissionsOf.super_admin });
    const entries = await auditOf('platform');
    expect(entries.filter((entry) => entry === 'setup.complete success')).toHaveLength(1);
    expect(entries).toContain('setup.complete denied already_done');
  });
});
