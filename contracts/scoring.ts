/** Settings, registry, training and judgement of the scoring models, as a tenant's people see and steer them. */
import { z } from 'zod';
import { cursorQueryShape, idSchema, orNull, pageQueryShape, timeSchema } from './primitives.ts';
import { riskLevels, riskLevelSchema } from './risk.ts';
import { modelQualitySchema } from './scoring-models.ts';
import { riskBandsInputSchema, riskBandsSchema } from './tenants.ts';

/** Weights a tenant may set. Points at most, unless the name says miles. */
export const adjustableWeights = {
  serviceIntervalMiles: { min: 5_000, max: 100_000 },
  survivalMax: { min: 0, max: 40 },
  anomalyMax: { min: 0, max: 25 },
  serviceOverdueMax: { min: 0, max: 25 },
  repairsMax: { min: 0, max: 20 },
  lampRedStop: { min: 0, max: 40 },
  lampAmberWarning: { min: 0, max: 20 },
} as const;
export type AdjustableWeight = keyof typeof adjustableWeights;

const weightShape = Object.fromEntries(
  Object.entries(adjustableWeights).map(([name, { min, max }]) => [name, z.number().min(min).max(max)]),
) as Record<AdjustableWeight, z.ZodNumber>;

/** What is in force: a tenant's own values where set, the defaults elsewhere. */
export const riskSettingsSchema = z
  .object({
    riskBands: riskBandsSchema,
    weights: z.object(weightShape),
    defaults: z.object({ riskBands: riskBandsSchema, weights: z.object(weightShape) }),
    updatedAt: timeSchema,
  })
  .meta({ id: 'RiskSettings' });
export type RiskSettings = z.infer<typeof riskSettingsSchema>;

/** What is not mentioned stays; null goes back to the default. */
export const riskSettingsInputSchema = z
  .strictObject({
    riskBands: riskBandsInputSchema.nullish(),
    weights: z
      .strictObject(
        Object.fromEntries(Object.entries(weightShape).map(([name, schema]) => [name, schema.nullish()])) as {
          [K in AdjustableWeight]: z.ZodOptional<z.ZodNullable<z.ZodNumber>>;
        },
      )
      .nullish(),
  })
  .meta({ id: 'RiskSettingsInput' });
export type RiskSettingsInput = z.infer<typeof riskSettingsInputSchema>;
export type RiskWeights = Record<AdjustableWeight, number>;

const levelCountsSchema = z.object(
  Object.fromEntries(riskLevels.map((level) => [level, z.number().int().nonnegative()])) as Record<
    (typeof riskLevels)[number],
    z.ZodNumber
  >,
);

/** Today's fleet under other settings, without changing anything. */
export const riskPreviewSchema = z
  .object({
    vehicleCount: z.number().int().nonnegative(),
    before: levelCountsSchema,
    after: levelCountsSchema,
    /** Vehicles whose level would change, largest move first; at most 100 are listed. */
    changedCount: z.number().int().nonnegative(),
    changes: z.array(
      z.object({
        vehicleId: idSchema,
        unitNumber: z.string(),
        before: z.object({ riskScore: z.number(), riskLevel: riskLevelSchema }),
        after: z.object({ riskScore: z.number(), riskLevel: riskLevelSchema }),
      }),
    ),
  })
  .meta({ id: 'RiskPreview' });
export type RiskPreview = z.infer<typeof riskPreviewSchema>;

/** candidate: trained, not chosen · active: scores are made with it · retired: was active · rejected: worse out of time. */
export const modelStatuses = ['candidate', 'active', 'retired', 'rejected'] as const;
export const modelStatusSchema = z.enum(modelStatuses).meta({ id: 'ScoringModelStatus' });

export const modelRecipes = ['prior', 'corrected_prior', 'own_trees'] as const;

/** Where a model comes from: enough to train the same bytes again. */
export const modelLineageSchema = z.object({
  recipe: z.enum(modelRecipes),
  /** Version of the prior it was shrunk to. */
  priorVersion: z.string(),
  seed: z.number().int(),
  landmarks: z.number().int(),
  vehicles: z.number().int(),
  failures: z.number().int(),
  dataFrom: timeSchema.nullable(),
  dataUntil: timeSchema.nullable(),
  /** Hex SHA-256 over the training rows in their order. */
  dataDigest: z.string(),
});
export type ModelLineage = z.infer<typeof modelLineageSchema>;

export const scoringModelSchema = z
  .object({
    id: idSchema,
    version: z.string(),
    status: modelStatusSchema,
    createdAt: timeSchema,
    activatedAt: timeSchema.nullable(),
    retiredAt: timeSchema.nullable(),
    /** Why it was chosen or not, in words. */
    reason: z.string(),
    lineage: modelLineageSchema,
    quality: modelQualitySchema,
    /** Hex SHA-256 of the artefact. */
    artefactDigest: z.string(),
    /** 0 once the artefact is no longer kept: the model can then not be chosen any more. */
    artefactBytes: z.number().int(),
  })
  .meta({ id: 'ScoringModel' });
export type ScoringModel = z.infer<typeof scoringModelSchema>;

/** What scores are made with now. `model` null: the prior that comes with the product. */
export const activeModelSchema = z
  .object({
    version: z.string(),
    model: orNull(scoringModelSchema),
    prior: z.object({ version: z.string(), trainedAt: timeSchema, quality: modelQualitySchema }),
    /** True after a person has chosen: nightly training then keeps its hands off. */
    isPinned: z.boolean(),
  })
  .meta({ id: 'ActiveModel' });
export type ActiveModel = z.infer<typeof activeModelSchema>;

/** `modelId` null chooses the prior. Pinned unless said otherwise. */
export const chooseModelInputSchema = z
  .strictObject({ modelId: idSchema.nullable(), isPinned: z.boolean().default(true) })
  .meta({ id: 'ChooseModelInput' });

/** A super admin names the tenant; for everybody else it is their own. */
export const modelListQuerySchema = z.strictObject({ ...pageQueryShape, tenantId: idSchema.optional() });

export const trainingRunStatuses = ['queued', 'running', 'succeeded', 'refused', 'failed'] as const;
export const trainingRunSchema = z
  .object({
    id: idSchema,
    status: z.enum(trainingRunStatuses),
    trigger: z.enum(['cron', 'manual']),
    startedAt: timeSchema,
    finishedAt: timeSchema.nullable(),
    /** Where it is, in words, and how much of it is done. */
    progress: z.object({ step: z.string(), share: z.number().min(0).max(1) }),
    /** promoted: the new model is active · kept: it was not better · refused: the data does not carry a fit. */
    outcome: z
      .object({
        kind: z.enum(['promoted', 'kept', 'pinned', 'refused']),
        reason: z.string(),
        modelId: idSchema.nullable(),
      })
      .nullable(),
    error: z.string().nullable(),
  })
  .meta({ id: 'TrainingRun' });
export type TrainingRun = z.infer<typeof trainingRunSchema>;
export const trainingRunListQuerySchema = z.strictObject({ ...cursorQueryShape, tenantId: idSchema.optional() });

export const accuracyHorizonDays = [7, 30, 90] as const;

export const predictionAccuracyQuerySchema = z.strictObject({
  /** Predictions made in this span; the last 180 days unless told. */
  from: timeSchema.optional(),
  to: timeSchema.optional(),
  modelVersion: z.string().max(100).optional(),
  tenantId: idSchema.optional(),
});
export type PredictionAccuracyQuery = z.infer<typeof predictionAccuracyQuerySchema>;

/** How predictions whose horizon has passed compare with what happened, the trivial baseline beside them. */
export const accuracyOfHorizonSchema = z.object({
  horizonDays: z.number().int(),
  /** Predictions made with a chance whose outcome is known, and how many of those vehicles failed. */
  predictions: z.number().int(),
  failures: z.number().int(),
  /** Horizon not over yet, and those that preventive work cut short. */
  pending: z.number().int(),
  censored: z.number().int(),
  brier: z.number().nullable(),
  logLoss: z.number().nullable(),
  /** Saying the fleet's own failure rate of the time before to everybody. */
  baselineBrier: z.number().nullable(),
  baselineLogLoss: z.number().nullable(),
  /** 1 − brier / baselineBrier: above 0 the predictions are worth something. */
  skill: z.number().nullable(),
  meanPredicted: z.number().nullable(),
  observedRate: z.number().nullable(),
  calibration: z.array(
    z.object({ from: z.number(), to: z.number(), n: z.number().int(), predicted: z.number(), observed: z.number() }),
  ),
});

export const predictionAccuracySchema = z
  .object({
    from: timeSchema,
    to: timeSchema,
    vehicles: z.number().int(),
    /** What is missing when there is nothing to judge yet. */
    dataStatus: z.union([
      z.literal('ok'),
      z.object({ kind: z.literal('insufficient_data'), have: z.number(), need: z.number() }),
    ]),
    horizons: z.array(accuracyOfHorizonSchema),
    /** A warning is a level of high or critical; it is false when no failure follows within 30 days. */
    warnings: z.object({
      raised: z.number().int(),
      followedByFailure: z.number().int(),
      falseAlarms: z.number().int(),
      pending: z.number().int(),
      /** Preventive work came first: neither right nor wrong. The four add up to `raised`. */
      cutShort: z.number().int(),
      truckMonths: z.number(),
      falseAlarmsPerTruckMonth: z.number().nullable(),
      /** Failures in the span, how many were warned of, and how long before. */
      failures: z.number().int(),
      warnedFailures: z.number().int(),
      medianLeadDays: z.number().nullable(),
    }),
    versions: z.array(
      z.object({ modelVersion: z.string(), predictions: z.number().int(), brier30: z.number().nullable() }),
    ),
    /** Open when calibration has slipped. */
    drift: z.object({ isDrifting: z.boolean(), since: timeSchema.nullable(), reason: z.string().nullable() }),
  })
  .meta({ id: 'PredictionAccuracy' });
export type PredictionAccuracy = z.infer<typeof predictionAccuracySchema>;
