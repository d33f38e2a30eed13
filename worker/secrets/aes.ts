/** AES-256-GCM on text: `<iv>.<ciphertext+tag>` in base64url, bound to a context. */
import { fromBase64Url, toBase64Url } from '../encoding.ts';

const ivBytes = 12;

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(text));

export const importAesKey = (raw: Uint8Array<ArrayBuffer>): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);

export async function encrypt(key: CryptoKey, plaintext: Uint8Array<ArrayBuffer>, context: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(ivBytes));
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: utf8(context) }, key, plaintext);
  return `${toBase64Url(iv)}.${toBase64Url(new Uint8Array(sealed))}`;
}

/** Throws when key, context or text are not those it was encrypted with. */
export async function decrypt(key: CryptoKey, encrypted: string, context: string): Promise<Uint8Array<ArrayBuffer>> {
  const [iv = '', ciphertext = ''] = encrypted.split('.');
  const opened = await crypto.subtle.decrypt(
    { name: 'AES-GCM', iv: fromBase64Url(iv), additionalData: utf8(context) },
    key,
    fromBase64Url(ciphertext),
  );
  return new Uint8Array(opened);
}
