/**
 * Canaries: secrets that a test plants and then looks for where they must not be, as they are and in the disguises that
 * storage gives them: base64 (both alphabets, at any of the three offsets within a longer text), base32, hex, JSON and URL
 * escapes. Bytes travel as binary strings, one character per byte, so that Node and workerd search alike.
 */

export interface Canary {
  name: string;
  /** Binary strings; one of them in a dump means that the secret is in it. */
  needles: readonly string[];
}

/** Text as the bytes of its UTF-8. */
export const utf8Bytes = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

/** The digits of a base64 text that `bytes` alone decide when they stand after `offset` others. */
function base64Inside(bytes: string, offset: number): string {
  const encoded = btoa('\0'.repeat(offset) + bytes);
  return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}

const hexOf = (bytes: string): string =>
  [...bytes].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');

function disguises(bytes: string): string[] {
  const base64 = [0, 1, 2].map((offset) => base64Inside(bytes, offset));
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const hex = hexOf(bytes);
  return [bytes, ...base64, ...url, hex, hex.toUpperCase()];
}

/** A canary of a text. Under eight characters chance would find it everywhere. */
export function textCanary(name: string, secret: string): Canary {
  if (secret.length < 8) throw new Error(`the canary ${name} is too short to be told from chance`);
  const once = JSON.stringify(secret).slice(1, -1);
  const twice = JSON.stringify(once).slice(1, -1);
  const escaped = [utf8Bytes(once), utf8Bytes(twice), encodeURIComponent(secret)];
  return { name, needles: [...new Set([...disguises(utf8Bytes(secret)), ...escaped])] };
}

/** A canary of raw bytes: a key. */
export const bytesCanary = (name: string, bytes: Uint8Array): Canary => ({
  name,
  needles: [...new Set(disguises(String.fromCharCode(...bytes)))],
});

const base32Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A canary of a base32 text and of the bytes that it stands for. */
export function base32Canary(name: string, secret: string): Canary {
  const bits = [...secret.replaceAll('=', '').toUpperCase()]
    .map((digit) => base32Alphabet.indexOf(digit).toString(2).padStart(5, '0'))
    .join('');
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
  const text = textCanary(name, secret).needles;
  return { name, needles: [...text, ...bytesCanary(name, Uint8Array.from(bytes)).needles, secret.toLowerCase()] };
}

/** Names of the canaries that a dump holds, with the first place of each. */
export function canariesIn(dump: string, canaries: readonly Canary[]): string[] {
  return canaries.flatMap(({ name, needles }) => {
    const found = needles.find((needle) => dump.includes(needle));
    return found === undefined ? [] : [`${name} at ${dump.indexOf(found)}`];
  });
}
