/**
 * Once a night: every vehicle with an active fault is marked for scoring. A fault that stays grows in weight by staying,
 * which no change would ever tell; the next sync scores what is marked.
 */
import { and, eq, gt } from 'drizzle-orm';
import { openDatabase } from '../db/client.ts';
import { tenants, vehicles } from '../db/schema/index.ts';
import type { Env } from '../env.ts';

export async function refreshScores(env: Env): Promise<{ marked: number }> {
  const db = openDatabase(env.DB);
  let marked = 0;
  for (const { id } of await db.select({ id: tenants.id }).from(tenants).where(eq(tenants.isActive, true))) {
    const result = await db
      .update(vehicles)
      .set({ isScoreDirty: true })
      .where(and(eq(vehicles.tenantId, id), gt(vehicles.activeFaultCount, 0)));
    marked += result.meta.changes;
  }
  return { marked };
}
