import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createMemory } from './memory.ts';
import { choosePage } from './pages.ts';
import { personas, type IdentityPerson, type Persona } from './people.ts';
import { startIdentityProvider, type IdentityProvider } from './start.ts';

const client = { client_id: 'test', client_secret: 'test-secret-of-some-length' };
const redirectUri = 'http://client.example/callback';
/** A verifier and its S256 challenge (RFC 7636, appendix B). */
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

const people: IdentityPerson[] = personas.map((persona) => ({
  ...{ id: persona, name: `<b>${persona}</b>`, email: `${persona}@directory.example` },
  ...{ isEmailVerified: true, persona },
}));

const notices: string[] = [];
const listener = createServer((request: IncomingMessage, response) => {
  let text = '';
  request.on('data', (chunk: Buffer) => (text += chunk.toString()));
  request.on('end', () => {
    notices.push(new URLSearchParams(text).get('logout_token') ?? '');
    response.writeHead(204).end();
  });
});
let provider: IdentityProvider;

beforeAll(async () => {
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  provider = await startIdentityProvider({
    port: 0,
    people,
    slowMs: 200,
    clients: [
      {
        ...client,
        redirect_uris: [redirectUri],
        backchannel_logout_uri: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`,
        backchannel_logout_session_required: true,
      },
    ],
  });
});
afterAll(async () => {
  await provider.stop();
  listener.close();
});

type Jar = Map<string, string>;
async function go(jar: Jar, url: string, form?: Record<string, string>): Promise<Response> {
  const answer = await fetch(new URL(url, provider.url), {
    redirect: 'manual',
    headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
    ...(form && { method: 'POST', body: new URLSearchParams(form) }),
  });
  for (const line of answer.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    jar.set(name, value);
  }
  return answer;
}
const locationOf = (answer: Response): string => answer.headers.get('location') ?? '';

const authorization = (changes: Record<string, string> = {}): string =>
  `/auth?${new URLSearchParams({
    ...{ client_id: client.client_id, redirect_uri: redirectUri, response_type: 'code', scope: 'openid email' },
    ...{ state: 'state', nonce: 'nonce', code_challenge: challenge, code_challenge_method: 'S256' },
    ...changes,
  }).toString()}`;

async function signIn(person: string, jar: Jar = new Map()): Promise<URL> {
  const page = locationOf(await go(jar, authorization()));
  const resume = locationOf(await go(jar, page, person === '' ? { cancel: 'yes' } : { person }));
  return new URL(locationOf(await go(jar, resume)));
}

async function exchange(code: string, codeVerifier = verifier): Promise<Response> {
  return fetch(`${provider.url}/token`, {
    method: 'POST',
    redirect: 'manual',
    headers: { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
    body: new URLSearchParams({
      ...{ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: codeVerifier },
    }),
  });
}
const tokenSchema = z.object({ id_token: z.string() });
const idTokenOf = async (persona: Persona): Promise<string> => {
  const back = await signIn(persona);
  return tokenSchema.parse(await (await exchange(back.searchParams.get('code') ?? '')).json()).id_token;
};

const verify = (token: string) =>
  jwtVerify(token, createRemoteJWKSet(new URL(`${provider.url}/jwks`)), {
    issuer: provider.issuer,
    audience: client.client_id,
    algorithms: ['RS256'],
  });

describe('the identity provider', () => {
  test('refuses a client without PKCE, and a code with another verifier', async () => {
    const without = new URL(authorization(), provider.url);
    without.searchParams.delete('code_challenge');
    const refused = await go(new Map(), without.href);
    expect(new URL(locationOf(refused)).searchParams.get('error')).toBe('invalid_request');
    const back = await signIn('honest');
    expect((await exchange(back.searchParams.get('code') ?? '', 'x'.repeat(43))).status).toBe(400);
  });

  test('vouches for an honest person', async () => {
    const back = await signIn('honest');
    expect(Object.fromEntries(back.searchParams)).toMatchObject({ state: 'state', iss: provider.issuer });
    const token = await idTokenOf('honest');
    const { payload } = await verify(token);
    expect(payload).toMatchObject({
      sub: 'honest',
      nonce: 'nonce',
      email: 'honest@directory.example',
      email_verified: true,
    });
  });

  test('lets a person turn back', async () => {
    expect((await signIn('')).searchParams.get('error')).toBe('access_denied');
  });

  test('shows what it knows as text', () => {
    const page = choosePage(people, '/interaction/x', '<script>');
    expect(page).not.toContain('<b>honest');
    expect(page).not.toContain('<script>');
  });

  test('signs with new keys after a rotation, and still knows its codes', async () => {
    const back = await signIn('honest');
    const before = await verify(await idTokenOf('honest'));
    await fetch(`${provider.url}/control/rotate-keys`, { method: 'POST' });
    const { id_token } = tokenSchema.parse(await (await exchange(back.searchParams.get('code') ?? '')).json());
    const after = await verify(id_token);
    expect(after.protectedHeader.kid).not.toBe(before.protectedHeader.kid);
  });

  test('tells a client when its person signs out', async () => {
    const jar: Jar = new Map();
    await exchange((await signIn('honest', jar)).searchParams.get('code') ?? '');
    const page = await (await go(jar, '/session/end')).text();
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
    await go(jar, '/session/end/confirm', { xsrf, logout: 'yes' });
    await expect.poll(() => notices.length).toBe(1);
    const { payload, protectedHeader } = await verify(notices[0] ?? '');
    expect(protectedHeader.typ).toBe('logout+jwt');
    expect(payload).toMatchObject({ sid: expect.any(String), jti: expect.any(String) });
  });

  test('is out of order when told so', async () => {
    const down = (isDown: boolean) =>
      fetch(`${provider.url}/control/down`, { method: 'POST', body: JSON.stringify({ isDown }) });
    await down(true);
    expect((await fetch(`${provider.url}/jwks`)).status).toBe(503);
    await down(false);
    expect((await fetch(`${provider.url}/jwks`)).status).toBe(200);
  });
});

describe('personas lie in one thing each', () => {
  test.each<[Persona, object]>([
    ['wrong_nonce', { nonce: expect.not.stringMatching(/^nonce$/) }],
    ['wrong_audience', { aud: 'another-client' }],
    ['wrong_party', { azp: 'another-client' }],
    ['wrong_issuer', { iss: 'https://login.elsewhere.example' }],
  ])('%s', async (persona, claims) => {
    const token = await idTokenOf(persona);
    const key = createRemoteJWKSet(new URL(`${provider.url}/jwks`));
    expect((await jwtVerify(token, key)).payload).toMatchObject({ sub: persona, ...claims });
  });

  test.each<[Persona, string]>([
    ['expired', 'ERR_JWT_EXPIRED'],
    ['foreign_key', 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'],
  ])('%s', async (persona, code) => {
    await expect(verify(await idTokenOf(persona))).rejects.toMatchObject({ code });
  });

  test('in how they sign', async () => {
    expect(decodeProtectedHeader(await idTokenOf('shared_secret_signature')).alg).toBe('HS256');
    const unsigned = await idTokenOf('unsigned');
    expect([unsigned.endsWith('.'), decodeJwt(unsigned).sub]).toEqual([true, 'unsigned']);
  });

  test('in how they answer', async () => {
    const answerTo = async (persona: Persona) => exchange((await signIn(persona)).searchParams.get('code') ?? '');
    expect((await answerTo('down')).status).toBe(503);
    expect((await answerTo('redirecting')).status).toBe(307);
    expect((await (await answerTo('endless')).text()).length).toBeGreaterThan(1_000_000);
    const startedAt = Date.now();
    await answerTo('slow');
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(200);
  });
});

test('what has expired is forgotten', async () => {
  let now = 1_000_000;
  const memory = createMemory(() => now)('Session');
  await memory.upsert('a', { uid: 'u' }, 10);
  expect(await memory.findByUid('u')).toEqual({ uid: 'u' });
  now += 10_000;
  expect(await memory.find('a')).toBeUndefined();
  expect(await memory.findByUid('u')).toBeUndefined();
});
