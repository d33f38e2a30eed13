/** Once a night: what nobody can use any more is deleted. */
import { and, lt, sql } from 'drizzle-orm';
import { openDatabase } from '../db/client.ts';
import { idempotencyKeys, refreshTokens, sessions } from '../db/schema/index.ts';
import type { Env } from '../env.ts';

const dayMs = 86_400_000;
/** Clients retry for minutes; a day covers the slowest. */
const idempotencyKeptDays = 1;
/** A used or expired refresh token is still needed to recognise its reuse, while its family may live. */
const refreshTokensKeptDays = 30;
/** Runs are the operator's diary; a year of them at four an hour is small. */
const syncRunsKeptDays = 365;
/** Rows per delete: a nightly backlog must not become one endless statement. */
const rowsPerDelete = 5_000;

/** Deletes in bounded steps; what is left over goes the next night. */
export async function cleanUp(env: Env, now: Date): Promise<Record<string, number>> {
  const db = openDatabase(env.DB);
  const before = (days: number) => new Date(now.getTime() - days * dayMs).toISOString();
  const keys = await db.delete(idempotencyKeys).where(lt(idempotencyKeys.createdAt, before(idempotencyKeptDays)));
  const oldTokens = await db.delete(refreshTokens).where(
    sql`${refreshTokens.id} in (select id from refresh_tokens where expires_at < ${before(refreshTokensKeptDays)}
      limit ${rowsPerDelete})`,
  );
  const oldSessions = await db
    .delete(sessions)
    .where(
      and(
        lt(sessions.expiresAt, before(refreshTokensKeptDays)),
        sql`not exists (select 1 from refresh_tokens r where r.session_id = ${sessions.id})`,
      ),
    );
  const oldRuns = await db.run(sql`
    DELETE FROM sync_logs WHERE id IN (
      SELECT id FROM sync_logs WHERE status IN ('succeeded', 'partial', 'failed')
        AND heartbeat_at < ${before(syncRunsKeptDays)} LIMIT ${rowsPerDelete})`);
  return {
    idempotencyKeys: keys.meta.changes,
    refreshTokens: oldTokens.meta.changes,
    sessions: oldSessions.meta.changes,
    syncRuns: oldRuns.meta.changes,
  };
}
