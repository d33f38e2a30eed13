import { env } from 'cloudflare:workers';
import { and, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { db, tenant } from '#test/workers/harness';
import { openDatabase } from '../db/client.ts';
import { configOf } from '../env.ts';
import { tenantKeys } from '../db/schema/index.ts';
import { openVault, platformOwner, sealedVersion } from './vault.ts';

const place = { table: 'sync_credentials', rowId: 'row', field: 'password' };

describe('vault', () => {
  test('opens what it sealed, and seals the same text differently every time', async () => {
    const vault = await openVault(db, configOf(env), (await tenant()).id);
    const sealed = await vault.seal('Pörtal-Pässword ✓', place);
    expect(await vault.open(sealed, place)).toBe('Pörtal-Pässword ✓');
    expect(await vault.seal('Pörtal-Pässword ✓', place)).not.toBe(sealed);
    expect(sealed).not.toContain('Pässword');
  });

  test('refuses another place, another tenant, another master key, and a changed value', async () => {
    const owner = (await tenant()).id;
    const vault = await openVault(db, configOf(env), owner);
    const sealed = await vault.seal('secret', place);
    await expect(vault.open(sealed, { ...place, field: 'api_token' })).rejects.toThrow();
    await expect(vault.open(sealed, { ...place, rowId: 'other' })).rejects.toThrow();
    const other = await openVault(db, configOf(env), (await tenant()).id);
    await other.seal('x', place);
    await expect(other.open(sealed, place)).rejects.toThrow();
    const otherMaster = { ...configOf(env), masterKey: btoa('0123456789abcdef0123456789abcdef') };
    await expect((await openVault(db, otherMaster, owner)).open(sealed, place)).rejects.toThrow();
    const flipped = sealed.slice(0, -2) + (sealed.endsWith('AA') ? 'BB' : 'AA');
    await expect(vault.open(flipped, place)).rejects.toThrow();
    await expect(vault.open('plain', place)).rejects.toThrow('not a sealed value');
  });

  test('two first uses at once agree on one data key', async () => {
    const { id } = await tenant();
    const vaults = await Promise.all([1, 2, 3].map(() => openVault(db, configOf(env), id)));
    const sealed = await Promise.all(vaults.map((vault, index) => vault.seal(`secret ${index}`, place)));
    expect(await Promise.all(sealed.map((value) => vaults[0]?.open(value, place)))).toEqual([
      'secret 0',
      'secret 1',
      'secret 2',
    ]);
  });

  test('the platform has a vault of its own; what a tenant sealed does not open there', async () => {
    const now = new Date('2026-11-20T12:00:00.000Z');
    const platform = await openVault(db, configOf(env), platformOwner, now);
    const sealed = await platform.seal('secret', place);
    expect(await platform.open(sealed, place)).toBe('secret');
    const [row] = await db.select().from(tenantKeys).where(eq(tenantKeys.tenantId, platformOwner));
    expect(row).toMatchObject({ version: 1, createdAt: now.toISOString() });
    expect(row?.masterKeyId).toMatch(/^[0-9a-f]{16}$/);
    const mine = await openVault(db, configOf(env), (await tenant()).id);
    await mine.seal('x', place);
    await expect(mine.open(sealed, place)).rejects.toThrow();
  });

  test('the master key before this one opens what it wrapped, noted or not', async () => {
    const owner = (await tenant()).id;
    const sealed = await (await openVault(db, configOf(env), owner)).seal('secret', place);
    const replaced = {
      ...configOf(env),
      masterKey: btoa('0123456789abcdef0123456789abcdef'),
      masterKeyPrevious: configOf(env).masterKey,
    };
    const opened = async (config: typeof replaced) => (await openVault(db, config, owner)).open(sealed, place);
    expect(await opened(replaced)).toBe('secret');
    await db.update(tenantKeys).set({ masterKeyId: null }).where(eq(tenantKeys.tenantId, owner));
    expect(await opened(replaced)).toBe('secret');
    expect(await opened({ ...configOf(env), masterKeyPrevious: replaced.masterKey })).toBe('secret');
    await expect(opened({ ...replaced, masterKeyPrevious: replaced.masterKey })).rejects.toThrow();
  });

  test('reads a data key once, however many values it opens and seals', async () => {
    let reads = 0;
    const counting = openDatabase(
      new Proxy(env.DB, {
        get(target, property) {
          const value: unknown = Reflect.get(target, property);
          if (property === 'prepare') reads += 1;
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }),
    );
    const owner = (await tenant()).id;
    await (await openVault(db, configOf(env), owner)).seal('x', place);
    const vault = await openVault(counting, configOf(env), owner);
    const sealed = await Promise.all(['a', 'b'].map((text) => vault.seal(text, place)));
    const readsOfFirst = reads;
    for (let value = 0; value < 20; value += 1) {
      await vault.open(sealed[value % 2] ?? '', place);
      await vault.seal('more', place);
    }
    expect(reads).toBe(readsOfFirst);
  });

  test('a wrapped key that was moved to another owner or version opens nothing', async () => {
    const [one, other] = [(await tenant()).id, (await tenant()).id];
    const sealed = await (await openVault(db, configOf(env), one)).seal('secret', place);
    const [row] = await db.select().from(tenantKeys).where(eq(tenantKeys.tenantId, one));
    if (row === undefined) throw new Error('no data key');
    await db.insert(tenantKeys).values([
      { ...row, tenantId: other },
      { ...row, version: 2 },
    ]);
    await expect((await openVault(db, configOf(env), other)).open(sealed, place)).rejects.toThrow();
    await expect((await openVault(db, configOf(env), one)).seal('x', place)).rejects.toThrow();
    await db.delete(tenantKeys).where(and(eq(tenantKeys.tenantId, one), eq(tenantKeys.version, 2)));
    expect(await (await openVault(db, configOf(env), one)).open(sealed, place)).toBe('secret');
  });

  test.each(['', 'v1', 'v1.1', 'v1.1.a', 'v2.1.a.b', 'v1.0.a.b', 'v1.-1.a.b', 'v1.1e3.a.b', 'v1.1.a.b.c', ' v1.1.a.b'])(
    '%j is no sealed value',
    (text) => {
      expect(() => sealedVersion(text)).toThrow('not a sealed value');
    },
  );
});
