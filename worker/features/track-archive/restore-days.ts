/** Brings the days back that a tenant has asked for, some at a time; what is left is asked for again. */
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { ageWork, callsOf, restoreDay } from './age-day.ts';
import { listDaysToRestore } from './store.ts';

const daysListed = 50;
/** Of one message: others share its invocation. */
const callsPerTurn = 120;

/** One turn. `isDone` false: days are left for another. A day that fails is left to the hourly job. */
export async function restoreSomeDays(
  scope: TenantScope,
  env: Env,
  db: Database,
  now: Date,
): Promise<{ restored: number; isDone: boolean }> {
  const rows = await listDaysToRestore(scope, db, daysListed);
  const work = ageWork(db, env.ARTIFACTS, now);
  let calls = 0;
  let restored = 0;
  for (const [n, row] of rows.entries()) {
    // A large day begins a turn of its own.
    if (n > 0 && calls + callsOf(row) > callsPerTurn) return { restored, isDone: restored === 0 };
    calls += callsOf(row);
    try {
      if (await restoreDay(scope, work, row)) restored += 1;
    } catch (cause) {
      logFailure('track_day_not_restored', cause, { tenantId: row.tenantId, day: row.day });
    }
  }
  return { restored, isDone: rows.length < daysListed || restored === 0 };
}
