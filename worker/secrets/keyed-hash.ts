/**
 * Hashes of what may be guessable (a body with a password in it): keyed, so that a dump of the database alone cannot be
 * tried against a word list.
 */
import { fromBase64, toHex } from '../encoding.ts';
import type { Config } from '../env.ts';
import { utf8 } from './aes.ts';

/** HMAC-SHA-256 under the audit key, which outlives a change of the master key; `purpose` keeps uses apart. */
export async function keyedDigest(config: Config, purpose: string, text: string): Promise<Uint8Array> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', fromBase64(config.auditKey), algorithm, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8(JSON.stringify([purpose, text]))));
}

/** The same in hex. */
export const keyedHash = async (config: Config, purpose: string, text: string): Promise<string> =>
  toHex(await keyedDigest(config, purpose, text));
