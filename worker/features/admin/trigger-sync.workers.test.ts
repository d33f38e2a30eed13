/** Many runs at once by the operator's hand: bounded, each in its tenant's log, and the next request goes on. */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { auditEntriesOf, call, db, person, tenant } from '#test/workers/harness';
import { trailOfJob } from '#worker/audit/trail';
import { syncCredentials } from '#worker/db/schema/index';
import { readScopeFromAuth } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { listTenantsToSync } from './sync-store.ts';
import { maxRunsPerTrigger, triggerSync } from './trigger-sync.ts';

async function connected(): Promise<string> {
  const { id } = await tenant();
  const at = new Date().toISOString();
  await db.insert(syncCredentials).values({
    ...{ id: newId(), tenantId: id, provider: 'paccar', baseUrl: 'https://portal.example', username: 'x' },
    ...{ passwordSealed: 'sealed', consentedAt: at, createdAt: at, updatedAt: at },
  });
  return id;
}

test('names the operator in the log of each tenant', async () => {
  const id = await connected();
  const operator = await person(null, 'super_admin');
  const answer = await call('POST', '/admin/sync/trigger', { token: operator.token, body: { tenantId: id } });
  const [runId] = (answer.body as unknown as { data: { started: string[] } }).data.started;
  const entries = (await auditEntriesOf(id)).filter(({ action }) => action === 'sync_run.start');
  expect(entries).toMatchObject([{ actorType: 'user', actorId: operator.userId, resourceId: runId }]);
});

test('starts a hundred and names the rest, which the next request starts', { timeout: 60_000 }, async () => {
  const ids: string[] = [];
  for (let n = 0; n < maxRunsPerTrigger + 3; n += 1) ids.push(await connected());
  const instances: string[] = [];
  const create = async ({ id }: { id: string }) => void instances.push(id);
  const quiet = { ...env, SYNC_WORKFLOW: { create } as unknown as typeof env.SYNC_WORKFLOW };
  const scope = readScopeFromAuth({ ownTenantId: null, readableTenantIds: ids, onlyAssignedTo: null });
  const trigger = async () => {
    const now = new Date();
    return triggerSync(scope, quiet, db, trailOfJob(now), await listTenantsToSync(db, undefined), now);
  };
  const first = await trigger();
  expect([first.started.length, instances.length]).toEqual([maxRunsPerTrigger, maxRunsPerTrigger]);
  expect(first.skipped).toEqual(
    ids.slice(-3).map((tenantId) => ({ tenantId, reason: 'Only 100 runs start at once: ask again for the rest.' })),
  );
  const second = await trigger();
  expect(second.started).toHaveLength(3);
  expect(new Set(second.skipped.map(({ reason }) => reason))).toEqual(new Set(['A run is already on its way.']));
});
