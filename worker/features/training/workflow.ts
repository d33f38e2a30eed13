/** The durable engine around a training. */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import { engineSteps } from '../../durable-steps.ts';
import type { Env } from '../../env.ts';
import type { TrainingWorkflowParams } from './params.ts';
import { runTraining } from './run-training.ts';
import { createTrainingWork } from './training-work.ts';

export class TrainingWorkflow extends WorkflowEntrypoint<Env, TrainingWorkflowParams> {
  override async run(
    event: Readonly<WorkflowEvent<TrainingWorkflowParams>>,
    step: WorkflowStep,
  ): Promise<{ status: string }> {
    const steps = engineSteps(step, 'training_step_failed');
    await steps.sleep('await its turn', event.payload.startDelaySeconds * 1000);
    return { status: await runTraining(steps, createTrainingWork(this.env, event.payload)) };
  }
}
