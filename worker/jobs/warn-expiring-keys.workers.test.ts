import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { mailTo } from '#test/workers/mail';
import { apiKey, db, person, tenant } from '#test/workers/harness';
import { apiKeys, apiKeySecrets } from '#worker/db/schema/index';
import { eq } from 'drizzle-orm';
import { warnExpiringKeys } from './warn-expiring-keys.ts';

const dayMs = 86_400_000;

test('administrators are told once, a week ahead; nobody is told of what ends as it should', async () => {
  const now = new Date();
  const inDays = (days: number) => new Date(now.getTime() + days * dayMs).toISOString();
  const fleet = await tenant();
  const [admin, viewer] = [await person(fleet, 'fleet_admin'), await person(fleet, 'viewer')];
  const keyEnding = async (days: number, lifetimeDays = 90): Promise<string> => {
    const { id } = await apiKey(fleet, ['vehicles:read']);
    await db
      .update(apiKeys)
      .set({ name: `key ${id}`, lifetimeSeconds: lifetimeDays * 86_400 })
      .where(eq(apiKeys.id, id));
    await db
      .update(apiKeySecrets)
      .set({ expiresAt: inDays(days) })
      .where(eq(apiKeySecrets.apiKeyId, id));
    return id;
  };
  const soon = await keyEnding(3);
  await keyEnding(30);
  await keyEnding(-1);
  await keyEnding(3, 5);
  const revoked = await keyEnding(3);
  await db.update(apiKeys).set({ revokedAt: now.toISOString() }).where(eq(apiKeys.id, revoked));
  const rotated = await keyEnding(3);
  await db.insert(apiKeySecrets).values({
    secretHash: rotated,
    apiKeyId: rotated,
    hint: 'new!',
    createdAt: now.toISOString(),
    expiresAt: inDays(90),
  });

  expect(await warnExpiringKeys(env, now)).toEqual({ warned: 1, failed: 0 });
  expect(await warnExpiringKeys(env, new Date(now.getTime() + dayMs))).toEqual({ warned: 0, failed: 0 });
  const told = await mailTo(admin.email);
  expect(told).toHaveLength(1);
  expect(JSON.stringify(told)).toContain(`key ${soon}`);
  expect(await mailTo(viewer.email)).toEqual([]);
});

test('more keys than a night has room for wait, those that end last', async () => {
  const now = new Date();
  const fleet = await tenant();
  const { email } = await person(fleet, 'fleet_admin');
  const at = now.toISOString();
  for (let n = 0; n < 42; n += 1) {
    const { id } = await apiKey(fleet, ['vehicles:read'], { name: `many ${n}.` });
    // Entered last ends first.
    const expiresAt = new Date(now.getTime() + 6 * dayMs - n * 60_000).toISOString();
    await db.update(apiKeySecrets).set({ expiresAt, createdAt: at }).where(eq(apiKeySecrets.apiKeyId, id));
  }
  let vaultsRead = 0;
  const counting = new Proxy(env.DB, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (property !== 'prepare') return typeof value === 'function' ? value.bind(target) : value;
      return (statement: string) => {
        if (/select.*from "tenant_keys"/.test(statement)) vaultsRead += 1;
        return target.prepare(statement);
      };
    },
  });
  expect(await warnExpiringKeys({ ...env, DB: counting }, now)).toEqual({ warned: 40, failed: 0 });
  expect(vaultsRead).toBeLessThanOrEqual(2);
  const told = JSON.stringify(await mailTo(email));
  expect([told.includes('many 41.'), told.includes('many 1.'), told.includes('many 0.')]).toEqual([true, false, false]);
  expect(await warnExpiringKeys(env, now)).toEqual({ warned: 2, failed: 0 });
});
