import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ModelArtefact } from '#contracts/scoring-models';
import { defaultModels } from '#scoring';
import { call, db, origin, person, tenant, truck } from '#test/workers/harness';
import { modelsOf, registeredModel } from '#test/workers/scoring-builders';
import { createApp } from '#worker/app';
import { predictions, vehicles } from '#worker/db/schema/index';
import { sweepScores } from '#worker/jobs/sweep-scores';
import { packArtefact, putArtefact, readArtefact } from './artefacts.ts';
import { priorArtefact } from './models.ts';

const bucket = env.ARTIFACTS;
let versions = 0;
const artefact = (): ModelArtefact => ({ ...priorArtefact(), version: `own-${(versions += 1)}` });

let logged: string[] = [];
beforeEach(() => {
  logged = [];
  vi.spyOn(console, 'error').mockImplementation((line: unknown) => void logged.push(String(line)));
});
afterEach(() => vi.restoreAllMocks());

/** Counts what is fetched; `get` may be replaced. */
const counting = (get: (key: string) => Promise<R2ObjectBody | null> = (key) => bucket.get(key)) => {
  const gets: string[] = [];
  const counted = new Proxy(bucket, {
    get(target, property) {
      if (property === 'get') {
        return (key: string) => {
          gets.push(key);
          return get(key);
        };
      }
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { counted, gets };
};

describe('the models of a tenant', () => {
  test('are the prior with the defaults where it has nothing of its own', async () => {
    expect(await modelsOf((await tenant()).id)).toEqual(defaultModels());
  });

  test('are under its own bands and weights; what is damaged there counts as not set', async () => {
    const bands = { medium: 10, high: 20, critical: 30 };
    const own = await tenant('fleet', { riskBands: bands, riskWeights: { anomalyMax: 3, lampRedStop: 1e9 } });
    const { weights } = defaultModels();
    expect(await modelsOf(own.id)).toMatchObject({ bands, weights: { ...weights, anomalyMax: 3 } });
    const broken = await tenant('fleet', { riskBands: { medium: 9, high: 1, critical: 3 }, flags: 'x' });
    expect(await modelsOf(broken.id)).toEqual(defaultModels());
  });

  test('are without forecasts where those are switched off, and otherwise the same', async () => {
    const quiet = await tenant('fleet', { flags: { predictions: false, alerts: true } });
    expect(await modelsOf(quiet.id)).toEqual({ ...defaultModels(), survival: null, calibration: null });
  });

  test('are the active one’s, not another’s or another tenant’s', async () => {
    const [fleet, other] = [await tenant(), await tenant()];
    const active = artefact();
    await registeredModel(fleet, active);
    await registeredModel(fleet, artefact(), { status: 'retired' });
    await registeredModel(other, artefact());
    expect((await modelsOf(fleet.id)).version).toBe(active.version);
    expect((await modelsOf((await tenant()).id)).version).toBe(priorArtefact().version);
  });

  test('are fetched once, and remembered by what they are', async () => {
    const fleet = await tenant();
    const own = artefact();
    await registeredModel(fleet, own);
    const { counted, gets } = counting();
    const [first, second] = [await modelsOf(fleet.id, counted), await modelsOf(fleet.id, counted)];
    expect(first).toEqual({ ...defaultModels(), version: own.version });
    expect(second).toEqual(first);
    expect(gets).toHaveLength(1);
  });

  test('no more than a few are remembered', async () => {
    const fleets = await Promise.all(Array.from({ length: 10 }, () => tenant()));
    for (const fleet of fleets) await registeredModel(fleet, artefact());
    const { counted, gets } = counting();
    for (const { id } of fleets) await modelsOf(id, counted);
    const last = fleets.at(-1)?.id ?? '';
    const first = fleets[0]?.id ?? '';
    await modelsOf(last, counted);
    expect(gets).toHaveLength(10);
    await modelsOf(first, counted);
    expect(gets).toHaveLength(11);
  });
});

describe('a model that cannot be read', () => {
  const fallsBack = async (id: string, from = bucket) => {
    expect((await modelsOf(id, from)).version).toBe(priorArtefact().version);
    expect((await modelsOf(id, from)).version).toBe(priorArtefact().version);
    const lines = logged.filter((line) => line.includes('model_not_read'));
    expect(lines).toHaveLength(1);
  };

  test('is replaced by the prior, and the log says so once: nothing lies there', async () => {
    const fleet = await tenant();
    await registeredModel(fleet, artefact(), { artefactKey: 'models/nowhere.json', artefactDigest: 'a1' });
    await fallsBack(fleet.id);
  });

  test('so is one whose bytes are others', async () => {
    const fleet = await tenant();
    const packed = await packArtefact(artefact());
    const { key, digest } = await putArtefact(bucket, fleet.id, packed);
    await bucket.put(key, (await packArtefact(artefact())).bytes);
    await registeredModel(fleet, artefact(), { artefactKey: key, artefactDigest: digest });
    await fallsBack(fleet.id);
  });

  test('so is one that is no artefact', async () => {
    const fleet = await tenant();
    const wrong = await packArtefact({ version: 'x', survival: 'none' } as never);
    const { key, digest } = await putArtefact(bucket, fleet.id, wrong);
    await registeredModel(fleet, artefact(), { artefactKey: key, artefactDigest: digest });
    await fallsBack(fleet.id);
  });

  test('is not replaced by the prior while the bucket is away, and is read once it is back', async () => {
    const fleet = await tenant();
    const own = artefact();
    await registeredModel(fleet, own);
    let isAway = true;
    const { counted } = counting((key) => (isAway ? Promise.reject(new Error('away')) : bucket.get(key)));
    await expect(modelsOf(fleet.id, counted)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    isAway = false;
    expect((await modelsOf(fleet.id, counted)).version).toBe(own.version);
  });
});

describe('while the bucket is away', () => {
  const bindings = { ...env, ARTIFACTS: counting(() => Promise.reject(new Error('away'))).counted };

  test('marks stay, nothing is kept, and the next sweep scores with the own model', async () => {
    const fleet = await tenant();
    const own = artefact();
    await registeredModel(fleet, own);
    const id = await truck(fleet, { isScoreDirty: true });
    await sweepScores(bindings);
    const rowOf = async () => (await db.select().from(vehicles).where(eq(vehicles.id, id)))[0];
    const keptOf = () => db.select().from(predictions).where(eq(predictions.vehicleId, id));
    expect([(await rowOf())?.isScoreDirty, await keptOf()]).toEqual([true, []]);
    await sweepScores(env);
    expect((await rowOf())?.isScoreDirty).toBe(false);
    expect(await keptOf()).toMatchObject([{ modelVersion: own.version }]);
  });

  test('whoever asks for one vehicle’s score is told to come again', async () => {
    const fleet = await tenant();
    await registeredModel(fleet, artefact());
    const id = await truck(fleet);
    const { token } = await person(fleet, 'fleet_manager');
    const request = new Request(`${origin}/api/v1/vehicles/${id}/score`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    const refused = await createApp().request(request, {}, bindings, createExecutionContext());
    expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: 'UNAVAILABLE' } }]);
    expect(await db.select().from(predictions).where(eq(predictions.vehicleId, id))).toEqual([]);
    expect((await call('POST', `/vehicles/${id}/score`, { token })).status).toBe(200);
  });
});

test('an artefact is stored once under its digest and comes back as it went in', async () => {
  const own = artefact();
  const packed = await packArtefact(own);
  const [first, second] = [await putArtefact(bucket, 't', packed), await putArtefact(bucket, 't', packed)];
  expect(second).toEqual(first);
  expect(first.key).toBe(`models/t/${packed.digest}.json`);
  expect(await readArtefact(bucket, first)).toEqual(own);
});
