/** The durable engine around a sync: results of steps survive a crash, and a step that was in flight runs again. */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';
import type { Env } from '../../env.ts';
import { logFailure } from '../../log.ts';
import type { SyncWorkflowParams } from './params.ts';
import { runPolicy } from './run-policy.ts';
import { runSync, StepFailed, type Steps } from './run-sync.ts';
import { createSyncWork } from './sync-work.ts';

/** Tries after the first when a step fails in a way nobody foresaw (D1 or an object does not answer). */
const unforeseenRetries = 3;

interface StepAnswer<T> {
  failed: boolean;
  value: T | null;
}

/**
 * Steps of the engine. Their results travel as JSON, so that only plain data is ever relied on after a replay. The
 * last failure of a step is a result too: what the engine itself throws (pause, restart) must pass through unseen.
 */
function engineSteps(step: WorkflowStep): Steps {
  return {
    async do<T>(name: string, work: () => Promise<T>): Promise<T> {
      const retries = { limit: unforeseenRetries, delay: '2 seconds', backoff: 'exponential' } as const;
      const json = await step.do(name, { retries, timeout: '15 minutes' }, async ({ attempt }) => {
        try {
          return JSON.stringify({ failed: false, value: (await work()) ?? null } satisfies StepAnswer<T>);
        } catch (error) {
          logFailure('sync_step_failed', error, { name, attempt });
          if (attempt <= unforeseenRetries) throw error;
          return JSON.stringify({ failed: true, value: null } satisfies StepAnswer<T>);
        }
      });
      const answer = JSON.parse(json) as StepAnswer<T>;
      if (answer.failed) throw new StepFailed(`step "${name}" failed`);
      return answer.value as T;
    },
    async sleep(name, ms) {
      if (ms > 0) await step.sleep(name, ms);
    },
  };
}

export class SyncWorkflow extends WorkflowEntrypoint<Env, SyncWorkflowParams> {
  override async run(
    event: Readonly<WorkflowEvent<SyncWorkflowParams>>,
    step: WorkflowStep,
  ): Promise<{ status: string }> {
    const steps = engineSteps(step);
    await steps.sleep('await its turn', event.payload.startDelaySeconds * 1000);
    const status = await runSync(steps, createSyncWork(this.env, event.payload), runPolicy);
    return { status };
  }
}
