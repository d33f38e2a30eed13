import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { origin } from '#test/workers/harness';
import { createApp } from '../app.ts';

const ctx: unknown = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
const ask = (bindings: Partial<typeof env>, ip: string, path = '/api/health') =>
  createApp().request(
    `${origin}${path}`,
    { headers: { 'cf-connecting-ip': ip } },
    { ...env, ...bindings },
    ctx as ExecutionContext,
  );
const shieldThat = (limit: (key: string) => Promise<{ success: boolean }>): RateLimit => ({
  limit: ({ key }) => limit(key),
});

describe('the shield', () => {
  test('refuses a flood by address before anything else is asked, with the headers of every answer', async () => {
    const prepare = vi.fn(() => {
      throw new Error('D1 was asked');
    });
    const DB = new Proxy(env.DB, { get: (target, name) => (name === 'prepare' ? prepare : Reflect.get(target, name)) });
    const SHIELD = shieldThat(async (key) => ({ success: key !== '203.0.113.1' }));
    const answer = await ask({ SHIELD, DB }, '203.0.113.1');
    expect(answer.status).toBe(429);
    expect(await answer.json()).toMatchObject({ error: { code: 'RATE_LIMITED' } });
    expect(prepare).not.toHaveBeenCalled();
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'ratelimit-limit': '30000',
      'ratelimit-remaining': '0',
      'ratelimit-reset': '60',
      'retry-after': '60',
      'x-request-id': expect.any(String),
    });
    expect((await ask({ SHIELD }, '203.0.113.2')).status).toBe(200);
  });

  test('takes a /64 of IPv6 for one address', async () => {
    const keys: string[] = [];
    const SHIELD = shieldThat(async (key) => ({ success: keys.push(key) > 0 }));
    for (const ip of ['2001:db8:a:b::1', '2001:db8:a:b:9::2', '::ffff:203.0.113.3']) await ask({ SHIELD }, ip);
    expect(keys).toEqual(['2001:db8:a:b::/64', '2001:db8:a:b::/64', '203.0.113.3']);
  });

  test('lets through when it does not answer, and where there is none', async () => {
    const SHIELD = shieldThat(() => Promise.reject(new Error('down')));
    expect((await ask({ SHIELD }, '203.0.113.1')).status).toBe(200);
    const { SHIELD: _none, ...without } = env;
    expect((await createApp().request(`${origin}/api/health`, {}, without, ctx as ExecutionContext)).status).toBe(200);
  });

  test('is bound', async () => {
    expect(await env.SHIELD?.limit({ key: 'one' })).toEqual({ success: true });
  });
});

describe('whose address counts', () => {
  test('where the platform does not write the header, everybody is the loopback address', async () => {
    const limited = { RATE_LIMIT_PER_MINUTE: '1', TRUST_CONNECTING_IP: 'false' };
    const answers = [];
    for (let n = 0; n < 7; n += 1) answers.push((await ask(limited, `203.0.113.${n}`)).status);
    expect(answers).toEqual([200, 200, 200, 200, 200, 200, 429]);
  });

  test('of IPv6 a /64 has one count', async () => {
    const limited = { RATE_LIMIT_PER_MINUTE: '1', TRUST_CONNECTING_IP: 'true' };
    const answers = [];
    for (let n = 0; n < 7; n += 1) answers.push((await ask(limited, `2001:db8:c:d::${n}`)).status);
    expect(answers).toEqual([200, 200, 200, 200, 200, 200, 429]);
    expect((await ask(limited, '2001:db8:c:e::1')).status).toBe(200);
  });

  test('where it does, each address has its own count; guessing secrets has a smaller one', async () => {
    const limited = { RATE_LIMIT_PER_MINUTE: '1', TRUST_CONNECTING_IP: 'true' };
    for (let n = 0; n < 8; n += 1) expect((await ask(limited, `198.51.100.${n}`)).status).toBe(200);
    const login = () =>
      createApp().request(
        `${origin}/api/v1/auth/login`,
        { method: 'POST', headers: { 'cf-connecting-ip': '198.51.100.99' } },
        { ...env, ...limited },
        ctx as ExecutionContext,
      );
    const answers = [await login(), await login(), await login(), await login()];
    expect(answers.map((answer) => answer.headers.get('ratelimit-limit'))).toEqual(['3', '3', '3', '3']);
    expect(answers.map((answer) => answer.status)).toEqual([400, 400, 400, 429]);
    expect((await ask(limited, '198.51.100.99')).status).toBe(200);
  });
});
