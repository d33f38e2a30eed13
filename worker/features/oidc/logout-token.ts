/** Logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.6): who says that which session is over. */
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { z } from 'zod';
import { keysOf, type OutboundTerms, type ProviderMetadata } from './metadata.ts';
import type { LogoutNotice } from './people-store.ts';

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';
/** A notice travels in seconds; an older one is not news. */
const maxAgeSeconds = 300;
const clockToleranceSeconds = 30;
const maxLength = 16_384;
/** jose accepts lenient base64; a token with other characters never reaches it. */
const tokenCharacters = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Signatures by a key pair only: with a shared secret every holder of it could end sessions, with `none` everybody. */
const asymmetric = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

const shortText = z.string().min(1).max(255);
const claimsSchema = z
  .object({
    jti: shortText,
    sub: shortText.optional(),
    sid: shortText.optional(),
    events: z.object({ [logoutEvent]: z.record(z.string(), z.unknown()) }),
    // What has a nonce was made for a sign-in.
    nonce: z.undefined().optional(),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined, 'names neither subject nor session');

export class LogoutTokenRefused extends Error {
  override readonly name = 'LogoutTokenRefused';
}

export interface LogoutTokenTerms extends OutboundTerms {
  clientId: string;
  now: Date;
}

async function verified(
  token: string,
  metadata: ProviderMetadata,
  terms: LogoutTokenTerms,
  refresh: 'no' | 'sometimes',
): Promise<JWTPayload | 'maybe_new_keys'> {
  const { keys, areRemembered } = await keysOf(metadata, terms, terms.now, refresh);
  const announced = metadata.id_token_signing_alg_values_supported ?? ['RS256'];
  try {
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys } as JSONWebKeySet), {
      issuer: metadata.issuer,
      audience: terms.clientId,
      algorithms: asymmetric.filter((algorithm) => announced.includes(algorithm)),
      currentDate: terms.now,
      clockTolerance: clockToleranceSeconds,
      maxTokenAge: maxAgeSeconds,
      requiredClaims: ['iat', 'jti', 'events'],
    });
    const typ = protectedHeader.typ?.toLowerCase().replace(/^application\//, '') ?? 'logout+jwt';
    if (typ !== 'logout+jwt' && typ !== 'jwt') throw new LogoutTokenRefused('is another kind of token');
    return payload;
  } catch (cause) {
    const isAboutKeys =
      cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWSSignatureVerificationFailed;
    if (areRemembered && isAboutKeys) return 'maybe_new_keys';
    if (cause instanceof errors.JOSEError) throw new LogoutTokenRefused(cause.code, { cause });
    throw cause;
  }
}

/**
 * What a valid logout token says. Throws LogoutTokenRefused for one that does not hold, and what toSsoRefusal understands when
 * the provider's keys cannot be read.
 */
export async function readLogoutToken(
  token: string,
  metadata: ProviderMetadata,
  terms: LogoutTokenTerms,
): Promise<LogoutNotice> {
  if (token.length > maxLength || !tokenCharacters.test(token)) throw new LogoutTokenRefused('is no token');
  let payload = await verified(token, metadata, terms, 'no');
  if (payload === 'maybe_new_keys') payload = await verified(token, metadata, terms, 'sometimes');
  if (payload === 'maybe_new_keys') throw new LogoutTokenRefused('is signed by nobody known');
  const claims = claimsSchema.safeParse(payload);
  if (!claims.success) throw new LogoutTokenRefused('is not a logout token', { cause: claims.error });
  const { jti, sub, sid } = claims.data;
  return { jti, sub: sub ?? null, sid: sid ?? null };
}
