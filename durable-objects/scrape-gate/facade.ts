/** The typed way to a tenant's gate. Nothing else may talk to the object: see scrape-gate.ts. */
import { proxyDurable } from 'itty-durable';
import type { SyncProvider } from '#contracts/sync';
import type { ScrapeGate } from './gate.ts';

export type ScrapeGateCalls = ScrapeGate;

/** The gate of one tenant's portal. Its calls reject when the object cannot be reached; ask again. */
export function scrapeGateOf(
  namespace: DurableObjectNamespace,
  tenantId: string,
  provider: SyncProvider,
): ScrapeGateCalls {
  const gates = proxyDurable(namespace, { name: 'SCRAPE_GATE', parse: true });
  const proxy: unknown = gates.get(`${tenantId}:${provider}`);
  // itty answers every property with a call of that name; only these three leave this file.
  const gate = proxy as ScrapeGateCalls;
  return {
    acquire: (runId, leaseMs, nowMs) => gate.acquire(runId, leaseMs, nowMs),
    release: async (runId, outcome, nowMs) => {
      await gate.release(runId, outcome, nowMs);
    },
    read: () => gate.read(),
  };
}
