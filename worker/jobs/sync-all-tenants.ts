/** Every quarter of an hour: one run for each tenant whose connection is complete. */
import { openDatabase } from '../db/client.ts';
import type { Env } from '../env.ts';
import { listActiveConnections, toProviderOption } from '../features/sync/credentials-store.ts';
import { chooseProvider, timerMayStart } from '../features/sync/provider.ts';
import { listNewestRuns } from '../features/sync/runs-store.ts';
import { startDelaySeconds, startRun } from '../features/sync/start-run.ts';
import { scopeForJob } from '../http/tenant-scope.ts';
import { logFailure } from '../log.ts';

export interface SyncAllResult {
  started: number;
  alreadyRunning: number;
  /** No readable provider, or held back after refused sign-ins. */
  skipped: number;
  failed: number;
}

const runsJudged = 3;

/** Starts the runs, each a little after the one before; one tenant's trouble is logged and does not stop the others. */
export async function syncAllTenants(env: Env, now: Date): Promise<SyncAllResult> {
  const db = openDatabase(env.DB);
  const nowIso = now.toISOString();
  const result: SyncAllResult = { started: 0, alreadyRunning: 0, skipped: 0, failed: 0 };
  const connections = await listActiveConnections(db);
  for (const { tenantId, rows } of connections) {
    try {
      const scope = scopeForJob(tenantId);
      const choice = chooseProvider(rows.map(toProviderOption));
      const credentials = choice.kind === 'chosen' ? rows.find((row) => row.provider === choice.provider) : undefined;
      if (choice.kind === 'none' || credentials === undefined) {
        result.skipped += 1;
        continue;
      }
      const newest = await listNewestRuns(scope, db, choice.provider, runsJudged);
      if (!timerMayStart(newest, credentials.updatedAt, now.getTime())) {
        result.skipped += 1;
        continue;
      }
      const { created } = await startRun(scope, env, db, {
        provider: choice.provider,
        trigger: 'cron',
        nowIso,
        startDelaySeconds: startDelaySeconds(result.started, connections.length),
      });
      if (created) result.started += 1;
      else result.alreadyRunning += 1;
    } catch (cause) {
      result.failed += 1;
      logFailure('sync_start_failed', cause, { tenantId });
    }
  }
  return result;
}
