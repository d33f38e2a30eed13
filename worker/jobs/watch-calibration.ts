/**
 * Once a day and tenant: do its predictions still match what happens? A few tenants at every quarter of an hour, those that
 * have not been looked at for longest first.
 */
import { openDatabase } from '../db/client.ts';
import type { Env } from '../env.ts';
import { listUnchecked } from '../features/ledger/drift-store.ts';
import { watchCalibration } from '../features/ledger/watch-calibration.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

const restMs = 24 * 3_600_000;
/** Some six calls each, of the thousand an invocation has; two thousand tenants a day. */
const tenantsPerRun = 20;

export async function watchAllCalibrations(
  env: Env,
  now: Date,
  atMost = tenantsPerRun,
): Promise<{ checked: number; drifting: number; failed: number }> {
  const db = openDatabase(env.DB);
  const before = new Date(now.getTime() - restMs).toISOString();
  const result = { checked: 0, drifting: 0, failed: 0 };
  for (const candidate of await listUnchecked(db, { now, before, atMost })) {
    try {
      const { isDrifting } = await watchCalibration(scopeForJob(candidate.tenantId), env, db, candidate, now);
      result.checked += 1;
      if (isDrifting) result.drifting += 1;
    } catch (cause) {
      result.failed += 1;
      logFailure('calibration_not_watched', cause, { tenantId: candidate.tenantId });
    }
  }
  return result;
}
