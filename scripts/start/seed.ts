/**
 * The demo tenants, people and trucks, written once. Ids are fixed, so anything can check them, and a seeding that was cut
 * off is completed by the next start.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { D1Database } from '@cloudflare/workers-types';
import { eq, sql } from 'drizzle-orm';
import { demoPassword, demoPeople, demoTenants, fleetAdminEmail } from '#simulators/world/demo';
import { demoRoster } from '#simulators/world/roster';
import { demoPortalAccounts } from '#simulators/portal/accounts';
import { openDatabase, type Database } from '#worker/db/client';
import { dealerLinks, syncCredentials, tenants, users, vehicles } from '#worker/db/schema/index';
import { configOf, type Env } from '#worker/env';
import { hashPassword } from '#worker/features/auth/passwords';
import { getCredentials, putCredentials } from '#worker/features/sync/credentials-store';
import { scopeForJob } from '#worker/http/tenant-scope';
import { openVault } from '#worker/secrets/vault';
import { seedDemoProvider } from './demo-provider.ts';
import { seedGatewayKeys } from './gateway-keys.ts';
import { bornAt, demoVehicleId, fixedId, tenantId, worldSeed } from './seed-ids.ts';

/** The identity provider of Blue Ridge Freight. */
export const demoProviderId = fixedId('oidc-provider:Blue Ridge Freight');

async function seedTenants(db: Database): Promise<void> {
  await db
    .insert(tenants)
    .values(
      demoTenants.map(({ name, kind, timeZone }) => ({
        id: tenantId(name),
        name,
        kind,
        settings: { timeZone },
        createdAt: bornAt,
        updatedAt: bornAt,
      })),
    )
    .onConflictDoNothing();
  await db
    .insert(dealerLinks)
    .values(
      demoTenants.flatMap((fleet) =>
        fleet.linkedDealers.map((dealer) => ({
          id: fixedId(`link:${dealer}:${fleet.name}`),
          dealerTenantId: tenantId(dealer),
          fleetTenantId: tenantId(fleet.name),
          status: 'active' as const,
          createdAt: bornAt,
          acceptedAt: bornAt,
        })),
      ),
    )
    .onConflictDoNothing();
}

async function seedPeople(db: Database): Promise<void> {
  // One hash per person: a shared salt would say that the passwords are the same.
  const rows = await Promise.all(
    demoPeople.map(async (person) => ({
      id: fixedId(`user:${person.email}`),
      tenantId: person.tenantName === null ? null : tenantId(person.tenantName),
      email: person.email,
      name: person.name,
      role: person.role,
      passwordHash: await hashPassword(demoPassword),
      createdAt: bornAt,
      updatedAt: bornAt,
    })),
  );
  for (const row of rows) await db.insert(users).values(row).onConflictDoNothing();
}

async function seedTrucks(db: Database): Promise<void> {
  const driverId = fixedId('user:driver@blueridge.example');
  for (const tenant of demoRoster(worldSeed)) {
    const rows = tenant.trucks.map((truck, index) => ({
      id: demoVehicleId(truck.vin),
      vin: truck.vin,
      unitNumber: truck.unitNumber,
      year: truck.year,
      make: truck.make,
      model: truck.model,
      engineMake: truck.engineMake,
      engineModel: truck.engineModel,
      // The demo driver has the first truck of their fleet.
      assignedDriverId: tenant.name === 'Blue Ridge Freight' && index === 0 ? driverId : null,
    }));
    if (rows.length === 0) continue;
    await db.run(sql`
      INSERT INTO ${vehicles} (id, tenant_id, vin, unit_number, year, make, model, engine_make, engine_model,
        assigned_driver_id, status, first_seen_at, updated_at, is_score_dirty)
      SELECT r.value ->> 'id', ${tenantId(tenant.name)}, r.value ->> 'vin', r.value ->> 'unitNumber',
        r.value ->> 'year', r.value ->> 'make', r.value ->> 'model', r.value ->> 'engineMake',
        r.value ->> 'engineModel', r.value ->> 'assignedDriverId', 'offline', ${bornAt}, ${bornAt}, 1
      FROM json_each(${JSON.stringify(rows)}) AS r WHERE true
      ON CONFLICT DO NOTHING`);
  }
}

const gatewayKeyIds = (fleetName: string) => ({
  keyId: fixedId(`api-key:gateway:${fleetName}`),
  tenantId: tenantId(fleetName),
  createdBy: fixedId(`user:${fleetAdminEmail(fleetName) ?? ''}`),
});

/** Where an earlier start put the simulated portal; a credential that points elsewhere is a person's own. */
const localPortal = /^http:\/\/127\.0\.0\.1:\d+$/;

/** Demo fleets read the portal where it is today: another port, or a world switched on later, must not strand them. */
async function aimCredentials(db: Database, bindings: Record<string, string>, portalUrl: string): Promise<void> {
  const config = configOf(bindings as unknown as Env);
  for (const { tenantName, username, password } of demoPortalAccounts) {
    const scope = scopeForJob(tenantId(tenantName));
    const known = await getCredentials(scope, db, 'paccar');
    const isHere = known?.baseUrl === portalUrl && known.isActive;
    if (isHere || (known?.baseUrl && !localPortal.test(known.baseUrl))) continue;
    const vault = await openVault(db, config, scope.tenantId);
    const input = {
      baseUrl: portalUrl,
      username: known?.username ?? username,
      password,
      isActive: true,
      consent: true as const,
    };
    await putCredentials(scope, db, vault, 'paccar', input, new Date().toISOString());
  }
}

/** Without the simulated world nobody answers at its portal: its credentials rest until it is back. */
async function restCredentials(db: Database): Promise<void> {
  const rows = await db.select({ id: syncCredentials.id, baseUrl: syncCredentials.baseUrl }).from(syncCredentials);
  for (const { id, baseUrl } of rows) {
    if (baseUrl === null || !localPortal.test(baseUrl)) continue;
    await db.update(syncCredentials).set({ isActive: false }).where(eq(syncCredentials.id, id));
  }
}

/** Seeds a state folder once (`seeded` marks it done); aims the demo credentials at the portal at every start. */
export async function seedDemoData(
  d1: D1Database,
  stateFolder: string,
  bindings: Record<string, string>,
  portalUrl: string | null,
  identityUrl: string,
): Promise<void> {
  const db = openDatabase(d1);
  // Beside the databases it speaks of: whoever deletes them deletes it too.
  const marker = join(stateFolder, 'data', 'seeded');
  if (!existsSync(marker)) {
    await seedTenants(db);
    await seedPeople(db);
    await seedTrucks(db);
    writeFileSync(marker, '');
  }
  await seedGatewayKeys(db, stateFolder, gatewayKeyIds, new Date());
  const demoProvider = { id: demoProviderId, tenantId: tenantId('Blue Ridge Freight'), issuer: identityUrl };
  await seedDemoProvider(db, stateFolder, bindings, demoProvider, new Date());
  if (portalUrl === null) await restCredentials(db);
  else await aimCredentials(db, bindings, portalUrl);
}
