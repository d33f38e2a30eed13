/**
 * Steps of a workflow as the pure sequences see them: results survive a crash, and a step that was in flight runs again.
 * What is run, and in which order, is decided elsewhere from step results alone.
 */
import type { WorkflowStep } from 'cloudflare:workers';
import { logFailure } from './log.ts';

/** Durable steps. `do` keeps a step's result: after a crash it is handed back instead of running again. */
export interface Steps {
  do<T>(name: string, work: () => Promise<T>): Promise<T>;
  sleep(name: string, ms: number): Promise<void>;
}

/** A step that failed in a way nobody foresaw, after its retries. Thrown by `Steps.do`, never by the engine itself. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/** Tries after the first when a step fails in a way nobody foresaw (D1 or an object does not answer). */
const unforeseenRetries = 3;

interface StepAnswer<T> {
  failed: boolean;
  value: T | null;
}

/**
 * Steps of the engine. Their results travel as JSON, so that only plain data is ever relied on after a replay. The
 * last failure of a step is a result too: what the engine itself throws (pause, restart) must pass through unseen.
 * `failureEvent` names the log line of a try that failed.
 */
export function engineSteps(step: WorkflowStep, failureEvent: string): Steps {
  return {
    async do<T>(name: string, work: () => Promise<T>): Promise<T> {
      const retries = { limit: unforeseenRetries, delay: '2 seconds', backoff: 'exponential' } as const;
      const json = await step.do(name, { retries, timeout: '15 minutes' }, async ({ attempt }) => {
        try {
          return JSON.stringify({ failed: false, value: (await work()) ?? null } satisfies StepAnswer<T>);
        } catch (error) {
          logFailure(failureEvent, error, { name, attempt });
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
