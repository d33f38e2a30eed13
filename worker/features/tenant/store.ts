/** Tenants as their own people, and the platform's operator, see them. */
import { and, eq, sql } from 'drizzle-orm';
import { tenantSettingsSchema, type Tenant } from '#contracts/tenants';
import type { Database } from '../../db/client.ts';
import { dealerLinks, tenants } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';

export type TenantRow = typeof tenants.$inferSelect;

export function toTenant(row: TenantRow, linkedTenants: Tenant['linkedTenants']): Tenant {
  const { timeZone, units, flags, requireMfa } = tenantSettingsSchema.parse(row.settings);
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    timeZone,
    units,
    flags,
    requireMfa,
    isActive: row.isActive,
    linkedTenants,
    createdAt: row.createdAt,
  };
}

/**
 * Customers of some dealers through active links; a deactivated one is nobody's to see.
 * @unscoped the ids are those of tenants that a scope, or the operator, has been asked for
 */
export async function linksOf(
  db: Database,
  dealerIds: readonly string[],
): Promise<Map<string, Tenant['linkedTenants']>> {
  const links = await db
    .select({ dealerTenantId: dealerLinks.dealerTenantId, id: tenants.id, name: tenants.name })
    .from(dealerLinks)
    .innerJoin(tenants, eq(tenants.id, dealerLinks.fleetTenantId))
    .where(
      and(
        eq(dealerLinks.status, 'active'),
        eq(tenants.isActive, true),
        sql`${dealerLinks.dealerTenantId} in ${idsIn(dealerIds)}`,
      ),
    )
    .orderBy(tenants.name, tenants.id);
  const byDealer = Map.groupBy(links, (link) => link.dealerTenantId);
  return new Map(
    [...byDealer].map(([dealerId, ofDealer]) => [dealerId, ofDealer.map(({ id, name }) => ({ id, name }))]),
  );
}

export async function getTenantRow(scope: TenantScope, db: Database): Promise<TenantRow | null> {
  const [row] = await db.select().from(tenants).where(eq(tenants.id, scope.tenantId));
  return row ?? null;
}

export async function presentTenant(scope: TenantScope, db: Database, row: TenantRow): Promise<Tenant> {
  return toTenant(row, (await linksOf(db, [scope.tenantId])).get(row.id) ?? []);
}
