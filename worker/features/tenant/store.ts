/** One tenant as its own people see it. */
import { and, eq } from 'drizzle-orm';
import { tenantSettingsSchema, type Tenant } from '#contracts/tenants';
import type { Database } from '../../db/client.ts';
import { dealerLinks, tenants } from '../../db/schema/index.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';

export async function readTenant(scope: TenantScope, db: Database): Promise<Tenant | null> {
  const [[row], linkedTenants] = await db.batch([
    db.select().from(tenants).where(eq(tenants.id, scope.tenantId)),
    db
      .select({ id: tenants.id, name: tenants.name })
      .from(dealerLinks)
      .innerJoin(tenants, eq(tenants.id, dealerLinks.fleetTenantId))
      .where(and(eq(dealerLinks.dealerTenantId, scope.tenantId), eq(dealerLinks.status, 'active'))),
  ]);
  if (row === undefined) return null;
  const settings = tenantSettingsSchema.parse(row.settings);
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    timeZone: settings.timeZone,
    units: settings.units,
    flags: settings.flags,
    linkedTenants,
    createdAt: row.createdAt,
  };
}
