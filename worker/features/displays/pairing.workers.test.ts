/** Pairing as RFC 8628 has it, from what goes wrong to what goes right; against the real Worker, D1 and counters. */
import { env } from 'cloudflare:workers';
import { eq, sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { deviceCodeSchema, displayTokenSchema, displaySchema } from '#contracts/displays';
import { rateCounterOf } from '#durable-objects/stubs';
import { commonRouteTests } from '#test/workers/common-route-tests';
import {
  askFor,
  claimInput,
  deviceCode,
  display,
  earlyInTheMinute,
  pairedDisplay,
} from '#test/workers/display-builders';
import { apiKey, auditEntriesOf, call, db, link, origin, person, tenant } from '#test/workers/harness';
import { createApp } from '#worker/app';
import { displayCodes, displays, tenants } from '#worker/db/schema/index';
import { hashToken } from '#worker/http/tokens';
import { newId } from '#worker/ids';

commonRouteTests('POST /displays/claim', {
  method: 'POST',
  path: () => '/displays/claim',
  permission: 'displays:manage',
  namesThing: false,
  takesBody: true,
});

const codeRow = async (code: string) => {
  const [row] = await db
    .select()
    .from(displayCodes)
    .where(eq(displayCodes.deviceCodeHash, await hashToken(code)));
  if (row === undefined) throw new Error('no such code');
  return row;
};
const setCode = async (code: string, fields: Partial<typeof displayCodes.$inferInsert>) =>
  db
    .update(displayCodes)
    .set(fields)
    .where(eq(displayCodes.deviceCodeHash, await hashToken(code)));
const secondsAgo = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();
const heard = async (code: string): Promise<[number, string]> => {
  const answer = await askFor(code);
  return [answer.status, answer.body.error.code];
};
const claim = (token: string, body: unknown, headers = {}) => call('POST', '/displays/claim', { token, body, headers });

describe('codes', () => {
  test('a screen gets a pair, without a sign-in and whatever it sends along', async () => {
    for (const sent of [{}, { body: {} }, { body: 'anything', headers: { 'content-type': 'text/plain' } }]) {
      const answer = await call('POST', '/displays/device-code', sent);
      expect(answer.status).toBe(200);
      const codes = deviceCodeSchema.parse(answer.body.data);
      expect(codes.userCode).toMatch(/^[A-HJKMNP-Z2-9]{3}-[A-HJKMNP-Z2-9]{3}$/);
      expect(codes.deviceCode).toMatch(/^dc_[A-Za-z0-9_-]{43}$/);
      expect(codes.verificationUri).toBe(`${origin}/settings/displays?code=${codes.userCode}`);
      expect([codes.expiresIn, codes.interval]).toEqual([900, 5]);
      const row = await codeRow(codes.deviceCode);
      expect(JSON.stringify(row)).not.toContain(codes.deviceCode);
      expect(Date.parse(row.expiresAt) - Date.parse(row.createdAt)).toBe(900_000);
    }
  });

  test('an address gets so many a minute and no more', async () => {
    const limited = { ...env, TRUST_CONNECTING_IP: 'true', RATE_LIMIT_PER_MINUTE: '10' };
    const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    const ask = (ip: string) =>
      createApp().request(
        `${origin}/api/v1/displays/device-code`,
        { method: 'POST', headers: { 'cf-connecting-ip': ip } },
        limited,
        ctx as unknown as ExecutionContext,
      );
    await earlyInTheMinute();
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await ask('203.0.113.7')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await ask('203.0.113.7')).headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await ask('203.0.113.8')).status).toBe(200);
  });

  test('so many may wait at one time, everywhere; those that have run out do not count', async () => {
    const plant = (prefix: string, expiresAt: string) =>
      db.run(sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        INSERT INTO display_codes (device_code_hash, user_code, status, interval_seconds, created_at, expires_at)
        SELECT ${prefix} || i, ${prefix} || i, 'pending', 5, ${secondsAgo(0)}, ${expiresAt} FROM n`);
    await plant('old', secondsAgo(1));
    expect((await call('POST', '/displays/device-code')).status).toBe(200);
    await plant('new', secondsAgo(-600));
    const full = await call('POST', '/displays/device-code');
    expect([full.status, full.body.error.code]).toEqual([503, 'UNAVAILABLE']);
    expect(full.headers.get('retry-after')).toBe('60');
    await db.run(sql`DELETE FROM display_codes WHERE device_code_hash GLOB 'old*' OR device_code_hash GLOB 'new*'`);
    expect((await call('POST', '/displays/device-code')).status).toBe(200);
  });
});

describe('a question', () => {
  test('with a code that never was, is used, or is nonsense', async () => {
    expect(await heard(`dc_${'x'.repeat(43)}`)).toEqual([400, 'EXPIRED_TOKEN']);
    expect(await heard('nonsense')).toEqual([400, 'EXPIRED_TOKEN']);
    for (const body of [{}, { deviceCode: '' }, { deviceCode: 7 }, { deviceCode: 'x'.repeat(201) }, [], 'text', null]) {
      const answer = await call('POST', '/displays/token', { body: JSON.stringify(body) });
      expect([answer.status, answer.body.error.code], JSON.stringify(body)).toEqual([400, 'VALIDATION_FAILED']);
    }
    expect((await call('POST', '/displays/token', { body: '{"a":' })).body.error.code).toBe('INVALID_JSON');
    expect((await call('GET', '/displays/token')).status).toBe(401);
  });

  test('the user code is not the device code: what people see opens nothing', async () => {
    const { userCode } = await deviceCode();
    expect(await heard(userCode)).toEqual([400, 'EXPIRED_TOKEN']);
  });

  test('waits, is told to slow down, and slows down for good', async () => {
    const { deviceCode: code } = await deviceCode();
    const first = await askFor(code);
    expect([first.status, first.body.error.code]).toEqual([400, 'AUTHORIZATION_PENDING']);
    expect(first.body.error.details).toEqual({ interval: 5 });
    const hasty = await askFor(code);
    expect([hasty.status, hasty.body.error.code, hasty.headers.get('retry-after')]).toEqual([400, 'SLOW_DOWN', '10']);
    expect(hasty.body.error.details).toEqual({ interval: 10 });
    await setCode(code, { lastAskedAt: secondsAgo(6) });
    expect(await heard(code)).toEqual([400, 'SLOW_DOWN']);
    await setCode(code, { lastAskedAt: secondsAgo(15) });
    expect(await heard(code)).toEqual([400, 'AUTHORIZATION_PENDING']);
    expect((await codeRow(code)).intervalSeconds).toBe(15);
  });

  test('of many at once one is in time', async () => {
    const { deviceCode: code } = await deviceCode();
    const answers = await Promise.all(Array.from({ length: 8 }, () => askFor(code)));
    const codes = answers.map((answer) => answer.body.error.code).toSorted();
    expect(codes.filter((name) => name === 'AUTHORIZATION_PENDING')).toHaveLength(1);
    expect(codes.filter((name) => name === 'SLOW_DOWN')).toHaveLength(7);
  });

  test('after a quarter of an hour', async () => {
    const { token } = await person(await tenant(), 'fleet_manager');
    const { deviceCode: code, userCode } = await deviceCode();
    await setCode(code, { expiresAt: secondsAgo(0) });
    expect(await heard(code)).toEqual([400, 'EXPIRED_TOKEN']);
    const late = await claim(token, claimInput(userCode));
    expect([late.status, late.body.error.code]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('a claim', () => {
  test('of a code that nobody shows is 404 and stands in the log without the code', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'fleet_manager');
    for (const deny of [false, true]) {
      const answer = await claim(token, { ...claimInput('ZZZ-222'), deny });
      expect([answer.status, answer.body.error.code]).toEqual([404, 'NOT_FOUND']);
    }
    const entries = await auditEntriesOf(fleet.id);
    expect(entries.map(({ action, outcome }) => [action, outcome])).toEqual([
      ['display.pair', 'failed'],
      ['display.pair', 'failed'],
    ]);
    expect(JSON.stringify(entries)).not.toContain('ZZZ');
  });

  test('may be tried ten times a minute by one person and thirty times by a tenant: codes are not to be guessed', async () => {
    const fleet = await tenant();
    const people = await Promise.all(Array.from({ length: 4 }, () => person(fleet, 'fleet_manager')));
    const [first, ...others] = people;
    await earlyInTheMinute();
    const guess = (token: string) => claim(token, claimInput('ZZZ-333'));
    const statuses = [];
    for (let n = 0; n < 11; n += 1) statuses.push((await guess(first?.token ?? '')).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 404), 429]);
    // Not even the right code passes then.
    const { userCode, deviceCode: code } = await deviceCode();
    expect((await claim(first?.token ?? '', claimInput(userCode))).status).toBe(429);
    expect(await heard(code)).toEqual([400, 'AUTHORIZATION_PENDING']);
    await rateCounterOf(env.RATE_COUNTER, `claim_of:${fleet.id}`).take(30, Date.now());
    let refusedAt = 0;
    for (const { token } of others) {
      for (let n = 0; n < 8; n += 1) {
        if ((await guess(token)).status === 429) break;
        refusedAt += 1;
      }
    }
    // 12 by the first, one taken here: 17 are left of thirty.
    expect(refusedAt).toBe(17);
  });

  test('misses nothing: name, place and layout are needed, unless the screen is refused', async () => {
    const { token } = await person(await tenant(), 'fleet_manager');
    const { userCode, deviceCode: code } = await deviceCode();
    for (const missing of ['name', 'locationName', 'layout', 'userCode'] as const) {
      const { [missing]: _left, ...rest } = claimInput(userCode);
      const answer = await claim(token, rest);
      expect([answer.status, answer.body.error.code], missing).toEqual([400, 'VALIDATION_FAILED']);
      expect(answer.body.error.message).toContain(missing);
    }
    for (const wrong of [{ name: ' ' }, { name: 'x'.repeat(81) }, { layout: 'film' }, { name: 'a\nb' }, { extra: 1 }]) {
      expect((await claim(token, { ...claimInput(userCode), ...wrong })).status, JSON.stringify(wrong)).toBe(400);
    }
    const denied = await claim(token, { userCode: userCode.toLowerCase().replace('-', ' '), deny: true });
    expect([denied.status, denied.body.data]).toEqual([200, { userCode, isDenied: true }]);
    expect(await heard(code)).toEqual([400, 'ACCESS_DENIED']);
    expect(await heard(code)).toEqual([400, 'ACCESS_DENIED']);
    expect((await claim(token, claimInput(userCode))).status).toBe(404);
  });

  test('by several at once is one’s: to the others the code is unknown, and the screen is the winner’s', async () => {
    const tenants = await Promise.all([tenant(), tenant(), tenant()]);
    const people = await Promise.all(tenants.map((of) => person(of, 'fleet_manager')));
    const { userCode, deviceCode: code } = await deviceCode();
    const answers = await Promise.all(people.map(({ token }) => claim(token, claimInput(userCode))));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 404, 404]);
    const won = answers.find(({ status }) => status === 201);
    const claimed = displaySchema.parse(won?.body.data);
    const token = displayTokenSchema.parse((await askFor(code)).body.data);
    expect(token.display.id).toBe(claimed.id);
    const rows = await db.select().from(displays).where(eq(displays.name, 'Bay 3'));
    expect(rows.filter(({ tenantId }) => tenants.some(({ id }) => id === tenantId))).toHaveLength(1);
  });

  test('with an Idempotency-Key is answered again, not done again', async () => {
    const { token } = await person(await tenant(), 'fleet_manager');
    const { userCode } = await deviceCode();
    const headers = { 'idempotency-key': newId() };
    const first = await claim(token, claimInput(userCode), headers);
    const again = await claim(token, claimInput(userCode), headers);
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
    expect((await claim(token, { ...claimInput(userCode), name: 'Other' }, headers)).status).toBe(422);
  });

  test('is for the own tenant: a dealer’s never a customer’s, the operator’s by name', async () => {
    const [dealer, fleet] = [await tenant('dealer'), await tenant()];
    await link(dealer, fleet);
    const { userCode } = await deviceCode();
    const { token } = await person(dealer, 'dealer_admin');
    const theirs = await call('POST', `/displays/claim?tenantId=${fleet.id}`, { token, body: claimInput(userCode) });
    expect(theirs.status).toBe(404);
    const operator = (await person(null, 'super_admin')).token;
    expect((await claim(operator, claimInput(userCode))).status).toBe(400);
    const named = await call('POST', `/displays/claim?tenantId=${fleet.id}`, {
      ...{ token: operator, body: claimInput(userCode) },
    });
    expect(displaySchema.parse(named.body.data).tenantId).toBe(fleet.id);
  });

  test('by an API key names nobody', async () => {
    const { key } = await apiKey(await tenant(), ['displays:manage']);
    const { userCode } = await deviceCode();
    const made = await claim(key, claimInput(userCode));
    expect([made.status, displaySchema.parse(made.body.data).createdBy]).toEqual([201, null]);
  });

  test('past the bound of a tenant is a conflict, and the code stays good', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'fleet_manager');
    await db.run(sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
      INSERT INTO displays (id, tenant_id, name, location_name, layout, is_asleep, created_at, updated_at)
      SELECT ${fleet.id} || i, ${fleet.id}, 'n', 'p', 'map', 0, ${secondsAgo(0)}, ${secondsAgo(0)} FROM n`);
    const { userCode } = await deviceCode();
    const full = await claim(token, claimInput(userCode));
    expect([full.status, full.body.error.code]).toEqual([409, 'CONFLICT']);
    await db.run(sql`UPDATE displays SET deleted_at = ${secondsAgo(0)} WHERE id = ${`${fleet.id}7`}`);
    expect((await claim(token, claimInput(userCode))).status).toBe(201);
  });
});

describe('the token', () => {
  test('is handed out once: of questions at the same moment one wins, and every later one is refused', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'fleet_manager');
    const { userCode, deviceCode: code } = await deviceCode();
    const claimed = displaySchema.parse((await claim(token, claimInput(userCode))).body.data);
    const answers = await Promise.all(Array.from({ length: 6 }, () => askFor(code)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    const lost = answers.filter(({ status }) => status !== 200);
    expect(new Set(lost.map((answer) => answer.body.error.code))).toEqual(new Set(['EXPIRED_TOKEN']));
    const { displayToken, display: own } = displayTokenSchema.parse(won[0]?.body.data);
    expect(displayToken).toMatch(/^dsp_[A-Za-z0-9_-]{43}$/);
    expect(own).toEqual({ id: claimed.id, name: 'Bay 3', layout: 'attention', locationName: 'North shop' });
    expect(await heard(code)).toEqual([400, 'EXPIRED_TOKEN']);
    expect((await call('GET', '/displays/me', { token: displayToken })).status).toBe(200);

    const [row] = await db.select().from(displays).where(eq(displays.id, claimed.id));
    expect(row?.tokenHash).toBe(await hashToken(displayToken));
    const everything = JSON.stringify([row, await codeRow(code), await auditEntriesOf(fleet.id)]);
    for (const secret of [displayToken, code]) expect(everything).not.toContain(secret);
    expect((await auditEntriesOf(fleet.id)).map(({ action, actorType }) => [action, actorType])).toEqual([
      ['display.pair', 'user'],
      ['display.connect', 'display'],
    ]);
  });

  test('a code that is claimed in its last second is still good a while', async () => {
    const { token } = await person(await tenant(), 'fleet_manager');
    const { userCode, deviceCode: code } = await deviceCode();
    await setCode(code, { expiresAt: secondsAgo(-2) });
    expect((await claim(token, claimInput(userCode))).status).toBe(201);
    const keptMs = Date.parse((await codeRow(code)).expiresAt) - Date.now();
    expect(keptMs).toBeGreaterThan(100_000);
    expect(keptMs).toBeLessThan(121_000);
    expect((await askFor(code)).status).toBe(200);
  });

  test('is not handed to a display that was unpaired, or whose tenant was suspended, before it asked', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'fleet_manager');
    const [one, two] = [await deviceCode(), await deviceCode()];
    const claimed = displaySchema.parse((await claim(token, claimInput(one.userCode))).body.data);
    await claim(token, { ...claimInput(two.userCode), name: 'Bay 4' });
    await db
      .update(displays)
      .set({ deletedAt: secondsAgo(0) })
      .where(eq(displays.id, claimed.id));
    expect(await heard(one.deviceCode)).toEqual([400, 'ACCESS_DENIED']);
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, fleet.id));
    expect(await heard(two.deviceCode)).toEqual([400, 'ACCESS_DENIED']);
    await db.update(tenants).set({ isActive: true }).where(eq(tenants.id, fleet.id));
    expect((await askFor(two.deviceCode)).status).toBe(200);
  });

  test('another display’s token is another one', async () => {
    const fleet = await tenant();
    const [one, two] = [await pairedDisplay(fleet), await pairedDisplay(fleet)];
    expect(one.displayToken).not.toBe(two.displayToken);
    const other = await display(fleet);
    expect((await call('GET', '/displays/me', { token: other.token })).body.data).toMatchObject({
      display: { id: other.id },
    });
  });
});
