/** What changed lately, as one list of events: alerts opened, taken and closed, syncs that ended. Pure. */
import type { Alert } from '#contracts/alerts';
import type { SyncRun } from '#contracts/sync';

export type ActivityEvent =
  | { kind: 'alert_opened' | 'alert_acknowledged' | 'alert_resolved'; at: string; key: string; alert: Alert }
  | { kind: 'sync_finished' | 'sync_failed'; at: string; key: string; run: SyncRun };

/** Events of the last `withinMs`, newest first, at most `limit`. */
export function recentActivity(
  alerts: readonly Alert[],
  runs: readonly SyncRun[],
  nowMs: number,
  withinMs: number,
  limit: number,
): ActivityEvent[] {
  const events: ActivityEvent[] = [];
  for (const alert of alerts) {
    events.push({ kind: 'alert_opened', at: alert.openedAt, key: `${alert.id}:opened`, alert });
    if (alert.acknowledgedAt !== null) {
      events.push({ kind: 'alert_acknowledged', at: alert.acknowledgedAt, key: `${alert.id}:acknowledged`, alert });
    }
    if (alert.resolvedAt !== null) {
      events.push({ kind: 'alert_resolved', at: alert.resolvedAt, key: `${alert.id}:resolved`, alert });
    }
  }
  for (const run of runs) {
    if (run.finishedAt === null) continue;
    const kind = run.status === 'failed' ? 'sync_failed' : 'sync_finished';
    events.push({ kind, at: run.finishedAt, key: run.id, run });
  }
  return events
    .filter(({ at }) => nowMs - Date.parse(at) <= withinMs)
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || a.key.localeCompare(b.key))
    .slice(0, limit);
}

/** What a sync run changed, in words; "nothing new" when it changed nothing. */
export function runWords(run: Pick<SyncRun, 'counts'>): string {
  const { vehiclesSeen, faultsOpened, faultsCleared, alertsOpened } = run.counts;
  const parts = [
    faultsOpened > 0 ? `${faultsOpened} new ${faultsOpened === 1 ? 'fault' : 'faults'}` : null,
    faultsCleared > 0 ? `${faultsCleared} cleared` : null,
    alertsOpened > 0 ? `${alertsOpened} ${alertsOpened === 1 ? 'alert' : 'alerts'}` : null,
  ].filter((part) => part !== null);
  return `${vehiclesSeen} trucks read, ${parts.length === 0 ? 'nothing new' : parts.join(', ')}`;
}
