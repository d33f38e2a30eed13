/**
 * Password hashing: node:crypto scrypt, native in workerd. N=2^15, r=8, p=3 is one of OWASP's equivalents and takes about
 * 155 ms of one core (N=2^16, p=2: 216 ms; N=2^17, p=1: 250 ms and four times the memory). workerd runs it on the isolate's
 * own thread, so that this is also how long other requests of the isolate wait.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { toBase64 } from '../../encoding.ts';

const cost = { N: 2 ** 15, r: 8, p: 3 };
const keyBytes = 32;
const saltBytes = 16;
const maxMemoryBytes = 64 * 1024 * 1024;

function derive(password: string, salt: Uint8Array, { N, r, p }: typeof cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // NFKC: the same password typed on another keyboard gives the same bytes.
    scrypt(password.normalize('NFKC'), salt, keyBytes, { N, r, p, maxmem: maxMemoryBytes }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

/** `scrypt$N$r$p$salt$key`, base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const key = await derive(password, salt, cost);
  return ['scrypt', cost.N, cost.r, cost.p, toBase64(salt), toBase64(key)].join('$');
}

/** A hash nobody's password has, so that an unknown e-mail costs the same time as a known one. */
const nobody = ['scrypt', cost.N, cost.r, cost.p, 'bm9ib2R5bm9ib2R5bm9ibw==', 'A'.repeat(43) + '='].join('$');

/** True when the password fits the hash; with null it takes as long and is false. */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  const [kind, N, r, p, salt, key] = (hash ?? nobody).split('$');
  if (kind !== 'scrypt' || salt === undefined || key === undefined) return false;
  const expected = Buffer.from(key, 'base64');
  const actual = await derive(password, Buffer.from(salt, 'base64'), { N: Number(N), r: Number(r), p: Number(p) });
  const isSame = actual.length === expected.length && timingSafeEqual(actual, expected);
  // HMAC, inside scrypt, pads short keys with zeros: to it, "word" and "word\0" are one.
  return isSame && hash !== null && !password.includes('\0');
}

/** True for a hash made at another cost than today's: the next sign-in, which knows the password, makes it anew. */
export const isOutdated = (hash: string | null): boolean =>
  hash !== null && !hash.startsWith(`scrypt$${cost.N}$${cost.r}$${cost.p}$`);
