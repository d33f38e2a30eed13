/** Every statement that API keys and dealer links send, for the test that holds them against the indexes. */
import { apiKey, person, tenant } from './harness.ts';

type Ask = (method: string, path: string, token: string, body?: unknown) => Promise<Response>;

async function idIn(answer: Promise<Response>): Promise<string> {
  const made: { data: { id: string } } = await (await answer).json();
  if (!('data' in made)) throw new Error(JSON.stringify(made));
  return made.data.id;
}

export async function askAboutKeysAndLinks(ask: Ask): Promise<void> {
  const fleet = await tenant();
  const { token } = await person(fleet, 'fleet_admin');
  const operator = (await person(null, 'super_admin')).token;
  for (const caller of [token, operator]) {
    const inTenant = `?tenantId=${fleet.id}`;
    const id = await idIn(ask('POST', `/api-keys${inTenant}`, caller, { name: 'K', scopes: ['vehicles:read'] }));
    for (const path of ['/api-keys', `/api-keys${inTenant}`, `/api-keys/${id}`]) await ask('GET', path, caller);
    await ask('POST', `/api-keys/${id}/rotate`, caller, {});
    await ask('DELETE', `/api-keys/${id}`, caller);

    const dealer = await tenant('dealer');
    const answering = (await person(dealer, 'dealer_admin')).token;
    const linkId = await idIn(ask('POST', `/dealer-links${inTenant}`, caller, { tenantId: dealer.id }));
    for (const path of ['/dealer-links', '/dealer-links?status=ended', `/dealer-links${inTenant}`]) {
      await ask('GET', path, caller);
    }
    await ask('GET', '/dealer-links', answering);
    await ask('POST', `/dealer-links/${linkId}/accept`, answering);
    await ask('DELETE', `/dealer-links/${linkId}`, caller);
  }
  // The door asks for the key and notes its use.
  await ask('GET', '/tenant', (await apiKey(fleet, ['vehicles:read'])).key);
  // A stream's ticket asks for the key once more, and for its newest secret.
  await ask('POST', '/telemetry/tickets', (await apiKey(fleet, ['telemetry:write'])).key);
}
