/**
 * Every hour: days that have grown old leave the tenants' tracks for R2. A tenant is asked once a day, and again while
 * something is left; who waits longest comes first, and nobody moves more than some parts in a turn.
 */
import { tracksOf } from '#durable-objects/stubs';
import { openDatabase, type Database } from '../db/client.ts';
import type { Env } from '../env.ts';
import { listTurns, saveTurn } from '../features/track-archive/due-store.ts';
import { callsPerDay, callsPerPart, moveDay } from '../features/track-archive/move-day.ts';
import { movedBefore } from '../features/track-archive/rules.ts';
import { listUnfinishedDays } from '../features/track-archive/store.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

export interface MoveTracksBounds {
  /** Calls of D1, R2 and objects; a day that was begun may take some more. */
  calls: number;
  /** Of 300,000 fixes at most, some 2 s of computing each. */
  partsPerTurn: number;
  tenants: number;
  ms: number;
}

const hourly: MoveTracksBounds = { calls: 480, partsPerTurn: 10, tenants: 200, ms: 240_000 };

export interface MoveTracksResult {
  tenants: number;
  parts: number;
  fixes: number;
  /** Tenants of which something is left. */
  left: number;
  failed: number;
}

interface Turn {
  calls: number;
  parts: number;
  fixes: number;
  isSettled: boolean;
}

async function takeTurn(
  env: Env,
  db: Database,
  tenantId: string,
  { now, parts, calls }: { now: Date; parts: number; calls: number },
): Promise<Turn> {
  const scope = scopeForJob(tenantId);
  const tracks = tracksOf(env.FLEET_TRACKS, tenantId);
  // What was begun comes first: the object may have let go of it, and would not name it any more.
  const begun = await listUnfinishedDays(scope, db);
  const held = await tracks.listDaysBefore(movedBefore(now));
  const turn: Turn = { calls: 3, parts: 0, fixes: 0, isSettled: false };
  for (const day of new Set([...begun, ...held])) {
    if (turn.parts >= parts || turn.calls + callsPerDay + callsPerPart > calls) return turn;
    const most = Math.min(parts - turn.parts, Math.floor((calls - turn.calls - callsPerDay) / callsPerPart));
    const moved = await moveDay({ scope, db, bucket: env.ARTIFACTS, tracks, now }, day, most);
    turn.calls += moved.calls;
    turn.parts += moved.parts;
    turn.fixes += moved.fixes;
    if (!moved.isDone) return turn;
  }
  return { ...turn, isSettled: true };
}

/** One tenant's trouble is logged and does not stop the others. */
export async function moveTracks(env: Env, now: Date, bounds: MoveTracksBounds = hourly): Promise<MoveTracksResult> {
  const db = openDatabase(env.DB);
  const startedMs = Date.now();
  const before = movedBefore(now);
  const result: MoveTracksResult = { tenants: 0, parts: 0, fixes: 0, left: 0, failed: 0 };
  let calls = 1;
  const isOver = () => calls + callsPerDay + callsPerPart + 3 > bounds.calls || Date.now() - startedMs >= bounds.ms;
  let waiting = await listTurns(db, before, bounds.tenants);
  while (waiting.length > 0) {
    const left: string[] = [];
    for (const [n, tenantId] of waiting.entries()) {
      if (isOver()) return { ...result, left: left.length + waiting.length - n };
      let isSettled = false;
      try {
        const turn = await takeTurn(env, db, tenantId, {
          now,
          parts: bounds.partsPerTurn,
          calls: bounds.calls - calls - 1,
        });
        calls += turn.calls;
        result.parts += turn.parts;
        result.fixes += turn.fixes;
        isSettled = turn.isSettled;
        if (isSettled) result.tenants += 1;
        else left.push(tenantId);
      } catch (cause) {
        // As much as a turn may have taken before it failed.
        calls += 2 + callsPerPart;
        result.failed += 1;
        logFailure('tracks_not_moved', cause, { tenantId });
      }
      calls += 1;
      await saveTurn(db, { tenantId, settledBefore: isSettled ? before : null, now });
    }
    waiting = left;
  }
  return result;
}
