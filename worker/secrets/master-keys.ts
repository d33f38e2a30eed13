/**
 * The Worker's master key, and the one before while it is being replaced: they wrap data keys and nothing else. Every
 * wrapped key notes the fingerprint of its master, so that the rotation job knows what is left to wrap anew.
 */
import type { tenantKeys } from '../db/schema/index.ts';
import { fromBase64, toHex } from '../encoding.ts';
import type { Config } from '../env.ts';
import { decrypt, encrypt, importAesKey, utf8 } from './aes.ts';

export interface MasterKey {
  /** 16 hex digits of a hash: names a key of 256 random bits without telling anything about it. */
  id: string;
  key: CryptoKey;
}

export interface MasterKeys {
  current: MasterKey;
  previous: MasterKey | null;
}

export type WrappedKey = typeof tenantKeys.$inferSelect;

async function openMasterKey(base64: string): Promise<MasterKey> {
  const raw = fromBase64(base64);
  const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from([...utf8('truckiq master key '), ...raw]));
  return { id: toHex(new Uint8Array(digest)).slice(0, 16), key: await importAesKey(raw) };
}

export async function openMasterKeys(config: Config): Promise<MasterKeys> {
  const [current, previous] = await Promise.all([
    openMasterKey(config.masterKey),
    config.masterKeyPrevious === null ? null : openMasterKey(config.masterKeyPrevious),
  ]);
  return { current, previous };
}

const wrapContext = (owner: string, version: number): string => JSON.stringify(['tenant_key', owner, version]);

/** A new data key of an owner, wrapped by the current master. */
export async function newWrappedKey(
  { current }: MasterKeys,
  owner: string,
  version: number,
  now: Date,
): Promise<WrappedKey> {
  const raw = crypto.getRandomValues(new Uint8Array(32));
  const wrappedKey = await encrypt(current.key, raw, wrapContext(owner, version));
  return { tenantId: owner, version, wrappedKey, masterKeyId: current.id, createdAt: now.toISOString() };
}

/** The raw data key; throws when neither master key is the one that wraps it. */
export async function unwrapDataKey(
  { current, previous }: MasterKeys,
  { tenantId, version, wrappedKey, masterKeyId }: WrappedKey,
): Promise<Uint8Array<ArrayBuffer>> {
  const open = (master: MasterKey) => decrypt(master.key, wrappedKey, wrapContext(tenantId, version));
  // From before fingerprints were noted: one of the two opens it.
  if (masterKeyId === null) {
    try {
      return await open(current);
    } catch (cause) {
      if (previous === null) throw cause;
      return open(previous);
    }
  }
  const master = [current, previous].find((candidate) => candidate?.id === masterKeyId);
  if (!master) throw new Error(`the data key ${tenantId}/${version} is wrapped by a master key that is not configured`);
  return open(master);
}

/** The same data key wrapped by the current master. */
export async function rewrapped(masters: MasterKeys, row: WrappedKey): Promise<WrappedKey> {
  const raw = await unwrapDataKey(masters, row);
  const wrappedKey = await encrypt(masters.current.key, raw, wrapContext(row.tenantId, row.version));
  return { ...row, wrappedKey, masterKeyId: masters.current.id };
}
