/** The tenant of whoever calls, read along with the caller in the one statement at the door: settings, and who links to it. */
import { z } from 'zod';
import { tenantKindSchema, tenantSettingsSchema } from '#contracts/tenants';
import type { Caller } from './context.ts';

/** A column of JSON text in a column of a row at the door. */
export const jsonColumn = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);

/**
 * The column `tenant` of a statement in which the tenant is `t`; null where there is none. Links are those that hold at
 * this moment, with customers that are not switched off.
 */
export const tenantColumnSql = `
  CASE WHEN t.id IS NOT NULL THEN json_object('id', t.id, 'name', t.name, 'kind', t.kind, 'settings', json(t.settings),
    'isActive', t.is_active, 'createdAt', t.created_at, 'linked',
    (SELECT json_group_array(json_object('id', c.id, 'name', c.name))
       FROM dealer_links l JOIN tenants c ON c.id = l.fleet_tenant_id
      WHERE l.dealer_tenant_id = t.id AND l.status = 'active' AND c.is_active = 1)) END AS tenant`;

export const tenantColumnSchema = jsonColumn(
  z.object({
    id: z.string(),
    name: z.string(),
    kind: tenantKindSchema,
    settings: tenantSettingsSchema,
    isActive: z.number(),
    createdAt: z.string(),
    linked: z.array(z.object({ id: z.string(), name: z.string() })),
  }),
);
type TenantColumn = z.infer<typeof tenantColumnSchema>;

/** Whose vehicles the tenant's people and keys may read besides its own: a fleet's never anybody's. */
export const linkedTenantsOf = (tenant: TenantColumn | null): Caller['linkedTenants'] =>
  tenant?.kind === 'dealer' ? tenant.linked : [];
