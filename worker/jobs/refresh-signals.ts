/**
 * Signals: every quarter of an hour the baselines that readings have left behind for an hour are computed again, the
 * longest waiting first; every night days that are old enough are closed, and those nobody asks for any more go.
 */
import { sql, type SQL } from 'drizzle-orm';
import { openDatabase, type Database } from '../db/client.ts';
import type { Env } from '../env.ts';
import { oldestReadingDays, openDays } from '../features/telemetry/signal-rules.ts';
import { refreshStaleStates } from '../features/telemetry/signal-states.ts';

const dayMs = 86_400_000;
/** A vehicle's rollups are a thousand rows: so many at once are four megabytes. */
const vehiclesAtOnce = 40;
/** Some five seconds of computing; a fleet of thousands takes its turns. */
const vehiclesPerRun = 1_000;

/** Brings the baselines of vehicles with new readings up to date. */
export async function refreshSignalStates(
  env: Env,
  now: Date,
  atMost = vehiclesPerRun,
): Promise<{ refreshed: number; marked: number }> {
  const db = openDatabase(env.DB);
  const total = { refreshed: 0, marked: 0 };
  while (total.refreshed < atMost) {
    const wanted = Math.min(vehiclesAtOnce, atMost - total.refreshed);
    const { refreshed, marked } = await refreshStaleStates(db, wanted, now);
    total.refreshed += refreshed;
    total.marked += marked;
    if (refreshed < wanted) break;
  }
  return total;
}

export interface TidyBounds {
  rowsPerRound: number;
  maxRounds: number;
}

const nightly: TidyBounds = { rowsPerRound: 20_000, maxRounds: 20 };

/** Closes the days past the month in which readings may still come, and deletes those past the year and a bit. */
export async function tidySignalDays(
  env: Env,
  now: Date,
  bounds: TidyBounds = nightly,
): Promise<{ closed: number; deleted: number }> {
  const db = openDatabase(env.DB);
  const dayBefore = (days: number) => new Date(now.getTime() - days * dayMs).toISOString().slice(0, 10);
  const closed = await inRounds(
    db,
    sql`UPDATE signal_days SET minutes = NULL, version = version + 1 WHERE rowid IN (
      SELECT rowid FROM signal_days WHERE minutes IS NOT NULL AND day < ${dayBefore(openDays)} LIMIT ${bounds.rowsPerRound})`,
    bounds,
  );
  const deleted = await inRounds(
    db,
    sql`DELETE FROM signal_days WHERE rowid IN (
      SELECT rowid FROM signal_days WHERE tenant_id IN (SELECT id FROM tenants) AND day < ${dayBefore(oldestReadingDays)}
      LIMIT ${bounds.rowsPerRound})`,
    bounds,
  );
  return { closed, deleted };
}

async function inRounds(db: Database, statement: SQL, { rowsPerRound, maxRounds }: TidyBounds): Promise<number> {
  let changed = 0;
  for (let round = 0; round < maxRounds; round++) {
    const { meta } = await db.run(statement);
    changed += meta.changes;
    if (meta.changes < rowsPerRound) break;
  }
  return changed;
}
