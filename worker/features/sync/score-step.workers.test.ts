/** The step of a run that scores, when it comes late: on real D1, with the real work. */
import { env } from 'cloudflare:workers';
import { eq, sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { db, fault, tenant } from '#test/workers/harness';
import { observedVehicle } from '#test/workers/sync-builders';
import { predictions, vehicles } from '#worker/db/schema/index';
import { markedForScoring } from '#worker/db/score-mark';
import { scopeForJob } from '#worker/http/tenant-scope';
import { runPolicy } from './run-policy.ts';
import { runSync, type SyncWork } from './run-sync.ts';
import { createRun } from './runs-store.ts';
import { createSyncWork } from './sync-work.ts';

test('after a long stall a prediction is as of its scoring, not older than what it was made of', async () => {
  const owner = await tenant();
  const begunAt = '2026-11-20T09:00:00.000Z';
  const lateAt = '2026-11-20T12:00:00.000Z';
  const time = { nowMs: Date.parse(begunAt) };
  const { row } = await createRun(scopeForJob(owner.id), db, { provider: 'paccar', trigger: 'cron', nowIso: begunAt });
  const params = {
    runId: row.id,
    tenantId: owner.id,
    provider: 'paccar',
    trigger: 'cron',
    startDelaySeconds: 0,
  } as const;
  const clock = { now: () => time.nowMs, random: () => 0, sleep: async () => undefined };
  const one = observedVehicle(1);
  const reading: Pick<SyncWork, 'list' | 'details'> = {
    list: async () => ({ ok: true, value: { assets: [one], rejected: [], nextHref: null } }),
    details: async () => ({ ok: true, value: { vehicles: [one], failed: [], remaining: [], stopped: null } }),
  };
  const seenAt = '2026-11-20T11:59:00.000Z';
  const steps = {
    sleep: async () => undefined,
    do: async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      if (name === 'score') {
        // Three hours pass in which a fault is found.
        const [vehicle] = await db.select().from(vehicles).where(eq(vehicles.tenantId, owner.id));
        await fault(owner, vehicle?.id ?? '', { spn: 100, fmi: 1, firstSeenAt: seenAt, lastSeenAt: seenAt });
        // As whoever wrote the fault would have.
        await db.run(sql`UPDATE vehicles SET ${markedForScoring(seenAt)} WHERE tenant_id = ${owner.id}`);
        time.nowMs = Date.parse(lateAt);
      }
      return work();
    },
  };
  const status = await runSync(steps, { ...createSyncWork(env, params, { clock }), ...reading }, runPolicy);
  expect(status).toBe('succeeded');
  const kept = await db.select().from(predictions).where(eq(predictions.tenantId, owner.id));
  expect(kept).toMatchObject([{ createdAt: lateAt, riskLevel: 'critical' }]);
});
