/**
 * Every five minutes: the displays of some tenants are held against what their rooms have heard. A room tells of a screen
 * that falls silent by itself; this finds the screens that never spoke, those of rooms that died, and what is left of unpaired
 * ones.
 */
import { sql } from 'drizzle-orm';
import { openDatabase, type Database } from '../db/client.ts';
import { settleDisplays } from '../features/displays/health.ts';
import type { Env } from '../env.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

const everyMs = 5 * 60_000;

export interface SweepBounds {
  /** Three calls each where nothing has changed, up to eight where an alert opens. */
  tenants: number;
  ms: number;
}

const everyFiveMinutes: SweepBounds = { tenants: 50, ms: 10_000 };

/** An unpaired display is looked after this long: a room that did not hear of it may still hold its socket. */
const unpairedForMs = 24 * 3_600_000;

async function listTenantsWithDisplays(db: Database, now: Date): Promise<string[]> {
  const since = new Date(now.getTime() - unpairedForMs).toISOString();
  const rows = await db.all<{ id: string }>(sql`
    SELECT id FROM tenants WHERE is_active = 1 AND (
      EXISTS (SELECT 1 FROM displays d WHERE d.tenant_id = tenants.id AND d.deleted_at IS NULL)
      OR EXISTS (SELECT 1 FROM displays d WHERE d.tenant_id = tenants.id AND d.deleted_at > ${since}))
    ORDER BY id`);
  return rows.map(({ id }) => id);
}

/** Looks at some tenants, at the next ones each time; one tenant's trouble is logged and does not stop the others. */
export async function sweepDisplays(
  env: Env,
  now: Date,
  bounds: SweepBounds = everyFiveMinutes,
): Promise<{ tenants: number; silent: number; failed: number }> {
  const db = openDatabase(env.DB);
  const startedMs = Date.now();
  const listed = await listTenantsWithDisplays(db, now);
  const rounds = Math.floor(now.getTime() / everyMs);
  const first = listed.length === 0 ? 0 : (rounds * bounds.tenants) % listed.length;
  const turn = [...listed.slice(first), ...listed.slice(0, first)].slice(0, bounds.tenants);
  const result = { tenants: 0, silent: 0, failed: 0 };
  for (const tenantId of turn) {
    if (Date.now() - startedMs >= bounds.ms) break;
    try {
      result.silent += (await settleDisplays(scopeForJob(tenantId), env, db, now)).silent;
      result.tenants += 1;
    } catch (cause) {
      result.failed += 1;
      logFailure('displays_not_settled', cause, { tenantId });
    }
  }
  return result;
}
