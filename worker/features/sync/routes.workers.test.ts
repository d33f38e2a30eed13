/** The sync endpoints on the real Worker: shared refusals, sealed secrets, one run at a time, the log. */
import { introspectWorkflow } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { syncCredentialsSchema, syncRunSchema, syncStatusSchema } from '#contracts/sync';
import { syncCredentials, syncRuns } from '#worker/db/schema/index';
import { configOf } from '#worker/env';
import { scopeForJob } from '#worker/http/tenant-scope';
import { openVault } from '#worker/secrets/vault';
import { commonRouteTests } from '../../../test/workers/common-route-tests.ts';
import { call, db, person, tenant, type TestTenant } from '../../../test/workers/harness.ts';
import { keepSession, openCredentials } from './credentials-store.ts';
import { createRun, endRun } from './runs-store.ts';

const password = 'Portal-Secret-1!';
const portal = { baseUrl: 'https://portal.paccar.example', username: 'fleet', password, consent: true };
const runPath = async (owner: TestTenant) => {
  const { row } = await createRun(scopeForJob(owner.id), db, {
    provider: 'paccar',
    trigger: 'cron',
    nowIso: new Date().toISOString(),
  });
  return `/sync/runs/${row.id}`;
};

// Workflows of this file are started for real, but read no portal.
let workflows: Awaited<ReturnType<typeof introspectWorkflow>>;
beforeAll(async () => {
  workflows = await introspectWorkflow(env.SYNC_WORKFLOW);
  await workflows.modifyAll(async (instance) => {
    const empty = { failed: false, value: { ok: true, value: { assets: [], rejected: [], nextHref: null } } };
    await instance.mockStepResult({ name: 'list 1' }, JSON.stringify(empty));
  });
});
afterAll(() => workflows.dispose());

const common = { namesThing: false, takesBody: false } as const;
commonRouteTests('GET /sync/credentials', {
  ...common,
  method: 'GET',
  path: () => '/sync/credentials',
  permission: 'sync:read',
});
commonRouteTests('GET /sync/credentials/:provider', {
  ...common,
  method: 'GET',
  path: () => '/sync/credentials/paccar',
  permission: 'sync:read',
});
commonRouteTests('PUT /sync/credentials/:provider', {
  ...common,
  takesBody: true,
  method: 'PUT',
  path: () => '/sync/credentials/paccar',
  permission: 'sync:manage',
});
commonRouteTests('DELETE /sync/credentials/:provider', {
  ...common,
  method: 'DELETE',
  path: () => '/sync/credentials/paccar',
  permission: 'sync:manage',
});
commonRouteTests('POST /sync/runs', {
  ...common,
  takesBody: true,
  method: 'POST',
  path: () => '/sync/runs',
  permission: 'sync:manage',
});
commonRouteTests('GET /sync/runs', { ...common, method: 'GET', path: () => '/sync/runs', permission: 'sync:read' });
commonRouteTests('GET /sync/runs/:id', {
  ...common,
  namesThing: true,
  method: 'GET',
  path: runPath,
  permission: 'sync:read',
});
commonRouteTests('GET /sync/status', { ...common, method: 'GET', path: () => '/sync/status', permission: 'sync:read' });

const admin = async () => {
  const owner = await tenant();
  return { owner, ...(await person(owner, 'fleet_admin')) };
};
const put = (token: string, body: unknown, provider = 'paccar') =>
  call('PUT', `/sync/credentials/${provider}`, { token, body });

describe('credentials', () => {
  it('a new address needs the secrets again; the same place does not', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const first = { baseUrl: 'https://portal.example/a', username: 'u', password: 'p', consent: true };
    expect((await put(token, first)).status).toBe(200);
    const moved = await put(token, { baseUrl: 'https://elsewhere.example', consent: true });
    expect([moved.status, moved.body.error.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(moved.body.error.message).toContain('password');
    const { data } = (await call('GET', '/sync/credentials/paccar', { token })).body;
    expect(data).toMatchObject({ baseUrl: expect.stringContaining('portal.example') });
    expect((await put(token, { baseUrl: 'https://portal.example/b', consent: true })).status).toBe(200);
    expect((await put(token, { baseUrl: 'https://elsewhere.example', password: 'p', consent: true })).status).toBe(200);
  });

  it('If-Match holds on them too', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    await put(token, { username: 'u', password: 'p', consent: true });
    const headers = { 'if-match': '"stale"' };
    const body = { username: 'v', consent: true };
    expect((await call('PUT', '/sync/credentials/paccar', { token, body, headers })).status).toBe(412);
    const etag = (await call('GET', '/sync/credentials/paccar', { token })).headers.get('etag') ?? '';
    const fresh = await call('PUT', '/sync/credentials/paccar', { token, body, headers: { 'if-match': etag } });
    expect(fresh.body.data).toMatchObject({ username: 'v', hasPassword: true });
  });

  it('are stored sealed, never returned, and opened again for the sign-in', async () => {
    const { owner, token } = await admin();
    const answer = await put(token, { ...portal, totpSecret: 'jbsw y3dp ehpk 3pxp' });
    expect(answer.status, answer.text).toBe(200);
    expect(syncCredentialsSchema.parse(answer.body.data)).toMatchObject({
      username: 'fleet',
      hasPassword: true,
      hasTotpSecret: true,
      hasApiToken: false,
      isActive: true,
      lastSyncAt: null,
    });
    const list = await call('GET', '/sync/credentials', { token });
    const one = await call('GET', '/sync/credentials/paccar', { token });
    expect(one.body.data).toEqual(answer.body.data);
    expect(list.body.data).toEqual([answer.body.data]);
    for (const { text } of [answer, list, one]) expect(text).not.toMatch(/Portal-Secret|ehpk|EHPK|Sealed/);
    const [row] = await db.select().from(syncCredentials).where(eq(syncCredentials.tenantId, owner.id));
    expect(JSON.stringify(row)).not.toMatch(/Portal-Secret|EHPK/);
    const vault = await openVault(db, configOf(env), owner.id);
    expect(await openCredentials(scopeForJob(owner.id), db, vault, 'paccar')).toMatchObject({
      password,
      totpSecret: 'JBSWY3DPEHPK3PXP',
    });
  });

  it('keep what is not mentioned, and drop the portal session when the sign-in changes', async () => {
    const { owner, token } = await admin();
    await put(token, portal);
    const scope = scopeForJob(owner.id);
    const vault = await openVault(db, configOf(env), owner.id);
    const [row] = await db.select().from(syncCredentials).where(eq(syncCredentials.tenantId, owner.id));
    await keepSession(scope, db, vault, row?.id ?? '', '[]');
    const kept = await put(token, { consent: true, isActive: false });
    expect(kept.body.data).toMatchObject({
      username: 'fleet',
      hasPassword: true,
      isActive: false,
      baseUrl: portal.baseUrl,
    });
    expect(await openCredentials(scope, db, vault, 'paccar')).toBeNull();
    await put(token, { consent: true, isActive: true });
    expect((await openCredentials(scope, db, vault, 'paccar'))?.sessionJson).toBe('[]');
    await put(token, { consent: true, password: 'Another-1!' });
    expect(await openCredentials(scope, db, vault, 'paccar')).toMatchObject({
      sessionJson: null,
      password: 'Another-1!',
    });
  });

  it('two first PUTs at once end in one row that opens', async () => {
    const { owner, token } = await admin();
    const answers = await Promise.all([put(token, portal), put(token, { ...portal, password: 'Another-1!' })]);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    const vault = await openVault(db, configOf(env), owner.id);
    expect([password, 'Another-1!']).toContain(
      (await openCredentials(scopeForJob(owner.id), db, vault, 'paccar'))?.password,
    );
  });

  it('need consent, an address that may be called, and a provider that exists', async () => {
    const { token } = await admin();
    const wrong = [
      { ...portal, consent: false },
      { username: 'x' },
      ...['http://10.0.0.1', 'https://192.168.1.1', 'ftp://x.y', 'https://metadata.google.internal'].map((baseUrl) => ({
        ...portal,
        baseUrl,
      })),
    ];
    for (const body of wrong) {
      const answer = await put(token, body);
      expect([answer.status, answer.body.error?.code], JSON.stringify(body)).toEqual([400, 'VALIDATION_FAILED']);
    }
    expect((await put(token, portal, 'nobody')).status).toBe(404);
    expect((await put(token, { nonsense: 1 }, 'nobody')).status).toBe(404);
    expect((await call('GET', '/sync/credentials/paccar', { token })).status).toBe(404);
  });

  it('are forgotten on DELETE, once', async () => {
    const { token } = await admin();
    await put(token, portal);
    expect((await call('DELETE', '/sync/credentials/paccar', { token })).status).toBe(204);
    expect((await call('DELETE', '/sync/credentials/paccar', { token })).status).toBe(404);
    expect((await call('GET', '/sync/credentials', { token })).body.data).toEqual([]);
  });

  it('of one tenant are no other’s, and a dealer link opens none', async () => {
    const { token } = await admin();
    await put(token, portal);
    const other = await admin();
    expect((await call('GET', '/sync/credentials', { token: other.token })).body.data).toEqual([]);
    expect((await call('GET', `/sync/credentials?tenantId=${other.owner.id}`, { token })).status).toBe(404);
  });
});

describe('runs', () => {
  it('start with 202, run as a workflow, and show in log, status and credentials', async () => {
    const { owner, token } = await admin();
    await put(token, portal);
    const started = await call('POST', '/sync/runs', { token, body: {} });
    expect(started.status, started.text).toBe(202);
    const { id } = started.body.data as { id: string };
    await expect
      .poll(async () => (await call('GET', `/sync/runs/${id}`, { token })).body.data, { timeout: 8_000 })
      .toMatchObject({ status: 'succeeded' });
    const one = syncRunSchema.parse((await call('GET', `/sync/runs/${id}`, { token })).body.data);
    expect(one).toMatchObject({
      tenantId: owner.id,
      provider: 'paccar',
      trigger: 'manual',
      error: null,
      counts: { vehiclesSeen: 0 },
    });
    const log = await call('GET', '/sync/runs', { token });
    expect(log.body).toEqual({ data: [one], meta: { nextCursor: null } });
    const status = syncStatusSchema.parse((await call('GET', '/sync/status', { token })).body.data);
    expect(status).toMatchObject({
      provider: 'paccar',
      isRunning: false,
      isStale: false,
      lastSucceededAt: one.finishedAt,
      lastRun: one,
    });
    expect((await call('GET', '/sync/credentials/paccar', { token })).body.data).toMatchObject({
      lastSyncAt: one.finishedAt,
      lastError: null,
    });
  });

  it('one at a time: the second is told which one is running', async () => {
    const { owner, token } = await admin();
    await put(token, portal);
    const { row } = await createRun(scopeForJob(owner.id), db, {
      provider: 'paccar',
      trigger: 'cron',
      nowIso: new Date().toISOString(),
    });
    const answer = await call('POST', '/sync/runs', { token, body: {} });
    expect([answer.status, answer.body.error]).toMatchObject([409, { code: 'CONFLICT', details: { id: row.id } }]);
  });

  it('say what is missing when there is nothing to read', async () => {
    const { token } = await admin();
    const message = async (body: unknown) => {
      const answer = await call('POST', '/sync/runs', { token, body });
      expect([answer.status, answer.body.error?.code]).toEqual([409, 'CONFLICT']);
      return answer.body.error.message;
    };
    expect(await message({})).toBe('No credentials are stored: add the portal sign-in first.');
    await put(token, { consent: true, username: 'x' });
    expect(await message({})).toBe('The paccar connection has no portal address.');
    await put(token, { consent: true, apiToken: 'x' }, 'decisiv');
    expect(await message({ provider: 'decisiv' })).toBe('Reading from decisiv is not available yet.');
    expect((await call('POST', '/sync/runs', { token, body: { provider: 'other' } })).status).toBe(400);
  });

  it('replay under the same Idempotency-Key instead of starting twice', async () => {
    const { owner, token } = await admin();
    await put(token, portal);
    const post = () => call('POST', '/sync/runs', { token, body: {}, headers: { 'idempotency-key': 'one' } });
    const [first, second] = [await post(), await post()];
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.body.data).toEqual(first.body.data);
    expect(await db.select().from(syncRuns).where(eq(syncRuns.tenantId, owner.id))).toHaveLength(1);
  });

  it('tell of a failure by code and sentence, and count as stale after six hours', async () => {
    const { owner, token } = await admin();
    await put(token, portal);
    const scope = scopeForJob(owner.id);
    const old = new Date(Date.now() - 7 * 3600_000).toISOString();
    const good = await createRun(scope, db, { provider: 'paccar', trigger: 'cron', nowIso: old });
    await endRun(db, good.row.id, { status: 'succeeded', finishedAt: old, read: null, error: null });
    const now = new Date().toISOString();
    const bad = await createRun(scope, db, { provider: 'paccar', trigger: 'cron', nowIso: now });
    await endRun(db, bad.row.id, {
      status: 'failed',
      finishedAt: now,
      read: null,
      error: { code: 'LOGIN_FAILED', message: 'The portal refused the sign-in: no.' },
    });
    const status = (await call('GET', '/sync/status', { token })).body.data;
    expect(status).toMatchObject({
      isStale: true,
      lastSucceededAt: old,
      failedRuns24Hours: 1,
      lastRun: { id: bad.row.id, error: { code: 'LOGIN_FAILED' } },
    });
    expect((await call('GET', '/sync/credentials/paccar', { token })).body.data).toMatchObject({
      lastError: 'The portal refused the sign-in: no.',
      lastSyncAt: old,
    });
    const page = await call('GET', '/sync/runs?limit=1', { token });
    expect(page.body).toMatchObject({ data: [{ id: bad.row.id }], meta: { nextCursor: bad.row.id } });
    expect((await call('GET', `/sync/runs?limit=1&cursor=${bad.row.id}`, { token })).body).toMatchObject({
      data: [{ id: good.row.id }],
      meta: { nextCursor: null },
    });
    for (const query of ['limit=101', 'limit=0', 'limit=x', 'other=1', 'cursor=nonsense']) {
      expect((await call('GET', `/sync/runs?${query}`, { token })).status, query).toBe(400);
    }
  });

  it('a viewer reads none, a service manager reads and starts none, a super admin reads all and starts by name', async () => {
    const { owner, token } = await admin();
    await put(token, portal);
    const manager = await person(owner, 'service_manager');
    expect((await call('GET', '/sync/runs', { token: manager.token })).status).toBe(200);
    expect((await call('POST', '/sync/runs', { token: manager.token, body: {} })).status).toBe(403);
    const superAdmin = await person(null, 'super_admin');
    expect((await call('GET', '/sync/runs', { token: superAdmin.token })).status).toBe(200);
    expect((await call('GET', `/sync/runs/${owner.id}`, { token: superAdmin.token })).status).toBe(404);
    expect((await call('POST', '/sync/runs', { token: superAdmin.token, body: {} })).status).toBe(400);
    expect(
      (await call('GET', `/sync/status?tenantId=${owner.id}`, { token: superAdmin.token })).body.data,
    ).toMatchObject({ tenantId: owner.id });
  });
});
