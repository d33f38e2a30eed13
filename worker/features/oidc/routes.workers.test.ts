import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import type { OidcProvider, OidcTest } from '#contracts/oidc';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { apiKey, call, db, link, person, tenant } from '#test/workers/harness';
import { entriesOf, impostorUrl, provider, signedIn, somebody, walk } from '#test/workers/sso-walk';
import { oidcProviderDomains, oidcProviders } from '#worker/db/schema/index';
import { configOf } from '#worker/env';
import { newId } from '#worker/ids';
import { openVault } from '#worker/secrets/vault';

const permission = 'settings:manage' as const;
const list = () => '/oidc-providers';
const one = async (of: Awaited<ReturnType<typeof tenant>>) => `/oidc-providers/${(await provider(of)).id}`;
const looking = { permission, takesBody: false };
commonRouteTests('GET /oidc-providers', { ...looking, method: 'GET', path: list, namesThing: false });
commonRouteTests('POST /oidc-providers', {
  permission,
  method: 'POST',
  path: list,
  namesThing: false,
  takesBody: true,
});
commonRouteTests('GET /oidc-providers/:id', { ...looking, method: 'GET', path: one, namesThing: true });
commonRouteTests('PATCH /oidc-providers/:id', {
  permission,
  method: 'PATCH',
  path: one,
  namesThing: true,
  takesBody: true,
});
commonRouteTests('DELETE /oidc-providers/:id', { ...looking, method: 'DELETE', path: one, namesThing: true });
commonRouteTests('POST /oidc-providers/:id/test', {
  ...looking,
  method: 'POST',
  path: async (of) => `${await one(of)}/test`,
  namesThing: true,
});

const input = (changes: object = {}) => ({
  name: 'Company directory',
  issuer: 'https://id.fleet.example',
  clientId: 'truckiq',
  clientSecret: 'canary-client-secret',
  allowedDomains: ['fleet.example', 'Fleet.Example', 'other.example'],
  ...changes,
});
const dataOf = <T>(answer: Awaited<ReturnType<typeof call>>): T => answer.body.data as T;
const written = (tenantId: string, verb: 'create' | 'update' | 'delete') =>
  entriesOf(tenantId, `oidc_provider.${verb}`);

describe('entering a provider', () => {
  test('gives the addresses to register, keeps the secret sealed and never shows it', async () => {
    const here = await tenant();
    const admin = await person(here, 'fleet_admin');
    const answer = await call('POST', '/oidc-providers', {
      token: admin.token,
      body: input({ defaultRole: 'viewer' }),
    });
    expect(answer.status).toBe(201);
    const made = dataOf<OidcProvider>(answer);
    expect(made).toMatchObject({
      ...{
        tenantId: here.id,
        preset: 'oidc',
        issuer: 'https://id.fleet.example',
        hasClientSecret: true,
        isActive: true,
      },
      ...{ allowedDomains: ['fleet.example', 'other.example'], defaultRole: 'viewer' },
      redirectUri: `http://truckiq.test/api/v1/auth/oidc/${made.id}/callback`,
      backchannelLogoutUri: `http://truckiq.test/api/v1/auth/oidc/${made.id}/backchannel-logout`,
    });
    const [row] = await db.select().from(oidcProviders).where(eq(oidcProviders.id, made.id));
    const vault = await openVault(db, configOf(env), here.id);
    const place = { table: 'oidc_providers', rowId: made.id, field: 'client_secret' };
    expect(await vault.open(row?.clientSecretSealed ?? '', place)).toBe('canary-client-secret');
    const entries = await written(here.id, 'create');
    expect(entries).toMatchObject([{ action: 'oidc_provider.create', actorId: admin.userId, resourceId: made.id }]);
    const list = await call('GET', '/oidc-providers', { token: admin.token });
    expect(list.body.meta).toEqual({ total: 1, page: 1, pageSize: 20 });
    expect([answer.text, list.text, JSON.stringify(row), JSON.stringify(entries)].join()).not.toContain('canary');
  });

  test('with the Entra preset takes the directory, and only that', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    const { issuer: _issuer, ...rest } = input({ preset: 'entra' });
    const directoryId = '72F988BF-86F1-41AF-91AB-2D7CD011DB47';
    const answer = await call('POST', '/oidc-providers', { token, body: { ...rest, directoryId } });
    expect(dataOf<OidcProvider>(answer).issuer).toBe(
      'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
    );
    for (const wrong of [
      rest,
      { ...rest, directoryId: 'common' },
      input({ preset: 'entra', directoryId }),
      input({ directoryId }),
    ]) {
      const refused = await call('POST', '/oidc-providers', { token, body: wrong });
      expect([refused.status, refused.body.error.code]).toEqual([400, 'VALIDATION_FAILED']);
    }
  });

  test('never points inside, is https, and says what is wrong', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    for (const issuer of [
      undefined,
      '',
      'not a url',
      'http://id.fleet.example',
      'https://10.0.0.1',
      'https://169.254.169.254/latest',
      'https://metadata.google.internal',
      'https://user:pass@id.fleet.example',
      'https://id.fleet.example/?x=1',
      'https://id.fleet.example/#x',
      'javascript:alert(1)',
      `https://id.fleet.example/${'x'.repeat(1000)}`,
    ]) {
      const answer = await call('POST', '/oidc-providers', { token, body: input({ issuer }) });
      expect([answer.status, answer.body.error.code], String(issuer)).toEqual([400, 'VALIDATION_FAILED']);
    }
  });

  test.each([
    { allowedDomains: [] },
    { allowedDomains: ['localhost'] },
    { allowedDomains: ['*.fleet.example'] },
    { allowedDomains: ['fleet.example/x'] },
    { name: '' },
    { clientId: '' },
    { defaultRole: 'super_admin' },
    { defaultRole: 'dealer_admin' },
    { defaultRole: 'boss' },
    { tenantId: newId() },
  ])('refuses %j', async (wrong) => {
    const { token } = await person(await tenant(), 'fleet_admin');
    expect((await call('POST', '/oidc-providers', { token, body: input(wrong) })).status).toBe(400);
  });

  test('is for people: an API key is refused whatever its scopes', async () => {
    const { key } = await apiKey(await tenant(), ['settings:manage']);
    for (const method of ['GET', 'POST']) {
      const answer = await call(method, '/oidc-providers', { token: key, ...(method === 'POST' && { body: input() }) });
      expect([answer.status, answer.body.error.code]).toEqual([403, 'FORBIDDEN']);
    }
  });

  test('in a customer’s tenant is not a dealer’s to do; the operator names the tenant', async () => {
    const [dealer, customer] = [await tenant('dealer'), await tenant()];
    await link(dealer, customer);
    const { id } = await provider(customer);
    const { token } = await person(dealer, 'dealer_admin');
    expect((await call('GET', `/oidc-providers?tenantId=${customer.id}`, { token })).status).toBe(404);
    expect((await call('POST', `/oidc-providers?tenantId=${customer.id}`, { token, body: input() })).status).toBe(404);
    expect((await call('GET', `/oidc-providers/${id}`, { token })).status).toBe(404);
    const operator = await person(null, 'super_admin');
    expect((await call('GET', '/oidc-providers', { token: operator.token })).status).toBe(400);
    const theirs = await call('GET', `/oidc-providers?tenantId=${customer.id}`, { token: operator.token });
    expect(dataOf<OidcProvider[]>(theirs).map((found) => found.id)).toEqual([id]);
    const changed = await call('PATCH', `/oidc-providers/${id}`, { token: operator.token, body: { name: 'By hand' } });
    expect(changed.status).toBe(200);
  });
});

describe('changing a provider', () => {
  test('keeps what is not mentioned, honours If-Match, and moves its domains', async () => {
    const here = await tenant();
    const { token } = await person(here, 'fleet_admin');
    const made = dataOf<OidcProvider>(await call('POST', '/oidc-providers', { token, body: input() }));
    const path = `/oidc-providers/${made.id}`;
    const etag = (await call('GET', path, { token })).headers.get('etag') ?? '';
    const change = { name: 'Renamed', allowedDomains: ['new.example'] };
    const stale = await call('PATCH', path, { token, body: change, headers: { 'if-match': '"x"' } });
    expect([stale.status, stale.body.error.code]).toEqual([412, 'PRECONDITION_FAILED']);
    const changed = await call('PATCH', path, { token, body: change, headers: { 'if-match': etag } });
    expect(dataOf<OidcProvider>(changed)).toMatchObject({ ...change, clientId: 'truckiq', hasClientSecret: true });
    const domains = await db.select().from(oidcProviderDomains).where(eq(oidcProviderDomains.providerId, made.id));
    expect(domains.map(({ domain }) => domain)).toEqual(['new.example']);
    const again = await call('GET', path, { token, headers: { 'if-none-match': etag } });
    expect(again.status).toBe(200);
    for (const wrong of [{ issuer: 'https://evil.example' }, { preset: 'entra' }, { defaultRole: 'dealer_admin' }]) {
      expect((await call('PATCH', path, { token, body: wrong })).status, JSON.stringify(wrong)).toBe(400);
    }
    const secret = await call('PATCH', path, { token, body: { clientSecret: 'canary-other-secret' } });
    const entries = await written(here.id, 'update');
    expect(entries).toHaveLength(2);
    expect(JSON.parse(entries[0]?.before ?? '')).toMatchObject({ name: 'Company directory', hasClientSecret: true });
    expect(JSON.parse(entries[0]?.after ?? '')).toMatchObject(change);
    expect(secret.text + JSON.stringify(entries)).not.toContain('canary');
  });

  test('removing it leaves who is signed in alone, and forgets whom it knew', async () => {
    const here = await tenant();
    const of = await provider(here);
    const guest = somebody();
    const { accessToken } = await signedIn(await walk(of, guest.id));
    const { token } = await person(here, 'fleet_admin');
    expect((await call('DELETE', `/oidc-providers/${of.id}`, { token })).status).toBe(204);
    expect((await call('GET', '/auth/me', { token: accessToken })).status).toBe(200);
    expect((await call('GET', `/oidc-providers/${of.id}`, { token })).status).toBe(404);
    expect((await call('DELETE', `/oidc-providers/${of.id}`, { token })).status).toBe(404);
    expect(await written(here.id, 'delete')).toMatchObject([{ resourceId: of.id, outcome: 'success' }]);
  });
});

describe('testing a provider', () => {
  const tested = async (issuer?: string) => {
    const here = await tenant();
    const { token } = await person(here, 'fleet_admin');
    const { id } = await provider(here, issuer === undefined ? {} : { issuer });
    return dataOf<OidcTest>(await call('POST', `/oidc-providers/${id}/test`, { token }));
  };

  test('looks at everything a sign-in needs', async () => {
    const result = await tested();
    expect(result.steps.map(({ name, ok }) => [name, ok])).toEqual(
      ['address', 'discovery', 'issuer', 'keys', 'pkce'].map((name) => [name, true]),
    );
    expect(result).toMatchObject({ ok: true });
    expect(result.error).toBeUndefined();
  });

  test('stops where it goes wrong, and says so in our words', async () => {
    expect(await tested('http://127.0.0.1:9')).toMatchObject({ ok: false, error: { code: 'discovery' } });
    const impostor = await tested(impostorUrl);
    expect(impostor).toMatchObject({ ok: false, error: { code: 'issuer' } });
    expect(JSON.stringify(impostor)).not.toContain('elsewhere');
  });
});

describe('which providers serve an address', () => {
  const lookup = (email: unknown) => call('POST', '/auth/oidc/lookup', { body: { email } });

  test('is answered by its domain alone', async () => {
    const here = await tenant();
    const { id } = await provider(here, { allowedDomains: ['lookup.example'] });
    const off = await provider(here, { allowedDomains: ['lookup.example'], isActive: false });
    const choice = {
      ...{ id, name: 'Directory', preset: 'oidc' },
      startUrl: `http://truckiq.test/api/v1/auth/oidc/${id}/start`,
    };
    for (const email of ['anybody@lookup.example', 'Nobody@LOOKUP.example']) {
      const answer = await lookup(email);
      expect(answer.status).toBe(200);
      expect(answer.body.data).toEqual([choice]);
    }
    for (const email of ['anybody@sub.lookup.example', 'anybody@ookup.example', 'anybody@nowhere.example']) {
      expect((await lookup(email)).body.data).toEqual([]);
    }
    expect(off.id).not.toBe(id);
  });

  test('refuses what is no address', async () => {
    for (const email of ['', 'x', 7, null, `${'x'.repeat(1000)}@lookup.example`, "' OR 1=1 --"]) {
      expect((await lookup(email)).status).toBe(400);
    }
  });
});
