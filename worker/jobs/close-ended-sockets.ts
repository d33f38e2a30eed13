/**
 * Every five minutes: live sockets and streams are closed once more that should be closed by now: of sessions that ended or
 * ran out a short while ago, of people whose rights changed, and of API keys revoked or given a new secret. Whoever ended them closed them at once; a room that did not hear it
 * then hears it now. Closing what is closed does nothing.
 */
import { and, desc, eq, gt, isNull, lte } from 'drizzle-orm';
import { openDatabase } from '../db/client.ts';
import { apiKeys, apiKeySecrets, sessions, users } from '../db/schema/index.ts';
import type { Env } from '../env.ts';
import { closeSockets } from '../features/auth/revocation.ts';

/** Three sweeps see each of them. */
const withinMs = 15 * 60_000;
/** An invocation may ask a thousand rooms; the newest come first, and older ones were seen by the sweep before. */
const rowsPerRun = 250;
const atOnce = 10;

/** Answers how many sessions, people whose rights changed, and keys were looked after. */
export async function closeEndedSockets(
  env: Env,
  now: Date,
): Promise<{ sessions: number; people: number; keys: number }> {
  const db = openDatabase(env.DB);
  const [since, nowIso] = [new Date(now.getTime() - withinMs).toISOString(), now.toISOString()];
  const session = { tenantId: users.tenantId, sessionId: sessions.id };
  const [ended, expired, changed, revoked, rotated] = await db.batch([
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
    db
      .select({ tenantId: apiKeys.tenantId, sessionId: apiKeys.id })
      .from(apiKeys)
      .where(gt(apiKeys.revokedAt, since))
      .orderBy(desc(apiKeys.revokedAt))
      .limit(rowsPerRun),
    db
      .select({ tenantId: apiKeys.tenantId, userId: apiKeys.id, accessAsOf: apiKeySecrets.createdAt })
      .from(apiKeySecrets)
      .innerJoin(apiKeys, eq(apiKeys.id, apiKeySecrets.apiKeyId))
      .where(gt(apiKeySecrets.createdAt, since))
      .orderBy(desc(apiKeySecrets.createdAt))
      .limit(rowsPerRun),
  ]);
  const over = Map.groupBy([...ended, ...expired, ...revoked], (row) => row.tenantId);
  // The newest secret of a key comes last: it is the one that counts.
  const outdated = Map.groupBy([...changed, ...rotated.toReversed()], (row) => row.tenantId);
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
  return { sessions: ended.length + expired.length, people: changed.length, keys: revoked.length + rotated.length };
}
