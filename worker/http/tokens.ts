/** Access tokens: ES256 JWTs on jose, exactly as signed here. Refresh tokens are opaque and only their hash is stored. */
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { accessTokenSeconds } from '#contracts/auth';
import { idSchema } from '#contracts/primitives';
import { roleSchema, type Permission, type Role } from '#contracts/roles';
import { fromBase64Url, toBase64Url, toHex } from '../encoding.ts';
import type { Env } from '../env.ts';
import { AppError } from './errors.ts';
import { signingKeyAt, verifyingKey } from './signing-keys.ts';

const issuer = 'truckiq';
const audience = 'truckiq-api';
const maxTokenLength = 4096;
/** Clocks of two machines differ by no more. */
const skewSeconds = 5;
const base64Url = /^[A-Za-z0-9_-]+$/;

/** The header has these members and no other: no `jwk`, `jku`, `x5u` or `crit` of anybody's. */
const headerSchema = z.strictObject({
  alg: z.literal('ES256'),
  kid: z.string().max(64),
  typ: z.literal('at+jwt'),
});

const claimsSchema = z.object({
  sub: idSchema,
  sid: idSchema,
  tid: idSchema.nullable(),
  role: roleSchema,
});
export type AccessClaims = z.infer<typeof claimsSchema>;

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
  const { kid, sign } = await signingKeyAt(env, now);
  const issuedAt = Math.floor(now.getTime() / 1000);
  return new SignJWT({ tid: claims.tenantId, role: claims.role, perm: claims.permissions, sid: claims.sessionId })
    .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(claims.userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + accessTokenSeconds)
    .sign(sign);
}

/**
 * The bytes of one part of a token. jose reads base64 leniently: padding, whitespace and spare bits would make many texts of
 * one token. Here there is one text for one token; null for every other.
 */
function strictlyDecoded(part: string): Uint8Array<ArrayBuffer> | null {
  if (!base64Url.test(part) || part.length % 4 === 1) return null;
  const bytes = fromBase64Url(part);
  return toBase64Url(bytes) === part ? bytes : null;
}

/** The key a token says it is signed with; null when it is not one of ours in every respect that needs no key. */
function namedKey(token: string): string | null {
  if (token.length > maxTokenLength) return null;
  const parts = token.split('.').map(strictlyDecoded);
  const [header, payload, signature] = parts;
  // An ES256 signature is two 32-byte numbers; the DER form has another length.
  if (parts.length !== 3 || !header || !payload || signature?.length !== 64) return null;
  try {
    return headerSchema.parse(JSON.parse(new TextDecoder().decode(header))).kid;
  } catch {
    return null;
  }
}

/**
 * Claims of a valid access token; TOKEN_EXPIRED when only its time has passed, UNAUTHENTICATED otherwise, and UNAVAILABLE
 * when its key cannot be looked up.
 */
export async function verifyAccessToken(env: Env, token: string, now: Date): Promise<AccessClaims> {
  const refused = (cause?: unknown) => new AppError('UNAUTHENTICATED', 'The access token is not valid.', { cause });
  const kid = namedKey(token);
  if (kid === null) throw refused();
  const key = await verifyingKey(env, kid, now);
  if (key === null) throw refused();
  try {
    const { payload } = await jwtVerify(token, key, {
      issuer,
      audience,
      algorithms: ['ES256'],
      typ: 'at+jwt',
      currentDate: now,
      clockTolerance: skewSeconds,
      maxTokenAge: accessTokenSeconds,
      requiredClaims: ['exp', 'iat', 'sub'],
    });
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
