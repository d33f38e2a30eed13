import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { scrapeGateOf } from './facade.ts';
import { openGate } from './lease.ts';
import type { ScrapeGate } from './scrape-gate.ts';

const stubOf = (tenantId: string) => env.SCRAPE_GATE.get(env.SCRAPE_GATE.idFromName(`${tenantId}:paccar`));

describe('a tenant’s gate', () => {
  it('starts open, one per tenant and portal', async () => {
    const gate = scrapeGateOf(env.SCRAPE_GATE, 'tenant-1', 'paccar');
    expect(await gate.read()).toEqual(openGate);
    expect((await gate.acquire('run-1', 60_000, 1_000)).granted).toBe(true);
    expect((await scrapeGateOf(env.SCRAPE_GATE, 'tenant-1', 'decisiv').acquire('run-2', 60_000, 1_000)).granted).toBe(
      true,
    );
    expect((await scrapeGateOf(env.SCRAPE_GATE, 'tenant-2', 'paccar').acquire('run-3', 60_000, 1_000)).granted).toBe(
      true,
    );
    expect(await gate.acquire('run-4', 60_000, 2_000)).toEqual({
      granted: false,
      heldBy: 'run-1',
      retryAfterMs: 59_000,
    });
  });

  it('grants one of many who ask at once', async () => {
    const gate = scrapeGateOf(env.SCRAPE_GATE, 'tenant-3', 'paccar');
    const runs = Array.from({ length: 20 }, (_, n) => `run-${n}`);
    const grants = await Promise.all(runs.map((run) => gate.acquire(run, 60_000, 5_000)));
    expect(grants.filter((grant) => grant.granted)).toHaveLength(1);
  });

  it('keeps lease, cooldown and failures through an eviction', async () => {
    const gate = scrapeGateOf(env.SCRAPE_GATE, 'tenant-4', 'paccar');
    await gate.acquire('run-1', 60_000, 1_000);
    await evictDurableObject(stubOf('tenant-4'));
    expect((await gate.acquire('run-2', 60_000, 2_000)).heldBy).toBe('run-1');
    await evictDurableObject(stubOf('tenant-4'));
    expect(await gate.release('run-1', { failed: true, cooldownMs: 30_000 }, 3_000)).toBeUndefined();
    await evictDurableObject(stubOf('tenant-4'));
    expect(await gate.read()).toEqual({
      holder: null,
      leaseUntilMs: 0,
      cooldownUntilMs: 33_000,
      lastRunId: 'run-1',
      lastFinishedAtMs: 3_000,
      consecutiveFailures: 1,
    });
    expect((await gate.acquire('run-2', 60_000, 10_000)).retryAfterMs).toBe(23_000);
  });

  it('keeps one flat record of less than 1 KB', async () => {
    const gate = scrapeGateOf(env.SCRAPE_GATE, 'tenant-5', 'paccar');
    await gate.acquire('0194aaaa-0000-7000-8000-000000000001', 60_000, Date.now());
    await runInDurableObject(stubOf('tenant-5'), async (_: ScrapeGate, { storage }) => {
      const stored = await storage.list();
      expect([...stored.keys()]).toEqual(['data']);
      expect(Object.keys(stored.get('data') as object).sort()).toEqual(Object.keys(openGate).sort());
      expect(JSON.stringify(stored.get('data')).length).toBeLessThan(1_024);
    });
  });
});
