/** What the end of a run does, whoever ends it: the workflow that came to its end, or the sweep that found it dead. */
import type { SyncProvider } from '#contracts/sync';
import { scrapeGateOf } from '#durable-objects/stubs';
import { chainSoon } from '../../audit/chain.ts';
import { openDatabase } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import { scopeForJob } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { raiseAlert, resolveAlertCause } from '../alerts/evaluate.ts';
import { alertSeverityOf, alertTitleOf } from './run-policy.ts';
import type { RunOutcome } from './run-sync.ts';
import { countAlertsOpenedAt, endRun, findAlertTouchedSince } from './runs-store.ts';

export interface EndingRun {
  runId: string;
  tenantId: string;
  provider: SyncProvider;
  /** As the run's row has it: the next run begins later, so what happened to the alert since then was this run's doing. */
  startedAt: string;
}

export interface ToldAlert {
  /** Empty when an earlier, interrupted attempt has told it already. */
  counters: number[];
  alertIds: string[];
}

export const syncAlertCause = (provider: string): string => `sync:${provider}`;

/** Raises or settles the tenant's sync alert. A run is counted once, however often this is called for it. */
export async function tellRunEnd(env: Env, run: EndingRun, outcome: RunOutcome, nowIso: string): Promise<ToldAlert> {
  const db = openDatabase(env.DB);
  const scope = scopeForJob(run.tenantId);
  const cause = syncAlertCause(run.provider);
  const touched = await findAlertTouchedSince(scope, db, cause, run.startedAt);
  const { error } = outcome;
  const isBad = outcome.status === 'failed' || error?.code === 'SUSPICIOUS_RESULT';
  if (!isBad || error === null) {
    const settled = await resolveAlertCause(scope, db, cause, nowIso);
    if (settled.counters.length > 0) return { counters: settled.counters, alertIds: settled.resolvedIds };
    return { counters: [], alertIds: touched.resolved === null ? [] : [touched.resolved] };
  }
  if (touched.seen !== null) return { counters: [], alertIds: [touched.seen] };
  const raised = await raiseAlert(
    scope,
    db,
    {
      cause,
      type: 'sync',
      severity: alertSeverityOf(error.code),
      vehicleId: null,
      title: alertTitleOf(run.provider, error.code),
      message: error.message,
      occurrenceCount: 1,
    },
    nowIso,
  );
  return { counters: raised.counters, alertIds: [...raised.openedIds, ...raised.changedIds] };
}

/** Writes the end into the log of runs, and gives the portal's gate back. */
export async function finishRun(env: Env, run: EndingRun, outcome: RunOutcome, nowMs: number): Promise<void> {
  const { runId, tenantId, provider } = run;
  const { status, error, read, evaluatedAt } = outcome;
  const db = openDatabase(env.DB);
  const alertsOpened = evaluatedAt === null ? 0 : await countAlertsOpenedAt(scopeForJob(tenantId), db, evaluatedAt);
  await endRun(db, runId, {
    status,
    finishedAt: new Date(nowMs).toISOString(),
    read: read === null ? null : { ...read, alertsOpened },
    error,
  });
  await chainSoon(env, tenantId);
  // A lease that is not given back ends by itself.
  await scrapeGateOf(env.SCRAPE_GATE, tenantId, provider)
    .release(runId, { failed: status === 'failed', cooldownMs: outcome.cooldownMs }, nowMs)
    .catch((cause: unknown) => logFailure('gate_release_failed', cause, { runId }));
  const level = status === 'failed' ? 'error' : 'info';
  console[level](
    JSON.stringify({ level, event: 'sync_ended', runId, tenantId, provider, status, code: error?.code ?? null }),
  );
}
