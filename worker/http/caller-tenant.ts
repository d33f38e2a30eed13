/** The tenant of whoever calls, read along with the caller in the one statement at the door: settings, and who links to it. */
import { z } from 'zod';
import { tenantKindSchema, tenantSettingsSchema } from '#contracts/tenants';
import type { Caller } from './context.ts';

/** Texts that a column remembers what it made of them. */
const rememberedTexts = 1_000;

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

/**
 * A column of JSON text of a row at the door. The same caller comes again and again with the same text: it is read from D1
 * each time, but parsed once. What comes of it is shared, and therefore frozen.
 */
export function jsonColumn<T>(schema: z.ZodType<T>) {
  const known = new Map<string, T>();
  return z.string().transform((text, ctx): T => {
    const remembered = known.get(text);
    if (remembered !== undefined) return remembered;
    const parsed = schema.safeParse(JSON.parse(text));
    if (!parsed.success) {
      ctx.addIssue({ code: 'custom', message: z.prettifyError(parsed.error) });
      return z.NEVER;
    }
    if (known.size >= rememberedTexts) known.clear();
    known.set(text, frozen(parsed.data));
    return parsed.data;
  });
}

/**
 * The column `tenant` of a statement in which the tenant is `t`; null where there is none. Links are those that hold at
 * this moment, with customers that are not switched off.
 */
export const tenantColumnSql = `
  CASE WHEN t.id IS NOT NULL THEN json_object('id', t.id, 'name', t.name, 'kind', t.kind, 'settings', json(t.settings),
    'isActive', t.is_active, 'createdAt', t.created_at, 'ingestGates', t.ingest_gates, 'linked',
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
    ingestGates: z.number(),
    linked: z.array(z.object({ id: z.string(), name: z.string() })),
  }),
);
type TenantColumn = z.infer<typeof tenantColumnSchema>;

/** Whose vehicles the tenant's people and keys may read besides its own: a fleet's never anybody's. */
export const linkedTenantsOf = (tenant: TenantColumn | null): Caller['linkedTenants'] =>
  tenant?.kind === 'dealer' ? tenant.linked : [];
