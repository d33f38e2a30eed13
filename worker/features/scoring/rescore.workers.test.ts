import { env } from 'cloudflare:workers';
import { and, asc, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { featureListVersion, featureNames, featureVector, scoreVehicle } from '#scoring';
import { db, tenant, type TestTenant } from '#test/workers/harness';
import { modelsOf, registeredModel, sickTruck } from '#test/workers/scoring-builders';
import { trailOfJob } from '#worker/audit/trail';
import { openDatabase } from '#worker/db/client';
import { faults, predictions, tenants, vehicles } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { readFeatures } from './features-store.ts';
import { priorArtefact } from './models.ts';
import { reproducePrediction } from './reproduce.ts';
import { rescoreDirtyVehicles } from './rescore.ts';
import { changeRiskTerms, readRiskTerms } from './settings-store.ts';

const bucket = env.ARTIFACTS;
const nowIso = '2026-11-20T12:00:00.000Z';
const now = new Date(nowIso);
const daysAgo = (days: number): string => new Date(now.getTime() - days * 86_400_000).toISOString();

const rescore = (of: TestTenant, options = {}) =>
  rescoreDirtyVehicles(scopeForJob(of.id), db, bucket, { nowIso, ...options });
const keptOf = (of: TestTenant) =>
  db.select().from(predictions).where(eq(predictions.tenantId, of.id)).orderBy(asc(predictions.createdAt));
const isMarked = async (id: string) => (await db.select().from(vehicles).where(eq(vehicles.id, id)))[0]?.isScoreDirty;
const counterOf = async ({ id }: TestTenant) =>
  (await db.select().from(tenants).where(eq(tenants.id, id)))[0]?.changeCounter ?? 0;

async function manyTrucks(of: TestTenant, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, at) => ({
    id: newId(),
    vin: `1XKYD49X9RJ${String(at).padStart(6, '0')}`,
  }));
  await env.DB.prepare(
    `INSERT INTO vehicles (id, tenant_id, vin, unit_number, first_seen_at, updated_at, is_score_dirty)
     SELECT value ->> 'id', ?1, value ->> 'vin', value ->> 'vin', ?2, ?2, 1 FROM json_each(?3)`,
  )
    .bind(of.id, daysAgo(10), JSON.stringify(rows))
    .run();
}

/** A bucket that is asked, and then does what the test wants of it. */
const bucketThat = (puts: (key: string) => Promise<void>): R2Bucket =>
  new Proxy(bucket, {
    get(target, property) {
      if (property === 'put') {
        return async (key: string, ...rest: unknown[]) => {
          await puts(key);
          return Reflect.apply(Reflect.get(target, 'put') as R2Bucket['put'], target, [key, ...rest]);
        };
      }
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

describe('rescoring', () => {
  test('keeps the whole prediction, updates the vehicle, clears the mark, counts one change', async () => {
    const fleet = await tenant();
    const id = await sickTruck(now, fleet);
    const before = await counterOf(fleet);
    const result = await rescore(fleet);
    expect(result).toMatchObject({ scoredVehicleIds: [id], isDone: true });
    expect(result.counters).toEqual([before + 1]);
    const [kept] = await keptOf(fleet);
    const scope = scopeForJob(fleet.id);
    const read = await readFeatures(scope, db, [id], { now });
    const features = read.vehicles[0]?.features;
    if (kept === undefined || features === undefined) throw new Error('nothing kept');
    const score = scoreVehicle(features, await modelsOf(fleet.id), now);
    expect(kept.score).toEqual(score);
    expect(kept).toMatchObject({
      vehicleId: id,
      createdAt: nowIso,
      modelVersion: score.modelVersion,
      riskScore: score.riskScore,
      chance7: score.failureProbability?.days7 ?? null,
      chance30: score.failureProbability?.days30 ?? null,
      chance90: score.failureProbability?.days90 ?? null,
      featureList: featureListVersion,
      settledAt: null,
    });
    const vector = featureVector(features, now).map((value) => (Number.isNaN(value) ? null : value));
    expect(kept.featureVector).toEqual(vector);
    expect(vector[featureNames.indexOf('milesSinceService')]).toBe(20_000);
    expect((await db.select().from(vehicles).where(eq(vehicles.id, id)))[0]).toMatchObject({
      riskScore: score.riskScore,
      riskLevel: score.riskLevel,
      healthScore: score.healthScore,
      recommendedAction: score.recommendedAction,
      isScoreDirty: false,
      updatedAt: nowIso,
    });
    expect((await rescore(fleet)).scoredVehicleIds).toEqual([]);
    expect(await counterOf(fleet)).toBe(before + 1);
  });

  test('more than one chunk, and only as many as are asked for', async () => {
    const fleet = await tenant();
    await manyTrucks(fleet, 1120);
    const first = await rescore(fleet, { atMost: 300 });
    expect([first.scoredVehicleIds.length, first.isDone]).toEqual([300, false]);
    const rest = await rescore(fleet);
    expect([rest.scoredVehicleIds.length, rest.isDone]).toEqual([820, true]);
    const kept = await keptOf(fleet);
    expect(new Set(kept.map(({ vehicleId }) => vehicleId)).size).toBe(1120);
    expect(kept.every(({ featuresKey }) => featuresKey !== null)).toBe(true);
  });

  test('out of time it stops between chunks, and the marks of the rest stay', async () => {
    const fleet = await tenant();
    await manyTrucks(fleet, 550);
    let chunks = 0;
    const result = await rescore(fleet, { mayGoOn: () => (chunks += 1) <= 1 });
    expect([result.scoredVehicleIds.length, result.isDone]).toEqual([500, false]);
    const marked = await db
      .select()
      .from(vehicles)
      .where(and(eq(vehicles.tenantId, fleet.id), eq(vehicles.isScoreDirty, true)));
    expect(marked).toHaveLength(50);
  });

  test('scores larger than one statement takes are kept all the same', async () => {
    const fleet = await tenant();
    await manyTrucks(fleet, 120);
    const rows = await db.select({ id: vehicles.id }).from(vehicles).where(eq(vehicles.tenantId, fleet.id));
    const codes = rows.flatMap(({ id }) =>
      Array.from({ length: 45 }, (_, at) => ({ id: newId(), vehicleId: id, spn: 100 + at })),
    );
    await env.DB.prepare(
      `INSERT INTO faults (id, tenant_id, vehicle_id, source_address, spn, fmi, description, system, severity, is_active,
         first_seen_at, last_seen_at, occurrence_count)
       SELECT value ->> 'id', ?1, value ->> 'vehicleId', 0, value ->> 'spn', 3, 'x', 'engine', 'major', 1, ?2, ?2, 3
       FROM json_each(?3)`,
    )
      .bind(fleet.id, daysAgo(2), JSON.stringify(codes))
      .run();
    const { scoredVehicleIds, counters } = await rescore(fleet);
    expect(scoredVehicleIds).toHaveLength(120);
    expect(counters.length).toBeGreaterThan(1);
    const kept = await keptOf(fleet);
    expect(kept).toHaveLength(120);
    expect(kept[0]?.score.contributors.length).toBeGreaterThan(20);
  });

  test('another tenant’s marks are not touched', async () => {
    const [fleet, other] = [await tenant(), await tenant()];
    const foreign = await sickTruck(now, other);
    await sickTruck(now, fleet);
    await rescore(fleet);
    expect(await isMarked(foreign)).toBe(true);
    expect(await keptOf(other)).toEqual([]);
  });
});

describe('what happens meanwhile', () => {
  /** A change of the vehicle as every source of news writes it. */
  const change = (id: string) =>
    env.DB.prepare(
      `UPDATE vehicles SET is_score_dirty = 1, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', updated_at, '+0.001 seconds')
       WHERE id = ?`,
    )
      .bind(id)
      .run();

  test('a change under the hands of scoring is scored too: nothing old is kept over it', async () => {
    const fleet = await tenant();
    const id = await sickTruck(now, fleet);
    let changes = 0;
    const slow = bucketThat(async (key) => {
      if (!key.startsWith('features/') || changes > 0) return;
      changes += 1;
      await db.update(faults).set({ isActive: false, clearedAt: nowIso }).where(eq(faults.vehicleId, id));
      await change(id);
    });
    const { scoredVehicleIds } = await rescoreDirtyVehicles(scopeForJob(fleet.id), db, slow, { nowIso });
    expect(scoredVehicleIds).toEqual([id]);
    const kept = await keptOf(fleet);
    expect(kept).toHaveLength(1);
    expect(kept[0]?.riskLevel).not.toBe('critical');
    expect(await isMarked(id)).toBe(false);
  });

  test('a vehicle that changes without end keeps its mark, and the run ends', async () => {
    const fleet = await tenant();
    const id = await sickTruck(now, fleet);
    const restless = bucketThat(async (key) => {
      if (key.startsWith('features/')) await change(id);
    });
    const result = await rescoreDirtyVehicles(scopeForJob(fleet.id), db, restless, { nowIso });
    expect(result).toEqual({ scoredVehicleIds: [], counters: [], isDone: false });
    expect(await isMarked(id)).toBe(true);
    expect(await keptOf(fleet)).toEqual([]);
  });

  test('runs at once share the work: one prediction a vehicle, no mark left, none lost', async () => {
    const fleet = await tenant();
    await manyTrucks(fleet, 600);
    const results = await Promise.all([1, 2, 3].map(() => rescore(fleet)));
    const scored = results.flatMap(({ scoredVehicleIds }) => scoredVehicleIds);
    expect([scored.length, new Set(scored).size]).toEqual([600, 600]);
    expect(await keptOf(fleet)).toHaveLength(600);
    expect((await rescore(fleet)).scoredVehicleIds).toEqual([]);
  });

  test('settings that change while a fleet is scored hold for every vehicle in the end', async () => {
    const fleet = await tenant();
    await manyTrucks(fleet, 1100);
    const scope = scopeForJob(fleet.id);
    let puts = 0;
    const turning = bucketThat(async (key) => {
      if (!key.startsWith('features/')) return;
      puts += 1;
      if (puts !== 2) return;
      // The first chunk is kept, the second about to be, the third read.
      const known = await readRiskTerms(scope, db);
      const change = { riskBands: { medium: 0.1, high: 0.2, critical: 0.3 } };
      if (known === null) throw new Error('no tenant');
      await changeRiskTerms(scope, db, trailOfJob(now), known, change, { now, unchangedSince: null });
    });
    const { scoredVehicleIds } = await rescoreDirtyVehicles(scope, db, turning, { nowIso });
    expect(scoredVehicleIds).toHaveLength(1600);
    const kept = await keptOf(fleet);
    const mediumOf = new Map(
      await Promise.all(
        [...new Set(kept.map(({ featuresKey }) => featuresKey ?? ''))].map(async (key) => {
          const unpacked = (await bucket.get(key))?.body.pipeThrough(new DecompressionStream('gzip'));
          const { riskBands } = (await new Response(unpacked).json()) as { riskBands: { medium: number } };
          return [key, riskBands.medium] as const;
        }),
      ),
    );
    const withNew = kept.filter(({ featuresKey }) => mediumOf.get(featuresKey ?? '') === 0.1);
    expect(new Set(withNew.map(({ vehicleId }) => vehicleId)).size).toBe(1100);
    expect(kept).toHaveLength(1600);
  });

  test('a run that dies before its commit leaves the mark and nothing else; the next one makes up for it', async () => {
    const fleet = await tenant();
    const id = await sickTruck(now, fleet);
    let batches = 0;
    const dying = new Proxy(env.DB, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== 'function') return value;
        if (property !== 'batch') return value.bind(target);
        // The first reads, the second writes.
        return (statements: D1PreparedStatement[]) =>
          (batches += 1) === 2 ? Promise.reject(new Error('D1 is away')) : target.batch(statements);
      },
    });
    const scope = scopeForJob(fleet.id);
    await expect(rescoreDirtyVehicles(scope, openDatabase(dying), bucket, { nowIso })).rejects.toThrow();
    expect([await isMarked(id), await keptOf(fleet)]).toEqual([true, []]);
    expect((await rescore(fleet)).scoredVehicleIds).toEqual([id]);
    expect([await isMarked(id), (await keptOf(fleet)).length]).toEqual([false, 1]);
  });

  test('a model that breaks over a vehicle gives way to the prior, and the archive says so', async () => {
    const fleet = await tenant();
    await sickTruck(now, fleet);
    const trees = {
      ...{
        format: 'gradient-trees-1',
        loss: 'hazard',
        names: [...featureNames],
        base: -5,
        edges: featureNames.map(() => []),
      },
      ...{ periodEnds: [30, 90], importance: featureNames.map(() => 0), sizes: [3], nodes: [9, 9, 9], values: [1] },
    } as const;
    const typical = { days7: 0.01, days30: 0.04, days90: 0.1 };
    const reference = featureNames.map(() => null);
    const survival = { format: 'survival-1', trees, correction: null, typical, reference } as never;
    await registeredModel(fleet, { version: 'broken-1', survival, anomaly: null, calibration: null });
    expect((await rescore(fleet)).scoredVehicleIds).toHaveLength(1);
    const [kept] = await keptOf(fleet);
    expect(kept?.modelVersion).toBe(priorArtefact().version);
    expect(await reproducePrediction(scopeForJob(fleet.id), db, bucket, kept?.id ?? '')).toMatchObject({
      isSame: true,
    });
  });

  test('R2 that fails costs the archive, not the scores', async () => {
    const fleet = await tenant();
    const id = await sickTruck(now, fleet);
    const broken = bucketThat(() => Promise.reject(new Error('R2 is away')));
    const { scoredVehicleIds } = await rescoreDirtyVehicles(scopeForJob(fleet.id), db, broken, { nowIso });
    expect(scoredVehicleIds).toEqual([id]);
    const [kept] = await keptOf(fleet);
    expect(kept?.featuresKey).toBeNull();
    expect(await reproducePrediction(scopeForJob(fleet.id), db, bucket, kept?.id ?? '')).toEqual({
      kind: 'input_missing',
      reason: 'it was not kept',
    });
  });
});
