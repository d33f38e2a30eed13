/** Whatever is not a token exactly as signed here is 401, never 500: a table of forgeries against the real Worker. */
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { CompactSign, exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { describe, expect, test } from 'vitest';
import { accessTokenSeconds } from '#contracts/auth';
import { call, db, person, tenant } from '#test/workers/harness';
import { sessions } from '../db/schema/index.ts';
import { fromBase64Url, toBase64, toBase64Url } from '../encoding.ts';
import { newId } from '../ids.ts';
import { publicKeySet, signingKeyAt } from './signing-keys.ts';
import { newOpaqueToken, verifyAccessToken } from './tokens.ts';

const now = new Date();
const nowSeconds = Math.floor(now.getTime() / 1000);
const { kid, sign } = await signingKeyAt(env, now);
const owner = await tenant();
const { token, userId, sessionId } = await person(owner, 'fleet_admin');
const [header = '', payload = '', signature = ''] = token.split('.');

const text = (value: unknown): string => toBase64Url(new TextEncoder().encode(JSON.stringify(value)));
const ourHeader = { alg: 'ES256', kid, typ: 'at+jwt' };
const claims: JWTPayload = {
  iss: 'truckiq',
  aud: 'truckiq-api',
  sub: userId,
  sid: sessionId,
  tid: owner.id,
  role: 'fleet_admin',
  perm: [],
  iat: nowSeconds,
  exp: nowSeconds + accessTokenSeconds,
};
const without = (name: string): JWTPayload =>
  Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name));
/** Signed with the real key: what is wrong is what the token says. */
const signed = (payloadClaims: JWTPayload, protectedHeader: object = ourHeader): Promise<string> =>
  new SignJWT(payloadClaims).setProtectedHeader(protectedHeader as typeof ourHeader).sign(sign);
/** A header that jose would not sign by itself, signed all the same. */
async function signedRaw(protectedHeader: object, body: unknown = claims): Promise<string> {
  const input = `${text(protectedHeader)}.${text(body)}`;
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const made = await crypto.subtle.sign(algorithm, sign as CryptoKey, new TextEncoder().encode(input));
  return `${input}.${toBase64Url(new Uint8Array(made))}`;
}

/** The DER form of an ES256 signature, as other libraries write it. */
function toDer(raw: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array): number[] => {
    const digits = [...bytes.slice(bytes.findIndex((byte) => byte !== 0))];
    const positive = (digits[0] ?? 0) > 127 ? [0, ...digits] : digits;
    return [2, positive.length, ...positive];
  };
  const both = [...integer(raw.slice(0, 32)), ...integer(raw.slice(32))];
  return Uint8Array.from([48, both.length, ...both]);
}

const own = await generateKeyPair('ES256', { extractable: true });
const ownJwk = await exportJWK(own.publicKey);
const [published] = (await publicKeySet(env, now)).keys;
const hmac = (secret: string, more: object = {}) =>
  new SignJWT(claims)
    .setProtectedHeader({ ...ourHeader, ...more, alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
const byOwnKey = (more: object = {}) =>
  new SignJWT(claims).setProtectedHeader({ ...ourHeader, ...more } as typeof ourHeader).sign(own.privateKey);
/** Another last character with the same 512 bits before it: lenient decoders read the same signature. */
const spareBits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const sameBytes = signature.slice(0, -1) + spareBits[spareBits.indexOf(signature.slice(-1)) ^ 1];
const { token: strangersToken } = await person(await tenant(), 'super_admin');

const forgeries: Record<string, string> = {
  'alg none': `${text({ ...ourHeader, alg: 'none' })}.${payload}.`,
  'alg none with the signature': `${text({ ...ourHeader, alg: 'none' })}.${payload}.${signature}`,
  'alg NoNe': `${text({ ...ourHeader, alg: 'NoNe' })}.${payload}.${signature}`,
  'no alg': `${text({ kid, typ: 'at+jwt' })}.${payload}.${signature}`,
  'alg as a list': `${text({ ...ourHeader, alg: ['ES256'] })}.${payload}.${signature}`,
  'HS256 with the public key as JSON': await hmac(JSON.stringify(published)),
  'HS256 with the public point': await hmac(`${published?.x}${published?.y}`),
  'HS256 with the key id': await hmac(kid),
  'HS256 with an empty kid': await hmac(JSON.stringify(published), { kid: '' }),
  'ES384 named': `${text({ ...ourHeader, alg: 'ES384' })}.${payload}.${signature}`,
  'another key under our kid': await byOwnKey(),
  'another kid': await byOwnKey({ kid: newId() }),
  'a kid that is a number': `${text({ ...ourHeader, kid: 7 })}.${payload}.${signature}`,
  'a kid that is __proto__': `${text({ ...ourHeader, kid: '__proto__' })}.${payload}.${signature}`,
  'a kid with SQL': `${text({ ...ourHeader, kid: "' OR 1=1 --" })}.${payload}.${signature}`,
  'a kid with a path': `${text({ ...ourHeader, kid: '../../../dev/null' })}.${payload}.${signature}`,
  'a kid of 3,000 characters': `${text({ ...ourHeader, kid: 'k'.repeat(2000) })}.${payload}.${signature}`,
  'no kid': `${text({ alg: 'ES256', typ: 'at+jwt' })}.${payload}.${signature}`,
  'jwk of its own': await byOwnKey({ jwk: ownJwk }),
  'jwk of its own and its kid': await byOwnKey({ jwk: { ...ownJwk, kid }, kid: 'own' }),
  jku: await byOwnKey({ jku: 'https://attacker.example/jwks.json' }),
  x5u: await byOwnKey({ x5u: 'https://attacker.example/cert.pem' }),
  x5c: await byOwnKey({ x5c: ['MIIB'] }),
  'jku, rightly signed': await signedRaw({ ...ourHeader, jku: 'https://attacker.example/jwks.json' }),
  'crit, rightly signed': await signedRaw({ ...ourHeader, crit: ['exp'], exp: 1 }),
  'crit of something unknown': await signedRaw({ ...ourHeader, crit: ['b64'], b64: false }),
  zip: await signedRaw({ ...ourHeader, zip: 'DEF' }),
  'typ JWT': await signed(claims, { ...ourHeader, typ: 'JWT' }),
  'no typ': await signed(claims, { alg: 'ES256', kid }),
  'header null': `${text(null)}.${payload}.${signature}`,
  'header a list': `${text([ourHeader])}.${payload}.${signature}`,
  'header not JSON': `${toBase64Url(new TextEncoder().encode('{alg:'))}.${payload}.${signature}`,
  'header not UTF-8': `${toBase64Url(Uint8Array.from([255, 254, 253]))}.${payload}.${signature}`,
  'payload of another': `${header}.${text({ ...claims, role: 'super_admin' })}.${signature}`,
  'payload from another token': `${header}.${strangersToken.split('.')[1]}.${signature}`,
  'payload null': await signedRaw(ourHeader, null),
  'payload a list': await signedRaw(ourHeader, [claims]),
  'payload not JSON': await new CompactSign(new TextEncoder().encode('not json'))
    .setProtectedHeader(ourHeader)
    .sign(sign),
  'signature tampered': `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
  'signature with spare bits set': `${header}.${payload}.${sameBytes}`,
  'signature cut': `${header}.${payload}.${signature.slice(0, -4)}`,
  'signature of zeros': `${header}.${payload}.${toBase64Url(new Uint8Array(64))}`,
  'signature as DER': `${header}.${payload}.${toBase64Url(toDer(fromBase64Url(signature)))}`,
  'no signature': `${header}.${payload}.`,
  'two parts': `${header}.${payload}`,
  'four parts': `${token}.${signature}`,
  'five parts': `${header}..${payload}.${signature}.${signature}`,
  twice: `${token}.${token}`,
  'two with a comma': `${token},${token}`,
  'header twice': `${header}.${header}.${payload}.${signature}`,
  'empty parts': '..',
  letters: 'a.b.c',
  padding: `${token}=`,
  'padded in the middle': `${header}=.${payload}.${signature}`,
  'plain base64': [header, payload, signature].map((part) => toBase64(fromBase64Url(part))).join('.'),
  'a plus': `${header}.${payload}.+${signature.slice(1)}`,
  'a slash': `${header}.${payload}./${signature.slice(1)}`,
  'a space inside': `${header}.${payload}. ${signature}`,
  'a space behind': `${token} x`,
  'a line break': `${header}.${payload}.${signature}\n`,
  'a line break inside': `${header.slice(0, 4)}\n${header.slice(4)}.${payload}.${signature}`,
  'a tab': `${header}.\t${payload}.${signature}`,
  'a NUL': `${token}\u0000`,
  'full-width letters': `${header}.${payload}.Ａ${signature.slice(1)}`,
  ...Object.fromEntries(
    await Promise.all(
      ['iss', 'aud', 'exp', 'iat', 'sub', 'sid', 'role', 'tid'].map(async (name) => [
        `no ${name}`,
        await signed(without(name)),
      ]),
    ),
  ),
  'another issuer': await signed({ ...claims, iss: 'https://truckiq.example' }),
  'another audience': await signed({ ...claims, aud: 'truckiq-dashboard' }),
  'an empty audience': await signed({ ...claims, aud: [] }),
  'sub that is no id': await signed({ ...claims, sub: 'admin' }),
  'sub with SQL': await signed({ ...claims, sub: "' OR 1=1 --" }),
  'sid that is a list': await signed({ ...claims, sid: [sessionId] }),
  'an invented role': await signed({ ...claims, role: 'root' }),
  'exp as text': await signedRaw(ourHeader, { ...claims, exp: String(nowSeconds + 60) }),
  'exp beyond numbers': await signedRaw(ourHeader, { ...claims, exp: null }),
  'nbf ahead': await signed({ ...claims, nbf: nowSeconds + 60 }),
  'nbf as text': await signedRaw(ourHeader, { ...claims, nbf: 'soon' }),
  'iat ahead': await signed({ ...claims, iat: nowSeconds + 60 }),
  'a refresh token': newOpaqueToken('rt_'),
  'an invitation': newOpaqueToken('inv_'),
  'an API key nobody made': newOpaqueToken('tk_live_'),
  'a live ticket': (await call('POST', '/live/tickets', { token })).body.data['ticket'] as string,
  'a session id': sessionId,
  'a header of 5 MB': `${'A'.repeat(5_000_000)}.${payload}.${signature}`,
  '5 MB in one part': 'A'.repeat(5_000_000),
  '5 MB of dots': '.'.repeat(5_000_000),
};
const canStandInHeader = (forged: string): boolean => /^[\x20-\x7e]+$/.test(forged);

describe('forged tokens', () => {
  test('the honest one is let in', async () => {
    expect((await call('GET', '/auth/me', { token })).status).toBe(200);
    expect(await verifyAccessToken(env, await signed(claims), now)).toMatchObject({ sub: userId, sid: sessionId });
  });

  test.each(Object.entries(forgeries))('%s: 401', async (_name, forged) => {
    expect(forged.length).toBeGreaterThan(0);
    await expect(verifyAccessToken(env, forged, now)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    if (!canStandInHeader(forged)) return;
    const answer = await call('GET', '/auth/me', { token: forged });
    expect([answer.status, answer.body.error.code]).toEqual([401, 'UNAUTHENTICATED']);
  });
});

describe('time', () => {
  const at = (offsetSeconds: number) => new Date((nowSeconds + offsetSeconds) * 1000);
  const code = (made: string, when: Date) =>
    verifyAccessToken(env, made, when).then(
      () => 'let in',
      (refusal: { code: string }) => refusal.code,
    );

  test('a token lives 15 minutes and five seconds of skew, whatever it says itself', async () => {
    const made = await signed(claims);
    expect(await code(made, at(accessTokenSeconds + 4))).toBe('let in');
    expect(await code(made, at(accessTokenSeconds + 5))).toBe('TOKEN_EXPIRED');
    const longer = await signed({ ...claims, exp: nowSeconds + 86_400 });
    expect(await code(longer, at(accessTokenSeconds + 6))).toBe('TOKEN_EXPIRED');
    expect(await code(await signed({ ...claims, exp: nowSeconds - 5 }), at(0))).toBe('TOKEN_EXPIRED');
  });

  test('a token from up to five seconds ahead is let in, from further ahead not', async () => {
    const made = await signed(claims);
    expect(await code(made, at(-5))).toBe('let in');
    expect(await code(made, at(-6))).toBe('UNAUTHENTICATED');
    const notYet = await signed({ ...claims, nbf: nowSeconds + 5 });
    expect(await code(notYet, at(0))).toBe('let in');
    expect(await code(notYet, at(-1))).toBe('UNAUTHENTICATED');
  });

  test('over HTTP an expired token says so', async () => {
    const { token: old } = await person(owner, 'viewer', { issuedAt: new Date(Date.now() - 3600_000) });
    const answer = await call('GET', '/auth/me', { token: old });
    expect([answer.status, answer.body.error.code]).toEqual([401, 'TOKEN_EXPIRED']);
  });
});

test('a token of a session and of another person is no sign-in', async () => {
  const other = await person(owner, 'viewer');
  const mixed = await signed({ ...claims, sub: other.userId });
  expect((await call('GET', '/auth/me', { token: mixed })).status).toBe(401);
  await db.update(sessions).set({ endedAt: now.toISOString() }).where(eq(sessions.id, other.sessionId));
  expect((await call('GET', '/auth/me', { token: other.token })).body.error.code).toBe('TOKEN_REVOKED');
});
