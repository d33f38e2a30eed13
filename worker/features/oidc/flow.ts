/**
 * The walk to a provider and back: authorization code with PKCE (S256), state and nonce (OpenID Connect Core 1.0, RFC 7636,
 * RFC 9207). What must not leave our hands in between is sealed into a cookie of its own per walk, so that two tabs do not
 * disturb each other.
 */
import {
  authorizationCodeGrantRequest,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  ClientSecretPost,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
  getValidatedIdTokenClaims,
  jwksCache,
  None,
  processAuthorizationCodeResponse,
  processUserInfoResponse,
  userInfoRequest,
  validateApplicationLevelSignature,
  validateAuthResponse,
  type Client,
  type ClientAuth,
} from 'oauth4webapi';
import { z } from 'zod';
import { ssoMinutes } from '#contracts/oidc';
import type { SealedPlace, Vault } from '../../secrets/vault.ts';
import { callOptions, keysOf, metadataOf, type OutboundTerms, type ProviderMetadata } from './metadata.ts';
import { SsoRefusal } from './refusal.ts';
import type { Claims } from './rules.ts';

export interface FlowProvider {
  id: string;
  preset: 'entra' | 'oidc';
  issuer: string;
  clientId: string;
}

const walkSchema = z.object({ verifier: z.string(), nonce: z.string(), next: z.string(), until: z.number() });
export type Walk = z.infer<typeof walkSchema>;

const stateCharacters = /^[A-Za-z0-9_-]{43}$/;

/** Bound to provider and state: a cookie of another walk does not open. */
const walkPlace = (providerId: string, state: string): SealedPlace => ({
  table: 'oidc_walk',
  rowId: `${providerId}:${state}`,
  field: 'cookie',
});

export const walkCookiePrefix = 'truckiq_sso_';
/** The cookie of one walk, named by the beginning of its state; null for what was never a state of ours. */
export const walkCookieName = (state: string): string | null =>
  stateCharacters.test(state) ? `${walkCookiePrefix}${state.slice(0, 16)}` : null;

export interface Departure {
  /** Where the browser goes. */
  url: string;
  cookieName: string;
  /** Sealed; lives ten minutes. */
  cookieValue: string;
}

/** Begins a walk: the provider's address with everything on it, and the cookie to come back with. */
export async function depart(
  provider: FlowProvider,
  {
    vault,
    redirectUri,
    next,
    now,
    ...terms
  }: OutboundTerms & { vault: Vault; redirectUri: string; next: string; now: Date },
): Promise<Departure> {
  const metadata = await metadataOf(provider.issuer, terms, now);
  const state = generateRandomState();
  const walk: Walk = {
    verifier: generateRandomCodeVerifier(),
    nonce: generateRandomNonce(),
    next,
    until: now.getTime() + ssoMinutes * 60_000,
  };
  const cookieName = walkCookieName(state);
  if (cookieName === null) throw new Error('a state of an unexpected form');
  const url = new URL(metadata.authorization_endpoint);
  const parameters = {
    client_id: provider.clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid profile email',
    state,
    nonce: walk.nonce,
    code_challenge: await calculatePKCECodeChallenge(walk.verifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return {
    url: url.href,
    cookieName,
    cookieValue: await vault.seal(JSON.stringify(walk), walkPlace(provider.id, state)),
  };
}

/** The walk that a cookie belongs to; refused as expired when it is too old or not of this state and provider. */
export async function openWalk(
  vault: Vault,
  { providerId, state, cookie, now }: { providerId: string; state: string; cookie: string; now: Date },
): Promise<Walk> {
  let text: string;
  try {
    text = await vault.open(cookie, walkPlace(providerId, state));
  } catch {
    throw new SsoRefusal('expired', 'cookie_does_not_open');
  }
  const walk = walkSchema.parse(JSON.parse(text));
  if (walk.until <= now.getTime()) throw new SsoRefusal('expired', 'too_late');
  return walk;
}

/** RFC 6749 makes HTTP Basic the default; Entra documents the form field. */
function clientAuthOf({ preset }: FlowProvider, metadata: ProviderMetadata, secret: string | null): ClientAuth {
  if (secret === null) return None();
  const methods = metadata.token_endpoint_auth_methods_supported;
  const basic = preset !== 'entra' && (methods === undefined || methods.includes('client_secret_basic'));
  return basic ? ClientSecretBasic(secret) : ClientSecretPost(secret);
}

export interface Arrival extends OutboundTerms {
  walk: Walk;
  /** The callback's query. */
  parameters: URLSearchParams;
  state: string;
  redirectUri: string;
  clientSecret: string | null;
  now: Date;
}

/**
 * Ends a walk: checks the answer (state, issuer), exchanges the code, checks the ID token (signature, issuer, audience,
 * authorized party, nonce, times) and gives its claims. Throws what toSsoRefusal understands.
 */
export async function arrive(provider: FlowProvider, arrival: Arrival): Promise<Claims> {
  const { walk, now } = arrival;
  const remembered = await metadataOf(provider.issuer, arrival, now);
  // The library remembers keys by this object, ours are handed in: every exchange gets an object of its own.
  const metadata = { ...remembered };
  const client: Client = { client_id: provider.clientId };
  const options = callOptions(arrival);
  const parameters = validateAuthResponse(metadata, client, arrival.parameters, arrival.state);
  const response = await authorizationCodeGrantRequest(
    metadata,
    client,
    clientAuthOf(provider, metadata, arrival.clientSecret),
    parameters,
    arrival.redirectUri,
    walk.verifier,
    options,
  );
  const tokens = await processAuthorizationCodeResponse(metadata, client, response, {
    expectedNonce: walk.nonce,
    requireIdToken: true,
  });
  const claims = getValidatedIdTokenClaims(tokens);
  if (claims === undefined) throw new SsoRefusal('refused', 'no_id_token');

  const verify = async (refresh: 'no' | 'always'): Promise<'valid' | 'maybe_new_keys'> => {
    const { keys, areRemembered } = await keysOf(remembered, arrival, now, refresh);
    const uat = Math.floor(Date.now() / 1000);
    try {
      await validateApplicationLevelSignature({ ...metadata }, response, {
        ...options,
        [jwksCache]: { jwks: { keys }, uat },
      });
      return 'valid';
    } catch (cause) {
      if (!areRemembered) throw cause;
      return 'maybe_new_keys';
    }
  };
  if ((await verify('no')) === 'maybe_new_keys') await verify('always');

  // Some providers keep the address out of the ID token; Entra's says more about its people than its UserInfo.
  const asksFurther =
    provider.preset === 'oidc' && claims['email'] === undefined && metadata.userinfo_endpoint !== undefined;
  if (!asksFurther) return claims;
  const answer = await userInfoRequest(metadata, client, tokens.access_token, options);
  const { email, email_verified, name } = await processUserInfoResponse(metadata, client, claims.sub, answer);
  return { name, ...claims, email, email_verified };
}
