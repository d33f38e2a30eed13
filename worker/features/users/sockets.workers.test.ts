import { Secret, TOTP } from 'otpauth';
import { describe, expect, test } from 'vitest';
import { mfaSetupSchema, recoveryCodesSchema } from '#contracts/auth';
import { closeCode, liveTicketSchema } from '#contracts/live';
import { exports } from 'cloudflare:workers';
import { call, link, origin, person, tenant } from '#test/workers/harness';

/** A fresh ticket, as the path that it opens. */
async function ticketOf(token: string, query = ''): Promise<string> {
  const { url } = liveTicketSchema.parse((await call('POST', `/live/tickets${query}`, { token })).body.data);
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

/** A socket with what it has been sent, and the code it was closed with once it is. */
async function connect(path: string) {
  const request = new Request(`${origin}${path}`, { headers: { upgrade: 'websocket' } });
  const { webSocket } = await exports.default.fetch(request);
  if (webSocket === null) throw new Error('no socket');
  let code: number | null = null;
  const messages: string[] = [];
  webSocket.addEventListener('close', (event) => {
    code = event.code;
  });
  webSocket.addEventListener('message', ({ data }) => {
    messages.push(String(data));
  });
  webSocket.accept();
  return { webSocket, messages, code: () => code };
}

/** A socket that has its picture. */
async function open(token: string, query = '') {
  const { webSocket, messages, code } = await connect(await ticketOf(token, query));
  webSocket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
  await expect.poll(() => messages.some((message) => message.includes('"snapshot"'))).toBe(true);
  return { code, close: () => webSocket.close() };
}

describe('live sockets', () => {
  for (const [what, method, end, body] of [
    ['a suspension', 'POST', '/suspend', undefined],
    ['a deletion', 'DELETE', '', undefined],
    ['a changed role', 'PATCH', '', { role: 'viewer' }],
  ] as const) {
    test(`${what} closes theirs within a second, and nobody else’s`, async () => {
      const home = await tenant();
      const [admin, them, other] = [
        await person(home, 'fleet_admin'),
        await person(home, 'dispatcher'),
        await person(home, 'dispatcher'),
      ];
      const [theirs, others] = [await open(them.token), await open(other.token)];
      const answer = await call(method, `/users/${them.userId}${end}`, { token: admin.token, body });
      expect(answer.status).toBeLessThan(300);
      await expect.poll(theirs.code, { timeout: 1_000 }).toBe(closeCode.sessionRevoked);
      expect(others.code()).toBeNull();
      others.close();
    });
  }

  test('a changed name closes nothing', async () => {
    const home = await tenant();
    const [admin, them] = [await person(home, 'fleet_admin'), await person(home, 'dispatcher')];
    const theirs = await open(them.token);
    await call('PATCH', `/users/${them.userId}`, { token: admin.token, body: { name: 'Renamed' } });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(theirs.code()).toBeNull();
    theirs.close();
  });

  test('a tenant that is switched off loses every socket, its dealers only its trucks', async () => {
    const [dealer, home] = [await tenant('dealer'), await tenant()];
    await link(dealer, home);
    const operator = await person(null, 'super_admin');
    const [them, dealers] = [await person(home, 'viewer'), await person(dealer, 'viewer')];
    const sockets = [await open(them.token), await open(operator.token, `?tenantId=${home.id}`)];
    const theirs = await open(dealers.token);
    const off = await call('PATCH', `/admin/tenants/${home.id}`, { token: operator.token, body: { isActive: false } });
    expect(off.status, off.text).toBe(200);
    for (const socket of sockets) await expect.poll(socket.code, { timeout: 1_000 }).toBe(closeCode.sessionRevoked);
    expect(theirs.code()).toBeNull();
    theirs.close();
  });

  test('a ticket asked for a moment before opens nothing after', async () => {
    const home = await tenant();
    const operator = await person(null, 'super_admin');
    const [suspended, colleague] = [await person(home, 'viewer'), await person(home, 'viewer')];
    const tickets = [await ticketOf(suspended.token), await ticketOf(colleague.token)];
    await call('PATCH', `/admin/drivers/${suspended.userId}/suspend`, { token: operator.token });
    await call('PATCH', `/admin/tenants/${home.id}`, { token: operator.token, body: { isActive: false } });
    for (const path of tickets) {
      const { code } = await connect(path);
      await expect.poll(code, { timeout: 1_000 }).toBe(closeCode.unauthenticated);
    }
  });

  test('a second factor that becomes a duty closes the sockets of those who have none', async () => {
    const home = await tenant();
    const operator = await person(null, 'super_admin');
    const them = await person(home, 'viewer');
    const theirs = await open(them.token);
    const body = { requireMfa: true };
    expect((await call('PATCH', `/admin/tenants/${home.id}`, { token: operator.token, body })).status).toBe(200);
    await expect.poll(theirs.code, { timeout: 1_000 }).toBe(closeCode.sessionRevoked);
    expect((await call('GET', '/vehicles', { token: them.token })).status).toBe(403);
    expect((await call('POST', '/live/tickets', { token: them.token })).status).toBe(403);
    // The session lives on: with the factor set up in it, the picture is there again.
    const setUp = await call('POST', '/auth/mfa/setup', { token: them.token });
    const { secret } = mfaSetupSchema.parse(setUp.body.data);
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
    expect((await call('POST', '/auth/mfa/enable', { token: them.token, body: { code } })).status).toBe(200);
    (await open(them.token)).close();
  });

  test('a second factor given up where it is a duty closes the own socket too', async () => {
    const them = await person(await tenant('fleet', { requireMfa: true }), 'viewer');
    const setUp = await call('POST', '/auth/mfa/setup', { token: them.token });
    const { secret } = mfaSetupSchema.parse(setUp.body.data);
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    const enabled = await call('POST', '/auth/mfa/enable', { token: them.token, body: { code: totp.generate() } });
    const [code] = recoveryCodesSchema.parse(enabled.body.data).recoveryCodes;
    const theirs = await open(them.token);
    expect((await call('DELETE', '/auth/mfa', { token: them.token, body: { code } })).status).toBe(204);
    await expect.poll(theirs.code, { timeout: 1_000 }).toBe(closeCode.sessionRevoked);
  });
});
