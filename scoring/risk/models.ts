/** What scores are made with: the global prior's trained parts, weights in points, bands. */
import type { ScoringModels } from '#contracts/scoring-models';
import { defaultRiskBands, riskBandsSchema, type RiskBands } from '#contracts/tenants';
import { globalPrior } from '../prior/global-prior.ts';

/** Of models without any trained part: faults, lamps and upkeep in points. */
export const faultsModelVersion = 'faults-1';

/** True for the prior that comes with the product: all its parts were learned from simulated trucks. */
export const isPriorVersion = (version: string): boolean => version.startsWith('prior');

/** Days of observation before a truck's own history says anything about its next failure. */
export const observedDaysNeeded = 90;

/** Points unless the name says otherwise. Keys are those of `ScoringModels.weights`; a model may carry some of them. */
export const defaultWeights = {
  /** A catalogue stop code, before the lift into the critical band. */
  stopCode: 55,
  severityCritical: 50,
  severityMajor: 34,
  severityMinor: 8,
  severityInfo: 2,
  severityUnknown: 10,
  /** Unknown code, but its FMI says "most severe". */
  severityUnknownSevere: 20,
  lampRedStop: 20,
  lampAmberWarning: 6,
  lampProtect: 3,
  lampMalfunction: 2,
  /** Miles between services; past it usage points begin. */
  serviceIntervalMiles: 30_000,
  serviceOverdueMax: 10,
  perRepair: 1.5,
  repairsMax: 6,
  anomalyMax: 12,
  /** A chance to fail eight times the typical one, or more. */
  survivalMax: 25,
} as const;

type WeightName = keyof typeof defaultWeights;
export type Weights = Readonly<Record<WeightName, number>>;

const weightNames = Object.keys(defaultWeights) as WeightName[];

/** Miles are the largest weights; anything beyond is an error and would overflow later products. */
const largestWeight = 10_000_000;

const usable = (value: number | undefined, fallback: number): number =>
  value !== undefined && value >= 0 && value <= largestWeight ? value : fallback;

/**
 * The weights to use: a model's own where they are usable numbers, the defaults elsewhere. A heavier severity never
 * weighs less than a lighter one, whatever the artefact says: that is what keeps the score monotone.
 */
export const weightsOf = (models: ScoringModels): Weights => {
  const given = models.weights;
  const weights = Object.fromEntries(
    weightNames.map((name) => [name, usable(given[name], defaultWeights[name])]),
  ) as Record<WeightName, number>;
  weights.severityMinor = Math.max(weights.severityMinor, weights.severityInfo);
  weights.severityMajor = Math.max(weights.severityMajor, weights.severityMinor);
  weights.severityCritical = Math.max(weights.severityCritical, weights.severityMajor);
  weights.stopCode = Math.max(weights.stopCode, weights.severityCritical);
  weights.severityUnknownSevere = Math.max(weights.severityUnknownSevere, weights.severityUnknown);
  return weights;
};

/** A model's bands, or the default ones when they do not rise. */
export const bandsOf = (models: ScoringModels): RiskBands => {
  const parsed = riskBandsSchema.safeParse(models.bands);
  return parsed.success ? parsed.data : defaultRiskBands;
};

/**
 * The models of a tenant that has no trained ones of its own: the global prior under the tenant's `bands` and `weights`
 * (defaults where not given).
 */
export const defaultModels = (
  bands: RiskBands = defaultRiskBands,
  weights: Readonly<Record<string, number>> = {},
): ScoringModels => ({
  ...globalPrior.artefact,
  bands: { ...bands },
  weights: { ...defaultWeights, ...weights },
});

/** The same without trained parts: what can be said of codes, lamps and upkeep alone. */
export const untrainedModels = (
  bands: RiskBands = defaultRiskBands,
  weights: Readonly<Record<string, number>> = {},
): ScoringModels => ({
  ...defaultModels(bands, weights),
  version: faultsModelVersion,
  survival: null,
  anomaly: null,
  calibration: null,
});
