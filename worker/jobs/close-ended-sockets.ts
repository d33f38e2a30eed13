/**
 * Every five minutes: live sockets are closed once more that should be closed by now: of sessions that ended or ran out a
 * short while ago, and of people whose rights changed. Whoever ended them closed them at once; a room that did not hear it
 * then hears it now. Closing what is closed does nothing.
 */
import { and, desc, eq, gt, isNull, lte } from 'drizzle-orm';
import { openDatabase } from '../db/client.ts';
import { sessions, users } from '../db/schema/index.ts';
import type { Env } from '../env.ts';
import { closeSockets } from '../features/auth/revocation.ts';

/** Three sweeps see each of them. */
const withinMs = 15 * 60_000;
/** An invocation may ask a thousand rooms; the newest come first, and older ones were seen by the sweep before. */
const rowsPerRun = 250;
const atOnce = 10;

/** Answers how many sessions, and people whose rights changed, were looked after. */
export async function closeEndedSockets(env: Env, now: Date): Promise<{ sessions: number; people: number }> {
  const db = openDatabase(env.DB);
  const [since, nowIso] = [new Date(now.getTime() - withinMs).toISOString(), now.toISOString()];
  const session = { tenantId: users.tenantId, sessionId: sessions.id };
  const [ended, expired, changed] = await db.batch([
    db
      .select(session)
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(gt(sessions.endedAt, since))
      .orderBy(desc(sessions.endedAt))
      .limit(rowsPerRun),
    db
      .select(session)
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(and(gt(sessions.expiresAt, since), lte(sessions.expiresAt, nowIso), isNull(sessions.endedAt)))
      .orderBy(desc(sessions.expiresAt))
      .limit(rowsPerRun),
    db
      .select({ tenantId: users.tenantId, userId: users.id, accessAsOf: users.accessChangedAt })
      .from(users)
      .where(gt(users.accessChangedAt, since))
      .orderBy(desc(users.accessChangedAt))
      .limit(rowsPerRun),
  ]);
  const over = Map.groupBy([...ended, ...expired], (row) => row.tenantId);
  const outdated = Map.groupBy(changed, (row) => row.tenantId);
  const queue = [...new Set([...over.keys(), ...outdated.keys()])];
  const work = async (): Promise<void> => {
    for (let tenantId = queue.shift(); tenantId !== undefined; tenantId = queue.shift()) {
      await closeSockets(env, tenantId, {
        endedSessionIds: over.get(tenantId)?.map(({ sessionId }) => sessionId) ?? [],
        outdated:
          outdated.get(tenantId)?.map(({ userId, accessAsOf }) => ({ userId, accessAsOf: accessAsOf ?? '' })) ?? [],
      });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { sessions: ended.length + expired.length, people: changed.length };
}
