/** From the outbox into the log, with everything failing in turn. */
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { asc, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { auditChainOf } from '#durable-objects/stubs';
import { db } from '#test/workers/harness';
import { auditLog, auditOutbox } from '#worker/db/schema/index';
import { newId } from '#worker/ids';
import { chainEverything, chainPending, chainSoon } from './chain.ts';
import { trailOfJob } from './trail.ts';

/** Commits entries of one chain; `action` is all they differ in. */
async function commit(chain: string, ...actions: string[]): Promise<void> {
  const trail = trailOfJob(new Date());
  for (const action of actions) {
    await trail.record(db, { tenantId: chain, action, resourceType: 'test', resourceId: null, after: { a: 'ü"\\' } });
  }
}
const logOf = async (chain: string) =>
  db.select().from(auditLog).where(eq(auditLog.chain, chain)).orderBy(asc(auditLog.seq));
const actionsOf = async (chain: string) => (await logOf(chain)).map(({ seq, action }) => `${seq} ${action}`);
const waiting = async (chain: string) =>
  (await db.select().from(auditOutbox).where(eq(auditOutbox.chain, chain))).length;

/** A D1 that fails on its n-th batch, before or after it was carried out. */
function failingBatch(when: 'before' | 'after') {
  let left = 1;
  return new Proxy(env.DB, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (key !== 'batch') return typeof value === 'function' ? value.bind(target) : value;
      return async (statements: D1PreparedStatement[]) => {
        const fails = left-- > 0;
        if (fails && when === 'before') throw new Error('D1 is gone');
        const result = await target.batch(statements);
        if (fails) throw new Error('the answer of D1 is lost');
        return result;
      };
    },
  });
}

/** Objects whose calls are counted and can be made to fail: on their way there, or on their way back. */
function watchedChains(failing: { call: 'confirm' | 'append'; way: 'there' | 'back' } | null = null) {
  const calls: string[] = [];
  const namespace = new Proxy(env.AUDIT_CHAIN, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (key !== 'get') return typeof value === 'function' ? value.bind(target) : value;
      return (id: DurableObjectId) => {
        const stub = target.get(id) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
        return new Proxy(stub, {
          get(_, name) {
            return async (...args: unknown[]) => {
              calls.push(String(name));
              if (name === failing?.call && failing.way === 'there') throw new Error('no way there');
              const answer = await stub[String(name)]?.(...args);
              if (name === failing?.call) throw new Error('the answer is lost');
              return answer;
            };
          },
        });
      };
    },
  });
  return { namespace, calls };
}

describe('chaining', () => {
  test('moves what is committed, in the order of the ids, as it was', async () => {
    const chain = newId();
    await commit(chain, 'a', 'b');
    expect(await chainPending(env, chain)).toBe(2);
    await commit(chain, 'c');
    expect(await chainPending(env, chain)).toBe(1);
    expect(await chainPending(env, chain)).toBe(0);
    expect(await actionsOf(chain)).toEqual(['1 a', '2 b', '3 c']);
    expect(await waiting(chain)).toBe(0);
    const [first, second] = await logOf(chain);
    expect(first).toMatchObject({ actorType: 'job', actorId: null, before: null, after: '{"a":"ü\\"\\\\"}' });
    expect(second?.prevHash).toBe(first?.hash);
    expect(await auditChainOf(env.AUDIT_CHAIN, chain).status()).toMatchObject({
      head: { seq: 3 },
      confirmed: { seq: 3 },
    });
  });

  test('a burst of 200 takes a handful of calls of the object, and more than a page takes its pages', async () => {
    const chain = newId();
    await Promise.all(Array.from({ length: 250 }, (_, n) => commit(chain, `n${n}`)));
    const { namespace, calls } = watchedChains();
    expect(await chainPending({ ...env, AUDIT_CHAIN: namespace }, chain)).toBe(250);
    expect(calls).toEqual(['append', 'confirm', 'append', 'confirm']);
    expect((await logOf(chain)).map(({ seq }) => seq)).toEqual(Array.from({ length: 250 }, (_, n) => n + 1));
  });

  test('large entries go in parts', async () => {
    const chain = newId();
    const trail = trailOfJob(new Date());
    const after = { text: 'ü'.repeat(30_000) };
    for (let n = 0; n < 40; n += 1) {
      await trail.record(db, { tenantId: chain, action: `n${n}`, resourceType: 'test', resourceId: null, after });
    }
    expect(await chainPending(env, chain)).toBe(40);
    expect((await logOf(chain)).map(({ seq }) => seq)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
  });
});

describe('a crash', () => {
  test('after the object has numbered', async () => {
    const chain = newId();
    await commit(chain, 'a', 'b');
    const { namespace } = watchedChains({ call: 'append', way: 'back' });
    await expect(chainPending({ ...env, AUDIT_CHAIN: namespace }, chain)).rejects.toThrow();
    expect([await actionsOf(chain), await waiting(chain)]).toEqual([[], 2]);
    await commit(chain, 'c');
    expect(await chainPending(env, chain)).toBe(3);
    expect(await actionsOf(chain)).toEqual(['1 a', '2 b', '3 c']);
  });

  test('while D1 fails to write, or its answer is lost', async () => {
    for (const when of ['before', 'after'] as const) {
      const chain = newId();
      await commit(chain, 'a', 'b');
      await expect(chainPending({ ...env, DB: failingBatch(when) }, chain)).rejects.toThrow();
      await evictDurableObject(env.AUDIT_CHAIN.get(env.AUDIT_CHAIN.idFromName(chain)));
      await commit(chain, 'c');
      await chainPending(env, chain);
      expect([await actionsOf(chain), await waiting(chain)]).toEqual([['1 a', '2 b', '3 c'], 0]);
      expect(await auditChainOf(env.AUDIT_CHAIN, chain).status()).toMatchObject({ confirmed: { seq: 3 } });
    }
  });

  test('before the object hears that the log has it', async () => {
    const chain = newId();
    await commit(chain, 'a');
    const { namespace } = watchedChains({ call: 'confirm', way: 'there' });
    await expect(chainPending({ ...env, AUDIT_CHAIN: namespace }, chain)).rejects.toThrow('no way there');
    expect([await actionsOf(chain), await waiting(chain)]).toEqual([['1 a'], 0]);
    await commit(chain, 'b');
    await chainPending(env, chain);
    expect(await actionsOf(chain)).toEqual(['1 a', '2 b']);
    expect(await auditChainOf(env.AUDIT_CHAIN, chain).status()).toMatchObject({ confirmed: { seq: 2 } });
  });

  test('that took the outbox row with it: the object still brings it into the log when asked', async () => {
    const chain = newId();
    await commit(chain, 'a');
    await expect(chainPending({ ...env, DB: failingBatch('before') }, chain)).rejects.toThrow();
    await env.DB.exec('DROP TRIGGER audit_outbox_only_chained_go');
    await db.delete(auditOutbox).where(eq(auditOutbox.chain, chain));
    expect(await chainPending(env, chain)).toBe(0);
    await chainPending(env, chain, { redeliver: true });
    expect(await actionsOf(chain)).toEqual(['1 a']);
  });

  test('of the database back to an older state: entries that come again get their old numbers', async () => {
    const chain = newId();
    await commit(chain, 'a', 'b');
    const outbox = await db.select().from(auditOutbox).where(eq(auditOutbox.chain, chain));
    await chainPending(env, chain);
    const log = await logOf(chain);
    await env.DB.exec('DROP TRIGGER audit_log_no_delete');
    await db.delete(auditLog).where(eq(auditLog.chain, chain));
    await db.insert(auditOutbox).values(outbox);
    await chainPending(env, chain);
    expect(await logOf(chain)).toEqual(log);
  });
});

describe('many at once', () => {
  test('chain every entry once, without a gap', async () => {
    const chain = newId();
    const bringing = Array.from({ length: 12 }, async (_, n) => {
      await commit(chain, `${n}`, `${n}+`);
      await chainPending(env, chain);
    });
    await Promise.all(bringing);
    const log = await logOf(chain);
    expect(log.map(({ seq }) => seq)).toEqual(Array.from({ length: 24 }, (_, n) => n + 1));
    expect(new Set(log.map(({ action }) => action)).size).toBe(24);
    expect(await waiting(chain)).toBe(0);
  });

  test('of an isolate let one do the work', async () => {
    const chain = newId();
    const { namespace, calls } = watchedChains();
    const watched = { ...env, AUDIT_CHAIN: namespace };
    const passes: Promise<void>[] = [];
    for (let n = 0; n < 200; n += 1) {
      await commit(chain, `n${n}`);
      passes.push(chainSoon(watched, chain));
    }
    await Promise.all(passes);
    expect(await logOf(chain)).toHaveLength(200);
    expect(calls.length).toBeLessThan(60);
  });

  test('chainSoon never throws, and the next one starts anew', async () => {
    const chain = newId();
    await commit(chain, 'a');
    await chainSoon({ ...env, DB: failingBatch('before') }, chain);
    expect(await waiting(chain)).toBe(1);
    await chainSoon(env, chain);
    expect(await actionsOf(chain)).toEqual(['1 a']);
  });
});

test('the sweep takes up every chain, and one that fails does not stop the others', async () => {
  await chainEverything(env);
  const [first, second, third] = [newId(), newId(), newId()];
  await Promise.all([commit(first, 'a', 'b'), commit(second, 'a'), commit(third, 'a')]);
  const broken = {
    ...env,
    DB: new Proxy(env.DB, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (key !== 'prepare') return typeof value === 'function' ? value.bind(target) : value;
        return (text: string) => {
          const statement = target.prepare(text);
          const bind = statement.bind.bind(statement);
          statement.bind = (...values: unknown[]) => {
            if (values[0] === second && text.includes('ORDER BY id')) throw new Error('out for this one');
            return bind(...values);
          };
          return statement;
        };
      },
    }),
  };
  expect(await chainEverything(broken)).toEqual({ chains: 3, entries: 3, failed: 1 });
  expect([await waiting(first), await waiting(second), await waiting(third)]).toEqual([0, 1, 0]);
  expect(await chainEverything(env)).toEqual({ chains: 1, entries: 1, failed: 0 });
});
