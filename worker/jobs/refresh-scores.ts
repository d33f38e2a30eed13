/**
 * Once a night: every vehicle that is still watched is marked for scoring, unless it was scored today already. A fault that
 * stays grows in weight by staying, which no change would ever tell; and a prediction a day for every truck, healthy ones
 * too, is what models learn from and are judged by. The sweep (sweep-scores.ts) and the syncs score what is marked.
 *
 * A vehicle that nobody has heard of for a month is not watched: it was sold, or its feed is gone, and a prediction whose
 * outcome nobody can see would pass for one without a failure.
 */
import { eq, sql } from 'drizzle-orm';
import { openDatabase } from '../db/client.ts';
import { tenants } from '../db/schema/index.ts';
import { idsIn } from '../db/scoped.ts';
import type { Env } from '../env.ts';

/** A statement for so many tenants: few enough calls for a night, and none that D1 would cut off. */
const tenantsAtOnce = 50;

export interface RefreshBounds {
  /** Vehicles marked by one statement. */
  perStatement: number;
  /** Statements a night; whoever had no turn is marked the next night. */
  mostStatements: number;
}

const nightly: RefreshBounds = { perStatement: 20_000, mostStatements: 150 };
const dayMs = 86_400_000;
const watchedDays = 30;

/** The marks alone: a scoring that is under way clears one rightly, for it is today's. */
const mark = (tenantIds: readonly string[], now: Date, perStatement: number) => {
  const heardSince = new Date(now.getTime() - watchedDays * dayMs).toISOString();
  const today = now.toISOString().slice(0, 10);
  return sql`UPDATE vehicles SET is_score_dirty = 1 WHERE id IN (
    SELECT v.id FROM vehicles v WHERE v.tenant_id IN ${idsIn(tenantIds)} AND v.is_score_dirty = 0
      AND (v.last_sync_at >= ${heardSince} OR v.last_reading_at >= ${heardSince} OR v.first_seen_at >= ${heardSince}
        OR EXISTS (SELECT 1 FROM service_events e WHERE e.vehicle_id = v.id AND e.at >= ${heardSince}))
      AND NOT EXISTS (SELECT 1 FROM predictions p WHERE p.vehicle_id = v.id AND p.created_at >= ${today})
    LIMIT ${perStatement})`;
};

/** Marks the vehicles of active tenants; answers how many. */
export async function refreshScores(
  env: Env,
  now: Date,
  { perStatement, mostStatements }: RefreshBounds = nightly,
): Promise<{ marked: number }> {
  const db = openDatabase(env.DB);
  const active = await db
    .select({ id: tenants.id })
    .from(tenants)
    .where(eq(tenants.isActive, true))
    .orderBy(tenants.id);
  let marked = 0;
  let statements = 0;
  for (let from = 0; from < active.length; from += tenantsAtOnce) {
    const ids = active.slice(from, from + tenantsAtOnce).map(({ id }) => id);
    for (let changes = perStatement; changes >= perStatement;) {
      if (statements >= mostStatements) return { marked };
      statements += 1;
      ({ changes } = (await db.run(mark(ids, now, perStatement))).meta);
      marked += changes;
    }
  }
  return { marked };
}
