/**
 * What scoring one vehicle at one time takes in and gives back. The shapes are final: models grow behind them.
 * What the data cannot support is null with a tag, never an invented number.
 */
import { z } from 'zod';
import { faultSeveritySchema, lampsSchema, vehicleSystemSchema } from './faults.ts';
import { idSchema, timeSchema } from './primitives.ts';

export const riskLevels = ['low', 'medium', 'high', 'critical'] as const;
export const riskLevelSchema = z.enum(riskLevels).meta({ id: 'RiskLevel' });
export type RiskLevel = z.infer<typeof riskLevelSchema>;

/** The four instructions a truck manufacturer gives a driver, mildest first. */
export const recommendedActions = ['keep_driving', 'next_service', 'drive_to_dealer', 'pull_over'] as const;
export const recommendedActionSchema = z.enum(recommendedActions).meta({ id: 'RecommendedAction' });
export type RecommendedAction = z.infer<typeof recommendedActionSchema>;

/** The action that goes with a risk level. */
export const actionOfLevel: Readonly<Record<RiskLevel, RecommendedAction>> = {
  low: 'keep_driving',
  medium: 'next_service',
  high: 'drive_to_dealer',
  critical: 'pull_over',
};

const scoreSchema = z.number().min(0).max(100);
const probabilitySchema = z.number().min(0).max(1);

export const dataStatusSchema = z.union([
  z.literal('ok'),
  z.object({ kind: z.literal('insufficient_data'), have: z.number(), need: z.number() }),
]);
export type DataStatus = z.infer<typeof dataStatusSchema>;

export const contributorSchema = z.object({
  factor: z.string(),
  /** Points of the risk score, rounded to 0.1. */
  points: z.number(),
  text: z.string(),
  evidence: z.record(z.string(), z.unknown()),
});
export type Contributor = z.infer<typeof contributorSchema>;

export const vehicleScoreSchema = z.object({
  modelVersion: z.string(),
  scoredAt: timeSchema,
  riskScore: scoreSchema,
  riskLevel: riskLevelSchema,
  healthScore: scoreSchema,
  recommendedAction: recommendedActionSchema,
  failureProbability: z
    .object({ days7: probabilitySchema, days30: probabilitySchema, days90: probabilitySchema })
    .nullable(),
  daysToFailure: z.object({ p10: z.number(), p50: z.number(), p90: z.number() }).nullable(),
  confidence: z.enum(['high', 'medium', 'low']),
  dataStatus: dataStatusSchema,
  components: z.object({
    faults: z.number(),
    survival: z.number(),
    anomaly: z.number(),
    usage: z.number(),
  }),
  contributors: z.array(contributorSchema),
  anomalies: z.array(
    z.object({ signal: z.string(), value: z.number(), expected: z.number(), zScore: z.number(), since: timeSchema }),
  ),
});
export type VehicleScore = z.infer<typeof vehicleScoreSchema>;

/** What became of a prediction. Null while the future it spoke of is not over. */
export const predictionOutcomeSchema = z.object({
  /** The first repair or breakdown after it, within 90 days. */
  failedAt: timeSchema.nullable(),
  /** Preventive work that came first: from then on nobody can know. */
  censoredAt: timeSchema.nullable(),
  /** Did it fail within the horizon? Null when not over yet, or cut short by preventive work. */
  within: z.object({ days7: z.boolean().nullable(), days30: z.boolean().nullable(), days90: z.boolean().nullable() }),
});
export type PredictionOutcome = z.infer<typeof predictionOutcomeSchema>;

export const predictionSchema = vehicleScoreSchema
  .extend({ id: idSchema, createdAt: timeSchema, outcome: predictionOutcomeSchema })
  .meta({ id: 'Prediction' });
export type Prediction = z.infer<typeof predictionSchema>;

/** Everything scoring may know of one vehicle; null where unknown. */
export const vehicleFeaturesSchema = z.object({
  vehicle: z.object({
    make: z.string().nullable(),
    model: z.string().nullable(),
    year: z.number().nullable(),
    odometerMiles: z.number().nullable(),
    engineHours: z.number().nullable(),
    milesPerDay: z.number().nullable(),
    hoursPerDay: z.number().nullable(),
  }),
  faults: z.array(
    z.object({
      spn: z.number(),
      fmi: z.number(),
      sourceAddress: z.number(),
      isActive: z.boolean(),
      firstSeenAt: timeSchema,
      lastSeenAt: timeSchema,
      clearedAt: timeSchema.nullable(),
      occurrenceCount: z.number().nullable(),
      reopenCount: z.number(),
    }),
  ),
  lamps: z.array(lampsSchema.extend({ sourceAddress: z.number(), at: timeSchema })),
  signals: z.array(
    z.object({
      name: z.string(),
      value: z.number(),
      at: timeSchema,
      baselineMedian: z.number().nullable(),
      baselineMad: z.number().nullable(),
      n: z.number(),
      /** A slow drift of the daily means away from the baseline (CUSUM), and since when. */
      drift: z.object({ direction: z.enum(['up', 'down']), since: timeSchema }).nullish(),
    }),
  ),
  service: z.object({
    lastServiceAt: timeSchema.nullable(),
    milesSinceService: z.number().nullable(),
    repairs365Days: z.number().nullable(),
  }),
  observedDays: z.number().nullable(),
});
export type VehicleFeatures = z.infer<typeof vehicleFeaturesSchema>;

/** One SPN × FMI pair in plain words. */
export const faultDescriptionSchema = z.object({
  spn: z.number(),
  fmi: z.number(),
  /** "SPN n" when the catalogue does not know it. */
  name: z.string(),
  system: vehicleSystemSchema,
  /** VMRS system code, three digits. */
  vmrsSystem: z.string().nullable(),
  severity: faultSeveritySchema,
  meaning: z.string(),
  advice: z.string(),
  action: recommendedActionSchema,
});
export type FaultDescription = z.infer<typeof faultDescriptionSchema>;
