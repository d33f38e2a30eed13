/** Once a night: what nobody can use any more is deleted. */
import { sql, type SQL } from 'drizzle-orm';
import { openDatabase, type Database } from '../db/client.ts';
import type { Env } from '../env.ts';

const dayMs = 86_400_000;
/** Clients retry for minutes; a day covers the slowest. */
const idempotencyKeptDays = 1;
/** A used or expired refresh token is still needed to recognise its reuse, while its family may live. */
const refreshTokensKeptDays = 30;
/** Runs are the operator's diary; a year of them at four an hour is small. */
const syncRunsKeptDays = 365;
/** Wrong passwords in a row are so for a day; a lock has run out long before. */
const signInFailuresKeptDays = 1;
/** Kept past their half hour for the count of an hour's requests. */
const passwordResetsKeptDays = 1;
/** Codes of displays run out after a quarter of an hour; which of them became a display stands in the audit log. */
const displayCodesKeptDays = 1;
/** Accepted or taken back; who came and when stands in the audit log. */
const settledInvitationsKeptDays = 90;

export interface CleanUpBounds {
  /** Rows per delete: a backlog must not become one endless statement. */
  rowsPerRound: number;
  /** Deletes per table and night; what is then still left goes the next night. */
  maxRounds: number;
}

const nightly: CleanUpBounds = { rowsPerRound: 5_000, maxRounds: 20 };

/** Deletes in rounds until nothing is left or the night's bound is reached; answers how many rows went, per table. */
export async function cleanUp(env: Env, now: Date, bounds: CleanUpBounds = nightly): Promise<Record<string, number>> {
  const db = openDatabase(env.DB);
  const before = (days: number) => new Date(now.getTime() - days * dayMs).toISOString();
  const { rowsPerRound: most } = bounds;
  const idempotencyKeys = await inRounds(
    db,
    sql`DELETE FROM idempotency_keys WHERE rowid IN (
      SELECT rowid FROM idempotency_keys WHERE created_at < ${before(idempotencyKeptDays)} LIMIT ${most})`,
    bounds,
  );
  const refreshTokens = await inRounds(
    db,
    sql`DELETE FROM refresh_tokens WHERE id IN (
      SELECT id FROM refresh_tokens WHERE expires_at < ${before(refreshTokensKeptDays)} LIMIT ${most})`,
    bounds,
  );
  // After the tokens: a session goes once none of its tokens is left.
  const sessions = await inRounds(
    db,
    sql`DELETE FROM sessions WHERE id IN (
      SELECT id FROM sessions WHERE expires_at < ${before(refreshTokensKeptDays)}
        AND NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.session_id = sessions.id) LIMIT ${most})`,
    bounds,
  );
  const syncRuns = await inRounds(
    db,
    sql`DELETE FROM sync_logs WHERE id IN (
      SELECT id FROM sync_logs WHERE status IN ('succeeded', 'partial', 'failed')
        AND heartbeat_at < ${before(syncRunsKeptDays)} LIMIT ${most})`,
    bounds,
  );
  const signInFailures = await inRounds(
    db,
    sql`DELETE FROM sign_in_failures WHERE email_hash IN (
      SELECT email_hash FROM sign_in_failures WHERE updated_at < ${before(signInFailuresKeptDays)}
        AND (locked_until IS NULL OR locked_until < ${before(signInFailuresKeptDays)}) LIMIT ${most})`,
    bounds,
  );
  const passwordResets = await inRounds(
    db,
    sql`DELETE FROM password_resets WHERE token_hash IN (
      SELECT token_hash FROM password_resets WHERE expires_at < ${before(passwordResetsKeptDays)} LIMIT ${most})`,
    bounds,
  );
  const settledInvitations = await inRounds(
    db,
    sql`DELETE FROM invitations WHERE id IN (
      SELECT id FROM invitations WHERE (accepted_at is not null or revoked_at is not null)
        AND expires_at < ${before(settledInvitationsKeptDays)} LIMIT ${most})`,
    bounds,
  );
  const displayCodes = await inRounds(
    db,
    sql`DELETE FROM display_codes WHERE device_code_hash IN (
      SELECT device_code_hash FROM display_codes WHERE expires_at < ${before(displayCodesKeptDays)} LIMIT ${most})`,
    bounds,
  );
  return {
    ...{ idempotencyKeys, refreshTokens, sessions, syncRuns, signInFailures, passwordResets },
    ...{ settledInvitations, displayCodes },
  };
}

async function inRounds(db: Database, statement: SQL, { rowsPerRound, maxRounds }: CleanUpBounds): Promise<number> {
  let deleted = 0;
  for (let round = 0; round < maxRounds; round++) {
    const { meta } = await db.run(statement);
    deleted += meta.changes;
    if (meta.changes < rowsPerRound) break;
  }
  return deleted;
}
