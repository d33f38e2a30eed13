import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import {
  revocationStatsSchema,
  tenantSyncStatusSchema,
  triggeredSyncSchema,
  type RevocationStats,
  type TenantSyncStatus,
  type TriggeredSync,
} from '#contracts/admin';
import { noCounts } from '#contracts/sync';
import { adminTenantSchema, type AdminTenant } from '#contracts/tenants';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { call, db, link, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import {
  auditLog,
  auditOutbox,
  invitations,
  sessions,
  signInFailures,
  syncCredentials,
  syncRuns,
  tenants,
  users,
} from '#worker/db/schema/index';
import { configOf } from '#worker/env';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { openVault } from '#worker/secrets/vault';
import { listActiveConnections, openCredentials } from '../sync/credentials-store.ts';

for (const [method, path, takesBody] of [
  ['GET', '/admin/tenants', false],
  ['POST', '/admin/tenants', true],
  ['GET', '/admin/tenants/:tenant', false],
  ['PATCH', '/admin/tenants/:tenant', true],
  ['GET', '/admin/sync-status', false],
  ['POST', '/admin/sync/trigger', true],
  ['PATCH', '/admin/drivers/:user/suspend', false],
  ['PATCH', '/admin/drivers/:user/activate', false],
  ['GET', '/admin/revocations/stats', false],
] as const) {
  commonRouteTests(`${method} ${path}`, {
    method,
    path: async (owner) =>
      path
        .replace(':tenant', owner.id)
        .replace(':user', path.includes(':user') ? (await person(owner, 'driver')).userId : ''),
    permission: 'admin:manage',
    namesThing: false,
    takesBody,
    caller: 'super_admin',
  });
}

const operator = await person(null, 'super_admin');
const { token } = operator;
const never = '01900000-0000-7000-8000-000000000000';
const actionsOf = async (home: TestTenant | { id: string }) =>
  [
    ...(await db.select().from(auditLog).where(eq(auditLog.chain, home.id))),
    ...(await db.select().from(auditOutbox).where(eq(auditOutbox.chain, home.id))),
  ].map(({ action }) => action);
const tenantOf = (answer: { body: unknown }) => (answer.body as { data: AdminTenant }).data;

describe('tenants', () => {
  test('unknown ids are 404, whatever was sent', async () => {
    for (const [method, path] of [
      ['GET', `/admin/tenants/${never}`],
      ['PATCH', `/admin/tenants/${never}`],
      ['PATCH', `/admin/drivers/${never}/suspend`],
      ['PATCH', `/admin/drivers/${operator.userId}/suspend`],
    ] as const) {
      const answer = await call(method, path, { token, ...(method === 'GET' ? {} : { body: '{"a":' }) });
      expect([answer.status, answer.body.error.code], path).toEqual([404, 'NOT_FOUND']);
    }
  });

  test('the list is searched by name and counts people and vehicles', async () => {
    const home = await tenant('fleet', { requestsPerMinute: 7 }, 'Öre & Sons 100%');
    await person(home, 'viewer');
    const gone = await person(home, 'viewer');
    await db.update(users).set({ deletedAt: new Date().toISOString() }).where(eq(users.id, gone.userId));
    await truck(home);
    const answer = await call('GET', `/admin/tenants?q=${encodeURIComponent('& sons 100%')}`, { token });
    const found = (answer.body as unknown as { data: AdminTenant[] }).data;
    expect(found).toHaveLength(1);
    expect(adminTenantSchema.strict().parse(found[0])).toMatchObject({
      ...home,
      ...{ userCount: 1, vehicleCount: 1, requestsPerMinute: 7 },
    });
    expect(answer.body.meta).toEqual({ total: 1, page: 1, pageSize: 20 });
    expect((await call('GET', '/admin/tenants?pageSize=1', { token })).body.meta).toMatchObject({ pageSize: 1 });
  });

  test('made with its first administrator invited, in the role of its kind', async () => {
    for (const [kind, role] of [
      ['dealer', 'dealer_admin'],
      ['fleet', 'fleet_admin'],
    ] as const) {
      const body = { name: `New ${kind}`, kind, timeZone: 'America/Boise', adminEmail: `Boss.${kind}@new.example` };
      const answer = await call('POST', '/admin/tenants', { token, body });
      expect(answer.status, answer.text).toBe(201);
      const made = tenantOf(answer);
      expect(made).toMatchObject({ kind, timeZone: 'America/Boise', isActive: true, userCount: 0 });
      const open = await db.select().from(invitations).where(eq(invitations.tenantId, made.id));
      expect(open).toMatchObject([{ email: `boss.${kind}@new.example`, role, invitedBy: operator.userId }]);
      expect(await actionsOf(made)).toEqual(['tenant.create', 'invitation.create']);
      const got = await call('GET', `/admin/tenants/${made.id}`, { token });
      expect(tenantOf(got)).toEqual(made);
    }
  });

  test('an administrator’s address in use makes nothing', async () => {
    const taken = await person(await tenant(), 'viewer');
    const body = { name: 'Never made', kind: 'fleet', adminEmail: taken.email };
    expect((await call('POST', '/admin/tenants', { token, body })).status).toBe(409);
    expect(await db.select().from(tenants).where(eq(tenants.name, 'Never made'))).toEqual([]);
  });

  test('the same Idempotency-Key and body makes one', async () => {
    const body = { name: 'Only once', kind: 'fleet' };
    const headers = { 'idempotency-key': 'tenant-1' };
    const answers = [1, 2].map(() => call('POST', '/admin/tenants', { token, body, headers }));
    await Promise.all(answers);
    expect(await db.select().from(tenants).where(eq(tenants.name, 'Only once'))).toHaveLength(1);
    const other = await call('POST', '/admin/tenants', { token, body: { ...body, name: 'Other' }, headers });
    expect(other.status).toBe(422);
  });

  test('changed with If-Match; a limit is set and taken back', async () => {
    const home = await tenant();
    const got = await call('GET', `/admin/tenants/${home.id}`, { token });
    const headers = { 'if-match': got.headers.get('etag') ?? '' };
    const patch = (body: object, more = {}) =>
      call('PATCH', `/admin/tenants/${home.id}`, { token, body, headers: more });
    expect(tenantOf(await patch({ requestsPerMinute: 5 }, headers))).toMatchObject({ requestsPerMinute: 5, ...home });
    expect((await patch({ requestsPerMinute: 6 }, headers)).status).toBe(412);
    const them = await person(home, 'viewer');
    const limited = await call('GET', '/tenant', { token: them.token });
    expect(limited.headers.get('ratelimit-limit')).toBe('5');
    expect(tenantOf(await patch({ requestsPerMinute: null })).requestsPerMinute).toBeNull();
    expect((await patch({ requestsPerMinute: 0 })).status).toBe(400);
    expect(await actionsOf(home)).toEqual(['tenant.update', 'tenant.update']);
  });
});

describe('a tenant that is switched off', () => {
  const setActive = (home: TestTenant, isActive: boolean) =>
    call('PATCH', `/admin/tenants/${home.id}`, { token, body: { isActive } });

  test('all its people are out at once, and a dealer no longer sees it; switched on they sign in again', async () => {
    const [dealer, home] = [await tenant('dealer'), await tenant()];
    await link(dealer, home);
    const vehicleId = await truck(home);
    const [admin, driver] = [await person(home, 'fleet_admin'), await person(home, 'driver')];
    const looking = await person(dealer, 'viewer');
    expect((await call('GET', `/vehicles/${vehicleId}`, { token: looking.token })).status).toBe(200);
    expect(tenantOf(await setActive(home, false)).isActive).toBe(false);
    for (const them of [admin, driver]) {
      const answer = await call('GET', '/auth/me', { token: them.token });
      expect([answer.status, answer.body.error.code]).toEqual([401, 'USER_TOKENS_REVOKED']);
      const [session] = await db.select().from(sessions).where(eq(sessions.id, them.sessionId));
      expect(session?.endReason).toBe('tenant_deactivated');
    }
    expect((await call('GET', `/vehicles/${vehicleId}`, { token: looking.token })).status).toBe(404);
    expect((await call('GET', `/vehicles?tenantId=${home.id}`, { token: looking.token })).status).toBe(404);
    expect((await call('GET', '/auth/me', { token: looking.token })).status).toBe(200);
    expect((await setActive(home, false)).status).toBe(200);
    expect(tenantOf(await setActive(home, true)).isActive).toBe(true);
    expect((await call('GET', '/auth/me', { token: admin.token })).status).toBe(401);
    expect((await call('GET', `/vehicles/${vehicleId}`, { token: looking.token })).status).toBe(200);
    expect(await actionsOf(home)).toEqual(expect.arrayContaining(['tenant.update', 'tenant.update']));
  });

  test('it is not synced: not by the trigger, not by the timer, not by a run that was on its way', async () => {
    const home = await connected();
    await setActive(home, false);
    expect((await listActiveConnections(db)).map(({ tenantId }) => tenantId)).not.toContain(home.id);
    const vault = await openVault(db, configOf(env), home.id);
    expect(await openCredentials(scopeForJob(home.id), db, vault, 'paccar')).toBeNull();
    const answer = await call('POST', '/admin/sync/trigger', { token, body: { tenantId: home.id } });
    expect((answer.body as unknown as { data: TriggeredSync }).data).toEqual({
      started: [],
      skipped: [{ tenantId: home.id, reason: 'The organisation is suspended.' }],
    });
  });
});

/** A tenant whose portal sign-in is stored. */
async function connected(): Promise<TestTenant> {
  const home = await tenant();
  const at = new Date().toISOString();
  await db.insert(syncCredentials).values({
    ...{ id: newId(), tenantId: home.id, provider: 'paccar', baseUrl: 'https://portal.example', username: 'x' },
    ...{ passwordSealed: 'sealed', consentedAt: at, createdAt: at, updatedAt: at },
  });
  return home;
}

async function run(home: TestTenant, minutesAgo: number, status: 'succeeded' | 'partial' | 'failed') {
  const at = new Date(Date.now() - minutesAgo * 60_000).toISOString();
  await db.insert(syncRuns).values({
    ...{ id: newId(), tenantId: home.id, provider: 'paccar', status, trigger: 'cron', counts: noCounts },
    ...{ startedAt: at, heartbeatAt: at, finishedAt: at },
    ...(status === 'failed' ? { errorCode: 'LOGIN_FAILED', errorMessage: 'refused' } : {}),
  });
}

describe('sync', () => {
  async function statusOf(home: TestTenant): Promise<TenantSyncStatus | undefined> {
    for (let page = 1; ; page += 1) {
      const answer = await call('GET', `/admin/sync-status?pageSize=100&page=${page}`, { token });
      const { data } = answer.body as unknown as { data: TenantSyncStatus[] };
      for (const row of data) expect(tenantSyncStatusSchema.strict().parse(row)).toEqual(row);
      const found = data.find(({ tenantId }) => tenantId === home.id);
      if (found !== undefined || data.length === 0) return found;
    }
  }

  test('the status tells failures in a row since the last good run', async () => {
    const home = await connected();
    expect(await statusOf(home)).toMatchObject({ condition: 'waiting', lastRun: null, provider: 'paccar' });
    await run(home, 50, 'failed');
    await run(home, 40, 'partial');
    await run(home, 30, 'failed');
    await run(home, 20, 'failed');
    const status = await statusOf(home);
    expect(status).toMatchObject({ condition: 'failing', consecutiveFailures: 2, isRunning: false, isStale: false });
    expect(status?.summary).toBe(
      '2 runs in a row have failed (LOGIN_FAILED: refused). The last good run ended 40 minutes ago.',
    );
    expect(status?.lastRun?.error?.code).toBe('LOGIN_FAILED');
    await run(home, 10, 'succeeded');
    expect(await statusOf(home)).toMatchObject({ condition: 'fresh', consecutiveFailures: 0 });
    expect(await statusOf(await tenant())).toMatchObject({ condition: 'not_connected', provider: null });
  });

  test('the trigger starts what can be started and says why not of the rest', async () => {
    const [home, bare] = [await connected(), await tenant()];
    const trigger = (body?: object) => call('POST', '/admin/sync/trigger', { token, ...(body && { body }) });
    const one = await trigger({ tenantId: home.id });
    expect(one.status, one.text).toBe(202);
    const { started } = triggeredSyncSchema.strict().parse(one.body.data);
    expect(started).toHaveLength(1);
    const [row] = await db
      .select()
      .from(syncRuns)
      .where(eq(syncRuns.id, started[0] ?? ''));
    expect(row).toMatchObject({ tenantId: home.id, trigger: 'manual' });
    expect(await statusOf(home)).toMatchObject({ isRunning: true });
    const all = triggeredSyncSchema.parse((await trigger()).body.data);
    expect(all.skipped).toContainEqual({ tenantId: home.id, reason: 'A run is already on its way.' });
    expect(all.skipped.map(({ tenantId }) => tenantId)).toContain(bare.id);
    expect((await trigger({ tenantId: never })).status).toBe(404);
    expect((await trigger({ tenantId: 'x' })).status).toBe(400);
  });
});

describe('drivers', () => {
  const move = (userId: string, to: 'suspend' | 'activate') =>
    call('PATCH', `/admin/drivers/${userId}/${to}`, { token });

  test('anybody of any tenant is kept out and let in again, the last administrator too', async () => {
    const home = await tenant();
    for (const role of ['driver', 'fleet_admin'] as const) {
      const them = await person(home, role);
      const off = await move(them.userId, 'suspend');
      expect([off.status, off.body.data]).toMatchObject([200, { id: them.userId, isDeactivated: true }]);
      expect((await call('GET', '/auth/me', { token: them.token })).body.error.code).toBe('USER_TOKENS_REVOKED');
      expect((await move(them.userId, 'activate')).body.data).toMatchObject({ isDeactivated: false });
    }
    const actions = (await actionsOf(home)).filter((action) => action.startsWith('user.'));
    expect(actions).toEqual(['user.suspend', 'user.activate', 'user.suspend', 'user.activate']);
  });
});

describe('revocations', () => {
  test('the numbers move with what happens', async () => {
    const stats = async (): Promise<RevocationStats> => {
      const answer = await call('GET', '/admin/revocations/stats', { token });
      return revocationStatsSchema.strict().parse(answer.body.data);
    };
    const home = await tenant();
    const [admin, them, old] = [
      await person(home, 'fleet_admin'),
      await person(home, 'viewer'),
      await person(home, 'viewer'),
    ];
    const threeDaysAgo = new Date(Date.now() - 3 * 86_400_000).toISOString();
    const before = await stats();
    await call('POST', '/auth/logout', { token: admin.token });
    await call('PATCH', `/admin/drivers/${them.userId}/suspend`, { token });
    await db.update(sessions).set({ endedAt: threeDaysAgo, endReason: 'logout' }).where(eq(sessions.id, old.sessionId));
    const lock = (lockedUntil: string | null) => ({ emailHash: newId(), failedSignIns: 3, lockedUntil });
    const at = new Date().toISOString();
    await db.insert(signInFailures).values([
      { ...lock(new Date(Date.now() + 60_000).toISOString()), updatedAt: at },
      { ...lock(null), updatedAt: at },
    ]);
    const after = await stats();
    expect(after).toMatchObject({
      activeSessions: before.activeSessions - 3,
      activeUsers: before.activeUsers - 3,
      suspendedUsers: before.suspendedUsers + 1,
      lockedAddresses: before.lockedAddresses + 1,
      tokenSeconds: 900,
    });
    expect(after.endedLast24Hours.total - before.endedLast24Hours.total).toBe(2);
    expect(after.endedLast7Days.total - before.endedLast7Days.total).toBe(3);
    const count = (of: RevocationStats['endedLast7Days'], reason: string) => of.byReason[reason] ?? 0;
    expect(count(after.endedLast7Days, 'logout') - count(before.endedLast7Days, 'logout')).toBe(2);
    expect(count(after.endedLast24Hours, 'suspended') - count(before.endedLast24Hours, 'suspended')).toBe(1);
  });
});
