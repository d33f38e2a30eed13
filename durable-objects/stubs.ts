/** The only place that turns a tenant's id, or a subject's, into a stub. */
import type { AuditChainRpc } from './audit-chain/audit-chain.ts';
import type { FleetRoomRpc } from './fleet-room/feed.ts';
import type { FleetTracksRpc } from './fleet-tracks/feed.ts';
import type { IngestGateRpc } from './ingest-gate/feed.ts';
import type { RateCounterRpc } from './rate-counter/rate-counter.ts';

export { scrapeGateOf, type ScrapeGateCalls } from './scrape-gate/facade.ts';
export type { AuditChainRpc, FleetRoomRpc, FleetTracksRpc, IngestGateRpc, RateCounterRpc };

/** A room as the Worker sees it; `fetch` takes a WebSocket upgrade with `?ticket=`. */
export type FleetRoomStub = FleetRoomRpc & { fetch(request: Request): Promise<Response> };

/** Bindings are declared without their class (the Worker's types must not depend on the objects' insides). */
function stubOf<T extends object>(namespace: DurableObjectNamespace, name: string): T {
  const stub: unknown = namespace.get(namespace.idFromName(name));
  return stub as T;
}

/** The live room of a tenant. */
export const roomOf = (namespace: DurableObjectNamespace, tenantId: string): FleetRoomStub =>
  stubOf<FleetRoomStub>(namespace, tenantId);

/** The tracks of a tenant. */
export const tracksOf = (namespace: DurableObjectNamespace, tenantId: string): FleetTracksRpc =>
  stubOf<FleetTracksRpc>(namespace, tenantId);

/** A gate as the Worker sees it; `fetch` takes the upgrade of a stream with `?ticket=`. */
export type IngestGateStub = IngestGateRpc & { fetch(request: Request): Promise<Response> };

/** One of a tenant's gates. */
export const gateOf = (namespace: DurableObjectNamespace, tenantId: string, gate: number): IngestGateStub =>
  stubOf<IngestGateStub>(namespace, `${tenantId}/${gate}`);

/** The request counter of a subject, e.g. `user:<id>` or `address:<ip>`. */
export const rateCounterOf = (namespace: DurableObjectNamespace, subject: string): RateCounterRpc =>
  stubOf<RateCounterRpc>(namespace, subject);

/** The audit chain of a tenant, or `platform`. */
export const auditChainOf = (namespace: DurableObjectNamespace, chain: string): AuditChainRpc =>
  stubOf<AuditChainRpc>(namespace, chain);
