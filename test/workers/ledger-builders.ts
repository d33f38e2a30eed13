/** Fleets with predictions and service events, and the ledger's sums held against the predictions they come from. */
import { eq } from 'drizzle-orm';
import { expect } from 'vitest';
import type { ServiceEventKind } from '#contracts/service-events';
import { emptyFeatures, exampleModels, scoreVehicle } from '#scoring';
import { predictionLedger, predictionReviews, predictions } from '#worker/db/schema/index';
import { baselineChances } from '#worker/features/ledger/baseline-rules';
import { readFailureHistory } from '#worker/features/ledger/baseline-store';
import { sharesOf, type LedgerShare } from '#worker/features/ledger/rules';
import { recordServiceEvents } from '#worker/features/service-events/record';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { db, tenant, truck, type TestTenant } from './harness.ts';

const dayMs = 86_400_000;
const start = Date.parse('2026-05-01T03:00:00.000Z');
/** So many days after the start, as text and as a date. */
export const day = (days: number): string => new Date(start + days * dayMs).toISOString();
export const at = (days: number): Date => new Date(day(days));
const score = scoreVehicle(emptyFeatures(), exampleModels(), new Date(start));

export interface MadePrediction {
  vehicleId: string;
  /** Days after the start. */
  at: number;
  chance?: number | null;
  modelVersion?: string;
}

/** Predictions as scoring keeps them. */
export async function predict(of: TestTenant, made: readonly MadePrediction[]): Promise<void> {
  const rows = made.map(({ vehicleId, at: days, chance = 0.2, modelVersion = 'm1' }) => ({
    ...{ id: newId(start + days * dayMs), tenantId: of.id, vehicleId, createdAt: day(days), modelVersion },
    ...{ riskScore: score.riskScore, riskLevel: score.riskLevel, score },
    ...{
      chance7: chance === null ? null : chance / 4,
      chance30: chance,
      chance90: chance === null ? null : chance * 2,
    },
  }));
  for (let from = 0; from < rows.length; from += 5) await db.insert(predictions).values(rows.slice(from, from + 5));
}

/** A service event through the feature's own door; `told`: when it was recorded. */
export const happen = (
  of: TestTenant,
  vehicleId: string,
  days: number,
  kind: ServiceEventKind = 'repair',
  told = days,
) =>
  recordServiceEvents(
    scopeForJob(of.id),
    db,
    [
      {
        ...{ vehicleId, at: day(days), kind, system: null, spn: null, fmi: null, odometerMiles: null },
        ...{ description: `event at ${days}`, source: 'api', externalId: null },
      },
    ],
    at(told),
  );

export const ledgerOf = async (of: TestTenant) =>
  db.select().from(predictionLedger).where(eq(predictionLedger.tenantId, of.id));
export const predictionsOf = (of: TestTenant) =>
  db.select().from(predictions).where(eq(predictions.tenantId, of.id)).orderBy(predictions.createdAt);
const asVerdict = (value: boolean | null) => (value === null ? null : value ? (1 as const) : (0 as const));

/**
 * The sums are what the predictions' own rows give, from nothing; so are the baseline's, unless an event still waits for
 * its review.
 */
export async function expectAgreement(of: TestTenant): Promise<void> {
  const expected = new Map<string, LedgerShare>();
  for (const row of await predictionsOf(of)) {
    const outcome = {
      failed7: asVerdict(row.failed7),
      failed30: asVerdict(row.failed30),
      failed90: asVerdict(row.failed90),
    };
    for (const share of sharesOf({ ...row, ...outcome })) {
      const key = `${share.day} ${share.horizonDays} ${share.modelVersion} ${share.decile}`;
      const other = expected.get(key);
      const add = (field: 'predictions' | 'failures' | 'censored' | 'chanceSum' | 'brierSum' | 'logLossSum') =>
        share[field] + (other?.[field] ?? 0);
      expected.set(key, {
        ...share,
        ...{ predictions: add('predictions'), failures: add('failures'), censored: add('censored') },
        ...{ chanceSum: add('chanceSum'), brierSum: add('brierSum'), logLossSum: add('logLossSum') },
      });
    }
  }
  const rows = await ledgerOf(of);
  const history = await readFailureHistory(scopeForJob(of.id), db);
  const reviews = await db.select().from(predictionReviews).where(eq(predictionReviews.tenantId, of.id));
  expect(rows.map((row) => `${row.day} ${row.horizonDays} ${row.modelVersion} ${row.decile}`).sort()).toEqual(
    [...expected.keys()].sort(),
  );
  for (const row of rows) {
    const sums = expected.get(`${row.day} ${row.horizonDays} ${row.modelVersion} ${row.decile}`);
    expect([row.predictions, row.failures, row.censored]).toEqual([sums?.predictions, sums?.failures, sums?.censored]);
    for (const key of ['chanceSum', 'brierSum', 'logLossSum'] as const)
      expect(row[key]).toBeCloseTo(sums?.[key] ?? 0, 9);
    if (reviews.length > 0) continue;
    const q =
      baselineChances([row.day], history).find(({ horizonDays }) => horizonDays === row.horizonDays)?.chance ?? 0;
    const survived = row.predictions - row.failures;
    expect(row.baselineBrierSum).toBeCloseTo(row.failures * (1 - q) ** 2 + survived * q ** 2, 9);
    expect(row.baselineLogLossSum).toBeCloseTo(-row.failures * Math.log(q) - survived * Math.log(1 - q), 9);
  }
}

/** Judged predictions, failures and censored ones of a horizon. */
export const judgedAt = async (of: TestTenant, horizonDays: number) => {
  const rows = (await ledgerOf(of)).filter((row) => row.horizonDays === horizonDays);
  const sum = (key: 'predictions' | 'failures' | 'censored') => rows.reduce((all, row) => all + row[key], 0);
  return [sum('predictions'), sum('failures'), sum('censored')];
};

/** Three trucks, a prediction a day for 40 days, with failures and preventive work in between. */
export async function fleetWithPast(): Promise<{ fleet: TestTenant; trucks: [string, string, string] }> {
  const fleet = await tenant();
  const seen = { firstSeenAt: day(-100) };
  const trucks: [string, string, string] = [
    await truck(fleet, seen),
    await truck(fleet, seen),
    await truck(fleet, seen),
  ];
  await predict(
    fleet,
    trucks.flatMap((vehicleId, index) =>
      Array.from({ length: 40 }, (_, made) => ({
        ...{ vehicleId, at: made, chance: ((made * 7 + index) % 10) / 20 },
        modelVersion: made < 20 ? 'm1' : 'm2',
      })),
    ),
  );
  await happen(fleet, trucks[0], 25.5);
  await happen(fleet, trucks[1], 12.5, 'preventive');
  await happen(fleet, trucks[1], 60.5, 'breakdown');
  return { fleet, trucks };
}
