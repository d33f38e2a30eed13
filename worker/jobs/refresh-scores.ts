/**
 * Once a night: every vehicle with an active fault is marked for scoring. A fault that stays grows in weight by staying,
 * which no change would ever tell; the next sync scores what is marked.
 */
import { and, eq, gt, sql } from 'drizzle-orm';
import { openDatabase } from '../db/client.ts';
import { tenants, vehicles } from '../db/schema/index.ts';
import { idsIn } from '../db/scoped.ts';
import type { Env } from '../env.ts';

/** A statement for so many tenants: few enough calls for a night, and none that D1 would cut off. */
const tenantsAtOnce = 50;

export async function refreshScores(env: Env): Promise<{ marked: number }> {
  const db = openDatabase(env.DB);
  let marked = 0;
  const active = await db.select({ id: tenants.id }).from(tenants).where(eq(tenants.isActive, true));
  for (let from = 0; from < active.length; from += tenantsAtOnce) {
    const ids = active.slice(from, from + tenantsAtOnce).map(({ id }) => id);
    const result = await db
      .update(vehicles)
      .set({ isScoreDirty: true })
      .where(and(sql`${vehicles.tenantId} in ${idsIn(ids)}`, gt(vehicles.activeFaultCount, 0)));
    marked += result.meta.changes;
  }
  return { marked };
}
