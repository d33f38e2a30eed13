import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { rateCounterOf } from '../stubs.ts';
import { windowMs } from './window.ts';

const stubOf = (subject: string) => env.RATE_COUNTER.get(env.RATE_COUNTER.idFromName(subject));
const minuteMs = Math.floor(Date.now() / windowMs) * windowMs;

describe('a subject’s counter', () => {
  it('is exact under requests at once, and each subject has its own', async () => {
    const counter = rateCounterOf(env.RATE_COUNTER, 'user:1');
    const takes = await Promise.all(Array.from({ length: 30 }, () => counter.take(20, minuteMs + 1_000)));
    expect(takes.filter((take) => take.allowed)).toHaveLength(20);
    expect(takes.at(-1)).toEqual({ allowed: false, limit: 20, remaining: 0, resetSeconds: 59 });
    expect(await rateCounterOf(env.RATE_COUNTER, 'user:2').take(20, minuteMs)).toMatchObject({ remaining: 19 });
  });

  it('forgives nothing through an eviction, and everything in the next minute', async () => {
    const counter = rateCounterOf(env.RATE_COUNTER, 'user:3');
    for (let n = 0; n < 3; n += 1) await counter.take(3, minuteMs);
    await evictDurableObject(stubOf('user:3'));
    expect(await counter.take(3, minuteMs + 59_999)).toMatchObject({ allowed: false, resetSeconds: 1 });
    await evictDurableObject(stubOf('user:3'));
    expect(await counter.take(3, minuteMs + windowMs)).toMatchObject({ allowed: true, remaining: 2 });
  });

  it('leaves nothing behind once its minute is over, and keeps a running one', async () => {
    const pastMs = minuteMs - 5 * windowMs;
    await rateCounterOf(env.RATE_COUNTER, 'address:1').take(9, pastMs);
    await rateCounterOf(env.RATE_COUNTER, 'address:2').take(9, Date.now());
    await evictDurableObject(stubOf('address:1')).catch(() => undefined);
    const storedOf = (subject: string) =>
      runInDurableObject(stubOf(subject), async (_, { storage }) => (await storage.list()).size);
    await runDurableObjectAlarm(stubOf('address:1'));
    expect(await storedOf('address:1')).toBe(0);
    expect(await runDurableObjectAlarm(stubOf('address:2'))).toBe(true);
    expect(await storedOf('address:2')).toBe(1);
    expect(await rateCounterOf(env.RATE_COUNTER, 'address:2').take(9, Date.now())).toMatchObject({ remaining: 7 });
  });
});
