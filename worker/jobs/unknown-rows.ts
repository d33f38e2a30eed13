/** The entrypoint that gates call for rows of a stream whose vehicle the room does not know: only the Worker can read D1. */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { IngestOutcome } from '#durable-objects/fleet-room/feed';
import type { UnknownRowsRpc } from '#durable-objects/ingest-gate/feed';
import { unpackRows } from '#durable-objects/readings/packed-readings';
import { openDatabase } from '../db/client.ts';
import type { Env } from '../env.ts';
import { placeUnknown } from '../features/telemetry/ingest.ts';
import { AppError } from '../http/errors.ts';
import { scopeForJob } from '../http/tenant-scope.ts';

export class UnknownRows extends WorkerEntrypoint<Env> implements UnknownRowsRpc {
  /** See UnknownRowsRpc; reachable by this Worker's own objects alone. */
  async place(tenantId: string, rows: Uint8Array): Promise<IngestOutcome> {
    const db = openDatabase(this.env.DB);
    try {
      const unknown = await placeUnknown(scopeForJob(tenantId), this.env, db, unpackRows(rows));
      return { kind: 'taken', unknown };
    } catch (cause) {
      if (!(cause instanceof AppError) || cause.code !== 'RATE_LIMITED') throw cause;
      return { kind: 'busy', retryAfterSeconds: cause.options.retryAfterSeconds ?? 1 };
    }
  }
}
