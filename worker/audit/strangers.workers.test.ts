/** No stranger fills the log; and no flood about nobody keeps what concerns somebody out of it. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, test, vi } from 'vitest';
import { account, auditOf, password } from '#test/workers/accounts';
import { auditEntriesOf, origin } from '#test/workers/harness';
import { createApp } from '#worker/app';
import { isWorthAnEntry, type Target } from './strangers.ts';
import { AuditTrail } from './trail.ts';

const minuteMs = Math.floor(Date.now() / 60_000) * 60_000;
const action = { tenantId: null, action: 'sign_in', resourceType: 'user', resourceId: null };
/** Two entries a minute of one address or about one target, thirty altogether. */
const few = { ...env, RATE_LIMIT_PER_MINUTE: '10' };
const worth = (ip: string, target: Target | null = null, at = minuteMs, bindings: object = few) => {
  const actor = { actorType: 'anonymous', actorId: null, ip, userAgent: null, requestId: null } as const;
  return isWorthAnEntry({ ...few, ...bindings }, new AuditTrail(actor, new Date(at)), action, target);
};
const countOf = async (verdicts: Promise<boolean>[]) => (await Promise.all(verdicts)).filter(Boolean).length;
const times = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/** All requests of a test lie in one minute. */
function holdClock(): void {
  vi.useFakeTimers({ now: Math.floor(Date.now() / 60_000) * 60_000 + 1_000, toFake: ['Date'] });
}
afterEach(() => void vi.useRealTimers());

test('of one address, or one /64, a few a minute; of all together fifteen times as many', async () => {
  expect(await countOf(times(6, () => worth('203.0.113.1', null, minuteMs, env)))).toBe(6);
  expect(await countOf(times(6, () => worth('203.0.113.2')))).toBe(2);
  expect(await countOf(times(6, (n) => worth(`2001:db8::${n}`)))).toBe(2);
  expect(await worth('203.0.113.2', null, minuteMs + 60_000)).toBe(true);
  // A minute of its own, from as many addresses as it likes.
  const later = minuteMs + 120_000;
  expect(await countOf(times(40, (n) => worth(`198.51.100.${n}`, null, later)))).toBe(30);
});

test('one address that floods leaves the others their share', async () => {
  const at = minuteMs + 480_000;
  await Promise.all(times(60, () => worth('203.0.113.1', null, at)));
  expect(await countOf(times(3, (n) => worth(`198.51.100.${n}`, null, at)))).toBe(3);
});

test('what concerns somebody has a count of its own', async () => {
  const at = minuteMs + 240_000;
  const known = (name: string) => ({ name, isKnown: true });
  await Promise.all(times(40, (n) => worth(`198.51.100.${n}`, null, at)));
  expect(await worth('203.0.113.9', null, at)).toBe(false);
  expect(await worth('203.0.113.9', { name: 'nobody', isKnown: false }, at)).toBe(false);
  expect(await countOf(times(6, (n) => worth(`203.0.113.${n}`, known('one'), at)))).toBe(2);
  expect(await worth('203.0.113.9', known('other'), at)).toBe(true);
});

test('without counters only what concerns somebody is written', async () => {
  const failing = { get: () => ({ take: () => Promise.reject(new Error('down')) }), idFromName: () => ({}) };
  const down = { RATE_COUNTER: failing };
  const at = minuteMs + 360_000;
  expect(await worth('203.0.113.20', null, at, down)).toBe(false);
  expect(await worth('203.0.113.20', { name: 'x', isKnown: true }, at, down)).toBe(true);
});

const ask = async (path: string, ip: string, init: { body?: object; token?: string } = {}) => {
  const ctx = createExecutionContext();
  const { body, token } = init;
  const answer = await createApp().fetch(
    new Request(`${origin}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...{ 'cf-connecting-ip': ip, 'content-type': 'application/json' },
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
    few,
    ctx,
  );
  const { status } = answer;
  const { error } = await answer.json<{ error?: { code: string } }>();
  await waitOnExecutionContext(ctx);
  return [status, error?.code];
};
const onPlatform = async (ip: string) => (await auditEntriesOf('platform')).filter((entry) => entry.ip === ip);

test.each([
  ['forged tokens', '203.0.113.31', '/vehicles', { token: 'a.b.c' }, [401, 'UNAUTHENTICATED']],
  [
    'unknown invitations',
    '203.0.113.32',
    '/auth/accept-invitation',
    { body: { token: 'inv_x', name: 'X', password } },
    [400, 'VALIDATION_FAILED'],
  ],
  [
    'invented reset links',
    '203.0.113.33',
    '/auth/password-reset/confirm',
    { body: { token: 'pr_x', newPassword: password } },
    [400, 'VALIDATION_FAILED'],
  ],
  [
    'wrong setup tokens',
    '203.0.113.34',
    '/setup',
    { body: { token: 'x', email: 'x@nobody.example', password } },
    [401, 'INVALID_CREDENTIALS'],
  ],
  [
    'resets of unknown addresses',
    '203.0.113.35',
    '/auth/password-reset',
    { body: { email: 'x@nobody.example' } },
    [202, undefined],
  ],
] as const)('%s: the answer stays the same, the entries end', async (_, ip, path, init, answer) => {
  holdClock();
  const answers = [];
  for (let n = 0; n < 5; n += 1) answers.push(await ask(path, ip, init));
  expect(answers).toEqual(times(5, () => answer));
  expect(await onPlatform(ip)).toHaveLength(2);
});

test('sign-in at unknown addresses: refused and locked as ever, the entries end', async () => {
  holdClock();
  const ip = '203.0.113.40';
  const answers = [];
  for (let n = 0; n < 5; n += 1) {
    answers.push(await ask('/auth/login', ip, { body: { email: 'stranger@nobody.example', password: 'wrong' } }));
  }
  const locked = [423, 'ACCOUNT_LOCKED'];
  expect(answers).toEqual([[401, 'INVALID_CREDENTIALS'], [401, 'INVALID_CREDENTIALS'], locked, locked, locked]);
  expect(await onPlatform(ip)).toHaveLength(2);
  const other = '203.0.113.41';
  for (let n = 0; n < 4; n += 1) {
    const body = { email: `stranger${n}@nobody.example`, password: 'wrong' };
    expect(await ask('/auth/login', other, { body })).toEqual([401, 'INVALID_CREDENTIALS']);
  }
  expect(await onPlatform(other)).toHaveLength(2);
});

test('sign-in at somebody’s address: knocking at a locked account does not fill its tenant’s log', async () => {
  holdClock();
  const { email, of } = await account();
  for (let n = 0; n < 9; n += 1) {
    await ask('/auth/login', `203.0.113.${50 + n}`, { body: { email, password: 'wrong' } });
  }
  expect(await auditOf(of?.id ?? '')).toEqual(['sign_in denied wrong_password', 'sign_in denied wrong_password']);
});
