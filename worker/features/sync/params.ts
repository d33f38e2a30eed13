/** What a sync workflow instance is started with; small, because the engine keeps it. */
import type { SyncProvider, SyncRun } from '#contracts/sync';

export interface SyncWorkflowParams {
  runId: string;
  tenantId: string;
  provider: SyncProvider;
  trigger: SyncRun['trigger'];
  /** Waited before the first step: the timer starts many runs at once, and browsers come one by one. */
  startDelaySeconds: number;
}
