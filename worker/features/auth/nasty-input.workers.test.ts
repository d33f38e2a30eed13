import { expect, test } from 'vitest';
import { account, password } from '#test/workers/accounts';
import { call } from '#test/workers/harness';

const sql = "'; DROP TABLE users; -- \" OR ''='";
const nasty: unknown[] = [
  ...[
    sql,
    '',
    ' ',
    '\0',
    '\uD800',
    '\u202Ekcis',
    '\u{1F69B}'.repeat(500),
    'x'.repeat(1000),
    '%00',
    '${jndi:x}',
    '../..',
  ],
  ...[0, -1, 1e308, true, null, [], {}, { $gt: '' }, [sql], { toString: 'x' }],
];
const email = 'right@tenant.example';

/** Every body of the sign-in's routes, right but for the one field that is replaced. */
const bodies: Record<string, Record<string, unknown>> = {
  '/auth/login': { email, password, totp: '123456', delivery: 'body' },
  '/auth/refresh': { refreshToken: 'rt_x' },
  '/auth/password-reset': { email },
  '/auth/password-reset/confirm': { token: 'pr_x', newPassword: password },
  '/auth/accept-invitation': { token: 'inv_x', name: 'N', password, delivery: 'body' },
  '/auth/sign-up': { company: 'C', name: 'N', email, password: 'weak', delivery: 'body' },
  '/setup': { token: 'x', email, password: 'weak' },
  '/auth/password': { currentPassword: 'x', newPassword: 'weak' },
  '/auth/mfa/enable': { code: '123456' },
  '/auth/mfa/recovery-codes': { code: '123456' },
};

const isSignedIn = (path: string) => /^\/auth\/(password$|mfa)/.test(path);

test.each(Object.keys(bodies))(
  '%s answers anything in any field with a clear 4xx',
  { timeout: 60_000 },
  async (path) => {
    const right = bodies[path] ?? {};
    for (const field of [...Object.keys(right), '__proto__', 'constructor']) {
      // Somebody and somewhere new for each field: the limits on requests are not what is tried here.
      const signedIn = isSignedIn(path) ? { token: (await account()).token } : {};
      const headers = { 'cf-connecting-ip': crypto.randomUUID() };
      for (const value of nasty) {
        // Written by hand: an object literal would take __proto__ for its prototype.
        const rest = Object.entries(right).filter(([name]) => name !== field);
        const body = `{${[...rest, [field, value]].map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join()}}`;
        const answer = await call('POST', path, { body, headers, ...signedIn });
        const what = `${path} ${body.slice(0, 200)} → ${answer.text.slice(0, 200)}`;
        if (path === '/auth/password-reset' && answer.status === 202) continue;
        expect([400, 401, 409, 423], what).toContain(answer.status);
        expect(answer.body.error.code, what).toMatch(/^[A-Z_]+$/);
      }
    }
  },
);
