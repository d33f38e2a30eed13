/** The drift alarm of one tenant: looks at its recent predictions, keeps what it found, raises or ends the alert. */
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { raiseAlert, resolveAlertCause } from '../alerts/evaluate.ts';
import type { AlertSignal } from '../alerts/rules.ts';
import { publishChange } from '../live/publish.ts';
import { judgeCalibration } from './drift-rules.ts';
import { keepVerdict, readWatched, type CalibrationCandidate } from './drift-store.ts';

export const driftCause = 'scoring.drift';

const signalOf = (reason: string): AlertSignal => ({
  cause: driftCause,
  type: 'anomaly',
  severity: 'minor',
  vehicleId: null,
  title: 'Predictions no longer match what happens',
  message:
    `${reason} Check that repairs and breakdowns are recorded completely. If they are, have the model trained again, ` +
    'or choose an earlier version of it.',
  occurrenceCount: 1,
});

/**
 * Looks at one tenant's predictions. Running it again changes nothing more. A person's "resolved" covers the alert until
 * the predictions have matched again in between.
 */
export async function watchCalibration(
  scope: TenantScope,
  env: Env,
  db: Database,
  { wasDrifting, since, wantsAlerts }: Omit<CalibrationCandidate, 'tenantId'>,
  now: Date,
): Promise<{ isDrifting: boolean }> {
  const { tenantId } = scope;
  const nowIso = now.toISOString();
  const verdict = judgeCalibration(await readWatched(scope, db, now), wasDrifting);
  const { isDrifting, reason } = verdict;
  const keep = () =>
    keepVerdict(scope, db, verdict, { checkedAt: nowIso, since: isDrifting ? (since ?? nowIso) : null });
  // While an alert stands the note says that there is a drift, whatever is killed in between: the next look goes on.
  if (isDrifting) await keep();
  if (isDrifting || wasDrifting) {
    const isRaised = reason !== null && wantsAlerts;
    const outcome = isRaised
      ? await raiseAlert(scope, db, signalOf(reason), nowIso, { isState: true })
      : await resolveAlertCause(scope, db, driftCause, nowIso);
    const alertIds = [...outcome.openedIds, ...outcome.changedIds, ...outcome.resolvedIds];
    await publishChange(env, db, { tenantId, counters: outcome.counters, vehicleIds: [], alertIds });
  }
  if (!isDrifting) await keep();
  return { isDrifting };
}
