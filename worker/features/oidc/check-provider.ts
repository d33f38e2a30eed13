/** Looks at a provider the way a sign-in would, step by step, and says in words what is missing. */
import type { OidcTest } from '#contracts/oidc';
import { refuseTarget } from '../../outbound/outbound-target.ts';
import { readKeys, readMetadata, type OutboundTerms, type ProviderMetadata } from './metadata.ts';
import { toSsoRefusal } from './refusal.ts';

type StepName = OidcTest['steps'][number]['name'];

/** What went wrong, in our words: a provider's own text is never repeated. */
function inWords(thrown: unknown): string {
  const refusal = toSsoRefusal(thrown);
  if (refusal === null) throw thrown;
  const words: Record<string, string> = {
    target_refused: 'An address in its metadata may not be called.',
    unreachable: 'Nobody answers there.',
    timed_out: 'It did not answer within 5 seconds.',
    too_large: 'Its answer is too large.',
    no_authorization_endpoint: 'It names no authorization endpoint.',
    no_token_endpoint: 'It names no token endpoint.',
    no_jwks_uri: 'It names no key set.',
    keys_unreadable: 'Its key set cannot be read.',
    oauth_json_attribute_comparison_failed: 'It says that it is another issuer.',
  };
  return words[refusal.why] ?? 'Its answer is not what OpenID Connect asks for.';
}

function pkceOf(metadata: ProviderMetadata): { ok: boolean; detail: string } {
  const methods = metadata.code_challenge_methods_supported;
  // Entra supports PKCE and does not say so; whoever does not know it ignores it, and the nonce still protects.
  if (methods === undefined) return { ok: true, detail: 'Not announced; it is used all the same.' };
  return methods.includes('S256')
    ? { ok: true, detail: 'S256 is supported.' }
    : { ok: false, detail: 'It does not support PKCE with S256.' };
}

/** Reads metadata and keys anew; stops at the first step that fails. Vendor text stays outside. */
export async function checkProvider(issuer: string, terms: OutboundTerms): Promise<OidcTest> {
  const steps: OidcTest['steps'] = [];
  const passed = (name: StepName, detail: string): void => void steps.push({ name, ok: true, detail });
  const failed = (name: StepName, message: string): OidcTest => {
    steps.push({ name, ok: false, detail: message });
    return { ok: false, steps, error: { code: name, message } };
  };

  const refusal = refuseTarget(issuer, terms);
  if (refusal !== null) return failed('address', `The address ${refusal}.`);
  passed('address', 'It may be called.');

  let metadata: ProviderMetadata;
  try {
    metadata = await readMetadata(issuer, terms);
  } catch (cause) {
    const isAnother = toSsoRefusal(cause)?.why === 'oauth_json_attribute_comparison_failed';
    if (isAnother) passed('discovery', 'Its metadata can be read.');
    return failed(isAnother ? 'issuer' : 'discovery', inWords(cause));
  }
  passed('discovery', 'Its metadata can be read.');
  passed('issuer', 'It is the issuer that was asked for.');
  try {
    const keys = await readKeys(metadata, terms);
    if (keys.length === 0) return failed('keys', 'Its key set is empty.');
    passed('keys', `It has ${keys.length === 1 ? 'one key' : `${keys.length} keys`}.`);
  } catch (cause) {
    return failed('keys', inWords(cause));
  }
  const pkce = pkceOf(metadata);
  if (!pkce.ok) return failed('pkce', pkce.detail);
  passed('pkce', pkce.detail);
  return { ok: true, steps };
}
