/**
 * The demo gateway's API keys: one per fleet, made once per state folder, readable by their owner only. The databases hold
 * their hashes; the simulated gateway is given the file.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { apiKeyMaxDays, apiKeyPattern, apiKeyPrefix } from '#contracts/api-keys';
import { demoTenants } from '#simulators/world/demo';
import type { Database } from '#worker/db/client';
import { apiKeys, apiKeySecrets } from '#worker/db/schema/index';
import { toBase64Url } from '#worker/encoding';
import { readStateFile } from './checks.ts';

const keysSchema = z.record(z.string(), z.string().regex(apiKeyPattern));
type GatewayKeys = z.infer<typeof keysSchema>;

export const gatewayKeysFile = (stateFolder: string): string => join(stateFolder, 'gateway-keys.json');

const newKey = (): string => apiKeyPrefix + toBase64Url(randomBytes(32));

const save = (stateFolder: string, keys: GatewayKeys): void =>
  writeFileSync(gatewayKeysFile(stateFolder), JSON.stringify(keys, null, 2), { mode: 0o600 });

/** The state folder's keys by the name of the fleet, made on first use. Throws when the file is there but unreadable. */
export function gatewayKeys(stateFolder: string): GatewayKeys {
  const file = gatewayKeysFile(stateFolder);
  const known = existsSync(file) ? readStateFile(file, (value) => keysSchema.parse(value)) : {};
  const fleets = demoTenants.filter((tenant) => tenant.truckCount > 0).map((tenant) => tenant.name);
  const missing = fleets.filter((name) => known[name] === undefined);
  if (missing.length === 0) return known;
  const keys = { ...known, ...Object.fromEntries(missing.map((name) => [name, newKey()])) };
  save(stateFolder, keys);
  return keys;
}

const lifetimeSeconds = apiKeyMaxDays * 86_400;

/** What D1 keeps of a key; as worker/http/tokens.ts computes it. */
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

/**
 * Lets the keys in. A key that has run out is replaced, in the file too; one that somebody revoked stays revoked: the
 * gateway then says that it is refused, as a real one would.
 */
export async function seedGatewayKeys(
  db: Database,
  stateFolder: string,
  idsOf: (fleetName: string) => { keyId: string; tenantId: string; createdBy: string },
  now: Date,
): Promise<void> {
  const keys = gatewayKeys(stateFolder);
  const createdAt = now.toISOString();
  const expiresAt = new Date(now.getTime() + lifetimeSeconds * 1000).toISOString();
  const replaced: GatewayKeys = {};
  for (const [fleetName, held] of Object.entries(keys)) {
    const { keyId, tenantId, createdBy } = idsOf(fleetName);
    const [known] = await db
      .select({ expiresAt: apiKeySecrets.expiresAt })
      .from(apiKeySecrets)
      .where(eq(apiKeySecrets.secretHash, hashOf(held)));
    if (known !== undefined && known.expiresAt > createdAt) continue;
    const key = known === undefined ? held : newKey();
    if (key !== held) replaced[fleetName] = key;
    const fields = { name: 'Telematics gateway', scopes: ['telemetry:write' as const], lifetimeSeconds, createdBy };
    await db.batch([
      db
        .insert(apiKeys)
        .values({ id: keyId, tenantId, ...fields, createdAt })
        .onConflictDoNothing(),
      db
        .insert(apiKeySecrets)
        .values({ secretHash: hashOf(key), apiKeyId: keyId, hint: key.slice(-4), createdAt, expiresAt }),
    ]);
  }
  if (Object.keys(replaced).length > 0) save(stateFolder, { ...keys, ...replaced });
}
