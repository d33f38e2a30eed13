/** The rotation of keys under values in use: nothing is ever lost, whatever dies in the middle or changes meanwhile. */
import { env } from 'cloudflare:workers';
import { and, eq, like, ne } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { db, tenant } from '#test/workers/harness';
import { auditOutbox, mailOutbox, oidcProviders, syncCredentials, tenantKeys, users } from '#worker/db/schema/index';
import { configOf } from '#worker/env';
import { signAccessToken, verifyAccessToken } from '#worker/http/tokens';
import { newId } from '#worker/ids';
import { placeIn, sealedColumns } from '#worker/secrets/sealed-columns';
import { openVault, platformOwner, sealedVersion } from '#worker/secrets/vault';
import { rotateKeys } from './rotate-keys.ts';

// Whole nights of work, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const dayMs = 86_400_000;
const base = new Date('2026-11-20T03:17:00.000Z');
const after = (days: number): Date => new Date(base.getTime() + days * dayMs);
const bounds = { rowsPerChunk: 2, maxChunks: 50, newKeys: 50 };
const newMaster = btoa('0123456789abcdef0123456789abcdef');
/** The deployment as it is configured, on a D1 that may misbehave. */
type Deployment = typeof env;
const withNewMaster: Deployment = { ...env, MASTER_KEY: newMaster, MASTER_KEY_PREVIOUS: env.MASTER_KEY };

interface Planted {
  owner: string;
  table: string;
  field: string;
  id: string;
  secret: string;
}

const columnOf = (of: { table: string; field: string }) => {
  const found = sealedColumns.find(({ table, field }) => table === of.table && field === of.field);
  if (found === undefined) throw new Error(`no sealed column ${of.table}.${of.field}`);
  return found;
};

/** One value in every sealed column: of a tenant, of a super admin, of the platform. */
async function plant(bindings: Deployment = env): Promise<Planted[]> {
  const owner = await tenant();
  const at = base.toISOString();
  const [mine, platform] = [
    await openVault(db, configOf(bindings), owner.id, base),
    await openVault(db, configOf(bindings), platformOwner, base),
  ];
  const planted: Planted[] = [];
  const sealed = (table: string, field: string, id: string, of: string = owner.id): Promise<string> => {
    const secret = `${table}.${field} of ${id}`;
    planted.push({ owner: of, table, field, id, secret });
    return (of === platformOwner ? platform : mine).seal(secret, placeIn(columnOf({ table, field }), id));
  };
  const [credentialsId, userId, superAdminId, providerId, mailId] = [newId(), newId(), newId(), newId(), newId()];
  const times = { createdAt: at, updatedAt: at };
  await db.insert(syncCredentials).values({
    ...{ id: credentialsId, tenantId: owner.id, provider: 'paccar', username: 'x', consentedAt: at, ...times },
    passwordSealed: await sealed('sync_credentials', 'password', credentialsId),
    totpSecretSealed: await sealed('sync_credentials', 'totp_secret', credentialsId),
    apiTokenSealed: await sealed('sync_credentials', 'api_token', credentialsId),
    sessionSealed: await sealed('sync_credentials', 'session', credentialsId),
  });
  const person = (id: string) => ({ id, email: `${id}@tenant.example`, name: 'P', ...times });
  await db.insert(users).values([
    {
      ...person(userId),
      ...{ tenantId: owner.id, role: 'viewer' as const },
      mfaSecretSealed: await sealed('users', 'mfa_secret', userId),
    },
    {
      ...person(superAdminId),
      ...{ tenantId: null, role: 'super_admin' as const },
      mfaSecretSealed: await sealed('users', 'mfa_secret', superAdminId, platformOwner),
    },
  ]);
  await db.insert(oidcProviders).values({
    ...{ id: providerId, tenantId: owner.id, name: 'SSO', preset: 'oidc', issuer: 'https://sso.example', ...times },
    ...{ clientId: 'c', allowedDomains: [] },
    clientSecretSealed: await sealed('oidc_providers', 'client_secret', providerId),
  });
  await db.insert(mailOutbox).values({
    ...{ id: mailId, template: 'welcome', status: 'queued', nextAttemptAt: at, expiresAt: at, createdAt: at },
    messageSealed: await sealed('mail_outbox', 'message', mailId, platformOwner),
  });
  return planted;
}

async function storedValue({ table, field, id }: Planted): Promise<string> {
  const { column, idColumn } = columnOf({ table, field });
  const row = await env.DB.prepare(`SELECT ${column} AS sealed FROM ${table} WHERE ${idColumn} = ?`)
    .bind(id)
    .first<{ sealed: string }>();
  return row?.sealed ?? '';
}

/** Opens everything that was planted, as the running Worker would. */
async function expectAllOpen(planted: readonly Planted[], bindings: Deployment): Promise<void> {
  for (const value of planted) {
    const vault = await openVault(db, configOf(bindings), value.owner);
    expect(await vault.open(await storedValue(value), placeIn(columnOf(value), value.id))).toBe(value.secret);
  }
}

const keysOf = (owner: string) =>
  db.select().from(tenantKeys).where(eq(tenantKeys.tenantId, owner)).orderBy(tenantKeys.version);
const versionsOf = async (owner: string) => (await keysOf(owner)).map(({ version }) => version);
const ownersOf = (planted: readonly Planted[]) => [...new Set(planted.map(({ owner }) => owner))];

async function expectAllUnderNewest(planted: readonly Planted[]): Promise<void> {
  for (const value of planted) {
    expect(sealedVersion(await storedValue(value))).toBe((await versionsOf(value.owner)).at(-1));
  }
}

/** A D1 whose process is killed right before its `n`th statement is prepared. */
function dyingAt(n: number, bindings: Deployment): Deployment {
  let prepared = 0;
  const DB = new Proxy(bindings.DB, {
    get(target, property) {
      if (property === 'prepare') {
        return (text: string) => {
          prepared += 1;
          if (prepared >= n) throw new Error('killed');
          return target.prepare(text);
        };
      }
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { ...bindings, DB };
}

describe('the rotation', () => {
  test('changes nothing while nothing is due', async () => {
    const planted = await plant();
    await signAccessToken(env, { userId: 'u', sessionId: 's', tenantId: null, role: 'viewer', permissions: [] }, base);
    await rotateKeys(env, after(1), bounds);
    const before = await Promise.all(planted.map(storedValue));
    const idle = {
      keysRewrapped: 0,
      signingKeysMade: 0,
      dataKeysMade: 0,
      valuesResealed: 0,
      keysDeleted: 0,
      failed: 0,
    };
    expect(await rotateKeys(env, after(2), bounds)).toEqual(idle);
    expect(await Promise.all(planted.map(storedValue))).toEqual(before);
  });

  test('after 90 days: a new key, every value under it, the old key gone a week later, all of it audited', async () => {
    const planted = await plant();
    const [owner = ''] = ownersOf(planted);
    expect((await rotateKeys(env, after(91), bounds)).valuesResealed).toBeGreaterThanOrEqual(planted.length);
    expect(await versionsOf(owner)).toEqual([1, 2]);
    await expectAllUnderNewest(planted);
    await expectAllOpen(planted, env);
    // A vault that was opened before still seals under the old key: it must find it for as long as it may live.
    expect((await rotateKeys(env, after(97), bounds)).keysDeleted).toBe(0);
    await rotateKeys(env, after(99), bounds);
    expect(await versionsOf(owner)).toEqual([2]);
    await expectAllOpen(planted, env);
    const entries = await db.select().from(auditOutbox).where(eq(auditOutbox.chain, owner));
    expect(entries.map(({ action, actorType, resourceId }) => [action, actorType, resourceId])).toEqual([
      ['key.rotate', 'job', '2'],
      ['key.delete', 'job', '1'],
    ]);
  });

  test('an old key stays while anything is sealed under it', async () => {
    const planted = await plant();
    const [owner = ''] = ownersOf(planted);
    const [value] = planted;
    if (value === undefined) throw new Error('nothing planted');
    const stale = await storedValue(value);
    await rotateKeys(env, after(91), bounds);
    // Another version of it comes back, unreadable in its place: it cannot be sealed anew, and keeps its key.
    await db
      .update(syncCredentials)
      .set({ passwordSealed: stale, totpSecretSealed: stale })
      .where(eq(syncCredentials.id, value.id));
    expect((await rotateKeys(env, after(120), bounds)).failed).toBe(1);
    expect(await versionsOf(owner)).toEqual([1, 2]);
    expect(sealedVersion(await storedValue(value))).toBe(2);
    await db.update(syncCredentials).set({ totpSecretSealed: null }).where(eq(syncCredentials.id, value.id));
    expect(await rotateKeys(env, after(121), bounds)).toMatchObject({ failed: 0 });
    expect(await versionsOf(owner)).toEqual([2]);
  });

  test('a value that its owner changed in the meantime is not written over', async () => {
    const planted = await plant();
    const [value] = planted;
    if (value === undefined) throw new Error('nothing planted');
    const vault = await openVault(db, configOf(env), value.owner);
    const place = placeIn(columnOf(value), value.id);
    const theirs = await vault.seal('chosen a moment ago', place);
    let interfered = 0;
    const DB = new Proxy(env.DB, {
      get(target, property) {
        const of: unknown = Reflect.get(target, property);
        if (property !== 'prepare') return typeof of === 'function' ? of.bind(target) : of;
        return (text: string) => {
          const statement = target.prepare(text);
          if (!/^UPDATE "sync_credentials" SET "password_sealed"/.test(text.trim())) return statement;
          return {
            bind: (...parameters: unknown[]) => ({
              async run() {
                interfered += 1;
                await db
                  .update(syncCredentials)
                  .set({ passwordSealed: theirs })
                  .where(eq(syncCredentials.id, value.id));
                return statement.bind(...parameters).run();
              },
            }),
          };
        };
      },
    });
    await rotateKeys({ ...env, DB }, after(91), bounds);
    expect(interfered).toBeGreaterThan(0);
    expect(await storedValue(value)).toBe(theirs);
    await rotateKeys(env, after(92), bounds);
    expect(await vault.open(await storedValue(value), place)).toBe('chosen a moment ago');
    await expectAllUnderNewest(planted);
  });

  test('what a night does not finish the next one does', async () => {
    const planted = await plant();
    const small = { rowsPerChunk: 1, maxChunks: 1, newKeys: 50 };
    for (let night = 0; night < 30; night += 1) await rotateKeys(env, after(200 + night / 10), small);
    await expectAllUnderNewest(planted);
    await expectAllOpen(planted, env);
  });

  test('two nights at once make one key and lose nothing', async () => {
    const planted = await plant();
    await Promise.all([1, 2, 3].map(() => rotateKeys(env, after(400), bounds)));
    await rotateKeys(env, after(401), bounds);
    for (const owner of ownersOf(planted)) {
      const made = (await keysOf(owner)).filter(({ createdAt }) => createdAt === after(400).toISOString());
      expect(made).toHaveLength(1);
    }
    await expectAllUnderNewest(planted);
    await expectAllOpen(planted, env);
  });
});

describe('a new master key', () => {
  test('wraps every data key; then the one before is not needed any more', async () => {
    const planted = await plant();
    const token = await signAccessToken(
      env,
      { userId: newId(), sessionId: newId(), tenantId: null, role: 'viewer', permissions: [] },
      after(500),
    );
    // A key from before fingerprints were noted.
    const [owner = ''] = ownersOf(planted);
    await db.update(tenantKeys).set({ masterKeyId: null }).where(eq(tenantKeys.tenantId, owner));
    await expectAllOpen(planted, withNewMaster);
    expect((await rotateKeys(withNewMaster, after(500), bounds)).keysRewrapped).toBeGreaterThanOrEqual(2);
    expect(await rotateKeys(withNewMaster, after(500), bounds)).toMatchObject({ keysRewrapped: 0, failed: 0 });
    const alone = { ...env, MASTER_KEY: newMaster };
    await expectAllOpen(planted, alone);
    expect(await verifyAccessToken(alone, token, after(500))).toBeDefined();
    await expect(expectAllOpen(planted, env)).rejects.toThrow('not configured');
    const entries = and(eq(auditOutbox.chain, 'platform'), like(auditOutbox.resourceType, 'master_key'));
    expect(await db.$count(auditOutbox, entries)).toBeGreaterThan(0);
    // Back again, so that the other tests find what they know.
    const back = { ...env, MASTER_KEY_PREVIOUS: newMaster };
    expect(await rotateKeys(back, after(500), bounds)).toMatchObject({ failed: 0 });
    await expectAllOpen(planted, env);
  });

  test('without the one before: nothing is touched, and the job says why', async () => {
    const planted = await plant();
    const before = await db.select().from(tenantKeys);
    const wrong = { ...env, MASTER_KEY: newMaster };
    await expect(rotateKeys(wrong, after(700), bounds)).rejects.toThrow(
      `${before.length} data keys open neither with MASTER_KEY nor with MASTER_KEY_PREVIOUS`,
    );
    expect(await db.select().from(tenantKeys)).toEqual(before);
    await expectAllOpen(planted, env);
  });
});

describe('a data key that does not open', () => {
  test('is counted and fails the job at its end; every other key and value, and the signing key, had their turn', async () => {
    const [planted, broken] = [await plant(), await tenant()];
    const at = base.toISOString();
    await db
      .insert(tenantKeys)
      .values({ tenantId: broken.id, version: 1, wrappedKey: 'AAAA.AAAA', masterKeyId: null, createdAt: at });
    const night = after(800);
    const told = /^1 data keys open neither .*the rest was done: .*"signingKeysMade":1/;
    await expect(rotateKeys(withNewMaster, night, bounds)).rejects.toThrow(told);
    await expectAllUnderNewest(planted);
    for (const owner of ownersOf(planted)) {
      expect((await keysOf(owner)).at(-1)?.createdAt).toBe(night.toISOString());
    }
    await expectAllOpen(planted, { ...env, MASTER_KEY: newMaster });
    // With nothing left to wrap but the broken one, the next night still does its work.
    await expect(rotateKeys(withNewMaster, after(900), bounds)).rejects.toThrow('the rest was done');
    await expectAllUnderNewest(planted);
    await db.delete(tenantKeys).where(eq(tenantKeys.tenantId, broken.id));
    expect(await rotateKeys({ ...env, MASTER_KEY_PREVIOUS: newMaster }, after(900), bounds)).toMatchObject({
      failed: 0,
    });
  });

  test('not even the platform’s stops the tenants’', async () => {
    const planted = (await plant()).filter(({ owner }) => owner !== platformOwner);
    const at = after(905).toISOString();
    const wrapped = { wrappedKey: 'AAAA.AAAA', masterKeyId: null, createdAt: at };
    await db.insert(tenantKeys).values({ tenantId: platformOwner, version: 9_999, ...wrapped });
    const told = /1 data keys open neither .*the next signing key could not be made/;
    await expect(rotateKeys(env, after(990), bounds)).rejects.toThrow(told);
    await db.delete(tenantKeys).where(eq(tenantKeys.version, 9_999));
    await expectAllUnderNewest(planted);
    await expectAllOpen(planted, env);
  });
});

describe('killed', () => {
  test('before any of its statements: all values open, and the next night brings it to the same end', async () => {
    let killed = 0;
    for (let n = 1; ; n += 1) {
      // Every round is a master key replaced, a data key due, and old ones to delete.
      const even = n % 2 === 0;
      const bindings: Deployment = even
        ? { ...env, MASTER_KEY_PREVIOUS: newMaster }
        : { ...env, MASTER_KEY: newMaster, MASTER_KEY_PREVIOUS: env.MASTER_KEY };
      const planted = await plant(bindings);
      const night = after(1000 + n * 100);
      const died = await rotateKeys(dyingAt(n, bindings), night, bounds).then(
        () => false,
        (cause: unknown) => /killed/.test(String((cause as Error).cause ?? cause)),
      );
      await expectAllOpen(planted, bindings);
      expect(await rotateKeys(bindings, night, bounds)).toMatchObject({ failed: 0 });
      await expectAllOpen(planted, bindings);
      await expectAllUnderNewest(planted);
      await rotateKeys(bindings, new Date(night.getTime() + 8 * dayMs), bounds);
      for (const owner of ownersOf(planted)) expect(await versionsOf(owner)).toHaveLength(1);
      await expectAllOpen(planted, { ...bindings, MASTER_KEY_PREVIOUS: undefined } as unknown as Deployment);
      if (!died) break;
      killed += 1;
      // The next round has its own; what is left of this one would only make it longer.
      await db.delete(tenantKeys).where(ne(tenantKeys.tenantId, platformOwner));
      for (const table of [syncCredentials, oidcProviders, mailOutbox]) await db.delete(table);
      await db.update(users).set({ mfaSecretSealed: null });
    }
    expect(killed).toBeGreaterThan(20);
  }, 120_000);
});
