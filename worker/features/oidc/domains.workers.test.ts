/** Whose domains count: proof by DNS, by the operator, and what is not proven opens nothing. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { OidcProvider } from '#contracts/oidc';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { putRecord } from '#test/workers/domain-records';
import { apiKey, call, person, tenant, type TestTenant } from '#test/workers/harness';
import { account, entriesOf, expectNobodyLetIn, provider, signedIn, somebody, walk } from '#test/workers/sso-walk';

let domains = 0;
const newDomain = (): string => `d${(domains += 1)}.proof.example`;

/** A provider as its administrator enters it: nothing is proven. */
async function entered(here: TestTenant, allowedDomains: string[]): Promise<{ provider: OidcProvider; token: string }> {
  const { token } = await person(here, 'fleet_admin');
  const answer = await call('POST', '/oidc-providers', {
    token,
    body: { name: 'Directory', issuer: 'https://id.fleet.example', clientId: 'c', allowedDomains },
  });
  return { provider: answer.body.data as OidcProvider, token };
}
const pathOf = ({ id }: { id: string }, domain: string): string => `/oidc-providers/${id}/domains/${domain}/verify`;
const verify = (of: { id: string }, domain: string, token: string, body?: object, query = '') =>
  call('POST', `${pathOf(of, domain)}${query}`, { token, ...(body && { body }) });
const domainOf = ({ domains: all }: OidcProvider, domain: string) => {
  const found = all.find((one) => one.domain === domain);
  if (found === undefined) throw new Error(`no domain ${domain}`);
  return found;
};
const offered = async (domain: string): Promise<string[]> => {
  const { body } = await call('POST', '/auth/oidc/lookup', { body: { email: `anybody@${domain}` } });
  return (body.data as { id: string }[]).map(({ id }) => id);
};
const outcomes = async (tenantId: string) =>
  (await entriesOf(tenantId, 'oidc_domain.verify')).map(({ outcome, after }) => ({
    outcome,
    ...(JSON.parse(after ?? '{}') as object),
  }));

commonRouteTests('POST /oidc-providers/:id/domains/:domain/verify', {
  permission: 'settings:manage',
  callers: 'people',
  method: 'POST',
  path: async (of) => pathOf(await provider(of), 'sso.example'),
  namesThing: true,
  takesBody: true,
});

describe('a domain that is not proven', () => {
  test('is shown with the record that would prove it, a different one for every tenant and domain', async () => {
    const [domain, other] = [newDomain(), newDomain()];
    const here = await entered(await tenant(), [domain, other]);
    const there = await entered(await tenant(), [domain]);
    expect(here.provider.allowedDomains).toEqual([domain, other]);
    expect(here.provider.domains).toEqual([
      {
        ...{ domain, verifiedAt: null, txtName: `_truckiq.${domain}` },
        txtValue: expect.stringMatching(/^truckiq-verification=[\w-]{43}$/),
      },
      { ...here.provider.domains[1], domain: other, verifiedAt: null },
    ]);
    const values = [...here.provider.domains, ...there.provider.domains].map(({ txtValue }) => txtValue);
    expect(new Set(values).size).toBe(3);
    const again = await call('GET', `/oidc-providers/${here.provider.id}`, { token: here.token });
    expect((again.body.data as OidcProvider).domains).toEqual(here.provider.domains);
  });

  test('is not offered to its people, and lets nobody in, not even who has an account', async () => {
    const here = await tenant();
    const of = await provider(here);
    await env.DB.prepare('UPDATE oidc_provider_domains SET verified_at = NULL WHERE provider_id = ?').bind(of.id).run();
    expect(await offered('sso.example')).not.toContain(of.id);
    const { id, email } = somebody();
    await account(here, email);
    expectNobodyLetIn(await walk(of, id), 'not_allowed');
    const [entry] = await entriesOf(here.id, 'sign_in');
    expect(JSON.parse(entry?.after ?? '{}')).toMatchObject({ why: 'domain_not_allowed' });
    await env.DB.prepare('UPDATE oidc_provider_domains SET verified_at = ? WHERE provider_id = ?')
      .bind('2026-11-20T00:00:00.000Z', of.id)
      .run();
    expect((await signedIn(await walk(of, id))).user.role).toBe('technician');
  });
});

describe('proving a domain', () => {
  test.each(['at its own name', 'at the domain itself'])('by a record %s counts from then on', async (where) => {
    const domain = newDomain();
    const here = await tenant();
    const { provider: of, token } = await entered(here, [domain]);
    const { txtName, txtValue } = domainOf(of, domain);
    const missing = await verify(of, domain, token);
    expect([missing.status, missing.body.error.code]).toEqual([409, 'CONFLICT']);
    expect(missing.body.error.message).toMatch(/record is not there yet/);
    expect(await offered(domain)).toEqual([]);
    await putRecord(where === 'at its own name' ? txtName : domain, { texts: ['v=spf1 -all', txtValue] });
    const proven = await verify(of, domain.toUpperCase(), token);
    expect(proven.status, proven.text).toBe(200);
    expect(domainOf(proven.body.data as OidcProvider, domain).verifiedAt).toMatch(/^20/);
    expect(await offered(domain)).toEqual([of.id]);
    expect(await outcomes(here.id)).toEqual([
      { outcome: 'failed', domain, by: 'dns', why: 'missing' },
      { outcome: 'success', domain, by: 'dns' },
    ]);
    // It stands, record or not, and is not written down twice.
    await putRecord(txtName);
    await putRecord(domain);
    expect((await verify(of, domain, token)).status).toBe(200);
    expect(await outcomes(here.id)).toHaveLength(2);
  });

  test('takes this tenant’s own record, whole', async () => {
    const domain = newDomain();
    const { provider: of, token } = await entered(await tenant(), [domain]);
    const { provider: other } = await entered(await tenant(), [domain]);
    const { txtName, txtValue } = domainOf(of, domain);
    const foreign = domainOf(other, domain).txtValue;
    const alias = { Status: 0, Answer: [{ name: 'x.example.', type: 16, data: `"${txtValue}"` }] };
    for (const entry of [
      { texts: [foreign] },
      { texts: [`${txtValue}x`, txtValue.slice(0, -1), txtValue.toUpperCase(), `x ${txtValue}`] },
      { answer: { Status: 0, Answer: [{ name: `${txtName}.`, type: 5, data: txtValue }] } },
      { answer: alias },
    ]) {
      await putRecord(txtName, entry);
      expect((await verify(of, domain, token)).status, JSON.stringify(entry)).toBe(409);
    }
    await putRecord(txtName, { answer: { Status: 0, Answer: [{ ...alias.Answer[0], name: txtName }] } });
    expect((await verify(of, domain, token)).status).toBe(200);
  });

  test('is 502 when nobody can say whether the record is there', async () => {
    const domain = newDomain();
    const here = await tenant();
    const { provider: of, token } = await entered(here, [domain]);
    const { txtName } = domainOf(of, domain);
    for (const entry of [
      { answer: { Status: 2 } },
      { body: 'x'.repeat(100_000) },
      { body: '<html>' },
      { status: 503 },
    ]) {
      await putRecord(txtName, entry);
      const answer = await verify(of, domain, token);
      expect([answer.status, answer.body.error.code]).toEqual([502, 'UPSTREAM_FAILED']);
    }
    expect(await outcomes(here.id)).toEqual(
      Array.from({ length: 4 }, () => ({ outcome: 'failed', domain, by: 'dns', why: 'unavailable' })),
    );
  });

  test('is 404 for a domain that the provider does not name', async () => {
    const { provider: of, token } = await entered(await tenant(), [newDomain()]);
    for (const domain of [newDomain(), 'x', '%00', 'constructor', "'--", of.id]) {
      expect((await verify(of, domain, token)).status, domain).toBe(404);
    }
  });

  test('that another tenant has proven is refused, without a name, as long as that proof stands', async () => {
    const domain = newDomain();
    const [first, second] = [await tenant('fleet', {}, 'Canary Trucking'), await tenant()];
    const mine = await entered(first, [domain]);
    const theirs = await entered(second, [domain]);
    const texts = [mine.provider, theirs.provider].map((of) => domainOf(of, domain).txtValue);
    await putRecord(`_truckiq.${domain}`, { texts });
    expect((await verify(mine.provider, domain, mine.token)).status).toBe(200);
    const refused = await verify(theirs.provider, domain, theirs.token);
    expect([refused.status, refused.body.error.code]).toEqual([409, 'CONFLICT']);
    expect(refused.text).not.toMatch(new RegExp(`Canary|${first.id}|${mine.provider.id}`));
    expect(await outcomes(second.id)).toEqual([{ outcome: 'failed', domain, by: 'dns', why: 'taken' }]);
    const operator = await person(null, 'super_admin');
    expect((await verify(theirs.provider, domain, operator.token, { approve: true })).status).toBe(409);
    expect(await offered(domain)).toEqual([mine.provider.id]);
    const body = { allowedDomains: [newDomain()] };
    expect((await call('PATCH', `/oidc-providers/${mine.provider.id}`, { token: mine.token, body })).status).toBe(200);
    expect((await verify(theirs.provider, domain, theirs.token)).status).toBe(200);
    expect(await offered(domain)).toEqual([theirs.provider.id]);
  });

  test('at the same moment as another tenant: one is first', async () => {
    const domain = newDomain();
    const both = await Promise.all([entered(await tenant(), [domain]), entered(await tenant(), [domain])]);
    await putRecord(domain, { texts: both.map(({ provider: of }) => domainOf(of, domain).txtValue) });
    const answers = await Promise.all(both.map(({ provider: of, token }) => verify(of, domain, token)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect(await offered(domain)).toHaveLength(1);
  });

  test('holds for the tenant’s other providers, and is kept while the domains around it change', async () => {
    const [domain, other] = [newDomain(), newDomain()];
    const here = await tenant();
    const { provider: of, token } = await entered(here, [domain]);
    const { provider: sibling } = await entered(here, [domain]);
    await putRecord(domain, { texts: [domainOf(of, domain).txtValue] });
    const proven = domainOf((await verify(of, domain, token)).body.data as OidcProvider, domain).verifiedAt;
    const third = await entered(here, [other, domain]);
    expect(domainOf(third.provider, domain).verifiedAt).toBe(proven);
    expect((await offered(domain)).toSorted()).toEqual([of.id, sibling.id, third.provider.id].toSorted());
    const change = async (allowedDomains: string[]) =>
      (await call('PATCH', `/oidc-providers/${of.id}`, { token, body: { allowedDomains } })).body.data as OidcProvider;
    expect((await change([other, domain])).domains.map(({ verifiedAt }) => verifiedAt)).toEqual([null, proven]);
    const stranger = await entered(await tenant(), [domain]);
    expect(domainOf(stranger.provider, domain).verifiedAt).toBeNull();
  });
});

describe('the operator', () => {
  test('approves a domain without a record, and the log says who', async () => {
    const domain = newDomain();
    const here = await tenant();
    const { provider: of } = await entered(here, [domain]);
    const operator = await person(null, 'super_admin');
    const elsewhere = await verify(of, domain, operator.token, { approve: true }, `?tenantId=${(await tenant()).id}`);
    expect(elsewhere.status).toBe(404);
    const answer = await verify(of, domain, operator.token, { approve: true }, `?tenantId=${here.id}`);
    expect(answer.status, answer.text).toBe(200);
    expect(await offered(domain)).toEqual([of.id]);
    expect(await outcomes(here.id)).toEqual([{ outcome: 'success', domain, by: 'operator' }]);
    expect(await entriesOf(here.id, 'oidc_domain.verify')).toMatchObject([{ actorId: operator.userId }]);
  });

  test('is the only one who may', async () => {
    const domain = newDomain();
    const here = await tenant();
    const { provider: of, token } = await entered(here, [domain]);
    const refused = await verify(of, domain, token, { approve: true });
    expect([refused.status, refused.body.error.details]).toEqual([403, { required: 'admin:manage' }]);
    const { key } = await apiKey(here, ['settings:manage']);
    expect((await verify(of, domain, key, { approve: true })).status).toBe(403);
    expect((await verify(of, domain, token, { approve: false })).status).toBe(400);
    expect(await offered(domain)).toEqual([]);
  });
});
