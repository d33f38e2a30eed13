/**
 * Every five minutes: vehicles marked for scoring are scored, of every tenant, whether it has a sync or not. What the night
 * has marked is spread over as many sweeps as it takes; tenants that have waited longest come first, and a large one does
 * not keep the others waiting.
 */
import { asc, sql } from 'drizzle-orm';
import { openDatabase, type Database } from '../db/client.ts';
import { tenants } from '../db/schema/index.ts';
import type { Env } from '../env.ts';
import { rescoreTenant } from '../features/scoring/rescore-tenant.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

export interface SweepBounds {
  /** Vehicles of one tenant at a turn. */
  vehiclesPerTurn: number;
  vehicles: number;
  /** Each turn asks D1, R2 and the rooms up to eighteen times; an invocation may ask a thousand times, and has other jobs. */
  turns: number;
  ms: number;
}

const everyFiveMinutes: SweepBounds = { vehiclesPerTurn: 1_000, vehicles: 6_000, turns: 15, ms: 20_000 };

/** Active tenants with marked vehicles, by the vehicle that nothing has happened to for longest. */
async function listWaiting(db: Database, atMost: number): Promise<string[]> {
  const marked = sql`from vehicles v where v.tenant_id = ${tenants.id} and v.is_score_dirty = 1`;
  const rows = await db
    .select({ id: tenants.id })
    .from(tenants)
    .where(sql`${tenants.isActive} = 1 and exists (select 1 ${marked})`)
    .orderBy(sql`(select min(v.updated_at) ${marked})`, asc(tenants.id))
    .limit(atMost);
  return rows.map(({ id }) => id);
}

export interface SweepResult {
  tenants: number;
  scored: number;
  failed: number;
}

/** Scores what fits into the bounds; one tenant's trouble is logged and does not stop the others. */
export async function sweepScores(env: Env, bounds: SweepBounds = everyFiveMinutes): Promise<SweepResult> {
  const db = openDatabase(env.DB);
  const startedMs = Date.now();
  const hasTime = (): boolean => Date.now() - startedMs < bounds.ms;
  const waiting = await listWaiting(db, bounds.turns);
  const result: SweepResult = { tenants: waiting.length, scored: 0, failed: 0 };
  for (let turn = 0; turn < bounds.turns && waiting.length > 0 && hasTime(); turn += 1) {
    const tenantId = waiting.shift() as string;
    const left = bounds.vehicles - result.scored;
    if (left <= 0) break;
    try {
      const { scored, isDone } = await rescoreTenant(scopeForJob(tenantId), env, db, {
        nowIso: new Date().toISOString(),
        atMost: Math.min(left, bounds.vehiclesPerTurn),
        mayGoOn: hasTime,
        alertsOf: 'all',
      });
      result.scored += scored;
      // Its next turn comes after everybody else's.
      if (!isDone && scored > 0) waiting.push(tenantId);
    } catch (cause) {
      result.failed += 1;
      logFailure('score_sweep_failed', cause, { tenantId });
    }
  }
  return result;
}
