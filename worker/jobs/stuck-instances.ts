/** Workflow instances that may have died with their worker: found by the id of their run, and brought on their way again. */

/** null when the engine does not know the run: it was written down and never started. */
export async function findInstance(workflow: Workflow<unknown>, runId: string): Promise<WorkflowInstance | null> {
  try {
    const instance = await workflow.get(runId);
    await instance.status();
    return instance;
  } catch (cause) {
    if (/not.?found|does not exist/i.test(String(cause))) return null;
    throw cause;
  }
}

/** True when the instance will do nothing more, whatever its run's row says. */
export async function isOver(instance: WorkflowInstance): Promise<boolean> {
  const { status } = await instance.status();
  return status === 'errored' || status === 'terminated' || status === 'complete';
}

const pausePolls = 20;
const pollMs = 150;

/**
 * Pausing settles only once no step runs: a dead instance pauses at once and starts over from its kept results; one
 * that is only slow goes on as if nobody had asked.
 */
export async function resume(instance: WorkflowInstance): Promise<void> {
  await instance.pause();
  for (let poll = 0; poll < pausePolls; poll++) {
    const { status } = await instance.status();
    if (status !== 'waitingForPause' && status !== 'running' && status !== 'waiting') break;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  await instance.resume();
}
