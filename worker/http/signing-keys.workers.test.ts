/** Keys made once, published before they sign, kept until their last token is over, and never a yes without D1. */
import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { like } from 'drizzle-orm';
import { decodeProtectedHeader } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { db, origin, person, tenant } from '#test/workers/harness';
import { createApp } from '../app.ts';
import { trailOfJob } from '../audit/trail.ts';
import { auditOutbox, signingKeys } from '../db/schema/index.ts';
import { newId } from '../ids.ts';
import { publicKeySet, rotateSigningKeys, signingKeyAt, verifyingKey } from './signing-keys.ts';
import { signAccessToken, verifyAccessToken } from './tokens.ts';

const dayMs = 86_400_000;
const start = new Date('2026-11-20T12:00:00.000Z');
const later = (ms: number, from = start): Date => new Date(from.getTime() + ms);
const claims = {
  userId: newId(),
  sessionId: newId(),
  tenantId: null,
  role: 'super_admin' as const,
  permissions: [],
};

/** An isolate of its own on the same D1: knows no key yet, and counts what it asks D1 for. */
function isolate(behaviour: { isOut: boolean } = { isOut: false }): { bindings: typeof env; reads: () => number } {
  let reads = 0;
  const DB = new Proxy(env.DB, {
    get(target, property) {
      if (property === 'prepare') {
        return (text: string) => {
          if (behaviour.isOut) throw new Error('D1_ERROR: out');
          if (text.includes('from "signing_keys"')) reads += 1;
          return target.prepare(text);
        };
      }
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { bindings: { ...env, DB }, reads: () => reads };
}
const kidOf = async (bindings: typeof env, now: Date) =>
  decodeProtectedHeader(await signAccessToken(bindings, claims, now)).kid;
const rotate = (now: Date) => rotateSigningKeys(env, db, trailOfJob(now), now);
const publishedKids = async (now: Date) => (await publicKeySet(isolate().bindings, now)).keys.map(({ kid }) => kid);

beforeEach(() => db.delete(signingKeys));

describe('the first key', () => {
  test('is one, whoever asks first, and everybody accepts it at once', async () => {
    const isolates = Array.from({ length: 8 }, () => isolate().bindings);
    const tokens = await Promise.all(isolates.map((bindings) => signAccessToken(bindings, claims, start)));
    expect(await db.$count(signingKeys)).toBe(1);
    for (const bindings of isolates) {
      for (const token of tokens) expect((await verifyAccessToken(bindings, token, start)).sub).toBe(claims.userId);
    }
  });

  test('is sealed in D1 and public only by its public half', async () => {
    const [published] = (await publicKeySet(isolate().bindings, start)).keys;
    expect(Object.keys(published ?? {}).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    const [row] = await db.select().from(signingKeys);
    expect(Object.keys(JSON.parse(row?.publicJwk ?? '{}') as object).toSorted()).toEqual(['crv', 'kty', 'x', 'y']);
    expect(row?.privateSealed).toMatch(/^v1\.\d+\./);
    const { sign } = await signingKeyAt(isolate().bindings, start);
    expect(sign.extractable).toBe(false);
  });
});

describe('rotation', () => {
  test('a month on, a new key is published a day before it signs; the old one outlives its tokens and goes', async () => {
    const old = await kidOf(isolate().bindings, start);
    expect(await rotate(later(29 * dayMs))).toBe(false);
    const rotatedAt = later(30 * dayMs);
    expect(await rotate(rotatedAt)).toBe(true);
    expect(await rotate(later(1, rotatedAt))).toBe(false);
    const [, next] = await publishedKids(rotatedAt);
    expect(await publishedKids(rotatedAt)).toEqual([old, next]);

    // An isolate that read the keys right before the day was over switches without reading again.
    const { bindings, reads } = isolate();
    expect(await kidOf(bindings, later(dayMs, rotatedAt))).toBe(old);
    const signsFrom = later(25 * 3600_000, rotatedAt);
    expect(await kidOf(bindings, later(-1000, signsFrom))).toBe(old);
    expect(await kidOf(bindings, signsFrom)).toBe(next);
    expect(reads()).toBeLessThanOrEqual(2);

    const lastOfOld = await signAccessToken(bindings, claims, later(-1000, signsFrom));
    const lastMoment = later(14 * 60_000, signsFrom);
    expect((await verifyAccessToken(isolate().bindings, lastOfOld, lastMoment)).sub).toBe(claims.userId);
    await rotate(lastMoment);
    expect(await publishedKids(lastMoment)).toContain(old);
    const over = later(26 * 60_000, signsFrom);
    expect(await publishedKids(over)).toEqual([next]);
    expect(await verifyingKey(isolate().bindings, old ?? '', over)).toBeNull();
    await rotate(over);
    expect((await db.select().from(signingKeys)).map(({ kid }) => kid)).toEqual([next]);
  });

  test('two nights at once make one key and one audit entry', async () => {
    await kidOf(isolate().bindings, start);
    const before = await db.$count(auditOutbox, like(auditOutbox.action, 'key.rotate'));
    const made = await Promise.all(Array.from({ length: 5 }, () => rotate(later(31 * dayMs))));
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await db.$count(signingKeys)).toBe(2);
    expect(await db.$count(auditOutbox, like(auditOutbox.action, 'key.rotate'))).toBe(before + 1);
  });

  test('a job that did not run for months takes nobody’s sign-in away', async () => {
    const old = await kidOf(isolate().bindings, start);
    const muchLater = later(400 * dayMs);
    expect(await kidOf(isolate().bindings, muchLater)).toBe(old);
    expect(await rotate(muchLater)).toBe(true);
    expect(await kidOf(isolate().bindings, muchLater)).toBe(old);
  });
});

describe('what an isolate keeps', () => {
  test('many requests are one read; an emergency deletion is heard within minutes', async () => {
    const { bindings, reads } = isolate();
    const token = await signAccessToken(bindings, claims, start);
    const readsOfFirst = reads();
    for (let request = 0; request < 50; request += 1) await verifyAccessToken(bindings, token, start);
    expect(reads()).toBe(readsOfFirst);
    await db.delete(signingKeys);
    await expect(verifyAccessToken(bindings, token, later(5 * 60_000 + 1))).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });

  test('requests at the same moment wait for one read instead of each making their own', async () => {
    const token = await signAccessToken(isolate().bindings, claims, start);
    const { bindings, reads } = isolate();
    await Promise.all(Array.from({ length: 20 }, () => verifyAccessToken(bindings, token, start)));
    expect(reads()).toBe(1);
  });

  test('a flood of invented key ids is one read every few seconds, and a real new key is found', async () => {
    const { bindings, reads } = isolate();
    await signAccessToken(bindings, claims, start);
    const readsOfFirst = reads();
    const flood = (at: Date) => Promise.all(Array.from({ length: 200 }, () => verifyingKey(bindings, newId(), at)));
    await flood(later(1000));
    expect(reads()).toBe(readsOfFirst);
    expect((await flood(later(6000))).every((key) => key === null)).toBe(true);
    expect(reads()).toBe(readsOfFirst + 1);

    // Another isolate makes a new one after an emergency; the first knows it as soon as a token names it.
    await db.delete(signingKeys);
    const fresh = await signAccessToken(isolate().bindings, claims, later(12_000));
    expect((await verifyAccessToken(bindings, fresh, later(12_000))).sub).toBe(claims.userId);
  });
});

describe('when D1 does not answer', () => {
  const unavailable = { code: 'UNAVAILABLE' };

  test('nothing is signed or believed: 503', async () => {
    const token = await signAccessToken(isolate().bindings, claims, start);
    const { bindings } = isolate({ isOut: true });
    await expect(signAccessToken(bindings, claims, start)).rejects.toMatchObject(unavailable);
    await expect(verifyAccessToken(bindings, token, start)).rejects.toMatchObject(unavailable);
    await expect(publicKeySet(bindings, start)).rejects.toMatchObject(unavailable);
    // What was read too long ago is as good as not read.
    const behaviour = { isOut: false };
    const aged = isolate(behaviour).bindings;
    await verifyAccessToken(aged, token, start);
    behaviour.isOut = true;
    await expect(verifyAccessToken(aged, token, later(6 * 60_000))).rejects.toMatchObject(unavailable);
    behaviour.isOut = false;
    expect((await verifyAccessToken(aged, token, later(6 * 60_000))).sub).toBe(claims.userId);
  });

  test('over HTTP the answer is 503 too, and garbage stays 401', async () => {
    const { token } = await person(await tenant(), 'viewer');
    const ask = (path: string, bearer: string, bindings: typeof env) =>
      createApp().request(
        `${origin}${path}`,
        { headers: { authorization: `Bearer ${bearer}` } },
        bindings,
        createExecutionContext(),
      );
    const { bindings } = isolate({ isOut: true });
    expect((await ask('/api/v1/auth/me', token, bindings)).status).toBe(503);
    expect((await ask('/.well-known/jwks.json', token, bindings)).status).toBe(503);
    expect((await ask('/api/v1/auth/me', 'not.a.token', bindings)).status).toBe(401);
    expect((await ask('/api/v1/auth/me', token, isolate().bindings)).status).toBe(200);
  });

  test('a master key that does not open the private half signs nothing', async () => {
    await signAccessToken(isolate().bindings, claims, start);
    const bindings = { ...isolate().bindings, MASTER_KEY: btoa('0123456789abcdef0123456789abcdef') };
    await expect(signAccessToken(bindings, claims, start)).rejects.toMatchObject(unavailable);
  });
});
