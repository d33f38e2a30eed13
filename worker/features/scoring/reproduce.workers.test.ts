import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { db, tenant, type TestTenant } from '#test/workers/harness';
import { registeredModel, sickTruck } from '#test/workers/scoring-builders';
import { faults, predictions, tenants, vehicles } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { priorArtefact } from './models.ts';
import { reproducePrediction } from './reproduce.ts';
import { rescoreDirtyVehicles } from './rescore.ts';

const bucket = env.ARTIFACTS;
const nowIso = '2026-11-20T12:00:00.000Z';
const now = new Date(nowIso);
const rescore = (of: TestTenant) => rescoreDirtyVehicles(scopeForJob(of.id), db, bucket, { nowIso });
const keptOf = (of: TestTenant) => db.select().from(predictions).where(eq(predictions.tenantId, of.id));

describe('a prediction made again', () => {
  const scoredFleet = async (settings = {}) => {
    const fleet = await tenant('fleet', settings);
    const id = await sickTruck(now, fleet);
    return { fleet, id, scope: scopeForJob(fleet.id) };
  };

  test('is the same to the byte, after everything has changed since', async () => {
    const own = { riskBands: { medium: 5, high: 10, critical: 90 }, riskWeights: { lampRedStop: 33 } };
    const { fleet, id, scope } = await scoredFleet(own);
    await registeredModel(fleet, { ...priorArtefact(), version: 'own-1' });
    await rescore(fleet);
    await db.update(tenants).set({ settings: {} }).where(eq(tenants.id, fleet.id));
    await db.delete(faults).where(eq(faults.vehicleId, id));
    await db.update(vehicles).set({ odometerMiles: 1 }).where(eq(vehicles.id, id));
    const [kept] = await keptOf(fleet);
    expect(kept?.modelVersion).toBe('own-1');
    expect(kept?.chance30).toBeGreaterThan(0);
    const again = await reproducePrediction(scope, db, bucket, kept?.id ?? '');
    expect(again).toMatchObject({ kind: 'reproduced', isSame: true });
    const stored = await env.DB.prepare('SELECT score FROM predictions WHERE id = ?').bind(kept?.id).first('score');
    expect(again.kind === 'reproduced' && JSON.stringify(again.score)).toBe(stored);
  });

  test('without forecasts is the same too', async () => {
    const { fleet, scope } = await scoredFleet({ flags: { predictions: false, alerts: true } });
    await rescore(fleet);
    const [kept] = await keptOf(fleet);
    expect(kept).toMatchObject({ chance7: null, chance30: null, chance90: null });
    expect(kept?.score).toMatchObject({ failureProbability: null, daysToFailure: null });
    expect(kept?.score.components.faults).toBeGreaterThan(0);
    expect(await reproducePrediction(scope, db, bucket, kept?.id ?? '')).toMatchObject({ isSame: true });
  });

  test('whose stored words were changed shows it', async () => {
    const { fleet, scope } = await scoredFleet();
    await rescore(fleet);
    const [kept] = await keptOf(fleet);
    const changed = { ...kept?.score, riskScore: 1 } as never;
    await db.update(predictions).set({ score: changed }).where(eq(predictions.tenantId, fleet.id));
    expect(await reproducePrediction(scope, db, bucket, kept?.id ?? '')).toMatchObject({ isSame: false });
  });

  test('is not there for others, and says what is missing', async () => {
    const { fleet, scope } = await scoredFleet();
    await rescore(fleet);
    const [kept] = await keptOf(fleet);
    const { id = '', featuresKey } = kept ?? {};
    expect(await reproducePrediction(scopeForJob((await tenant()).id), db, bucket, id)).toEqual({
      kind: 'unknown_prediction',
    });
    await bucket.put(featuresKey ?? '', 'no gzip');
    expect(await reproducePrediction(scope, db, bucket, id)).toMatchObject({ kind: 'input_missing' });
    await bucket.delete(featuresKey ?? '');
    expect(await reproducePrediction(scope, db, bucket, id)).toEqual({
      kind: 'input_missing',
      reason: 'its object is gone',
    });
  });
});
