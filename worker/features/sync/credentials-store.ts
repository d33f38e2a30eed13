/** Credentials of outside sources. Secrets are sealed before they reach D1 and leave this file only for a sign-in. */
import { and, eq, sql } from 'drizzle-orm';
import type { PutSyncCredentialsInput, SyncProvider } from '#contracts/sync';
import { trailOfJob, type AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import { syncCredentials, tenants } from '../../db/schema/index.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { newId } from '../../ids.ts';
import type { SealedPlace, Vault } from '../../secrets/vault.ts';
import type { ProviderOption } from './provider.ts';

export type SyncCredentialsRow = typeof syncCredentials.$inferSelect;

type SecretField = 'password' | 'totp_secret' | 'api_token' | 'session';
const placeOf = (rowId: string, field: SecretField): SealedPlace => ({ table: 'sync_credentials', rowId, field });

const isRow = (scope: TenantScope, provider: SyncProvider) =>
  and(eq(syncCredentials.tenantId, scope.tenantId), eq(syncCredentials.provider, provider));

export async function listCredentials(scope: TenantScope, db: Database): Promise<SyncCredentialsRow[]> {
  return db
    .select()
    .from(syncCredentials)
    .where(eq(syncCredentials.tenantId, scope.tenantId))
    .orderBy(syncCredentials.provider);
}

export async function getCredentials(
  scope: TenantScope,
  db: Database,
  provider: SyncProvider,
): Promise<SyncCredentialsRow | null> {
  const [row] = await db.select().from(syncCredentials).where(isRow(scope, provider));
  return row ?? null;
}

/** Stored secrets that a change of address leaves out. Pure; none when the origin stays the same. */
export function secretsToRepeat(known: SyncCredentialsRow, input: PutSyncCredentialsInput): string[] {
  if (input.baseUrl === undefined || known.baseUrl === null) return [];
  if (new URL(input.baseUrl).origin === new URL(known.baseUrl).origin) return [];
  const stored = { password: known.passwordSealed, totpSecret: known.totpSecretSealed, apiToken: known.apiTokenSealed };
  return (['password', 'totpSecret', 'apiToken'] as const).filter(
    (field) => stored[field] !== null && input[field] === undefined,
  );
}

/** Stores what is mentioned and keeps the rest. A new address, name or secret ends the stored portal session. */
export async function putCredentials(
  scope: TenantScope,
  db: Database,
  vault: Vault,
  provider: SyncProvider,
  input: PutSyncCredentialsInput,
  nowIso: string,
  trail: AuditTrail = trailOfJob(new Date(nowIso)),
): Promise<SyncCredentialsRow> {
  // A sealed value belongs to its row, so the row must be known first; two first PUTs at once meet on the second turn.
  for (let attempt = 0; attempt < 3; attempt++) {
    const known = await getCredentials(scope, db, provider);
    const id = known?.id ?? newId(Date.parse(nowIso));
    const sealed = async (text: string | undefined, field: SecretField) =>
      text === undefined ? undefined : await vault.seal(text, placeOf(id, field));
    const changes = {
      baseUrl: input.baseUrl,
      username: input.username,
      passwordSealed: await sealed(input.password, 'password'),
      totpSecretSealed: await sealed(input.totpSecret?.replace(/[\s=]/g, '').toUpperCase(), 'totp_secret'),
      apiTokenSealed: await sealed(input.apiToken, 'api_token'),
      isActive: input.isActive,
    };
    // Another account is another fleet: nothing that was read before says how many vehicles to expect.
    const isNewAccount =
      (input.baseUrl !== undefined && input.baseUrl !== known?.baseUrl) ||
      (input.username !== undefined && input.username !== known?.username);
    const isNewSignIn = isNewAccount || input.password !== undefined || input.totpSecret !== undefined;
    const audited = trail.entry(
      db,
      { ...entryOf(scope, provider, 'put'), before: known && shownOf(known), after: toAuditedChange(known, input) },
      { onlyIfChanged: true },
    );
    const change =
      known === null
        ? db
            .insert(syncCredentials)
            .values({
              ...changes,
              id,
              tenantId: scope.tenantId,
              provider,
              consentedAt: nowIso,
              createdAt: nowIso,
              updatedAt: nowIso,
            })
            .onConflictDoNothing()
            .returning()
        : db
            .update(syncCredentials)
            .set({
              ...changes,
              ...(isNewSignIn ? { sessionSealed: null } : {}),
              ...(isNewAccount ? { createdAt: nowIso } : {}),
              consentedAt: nowIso,
              updatedAt: nowIso,
            })
            .where(and(isRow(scope, provider), eq(syncCredentials.id, id)))
            .returning();
    const [[row]] = await db.batch([change, audited]);
    if (row !== undefined) return row;
  }
  throw new Error('sync credentials changed under every attempt to store them');
}

/** True when there was something to delete. */
export async function deleteCredentials(
  scope: TenantScope,
  db: Database,
  provider: SyncProvider,
  trail: AuditTrail,
): Promise<boolean> {
  const [deleted] = await db.batch([
    db.delete(syncCredentials).where(isRow(scope, provider)).returning({ id: syncCredentials.id }),
    trail.entry(db, entryOf(scope, provider, 'delete'), { onlyIfChanged: true }),
  ]);
  return deleted.length > 0;
}

const entryOf = (scope: TenantScope, provider: SyncProvider, verb: 'put' | 'delete') => ({
  tenantId: scope.tenantId,
  action: `sync_credentials.${verb}`,
  resourceType: 'sync_credentials',
  resourceId: provider,
});

const shownOf = ({ baseUrl, username, isActive }: SyncCredentialsRow) => ({ baseUrl, username, isActive });

/** What a change leaves behind; of secrets only that they were replaced. */
const toAuditedChange = (known: SyncCredentialsRow | null, input: PutSyncCredentialsInput) => ({
  baseUrl: input.baseUrl ?? known?.baseUrl ?? null,
  username: input.username ?? known?.username ?? null,
  isActive: input.isActive ?? known?.isActive ?? true,
  replaced: (['password', 'totpSecret', 'apiToken'] as const).filter((field) => input[field] !== undefined),
});

export const toProviderOption = (row: SyncCredentialsRow): ProviderOption => ({
  provider: row.provider,
  isActive: row.isActive,
  hasBaseUrl: row.baseUrl !== null,
  hasUsername: row.username !== null,
  hasPassword: row.passwordSealed !== null,
  hasApiToken: row.apiTokenSealed !== null,
});

/** What a sign-in needs, opened. Lives as long as one step and is never logged or stored. */
export interface OpenedCredentials {
  rowId: string;
  baseUrl: string;
  username: string;
  password: string;
  totpSecret: string | null;
  /** Cookies of the last session as JSON, when there is one. */
  sessionJson: string | null;
}

/** null when the row is gone, switched off or incomplete, or its tenant is deactivated. */
export async function openCredentials(
  scope: TenantScope,
  db: Database,
  vault: Vault,
  provider: SyncProvider,
): Promise<OpenedCredentials | null> {
  const row = await getCredentials(scope, db, provider);
  if (row === null || !row.isActive || row.baseUrl === null || row.username === null || row.passwordSealed === null) {
    return null;
  }
  // A run that was on its way when the operator switched the tenant off signs in no more.
  const [home] = await db.select({ isActive: tenants.isActive }).from(tenants).where(eq(tenants.id, scope.tenantId));
  if (home?.isActive !== true) return null;
  const opened = async (sealed: string | null, field: SecretField) =>
    sealed === null ? null : await vault.open(sealed, placeOf(row.id, field));
  return {
    rowId: row.id,
    baseUrl: row.baseUrl,
    username: row.username,
    password: await vault.open(row.passwordSealed, placeOf(row.id, 'password')),
    totpSecret: await opened(row.totpSecretSealed, 'totp_secret'),
    // A session that cannot be opened (a rotated key) is only a sign-in more.
    sessionJson: await opened(row.sessionSealed, 'session').catch(() => null),
  };
}

/** Keeps the cookies of a fresh sign-in; the row's own `updated_at` stays, because its owner changed nothing. */
export async function keepSession(
  scope: TenantScope,
  db: Database,
  vault: Vault,
  rowId: string,
  cookiesJson: string,
): Promise<void> {
  const sessionSealed = await vault.seal(cookiesJson, placeOf(rowId, 'session'));
  await db
    .update(syncCredentials)
    .set({ sessionSealed })
    .where(and(eq(syncCredentials.tenantId, scope.tenantId), eq(syncCredentials.id, rowId)));
}

/**
 * Every tenant and provider with active credentials.
 * @unscoped the timer starts the runs of every tenant
 */
export async function listActiveConnections(db: Database): Promise<{ tenantId: string; rows: SyncCredentialsRow[] }[]> {
  const rows = await db
    .select()
    .from(syncCredentials)
    .where(
      and(
        eq(syncCredentials.isActive, true),
        sql`${syncCredentials.tenantId} in (select id from tenants where is_active = 1)`,
      ),
    );
  return [...Map.groupBy(rows, (row) => row.tenantId)].map(([tenantId, ofTenant]) => ({ tenantId, rows: ofTenant }));
}
