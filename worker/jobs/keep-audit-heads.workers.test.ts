import { runInDurableObject } from 'cloudflare:test';
import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import { sql } from 'drizzle-orm';
import { db, tenant } from '#test/workers/harness';
import { tenants } from '#worker/db/schema/index';
import { auditChainOf } from '#durable-objects/stubs';
import { chainPending } from '../audit/chain.ts';
import { trailOfJob } from '../audit/trail.ts';
import { runScheduled } from './dispatch.ts';
import { keepAuditHeads } from './keep-audit-heads.ts';

const commit = async (tenantId: string | null) => {
  const action = { tenantId, action: 'test.entry', resourceType: 'test', resourceId: null };
  await trailOfJob(new Date()).record(db, action);
};
const headIn = async (chain: string, day: string) =>
  (await env.ARTIFACTS.get(`audit-heads/${chain}/${day}.json`))?.json<{ seq: number; hash: string; at: string }>();

it('keeps the head of every chain that has one, once a day', async () => {
  const [owner, silent] = [await tenant(), await tenant()];
  await commit(owner.id);
  await commit(null);
  const night = new Date('2026-11-20T03:47:00Z');
  // The sweep brings into the log what was left over; the heads are kept after that, by an invocation of their own.
  for (const cron of ['*/5 * * * *', '47 3 * * *']) await runScheduled(cron, env, createExecutionContext(), night);
  const { head } = await auditChainOf(env.AUDIT_CHAIN, owner.id).status();
  const at = night.toISOString();
  expect(await headIn(owner.id, '2026-11-20')).toEqual({ chain: owner.id, ...head, at });
  expect(await headIn('platform', '2026-11-20')).toMatchObject({ chain: 'platform', seq: 1, at });
  expect(await headIn(silent.id, '2026-11-20')).toBeUndefined();

  await commit(owner.id);
  await chainPending(env, owner.id);
  expect(await keepAuditHeads(env, night)).toMatchObject({ written: 0, kept: 2, contradicts: 0, failed: 0 });
  expect(await headIn(owner.id, '2026-11-20')).toMatchObject({ seq: 1 });
  expect(await keepAuditHeads(env, new Date('2026-11-21T03:47:00Z'))).toMatchObject({ written: 2 });
  expect(await headIn(owner.id, '2026-11-21')).toMatchObject({ seq: 2 });
});

it('says loudly when a chain is behind the head that was kept of it, and goes on with the others', async () => {
  const [first, second] = [await tenant(), await tenant()];
  const day = new Date('2026-12-01T03:17:00Z');
  for (const { id } of [first, second]) {
    await commit(id);
    await commit(id);
    await chainPending(env, id);
  }
  await keepAuditHeads(env, day);
  const stub = env.AUDIT_CHAIN.get(env.AUDIT_CHAIN.idFromName(first.id));
  await runInDurableObject(stub, (_, { storage }) => void storage.sql.exec('DELETE FROM numbered WHERE seq = 2'));
  const logged = vi.spyOn(console, 'error').mockReturnValue();
  expect(await keepAuditHeads(env, day)).toMatchObject({ contradicts: 1, failed: 0 });
  expect(logged.mock.calls.flat().join()).toContain('audit_head_contradicts');
  logged.mockRestore();
  expect(await headIn(first.id, '2026-12-01')).toMatchObject({ seq: 2 });
});

it('gives every chain its turn when there are more than a night has room for', async () => {
  for (let n = 0; n < 5; n += 1) {
    const { id } = await tenant();
    await commit(id);
    await chainPending(env, id);
  }
  const chains = 1 + (await db.$count(tenants, sql`EXISTS (SELECT 1 FROM audit_log l WHERE l.chain = tenants.id)`));
  const most = 2;
  const nights = Math.ceil(chains / most) + 1;
  const kept = new Set<string>();
  for (let night = 0; night < nights; night += 1) {
    const now = new Date(Date.parse('2027-01-01T03:47:00Z') + night * 86_400_000);
    const result = await keepAuditHeads(env, now, most);
    expect(result.written + result.kept).toBeLessThanOrEqual(most);
    const day = now.toISOString().slice(0, 10);
    const { objects } = await env.ARTIFACTS.list({ prefix: 'audit-heads/' });
    for (const { key } of objects) if (key.endsWith(`${day}.json`)) kept.add(key.split('/')[1] ?? '');
  }
  expect(kept.size).toBe(chains);
});
