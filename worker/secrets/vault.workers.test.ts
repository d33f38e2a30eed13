import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { db, tenant } from '#test/workers/harness';
import { configOf } from '../env.ts';
import { openVault } from './vault.ts';

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
});
