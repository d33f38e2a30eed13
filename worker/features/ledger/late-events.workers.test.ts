/** Events that are told late, taken back or written past the features: the ledger follows. */
import { eq, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { db, tenant, truck } from '#test/workers/harness';
import {
  at,
  day,
  expectAgreement,
  fleetWithPast,
  happen,
  judgedAt,
  ledgerOf,
  predict,
  predictionsOf,
} from '#test/workers/ledger-builders';
import { trailOfJob } from '#worker/audit/trail';
import { predictionReviews, serviceEvents } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { deleteServiceEvent } from '../service-events/store.ts';
import { readFailureHistory } from './baseline-store.ts';
import { settleEverything, settlePredictions } from './settle.ts';

it('the baseline counts the failures that outcomes count, also the repair after the breakdown', async () => {
  const fleet = await tenant();
  const vehicleId = await truck(fleet, { firstSeenAt: day(-100) });
  await predict(fleet, [0, 11].map((days) => ({ vehicleId, at: days }))); // prettier-ignore
  await happen(fleet, vehicleId, 10, 'breakdown');
  await happen(fleet, vehicleId, 12);
  await settlePredictions(scopeForJob(fleet.id), db, at(13));
  expect((await predictionsOf(fleet)).map(({ failedAt }) => failedAt)).toEqual([day(10), day(12)]);
  const { failures } = await readFailureHistory(scopeForJob(fleet.id), db);
  expect(failures.map(({ failures: count }) => count)).toEqual([1, 1]);
});

describe('what comes late', () => {
  it('a repair told of months later corrects verdicts, sums and baselines; taking it back restores them', async () => {
    const { fleet, trucks } = await fleetWithPast();
    const scope = scopeForJob(fleet.id);
    await settlePredictions(scope, db, at(200));
    const before = await ledgerOf(fleet);
    const outcomes = await predictionsOf(fleet);
    const { createdIds } = await happen(fleet, trucks[2], 10.5, 'repair', 250);
    await settlePredictions(scope, db, at(250));
    await expectAgreement(fleet);
    expect(await judgedAt(fleet, 90)).toEqual([107, 53 + 11, 13]);
    const [event] = await db
      .select()
      .from(serviceEvents)
      .where(eq(serviceEvents.id, createdIds[0] ?? ''));
    if (event === undefined) throw new Error('no event');
    await deleteServiceEvent(scope, db, trailOfJob(at(260)), event, at(260));
    await settlePredictions(scope, db, at(260));
    await expectAgreement(fleet);
    const round = (rows: typeof before) =>
      rows
        .map(({ brierSum, logLossSum, chanceSum, baselineBrierSum, baselineLogLossSum, ...row }) => ({
          ...row,
          sums: [brierSum, logLossSum, chanceSum, baselineBrierSum, baselineLogLossSum].map((sum) => sum.toFixed(8)),
        }))
        .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    expect(round(await ledgerOf(fleet))).toEqual(round(before));
    const withoutTime = (rows: typeof outcomes) => rows.map((row) => ({ ...row, settledAt: row.settledAt !== null }));
    expect(withoutTime(await predictionsOf(fleet))).toEqual(withoutTime(outcomes));
  });

  it('an event taken back reopens predictions whose time is not over', async () => {
    const fleet = await tenant();
    const scope = scopeForJob(fleet.id);
    const vehicleId = await truck(fleet);
    await predict(fleet, [{ vehicleId, at: 0 }]);
    await happen(fleet, vehicleId, 3);
    await settlePredictions(scope, db, at(10));
    expect((await predictionsOf(fleet))[0]).toMatchObject({ failed90: true, settledAt: day(10) });
    const [event] = await db.select().from(serviceEvents).where(eq(serviceEvents.vehicleId, vehicleId));
    if (event === undefined) throw new Error('no event');
    await deleteServiceEvent(scope, db, trailOfJob(at(11)), event, at(11));
    await settlePredictions(scope, db, at(11));
    expect((await predictionsOf(fleet))[0]).toMatchObject({
      failed7: false,
      failed30: null,
      failedAt: null,
      settledAt: null,
    });
    await expectAgreement(fleet);
    expect(await judgedAt(fleet, 90)).toEqual([0, 0, 0]);
  });

  it('an imported history before anything was predicted sets the baseline', async () => {
    const fleet = await tenant();
    const scope = scopeForJob(fleet.id);
    const vehicleId = await truck(fleet, { firstSeenAt: day(-1) });
    await predict(fleet, [{ vehicleId, at: 0 }]);
    await settlePredictions(scope, db, at(100));
    const baselineOf = async () =>
      (await ledgerOf(fleet)).find(({ horizonDays }) => horizonDays === 30)?.baselineBrierSum ?? 0;
    const young = await baselineOf();
    await happen(fleet, vehicleId, -300, 'repair', 100);
    await happen(fleet, vehicleId, -150, 'repair', 100);
    await happen(fleet, vehicleId, -149, 'repair', 100);
    expect(await settlePredictions(scope, db, at(101))).toMatchObject({ judged: 0 });
    await expectAgreement(fleet);
    // Two repairs a day apart are two failures, as outcomes have them; the first event is where the history begins.
    const rate = 3 / (300 + 120);
    expect(await baselineOf()).toBeCloseTo((1 - Math.exp(-rate * 30)) ** 2, 9);
    expect(await baselineOf()).not.toBeCloseTo(young, 3);
  });

  it('an event dated a little ahead waits until it has happened', async () => {
    const fleet = await tenant();
    const vehicleId = await truck(fleet);
    await predict(fleet, [{ vehicleId, at: 0 }]);
    await happen(fleet, vehicleId, 2.001, 'repair', 2);
    await settlePredictions(scopeForJob(fleet.id), db, at(2));
    expect((await predictionsOf(fleet))[0]?.failedAt).toBeNull();
    await settlePredictions(scopeForJob(fleet.id), db, at(2.01));
    expect((await predictionsOf(fleet))[0]?.failedAt).toBe(day(2.001));
  });

  it('data written past the features is settled all at once', async () => {
    const { fleet } = await fleetWithPast();
    await db.run(sql`DELETE FROM prediction_reviews WHERE tenant_id = ${fleet.id}`);
    expect((await settleEverything(scopeForJob(fleet.id), db, at(200))).isDone).toBe(true);
    await expectAgreement(fleet);
    expect(await judgedAt(fleet, 90)).toEqual([107, 53, 13]);
  });

  it('another tenant’s vehicle is neither read nor changed', async () => {
    const { fleet } = await fleetWithPast();
    const other = await tenant();
    await settleEverything(scopeForJob(other.id), db, at(200));
    expect((await predictionsOf(fleet)).every(({ settledAt }) => settledAt === null)).toBe(true);
    expect(await db.select().from(predictionReviews).where(eq(predictionReviews.tenantId, fleet.id))).toHaveLength(2);
  });
});
