import { exports } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { liveTicketSchema } from '#contracts/live';
import { call, db, origin, person, tenant, type TestTenant } from '#test/workers/harness';
import {
  announceLogout,
  control,
  entriesOf,
  identityUrl,
  provider,
  signedIn,
  somebody,
  walk,
  type TestProvider,
} from '#test/workers/sso-walk';
import { sessions } from '#worker/db/schema/index';
import { newId } from '#worker/ids';
import { providerSessionId } from './people-store.ts';

const logoutEvent = { 'http://schemas.openid.net/event/backchannel-logout': {} };

interface Visit {
  here: TestTenant;
  of: TestProvider;
  personId: string;
  accessToken: string;
  userId: string;
  sessionId: string;
}

/** Somebody signed in through a provider whose session there is called `sid`. */
async function visit(sid: string, before?: Visit): Promise<Visit> {
  const here = before?.here ?? (await tenant());
  const of = before?.of ?? (await provider(here));
  const personId = before?.personId ?? somebody().id;
  const { accessToken, user } = await signedIn(await walk(of, personId));
  const rows = await db.select().from(sessions).where(eq(sessions.userId, user.id));
  const newest = rows.toSorted((a, b) => a.id.localeCompare(b.id)).at(-1);
  if (newest === undefined) throw new Error('no session');
  await db
    .update(sessions)
    .set({ providerSessionId: await providerSessionId(of.id, sid) })
    .where(eq(sessions.id, newest.id));
  return { here, of, personId, accessToken, userId: user.id, sessionId: newest.id };
}

const now = (): number => Math.floor(Date.now() / 1000);

/** A logout token by the provider's own key; `undefined` takes a claim out. */
async function logoutToken(of: TestProvider, claims: object, header: object = {}): Promise<string> {
  const whole = { iss: identityUrl, aud: of.clientId, iat: now(), exp: now() + 120, jti: newId(), events: logoutEvent };
  const { token } = await control('sign', {
    claims: { ...whole, ...claims },
    header: { typ: 'logout+jwt', ...header },
  });
  return String(token);
}

const stillIn = async ({ accessToken }: Visit): Promise<boolean> =>
  (await call('GET', '/auth/me', { token: accessToken })).status === 200;

async function liveSocket(token: string): Promise<{ closed: Promise<number> }> {
  const { url } = liveTicketSchema.parse((await call('POST', '/live/tickets', { token })).body.data);
  const { pathname, search } = new URL(url);
  const request = new Request(`${origin}${pathname}${search}`, { headers: { upgrade: 'websocket' } });
  const { webSocket } = await exports.default.fetch(request);
  if (webSocket === null) throw new Error('no socket');
  const closed = new Promise<number>((resolve) => webSocket.addEventListener('close', ({ code }) => resolve(code)));
  const heard = new Promise<void>((resolve) => webSocket.addEventListener('message', () => resolve()));
  webSocket.accept();
  webSocket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
  await heard;
  return { closed };
}

describe('a logout that the provider announces', () => {
  test('ends the sessions of that provider session, at once, sockets and all; no others', async () => {
    const one = await visit('sid-one');
    const other = await visit('sid-other', one);
    const { closed } = await liveSocket(one.accessToken);
    const answer = await announceLogout(one.of, await logoutToken(one.of, { sid: 'sid-one', sub: one.personId }));
    expect([answer.status, answer.text, answer.headers.get('cache-control')]).toEqual([204, '', 'no-store']);
    expect(await stillIn(one)).toBe(false);
    expect(await stillIn(other)).toBe(true);
    expect(await closed).toBeGreaterThanOrEqual(4000);
    const [row] = await db.select().from(sessions).where(eq(sessions.id, one.sessionId));
    expect(row?.endReason).toBe('provider_logout');
    const entries = await entriesOf(one.here.id, 'session.end');
    expect(entries).toMatchObject([{ resourceId: one.of.id, actorType: 'anonymous', outcome: 'success' }]);
  });

  test('without a session ends all that this provider opened for that person, and leaves passwords and others alone', async () => {
    const one = await visit('a');
    const two = await visit('b', one);
    const another = await visit('c', { ...one, personId: somebody().id });
    const otherProvider = await visit('d', { ...one, of: await provider(one.here) });
    expect(otherProvider.userId).toBe(one.userId);
    const byPassword = await person(one.here, 'viewer');
    await db.update(sessions).set({ userId: one.userId }).where(eq(sessions.id, byPassword.sessionId));
    expect((await announceLogout(one.of, await logoutToken(one.of, { sub: one.personId }))).status).toBe(204);
    const rows = await db.select().from(sessions).where(eq(sessions.userId, one.userId));
    const ended = rows.filter((row) => row.endedAt !== null).map(({ id }) => id);
    expect(ended.toSorted()).toEqual([one.sessionId, two.sessionId].toSorted());
    expect(await stillIn(another)).toBe(true);
    expect(await stillIn(otherProvider)).toBe(true);
  });

  test('of nobody known here is heard all the same', async () => {
    const of = await provider(await tenant());
    expect((await announceLogout(of, await logoutToken(of, { sub: 'nobody' }))).status).toBe(204);
  });

  test('of one tenant’s provider never reaches another’s people', async () => {
    const victim = await visit('shared-sid');
    const foreign = await provider(await tenant());
    const claims = { sid: 'shared-sid', sub: victim.personId };
    expect((await announceLogout(foreign, await logoutToken(foreign, claims))).status).toBe(204);
    expect((await announceLogout(victim.of, await logoutToken(foreign, claims))).status).toBe(400);
    expect(await stillIn(victim)).toBe(true);
  });

  test('counts once: replayed it is refused and ends nothing', async () => {
    const one = await visit('replayed');
    const token = await logoutToken(one.of, { sub: one.personId });
    expect((await announceLogout(one.of, token)).status).toBe(204);
    const back = await visit('back-again', one);
    const again = await announceLogout(one.of, token);
    expect([again.status, again.body.error.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(await stillIn(back)).toBe(true);
    const both = await logoutToken(one.of, { sub: one.personId });
    const answers = await Promise.all([announceLogout(one.of, both), announceLogout(one.of, both)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 400]);
  });

  test.each<[string, object, object?]>([
    ['stale', { iat: now() - 400, exp: now() + 60 }],
    ['of tomorrow', { iat: now() + 3600, exp: now() + 7200 }],
    ['expired', { iat: now() - 200, exp: now() - 100 }],
    ['without a time', { iat: undefined }],
    ['without an id', { jti: undefined }],
    ['for another client', { aud: 'another-client' }],
    ['of another issuer', { iss: 'https://login.elsewhere.example' }],
    ['with a nonce', { nonce: 'x' }],
    ['without the event', { events: {} }],
    ['with another event', { events: { 'http://schemas.openid.net/event/other': {} } }],
    ['without events', { events: undefined }],
    ['with events of another type', { events: 'logout' }],
    ['of nobody', { sub: undefined, sid: undefined }],
    ['with a subject of another type', { sub: { a: 1 } }],
    ['that is an access token', {}, { typ: 'at+jwt' }],
    ['with a key of its own', {}, { jwk: { kty: 'oct', k: 'eHh4' }, kid: 'unknown-key' }],
  ])('%s is 400 and ends nothing', async (_name, claims, header) => {
    const one = await visit('sid');
    const token = await logoutToken(one.of, { sub: one.personId, ...claims }, header);
    const answer = await announceLogout(one.of, token);
    expect([answer.status, answer.body.error.code], answer.text).toEqual([400, 'VALIDATION_FAILED']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await stillIn(one)).toBe(true);
  });

  test('is a form with a token in it, to a provider that exists', async () => {
    const of = await provider(await tenant());
    const url = `/auth/oidc/${of.id}/backchannel-logout`;
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const good = await logoutToken(of, { sub: 'x' });
    const unsigned = `${btoa('{"alg":"none"}').replace(/=+$/, '')}.${good.split('.')[1]}.`;
    for (const body of [
      '',
      'a=b',
      'logout_token=',
      `logout_token=x`,
      `logout_token=${unsigned}`,
      'logout_token=a.b.c',
    ]) {
      expect((await call('POST', url, { body, headers: form })).status, body).toBe(400);
    }
    for (const lenient of [`${good}=`, `${good} `, `${good}\n`, good.replace('.', '. ')]) {
      expect((await announceLogout(of, lenient)).status).toBe(400);
    }
    expect((await call('POST', url, { body: { logout_token: good } })).status).toBe(400);
    expect((await call('POST', url)).status).toBe(400);
    expect((await announceLogout(of, 'x'.repeat(20_000))).status).toBe(400);
    expect((await announceLogout(of, 'x'.repeat(1_100_000))).status).toBe(413);
    for (const id of [newId(), 'x']) {
      expect((await announceLogout({ ...of, id }, good)).status, id).toBe(404);
    }
    expect((await announceLogout(of, good)).status).toBe(204);
  });

  test('comes from the provider’s addresses alone, where it has a list', async () => {
    const one = await visit('listed');
    const { token } = await person(one.here, 'fleet_admin');
    const path = `/oidc-providers/${one.of.id}`;
    const change = (logoutIpAllowList: unknown) => call('PATCH', path, { token, body: { logoutIpAllowList } });
    for (const wrong of [[], ['here'], ['10.0.0.300'], ['10.0.0.0/33'], '10.0.0.1', [7]]) {
      expect((await change(wrong)).status, JSON.stringify(wrong)).toBe(400);
    }
    const listed = await change(['203.0.113.9/24', '2001:DB8::1', '203.0.113.0/24']);
    expect(listed.body.data).toMatchObject({ logoutIpAllowList: ['203.0.113.0/24', '2001:db8::1'] });
    const notice = await logoutToken(one.of, { sub: one.personId });
    const announceFrom = (ip: string | null) =>
      call('POST', `/auth/oidc/${one.of.id}/backchannel-logout`, {
        body: new URLSearchParams({ logout_token: notice }).toString(),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          ...(ip === null ? {} : { 'cf-connecting-ip': ip }),
        },
      });
    for (const ip of ['203.0.114.1', '2001:db8::2', null]) {
      const refused = await announceFrom(ip);
      expect([refused.status, refused.body.error.code]).toEqual([403, 'FORBIDDEN']);
    }
    expect(await stillIn(one)).toBe(true);
    expect((await announceFrom('203.0.113.77')).status).toBe(204);
    expect(await stillIn(one)).toBe(false);
    expect((await change(null)).body.data).toMatchObject({ logoutIpAllowList: null });
    expect((await announceFrom(null)).status).toBe(400);
  });

  test('from a provider whose keys cannot be read is 502', async () => {
    const of = await provider(await tenant(), { issuer: 'http://127.0.0.1:9' });
    const answer = await announceLogout(of, await logoutToken(of, { sub: 'x' }));
    expect([answer.status, answer.body.error.code]).toEqual([502, 'UPSTREAM_FAILED']);
  });
});
