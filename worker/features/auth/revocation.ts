/**
 * Taking access away. The end of a session is a statement in D1, which the very next request reads; closing the sockets of
 * it is a call to the rooms, tried until they hear it.
 */
import { and, eq, isNull, ne } from 'drizzle-orm';
import { roomOf } from '#durable-objects/stubs';
import type { Database } from '../../db/client.ts';
import { sessions } from '../../db/schema/index.ts';
import type { Env } from '../../env.ts';
import { logFailure } from '../../log.ts';

export type EndReason = NonNullable<(typeof sessions.$inferSelect)['endReason']>;

/** The statement that ends every live session of a user, save one, and names them. */
export const endSessionsOf = (
  db: Database,
  userId: string,
  reason: EndReason,
  now: Date,
  { except = '' }: { except?: string } = {},
) =>
  db
    .update(sessions)
    .set({ endedAt: now.toISOString(), endReason: reason })
    .where(and(eq(sessions.userId, userId), isNull(sessions.endedAt), ne(sessions.id, except)))
    .returning({ id: sessions.id });

export interface SocketsToClose {
  userId: string;
  /** The user's tenant; null for a super admin, who may hold sockets in any room. */
  tenantId: string | null;
  /** Only these sessions' sockets; all of the user's when left out. */
  sessionIds?: readonly string[];
}

const tries = 3;

/** Closes live sockets within a second. Never throws: what ended has ended in D1, and the sweep closes what is left. */
export async function closeSockets(env: Env, { userId, tenantId, sessionIds }: SocketsToClose): Promise<void> {
  const rooms =
    tenantId === null
      ? (await env.DB.prepare('SELECT id FROM tenants').all<{ id: string }>()).results.map((row) => row.id)
      : [tenantId];
  const closeIn = async (roomId: string): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const room = roomOf(env.FLEET_ROOM, roomId);
      try {
        if (sessionIds === undefined) await room.closeUser(userId);
        else for (const sessionId of sessionIds) await room.closeSession(sessionId);
        return;
      } catch (cause) {
        if (attempt === tries) return logFailure('sockets_not_closed', cause, { roomId, userId });
      }
    }
  };
  await Promise.all(rooms.map(closeIn));
}
