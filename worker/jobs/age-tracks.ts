/**
 * Every hour: days of tracks in R2 grow old. What was asked for comes back first; what was restored goes back when its time is
 * over; what is older than a year goes into the archive class, what is older than eight for good.
 */
import { openDatabase } from '../db/client.ts';
import type { Env } from '../env.ts';
import {
  ageWork,
  archiveDay,
  callsOf,
  deleteDay,
  lockDay,
  restoreDay,
  type AgeWork,
} from '../features/track-archive/age-day.ts';
import {
  listAllDaysToRestore,
  listDaysToLock,
  listOldDays,
  type DayMark,
} from '../features/track-archive/due-store.ts';
import { archivedBefore, deletedBefore, type TrackDayRow } from '../features/track-archive/rules.ts';
import { scopeForJob, type TenantScope } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

export interface AgeTracksBounds {
  /** Calls of D1 and R2. The first day of a kind is done whole, however many files it has. */
  calls: number;
  listed: number;
}

const hourly: AgeTracksBounds = { calls: 240, listed: 40 };

export interface AgeTracksResult {
  restored: number;
  locked: number;
  archived: number;
  deleted: number;
  failed: number;
}

interface Kind {
  name: 'restored' | 'locked' | 'archived' | 'deleted';
  /** Days that are due, after this one. */
  list: (after: DayMark | null) => Promise<TrackDayRow[]>;
  /** The list knows no after: what was done is gone from it. */
  isAlwaysFromStart: boolean;
  /** False: somebody else has changed the day meanwhile. */
  age: (scope: TenantScope, work: AgeWork, row: TrackDayRow) => Promise<boolean>;
}

/** Ages days of one kind until its share is used up; answers how many calls it took. */
async function ageKind(kind: Kind, work: AgeWork, share: number, result: AgeTracksResult): Promise<number> {
  let calls = 0;
  let after: DayMark | null = null;
  for (;;) {
    calls += 1;
    const rows: TrackDayRow[] = await kind.list(after);
    const before = result[kind.name];
    for (const row of rows) {
      if (calls > 1 && calls + callsOf(row) > share) return calls;
      calls += callsOf(row);
      try {
        if (await kind.age(scopeForJob(row.tenantId), work, row)) result[kind.name] += 1;
      } catch (cause) {
        result.failed += 1;
        logFailure(`track_day_not_${kind.name}`, cause, { tenantId: row.tenantId, day: row.day });
      }
    }
    const last = rows.at(-1);
    // What failed is passed by where the list can be walked. Where it stays at the front, nothing done is the end.
    if (last === undefined || calls >= share || (kind.isAlwaysFromStart && result[kind.name] === before)) return calls;
    after = { day: last.day, tenantId: last.tenantId };
  }
}

/** Every step may be the last before a crash: the next hour finds what is left. */
export async function ageTracks(env: Env, now: Date, bounds: AgeTracksBounds = hourly): Promise<AgeTracksResult> {
  const db = openDatabase(env.DB);
  const work = ageWork(db, env.ARTIFACTS, now);
  const { listed: limit } = bounds;
  const kinds: Kind[] = [
    {
      name: 'deleted',
      isAlwaysFromStart: false,
      list: (after) => listOldDays(db, ['stored', 'archived', 'restored'], deletedBefore(now), { after, limit }),
      age: deleteDay,
    },
    {
      name: 'locked',
      isAlwaysFromStart: true,
      list: () => listDaysToLock(db, now.toISOString(), limit),
      age: lockDay,
    },
    { name: 'restored', isAlwaysFromStart: true, list: () => listAllDaysToRestore(db, limit), age: restoreDay },
    {
      name: 'archived',
      isAlwaysFromStart: false,
      list: (after) => listOldDays(db, ['stored'], archivedBefore(now), { after, limit }),
      age: archiveDay,
    },
  ];
  const result: AgeTracksResult = { restored: 0, locked: 0, archived: 0, deleted: 0, failed: 0 };
  let { calls } = bounds;
  for (const [n, kind] of kinds.entries()) {
    // Each kind has its share of what those before it have left over.
    calls -= await ageKind(kind, work, Math.floor(calls / (kinds.length - n)), result);
  }
  return result;
}
