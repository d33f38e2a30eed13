/** Answers kept for Idempotency-Key: sealed in D1, replayed in clear to whoever sent the first request, to nobody else. */
import { env } from 'cloudflare:workers';
import { and, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { call, db, origin, person, tenant } from '#test/workers/harness';
import { createApp } from '../app.ts';
import { apiKeys, idempotencyKeys } from '../db/schema/index.ts';

const makeKey = (token: string, key: string, name = 'Gateway') =>
  call('POST', '/api-keys', {
    token,
    body: { name, scopes: ['vehicles:read'] },
    headers: { 'idempotency-key': key },
  });
const rowOf = async (ownerId: string, key: string) =>
  (
    await db
      .select()
      .from(idempotencyKeys)
      .where(and(eq(idempotencyKeys.ownerId, ownerId), eq(idempotencyKeys.key, key)))
  )[0];

describe('an answer with a secret in it', () => {
  test('is replayed word for word and lies sealed in D1', async () => {
    const { token, userId } = await person(await tenant(), 'fleet_admin');
    const first = await makeKey(token, 'one');
    expect(first.status).toBe(201);
    const { key: secret } = first.body.data as { key: string };
    expect(secret).toMatch(/^tk_live_/);
    const second = await makeKey(token, 'one');
    expect([second.status, second.text]).toEqual([201, first.text]);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    const row = await rowOf(userId, 'one');
    expect(row?.responseSealed).toMatch(/^v1\.\d+\./);
    expect(JSON.stringify(row)).not.toContain(secret);
  });

  test('does not open under another key or for another person', async () => {
    const owner = await tenant();
    const [one, other] = [await person(owner, 'fleet_admin'), await person(owner, 'fleet_admin')];
    await makeKey(one.token, 'one');
    await makeKey(one.token, 'two');
    await makeKey(other.token, 'one');
    const { responseSealed } = (await rowOf(one.userId, 'one')) ?? {};
    for (const [ownerId, key, token] of [
      [one.userId, 'two', one.token],
      [other.userId, 'one', other.token],
    ] as const) {
      await db
        .update(idempotencyKeys)
        .set({ responseSealed })
        .where(and(eq(idempotencyKeys.ownerId, ownerId), eq(idempotencyKeys.key, key)));
      const answer = await makeKey(token, key);
      expect([answer.status, answer.body.error.code]).toEqual([409, 'CONFLICT']);
      expect(answer.text).not.toContain('tk_live_');
    }
  });

  test('another body is 422, and its hash cannot be guessed from a dump', async () => {
    const { token, userId } = await person(await tenant(), 'fleet_admin');
    await makeKey(token, 'one');
    expect((await makeKey(token, 'one', 'Another')).body.error.code).toBe('IDEMPOTENCY_MISMATCH');
    const url = 'http://truckiq.test/api/v1/api-keys';
    const body = JSON.stringify({ name: 'Gateway', scopes: ['vehicles:read'] });
    const plain = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${url}\n${body}`));
    const row = await rowOf(userId, 'one');
    expect(row?.bodyHash).toMatch(/^[0-9a-f]{64}$/);
    expect(row?.bodyHash).not.toBe(Buffer.from(plain).toString('hex'));
  });
});

describe('when D1 fails in the middle', () => {
  /** The Worker on a D1 that refuses some statements. */
  const makeKeyOn = (refused: RegExp, token: string, key: string) => {
    const DB = new Proxy(env.DB, {
      get(target, property) {
        if (property === 'prepare') {
          return (text: string) => {
            if (refused.test(text)) throw new Error('no such luck');
            return target.prepare(text);
          };
        }
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key };
    const body = JSON.stringify({ name: 'Gateway', scopes: ['vehicles:read'] });
    const request = { method: 'POST', headers, body };
    return createApp().request(
      `${origin}/api/v1/api-keys`,
      request,
      { ...env, DB },
      ctx as unknown as ExecutionContext,
    );
  };
  const keysOf = (tenantId: string) => db.$count(apiKeys, eq(apiKeys.tenantId, tenantId));

  test('an answer that could not be sealed is not asked for: 503, nothing is done, and the key is free', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const answer = await makeKeyOn(/"tenant_keys"/, token, 'one');
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: 'UNAVAILABLE' } }]);
    expect(await keysOf(owner.id)).toBe(0);
    expect((await makeKey(token, 'one')).status).toBe(201);
  });

  test('an answer that could not be kept is still the answer', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'fleet_admin');
    const answer = await makeKeyOn(/^update "idempotency_keys"/, token, 'one');
    expect(answer.status).toBe(201);
    expect(await answer.json()).toMatchObject({ data: { key: expect.stringMatching(/^tk_live_/) } });
    expect(await keysOf(owner.id)).toBe(1);
  });
});
