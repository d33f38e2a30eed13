/** One-time codes for a stored authenticator secret: RFC 6238 with its defaults (SHA-1, 30 s, 6 digits). */

const base32Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const stepSeconds = 30;

/** Decodes RFC 4648 base32; spaces, case and padding do not matter. Throws RangeError on any other character. */
export function decodeBase32(text: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const letter of text.toUpperCase().replace(/[\s=-]/g, '')) {
    const value = base32Alphabet.indexOf(letter);
    if (value === -1) throw new RangeError('not a base32 secret');
    buffer = ((buffer << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((buffer >> bits) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}

/** The six digits for the instant `nowMs` (epoch milliseconds). */
export async function totpCode(secretBase32: string, nowMs: number): Promise<string> {
  const key = await crypto.subtle.importKey('raw', decodeBase32(secretBase32), { name: 'HMAC', hash: 'SHA-1' }, false, [
    'sign',
  ]);
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(Math.floor(nowMs / 1000 / stepSeconds)));
  const mac = new DataView(await crypto.subtle.sign('HMAC', key, counter.buffer));
  const offset = mac.getUint8(mac.byteLength - 1) & 0x0f;
  const code = (mac.getUint32(offset) & 0x7fff_ffff) % 1_000_000;
  return code.toString().padStart(6, '0');
}
