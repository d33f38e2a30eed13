/**
 * Every tenant, for the operator.
 * @unscoped every route of it asks for admin:manage
 */
import { and, asc, eq, sql } from 'drizzle-orm';
import {
  tenantSettingsSchema,
  type AdminTenant,
  type CreateTenantInput,
  type Tenant,
  type TenantListQuery,
} from '#contracts/tenants';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { dealerLinks, tenants } from '../../db/schema/index.ts';
import type { Env } from '../../env.ts';
import { pageWindow } from '../../http/routes.ts';
import { newId } from '../../ids.ts';
import { linksOf, toTenant, type TenantRow } from '../tenant/store.ts';
import { invitationStatements } from '../users/invite.ts';

/** Table names are written out: drizzle drops them in a select of one table. */
const adminColumns = {
  row: tenants,
  userCount: sql<number>`(select count(*) from users u where u.tenant_id = tenants.id and u.deleted_at is null)`,
  vehicleCount: sql<number>`(select count(*) from vehicles v where v.tenant_id = tenants.id)`,
};

export interface CountedTenant {
  row: TenantRow;
  userCount: number;
  vehicleCount: number;
}

const toAdminTenant = (counted: CountedTenant, linkedTenants: Tenant['linkedTenants']): AdminTenant => ({
  ...toTenant(counted.row, linkedTenants),
  requestsPerMinute: tenantSettingsSchema.parse(counted.row.settings).requestsPerMinute,
  ingestGates: counted.row.ingestGates,
  userCount: counted.userCount,
  vehicleCount: counted.vehicleCount,
});

/** One page in the order of their making, and how many the filter finds. */
export async function listTenants(
  db: Database,
  query: TenantListQuery,
): Promise<{ tenants: AdminTenant[]; total: number }> {
  const { limit, offset } = pageWindow(query);
  const where = query.q === undefined ? undefined : sql`instr(lower(${tenants.name}), ${query.q.toLowerCase()}) > 0`;
  const found = await db
    .select(adminColumns)
    .from(tenants)
    .where(where)
    .orderBy(asc(tenants.id))
    .limit(limit)
    .offset(offset);
  const [count] = await db
    .select({ total: sql<number>`count(*)` })
    .from(tenants)
    .where(where);
  const links = await linksOf(
    db,
    found.map(({ row }) => row.id),
  );
  return {
    tenants: found.map((counted) => toAdminTenant(counted, links.get(counted.row.id) ?? [])),
    total: count?.total ?? 0,
  };
}

export async function getCountedTenant(db: Database, tenantId: string): Promise<CountedTenant | null> {
  const [counted] = await db.select(adminColumns).from(tenants).where(eq(tenants.id, tenantId));
  return counted ?? null;
}

export async function presentCounted(db: Database, counted: CountedTenant): Promise<AdminTenant> {
  const { id } = counted.row;
  return toAdminTenant(counted, (await linksOf(db, [id])).get(id) ?? []);
}

/** Makes a tenant and, with an address, mails its first administrator an invitation. Answers the new id. */
export async function createTenant(
  env: Env,
  db: Database,
  trail: AuditTrail,
  input: CreateTenantInput,
  inviter: { id: string; name: string },
  now: Date,
): Promise<string> {
  const { name, kind, timeZone, units, adminEmail } = input;
  const id = newId(now.getTime());
  const at = now.toISOString();
  const settings = { ...(timeZone === undefined ? {} : { timeZone }), ...(units === undefined ? {} : { units }) };
  const insert = db.insert(tenants).values({ id, name, kind, settings, createdAt: at, updatedAt: at });
  const entry = trail.entry(db, {
    tenantId: id,
    action: 'tenant.create',
    resourceType: 'tenant',
    resourceId: id,
    after: { name, kind, ...settings },
  });
  if (adminEmail === undefined) {
    await db.batch([insert, entry]);
    return id;
  }
  const role = kind === 'dealer' ? 'dealer_admin' : 'fleet_admin';
  const invitation = { tenant: { id, name }, email: adminEmail, role, userId: null, inviter } as const;
  const { statements } = await invitationStatements(env, db, trail, invitation, now);
  await db.batch([insert, entry, ...statements]);
  return id;
}

/** Whether anybody signs in with this address. */
export async function isAddressInUse(db: Database, email: string): Promise<boolean> {
  const found = await db.$client
    .prepare('SELECT 1 FROM users WHERE email = ? AND deleted_at IS NULL')
    .bind(email)
    .first();
  return found !== null;
}

/** Dealers that an active link shows this fleet to. */
export async function dealersOf(db: Database, fleetTenantId: string): Promise<string[]> {
  const links = await db
    .select({ dealerTenantId: dealerLinks.dealerTenantId })
    .from(dealerLinks)
    .where(and(eq(dealerLinks.fleetTenantId, fleetTenantId), eq(dealerLinks.status, 'active')));
  return links.map((link) => link.dealerTenantId);
}
