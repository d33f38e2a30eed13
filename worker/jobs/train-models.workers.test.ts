/** The night's trainings, the sweep for silent ones, and which artefacts are kept: on real D1, R2 and workflows. */
import { introspectWorkflow } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq, inArray } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { auditEntriesOf, db, tenant, truck, type TestTenant } from '#test/workers/harness';
import { fleetHistory, scoringModel, trainingRun } from '#test/workers/training-builders';
import { scoringModels, serviceEvents, tenants, trainingRuns } from '#worker/db/schema/index';
import type { TrainingWorkflowParams } from '#worker/features/training/params';
import { createTrainingRun } from '#worker/features/training/runs-store';
import { createTrainingInstance } from '#worker/features/training/start-run';
import { putStepFile } from '#worker/features/training/step-files';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { cleanUpModels } from './clean-up-models.ts';
import { reviveStuckTraining } from './revive-stuck-training.ts';
import { trainModels } from './train-models.ts';

const dayMs = 86_400_000;
const now = new Date();
const ago = (days: number) => new Date(now.getTime() - days * dayMs).toISOString();
const runsOf = (of: TestTenant) => db.select().from(trainingRuns).where(eq(trainingRuns.tenantId, of.id));

let workflows: Awaited<ReturnType<typeof introspectWorkflow>>;
beforeAll(async () => {
  workflows = await introspectWorkflow(env.TRAINING_WORKFLOW);
  // The trainings themselves have a file of their own.
  await workflows.modifyAll(async (instance) => {
    const refused = { failed: false, value: { refusal: 'Nothing to learn from.' } };
    await instance.disableSleeps();
    await instance.mockStepResult({ name: 'plan' }, JSON.stringify(refused));
  });
});
afterAll(() => workflows.dispose());
// Tenants of earlier tests would take their turn too.
beforeEach(() => db.update(tenants).set({ isActive: false }));

/** A fleet with all that a training takes. */
async function ready(settings = {}): Promise<TestTenant> {
  const owner = await tenant('fleet', settings);
  await fleetHistory(owner, { vehicles: 6, days: 120, daysBetweenFailures: 20, until: now });
  return owner;
}
const anEvent = async (of: TestTenant, at: string, createdAt: string, kind: 'repair' | 'inspection' = 'repair') => {
  const vehicleId = await truck(of);
  const words = { description: 'x', source: 'api', fingerprint: newId() } as const;
  await db.insert(serviceEvents).values({ id: newId(), tenantId: of.id, vehicleId, at, kind, createdAt, ...words });
};

describe('the night', () => {
  test('trains who has something to learn from, and says why not the others', async () => {
    const due = await ready();
    const off = await ready({ flags: { predictions: false, alerts: true } });
    const bare = await tenant();
    const unbroken = await tenant();
    await fleetHistory(unbroken, { vehicles: 6, days: 120, daysBetweenFailures: 100_000, until: now });
    const known = await ready();
    await trainingRun(known, { startedAt: now.toISOString() });
    const gone = await ready();
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, gone.id));
    const result = await trainModels(env, new Date(now.getTime() + 1000));
    expect(result).toEqual({
      ...{ started: 1, alreadyRunning: 0, postponed: 0, failed: 0 },
      skipped: { predictions_off: 1, too_few_landmarks: 1, too_few_failures: 1, nothing_new: 1 },
    });
    await expect.poll(async () => (await runsOf(due))[0]?.status, { timeout: 8_000 }).toBe('refused');
    expect((await runsOf(due))[0]).toMatchObject({ trigger: 'cron', outcome: { reason: 'Nothing to learn from.' } });
    for (const skipped of [off, bare, unbroken, gone]) expect(await runsOf(skipped)).toEqual([]);
    // Nobody asked for it by hand: only its end is in the log.
    const actions = (await auditEntriesOf(due.id)).map(({ action }) => action);
    expect(actions).toEqual(['training_run.finish']);
  });

  test('new is what was entered since, or happened on a day that the last training could not see whole', async () => {
    const started = `${ago(3).slice(0, 10)}T12:00:00.000Z`;
    const isNews = async (at: string, createdAt: string, kind: 'repair' | 'inspection' = 'repair') => {
      await db.update(tenants).set({ isActive: false });
      const owner = await tenant();
      await fleetHistory(owner, { vehicles: 6, days: 120, daysBetweenFailures: 20, until: new Date(ago(4)) });
      await trainingRun(owner, { startedAt: started });
      await anEvent(owner, at, createdAt, kind);
      const { started: count, skipped } = await trainModels(env, now);
      expect(count === 1 || skipped.nothing_new === 1).toBe(true);
      return count === 1;
    };
    const [day, hour] = [started.slice(0, 10), (h: string) => `${started.slice(0, 10)}T${h}:00:00.000Z`];
    expect(await isNews(ago(40), ago(1)), 'an old repair, entered since').toBe(true);
    expect(await isNews(ago(40), ago(5)), 'an old repair, known before').toBe(false);
    expect(await isNews(hour('09'), hour('10')), `a repair on ${day} itself, before the run`).toBe(true);
    expect(await isNews(ago(40), ago(1), 'inspection'), 'an inspection changes nothing').toBe(false);
    expect(await isNews(now.toISOString(), now.toISOString()), 'today is learned from tomorrow').toBe(false);
  });

  test('a run that failed has learned nothing; one that lives is left alone', async () => {
    const [failed, living] = [await ready(), await ready()];
    await trainingRun(failed, { startedAt: ago(0.01), status: 'failed' });
    await createTrainingRun(scopeForJob(living.id), db, { trigger: 'manual', nowIso: now.toISOString() });
    expect(await trainModels(env, now)).toMatchObject({ started: 1, alreadyRunning: 1, skipped: {} });
    expect(await runsOf(failed)).toHaveLength(2);
    expect(await runsOf(living)).toHaveLength(1);
  });

  test('spreads the starts, the longest waiting first, and no run that waits is taken for dead', async () => {
    const owners = [await ready(), await ready(), await ready()];
    const [lately, long, never] = owners as [TestTenant, TestTenant, TestTenant];
    await trainingRun(lately, { startedAt: ago(2) });
    await trainingRun(long, { startedAt: ago(9) });
    for (const owner of owners) await anEvent(owner, ago(1.5), ago(1.5));
    const started: TrainingWorkflowParams[] = [];
    const engine: unknown = {
      create: async ({ params }: { params: TrainingWorkflowParams }) => void started.push(params),
    };
    await trainModels({ ...env, TRAINING_WORKFLOW: engine as typeof env.TRAINING_WORKFLOW }, now);
    expect(started.map(({ tenantId, startDelaySeconds }) => [tenantId, startDelaySeconds])).toEqual([
      [never.id, 0],
      [long.id, 20],
      [lately.id, 40],
    ]);
    const queued = (await runsOf(lately)).find(({ status }) => status === 'queued');
    expect(queued?.heartbeatAt).toBe(new Date(now.getTime() + 40_000).toISOString());
    const sweep = await reviveStuckTraining(env, { nowMs: now.getTime(), staleAfterMs: 180_000 });
    expect(sweep).toEqual({ created: 0, resumed: 0, ended: 0, failed: 0 });
  });

  test('one tenant’s trouble does not stop the others', async () => {
    const owners = [await ready(), await ready()];
    let calls = 0;
    const engine: unknown = {
      create: async () => {
        calls += 1;
        if (calls === 1) throw new Error('the engine is out for this one');
      },
    };
    const result = await trainModels({ ...env, TRAINING_WORKFLOW: engine as typeof env.TRAINING_WORKFLOW }, now);
    // Written down is as good as started: the sweep makes what is missing.
    expect(result).toMatchObject({ started: 2, failed: 0 });
    for (const owner of owners) expect(await runsOf(owner)).toMatchObject([{ status: 'queued' }]);
  });
});

describe('the sweep', () => {
  const silent = async () => {
    const owner = await tenant();
    const nowIso = new Date(Date.now() - 600_000).toISOString();
    const { row } = await createTrainingRun(scopeForJob(owner.id), db, { trigger: 'cron', nowIso });
    return { owner, row };
  };
  const sweep = () => reviveStuckTraining(env, { nowMs: Date.now(), staleAfterMs: 180_000 });
  const settled = (of: TestTenant) => expect.poll(async () => (await runsOf(of))[0]?.status, { timeout: 8_000 });
  const endAll = () => db.update(trainingRuns).set({ status: 'failed' });
  beforeEach(endAll);

  test('begins a run that was written down and never began', async () => {
    const { owner } = await silent();
    expect(await sweep()).toEqual({ created: 1, resumed: 0, ended: 0, failed: 0 });
    await settled(owner).toBe('refused');
  });

  test('ends, with a reason, a run whose workflow is over, and one that does not end in two hours', async () => {
    const { owner, row } = await silent();
    await createTrainingInstance(env, row);
    await settled(owner).toBe('refused');
    await expect.poll(async () => (await (await env.TRAINING_WORKFLOW.get(row.id)).status()).status).toBe('complete');
    const old = new Date(Date.now() - 600_000).toISOString();
    const isRow = eq(trainingRuns.id, row.id);
    await db.update(trainingRuns).set({ status: 'running', finishedAt: null, heartbeatAt: old }).where(isRow);
    expect(await sweep()).toMatchObject({ ended: 1, failed: 0 });
    expect((await runsOf(owner))[0]).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/^The training stopped/),
    });

    const endless = await silent();
    const long = new Date(Date.now() - 3 * 3_600_000).toISOString();
    await db.update(trainingRuns).set({ startedAt: long }).where(eq(trainingRuns.id, endless.row.id));
    expect(await sweep()).toMatchObject({ ended: 1, failed: 0 });
    expect((await runsOf(endless.owner))[0]?.error).toMatch(/two hours/);
    expect((await auditEntriesOf(endless.owner.id)).at(-1)).toMatchObject({
      action: 'training_run.finish',
      outcome: 'failed',
    });
  });

  test('resumes one whose worker was killed: what is kept stays kept', async () => {
    const { owner, row } = await silent();
    const calls: string[] = [];
    let status = 'running';
    const instance: unknown = {
      status: async () => ({ status }),
      pause: async () => void (calls.push('pause'), (status = 'paused')),
      resume: async () => void calls.push('resume'),
    };
    const engine: unknown = { get: async () => instance };
    const bindings = { ...env, TRAINING_WORKFLOW: engine as typeof env.TRAINING_WORKFLOW };
    const nowMs = Date.now();
    expect(await reviveStuckTraining(bindings, { nowMs, staleAfterMs: 180_000 })).toMatchObject({ resumed: 1 });
    expect(calls).toEqual(['pause', 'resume']);
    expect((await runsOf(owner))[0]).toMatchObject({
      id: row.id,
      status: 'queued',
      heartbeatAt: new Date(nowMs).toISOString(),
    });
    expect(await sweep()).toEqual({ created: 0, resumed: 0, ended: 0, failed: 0 });
  });

  test('ten at most have their turn, the longest silent first; one that cannot be helped goes to the end', async () => {
    const nowMs = Date.now();
    const runs = await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        const heartbeatAt = new Date(nowMs - (60 - n) * 60_000).toISOString();
        const queued = { status: 'queued', startedAt: heartbeatAt, heartbeatAt, finishedAt: null } as const;
        return trainingRun(await tenant(), queued);
      }),
    );
    const asked: string[] = [];
    const get = async (id: string) => {
      asked.push(id);
      throw new Error('the engine does not answer');
    };
    const bindings = { ...env, TRAINING_WORKFLOW: { get } as unknown as typeof env.TRAINING_WORKFLOW };
    const sweep = () => reviveStuckTraining(bindings, { nowMs, staleAfterMs: 180_000 });
    expect(await sweep()).toMatchObject({ failed: 10 });
    expect(asked).toEqual(runs.slice(0, 10));
    expect(await sweep()).toMatchObject({ failed: 2 });
    expect(asked).toEqual(runs);
    await db.update(trainingRuns).set({ status: 'failed' }).where(inArray(trainingRuns.id, runs));
  });

  test('one run’s trouble does not stop the others', async () => {
    await silent();
    const { owner } = await silent();
    let asked = 0;
    const engine = new Proxy(env.TRAINING_WORKFLOW, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (key !== 'get') return typeof value === 'function' ? value.bind(target) : value;
        return async (id: string) => {
          asked += 1;
          if (asked === 1) throw new Error('the engine does not answer');
          return target.get(id);
        };
      },
    });
    const result = await reviveStuckTraining(
      { ...env, TRAINING_WORKFLOW: engine },
      { nowMs: Date.now(), staleAfterMs: 0 },
    );
    expect(result).toMatchObject({ created: 1, failed: 1 });
    await settled(owner).toBe('refused');
  });
});

describe('artefacts', () => {
  const isKept = async ({ id }: { id: string }) => {
    const [row] = await db.select().from(scoringModels).where(eq(scoringModels.id, id));
    if (row === undefined) throw new Error('the row is gone');
    return row.artefactBytes > 0 && (await env.ARTIFACTS.head(row.artefactKey)) !== null;
  };
  const clean = () => cleanUpModels(env, now);
  /** Twenty newer ones. */
  const newer = (of: TestTenant) =>
    Promise.all(Array.from({ length: 20 }, (_, n) => scoringModel(of, { createdAt: ago(10 - n / 100) })));

  test('of the model in force, of those in force lately and of the newest stay; the rows stay all', async () => {
    const owner = await tenant();
    const at = { createdAt: ago(400) };
    const old = await scoringModel(owner, { ...at, status: 'rejected' });
    const oldKey = old.artefactKey;
    const retired = await scoringModel(owner, { ...at, status: 'retired', activatedAt: ago(400), retiredAt: ago(91) });
    const lately = await scoringModel(owner, { ...at, status: 'retired', activatedAt: ago(400), retiredAt: ago(89) });
    const active = await scoringModel(owner, { ...at, status: 'active', activatedAt: ago(400) });
    await clean();
    for (const model of [old, retired, lately, active]) expect(await isKept(model)).toBe(true);
    const fresh = await newer(owner);
    expect(await clean()).toMatchObject({ withdrawn: 2, artefactsDeleted: 2 });
    expect(await env.ARTIFACTS.head(oldKey)).toBeNull();
    for (const model of [old, retired]) expect(await isKept(model)).toBe(false);
    for (const model of [lately, active, ...fresh]) expect(await isKept(model)).toBe(true);
    expect(await db.$count(scoringModels, eq(scoringModels.tenantId, owner.id))).toBe(24);
    expect(await clean()).toMatchObject({ withdrawn: 0, artefactsDeleted: 0 });
    // Another tenant's twenty are its own affair.
    const other = await tenant();
    const theirs = await scoringModel(other, { ...at, status: 'rejected' });
    await clean();
    expect(await isKept(theirs)).toBe(true);
  });

  test('a night that died between the row and the object is made good by the next', async () => {
    const owner = await tenant();
    const old = await scoringModel(owner, { createdAt: ago(400), status: 'rejected' });
    await newer(owner);
    const bucket = new Proxy(env.ARTIFACTS, {
      get(target, key) {
        if (key === 'delete') return async () => Promise.reject(new Error('R2 is out'));
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    await expect(cleanUpModels({ ...env, ARTIFACTS: bucket }, now)).rejects.toThrow('R2 is out');
    expect(await isKept(old)).toBe(false);
    expect(await env.ARTIFACTS.head(old.artefactKey)).not.toBeNull();
    expect(await clean()).toMatchObject({ withdrawn: 0, artefactsDeleted: 1 });
    expect(await env.ARTIFACTS.head(old.artefactKey)).toBeNull();
  });

  test('what dead trainings have left goes after a day', async () => {
    const owner = await tenant();
    const { key } = await putStepFile(env.ARTIFACTS, { tenantId: owner.id, runId: newId() }, 'page-1', [1]);
    expect((await clean()).stepFilesDeleted).toBe(0);
    const later = new Date(Date.now() + dayMs + 60_000);
    expect((await cleanUpModels(env, later)).stepFilesDeleted).toBeGreaterThan(0);
    expect(await env.ARTIFACTS.head(key)).toBeNull();
  });
});
