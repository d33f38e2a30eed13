/** What hostile personas do to the real provider's answers, after it has made them. */
import { base64url, decodeJwt, exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT, type JWK } from 'jose';
import type { IdentityPerson, Persona } from './people.ts';

export interface SigningKey {
  /** RSA with `kid`. */
  privateJwk: JWK;
  publicJwk: JWK;
}

const algorithm = 'RS256';

async function importPrivate(jwk: JWK) {
  const key = await importJWK(jwk, algorithm);
  if (key instanceof Uint8Array) throw new Error('not a private key');
  return key;
}

/** Any claims, signed with the provider's present key. */
export async function signWith(
  { privateJwk }: SigningKey,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<string> {
  const kid = privateJwk.kid ?? '';
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, kid, ...header })
    .sign(await importPrivate(privateJwk));
}

/** The classic confusion: the public key, as PEM text, used as the secret of an HMAC. */
async function signedWithPublicKey(key: SigningKey, claims: Record<string, unknown>): Promise<string> {
  const publicKey = await importJWK({ ...key.publicJwk, ext: true }, algorithm);
  if (publicKey instanceof Uint8Array) throw new Error('not a public key');
  const secret = new TextEncoder().encode(await exportSPKI(publicKey));
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: key.publicJwk.kid ?? '' }).sign(secret);
}

async function signedByStranger(key: SigningKey, claims: Record<string, unknown>): Promise<string> {
  const { privateKey } = await generateKeyPair(algorithm);
  return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: key.publicJwk.kid ?? '' }).sign(privateKey);
}

/** Shape of alg none: a header that says so and an empty signature. */
const unsigned = (claims: Record<string, unknown>): string => new UnsecuredJWT(claims).encode();

const hourSeconds = 3600;

const forgeries: Partial<
  Record<Persona, (key: SigningKey, claims: Record<string, unknown>) => string | Promise<string>>
> = {
  wrong_nonce: (key, claims) => signWith(key, { ...claims, nonce: base64url.encode('another walk') }),
  expired: (key, claims) =>
    signWith(key, {
      ...claims,
      iat: Number(claims['iat']) - 2 * hourSeconds,
      exp: Number(claims['iat']) - hourSeconds,
    }),
  wrong_audience: (key, claims) => signWith(key, { ...claims, aud: 'another-client' }),
  wrong_party: (key, claims) =>
    signWith(key, { ...claims, aud: [String(claims['aud']), 'another-client'], azp: 'another-client' }),
  wrong_issuer: (key, claims) => signWith(key, { ...claims, iss: 'https://login.elsewhere.example' }),
  unsigned: (_key, claims) => unsigned(claims),
  shared_secret_signature: signedWithPublicKey,
  foreign_key: signedByStranger,
  claims_in_userinfo: (key, { email: _email, email_verified: _verified, ...claims }) => signWith(key, claims),
  other_subject_in_userinfo: (key, { email: _email, email_verified: _verified, ...claims }) => signWith(key, claims),
};

/** The ID token that this person's client gets instead of the real one. */
export async function tamperedIdToken(key: SigningKey, person: IdentityPerson, idToken: string): Promise<string> {
  const forge = forgeries[person.persona];
  return forge === undefined ? idToken : forge(key, decodeJwt(idToken));
}
