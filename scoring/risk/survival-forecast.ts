/** The survival model's word on vehicles: chances, days left, and how much of what it asks is known. */
import type { VehicleFeatures, VehicleScore } from '#contracts/risk';
import type { ScoringModels, SurvivalModel } from '#contracts/scoring-models';
import { featureListVersion, featureNames, type FeatureName } from '../features/feature-list.ts';
import { featureVector } from '../features/feature-vector.ts';
import { forecast, type Forecast } from '../forecast/forecast.ts';
import { observedDaysNeeded } from './models.ts';

export interface VehicleForecast {
  failureProbability: NonNullable<VehicleScore['failureProbability']>;
  daysToFailure: NonNullable<VehicleScore['daysToFailure']>;
  /** The row that the model was asked with, in its order. */
  row: readonly number[];
  /** Share (0–1) of the model's knowledge, by gain, that rests on features known of this truck. */
  knownShare: number;
  /** Features that the model uses and nobody knows, weightiest first. */
  unknown: readonly FeatureName[];
}

export interface SurvivalContext {
  model: SurvivalModel;
  names: readonly FeatureName[];
  /** The typical truck, NaN where unknown. */
  reference: readonly number[];
  /** How far ahead failures were learned from; beyond it the last rate goes on. */
  learnedDays: number;
}

/**
 * What is needed to ask the model, or null when there is none, or one that asks for features this version cannot
 * compute, or computes otherwise than when it was trained: then the forecast is missing rather than wrong.
 */
export const survivalContext = (models: ScoringModels): SurvivalContext | null => {
  const model = models.survival;
  if (model === null || (model.featureList ?? featureListVersion) !== featureListVersion) return null;
  const names = model.trees.names.filter((name): name is FeatureName =>
    (featureNames as readonly string[]).includes(name),
  );
  if (names.length !== model.trees.names.length) return null;
  const reference = names.map((_, column) => model.reference[column] ?? Number.NaN);
  return { model, names, reference, learnedDays: model.trees.periodEnds.at(-1) ?? 0 };
};

/** True when the truck has been watched long enough to speak of its future. */
export const isObservedEnough = (features: VehicleFeatures): boolean =>
  features.observedDays !== null &&
  Number.isFinite(features.observedDays) &&
  features.observedDays >= observedDaysNeeded;

/** No fleet's history supports a surer word than this. */
const surest = 0.9999;
const chance = (value: number): number => Math.round(1e6 * Math.min(surest, Math.max(1 - surest, value))) / 1e6;
const tenth = (days: number): number => Math.round(days * 10) / 10;

/** Rows asked at once: bounds the memory of the walk. */
const rowsPerBlock = 500;

const knownOf = (
  { model, names }: SurvivalContext,
  row: readonly number[],
): Pick<VehicleForecast, 'knownShare' | 'unknown'> => {
  const weights = names.map((_, column) => model.trees.importance[column] ?? 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const unknown = names
    .map((name, column) => ({ name, column, weight: weights[column] as number }))
    .filter(({ column, weight }) => weight > 0 && Number.isNaN(row[column]))
    .sort((a, b) => b.weight - a.weight || a.column - b.column);
  const lost = unknown.reduce((sum, { weight }) => sum + weight, 0);
  return { knownShare: total > 0 ? 1 - lost / total : 1, unknown: unknown.map(({ name }) => name) };
};

/**
 * Forecasts in the order of `vehicles`; null for those watched too shortly. Vehicles are asked in blocks, and no answer
 * depends on the others.
 */
export const forecastVehicles = (
  context: SurvivalContext | null,
  models: ScoringModels,
  vehicles: readonly VehicleFeatures[],
  now: Date,
): (VehicleForecast | null)[] => {
  if (context === null) return vehicles.map(() => null);
  const columns = context.names.map((name) => featureNames.indexOf(name));
  const rows = vehicles.map((features) => {
    if (!isObservedEnough(features)) return null;
    const vector = featureVector(features, now);
    return columns.map((column) => vector[column] as number);
  });
  const asked = rows.filter((row) => row !== null);
  const answers: Forecast[] = [];
  for (let start = 0; start < asked.length; start += rowsPerBlock) {
    answers.push(...forecast(context.model, models.calibration, asked.slice(start, start + rowsPerBlock)));
  }
  let next = 0;
  return rows.map((row) => {
    if (row === null) return null;
    const answer = answers[next] as Forecast;
    next += 1;
    const { days7, days30, days90 } = answer.chances;
    const { p10, p50, p90 } = answer.daysToFailure;
    return {
      failureProbability: { days7: chance(days7), days30: chance(days30), days90: chance(days90) },
      daysToFailure: { p10: tenth(p10), p50: tenth(p50), p90: tenth(p90) },
      row,
      ...knownOf(context, row),
    };
  });
};
