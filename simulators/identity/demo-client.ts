/** The product as a client of the simulated provider. */
import type { ClientMetadata } from 'oidc-provider';
import { demoClient } from './people.ts';

/** `apiBaseUrl` is the product's origin, `providerId` its own id of the provider: both stand in its addresses. */
export function demoClientAt(apiBaseUrl: string, providerId: string): ClientMetadata {
  const base = `${apiBaseUrl}/api/v1/auth/oidc/${providerId}`;
  return {
    client_id: demoClient.id,
    client_secret: demoClient.secret,
    redirect_uris: [`${base}/callback`],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    backchannel_logout_uri: `${base}/backchannel-logout`,
    backchannel_logout_session_required: true,
  };
}
