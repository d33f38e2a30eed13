/** How a sign-in through a provider fails: what the browser is told, and in our own words what the log keeps. */
import {
  AuthorizationResponseError,
  OperationProcessingError,
  PARSE_ERROR,
  RESPONSE_IS_NOT_CONFORM,
  RESPONSE_IS_NOT_JSON,
  ResponseBodyError,
  UnsupportedOperationError,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi';
import type { SsoFailure } from '#contracts/oidc';
import { OutboundFailure } from '../../outbound/bounded-fetch.ts';

export class SsoRefusal extends Error {
  override readonly name = 'SsoRefusal';
  readonly reason: SsoFailure;
  /** One of our words; nothing that a provider wrote. */
  readonly why: string;

  constructor(reason: SsoFailure, why: string) {
    super(`${reason}: ${why}`);
    this.reason = reason;
    this.why = why;
  }
}

const isUnavailable = new Set<string | undefined>([PARSE_ERROR, RESPONSE_IS_NOT_CONFORM, RESPONSE_IS_NOT_JSON]);
/** The error codes that OAuth 2.0 and OpenID Connect define look like this; anything else is not repeated. */
const plainCode = /^[a-z_]{1,40}$/;
const named = (code: string): string => (plainCode.test(code) ? code : 'other');

/** What a provider answered to the person's browser. */
function ofAuthorizationError({ error }: AuthorizationResponseError): SsoRefusal {
  if (error === 'access_denied') return new SsoRefusal('cancelled', 'access_denied');
  const isDown = error === 'server_error' || error === 'temporarily_unavailable';
  return new SsoRefusal(isDown ? 'provider_unavailable' : 'refused', `authorization_${named(error)}`);
}

/** Whatever a call to a provider, or the check of its answer, threw; null for what is our own fault. */
export function toSsoRefusal(thrown: unknown): SsoRefusal | null {
  if (thrown instanceof SsoRefusal) return thrown;
  if (thrown instanceof OutboundFailure) return new SsoRefusal('provider_unavailable', thrown.kind);
  if (thrown instanceof AuthorizationResponseError) return ofAuthorizationError(thrown);
  if (thrown instanceof ResponseBodyError) {
    return thrown.status >= 500
      ? new SsoRefusal('provider_unavailable', `answered_${thrown.status}`)
      : new SsoRefusal('refused', `token_${named(thrown.error)}`);
  }
  if (thrown instanceof WWWAuthenticateChallengeError) return new SsoRefusal('refused', 'challenge');
  if (thrown instanceof OperationProcessingError) {
    const code = (thrown.code ?? 'invalid_answer').toLowerCase();
    return new SsoRefusal(isUnavailable.has(thrown.code) ? 'provider_unavailable' : 'refused', code);
  }
  if (thrown instanceof UnsupportedOperationError) return new SsoRefusal('refused', 'unsupported');
  return null;
}
