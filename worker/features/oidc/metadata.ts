/**
 * What a provider says of itself: its metadata and its keys, fetched within bounds and kept for minutes per isolate. Its
 * endpoints are judged like any address that a tenant gave us: the metadata is the provider's to write.
 */
import {
  allowInsecureRequests,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
  type AuthorizationServer,
  type JWK,
} from 'oauth4webapi';
import { z } from 'zod';
import { fetchBounded } from '../../outbound/bounded-fetch.ts';
import { refuseTarget } from '../../outbound/outbound-target.ts';
import { SsoRefusal } from './refusal.ts';

/** Development: lets providers live on this machine. */
export interface OutboundTerms {
  allowLocal: boolean;
}

const timeoutMs = 5_000;
const maxBytes = 256 * 1024;

const metadataKeptMs = 10 * 60_000;
const keysKeptMs = 5 * 60_000;
/** Someone who is nobody yet may make us ask for new keys this often per provider. */
const keysRefreshPauseMs = 30_000;
/** Providers remembered per isolate; the one read longest ago makes room. */
const maxRemembered = 200;

export interface ProviderMetadata extends AuthorizationServer {
  authorization_endpoint: string;
  token_endpoint: string;
  jwks_uri: string;
}

const remembered = new Map<string, { metadata: ProviderMetadata; readAtMs: number }>();
/** By the remembered metadata itself: what an issuer calls itself may differ by a slash from what it was entered as. */
const keySets = new WeakMap<ProviderMetadata, { keys: JWK[]; readAtMs: number }>();

/** Options for every call of oauth4webapi: our bounded fetch, https except to this machine. */
export const callOptions = ({ allowLocal }: OutboundTerms) => ({
  [allowInsecureRequests]: allowLocal,
  [customFetch]: (url: string, { method, headers, body }: { method: string; headers: object; body?: unknown }) =>
    fetchBounded(
      url,
      {
        method,
        headers: headers as Record<string, string>,
        ...(body instanceof URLSearchParams ? { body } : {}),
      },
      { timeoutMs, maxBytes, allowLocal },
    ),
});

function requireEndpoints(read: AuthorizationServer, { allowLocal }: OutboundTerms): ProviderMetadata {
  const endpoint = (name: 'authorization_endpoint' | 'token_endpoint' | 'jwks_uri'): string => {
    const url = read[name];
    if (typeof url !== 'string') throw new SsoRefusal('refused', `no_${name}`);
    if (refuseTarget(url, { allowLocal }) !== null) throw new SsoRefusal('refused', `${name}_not_allowed`);
    return url;
  };
  return {
    ...read,
    authorization_endpoint: endpoint('authorization_endpoint'),
    token_endpoint: endpoint('token_endpoint'),
    jwks_uri: endpoint('jwks_uri'),
  };
}

/** Reads a provider's metadata anew. Throws what toSsoRefusal understands. */
export async function readMetadata(issuer: string, terms: OutboundTerms): Promise<ProviderMetadata> {
  const url = new URL(issuer);
  const response = await discoveryRequest(url, { algorithm: 'oidc', ...callOptions(terms) });
  return requireEndpoints(await processDiscoveryResponse(url, response), terms);
}

/** A provider's metadata, at most ten minutes old; the same object until then. */
export async function metadataOf(issuer: string, terms: OutboundTerms, now: Date): Promise<ProviderMetadata> {
  const known = remembered.get(issuer);
  if (known !== undefined && now.getTime() - known.readAtMs < metadataKeptMs) return known.metadata;
  const metadata = await readMetadata(issuer, terms);
  remembered.delete(issuer);
  remembered.set(issuer, { metadata, readAtMs: now.getTime() });
  const [oldest] = remembered.keys();
  if (remembered.size > maxRemembered && oldest !== undefined) remembered.delete(oldest);
  return metadata;
}

const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });

/** Reads a provider's keys anew. */
export async function readKeys(metadata: ProviderMetadata, { allowLocal }: OutboundTerms): Promise<JWK[]> {
  const headers = { accept: 'application/json, application/jwk-set+json' };
  const response = await fetchBounded(metadata.jwks_uri, { headers }, { timeoutMs, maxBytes, allowLocal });
  if (response.status !== 200) throw new SsoRefusal('provider_unavailable', `keys_answered_${response.status}`);
  const read: unknown = await response.json().catch(() => null);
  const keySet = keySetSchema.safeParse(read);
  if (!keySet.success) throw new SsoRefusal('refused', 'keys_unreadable');
  return keySet.data.keys as JWK[];
}

export interface KeysRead {
  keys: JWK[];
  /** False when they were just read from the provider. */
  areRemembered: boolean;
}

/**
 * A provider's keys, at most five minutes old. `refresh` asks again because a signature fits none of them: `'always'`
 * where the provider itself has just vouched for the caller (a code was exchanged), `'sometimes'` where anybody may call.
 */
export async function keysOf(
  metadata: ProviderMetadata,
  terms: OutboundTerms,
  now: Date,
  refresh: 'no' | 'sometimes' | 'always' = 'no',
): Promise<KeysRead> {
  const known = keySets.get(metadata);
  const maxAgeMs = { no: keysKeptMs, sometimes: keysRefreshPauseMs, always: 0 }[refresh];
  if (known !== undefined && now.getTime() - known.readAtMs < maxAgeMs)
    return { keys: known.keys, areRemembered: true };
  const keys = await readKeys(metadata, terms);
  keySets.set(metadata, { keys, readAtMs: now.getTime() });
  return { keys, areRemembered: false };
}
