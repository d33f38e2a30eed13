/** The demo fleet's identity provider: written once, and aimed at the simulated one wherever it listens today. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { and, eq, like } from 'drizzle-orm';
import { demoClient, demoDomain } from '#simulators/identity/people';
import type { Database } from '#worker/db/client';
import { oidcProviderDomains, oidcProviders } from '#worker/db/schema/index';
import { configOf, type Env } from '#worker/env';
import { openVault } from '#worker/secrets/vault';

export interface DemoProvider {
  id: string;
  tenantId: string;
  /** Where the simulated provider listens. */
  issuer: string;
}

/** Seeds the provider unless somebody removed it; an issuer that a person has set elsewhere is theirs. */
export async function seedDemoProvider(
  db: Database,
  stateFolder: string,
  bindings: Record<string, string>,
  { id, tenantId, issuer }: DemoProvider,
  now: Date,
): Promise<void> {
  const marker = join(stateFolder, 'data', 'seeded-identity-provider');
  if (!existsSync(marker)) {
    const vault = await openVault(db, configOf(bindings as unknown as Env), tenantId);
    const place = { table: 'oidc_providers', rowId: id, field: 'client_secret' };
    const at = now.toISOString();
    await db
      .insert(oidcProviders)
      .values({
        ...{ id, tenantId, name: 'Blue Ridge Directory (simulated)', preset: 'oidc', issuer, clientId: demoClient.id },
        clientSecretSealed: await vault.seal(demoClient.secret, place),
        ...{ allowedDomains: [demoDomain], defaultRole: 'viewer', createdAt: at, updatedAt: at },
      })
      .onConflictDoNothing();
    await db
      .insert(oidcProviderDomains)
      .values({ domain: demoDomain, providerId: id, verifiedAt: at })
      .onConflictDoNothing();
    writeFileSync(marker, '');
  }
  await db
    .update(oidcProviders)
    .set({ issuer })
    .where(and(eq(oidcProviders.id, id), like(oidcProviders.issuer, 'http://127.0.0.1:%')));
}
