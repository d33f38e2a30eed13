/** Access tokens: ES256 JWTs on jose. Refresh tokens are opaque and only their hash is stored. */
import { errors, importJWK, jwtVerify, SignJWT, type CryptoKey, type JWK } from 'jose';
import { z } from 'zod';
import { accessTokenSeconds } from '#contracts/auth';
import { idSchema } from '#contracts/primitives';
import { roleSchema, type Permission, type Role } from '#contracts/roles';
import { toBase64Url, toHex } from '../encoding.ts';
import { configOf, type Config, type Env } from '../env.ts';
import { AppError } from './errors.ts';

const issuer = 'truckiq';
const audience = 'truckiq-api';
/** jose accepts lenient base64; a token with other characters never reaches it. */
const tokenCharacters = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

const claimsSchema = z.object({
  sub: idSchema,
  sid: idSchema,
  tid: idSchema.nullable(),
  role: roleSchema,
});
export type AccessClaims = z.infer<typeof claimsSchema>;

const keys = new WeakMap<Config, Promise<{ sign: CryptoKey; verify: CryptoKey }>>();

async function importKeys(config: Config): Promise<{ sign: CryptoKey; verify: CryptoKey }> {
  const [sign, verify] = await Promise.all([
    importJWK({ ...config.authPrivateJwk, alg: 'ES256' }, 'ES256'),
    importJWK({ ...publicJwk(config), alg: 'ES256' }, 'ES256'),
  ]);
  if (sign instanceof Uint8Array || verify instanceof Uint8Array) throw new Error('AUTH_PRIVATE_JWK is not an EC key');
  return { sign, verify };
}

function keysOf(config: Config): Promise<{ sign: CryptoKey; verify: CryptoKey }> {
  let pair = keys.get(config);
  if (!pair) {
    pair = importKeys(config);
    keys.set(config, pair);
  }
  return pair;
}

/** The public half, as `/.well-known/jwks.json` shows it. */
export function publicJwk(config: Config): JWK {
  const { kty, crv, x, y, kid } = config.authPrivateJwk;
  return { kty, crv, x, y, kid, use: 'sig', alg: 'ES256' };
}

/** Signs an access token that lives 15 minutes. Permissions are for clients to read; the server reads D1. */
export async function signAccessToken(
  env: Env,
  claims: {
    userId: string;
    sessionId: string;
    tenantId: string | null;
    role: Role;
    permissions: readonly Permission[];
  },
  now: Date,
): Promise<string> {
  const config = configOf(env);
  const { sign } = await keysOf(config);
  const issuedAt = Math.floor(now.getTime() / 1000);
  return new SignJWT({ tid: claims.tenantId, role: claims.role, perm: claims.permissions, sid: claims.sessionId })
    .setProtectedHeader({ alg: 'ES256', kid: config.authPrivateJwk.kid, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(claims.userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + accessTokenSeconds)
    .sign(sign);
}

/** Claims of a valid access token; TOKEN_EXPIRED when only its time has passed, UNAUTHENTICATED otherwise. */
export async function verifyAccessToken(env: Env, token: string, now: Date): Promise<AccessClaims> {
  const refused = (cause?: unknown) => new AppError('UNAUTHENTICATED', 'The access token is not valid.', { cause });
  if (token.length > 4096 || !tokenCharacters.test(token)) throw refused();
  const config = configOf(env);
  const { verify } = await keysOf(config);
  try {
    const { payload } = await jwtVerify(
      token,
      (header) => {
        if (header.kid !== config.authPrivateJwk.kid) throw refused();
        return verify;
      },
      {
        issuer,
        audience,
        algorithms: ['ES256'],
        typ: 'at+jwt',
        currentDate: now,
        requiredClaims: ['exp', 'iat', 'sub'],
      },
    );
    const claims = claimsSchema.safeParse(payload);
    if (!claims.success) throw refused(claims.error);
    return claims.data;
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    if (cause instanceof errors.JWTExpired) throw new AppError('TOKEN_EXPIRED', 'The access token has expired.');
    throw refused(cause);
  }
}

/** A new opaque token: 32 random bytes in base64url, with a prefix (`rt_`, `tk_live_`) that secret scanners can know. */
export function newOpaqueToken(prefix: string): string {
  return `${prefix}${toBase64Url(crypto.getRandomValues(new Uint8Array(32)))}`;
}

/** SHA-256 in hex: what D1 keeps of an opaque token. */
export async function hashToken(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
  return toHex(new Uint8Array(digest));
}
