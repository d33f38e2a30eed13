/**
 * The RPC surface of IngestGate. Gates stand in front of a busy tenant's room: they gather what many requests bring and
 * hand it on in few calls. They also hold the sockets of gateways that stream. They keep nothing: what a gate has
 * answered for is in the room.
 */
import type { IngestOutcome, Unwelcome } from '../fleet-room/feed.ts';

export interface IngestGateRpc {
  /** As FleetRoomRpc.ingest, through this gate; `tenantId` is the room's. */
  ingest(tenantId: string, rows: Uint8Array): Promise<IngestOutcome>;
  /** Closes streams (4410). */
  close(unwelcome: Unwelcome): Promise<{ closed: number }>;
  /** This gate is used no more: its streams are to open again, at another one (1012). */
  retire(): Promise<{ closed: number }>;
}

/** What a gate asks of the Worker, which alone can read D1: an entrypoint of the Worker's, exported under this name. */
export interface UnknownRowsRpc {
  /**
   * Rows that the room calls unknown, packed by durable-objects/readings: takes those whose vehicle the tenant has after all;
   * `unknown` are the others.
   */
  place(tenantId: string, rows: Uint8Array): Promise<IngestOutcome>;
}
