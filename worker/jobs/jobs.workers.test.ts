/** The timer, the sweep for stuck runs and the nightly clean-up, on real D1 and real workflows. */
import { introspectWorkflow } from 'cloudflare:test';
import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { roomOf, scrapeGateOf } from '#durable-objects/stubs';
import {
  alerts,
  displayCodes,
  idempotencyKeys,
  invitations,
  passwordResets,
  refreshTokens,
  sessions,
  signInFailures,
  syncCredentials,
  syncRuns,
  tenants,
} from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { seedRoom } from '#worker/features/live/publish';
import type { SyncWorkflowParams } from '#worker/features/sync/params';
import { createRun, endRun } from '#worker/features/sync/runs-store';
import { createInstance } from '#worker/features/sync/start-run';
import { db, person, tenant } from '../../test/workers/harness.ts';
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
  // Connections of earlier tests would take their turn, and the wait for it, too.
  beforeEach(() => db.update(syncCredentials).set({ isActive: false }));

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

  it('spreads the starts, and no run that waits for its turn is taken for dead', async () => {
    const owners = [await connection(), await connection(), await connection()];
    const started: { tenantId: string; startDelaySeconds: number }[] = [];
    const engine: unknown = {
      create: async ({ params }: { params: SyncWorkflowParams }) => void started.push(params),
    };
    const now = new Date();
    await syncAllTenants({ ...env, SYNC_WORKFLOW: engine as typeof env.SYNC_WORKFLOW }, now);
    expect(started.map(({ startDelaySeconds }) => startDelaySeconds)).toEqual([0, 2, 4]);
    expect(new Set(started.map(({ tenantId }) => tenantId))).toEqual(new Set(owners.map(({ id }) => id)));
    for (const { tenantId, startDelaySeconds } of started) {
      const due = new Date(now.getTime() + startDelaySeconds * 1000).toISOString();
      expect((await runsOf(tenantId))[0]).toMatchObject({ status: 'queued', heartbeatAt: due });
      await db.update(syncRuns).set({ status: 'failed' }).where(eq(syncRuns.tenantId, tenantId));
    }
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

  it('ends a run as the run itself would: with its alert, the gate given back and the room told', async () => {
    const { owner, row } = await silent();
    await seedRoom(env, db, owner.id, owner.id);
    const old = new Date(Date.now() - 3 * 3600_000).toISOString();
    await db.update(syncRuns).set({ startedAt: old, status: 'running' }).where(eq(syncRuns.id, row.id));
    const gate = scrapeGateOf(env.SCRAPE_GATE, owner.id, 'paccar');
    await gate.acquire(row.id, 3_600_000, Date.now());
    expect(await sweep()).toMatchObject({ ended: 1, failed: 0 });
    const state = await gate.read();
    expect(state).toMatchObject({ holder: null, consecutiveFailures: 1 });
    expect(state.cooldownUntilMs).toBeLessThanOrEqual(Date.now());
    const ofTenant = () => db.select().from(alerts).where(eq(alerts.tenantId, owner.id));
    expect(await ofTenant()).toMatchObject([{ cause: 'sync:paccar', status: 'open', occurrenceCount: 1 }]);
    const [of] = await db.select().from(tenants).where(eq(tenants.id, owner.id));
    expect((await roomOf(env.FLEET_ROOM, owner.id).status()).heardThrough).toEqual({ [owner.id]: of?.changeCounter });
    // A sweep that died before it could write the end does it all again: still one occurrence.
    await db.update(syncRuns).set({ status: 'running', heartbeatAt: old }).where(eq(syncRuns.id, row.id));
    expect(await sweep()).toMatchObject({ ended: 1, failed: 0 });
    expect(await ofTenant()).toMatchObject([{ occurrenceCount: 1 }]);
  });
});

describe('the dispatcher', () => {
  it('knows every cron of wrangler.toml and refuses others', async () => {
    for (const cron of [
      '*/15 * * * *',
      '7,22,37,52 * * * *',
      '*/5 * * * *',
      '17 3 * * *',
      '47 3 * * *',
      '37 4 * * *',
      '27 5 * * *',
      '57 * * * *',
    ]) {
      await runScheduled(cron, env, createExecutionContext(), new Date());
    }
    await expect(runScheduled('1 2 3 4 5', env, createExecutionContext(), new Date())).rejects.toThrow('no job');
  });
});

describe('the clean-up', () => {
  const now = new Date();
  const ago = (days: number) => new Date(now.getTime() - days * 86_400_000).toISOString();
  /** `count` old rows and one young of every kind. */
  async function leftovers(count: number) {
    const owner = await tenant();
    const { userId } = await person(owner, 'viewer');
    const ages = [...Array.from({ length: count }, () => 500), 0];
    await db.insert(idempotencyKeys).values(
      ages.map((age, n) => ({
        ...{ ownerId: owner.id, key: `k${n}`, route: 'POST /x', bodyHash: 'h' },
        createdAt: ago(age),
      })),
    );
    for (const age of ages) {
      const times = { createdAt: ago(age), lastUsedAt: ago(age), expiresAt: ago(age) };
      const [sessionId, bare, tokenId] = [newId(), newId(), newId()];
      await db.insert(sessions).values([
        { id: sessionId, userId, ...times },
        { id: bare, userId, ...times },
      ]);
      await db
        .insert(refreshTokens)
        .values({ id: tokenId, sessionId, tokenHash: tokenId, issuedAt: ago(age), expiresAt: ago(age) });
      const wrong = { emailHash: newId(), failedSignIns: 3, lockedUntil: ago(age), updatedAt: ago(age) };
      await db.insert(signInFailures).values(wrong);
      for (const how of ['acceptedAt', 'revokedAt', null] as const) {
        await db.insert(invitations).values({
          ...{ id: newId(), tenantId: owner.id, email: `${newId()}@x.example`, role: 'viewer', tokenHash: newId() },
          ...{ invitedBy: userId, createdAt: ago(age), expiresAt: ago(age) },
          ...(how === null ? {} : { [how]: ago(age) }),
        });
      }
      await db.insert(passwordResets).values({ tokenHash: newId(), userId, createdAt: ago(age), expiresAt: ago(age) });
      await db.insert(displayCodes).values({
        ...{ deviceCodeHash: newId(), userCode: newId(), status: age === 0 ? 'pending' : 'used', intervalSeconds: 5 },
        ...{ createdAt: ago(age), expiresAt: ago(age) },
      });
      const at = ago(age);
      const run = { provider: 'paccar', trigger: 'cron', nowIso: at } as const;
      const { row } = await createRun(scopeForJob(owner.id), db, run);
      await endRun(db, row.id, { status: 'failed', finishedAt: at, read: null, error: null });
    }
  }
  const young = async () => ({
    idempotencyKeys: await db.$count(idempotencyKeys),
    refreshTokens: await db.$count(refreshTokens),
    syncRuns: await db.$count(syncRuns),
    signInFailures: await db.$count(signInFailures),
    passwordResets: await db.$count(passwordResets),
    invitations: await db.$count(invitations),
    displayCodes: await db.$count(displayCodes),
  });

  it('deletes what is old, round after round, and keeps what is not', async () => {
    await cleanUp(env, now);
    const before = await young();
    await leftovers(5);
    const gone = await cleanUp(env, now, { rowsPerRound: 2, maxRounds: 20 });
    expect(gone).toEqual({
      ...{ idempotencyKeys: 5, refreshTokens: 5, sessions: 10, syncRuns: 5 },
      ...{ signInFailures: 5, passwordResets: 5, settledInvitations: 10, displayCodes: 5 },
    });
    expect(await young()).toEqual({
      idempotencyKeys: before.idempotencyKeys + 1,
      refreshTokens: before.refreshTokens + 1,
      syncRuns: before.syncRuns + 1,
      signInFailures: before.signInFailures + 1,
      passwordResets: before.passwordResets + 1,
      // One that nobody took up stays to be seen.
      invitations: before.invitations + 3 + 5,
      displayCodes: before.displayCodes + 1,
    });
  });

  it('does not take all night: what is left goes the next', async () => {
    await leftovers(5);
    const bounds = { rowsPerRound: 2, maxRounds: 1 };
    expect(await cleanUp(env, now, bounds)).toEqual({
      ...{ idempotencyKeys: 2, refreshTokens: 2, sessions: 2, syncRuns: 2 },
      ...{ signInFailures: 2, passwordResets: 2, settledInvitations: 2, displayCodes: 2 },
    });
    expect(await cleanUp(env, now)).toEqual({
      ...{ idempotencyKeys: 3, refreshTokens: 3, sessions: 8, syncRuns: 3 },
      ...{ signInFailures: 3, passwordResets: 3, settledInvitations: 8, displayCodes: 3 },
    });
  });
});
