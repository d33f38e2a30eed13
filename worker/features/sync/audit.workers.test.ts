/** What people do to connections and runs, as the audit log has it. */
import { introspectWorkflow } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, db, person, tenant } from '#test/workers/harness';
import { chainPending } from '#worker/audit/chain';
import { auditLog } from '#worker/db/schema/index';

let workflows: Awaited<ReturnType<typeof introspectWorkflow>>;
beforeAll(async () => {
  workflows = await introspectWorkflow(env.SYNC_WORKFLOW);
  await workflows.modifyAll(async (instance) => {
    await instance.mockStepResult({ name: 'list 1' }, JSON.stringify({ failed: true, value: null }));
  });
});
afterAll(() => workflows.dispose());

const entriesOf = async (tenantId: string) => {
  await chainPending(env, tenantId);
  const rows = await db.select().from(auditLog).where(eq(auditLog.chain, tenantId)).orderBy(auditLog.seq);
  return rows.map(({ action, actorId, resourceId, outcome, before, after }) => ({
    ...{ action, actorId, resourceId, outcome },
    before: JSON.parse(before ?? 'null') as unknown,
    after: JSON.parse(after ?? 'null') as unknown,
  }));
};

it('storing and forgetting a connection: what changed, and never a secret', async () => {
  const owner = await tenant();
  const { token, userId: actorId } = await person(owner, 'fleet_admin');
  const put = (body: object) => call('PUT', '/sync/credentials/paccar', { token, body: { consent: true, ...body } });
  const portal = { baseUrl: 'https://portal.example', username: 'fleet' };
  expect((await put({ ...portal, password: 'Canary-Pass-1', totpSecret: 'JBSWY3DPEHPK3PXP' })).status).toBe(200);
  expect((await put({ isActive: false })).status).toBe(200);
  expect((await put({ baseUrl: 'https://elsewhere.example' })).status).toBe(400);
  expect((await call('DELETE', '/sync/credentials/paccar', { token })).status).toBe(204);
  expect((await call('DELETE', '/sync/credentials/paccar', { token })).status).toBe(404);
  const entries = await entriesOf(owner.id);
  const shared = { actorId, resourceId: 'paccar', outcome: 'success' };
  expect(entries).toEqual([
    {
      ...{ ...shared, action: 'sync_credentials.put', before: null },
      after: { ...portal, isActive: true, replaced: ['password', 'totpSecret'] },
    },
    {
      ...{ ...shared, action: 'sync_credentials.put', before: { ...portal, isActive: true } },
      after: { ...portal, isActive: false, replaced: [] },
    },
    { ...shared, action: 'sync_credentials.delete', before: null, after: null },
  ]);
  expect(JSON.stringify(entries)).not.toMatch(/Canary|JBSW/);
});

it('starting a run by hand: once, and not when one is on its way already', async () => {
  const owner = await tenant();
  const { token, userId: actorId } = await person(owner, 'fleet_admin');
  const portal = { baseUrl: 'https://portal.example', username: 'fleet', password: 'p', consent: true };
  await call('PUT', '/sync/credentials/paccar', { token, body: portal });
  // At the same moment: one that came later might find the first one ended already.
  const both = await Promise.all([1, 2].map(() => call('POST', '/sync/runs', { token })));
  expect(both.map(({ status }) => status).sort()).toEqual([202, 409]);
  const { id } = both.find(({ status }) => status === 202)?.body.data as unknown as { id: string };
  expect((await entriesOf(owner.id)).filter(({ action }) => action === 'sync_run.start')).toEqual([
    {
      action: 'sync_run.start',
      actorId,
      resourceId: id,
      outcome: 'success',
      before: null,
      after: { provider: 'paccar' },
    },
  ]);
});

it('taking the whole fleet out of the house', async () => {
  const owner = await tenant();
  const { token, userId: actorId } = await person(owner, 'fleet_admin');
  expect((await call('GET', '/exports/fleet', { token })).status).toBe(200);
  expect(await entriesOf(owner.id)).toMatchObject([
    { action: 'fleet.export', actorId, resourceId: owner.id, after: { vehicleCount: 0 } },
  ]);
});
