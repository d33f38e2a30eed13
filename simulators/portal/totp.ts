/** Time-based one-time codes (RFC 6238 over RFC 4226): SHA-1, 30 seconds, as authenticator apps compute them. */
import { createHmac } from 'node:crypto';

const base32Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
export const totpStepMs = 30_000;

/** Bytes of a base32 text (RFC 4648; spaces, case and padding are forgiven). Throws a RangeError for other letters. */
export function decodeBase32(text: string): Uint8Array {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text.toUpperCase().replace(/[\s=]/g, '')) {
    const digit = base32Alphabet.indexOf(character);
    if (digit < 0) throw new RangeError(`"${character}" is not base32`);
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}

/** The code of a secret (base32) in the 30-second step that holds `atMs`. */
export function totpCode(secret: string, atMs: number, digits = 6): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / totpStepMs)));
  const digest = createHmac('sha1', decodeBase32(secret)).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 0xf;
  return String(
    (new DataView(digest.buffer, digest.byteOffset).getUint32(offset) & 0x7fff_ffff) % 10 ** digits,
  ).padStart(digits, '0');
}

/**
 * The step (counter) for which the code is right, or null. The present step and the one before it count, for the time a
 * code needs to arrive (RFC 6238, 5.2); the caller refuses a step that was used already.
 */
export function matchingStep(secret: string, code: string, atMs: number): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  for (const instant of [atMs, atMs - totpStepMs]) {
    if (totpCode(secret, instant) === code) return Math.floor(instant / totpStepMs);
  }
  return null;
}
