/** What becomes of predictions as they grow old, on real D1 and R2. */
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { vehicleScoreSchema } from '#contracts/risk';
import { db, tenant, type TestTenant } from '#test/workers/harness';
import { sickTruck, signalsOf } from '#test/workers/scoring-builders';
import { predictions, tenants, vehicles } from '#worker/db/schema/index';
import { evaluateAlerts } from '#worker/features/alerts/evaluate';
import { reproducePrediction } from '#worker/features/scoring/reproduce';
import { rescoreDirtyVehicles } from '#worker/features/scoring/rescore';
import { shortScore } from '#worker/features/scoring/retention';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { tidyPredictions } from './tidy-predictions.ts';

const dayMs = 86_400_000;
const scoredAt = new Date('2026-03-01T12:00:00.000Z');
const after = (days: number) => new Date(scoredAt.getTime() + days * dayMs);
const bounds = { scoresPerRound: 1000, rounds: 1000, tenants: 1000, bucketCalls: 1000 };
const keptOf = (of: TestTenant) =>
  db.select().from(predictions).where(eq(predictions.tenantId, of.id)).orderBy(predictions.createdAt);
const progress = async () => (await env.ARTIFACTS.get('retention/scores.json'))?.json();

beforeEach(async () => {
  await db.delete(predictions);
  const { objects } = await env.ARTIFACTS.list({ prefix: 'features/' });
  await env.ARTIFACTS.delete(['retention/scores.json', ...objects.map(({ key }) => key)]);
});

/** A sick truck scored once a day, the first two times long ago; `settled`: how many have been judged. */
async function scored({ settled = 2 } = {}) {
  const fleet = await tenant();
  const id = await sickTruck(scoredAt, fleet);
  const at = after(-1).toISOString();
  await signalsOf(fleet, id, [
    { name: 'batteryVolts', value: 9, at, baselineMedian: 14, baselineMad: 0.1, n: 90, drift: null },
  ]);
  for (const days of [0, 1, 2]) {
    await db.update(vehicles).set({ isScoreDirty: true }).where(eq(vehicles.id, id));
    const scope = scopeForJob(fleet.id);
    await rescoreDirtyVehicles(scope, db, env.ARTIFACTS, { nowIso: after(days).toISOString() });
  }
  const rows = await keptOf(fleet);
  expect(rows).toHaveLength(3);
  for (const row of rows.slice(0, settled)) {
    await db
      .update(predictions)
      .set({ settledAt: after(95).toISOString() })
      .where(eq(predictions.id, row.id));
  }
  return { fleet, vehicleId: id, rows: await keptOf(fleet) };
}

describe('scores', () => {
  test('judged long ago keep everything but evidence, anomalies and small reasons; the row stays', async () => {
    const { fleet, rows } = await scored();
    expect(rows[0]?.score.anomalies.length).toBeGreaterThan(0);
    expect(await tidyPredictions(env, after(119), bounds)).toMatchObject({ shortened: 0 });
    expect(await keptOf(fleet)).toEqual(rows);
    expect(await tidyPredictions(env, after(122), bounds)).toMatchObject({ shortened: 2 });
    const [first, second, newest] = await keptOf(fleet);
    for (const [before, now] of [
      [rows[0], first],
      [rows[1], second],
    ]) {
      if (before === undefined || now === undefined) throw new Error('a row is gone');
      expect(vehicleScoreSchema.strict().parse(now.score)).toEqual(shortScore(before.score));
      expect({ ...now, score: null }).toEqual({ ...before, score: null });
      expect(now.score.contributors.length).toBeGreaterThan(0);
      expect(JSON.stringify(now.score).length).toBeLessThan(JSON.stringify(before.score).length * 0.8);
    }
    expect(newest).toEqual(rows[2]);
    expect(await tidyPredictions(env, after(123), bounds)).toMatchObject({ shortened: 0 });
  });

  test('made again are still found to be the same, and changed ones are not', async () => {
    const { fleet, rows } = await scored();
    await tidyPredictions(env, after(122), bounds);
    const again = () => reproducePrediction(scopeForJob(fleet.id), db, env.ARTIFACTS, rows[0]?.id ?? '');
    expect(await again()).toMatchObject({ kind: 'reproduced', isSame: true });
    await db
      .update(predictions)
      .set({ score: { ...shortScore(rows[0]?.score as never), riskScore: 1 } })
      .where(eq(predictions.id, rows[0]?.id ?? ''));
    expect(await again()).toMatchObject({ isSame: false });
  });

  test('not judged yet, and the newest of a vehicle however old, stay whole: alerts say the same as before', async () => {
    const { fleet, rows } = await scored({ settled: 0 });
    await db
      .update(predictions)
      .set({ settledAt: after(95).toISOString() })
      .where(eq(predictions.id, rows[2]?.id ?? ''));
    const before = await keptOf(fleet);
    await evaluateAlerts(scopeForJob(fleet.id), db, { nowIso: after(3).toISOString(), vehicleIds: 'all' });
    expect(await tidyPredictions(env, after(500), bounds)).toMatchObject({ shortened: 0 });
    expect(await keptOf(fleet)).toEqual(before);
    const next = await evaluateAlerts(scopeForJob(fleet.id), db, { nowIso: after(4).toISOString(), vehicleIds: 'all' });
    expect([next.openedIds, next.changedIds, next.resolvedIds]).toEqual([[], [], []]);
  });

  test('go a few a night, day after day, and from where the night before ended', async () => {
    const { rows } = await scored();
    const few = { ...bounds, scoresPerRound: 1, rounds: 1 };
    expect(await tidyPredictions(env, after(130), few)).toMatchObject({ shortened: 1 });
    // The round was full: the day may hold more.
    expect(await progress()).toEqual({ doneBefore: rows[0]?.createdAt.slice(0, 10) });
    expect(await tidyPredictions(env, after(130), few)).toMatchObject({ shortened: 0 });
    expect(await progress()).toEqual({ doneBefore: rows[1]?.createdAt.slice(0, 10) });
    expect(await tidyPredictions(env, after(130), { ...bounds, rounds: 50 })).toMatchObject({ shortened: 1 });
    expect(await progress()).toEqual({ doneBefore: after(10).toISOString().slice(0, 10) });
  });

  test('with a damaged note of the progress are gone through again', async () => {
    await scored();
    await env.ARTIFACTS.put('retention/scores.json', '{"doneBefore": 7');
    expect(await tidyPredictions(env, after(130), bounds)).toMatchObject({ shortened: 2 });
  });

  test('a text that looks like evidence is no evidence', async () => {
    const { fleet, rows } = await scored();
    const score = shortScore(rows[0]?.score as never);
    const [contributor] = score.contributors;
    const text = '"evidence":{"x":1},"anomalies":[{';
    const odd = { ...score, contributors: [{ ...contributor, text } as never] };
    await db
      .update(predictions)
      .set({ score: odd })
      .where(eq(predictions.id, rows[0]?.id ?? ''));
    expect(await tidyPredictions(env, after(130), bounds)).toMatchObject({ shortened: 1 });
    expect((await keptOf(fleet))[0]?.score).toEqual(odd);
  });
});

describe('inputs', () => {
  const now = new Date('2027-06-01T05:27:00.000Z');
  const keyOf = (of: { id: string }, daysAgo: number) =>
    `features/${of.id}/${new Date(now.getTime() - daysAgo * dayMs).toISOString().slice(0, 10)}/${newId()}.json.gz`;
  async function stored(of: { id: string }, ages: number[]) {
    const keys = ages.map((age) => keyOf(of, age));
    for (const key of keys) await env.ARTIFACTS.put(key, 'x');
    return keys;
  }
  const left = async ({ id }: { id: string }) =>
    (await env.ARTIFACTS.list({ prefix: `features/${id}/` })).objects.map(({ key }) => key);

  test('of more than 400 days ago go, of whichever tenant; younger ones and everything else stay', async () => {
    const [fleet, other] = [await tenant(), await tenant()];
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, other.id));
    const young = (await stored(fleet, [900, 401, 400, 1])).slice(2);
    await stored(other, [500]);
    const model = `models/${fleet.id}/x.json`;
    await env.ARTIFACTS.put(model, 'x');
    expect((await tidyPredictions(env, now, bounds)).inputsDeleted).toBe(3);
    expect([await left(fleet), await left(other)]).toEqual([young.sort(), []]);
    expect(await env.ARTIFACTS.head(model)).not.toBeNull();
    expect((await tidyPredictions(env, now, bounds)).inputsDeleted).toBe(0);
  });

  test('some tenants a night, and every tenant in its turn; calls are bounded', async () => {
    const fleets = [await tenant(), await tenant(), await tenant()];
    for (const fleet of fleets) await stored(fleet, [500]);
    const count = await db.$count(tenants);
    const few = { ...bounds, tenants: 1 };
    expect((await tidyPredictions(env, now, { ...bounds, bucketCalls: 0 })).inputsDeleted).toBe(0);
    let deleted = 0;
    for (let night = 0; night < count; night += 1) {
      const at = new Date(now.getTime() + night * dayMs);
      deleted += (await tidyPredictions(env, at, few)).inputsDeleted;
    }
    expect(deleted).toBe(3);
    for (const fleet of fleets) expect(await left(fleet)).toEqual([]);
  });

  test('of a prediction that is made again later are said to be gone', async () => {
    const { fleet, rows } = await scored();
    await tidyPredictions(env, after(402), bounds);
    expect(await reproducePrediction(scopeForJob(fleet.id), db, env.ARTIFACTS, rows[0]?.id ?? '')).toEqual({
      kind: 'input_missing',
      reason: 'its object is gone',
    });
  });
});
