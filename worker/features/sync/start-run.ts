/** Starting a run: the row first, because it is the promise; the workflow right after, or by the sweep. */
import type { SyncProvider, SyncRun } from '#contracts/sync';
import type { AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { createRun, type SyncRunRow } from './runs-store.ts';

/** The browser service hands out about one new browser per second; half of that leaves room for retries and people. */
const secondsApart = 2;
/** The last of them all still begins well before the timer comes round again. */
const allStartedWithinSeconds = 600;

/** How long the run at `position` (from 0) of `count` started together waits before its first step, in whole seconds. */
export const startDelaySeconds = (position: number, count: number): number =>
  Math.floor(position * Math.min(secondsApart, allStartedWithinSeconds / Math.max(count, 1)));

/**
 * Creates the run, or returns the one that is already queued or running for this tenant and provider. A run that is to
 * wait says so with its heartbeat, which then lies ahead.
 */
export async function startRun(
  scope: TenantScope,
  env: Env,
  db: Database,
  run: {
    provider: SyncProvider;
    trigger: SyncRun['trigger'];
    nowIso: string;
    startDelaySeconds?: number;
    trail?: AuditTrail;
  },
): Promise<{ created: boolean; row: SyncRunRow }> {
  const { startDelaySeconds = 0, ...rest } = run;
  const aliveUntil = new Date(Date.parse(run.nowIso) + startDelaySeconds * 1000).toISOString();
  const result = await createRun(scope, db, { ...rest, aliveUntil });
  if (result.created) {
    try {
      await createInstance(env, result.row, startDelaySeconds);
    } catch (cause) {
      // The run is written down; the sweep creates its workflow.
      logFailure('workflow_create_failed', cause, { runId: result.row.id });
    }
  }
  return result;
}

/** One workflow instance per run, under the run's id: creating it twice is refused by the engine. */
export async function createInstance(env: Env, row: SyncRunRow, startDelaySeconds = 0): Promise<void> {
  const { id, tenantId, provider, trigger } = row;
  await env.SYNC_WORKFLOW.create({ id, params: { runId: id, tenantId, provider, trigger, startDelaySeconds } });
}
