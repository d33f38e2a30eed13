/** What the platform's operator sees and starts across all tenants. */
import { z } from 'zod';
import { accessTokenSeconds } from './auth.ts';
import { idSchema, orNull, pageQueryShape, timeSchema } from './primitives.ts';
import { syncProviderSchema, syncRunSchema } from './sync.ts';

export const tenantSyncConditions = ['inactive', 'not_connected', 'waiting', 'fresh', 'stale', 'failing'] as const;

/** How one tenant's sync fares. */
export const tenantSyncStatusSchema = z
  .object({
    tenantId: idSchema,
    tenantName: z.string(),
    isActive: z.boolean(),
    provider: orNull(syncProviderSchema),
    condition: z.enum(tenantSyncConditions),
    /** The same in a sentence or two. */
    summary: z.string(),
    isRunning: z.boolean(),
    isStale: z.boolean(),
    lastSucceededAt: timeSchema.nullable(),
    /** Failed runs since the last good one, counted up to 100. */
    consecutiveFailures: z.number().int().nonnegative(),
    lastRun: orNull(syncRunSchema),
  })
  .meta({ id: 'TenantSyncStatus' });
export type TenantSyncStatus = z.infer<typeof tenantSyncStatusSchema>;

export const tenantSyncListQuerySchema = z.strictObject(pageQueryShape);

export const triggerSyncInputSchema = z
  .strictObject({
    /** Only this tenant; every active one when left out. */
    tenantId: idSchema.optional(),
  })
  .meta({ id: 'TriggerSyncInput' });
export type TriggerSyncInput = z.infer<typeof triggerSyncInputSchema>;

export const triggeredSyncSchema = z
  .object({
    /** Ids of the runs that are on their way now. */
    started: z.array(idSchema),
    skipped: z.array(z.object({ tenantId: idSchema, reason: z.string() })),
  })
  .meta({ id: 'TriggeredSync' });
export type TriggeredSync = z.infer<typeof triggeredSyncSchema>;

const endedSessionsSchema = z.object({
  total: z.number().int().nonnegative(),
  /** Only reasons that occurred. */
  byReason: z.record(z.string(), z.number().int().nonnegative()),
});

export const revocationStatsSchema = z
  .object({
    activeSessions: z.number().int().nonnegative(),
    activeUsers: z.number().int().nonnegative(),
    endedLast24Hours: endedSessionsSchema,
    endedLast7Days: endedSessionsSchema,
    suspendedUsers: z.number().int().nonnegative(),
    /** E-mail addresses shut after too many wrong passwords, whether or not anybody has them. */
    lockedAddresses: z.number().int().nonnegative(),
    /** How long an access token would live if nothing ended its session. */
    tokenSeconds: z.literal(accessTokenSeconds),
  })
  .meta({ id: 'RevocationStats' });
export type RevocationStats = z.infer<typeof revocationStatsSchema>;
