/** Tenants as their own people, and the platform's operator, see them. */
import { and, asc, eq, sql } from 'drizzle-orm';
import { tenantSettingsSchema, type Tenant } from '#contracts/tenants';
import type { Database } from '../../db/client.ts';
import { dealerLinks, tenants } from '../../db/schema/index.ts';
import { idsIn } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';

function toTenant(row: typeof tenants.$inferSelect, linkedTenants: Tenant['linkedTenants']): Tenant {
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

/** Customers of some dealers through active links. */
async function linksOf(db: Database, dealerIds: readonly string[]) {
  return db
    .select({ dealerTenantId: dealerLinks.dealerTenantId, id: tenants.id, name: tenants.name })
    .from(dealerLinks)
    .innerJoin(tenants, eq(tenants.id, dealerLinks.fleetTenantId))
    .where(and(eq(dealerLinks.status, 'active'), sql`${dealerLinks.dealerTenantId} in ${idsIn(dealerIds)}`));
}

const withLinks = (rows: (typeof tenants.$inferSelect)[], links: Awaited<ReturnType<typeof linksOf>>): Tenant[] =>
  rows.map((row) =>
    toTenant(
      row,
      links.flatMap(({ dealerTenantId, id, name }) => (dealerTenantId === row.id ? [{ id, name }] : [])),
    ),
  );

export async function readTenant(scope: TenantScope, db: Database): Promise<Tenant | null> {
  const rows = await db.select().from(tenants).where(eq(tenants.id, scope.tenantId));
  return withLinks(rows, await linksOf(db, [scope.tenantId]))[0] ?? null;
}

/** Every tenant, for the operator alone: the route asks for admin:manage. */
export async function listTenants(
  db: Database,
  query: { page?: number | undefined; pageSize?: number | undefined },
): Promise<{ tenants: Tenant[]; total: number }> {
  const { limit, offset } = pageWindow(query);
  const [rows, [count]] = await db.batch([
    db.select().from(tenants).orderBy(asc(tenants.id)).limit(limit).offset(offset),
    db.select({ total: sql<number>`count(*)` }).from(tenants),
  ]);
  const links = await linksOf(
    db,
    rows.map((row) => row.id),
  );
  return { tenants: withLinks(rows, links), total: count?.total ?? 0 };
}
