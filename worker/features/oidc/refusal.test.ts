import { AuthorizationResponseError, OperationProcessingError, ResponseBodyError } from 'oauth4webapi';
import { expect, test } from 'vitest';
import { OutboundFailure } from '../../outbound/bounded-fetch.ts';
import { SsoRefusal, toSsoRefusal } from './refusal.ts';

const atProvider = (error: string) =>
  new AuthorizationResponseError('x', { cause: new URLSearchParams({ error, error_description: 'vendor words' }) });
const atToken = (error: string, status: number) =>
  new ResponseBodyError('x', { cause: { error }, response: new Response(null, { status }) });

test.each<[Error, string, string]>([
  [new SsoRefusal('expired', 'too_late'), 'expired', 'too_late'],
  [atProvider('access_denied'), 'cancelled', 'access_denied'],
  [atProvider('server_error'), 'provider_unavailable', 'authorization_server_error'],
  [atProvider('temporarily_unavailable'), 'provider_unavailable', 'authorization_temporarily_unavailable'],
  [atProvider('invalid_scope'), 'refused', 'authorization_invalid_scope'],
  [atProvider('<script>alert(1)</script>'), 'refused', 'authorization_other'],
  [atToken('invalid_grant', 400), 'refused', 'token_invalid_grant'],
  [atToken('Vendor words, with a secret', 400), 'refused', 'token_other'],
  [atToken('server_error', 500), 'provider_unavailable', 'answered_500'],
  [new OutboundFailure('timed_out', 'x'), 'provider_unavailable', 'timed_out'],
  [new OperationProcessingError('x', { code: 'OAUTH_PARSE_ERROR' }), 'provider_unavailable', 'oauth_parse_error'],
  [new OperationProcessingError('x', { code: 'OAUTH_INVALID_RESPONSE' }), 'refused', 'oauth_invalid_response'],
])('%s is %s', (thrown, reason, why) => {
  expect(toSsoRefusal(thrown)).toMatchObject({ reason, why });
});

test('what is our own fault is not a refusal', () => {
  expect(toSsoRefusal(new TypeError('x'))).toBeNull();
  expect(toSsoRefusal('x')).toBeNull();
});
