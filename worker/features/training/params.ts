/** What a training workflow instance is started with; small, because the engine keeps it. */
import type { TrainingRun } from '#contracts/scoring';

export interface TrainingWorkflowParams {
  runId: string;
  tenantId: string;
  trigger: TrainingRun['trigger'];
  /** Waited before the first step: the timer starts many runs at once, and each wants D1 and a processor. */
  startDelaySeconds: number;
}
