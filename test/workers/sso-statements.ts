/** Every statement that signing in through a provider sends, for the test that holds them against the indexes. */
import type { env } from 'cloudflare:workers';
import { trailOfJob } from '#worker/audit/trail';
import { openDatabase } from '#worker/db/client';
import { admit, endProviderSessions, readSituation } from '#worker/features/oidc/people-store';
import { findProvider } from '#worker/features/oidc/store';
import { newId } from '#worker/ids';
import { person, tenant } from './harness.ts';

type Ask = (method: string, path: string, token: string, body?: unknown) => Promise<Response>;

/** `bindings` hold the recording database. */
export async function askAboutProviders(bindings: typeof env, ask: Ask): Promise<void> {
  const fleet = await tenant();
  const { token } = await person(fleet, 'fleet_admin');
  const db = openDatabase(bindings.DB);
  const input = {
    name: 'D',
    issuer: 'https://id.fleet.example',
    clientId: 'c',
    allowedDomains: ['statements.example'],
  };
  const made: { data: { id: string } } = await (await ask('POST', '/oidc-providers', token, input)).json();
  const path = `/oidc-providers/${made.data.id}`;
  await ask('GET', '/oidc-providers', token);
  await ask('GET', path, token);
  await ask('PATCH', path, token, { allowedDomains: ['statements.example', 'more.example'] });
  await ask('POST', `${path}/domains/more.example/verify`, token);
  const { token: operator } = await person(null, 'super_admin');
  await ask('POST', `${path}/domains/more.example/verify?tenantId=${fleet.id}`, operator, { approve: true });
  await ask('POST', '/auth/oidc/lookup', '', { email: 'x@statements.example' });
  await ask('GET', `/auth/oidc/${made.data.id}/callback?state=${'x'.repeat(43)}`, '');

  const door = await findProvider(db, made.data.id);
  if (door === null || door.tenant.id !== fleet.id) throw new Error('the provider is not there');
  const now = new Date();
  const trail = trailOfJob(now);
  const somebody = { subject: 's', email: 'x@statements.example', name: 'X' };
  await readSituation(db, door, somebody, now.toISOString());
  const admission = {
    userId: newId(),
    create: { role: 'viewer' as const },
    isNewIdentity: true,
    providerSession: 'sid',
  };
  await admit(db, trail, door, somebody, admission, { client: { ip: null, userAgent: null }, now });
  for (const [sub, sid] of [
    ['s', null],
    [null, 'sid'],
    ['s', 'sid'],
  ] as const) {
    await endProviderSessions(db, trail, door, { jti: newId(), sub, sid }, now);
  }
  await ask('DELETE', path, token);
}
