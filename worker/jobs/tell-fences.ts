/** Every five minutes: tracks that have not heard of every change of their tenant's geofences are told of all of them. */
import { and, asc, eq, gt } from 'drizzle-orm';
import { openDatabase } from '../db/client.ts';
import { tenants } from '../db/schema/index.ts';
import type { Env } from '../env.ts';
import { tellAll } from '../features/geofences/tell-tracks.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

/** An invocation may ask a thousand times, and others work in this one. A tenant that was begun is finished: 410 at most. */
const callsPerRun = 100;

/** One tenant's trouble does not stop the others; who is left over has the next turn. */
export async function tellLaggingTracks(env: Env): Promise<{ told: number; failed: number }> {
  const db = openDatabase(env.DB);
  const lagging = await db
    .select({ id: tenants.id })
    .from(tenants)
    .where(and(eq(tenants.isActive, true), gt(tenants.geofenceVersion, tenants.geofenceVersionTold)))
    .orderBy(asc(tenants.id));
  const result = { told: 0, failed: 0 };
  let calls = 0;
  for (const { id } of lagging) {
    if (calls >= callsPerRun) break;
    try {
      calls += (await tellAll(scopeForJob(id), env, db)).calls;
      result.told += 1;
    } catch (cause) {
      calls += 10;
      result.failed += 1;
      logFailure('fences_not_told', cause, { tenantId: id });
    }
  }
  return result;
}
