import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { db, origin, tenant } from '#test/workers/harness';
import {
  account,
  choose,
  entriesOf,
  expectNobodyLetIn,
  Jar,
  land,
  leave,
  navigate,
  provider,
  somebody,
  walk,
} from '#test/workers/sso-walk';
import { oidcProviders, users } from '#worker/db/schema/index';
import { configOf } from '#worker/env';
import { newId } from '#worker/ids';
import { openVault, platformOwner } from '#worker/secrets/vault';
import { depart, openWalk } from './flow.ts';

describe('a hostile answer', () => {
  test.each<[string, string]>([
    ['wrong_nonce', 'refused'],
    ['expired', 'refused'],
    ['wrong_audience', 'refused'],
    ['wrong_party', 'refused'],
    ['wrong_issuer', 'refused'],
    ['unsigned', 'refused'],
    ['shared_secret_signature', 'refused'],
    ['foreign_key', 'refused'],
    ['other_subject_in_userinfo', 'refused'],
    ['down', 'provider_unavailable'],
    ['endless', 'provider_unavailable'],
    ['redirecting', 'provider_unavailable'],
    ['slow', 'provider_unavailable'],
  ])(
    '%s: %s, nobody is made, and the log says so',
    async (persona, reason) => {
      const here = await tenant();
      const landing = await walk(await provider(here), `${persona}:sso.example`);
      expectNobodyLetIn(landing, reason);
      expect(await db.select().from(users).where(eq(users.tenantId, here.id))).toEqual([]);
      const [entry] = await entriesOf(here.id, 'sign_in');
      expect(entry?.outcome).toBe(reason === 'refused' ? 'denied' : 'failed');
      expect(JSON.parse(entry?.after ?? '{}')).toMatchObject({ method: 'oidc', reason });
    },
    15_000,
  );

  test.each<[string, string]>([
    ['honest:unverified:sso.example', 'email_not_verified'],
    ['honest:elsewhere.example', 'domain_not_allowed'],
    ['honest:nameless:sso.example', 'no_email'],
  ])('%s is not enough: %s', async (personId, why) => {
    const here = await tenant();
    expectNobodyLetIn(await walk(await provider(here), personId), 'not_allowed');
    const [entry] = await entriesOf(here.id, 'sign_in');
    expect(JSON.parse(entry?.after ?? '{}')).toMatchObject({ why });
  });

  test('an unverified address does not open the account that has it', async () => {
    const here = await tenant();
    await account(here, 'honest@sso.example');
    expectNobodyLetIn(await walk(await provider(here), 'honest:unverified:sso.example'), 'not_allowed');
  });

  test('an answer in the name of another issuer, or of none, is refused', async () => {
    const of = await provider(await tenant());
    for (const change of [
      (url: URL) => url.searchParams.set('iss', 'https://login.elsewhere.example'),
      (url: URL) => url.searchParams.delete('iss'),
    ]) {
      const jar = new Jar();
      const url = new URL(await choose(await leave(of, jar), somebody().id));
      change(url);
      expectNobodyLetIn(await land(url.href, jar), 'refused');
    }
  });

  test('the code of another walk is refused: its secret is not in this browser', async () => {
    const of = await provider(await tenant());
    const [victim, attacker] = [new Jar(), new Jar()];
    const mine = new URL(await choose(await leave(of, attacker), somebody().id));
    const theirs = new URL(await choose(await leave(of, victim), somebody().id));
    theirs.searchParams.set('code', mine.searchParams.get('code') ?? '');
    expectNobodyLetIn(await land(theirs.href, victim), 'refused');
  });

  test('turning back is cancelled, and not a refusal worth noting', async () => {
    const here = await tenant();
    const landing = await walk(await provider(here), null, '/alerts');
    expectNobodyLetIn(landing, 'cancelled');
    expect(landing.next).toBe('/alerts');
    expect(await entriesOf(here.id, 'sign_in')).toEqual([]);
  });
});

describe('the way back', () => {
  test('without the cookie, with another state, or with a broken cookie is expired', async () => {
    const of = await provider(await tenant());
    const jar = new Jar();
    const back = await choose(await leave(of, jar), somebody().id);
    expectNobodyLetIn(await land(back, new Jar()), 'expired');
    for (const state of ['', 'x', 'A'.repeat(43), '../../x']) {
      const url = new URL(back);
      url.searchParams.set('state', state);
      const own = new Jar();
      jar.cookies.forEach((value, name) => own.cookies.set(name, value));
      expectNobodyLetIn(await land(url.href, own), 'expired');
    }
    const [name = '', value = ''] = [...jar.cookies][0] ?? [];
    for (const broken of ['x', value.slice(0, -2), value.replace(/\.[^.]+$/, '.AAAA'), `v1.999.${value.slice(5)}`]) {
      const own = new Jar();
      own.cookies.set(name, broken);
      expectNobodyLetIn(await land(back, own), 'expired');
    }
  });

  test('counts once', async () => {
    const of = await provider(await tenant());
    const jar = new Jar();
    const back = await choose(await leave(of, jar), somebody().id);
    const kept = new Map(jar.cookies);
    expect((await land(back, jar)).sso).toBe('done');
    expect((await land(back, jar)).sso).toBe('expired');
    // Even with the cookie put back by hand: the provider takes a code once.
    const again = new Jar();
    kept.forEach((value, name) => again.cookies.set(name, value));
    expectNobodyLetIn(await land(back, again), 'refused');
  });

  test('leads to the provider it began with, no other', async () => {
    const here = await tenant();
    const [one, other] = [await provider(here), await provider(here)];
    const jar = new Jar();
    const back = await choose(await leave(one, jar), somebody().id);
    expectNobodyLetIn(await land(back.replace(one.id, other.id), jar), 'expired');
  });

  test('is open for ten minutes', async () => {
    const vault = await openVault(db, configOf(env), platformOwner);
    const now = new Date();
    const of = await provider(await tenant());
    const [row] = await db.select().from(oidcProviders).where(eq(oidcProviders.id, of.id));
    if (row === undefined) throw new Error('no provider');
    const departure = await depart(row, { vault, redirectUri: `${origin}/x`, next: '/', now, allowLocal: true });
    const state = new URL(departure.url).searchParams.get('state') ?? '';
    const open = (at: Date) => openWalk(vault, { providerId: of.id, state, cookie: departure.cookieValue, now: at });
    expect(await open(new Date(now.getTime() + 599_000))).toMatchObject({ next: '/' });
    await expect(open(new Date(now.getTime() + 600_000))).rejects.toMatchObject({ reason: 'expired' });
  });

  test('in two tabs at once works for both', async () => {
    const of = await provider(await tenant());
    const jar = new Jar();
    const person = somebody();
    const [first, second] = [await leave(of, jar, '/alerts'), await leave(of, jar, '/vehicles')];
    expect(jar.cookies.size).toBe(2);
    const [two, one] = [await choose(second, person.id), await choose(first, person.id)];
    const landings = await Promise.all([land(one, jar), land(two, jar)]);
    expect(landings.map(({ sso, next }) => [sso, next])).toEqual([
      ['done', '/alerts'],
      ['done', '/vehicles'],
    ]);
  });

  test('many tabs do not pile up cookies', async () => {
    const of = await provider(await tenant());
    const jar = new Jar();
    for (let tab = 0; tab < 8; tab += 1) await leave(of, jar);
    expect(jar.cookies.size).toBe(5);
  });
});

describe('leaving', () => {
  test('carries state, nonce and PKCE to the provider, and keeps the rest in a sealed cookie', async () => {
    const of = await provider(await tenant());
    const answer = await navigate(`/auth/oidc/${of.id}/start?next=/alerts`, new Jar());
    expect(answer.status).toBe(302);
    const { searchParams } = new URL(answer.headers.get('location') ?? '');
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: of.clientId,
      redirect_uri: `${origin}/api/v1/auth/oidc/${of.id}/callback`,
      response_type: 'code',
      scope: 'openid profile email',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^truckiq_sso_[\w-]{16}=v1\./);
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/api/v1/auth/oidc', 'Max-Age=600']) {
      expect(cookie).toContain(attribute);
    }
    expect(cookie).not.toContain('alerts');
    expect(cookie).not.toContain(searchParams.get('nonce'));
  });

  test('an unknown provider is 404, a way that leads elsewhere 400, one that does not answer a word', async () => {
    const of = await provider(await tenant());
    for (const id of [crypto.randomUUID(), newId(), 'x', '%00', "'--"]) {
      for (const end of ['start', 'callback?code=x&state=y']) {
        expect((await navigate(`/auth/oidc/${id}/${end}`, new Jar())).status, `${id} ${end}`).toBe(404);
      }
    }
    for (const next of ['https://evil.example', '//evil.example', '/\\evil.example', 'x']) {
      const answer = await navigate(`/auth/oidc/${of.id}/start?next=${encodeURIComponent(next)}`, new Jar());
      expect(answer.status, next).toBe(400);
    }
    const nowhere = await provider(await tenant(), { issuer: 'http://127.0.0.1:9' });
    const answer = await navigate(`/auth/oidc/${nowhere.id}/start?next=/x`, new Jar());
    expect(answer.headers.get('location')).toBe('/sign-in?sso=provider_unavailable&next=%2Fx');
    expect(answer.headers.get('set-cookie')).toBeNull();
  });
});

test('nothing secret stands in an address of ours, in an answer, or in the log', async () => {
  const lines: string[] = [];
  const spies = (['log', 'error', 'warn', 'info'] as const).map((level) =>
    vi.spyOn(console, level).mockImplementation((...words: unknown[]) => void lines.push(words.join(' '))),
  );
  const of = await provider(await tenant());
  const secrets: string[] = [];
  for (const personId of [somebody().id, 'wrong_nonce:sso.example']) {
    const jar = new Jar();
    const away = new URL(await leave(of, jar));
    secrets.push(...['state', 'nonce', 'code_challenge'].map((name) => away.searchParams.get(name) ?? 'x'));
    secrets.push(...jar.cookies.values());
    const back = await choose(away.href, personId);
    secrets.push(new URL(back).searchParams.get('code') ?? 'x');
    const { location, response } = await land(back, jar);
    expect([...new URL(location, origin).searchParams.keys()]).toEqual(['sso']);
    expect(await response.text()).toBe('');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    secrets.push(...jar.cookies.values());
  }
  spies.forEach((spy) => spy.mockRestore());
  expect(lines.filter((line) => line.includes('"event":"request"')).length).toBeGreaterThanOrEqual(4);
  expect(secrets.length).toBe(2 * 5 + 1);
  expect(secrets.filter((secret) => secret.length < 40)).toEqual([]);
  expect(lines.filter((line) => secrets.some((secret) => line.includes(secret)))).toEqual([]);
});
