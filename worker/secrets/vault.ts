/**
 * Secrets at rest: AES-256-GCM under a data key per owner (a tenant, or the platform), itself wrapped by the Worker's
 * master key. The additional data binds a sealed value to its owner, table, row and field, so that a value moved elsewhere
 * does not open. Format: `v1.<key version>.<iv>.<ciphertext+tag>`, base64url.
 */
import { and, desc, eq } from 'drizzle-orm';
import type { Database } from '../db/client.ts';
import { tenantKeys } from '../db/schema/index.ts';
import type { Config } from '../env.ts';
import { decrypt, encrypt, importAesKey, utf8 } from './aes.ts';
import { newWrappedKey, openMasterKeys, unwrapDataKey } from './master-keys.ts';

/** Owner of what belongs to no tenant: signing keys, mail on its way out, super admins' seeds. */
export const platformOwner = 'platform';

export interface SealedPlace {
  table: string;
  rowId: string;
  /** The column without `_sealed`, e.g. `mfa_secret`; sealed-columns.ts lists them all. */
  field: string;
}

export interface Vault {
  seal(plaintext: string, place: SealedPlace): Promise<string>;
  /** Throws when the value was sealed for another place, under another key, or tampered with. */
  open(sealed: string, place: SealedPlace): Promise<string>;
}

/** The version of the data key under which a value was sealed; throws on anything else. */
export function sealedVersion(sealed: string): number {
  const version = /^v1\.([1-9]\d{0,8})\.[\w-]+\.[\w-]+$/.exec(sealed)?.[1];
  if (version === undefined) throw new Error('not a sealed value');
  return Number(version);
}

interface DataKey {
  version: number;
  key: CryptoKey;
}

/**
 * Opens the vault of a tenant's id or of `platformOwner`, making its data key on first use. Data keys are read and unwrapped
 * once per vault: open one per request or step, not one for the life of an isolate.
 */
export async function openVault(db: Database, config: Config, owner: string, now = new Date()): Promise<Vault> {
  const masters = await openMasterKeys(config);
  const known = new Map<number, DataKey>();
  let newest: DataKey | null = null;

  const unwrapped = async (row: typeof tenantKeys.$inferSelect): Promise<DataKey> => {
    const opened =
      known.get(row.version) ??
      ({ version: row.version, key: await importAesKey(await unwrapDataKey(masters, row)) } satisfies DataKey);
    known.set(row.version, opened);
    return opened;
  };

  const readNewest = async (): Promise<DataKey | null> => {
    const [row] = await db
      .select()
      .from(tenantKeys)
      .where(eq(tenantKeys.tenantId, owner))
      .orderBy(desc(tenantKeys.version))
      .limit(1);
    return row === undefined ? null : unwrapped(row);
  };

  const keyToSealWith = async (): Promise<DataKey> => {
    let current = newest ?? (await readNewest());
    if (current === null) {
      // Another request may be quicker: whichever row is there afterwards is the key.
      const first = await newWrappedKey(masters, owner, 1, now);
      await db.insert(tenantKeys).values(first).onConflictDoNothing();
      current = await readNewest();
    }
    if (current === null) throw new Error(`${owner} has no data key`);
    newest = current;
    return current;
  };

  const keyOf = async (version: number): Promise<DataKey> => {
    const held = known.get(version);
    if (held !== undefined) return held;
    const [row] = await db
      .select()
      .from(tenantKeys)
      .where(and(eq(tenantKeys.tenantId, owner), eq(tenantKeys.version, version)));
    if (row === undefined) throw new Error(`no data key of version ${version}`);
    return unwrapped(row);
  };

  const contextOf = (place: SealedPlace, version: number): string =>
    JSON.stringify(['sealed', owner, place.table, place.rowId, place.field, version]);

  return {
    async seal(plaintext, place) {
      const { version, key } = await keyToSealWith();
      return `v1.${version}.${await encrypt(key, utf8(plaintext), contextOf(place, version))}`;
    },
    async open(sealed, place) {
      const version = sealedVersion(sealed);
      const { key } = await keyOf(version);
      return new TextDecoder().decode(
        await decrypt(key, sealed.slice(`v1.${version}.`.length), contextOf(place, version)),
      );
    },
  };
}
