/**
 * Secrets at rest: AES-256-GCM under a data key per tenant, itself wrapped by the Worker's master key. The additional
 * data binds a sealed value to its tenant, table, row and field, so that a value moved elsewhere does not open.
 * Format: `v1.<key version>.<iv>.<ciphertext+tag>`, base64url.
 */
import { and, desc, eq } from 'drizzle-orm';
import type { Database } from '../db/client.ts';
import { tenantKeys } from '../db/schema/index.ts';
import { fromBase64, fromBase64Url, toBase64Url } from '../encoding.ts';
import type { Config } from '../env.ts';

export interface SealedPlace {
  table: string;
  rowId: string;
  field: string;
}

export interface Vault {
  seal(plaintext: string, place: SealedPlace): Promise<string>;
  /** Throws when the value was sealed for another place, under another key, or tampered with. */
  open(sealed: string, place: SealedPlace): Promise<string>;
}

const ivBytes = 12;

const utf8 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(text));

const importAesKey = (raw: Uint8Array<ArrayBuffer>): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);

async function encrypt(key: CryptoKey, plaintext: Uint8Array<ArrayBuffer>, context: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(ivBytes));
  const additionalData = new TextEncoder().encode(context);
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, key, plaintext);
  return `${toBase64Url(iv)}.${toBase64Url(new Uint8Array(sealed))}`;
}

async function decrypt(key: CryptoKey, iv: string, sealed: string, context: string): Promise<Uint8Array<ArrayBuffer>> {
  const additionalData = new TextEncoder().encode(context);
  const opened = await crypto.subtle.decrypt(
    { name: 'AES-GCM', iv: fromBase64Url(iv), additionalData },
    key,
    fromBase64Url(sealed),
  );
  return new Uint8Array(opened);
}

const keyContext = (tenantId: string, version: number): string => JSON.stringify(['tenant_key', tenantId, version]);

/** Makes a tenant's first data key, unless another request was quicker. */
async function createDataKey(db: Database, master: CryptoKey, tenantId: string, nowIso: string): Promise<void> {
  const raw = crypto.getRandomValues(new Uint8Array(32));
  const wrappedKey = await encrypt(master, raw, keyContext(tenantId, 1));
  await db.insert(tenantKeys).values({ tenantId, version: 1, wrappedKey, createdAt: nowIso }).onConflictDoNothing();
}

/** Opens a tenant's vault, making its data key on first use. */
export async function openVault(db: Database, config: Config, tenantId: string): Promise<Vault> {
  const master = await importAesKey(fromBase64(config.masterKey));

  const readKey = async (version?: number): Promise<{ version: number; key: CryptoKey } | null> => {
    const [row] = await db
      .select()
      .from(tenantKeys)
      .where(
        and(eq(tenantKeys.tenantId, tenantId), version === undefined ? undefined : eq(tenantKeys.version, version)),
      )
      .orderBy(desc(tenantKeys.version))
      .limit(1);
    if (row === undefined) return null;
    const [iv = '', wrapped = ''] = row.wrappedKey.split('.');
    const raw = await decrypt(master, iv, wrapped, keyContext(tenantId, row.version));
    return { version: row.version, key: await importAesKey(raw) };
  };

  const contextOf = (place: SealedPlace, version: number): string =>
    JSON.stringify(['sealed', tenantId, place.table, place.rowId, place.field, version]);

  return {
    async seal(plaintext, place) {
      let current = await readKey();
      if (current === null) {
        await createDataKey(db, master, tenantId, new Date().toISOString());
        current = await readKey();
      }
      if (current === null) throw new Error(`tenant ${tenantId} has no data key`);
      const sealed = await encrypt(current.key, utf8(plaintext), contextOf(place, current.version));
      return `v1.${current.version}.${sealed}`;
    },
    async open(sealed, place) {
      const [format, versionText, iv, ciphertext] = sealed.split('.');
      const version = Number(versionText);
      if (format !== 'v1' || !Number.isInteger(version) || iv === undefined || ciphertext === undefined) {
        throw new Error('not a sealed value');
      }
      const found = await readKey(version);
      if (found === null) throw new Error(`no data key of version ${version}`);
      return new TextDecoder().decode(await decrypt(found.key, iv, ciphertext, contextOf(place, version)));
    },
  };
}
