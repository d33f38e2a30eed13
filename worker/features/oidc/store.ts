/** Identity providers of a tenant. The client secret is sealed before it reaches D1 and leaves this file only for an exchange. */
import { and, asc, eq, getTableColumns, isNotNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { UpdateOidcProviderInput } from '#contracts/oidc';
import type { Role } from '#contracts/roles';
import type { AuditTrail } from '../../audit/trail.ts';
import { bulk } from '../../db/batch.ts';
import type { Database } from '../../db/client.ts';
import { oidcProviderDomains, oidcProviders, tenants } from '../../db/schema/index.ts';
import { inTenants } from '../../db/scoped.ts';
import { pageWindow } from '../../http/routes.ts';
import type { ReadScope, TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import type { ProvenDomains } from './domains.ts';
import type { SealedPlace, Vault } from '../../secrets/vault.ts';

type StoredProvider = typeof oidcProviders.$inferSelect;

/** A provider with the proofs of its domains. */
export type OidcProviderRow = StoredProvider & Pick<ProvenDomains, 'proofs'>;

const proofsSchema = z.record(z.string(), z.string());
const providerColumns = {
  ...getTableColumns(oidcProviders),
  proofs: sql`(SELECT json_group_object(d.domain, d.verified_at) FROM oidc_provider_domains d
    WHERE d.provider_id = ${oidcProviders.id} AND d.verified_at IS NOT NULL)`.mapWith((json: string) =>
    proofsSchema.parse(JSON.parse(json)),
  ),
};

const secretPlace = (rowId: string): SealedPlace => ({ table: 'oidc_providers', rowId, field: 'client_secret' });

/** What the audit log keeps of a provider. */
const audited = (row: StoredProvider) => ({
  name: row.name,
  preset: row.preset,
  issuer: row.issuer,
  clientId: row.clientId,
  hasClientSecret: row.clientSecretSealed !== null,
  allowedDomains: row.allowedDomains,
  defaultRole: row.defaultRole,
  logoutIpAllowList: row.logoutIpAllowList,
  isActive: row.isActive,
});

export async function listProviders(
  scope: ReadScope,
  db: Database,
  query: { page?: number | undefined; pageSize?: number | undefined },
): Promise<{ rows: OidcProviderRow[]; total: number }> {
  const { limit, offset } = pageWindow(query);
  const here = inTenants(oidcProviders.tenantId, scope);
  const [rows, [count]] = await db.batch([
    db
      .select(providerColumns)
      .from(oidcProviders)
      .where(here)
      .orderBy(asc(oidcProviders.id))
      .limit(limit)
      .offset(offset),
    db
      .select({ total: sql<number>`count(*)` })
      .from(oidcProviders)
      .where(here),
  ]);
  return { rows, total: count?.total ?? 0 };
}

export async function getProvider(scope: ReadScope, db: Database, id: string): Promise<OidcProviderRow | null> {
  const [row] = await db
    .select(providerColumns)
    .from(oidcProviders)
    .where(and(eq(oidcProviders.id, id), inTenants(oidcProviders.tenantId, scope)));
  return row ?? null;
}

/** The kind of the scope's tenant: it decides which roles exist there. */
export async function readTenantKind(scope: TenantScope, db: Database): Promise<'dealer' | 'fleet'> {
  const [row] = await db.select({ kind: tenants.kind }).from(tenants).where(eq(tenants.id, scope.tenantId));
  if (row === undefined) throw new Error(`a scope of no tenant: ${scope.tenantId}`);
  return row.kind;
}

/**
 * The rows by which an address finds its provider; nothing for another tenant's. What stays keeps its proof, and what comes
 * has the one that another provider of the tenant has.
 */
function domainStatements(scope: TenantScope, db: Database, providerId: string, domains: readonly string[]) {
  // A value and not EXISTS, which SQLite would join to the list.
  const isOurs = sql`(SELECT tenant_id FROM oidc_providers WHERE id = ${providerId}) = ${scope.tenantId}`;
  return [
    bulk(
      db,
      sql`DELETE FROM oidc_provider_domains WHERE provider_id = ${providerId} AND ${isOurs}
        AND domain NOT IN (SELECT value FROM json_each(${JSON.stringify(domains)}))`,
    ),
    bulk(
      db,
      sql`INSERT INTO oidc_provider_domains (domain, provider_id, verified_at)
        SELECT r.value, ${providerId}, (SELECT min(d.verified_at) FROM oidc_provider_domains d
          JOIN oidc_providers p ON p.id = d.provider_id WHERE d.domain = r.value AND p.tenant_id = ${scope.tenantId})
        FROM json_each(${JSON.stringify(domains)}) AS r WHERE ${isOurs}
        ON CONFLICT DO NOTHING`,
    ),
  ] as const;
}

export interface NewProvider {
  name: string;
  preset: 'entra' | 'oidc';
  issuer: string;
  clientId: string;
  clientSecret: string | undefined;
  allowedDomains: string[];
  defaultRole: Role | null;
  logoutIpAllowList: string[] | null;
  isActive: boolean;
}

export async function createProvider(
  scope: TenantScope,
  db: Database,
  { vault, trail, nowIso }: { vault: Vault; trail: AuditTrail; nowIso: string },
  { clientSecret, ...fields }: NewProvider,
): Promise<OidcProviderRow> {
  const id = newId();
  const row: StoredProvider = {
    ...fields,
    id,
    tenantId: scope.tenantId,
    clientSecretSealed: clientSecret === undefined ? null : await vault.seal(clientSecret, secretPlace(id)),
    createdAt: nowIso,
    updatedAt: nowIso,
  };
  await db.batch([
    db.insert(oidcProviders).values(row),
    trail.entry(db, {
      tenantId: scope.tenantId,
      action: 'oidc_provider.create',
      resourceType: 'oidc_provider',
      resourceId: id,
      after: audited(row),
    }),
    ...domainStatements(scope, db, id, row.allowedDomains),
  ]);
  const made = await getProvider(scope, db, id);
  if (made === null) throw new Error(`the provider ${id} was removed as it was made`);
  return made;
}

/** Changes what is mentioned; null when the provider is gone by now. */
export async function updateProvider(
  scope: TenantScope,
  db: Database,
  { vault, trail, nowIso }: { vault: Vault; trail: AuditTrail; nowIso: string },
  known: OidcProviderRow,
  { clientSecret, ...fields }: UpdateOidcProviderInput,
): Promise<OidcProviderRow | null> {
  const sealed = clientSecret === undefined ? undefined : await vault.seal(clientSecret, secretPlace(known.id));
  const mentioned = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const changes: Partial<StoredProvider> = {
    ...mentioned,
    ...(sealed === undefined ? {} : { clientSecretSealed: sealed }),
    updatedAt: nowIso,
  };
  const [rows] = await db.batch([
    db
      .update(oidcProviders)
      .set(changes)
      .where(and(eq(oidcProviders.id, known.id), eq(oidcProviders.tenantId, scope.tenantId)))
      .returning({ id: oidcProviders.id }),
    trail.entry(
      db,
      {
        tenantId: scope.tenantId,
        action: 'oidc_provider.update',
        resourceType: 'oidc_provider',
        resourceId: known.id,
        before: audited(known),
        after: { ...audited({ ...known, ...changes }), ...(sealed === undefined ? {} : { clientSecret: 'changed' }) },
      },
      { onlyIfChanged: true },
    ),
    ...(fields.allowedDomains === undefined ? [] : domainStatements(scope, db, known.id, fields.allowedDomains)),
  ]);
  return rows.length > 0 ? getProvider(scope, db, known.id) : null;
}

/**
 * Takes a domain for proven, for every provider of the tenant that names it; `by` says how. `taken` when another tenant's
 * proof of it stands, null when the provider or its domain is gone by now. Proven before, it stays as it is.
 */
export async function verifyDomain(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  { id, domain, by }: { id: string; domain: string; by: 'dns' | 'operator' },
  nowIso: string,
): Promise<OidcProviderRow | 'taken' | null> {
  await db.batch([
    // Of two tenants at the same moment one is first.
    bulk(
      db,
      sql`UPDATE oidc_provider_domains SET verified_at = ${nowIso}
        WHERE domain = ${domain} AND verified_at IS NULL
          AND provider_id IN (SELECT id FROM oidc_providers WHERE tenant_id = ${scope.tenantId})
          AND NOT EXISTS (SELECT 1 FROM oidc_provider_domains d JOIN oidc_providers p ON p.id = d.provider_id
            WHERE d.domain = ${domain} AND d.verified_at IS NOT NULL AND p.tenant_id <> ${scope.tenantId})`,
    ),
    trail.entry(db, domainAction(scope, id, { domain, by }), { onlyIfChanged: true }),
  ]);
  const row = await getProvider(scope, db, id);
  if (!row?.allowedDomains.includes(domain)) return null;
  return row.proofs[domain] === undefined ? 'taken' : row;
}

/** An entry about a domain: proven, or why not. */
export const domainAction = (scope: TenantScope, resourceId: string, after: Record<string, string>) => ({
  tenantId: scope.tenantId,
  action: 'oidc_domain.verify',
  resourceType: 'oidc_provider',
  resourceId,
  after,
});

/** Forgets a provider and whom it knew; sessions that it opened go on. False when it was gone. */
export async function deleteProvider(
  scope: TenantScope,
  db: Database,
  trail: AuditTrail,
  known: OidcProviderRow,
): Promise<boolean> {
  const [rows] = await db.batch([
    db
      .delete(oidcProviders)
      .where(and(eq(oidcProviders.id, known.id), eq(oidcProviders.tenantId, scope.tenantId)))
      .returning({ id: oidcProviders.id }),
    trail.entry(
      db,
      {
        tenantId: scope.tenantId,
        action: 'oidc_provider.delete',
        resourceType: 'oidc_provider',
        resourceId: known.id,
        before: audited(known),
      },
      { onlyIfChanged: true },
    ),
  ]);
  return rows.length > 0;
}

export interface ProviderAtTheDoor {
  provider: OidcProviderRow;
  tenant: { id: string; isActive: boolean };
}

/** @unscoped somebody who has not signed in yet stands before it; its id is public. */
export async function findProvider(db: Database, id: string): Promise<ProviderAtTheDoor | null> {
  const [found] = await db
    .select({ provider: providerColumns, tenant: { id: tenants.id, isActive: tenants.isActive } })
    .from(oidcProviders)
    .innerJoin(tenants, eq(tenants.id, oidcProviders.tenantId))
    .where(eq(oidcProviders.id, id));
  return found ?? null;
}

/** More than this many serve no domain in earnest. */
const maxChoices = 10;

/** @unscoped asked before anybody has signed in; answers by proven domains alone, so nobody learns who has an account. */
export async function findProvidersOfDomain(db: Database, domain: string) {
  return db
    .select({ id: oidcProviders.id, name: oidcProviders.name, preset: oidcProviders.preset })
    .from(oidcProviderDomains)
    .innerJoin(oidcProviders, eq(oidcProviders.id, oidcProviderDomains.providerId))
    .innerJoin(tenants, eq(tenants.id, oidcProviders.tenantId))
    .where(
      and(
        eq(oidcProviderDomains.domain, domain),
        isNotNull(oidcProviderDomains.verifiedAt),
        eq(oidcProviders.isActive, true),
        eq(tenants.isActive, true),
      ),
    )
    .orderBy(asc(oidcProviders.id))
    .limit(maxChoices);
}

/** The client secret for an exchange; null for a public client. */
export const openClientSecret = async (vault: Vault, row: StoredProvider): Promise<string | null> =>
  row.clientSecretSealed === null ? null : vault.open(row.clientSecretSealed, secretPlace(row.id));
