/** GET /reports/prediction-accuracy over real predictions, events and sums. */
import { sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { predictionAccuracySchema, type PredictionAccuracy } from '#contracts/scoring';
import { emptyFeatures, exampleModels, scoreVehicle } from '#scoring';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { call, db, link, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { calibrationChecks, predictions, serviceEvents } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { settleEverything } from '../ledger/settle.ts';

commonRouteTests('GET /reports/prediction-accuracy', {
  method: 'GET',
  path: () => '/reports/prediction-accuracy',
  permission: 'reports:read',
  namesThing: false,
  takesBody: false,
});

const dayMs = 86_400_000;
const startedMs = Date.now() - 60_000;
/** So many days before a minute ago. */
const ago = (days: number): string => new Date(startedMs - days * dayMs).toISOString();
const score = scoreVehicle(emptyFeatures(), exampleModels(), new Date());
type Level = 'low' | 'medium' | 'high' | 'critical';

/** One prediction a day, oldest first; `levels` ends at `last` days ago. */
async function predict(
  of: TestTenant,
  vehicleId: string,
  levels: readonly Level[],
  {
    last = 0,
    chance = 0.3,
    modelVersion = 'm1',
  }: { last?: number; chance?: number | null; modelVersion?: string } = {},
): Promise<void> {
  const rows = levels.map((riskLevel, index) => ({
    ...{ id: newId(), tenantId: of.id, vehicleId, createdAt: ago(last + levels.length - 1 - index), modelVersion },
    ...{ riskScore: 10, riskLevel, score, chance7: chance, chance30: chance, chance90: chance },
  }));
  for (let from = 0; from < rows.length; from += 6) await db.insert(predictions).values(rows.slice(from, from + 6));
}
const happened = (
  of: TestTenant,
  vehicleId: string,
  days: number,
  kind: 'repair' | 'breakdown' | 'preventive' = 'repair',
) =>
  db.insert(serviceEvents).values({
    ...{ id: newId(), tenantId: of.id, vehicleId, at: ago(days), kind, description: 'x', source: 'api' },
    ...{ fingerprint: newId(), createdAt: ago(days) },
  });
const times = (count: number, level: Level): Level[] => Array.from({ length: count }, () => level);
const settle = (of: TestTenant) => settleEverything(scopeForJob(of.id), db, new Date());
const report = async (token: string, query = ''): Promise<PredictionAccuracy> => {
  const answer = await call('GET', `/reports/prediction-accuracy${query}`, { token });
  expect(answer.status, answer.text).toBe(200);
  return predictionAccuracySchema.parse(answer.body.data);
};
const viewer = async (of: TestTenant) => (await person(of, 'viewer')).token;

describe('GET /reports/prediction-accuracy', () => {
  test('refuses spans that are none, unknown parameters, and a foreign tenant', async () => {
    const token = await viewer(await tenant());
    const other = await tenant();
    for (const query of [
      'from=yesterday',
      'from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z',
      'from=1990-01-01T00:00:00Z',
      'groupId=1',
      'tenantId=1',
    ]) {
      const answer = await call('GET', `/reports/prediction-accuracy?${query}`, { token });
      expect([answer.status, answer.body.error?.code], query).toEqual([400, 'VALIDATION_FAILED']);
    }
    expect((await call('GET', `/reports/prediction-accuracy?tenantId=${other.id}`, { token })).status).toBe(404);
  });

  test('a fleet without predictions is told that there is nothing to judge', async () => {
    const { dataStatus, vehicles, warnings, versions } = await report(await viewer(await tenant()));
    expect(dataStatus).toEqual({ kind: 'insufficient_data', have: 0, need: 30 });
    expect([vehicles, warnings.raised, warnings.truckMonths, versions]).toEqual([0, 0, 0, []]);
  });

  test('judged, pending and censored predictions per horizon, the baseline beside them', async () => {
    const fleet = await tenant();
    const [sound, failing, cared] = [await truck(fleet), await truck(fleet), await truck(fleet)];
    for (const id of [sound, failing, cared]) await predict(fleet, id, times(40, 'low'));
    await happened(fleet, failing, 20, 'breakdown');
    await happened(fleet, cared, 35, 'preventive');
    await settle(fleet);
    const { horizons, dataStatus, vehicles, versions } = await report(await viewer(fleet));
    expect([dataStatus, vehicles]).toEqual(['ok', 3]);
    // The failing truck: 19 before its breakdown, decided by it; the other 21 as the sound one's, which time decides. The
    // third: 4 that the preventive work cut short. What was made at the moment of an event belongs to the time after it.
    expect(
      horizons.map(({ predictions: judged, failures, pending, censored }) => [judged, failures, pending, censored]),
    ).toEqual([
      [33 + 33 + 29, 7, 3 * 7, 4],
      [10 + 19 + 6, 19, 30 + 21 + 30, 4],
      [0 + 19 + 0, 19, 40 + 21 + 36, 4],
    ]);
    const [seven] = horizons;
    expect(seven?.brier).toBeCloseTo((7 * 0.49 + 88 * 0.09) / 95, 6);
    expect(seven?.skill).toBeCloseTo(1 - (seven?.brier ?? 0) / (seven?.baselineBrier ?? 1), 4);
    expect(seven?.calibration).toMatchObject([{ from: 0.3, to: 0.4, predicted: 0.3 }]);
    expect(versions.map(({ modelVersion }) => modelVersion)).toEqual(['m1']);
  });

  test('warnings: followed, false, pending, acted upon', async () => {
    const fleet = await tenant();
    const [followed, cried, fresh, heeded, twice] = (await Promise.all(
      Array.from({ length: 5 }, () => truck(fleet)),
    )) as [string, string, string, string, string];
    // Began 60 days ago, failed 50 days ago; the warning went on after the repair, which makes no second one.
    await predict(fleet, followed, [...times(20, 'low'), ...times(15, 'high'), ...times(46, 'low')]);
    await happened(fleet, followed, 50, 'breakdown');
    await predict(fleet, cried, [...times(20, 'low'), ...times(5, 'critical'), ...times(56, 'low')]);
    await predict(fleet, fresh, [...times(60, 'medium'), ...times(5, 'high')]);
    await predict(fleet, heeded, [...times(20, 'low'), ...times(5, 'high'), ...times(56, 'low')]);
    await happened(fleet, heeded, 55, 'preventive');
    // Two warnings with a calm day in between, both false.
    await predict(fleet, twice, [...times(3, 'high'), 'low', ...times(3, 'critical'), ...times(60, 'low')]);
    await settle(fleet);
    const token = await viewer(fleet);
    const { warnings } = await report(token);
    expect(warnings).toMatchObject({
      ...{ raised: 6, followedByFailure: 1, falseAlarms: 3, pending: 1, cutShort: 1 },
      ...{ failures: 1, warnedFailures: 1, medianLeadDays: 10 },
    });
    expect(warnings.truckMonths).toBeCloseTo((81 + 81 + 65 + 81 + 67) / 30.44, 1);
    expect(warnings.falseAlarmsPerTruckMonth).toBeCloseTo(3 / warnings.truckMonths, 3);
    // A span that begins in the middle of a warning does not count it as raised; the failure still had it.
    const later = await report(token, `?from=${ago(55)}`);
    expect(later.warnings).toMatchObject({ raised: 1, failures: 1, warnedFailures: 1, medianLeadDays: 10 });
  });

  test('a failure out of the blue, one of a truck nobody watched, and a second visit for the same', async () => {
    const fleet = await tenant();
    const [blue, unwatched] = [await truck(fleet), await truck(fleet)];
    await predict(fleet, blue, times(60, 'low'));
    await happened(fleet, blue, 10, 'breakdown');
    await happened(fleet, blue, 8, 'repair');
    await happened(fleet, unwatched, 10, 'breakdown');
    await settle(fleet);
    expect((await report(await viewer(fleet))).warnings).toMatchObject({
      failures: 1,
      warnedFailures: 0,
      medianLeadDays: null,
    });
  });

  test('one model version alone', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    await predict(fleet, id, [...times(10, 'high'), ...times(10, 'low')], { last: 60, modelVersion: 'old' });
    await predict(fleet, id, times(60, 'low'), { modelVersion: 'new' });
    await settle(fleet);
    const token = await viewer(fleet);
    const old = await report(token, '?modelVersion=old');
    expect(old.horizons[1]).toMatchObject({ predictions: 20, pending: 0 });
    expect(old.warnings).toMatchObject({ raised: 1, falseAlarms: 1 });
    expect(old.warnings.truckMonths).toBeCloseTo(20 / 30.44, 1);
    expect(old.versions.map(({ modelVersion }) => modelVersion).sort()).toEqual(['new', 'old']);
    const fresh = await report(token, '?modelVersion=new');
    expect(fresh.warnings).toMatchObject({ raised: 0 });
    expect(fresh.horizons[1]).toMatchObject({ predictions: 30, pending: 30 });
  });

  test('a dealer sees its customers’ predictions, one by one or together; drift with them', async () => {
    const [dealer, one, two, stranger] = [await tenant('dealer'), await tenant(), await tenant(), await tenant()];
    await link(dealer, one);
    await link(dealer, two);
    for (const of of [one, two, stranger]) {
      await predict(of, await truck(of), times(40, 'low'));
      await settle(of);
    }
    await db.insert(calibrationChecks).values([
      { tenantId: one.id, checkedAt: ago(0), isDrifting: true, since: ago(3), reason: 'Chances are too low.' },
      { tenantId: stranger.id, checkedAt: ago(0), isDrifting: true, since: ago(9), reason: 'Not theirs to see.' },
    ]);
    const { token } = await person(dealer, 'dealer_admin');
    const both = await report(token);
    expect([both.vehicles, both.horizons[0]?.predictions]).toEqual([2, 66]);
    expect(both.drift).toEqual({ isDrifting: true, since: ago(3), reason: 'Chances are too low.' });
    const second = await report(token, `?tenantId=${two.id}`);
    expect([second.vehicles, second.horizons[0]?.predictions, second.drift.isDrifting]).toEqual([1, 33, false]);
    const operator = await person(null, 'super_admin');
    expect((await report(operator.token, `?tenantId=${stranger.id}`)).drift.reason).toBe('Not theirs to see.');
    const unnamed = await call('GET', '/reports/prediction-accuracy', { token: operator.token });
    expect([unnamed.status, unnamed.body.error]).toMatchObject([
      400,
      { code: 'VALIDATION_FAILED', details: { issues: [{ path: 'tenantId' }] } },
    ]);
  });

  test('a database that does not answer is 503, and nobody asks without end', async () => {
    const fleet = await tenant();
    const token = await viewer(fleet);
    await db.run(sql`ALTER TABLE prediction_ledger RENAME TO prediction_ledger_away`);
    const broken = await call('GET', '/reports/prediction-accuracy', { token }).finally(() =>
      db.run(sql`ALTER TABLE prediction_ledger_away RENAME TO prediction_ledger`),
    );
    expect([broken.status, broken.body.error.code]).toEqual([503, 'UNAVAILABLE']);
    const statuses = new Set<number>();
    // Twice what a minute allows: a minute may end in between.
    for (let n = 0; n < 70 && !statuses.has(429); n++) {
      statuses.add((await call('GET', '/reports/prediction-accuracy', { token })).status);
    }
    expect([...statuses]).toEqual([200, 429]);
  });
});
