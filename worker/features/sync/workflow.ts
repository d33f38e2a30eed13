/** The durable engine around a sync. */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import { engineSteps } from '../../durable-steps.ts';
import type { Env } from '../../env.ts';
import type { SyncWorkflowParams } from './params.ts';
import { runPolicy } from './run-policy.ts';
import { runSync } from './run-sync.ts';
import { createSyncWork } from './sync-work.ts';

export class SyncWorkflow extends WorkflowEntrypoint<Env, SyncWorkflowParams> {
  override async run(
    event: Readonly<WorkflowEvent<SyncWorkflowParams>>,
    step: WorkflowStep,
  ): Promise<{ status: string }> {
    const steps = engineSteps(step, 'sync_step_failed');
    await steps.sleep('await its turn', event.payload.startDelaySeconds * 1000);
    const status = await runSync(steps, createSyncWork(this.env, event.payload), runPolicy);
    return { status };
  }
}
