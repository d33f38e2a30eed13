/**
 * Taking access away. The end of a session is a statement in D1, which the very next request reads; closing the sockets of
 * it is a call to the rooms, tried until they hear it.
 */
import { and, eq, isNull, ne, type SQL } from 'drizzle-orm';
import type { Unwelcome } from '#durable-objects/fleet-room/feed';
import { roomOf } from '#durable-objects/stubs';
import type { Database } from '../../db/client.ts';
import { sessions } from '../../db/schema/index.ts';
import type { Env } from '../../env.ts';
import { persistently } from '../live/tell-room.ts';
import { closeStreams } from '../telemetry/gates.ts';

export type EndReason = NonNullable<(typeof sessions.$inferSelect)['endReason']>;

/**
 * The statement that ends every live session of a user, save one, and names them. `onlyIf` ties it to what an earlier
 * statement of the same batch has changed.
 * @unscoped the user is the caller, or somebody that a scope has found
 */
export const endSessionsOf = (
  db: Database,
  userId: string,
  reason: EndReason,
  now: Date,
  { except = '', onlyIf }: { except?: string; onlyIf?: SQL } = {},
) =>
  db
    .update(sessions)
    .set({ endedAt: now.toISOString(), endReason: reason })
    .where(and(eq(sessions.userId, userId), isNull(sessions.endedAt), ne(sessions.id, except), onlyIf))
    .returning({ id: sessions.id });

/**
 * Closes live sockets and streams within a second, in room and gates of this tenant; in every tenant's for people without one
 * (null), who may look into any. A session that lives on must not be among the ended: its tickets would be refused.
 * The room hears it before the gates: a ticket that a gate redeems meanwhile is then refused by one or the other.
 * Never throws: what ended has ended in D1, and the sweep closes what is left.
 */
export async function closeSockets(env: Env, tenantId: string | null, unwelcome: Unwelcome): Promise<void> {
  const { everyone = false, ...named } = unwelcome;
  if (!everyone && Object.values(named).every((list) => list.length === 0)) return;
  await persistently('sockets_not_closed', { tenantId }, async () => {
    const rooms = tenantId === null ? await allRooms(env) : [tenantId];
    await Promise.all(
      rooms.map(async (roomId) => {
        await persistently('sockets_not_closed', { roomId }, () => roomOf(env.FLEET_ROOM, roomId).close(unwelcome));
        await closeStreams(env, roomId, unwelcome);
      }),
    );
  });
}

/** @unscoped an operator may look into any of them */
async function allRooms(env: Env): Promise<string[]> {
  const { results } = await env.DB.prepare('SELECT id FROM tenants').all<{ id: string }>();
  return results.map((row) => row.id);
}
