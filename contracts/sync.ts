/** Reading a manufacturer's portal or API: credentials, runs, and why a run failed. */
import { z } from 'zod';
import { lampsSchema } from './faults.ts';
import { cursorQueryShape, idSchema, orNull, timeSchema } from './primitives.ts';

export const syncProviders = ['paccar', 'decisiv', 'samsara', 'loconav'] as const;
export const syncProviderSchema = z.enum(syncProviders).meta({ id: 'SyncProvider' });
export type SyncProvider = z.infer<typeof syncProviderSchema>;

export const syncErrorCodes = [
  'LOGIN_FAILED',
  'MFA_REQUIRED',
  'SESSION_EXPIRED',
  'RATE_LIMITED',
  'MARKUP_CHANGED',
  'TIMED_OUT',
  'BROWSER_LOST',
  'UPSTREAM_FAILED',
  'SUSPICIOUS_RESULT',
] as const;
export const syncErrorCodeSchema = z.enum(syncErrorCodes).meta({ id: 'SyncErrorCode' });
export type SyncErrorCode = z.infer<typeof syncErrorCodeSchema>;

export const syncRunStatuses = ['queued', 'running', 'succeeded', 'partial', 'failed'] as const;
export const syncRunStatusSchema = z.enum(syncRunStatuses);
export type SyncRunStatus = z.infer<typeof syncRunStatusSchema>;

export const syncCountsSchema = z.object({
  vehiclesSeen: z.number().int().nonnegative(),
  vehiclesCreated: z.number().int().nonnegative(),
  vehiclesChanged: z.number().int().nonnegative(),
  faultsOpened: z.number().int().nonnegative(),
  faultsSeen: z.number().int().nonnegative(),
  faultsCleared: z.number().int().nonnegative(),
  alertsOpened: z.number().int().nonnegative(),
});
export type SyncCounts = z.infer<typeof syncCountsSchema>;
export const noCounts: SyncCounts = {
  vehiclesSeen: 0,
  vehiclesCreated: 0,
  vehiclesChanged: 0,
  faultsOpened: 0,
  faultsSeen: 0,
  faultsCleared: 0,
  alertsOpened: 0,
};

export const syncRunSchema = z
  .object({
    id: idSchema,
    tenantId: idSchema,
    provider: syncProviderSchema,
    status: syncRunStatusSchema,
    trigger: z.enum(['cron', 'manual', 'webhook']),
    startedAt: timeSchema,
    finishedAt: timeSchema.nullable(),
    counts: syncCountsSchema,
    error: z.object({ code: syncErrorCodeSchema, message: z.string() }).nullable(),
  })
  .meta({ id: 'SyncRun' });
export type SyncRun = z.infer<typeof syncRunSchema>;

export const startSyncRunInputSchema = z
  .strictObject({ provider: syncProviderSchema.optional() })
  .meta({ id: 'StartSyncRunInput' });
export type StartSyncRunInput = z.infer<typeof startSyncRunInputSchema>;

export const syncRunListQuerySchema = z.strictObject({ ...cursorQueryShape, tenantId: idSchema.optional() });

export const putSyncCredentialsInputSchema = z
  .strictObject({
    baseUrl: z.url().max(2000).optional(),
    username: z.string().min(1).max(254).optional(),
    password: z.string().min(1).max(1024).optional(),
    totpSecret: z
      .string()
      .regex(/^[A-Z2-7 ]{16,128}=*$/i, 'must be base32')
      .optional(),
    apiToken: z.string().min(1).max(4096).optional(),
    /** The tenant's word that TruckIQ may sign in on its behalf. */
    consent: z.literal(true),
    isActive: z.boolean().optional(),
  })
  .meta({ id: 'PutSyncCredentialsInput' });
export type PutSyncCredentialsInput = z.infer<typeof putSyncCredentialsInputSchema>;

/** Secrets are never returned; `hasPassword` and its like say whether one is stored. */
export const syncCredentialsSchema = z
  .object({
    provider: syncProviderSchema,
    baseUrl: z.string().nullable(),
    username: z.string().nullable(),
    hasPassword: z.boolean(),
    hasTotpSecret: z.boolean(),
    hasApiToken: z.boolean(),
    isActive: z.boolean(),
    consentedAt: timeSchema,
    lastSyncAt: timeSchema.nullable(),
    lastError: z.string().nullable(),
    updatedAt: timeSchema,
  })
  .meta({ id: 'SyncCredentials' });
export type SyncCredentials = z.infer<typeof syncCredentialsSchema>;

/** A tenant whose last good sync is older than this shows as stale. */
export const syncStaleAfterMs = 6 * 3600_000;

export const syncStatusSchema = z
  .object({
    tenantId: idSchema,
    provider: orNull(syncProviderSchema),
    isRunning: z.boolean(),
    isStale: z.boolean(),
    lastSucceededAt: timeSchema.nullable(),
    failedRuns24Hours: z.number().int().nonnegative(),
    lastRun: orNull(syncRunSchema),
  })
  .meta({ id: 'SyncStatus' });
export type SyncStatus = z.infer<typeof syncStatusSchema>;

/**
 * What a source says of one vehicle, whatever the source. The persist step knows only this shape.
 * `faults` is the complete list as read, or null when this vehicle's faults could not be read this time (clears nothing).
 */
export const observedFaultSchema = z.object({
  spn: z.number().int(),
  fmi: z.number().int(),
  /** The portal does not print one; then 0, the engine. */
  sourceAddress: z.number().int(),
  description: z.string().nullable(),
  isActive: z.boolean(),
  occurrenceCount: z.number().int().nullable(),
  lamps: orNull(lampsSchema),
});
export type ObservedFault = z.infer<typeof observedFaultSchema>;

export const observedVehicleSchema = z.object({
  vin: z.string().length(17),
  unitNumber: z.string(),
  year: z.number().int().nullable(),
  make: z.string().nullable(),
  model: z.string().nullable(),
  engineMake: z.string().nullable(),
  engineModel: z.string().nullable(),
  odometerMiles: z.number().nullable(),
  engineHours: z.number().nullable(),
  position: z.object({ lat: z.number(), lon: z.number(), at: timeSchema }).nullable(),
  faults: z.array(observedFaultSchema).nullable(),
});
export type ObservedVehicle = z.infer<typeof observedVehicleSchema>;
