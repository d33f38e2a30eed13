/** The timer, the sweep for stuck runs and the nightly clean-up, on real D1 and real workflows. */
import { introspectWorkflow } from 'cloudflare:test';
import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idempotencyKeys, syncCredentials, syncRuns } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { createRun, endRun } from '#worker/features/sync/runs-store';
import { createInstance } from '#worker/features/sync/start-run';
import { db, tenant } from '../../test/workers/harness.ts';
import { cleanUp } from './clean-up.ts';
import { runScheduled } from './dispatch.ts';
import { reviveStuckRuns } from './revive-stuck-runs.ts';
import { syncAllTenants } from './sync-all-tenants.ts';

let workflows: Awaited<ReturnType<typeof introspectWorkflow>>;
beforeAll(async () => {
  workflows = await introspectWorkflow(env.SYNC_WORKFLOW);
  await workflows.modifyAll(async (instance) => {
    const empty = { failed: false, value: { ok: true, value: { assets: [], rejected: [], nextHref: null } } };
    await instance.mockStepResult({ name: 'list 1' }, JSON.stringify(empty));
  });
});
afterAll(() => workflows.dispose());

async function connection(changes: Partial<typeof syncCredentials.$inferInsert> = {}) {
  const owner = await tenant();
  const at = '2026-11-01T00:00:00.000Z';
  await db.insert(syncCredentials).values({
    id: newId(),
    tenantId: owner.id,
    provider: 'paccar',
    baseUrl: 'https://portal.paccar.example',
    username: 'x',
    passwordSealed: 'sealed',
    consentedAt: at,
    createdAt: at,
    updatedAt: at,
    ...changes,
  });
  return owner;
}
const runsOf = (tenantId: string) => db.select().from(syncRuns).where(eq(syncRuns.tenantId, tenantId));
const settled = (tenantId: string) => expect.poll(async () => (await runsOf(tenantId))[0]?.status, { timeout: 8_000 });

describe('the timer', () => {
  it('starts one run per complete connection, and none over a running one', async () => {
    const ready = await connection();
    const off = await connection({ isActive: false });
    const incomplete = await connection({ passwordSealed: null });
    const busy = await connection();
    await createRun(scopeForJob(busy.id), db, {
      provider: 'paccar',
      trigger: 'manual',
      nowIso: new Date().toISOString(),
    });
    const result = await syncAllTenants(env, new Date());
    expect(result).toEqual({ started: 1, alreadyRunning: 1, skipped: 1, failed: 0 });
    await settled(ready.id).toBe('succeeded');
    expect((await runsOf(ready.id))[0]?.trigger).toBe('cron');
    expect([await runsOf(off.id), await runsOf(incomplete.id)]).toEqual([[], []]);
    expect(await runsOf(busy.id)).toHaveLength(1);
  });

  it('one tenant’s trouble does not stop the others', async () => {
    const first = await connection();
    const second = await connection();
    const broken = {
      ...env,
      DB: new Proxy(env.DB, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key);
          if (key !== 'prepare') return typeof value === 'function' ? value.bind(target) : value;
          return (text: string) => {
            const statement = target.prepare(text);
            if (!/insert into "sync_logs"/.test(text)) return statement;
            return new Proxy(statement, {
              get(inner, name) {
                if (name !== 'bind') return Reflect.get(inner, name);
                return (...values: unknown[]) => {
                  if (values.includes(first.id)) throw new Error('D1 is out for this one');
                  return inner.bind(...values);
                };
              },
            });
          };
        },
      }),
    };
    const result = await syncAllTenants(broken, new Date());
    expect(result.failed).toBe(1);
    expect(await runsOf(first.id)).toEqual([]);
    await settled(second.id).toBe('succeeded');
  });
});

describe('the sweep', () => {
  const silent = async () => {
    const owner = await tenant();
    const nowIso = new Date(Date.now() - 600_000).toISOString();
    const { row } = await createRun(scopeForJob(owner.id), db, { provider: 'paccar', trigger: 'cron', nowIso });
    return { owner, row };
  };
  const sweep = () => reviveStuckRuns(env, { nowMs: Date.now(), staleAfterMs: 180_000 });

  it('starts a run that was written down and never began', async () => {
    const { owner } = await silent();
    expect(await sweep()).toMatchObject({ created: 1, failed: 0 });
    await settled(owner.id).toBe('succeeded');
  });

  it('leaves a run with a fresh or announced heartbeat alone', async () => {
    const { owner, row } = await silent();
    await db
      .update(syncRuns)
      .set({ heartbeatAt: new Date(Date.now() + 60_000).toISOString() })
      .where(eq(syncRuns.id, row.id));
    expect(await sweep()).toEqual({ created: 0, resumed: 0, ended: 0, failed: 0 });
    expect((await runsOf(owner.id))[0]?.status).toBe('queued');
  });

  it('ends, with a reason, a run whose workflow is over', async () => {
    const { owner, row } = await silent();
    await createInstance(env, row);
    await settled(owner.id).toBe('succeeded');
    const old = new Date(Date.now() - 600_000).toISOString();
    await db
      .update(syncRuns)
      .set({ status: 'running', finishedAt: null, heartbeatAt: old })
      .where(eq(syncRuns.id, row.id));
    await expect.poll(async () => (await (await env.SYNC_WORKFLOW.get(row.id)).status()).status).toBe('complete');
    expect(await sweep()).toMatchObject({ ended: 1, failed: 0 });
    expect((await runsOf(owner.id))[0]).toMatchObject({ status: 'failed', errorCode: 'UPSTREAM_FAILED' });
  });

  it('gives up on a run that does not end in two hours', async () => {
    const { owner, row } = await silent();
    const old = new Date(Date.now() - 3 * 3600_000).toISOString();
    await db.update(syncRuns).set({ startedAt: old, status: 'running' }).where(eq(syncRuns.id, row.id));
    expect(await sweep()).toMatchObject({ ended: 1 });
    expect((await runsOf(owner.id))[0]?.errorMessage).toMatch(/two hours/);
  });
});

describe('the dispatcher', () => {
  it('knows every cron of wrangler.toml and refuses others', async () => {
    for (const cron of ['*/15 * * * *', '*/5 * * * *', '17 3 * * *']) {
      await runScheduled(cron, env, createExecutionContext(), new Date());
    }
    await expect(runScheduled('1 2 3 4 5', env, createExecutionContext(), new Date())).rejects.toThrow('no job');
  });
});

describe('the clean-up', () => {
  it('deletes what is old and keeps what is not', async () => {
    const owner = await tenant();
    const now = new Date();
    const key = (createdAt: Date, name: string) => ({
      ownerId: owner.id,
      key: name,
      route: 'POST /x',
      bodyHash: 'h',
      createdAt: createdAt.toISOString(),
    });
    await db.insert(idempotencyKeys).values([key(new Date(now.getTime() - 2 * 86_400_000), 'old'), key(now, 'new')]);
    const { row } = await createRun(scopeForJob(owner.id), db, {
      provider: 'paccar',
      trigger: 'cron',
      nowIso: '2025-01-01T00:00:00.000Z',
    });
    await endRun(db, row.id, { status: 'failed', finishedAt: '2025-01-01T00:00:00.000Z', read: null, error: null });
    expect(await cleanUp(env, now)).toMatchObject({ idempotencyKeys: 1, syncRuns: 1 });
    expect(
      (await db.select().from(idempotencyKeys).where(eq(idempotencyKeys.ownerId, owner.id))).map((left) => left.key),
    ).toEqual(['new']);
  });
});
