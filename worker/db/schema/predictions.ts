/** Every scoring of every vehicle is kept, to be held against what happened. */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { riskLevels, type VehicleScore } from '#contracts/risk';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';
import { vehicles } from './vehicles.ts';

export const predictions = sqliteTable(
  'predictions',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    vehicleId: text()
      .notNull()
      .references(() => vehicles.id),
    createdAt: time().notNull(),
    modelVersion: text().notNull(),
    riskScore: real().notNull(),
    riskLevel: text({ enum: riskLevels }).notNull(),
    /** The whole result as scoring returned it. */
    score: text({ mode: 'json' }).$type<VehicleScore>().notNull(),
    /** Chances of failure within the horizons, 0–1; null where there was no survival model or too little data. */
    chance7: real(),
    chance30: real(),
    chance90: real(),
    /** The feature vector (scoring's `featureNames` in their order, null where unknown), and the list it follows. */
    featureVector: text({ mode: 'json' }).$type<(number | null)[]>(),
    featureList: text(),
    /** The R2 object that holds the whole input of this scoring, by id: the prediction can be made again. Null: not kept. */
    featuresKey: text(),
    /** First repair or breakdown after it; preventive work that came before any. Filled in by the ledger. */
    failedAt: time(),
    censoredAt: time(),
    /** 1 failed within the horizon, 0 did not; null while nobody knows. */
    failed7: integer({ mode: 'boolean' }),
    failed30: integer({ mode: 'boolean' }),
    failed90: integer({ mode: 'boolean' }),
    /** Set once nothing more can become known of it. */
    settledAt: time(),
  },
  (table) => [
    // A truck's levels over time, read without opening a row.
    index('predictions_vehicle_created').on(table.vehicleId, table.createdAt, table.riskLevel, table.modelVersion),
    index('predictions_tenant_created').on(table.tenantId, table.createdAt),
    // What waits for the end of each horizon; wide enough to be counted without opening a row.
    index('predictions_unsettled')
      .on(table.tenantId, table.createdAt, table.modelVersion, table.chance90, table.failed90, table.settledAt)
      .where(sql`settled_at is null`),
    index('predictions_unsettled_7')
      .on(table.tenantId, table.createdAt, table.modelVersion, table.chance7, table.failed7, table.settledAt)
      .where(sql`settled_at is null and failed7 is null`),
    index('predictions_unsettled_30')
      .on(table.tenantId, table.createdAt, table.modelVersion, table.chance30, table.failed30, table.settledAt)
      .where(sql`settled_at is null and failed30 is null`),
    index('predictions_warnings')
      .on(table.vehicleId, table.createdAt, table.modelVersion)
      .where(sql`risk_level in ('high', 'critical')`),
  ],
);

/**
 * Sums over settled predictions, so that a report reads a few rows: one row per tenant, model, day the predictions were
 * made on, horizon and decile of the predicted chance.
 */
export const predictionLedger = sqliteTable(
  'prediction_ledger',
  {
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    modelVersion: text().notNull(),
    /** UTC day the predictions were made on, `2026-11-20`. */
    day: text().notNull(),
    horizonDays: integer().notNull(),
    /** 0 for chances below 0.1 … 9. */
    decile: integer().notNull(),
    predictions: integer().notNull(),
    failures: integer().notNull(),
    /** Not among `predictions`: preventive work came before the horizon was over, so that nobody can know. */
    censored: integer().notNull().default(0),
    chanceSum: real().notNull(),
    brierSum: real().notNull(),
    logLossSum: real().notNull(),
    /** The same for the trivial baseline: the tenant's failure rate over the year before the prediction, for everybody. */
    baselineBrierSum: real().notNull(),
    baselineLogLossSum: real().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.day, table.horizonDays, table.modelVersion, table.decile] }),
  ],
);

/** Vehicles whose service history has changed: what became of their predictions must be judged again. */
export const predictionReviews = sqliteTable(
  'prediction_reviews',
  {
    vehicleId: text()
      .primaryKey()
      .references(() => vehicles.id),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    /** Times of the earliest and the latest event that came or went. */
    eventsFrom: time().notNull(),
    eventsTo: time().notNull(),
    /** Rises with every event; the job that reviews ends only what it has seen. */
    version: integer().notNull(),
  },
  (table) => [index('prediction_reviews_tenant').on(table.tenantId, table.vehicleId)],
);

/** Per tenant what the last look at the calibration of its predictions found. */
export const calibrationChecks = sqliteTable('calibration_checks', {
  tenantId: text()
    .primaryKey()
    .references(() => tenants.id),
  checkedAt: time().notNull(),
  isDrifting: integer({ mode: 'boolean' }).notNull(),
  /** When it was first found to drift; null while it does not. */
  since: time(),
  reason: text(),
});
