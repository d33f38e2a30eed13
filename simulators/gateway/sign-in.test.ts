import { describe, expect, it } from 'vitest';
import { loginTokens, retryAfterMs, SignInError } from './sign-in.ts';

const user = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  email: 'admin@blueridge.example',
  name: 'Admin',
  role: 'fleet_admin',
  tenantId: '01890a5d-ac96-774b-bcce-b302099a8058',
  tenantName: 'Blue Ridge Freight',
  permissions: ['telemetry:write'],
};

/** An API that gives token-1, token-2, … or what `refuse` says. */
function tokensFrom(refuse: (attempt: number) => Response | null = () => null) {
  let attempts = 0;
  const bodies: unknown[] = [];
  const getToken = loginTokens({
    apiBaseUrl: 'http://api.test',
    credentialsOf: (name) => (name === 'Nobody' ? null : { email: user.email, password: 'Demo-Truck-2026!' }),
    fetch: (input, init) => {
      attempts += 1;
      expect(input).toBe('http://api.test/api/v1/auth/login');
      bodies.push(JSON.parse(String(init?.body)));
      const data = { accessToken: `token-${attempts}`, expiresIn: 900, refreshToken: 'r', user };
      return Promise.resolve(refuse(attempts) ?? Response.json({ data }));
    },
  });
  return { getToken, bodies, attempts: () => attempts };
}

describe('gateway sign-in', () => {
  it('says when to ask again: soon, then long after a refused password, as told when told', async () => {
    const problem = async (response: Response, attempts = 1) => {
      const api = tokensFrom(() => response.clone());
      for (let before = 1; before < attempts; before += 1) await api.getToken('Blue Ridge Freight').catch(() => null);
      const error: unknown = await api.getToken('Blue Ridge Freight').catch((e: unknown) => e);
      if (!(error instanceof SignInError)) throw new Error('expected a SignInError');
      return error.retryAfterMs;
    };
    expect(await problem(new Response('{}', { status: 401 }))).toBe(20_000);
    expect(await problem(new Response('{}', { status: 401 }), 2)).toBe(900_000);
    expect(await problem(new Response('{}', { status: 423, headers: { 'Retry-After': '1800' } }))).toBe(1_800_000);
    expect(await problem(new Response('{}', { status: 503 }))).toBe(2000);
    expect(await problem(Response.json({ data: { accessToken: 1 } }))).toBe(2000);
    await expect(tokensFrom().getToken('Nobody')).rejects.toThrow('no sign-in for Nobody');
  });

  it('signs in once for everybody who asks and keeps the token', async () => {
    const api = tokensFrom();
    const tokens = await Promise.all([1, 2, 3].map(() => api.getToken('Blue Ridge Freight')));
    expect(tokens).toEqual(['token-1', 'token-1', 'token-1']);
    expect(await api.getToken('Blue Ridge Freight')).toBe('token-1');
    expect(api.bodies).toEqual([{ email: user.email, password: 'Demo-Truck-2026!', delivery: 'body' }]);
  });

  it('signs in again when the token was refused, and once only', async () => {
    const api = tokensFrom();
    await api.getToken('Blue Ridge Freight');
    const again = await Promise.all([1, 2].map(() => api.getToken('Blue Ridge Freight', 'token-1')));
    expect(again).toEqual(['token-2', 'token-2']);
    expect(await api.getToken('Blue Ridge Freight', 'token-1')).toBe('token-2');
    expect(api.attempts()).toBe(2);
  });

  it('asks again after a failure', async () => {
    const api = tokensFrom((attempt) => (attempt === 1 ? new Response('', { status: 500 }) : null));
    await expect(api.getToken('Blue Ridge Freight')).rejects.toThrow('500');
    expect(await api.getToken('Blue Ridge Freight')).toBe('token-2');
  });

  it('reads Retry-After in seconds only', () => {
    const header = (value: string) => retryAfterMs(new Response('', { headers: { 'Retry-After': value } }), 7);
    expect([header('12'), header('soon'), header('-1')]).toEqual([12_000, 7, 7]);
  });
});
