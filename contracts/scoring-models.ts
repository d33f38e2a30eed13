/**
 * The artefacts scoring works with, as they are stored (R2) and bundled: plain JSON, parsed wherever they come in.
 * Everything about time is in days; a vehicle is described by the features named in the model, in that order.
 */
import { z } from 'zod';
import { riskBandsSchema } from './tenants.ts';

const numbers = z.array(z.number());
const storedTreesShape = { sizes: numbers, nodes: numbers, values: numbers };

/** Gradient-boosted trees for discrete-time hazards. */
export const hazardTreesSchema = z.object({
  ...storedTreesShape,
  format: z.literal('gradient-trees-1'),
  loss: z.literal('hazard'),
  names: z.array(z.string()),
  base: z.number(),
  edges: z.array(numbers),
  /** Ends of the periods, in days. */
  periodEnds: numbers,
  importance: numbers,
});
export type HazardTrees = z.infer<typeof hazardTreesSchema>;

export const isolationForestSchema = z.object({
  ...storedTreesShape,
  format: z.literal('isolation-forest-1'),
  columns: z.number().int().positive(),
  sampleSize: z.number().int().positive(),
});

/**
 * What a tenant's own history says about the prior: its cumulative hazard is multiplied by
 * exp(intercept + Σ coefficient · (x − center) / scale). A missing feature counts as its center.
 */
export const priorCorrectionSchema = z.object({
  names: z.array(z.string()),
  centers: numbers,
  scales: numbers,
  intercept: z.number(),
  coefficients: numbers,
  standardErrors: numbers,
  /** Variances of the intercept and of the coefficients under the fleet-wide prior, found by empirical Bayes. */
  interceptVariance: z.number(),
  coefficientVariance: z.number(),
  /** Failures seen, and failures the prior alone expected, in the data of the fit. */
  events: z.number(),
  expectedEvents: z.number(),
});
export type PriorCorrection = z.infer<typeof priorCorrectionSchema>;

const perHorizon = <T extends z.ZodType>(value: T) => z.object({ days7: value, days30: value, days90: value });

export const survivalModelSchema = z.object({
  format: z.literal('survival-1'),
  /** The list of features it was trained under; unsaid in older models. */
  featureList: z.string().optional(),
  trees: hazardTreesSchema,
  correction: priorCorrectionSchema.nullable(),
  /** Median chance of failure in the population it was trained on: what "typical" means in explanations. */
  typical: perHorizon(z.number()),
  /** Median value per feature of the trees in that population; null where it was never known. */
  reference: z.array(z.number().nullable()),
});
export type SurvivalModel = z.infer<typeof survivalModelSchema>;

export const anomalyModelSchema = z.object({
  format: z.literal('anomaly-1'),
  /** Joint oddness of the signals' robust z-scores; columns are `forestSignals`, missing ones count 0. */
  forest: isolationForestSchema.nullable(),
  forestSignals: z.array(z.string()),
  /** Scores above this are odd (0–1). */
  forestThreshold: z.number(),
  /** Gamma prior of faults opened per truck and day: mean shape / rate. */
  faultRate: z.object({ shape: z.number(), rate: z.number() }).nullable(),
  /** Baselines of one make and model, for trucks whose own are too young. */
  modelBaselines: z.array(
    z.object({
      make: z.string(),
      model: z.string(),
      signal: z.string(),
      median: z.number(),
      mad: z.number(),
      n: z.number().int(),
    }),
  ),
});
export type AnomalyModel = z.infer<typeof anomalyModelSchema>;

const calibrationSchema = z.union([
  z.object({ method: z.literal('isotonic'), scores: numbers, probabilities: numbers }),
  z.object({
    method: z.literal('platt'),
    center: z.number(),
    scale: z.number(),
    slope: z.number(),
    intercept: z.number(),
  }),
]);
/** Per horizon: raw chance of failure → calibrated chance; null leaves it as it is. */
export const calibrationsSchema = perHorizon(calibrationSchema.nullable());
export type Calibrations = z.infer<typeof calibrationsSchema>;

/** The artefacts scoring works with, under one tenant's bands and weights. */
export const scoringModelsSchema = z.object({
  version: z.string(),
  survival: survivalModelSchema.nullable(),
  anomaly: anomalyModelSchema.nullable(),
  calibration: calibrationsSchema.nullable(),
  bands: riskBandsSchema,
  weights: z.record(z.string(), z.number()),
});
export type ScoringModels = z.infer<typeof scoringModelsSchema>;

/** What is stored of a trained model: the learned parts without a tenant's bands and weights. */
export const modelArtefactSchema = scoringModelsSchema.pick({
  version: true,
  survival: true,
  anomaly: true,
  calibration: true,
});
export type ModelArtefact = z.infer<typeof modelArtefactSchema>;

/** One horizon's quality on predictions the model had not seen. */
export const horizonQualitySchema = z.object({
  /** Vehicles-at-a-time whose outcome is known by the horizon, and how many of them failed. */
  n: z.number().int(),
  failures: z.number().int(),
  /** Inverse-probability-weighted Brier score; and the same for the trivial baseline, the fleet's Kaplan–Meier curve. */
  brier: z.number().nullable(),
  baselineBrier: z.number().nullable(),
  /** Area under the time-dependent ROC curve. */
  auc: z.number().nullable(),
  /** Deciles of predicted chance: what was said, what happened. */
  calibration: z.array(z.object({ predicted: z.number(), observed: z.number(), n: z.number().int() })),
});

export const modelQualitySchema = z.object({
  /** From when on the data was held back. */
  outOfTimeFrom: z.string().nullable(),
  concordance: z.number().nullable(),
  baselineConcordance: z.number().nullable(),
  integratedBrier: z.number().nullable(),
  baselineIntegratedBrier: z.number().nullable(),
  dCalibrationPValue: z.number().nullable(),
  horizons: perHorizon(horizonQualitySchema),
});
export type ModelQuality = z.infer<typeof modelQualitySchema>;
