/** The classes that the Worker's entry re-exports for the runtime. */
export { AuditChain } from './audit-chain/audit-chain.ts';
export { FleetRoom } from './fleet-room/fleet-room.ts';
export { FleetTracks } from './fleet-tracks/fleet-tracks.ts';
export { IngestGate } from './ingest-gate/ingest-gate.ts';
export { RateCounter } from './rate-counter/rate-counter.ts';
export { ScrapeGate } from './scrape-gate/scrape-gate.ts';
