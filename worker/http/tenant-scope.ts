/**
 * Scopes: proof that somebody decided whose rows may be touched. Every store function takes one first.
 * Only this file can make them; the auth layer and the job dispatcher call it.
 */
declare const scopeBrand: unique symbol;

/** Enough to read: which tenants' vehicles, faults and alerts exist for the caller. */
export interface ReadScope {
  readonly [scopeBrand]: true;
  /** The own tenant and, for a dealer, its linked customers; all of them for a super admin. */
  readonly readableTenantIds: readonly string[];
  /** The tenant the caller belongs to or works for; null for the platform's operator, to whom everything is open. */
  readonly ownTenantId: string | null;
  /** Set for a driver: only vehicles assigned to this user exist for them. */
  readonly onlyAssignedTo: string | null;
}

/** Enough to write inside one tenant. */
export interface TenantScope extends ReadScope {
  readonly tenantId: string;
}

/** For the auth layer, which has read user, tenant and links from D1. */
export function readScopeFromAuth(fields: {
  ownTenantId: string | null;
  readableTenantIds: readonly string[];
  onlyAssignedTo: string | null;
}): ReadScope {
  return Object.freeze({ ...fields }) as ReadScope;
}

/** For the auth layer: a caller who acts inside `tenantId`. */
export function tenantScopeFromAuth(fields: {
  tenantId: string;
  ownTenantId: string | null;
  readableTenantIds: readonly string[];
  onlyAssignedTo: string | null;
}): TenantScope {
  return Object.freeze({ ...fields }) as TenantScope;
}

/** For jobs that work inside one tenant with no person behind them. */
export function scopeForJob(tenantId: string): TenantScope {
  return tenantScopeFromAuth({ tenantId, ownTenantId: tenantId, readableTenantIds: [tenantId], onlyAssignedTo: null });
}

/** The same scope, narrowed to the own tenant: for people, settings, credentials and runs, which links never open. */
export const ownTenantOnly = (scope: TenantScope): TenantScope =>
  tenantScopeFromAuth({ ...scope, readableTenantIds: [scope.tenantId] });

/** A write inside a readable tenant: a dealer acknowledging a customer's alert. Null when the scope does not reach it. */
export const actingIn = (scope: ReadScope, tenantId: string): TenantScope | null =>
  scope.readableTenantIds.includes(tenantId) ? tenantScopeFromAuth({ ...scope, tenantId }) : null;
