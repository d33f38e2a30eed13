/** The registry and the log of trainings through the door: who sees what, choosing, going back. */
import { introspectWorkflow } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activeModelSchema, scoringModelSchema, trainingRunSchema } from '#contracts/scoring';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { auditEntriesOf, call, db, link, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { scoringModel, trainingRun } from '#test/workers/training-builders';
import { trailOfJob } from '#worker/audit/trail';
import { scoringModels, tenants, trainingRuns, vehicles } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { chooseModel, modelInForce } from './registry-store.ts';

let workflows: Awaited<ReturnType<typeof introspectWorkflow>>;
beforeAll(async () => {
  workflows = await introspectWorkflow(env.TRAINING_WORKFLOW);
  // Whole trainings have a file of their own; here a run only has to be on its way.
  await workflows.modifyAll(async (instance) => {
    await instance.mockStepResult({ name: 'begin' }, JSON.stringify({ failed: false, value: null }));
  });
});
afterAll(() => workflows.dispose());

const asModel = (data: unknown) => activeModelSchema.parse(data);
const activeOf = async (token: string) => asModel((await call('GET', '/scoring/active-model', { token })).body.data);
const choose = (token: string, body: object, headers: Record<string, string> = {}) =>
  call('PUT', '/scoring/active-model', { token, body, headers });
const rowOf = async (id: string) => (await db.select().from(scoringModels).where(eq(scoringModels.id, id)))[0];
const isPinned = async ({ id }: TestTenant) =>
  (await db.select().from(tenants).where(eq(tenants.id, id)))[0]?.settings.isModelPinned;

const read = { method: 'GET', permission: 'vehicles:read', takesBody: false } as const;
commonRouteTests('models', { ...read, path: () => '/scoring/models', namesThing: false });
commonRouteTests('one model', {
  ...read,
  path: async (owner) => `/scoring/models/${(await scoringModel(owner)).id}`,
  namesThing: true,
});
commonRouteTests('active model', { ...read, path: () => '/scoring/active-model', namesThing: false });
commonRouteTests('choose a model', {
  ...{ method: 'PUT', path: () => '/scoring/active-model', permission: 'scoring:manage' },
  ...{ namesThing: false, takesBody: true },
});
const manage = { permission: 'scoring:manage', takesBody: false } as const;
commonRouteTests('train', {
  ...{ ...manage, takesBody: true, method: 'POST' },
  ...{ path: () => '/scoring/training-runs', namesThing: false },
});
commonRouteTests('runs', { ...manage, method: 'GET', path: () => '/scoring/training-runs', namesThing: false });
commonRouteTests('one run', {
  ...{ ...manage, method: 'GET', namesThing: true },
  path: async (owner) => `/scoring/training-runs/${await trainingRun(owner)}`,
});

describe('the registry', () => {
  test('shows the own models, newest first, and nothing of where an artefact lies', async () => {
    const [owner, other] = [await tenant(), await tenant()];
    const { token } = await person(owner, 'viewer');
    const older = await scoringModel(owner, { createdAt: '2026-11-01T00:00:00.000Z' });
    const newer = await scoringModel(owner, { createdAt: '2026-11-02T00:00:00.000Z', status: 'rejected' });
    await scoringModel(other);
    const answer = await call('GET', '/scoring/models?pageSize=1', { token });
    expect(answer.body.meta).toEqual({ total: 2, page: 1, pageSize: 1 });
    expect(scoringModelSchema.array().parse(answer.body.data)).toMatchObject([{ id: newer.id, status: 'rejected' }]);
    const second = await call('GET', '/scoring/models?page=2&pageSize=1', { token });
    expect(second.body.data).toMatchObject([{ id: older.id }]);
    expect(answer.text + second.text).not.toContain('models/');
    const one = await call('GET', `/scoring/models/${older.id}`, { token });
    expect(scoringModelSchema.parse(one.body.data).version).toBe(older.version);
    const tag = one.headers.get('etag') ?? '';
    const again = await call('GET', `/scoring/models/${older.id}`, { token, headers: { 'if-none-match': tag } });
    expect(again.status).toBe(304);
  });

  test('a dealer’s link opens neither the customer’s models nor its runs', async () => {
    const [dealer, fleet] = [await tenant('dealer'), await tenant()];
    await link(dealer, fleet);
    const { token } = await person(dealer, 'dealer_admin');
    const [model, run] = [await scoringModel(fleet), await trainingRun(fleet)];
    for (const path of [`/scoring/models/${model.id}`, `/scoring/training-runs/${run}`]) {
      expect((await call('GET', path, { token })).status).toBe(404);
    }
    for (const path of ['/scoring/models', '/scoring/active-model', '/scoring/training-runs']) {
      expect((await call('GET', `${path}?tenantId=${fleet.id}`, { token })).status, path).toBe(404);
    }
    expect((await choose(token, { modelId: model.id })).status).toBe(404);
    expect((await rowOf(model.id))?.status).toBe('candidate');
  });

  test('the operator names the tenant, and must', async () => {
    const owner = await tenant();
    const { token } = await person(null, 'super_admin');
    const model = await scoringModel(owner);
    const inTenant = `?tenantId=${owner.id}`;
    expect((await call('GET', '/scoring/models', { token })).body.error.code).toBe('VALIDATION_FAILED');
    expect((await call('GET', `/scoring/models${inTenant}`, { token })).body.data).toMatchObject([{ id: model.id }]);
    const chosen = await call('PUT', `/scoring/active-model${inTenant}`, { token, body: { modelId: model.id } });
    expect(asModel(chosen.body.data).model?.id).toBe(model.id);
    expect((await call('GET', `/scoring/training-runs${inTenant}`, { token })).body.data).toEqual([]);
    const nowhere = `?tenantId=${newId()}`;
    expect((await call('GET', `/scoring/active-model${nowhere}`, { token })).status).toBe(404);
  });
});

describe('choosing', () => {
  test('puts a model in force, goes back to another and to the prior, and says so in the audit log', async () => {
    const owner = await tenant();
    const { token, userId } = await person(owner, 'fleet_manager');
    const prior = await activeOf(token);
    expect(prior).toMatchObject({ model: null, isPinned: false });
    expect(prior.version).toBe(prior.prior.version);
    const [first, second] = [await scoringModel(owner), await scoringModel(owner, { status: 'rejected' })];

    const chosen = asModel((await choose(token, { modelId: first.id })).body.data);
    expect(chosen).toMatchObject({ version: first.version, isPinned: true, model: { status: 'active' } });
    expect(chosen.model?.reason).toBe(`Chosen by hand. At its training: ${first.reason}`);
    const switched = asModel((await choose(token, { modelId: second.id, isPinned: false })).body.data);
    expect(switched).toMatchObject({ version: second.version, isPinned: false });
    expect(await rowOf(first.id)).toMatchObject({ status: 'retired', retiredAt: expect.any(String) });
    const back = asModel((await choose(token, { modelId: first.id })).body.data);
    expect(back.model).toMatchObject({ id: first.id, status: 'active', retiredAt: null, reason: chosen.model?.reason });
    expect(asModel((await choose(token, { modelId: null })).body.data)).toEqual({ ...prior, isPinned: true });
    expect(await activeOf(token)).toEqual({ ...prior, isPinned: true });

    const entries = (await auditEntriesOf(owner.id)).filter(({ action }) => action === 'scoring_model.choose');
    expect(entries.map(({ actorId, resourceId }) => [actorId, resourceId])).toEqual([
      [userId, first.id],
      [userId, second.id],
      [userId, first.id],
      [userId, null],
    ]);
    expect(JSON.parse(entries[1]?.before ?? '')).toEqual({ id: first.id, version: first.version, isPinned: true });
    expect(JSON.parse(entries[1]?.after ?? '')).toEqual({ id: second.id, version: second.version, isPinned: false });
  });

  test('what is chosen already changes nothing; only the pin may change', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const model = await scoringModel(owner, { status: 'active', activatedAt: '2026-11-01T00:00:00.000Z' });
    const vehicleId = await truck(owner);
    expect((await choose(token, { modelId: model.id, isPinned: false })).status).toBe(200);
    expect((await auditEntriesOf(owner.id)).filter(({ action }) => action.startsWith('scoring_model'))).toEqual([]);
    expect((await choose(token, { modelId: model.id })).status).toBe(200);
    expect(await isPinned(owner)).toBe(true);
    expect(await rowOf(model.id)).toMatchObject({ activatedAt: '2026-11-01T00:00:00.000Z', reason: model.reason });
    const [row] = await db.select().from(vehicles).where(eq(vehicles.id, vehicleId));
    expect(row?.isScoreDirty).toBe(false);
  });

  test('the pin keeps every other setting of the tenant', async () => {
    const owner = await tenant('fleet', { timeZone: 'Europe/Berlin', riskWeights: { survivalMax: 20 } });
    const { token } = await person(owner, 'fleet_admin');
    await choose(token, { modelId: null, isPinned: true });
    const [row] = await db.select().from(tenants).where(eq(tenants.id, owner.id));
    const kept = { timeZone: 'Europe/Berlin', riskWeights: { survivalMax: 20 } };
    expect(row?.settings).toEqual({ ...kept, isModelPinned: true });
    await choose(token, { modelId: null, isPinned: false });
    expect(await isPinned(owner)).toBe(false);
  });

  test('a foreign model is an unknown one; one whose artefact is gone is a conflict', async () => {
    const [owner, other] = [await tenant(), await tenant()];
    const { token } = await person(owner, 'fleet_admin');
    const foreign = await choose(token, { modelId: (await scoringModel(other)).id });
    const unknown = await choose(token, { modelId: newId() });
    expect(foreign.status).toBe(404);
    expect({ ...foreign.body.error, requestId: '' }).toEqual({ ...unknown.body.error, requestId: '' });
    const gone = await scoringModel(owner, { artefactBytes: 0, artefactKey: '', status: 'retired' });
    expect((await choose(token, { modelId: gone.id })).body.error.code).toBe('CONFLICT');
    expect(await activeOf(token)).toMatchObject({ model: null, isPinned: false });
  });

  test('If-Match: a choice over a state that the client has not seen is 412', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const [first, second] = [await scoringModel(owner), await scoringModel(owner)];
    const seen = (await call('GET', '/scoring/active-model', { token })).headers.get('etag') ?? '';
    expect((await choose(token, { modelId: first.id }, { 'if-match': seen })).status).toBe(200);
    const late = await choose(token, { modelId: second.id }, { 'if-match': seen });
    expect(late.body.error.code).toBe('PRECONDITION_FAILED');
    expect((await activeOf(token)).model?.id).toBe(first.id);
  });

  test('a choice that was overtaken writes nothing', async () => {
    const owner = await tenant();
    const scope = scopeForJob(owner.id);
    const [first, second] = [await scoringModel(owner), await scoringModel(owner)];
    const known = await modelInForce(scope, db);
    if (known === null) throw new Error('no tenant');
    const { token } = await person(owner, 'fleet_admin');
    await choose(token, { modelId: first.id });
    const late = chooseModel(scope, db, trailOfJob(new Date()), known, { model: second, isPinned: true }, new Date());
    expect(await late).toBe(false);
    expect(await rowOf(second.id)).toMatchObject({ status: 'candidate' });
    expect((await activeOf(token)).model?.id).toBe(first.id);
  });

  test('many choices at the same moment leave exactly one model in force', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const models = await Promise.all(Array.from({ length: 4 }, () => scoringModel(owner)));
    const answers = await Promise.all(models.map(({ id }) => choose(token, { modelId: id })));
    for (const { status, text } of answers) expect([200, 412], text).toContain(status);
    expect(answers.some(({ status }) => status === 200)).toBe(true);
    const rows = await db.select().from(scoringModels).where(eq(scoringModels.tenantId, owner.id));
    expect(rows.filter(({ status }) => status === 'active')).toHaveLength(1);
  });

  test('bodies that are wrong are 400', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    for (const body of [{ modelId: 'x' }, { modelId: 7 }, { modelId: null, isPinned: 'yes' }, { isPinned: true }]) {
      expect((await choose(token, body)).body.error.code, JSON.stringify(body)).toBe('VALIDATION_FAILED');
    }
  });
});

describe('training runs', () => {
  const start = (token: string, headers = {}) => call('POST', '/scoring/training-runs', { token, headers });
  const idOf = ({ body }: Awaited<ReturnType<typeof call>>) => (body.data as { id: string }).id;

  test('a run is begun by hand once: a second start is told which one lives', async () => {
    const owner = await tenant();
    const { token, userId } = await person(owner, 'fleet_manager');
    const answers = await Promise.all(Array.from({ length: 4 }, () => start(token)));
    const begun = answers.filter(({ status }) => status === 202);
    expect(begun).toHaveLength(1);
    const [first] = begun;
    if (first === undefined) throw new Error('none began');
    for (const { status, body } of answers.filter((answer) => answer !== first)) {
      expect([status, body.error.code, body.error.details]).toEqual([
        ...[409, 'CONFLICT'],
        { id: idOf(first), status: expect.stringMatching(/queued|running/) },
      ]);
    }
    const shown = await call('GET', `/scoring/training-runs/${idOf(first)}`, { token });
    expect(trainingRunSchema.parse(shown.body.data)).toMatchObject({ trigger: 'manual', outcome: null, error: null });
    const starts = (await auditEntriesOf(owner.id)).filter(({ action }) => action === 'training_run.start');
    expect(starts).toMatchObject([{ actorId: userId, resourceId: idOf(first) }]);
    // Another tenant's run is no obstacle.
    expect((await start((await person(await tenant(), 'fleet_admin')).token)).status).toBe(202);
  });

  test('the same Idempotency-Key starts one run', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    const headers = { 'idempotency-key': 'once' };
    const [first, second] = [await start(token, headers), await start(token, headers)];
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(idOf(second)).toBe(idOf(first));
  });

  test('a body past a megabyte is 413, and no run begins', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const refused = await call('POST', '/scoring/training-runs', {
      ...{ token, body: ' '.repeat(1_000_001) },
      headers: { 'idempotency-key': 'large' },
    });
    expect([refused.status, refused.body.error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(await db.$count(trainingRuns, eq(trainingRuns.tenantId, owner.id))).toBe(0);
  });

  test('without predictions nothing is trained', async () => {
    const owner = await tenant('fleet', { flags: { predictions: false, alerts: true } });
    const { token } = await person(owner, 'fleet_admin');
    const refused = await start(token);
    expect([refused.status, refused.body.error.details]).toEqual([409, undefined]);
    expect(await db.$count(trainingRuns, eq(trainingRuns.tenantId, owner.id))).toBe(0);
  });

  test('the feed goes from the newest back, and takes no foreign cursor', async () => {
    const [owner, other] = [await tenant(), await tenant()];
    const { token } = await person(owner, 'fleet_admin');
    const ids: string[] = [];
    for (const day of ['01', '02', '03']) {
      ids.unshift(await trainingRun(owner, { startedAt: `2026-11-${day}T04:37:00.000Z` }));
    }
    const first = await call('GET', '/scoring/training-runs?limit=2', { token });
    expect(trainingRunSchema.array().parse(first.body.data)).toMatchObject([{ id: ids[0] }, { id: ids[1] }]);
    const { nextCursor } = first.body.meta as { nextCursor: string };
    const rest = await call('GET', `/scoring/training-runs?limit=2&cursor=${nextCursor}`, { token });
    expect(rest.body).toMatchObject({ data: [{ id: ids[2] }], meta: { nextCursor: null } });
    for (const cursor of ['x', newId(), await trainingRun(other)]) {
      const refused = await call('GET', `/scoring/training-runs?cursor=${cursor}`, { token });
      expect(refused.body.error.code).toBe('VALIDATION_FAILED');
    }
  });
});
