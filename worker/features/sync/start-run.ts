/** Starting a run: the row first, because it is the promise; the workflow right after, or by the sweep. */
import type { SyncProvider, SyncRun } from '#contracts/sync';
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { createRun, type SyncRunRow } from './runs-store.ts';

/** Creates the run, or returns the one that is already queued or running for this tenant and provider. */
export async function startRun(
  scope: TenantScope,
  env: Env,
  db: Database,
  run: { provider: SyncProvider; trigger: SyncRun['trigger']; nowIso: string },
): Promise<{ created: boolean; row: SyncRunRow }> {
  const result = await createRun(scope, db, run);
  if (result.created) {
    try {
      await createInstance(env, result.row);
    } catch (cause) {
      // The run is written down; the sweep creates its workflow.
      console.error(
        JSON.stringify({ level: 'error', event: 'workflow_create_failed', runId: result.row.id, cause: String(cause) }),
      );
    }
  }
  return result;
}

/** One workflow instance per run, under the run's id: creating it twice is refused by the engine. */
export async function createInstance(env: Env, row: SyncRunRow): Promise<void> {
  const { id, tenantId, provider, trigger } = row;
  await env.SYNC_WORKFLOW.create({ id, params: { runId: id, tenantId, provider, trigger } });
}
