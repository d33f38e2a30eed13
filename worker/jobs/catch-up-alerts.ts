/**
 * Every quarter of an hour: alerts of tenants whose vehicles were scored lately are held against their faults and risk once
 * more. Whoever scores brings the alerts in line itself; one that dies between the two leaves scores that nobody finds
 * changed any more, and without a sync nobody else looks before the night. Where nothing was lost, nothing is written.
 */
import { sql } from 'drizzle-orm';
import { openDatabase, type Database } from '../db/client.ts';
import type { Env } from '../env.ts';
import { tellOfScores } from '../features/scoring/rescore-tenant.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

const quarterHourMs = 15 * 60_000;
/** Four looks at each tenant, or one each of four times as many tenants as an invocation takes. */
const scoredWithinMs = 4 * quarterHourMs;

export interface CatchUpBounds {
  /** Two calls each where nothing was lost, up to eight where alerts open and rooms are told. */
  tenants: number;
  ms: number;
}

const everyQuarter: CatchUpBounds = { tenants: 40, ms: 10_000 };

async function listLatelyScored(db: Database, since: string): Promise<string[]> {
  const rows = await db.all<{ id: string }>(sql`
    SELECT id FROM tenants WHERE is_active = 1 AND EXISTS (
      SELECT 1 FROM predictions p WHERE p.tenant_id = tenants.id AND p.created_at >= ${since})
    ORDER BY id`);
  return rows.map(({ id }) => id);
}

/** Looks at some tenants, at the next ones each time; one tenant's trouble is logged and does not stop the others. */
export async function catchUpAlerts(
  env: Env,
  now: Date,
  bounds: CatchUpBounds = everyQuarter,
): Promise<{ tenants: number; failed: number }> {
  const db = openDatabase(env.DB);
  const startedMs = Date.now();
  const listed = await listLatelyScored(db, new Date(now.getTime() - scoredWithinMs).toISOString());
  const quarters = Math.floor(now.getTime() / quarterHourMs);
  const first = listed.length === 0 ? 0 : (quarters * bounds.tenants) % listed.length;
  const turn = [...listed.slice(first), ...listed.slice(0, first)].slice(0, bounds.tenants);
  const result = { tenants: 0, failed: 0 };
  for (const tenantId of turn) {
    if (Date.now() - startedMs >= bounds.ms) break;
    try {
      const all = { vehicleIds: [], counters: [], nowIso: now.toISOString(), looksAtAll: true };
      await tellOfScores(scopeForJob(tenantId), env, db, all);
      result.tenants += 1;
    } catch (cause) {
      result.failed += 1;
      logFailure('alert_catch_up_failed', cause, { tenantId });
    }
  }
  return result;
}
