/** Tenants: a dealer or a fleet, with the settings that change how its data is judged and shown. */
import { z } from 'zod';
import { idSchema, timeSchema } from './primitives.ts';

export const tenantKinds = ['dealer', 'fleet'] as const;
export const tenantKindSchema = z.enum(tenantKinds);
export type TenantKind = z.infer<typeof tenantKindSchema>;

/** Lower edges of the risk bands, in points of a 0–100 risk score. */
export const riskBandsSchema = z
  .object({ medium: z.number(), high: z.number(), critical: z.number() })
  .refine(
    (bands) => 0 < bands.medium && bands.medium < bands.high && bands.high < bands.critical && bands.critical <= 100,
    {
      message: 'bands must rise: 0 < medium < high < critical ≤ 100',
    },
  );
export type RiskBands = z.infer<typeof riskBandsSchema>;
export const defaultRiskBands: RiskBands = { medium: 25, high: 50, critical: 75 };

export const tenantSettingsSchema = z.object({
  timeZone: z.string().default('America/Denver'),
  units: z.enum(['us', 'metric']).default('us'),
  flags: z
    .object({ predictions: z.boolean().default(true), alerts: z.boolean().default(true) })
    .default({ predictions: true, alerts: true }),
  riskBands: riskBandsSchema.default(defaultRiskBands),
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
    /** Tenants whose vehicles the caller may read besides their own, through active dealer links. */
    linkedTenants: z.array(z.object({ id: idSchema, name: z.string() })),
    createdAt: timeSchema,
  })
  .meta({ id: 'Tenant' });
export type Tenant = z.infer<typeof tenantSchema>;
