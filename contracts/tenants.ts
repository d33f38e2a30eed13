/** Tenants: a dealer or a fleet, with the settings that change how its data is judged and shown. */
import { z } from 'zod';
import { emailSchema } from './auth.ts';
import { idSchema, pageQueryShape, timeSchema, nameSchema } from './primitives.ts';

export const tenantKinds = ['dealer', 'fleet'] as const;
export const tenantKindSchema = z.enum(tenantKinds);
export type TenantKind = z.infer<typeof tenantKindSchema>;

const bandEdges = { medium: z.number(), high: z.number(), critical: z.number() };
const rise = (bands: { medium: number; high: number; critical: number }): boolean =>
  0 < bands.medium && bands.medium < bands.high && bands.high < bands.critical && bands.critical <= 100;
const mustRise = { message: 'bands must rise: 0 < medium < high < critical ≤ 100' };

/** Lower edges of the risk bands, in points of a 0–100 risk score. */
export const riskBandsSchema = z.object(bandEdges).refine(rise, mustRise);
/** The same as somebody sets them: scores have one decimal, so an edge with more would never be met. */
export const riskBandsInputSchema = z
  .strictObject(bandEdges)
  .refine(rise, mustRise)
  .refine((bands) => Object.values(bands).every((edge) => Math.round(edge * 10) / 10 === edge), {
    message: 'bands have one decimal at most',
  });
export type RiskBands = z.infer<typeof riskBandsSchema>;
export const defaultRiskBands: RiskBands = { medium: 25, high: 50, critical: 75 };

export const tenantSettingsSchema = z.object({
  timeZone: z.string().default('America/Denver'),
  units: z.enum(['us', 'metric']).default('us'),
  /**
   * predictions: forecasts (chances of failure, days left) are made. Without it new predictions hold none, while the risk
   * of faults, signals and usage goes on, because alerts depend on it; what was forecast before stays in the history.
   */
  flags: z
    .object({ predictions: z.boolean().default(true), alerts: z.boolean().default(true) })
    .default({ predictions: true, alerts: true }),
  riskBands: riskBandsSchema.default(defaultRiskBands),
  /** Weights of the risk score that the tenant has set; the defaults of scoring elsewhere. */
  riskWeights: z.record(z.string(), z.number()).default({}),
  /** A person has chosen the scoring model: nightly training does not change it. */
  isModelPinned: z.boolean().default(false),
  /** Everybody of the tenant needs a second factor (or an identity provider's sign-in). */
  requireMfa: z.boolean().default(false),
  /** Requests a minute for each of the tenant's people; null takes the platform's default. Set by the operator. */
  requestsPerMinute: z.number().int().nullable().default(null),
});
export type TenantSettings = z.infer<typeof tenantSettingsSchema>;

export const tenantSchema = z
  .object({
    id: idSchema,
    name: z.string(),
    kind: tenantKindSchema,
    timeZone: z.string(),
    units: z.enum(['us', 'metric']),
    flags: z.object({ predictions: z.boolean(), alerts: z.boolean() }),
    requireMfa: z.boolean(),
    isActive: z.boolean(),
    /** Tenants whose vehicles the caller may read besides their own, through active dealer links. */
    linkedTenants: z.array(z.object({ id: idSchema, name: z.string() })),
    createdAt: timeSchema,
  })
  .meta({ id: 'Tenant' });
export type Tenant = z.infer<typeof tenantSchema>;

/** The most gates a tenant may have. */
export const maxIngestGates = 16;

/** A tenant as the operator sees it. */
export const adminTenantSchema = tenantSchema
  .extend({
    /** Requests a minute for each of its people; null is the platform's default. */
    requestsPerMinute: z.number().int().nullable(),
    /** Objects that gather its telemetry before the live room; 0: none. */
    ingestGates: z.number().int().min(0).max(maxIngestGates),
    userCount: z.number().int().nonnegative(),
    vehicleCount: z.number().int().nonnegative(),
  })
  .meta({ id: 'AdminTenant' });
export type AdminTenant = z.infer<typeof adminTenantSchema>;

export const tenantListQuerySchema = z.strictObject({
  ...pageQueryShape,
  /** Part of the name. */
  q: z.string().trim().min(1).max(100).optional(),
});
export type TenantListQuery = z.infer<typeof tenantListQuerySchema>;

const tenantNameSchema = nameSchema(120);

const timeZoneSchema = z.string().refine((zone) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}, 'must be an IANA time zone');

const tenantFieldsShape = {
  name: tenantNameSchema.optional(),
  timeZone: timeZoneSchema.optional(),
  units: z.enum(['us', 'metric']).optional(),
  flags: z.strictObject({ predictions: z.boolean().optional(), alerts: z.boolean().optional() }).optional(),
  requireMfa: z.boolean().optional(),
};

export const updateTenantInputSchema = z.strictObject(tenantFieldsShape).meta({ id: 'UpdateTenantInput' });
export type UpdateTenantInput = z.infer<typeof updateTenantInputSchema>;

/** The operator's: what a tenant's own people may not change comes on top. */
export const adminUpdateTenantInputSchema = z
  .strictObject({
    ...tenantFieldsShape,
    isActive: z.boolean().optional(),
    requestsPerMinute: z.number().int().min(1).max(1_000_000).nullable().optional(),
    /** For tenants beyond some 300 requests of telemetry a second: about one gate for each 300. */
    ingestGates: z.number().int().min(0).max(maxIngestGates).optional(),
  })
  .meta({ id: 'AdminUpdateTenantInput' });
export type AdminUpdateTenantInput = z.infer<typeof adminUpdateTenantInputSchema>;

export const createTenantInputSchema = z
  .strictObject({
    name: tenantNameSchema,
    kind: tenantKindSchema,
    timeZone: timeZoneSchema.optional(),
    units: z.enum(['us', 'metric']).optional(),
    /** Invited as the tenant's first administrator. */
    adminEmail: emailSchema.optional(),
  })
  .meta({ id: 'CreateTenantInput' });
export type CreateTenantInput = z.infer<typeof createTenantInputSchema>;
