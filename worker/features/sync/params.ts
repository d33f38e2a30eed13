/** What a sync workflow instance is started with; small, because the engine keeps it. */
import type { SyncProvider, SyncRun } from '#contracts/sync';

export interface SyncWorkflowParams {
  runId: string;
  tenantId: string;
  provider: SyncProvider;
  trigger: SyncRun['trigger'];
}
