/**
 * A tenant's gates: which of them hold streams, and telling them whom to close. Streams always have at least one gate, whatever
 * `tenants.ingest_gates` says of POSTs.
 * @unscoped a ticket, or whoever ended a session, names the tenant
 */
import { eq } from 'drizzle-orm';
import type { Unwelcome } from '#durable-objects/fleet-room/feed';
import { gateOf } from '#durable-objects/stubs';
import type { Database } from '../../db/client.ts';
import { openDatabase } from '../../db/client.ts';
import { tenants } from '../../db/schema/index.ts';
import type { Env } from '../../env.ts';
import { persistently } from '../live/tell-room.ts';

const streamGates = (ingestGates: number): number => Math.max(1, ingestGates);

/** How many gates hold the tenant's streams; null when there is no such tenant. */
export async function streamGatesOf(db: Database, tenantId: string): Promise<number | null> {
  const [row] = await db.select({ gates: tenants.ingestGates }).from(tenants).where(eq(tenants.id, tenantId));
  return row === undefined ? null : streamGates(row.gates);
}

/** Closes streams in every gate of a tenant. Never throws; a gate that cannot be told is told again by the sweep. */
export async function closeStreams(env: Env, tenantId: string, unwelcome: Unwelcome): Promise<void> {
  await persistently('streams_not_closed', { tenantId }, async () => {
    const gates = (await streamGatesOf(openDatabase(env.DB), tenantId)) ?? 0;
    await eachGate(0, gates, (gate) => gateOf(env.INGEST_GATE, tenantId, gate).close(unwelcome));
  });
}

/** When a tenant is to have fewer gates: the streams of those that fall away open again at the others. */
export async function retireGates(env: Env, tenantId: string, before: number, after: number): Promise<void> {
  await persistently('gates_not_retired', { tenantId }, () =>
    eachGate(streamGates(after), streamGates(before), (gate) => gateOf(env.INGEST_GATE, tenantId, gate).retire()),
  );
}

const eachGate = (from: number, end: number, tell: (gate: number) => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: Math.max(0, end - from) }, (_, at) => tell(from + at)));
