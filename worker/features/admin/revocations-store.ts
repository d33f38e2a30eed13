/**
 * How much access there is, and how much has been taken away lately.
 * @unscoped the operator's: the route asks for admin:manage
 */
import { accessTokenSeconds } from '#contracts/auth';
import type { RevocationStats } from '#contracts/admin';
import type { Database } from '../../db/client.ts';
import { lockMs } from '../auth/rules.ts';

const dayMs = 86_400_000;

const liveSql = `SELECT count(*) AS sessions, count(DISTINCT s.user_id) AS people FROM sessions s
  WHERE s.expires_at > ?1 AND s.ended_at IS NULL`;
/** An expired session that somebody then ended counts too: it was taken away, whatever it was still worth. */
const endedSql = `SELECT s.end_reason AS reason, count(*) AS count FROM sessions s
  WHERE s.ended_at IS NOT NULL AND s.ended_at > ?1 GROUP BY s.end_reason`;
const suspendedSql = `SELECT count(*) AS count FROM users u WHERE u.is_deactivated = 1 AND u.deleted_at IS NULL`;
/** A lock is written with `updated_at` and lasts a fixed time, so older rows cannot be locked: the index leads to the rest. */
const lockedSql = `SELECT count(*) AS count FROM sign_in_failures f WHERE f.updated_at > ?1 AND f.locked_until > ?2`;

export async function readRevocationStats(db: Database, now: Date): Promise<RevocationStats> {
  const ago = (ms: number): string => new Date(now.getTime() - ms).toISOString();
  const statement = (query: string, ...bound: string[]) => db.$client.prepare(query).bind(...bound);
  const [live, day, week, suspended, locked] = await Promise.all([
    statement(liveSql, now.toISOString()).first<{ sessions: number; people: number }>(),
    statement(endedSql, ago(dayMs)).all<{ reason: string | null; count: number }>(),
    statement(endedSql, ago(7 * dayMs)).all<{ reason: string | null; count: number }>(),
    statement(suspendedSql).first<{ count: number }>(),
    statement(lockedSql, ago(lockMs), now.toISOString()).first<{ count: number }>(),
  ]);
  return {
    activeSessions: live?.sessions ?? 0,
    activeUsers: live?.people ?? 0,
    endedLast24Hours: toEnded(day.results),
    endedLast7Days: toEnded(week.results),
    suspendedUsers: suspended?.count ?? 0,
    lockedAddresses: locked?.count ?? 0,
    tokenSeconds: accessTokenSeconds,
  };
}

const toEnded = (rows: readonly { reason: string | null; count: number }[]) => ({
  total: rows.reduce((sum, row) => sum + row.count, 0),
  byReason: Object.fromEntries(rows.map(({ reason, count }) => [reason ?? 'unknown', count])),
});
