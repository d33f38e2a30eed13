/** Fleets of the benchmark in D1: a tenant, its vehicles, a gateway's key, a signed-in admin, displays. Same numbers, same fleet. */
import { sql } from 'drizzle-orm';
import { permissionsOf } from '../../../contracts/roles.ts';
import type { Database } from '../../../worker/db/client.ts';
import { apiKeys, apiKeySecrets, sessions, tenants, users } from '../../../worker/db/schema/index.ts';
import type { Env } from '../../../worker/env.ts';
import { hashToken, newOpaqueToken, signAccessToken } from '../../../worker/http/tokens.ts';
import { newId } from '../../../worker/ids.ts';
import { vehicleIdOf, vinOf } from '../fleet.ts';

export { vehicleIdOf } from '../fleet.ts';

const dayMs = 86_400_000;
const makes = ['Kenworth', 'Peterbilt', 'Freightliner', 'Volvo'];
const riskLevels = ['low', 'medium', 'high', 'critical'];

/** Who may report and look at the tenant: a gateway's key and an admin's access token. */
export interface Planted {
  key: string;
  adminToken: string;
}

/** Inserts a tenant with its vehicles; `place` tells tenants of one run apart. */
export async function plantTenant(
  db: Database,
  env: Env,
  { tenantId, vehicles, place }: { tenantId: string; vehicles: number; place: number },
): Promise<Planted> {
  const now = new Date();
  const at = now.toISOString();
  await db.insert(tenants).values({
    ...{ id: tenantId, name: `Fleet ${place}`, kind: 'fleet', settings: {}, createdAt: at, updatedAt: at },
  });
  for (let from = 0; from < vehicles; from += 1000) {
    const rows = Array.from({ length: Math.min(1000, vehicles - from) }, (_, n) => {
      const truck = from + n;
      return {
        ...{ id: vehicleIdOf(tenantId, truck), vin: vinOf(place, truck), unit: `T-${String(truck).padStart(4, '0')}` },
        ...{ make: makes[truck % 4], health: 100 - (truck % 60), risk: truck % 100, level: riskLevels[truck % 4] },
      };
    });
    await db.run(sql`
      INSERT INTO vehicles (id, tenant_id, vin, unit_number, make, model, year, health_score, risk_score, risk_level,
        recommended_action, first_seen_at, updated_at)
      SELECT value ->> 'id', ${tenantId}, value ->> 'vin', value ->> 'unit', value ->> 'make', 'T680', 2024,
        value ->> 'health', value ->> 'risk', value ->> 'level', 'monitor', ${at}, ${at}
      FROM json_each(${JSON.stringify(rows)})`);
  }
  const keyId = newId();
  const key = newOpaqueToken('tk_live_');
  const until = new Date(now.getTime() + dayMs).toISOString();
  await db.insert(apiKeys).values({
    ...{ id: keyId, tenantId, name: 'gateway', scopes: ['telemetry:write', 'vehicles:read'], createdBy: newId() },
    ...{ requestsPerMinute: null, lifetimeSeconds: 86_400, createdAt: at },
  });
  await db.insert(apiKeySecrets).values({
    ...{ secretHash: await hashToken(key), apiKeyId: keyId, hint: key.slice(-4), createdAt: at, expiresAt: until },
  });
  const userId = newId();
  const sessionId = newId();
  await db.insert(users).values({
    ...{ id: userId, tenantId, email: `admin${place}@fleet.example`, name: 'Admin', role: 'fleet_admin' },
    ...{ createdAt: at, updatedAt: at },
  });
  await db.insert(sessions).values({ id: sessionId, userId, createdAt: at, lastUsedAt: at, expiresAt: until });
  const rights = { role: 'fleet_admin', permissions: permissionsOf.fleet_admin } as const;
  return { key, adminToken: await signAccessToken(env, { userId, sessionId, tenantId, ...rights }, now) };
}

/** Inserts paired displays; answers their tokens. */
export async function plantDisplays(db: Database, tenantId: string, count: number): Promise<string[]> {
  const at = new Date().toISOString();
  const tokens = Array.from({ length: count }, () => newOpaqueToken('dsp_'));
  const rows = await Promise.all(
    tokens.map(async (token, n) => ({ id: newId(), hash: await hashToken(token), name: `Board ${n}` })),
  );
  await db.run(sql`
    INSERT INTO displays (id, tenant_id, name, location_name, layout, token_hash, is_asleep, created_at, updated_at)
    SELECT value ->> 'id', ${tenantId}, value ->> 'name', 'Yard', 'map', value ->> 'hash', 0, ${at}, ${at}
    FROM json_each(${JSON.stringify(rows)})`);
  return tokens;
}
