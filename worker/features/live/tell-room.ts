/** Telling rooms what must not be lost for a moment's trouble: tried again for a few seconds; then it is the sweep's. */
import { logFailure } from '../../log.ts';

/** Together under four seconds: whatever is told holds within five. */
const pausesMs = [0, 200, 500, 1000, 2000];

/** Does the work, again after each failure. Never throws: the last failure is logged as `event`. */
export async function persistently(
  event: string,
  fields: Record<string, string | null>,
  work: () => Promise<unknown>,
): Promise<void> {
  for (const [attempt, pauseMs] of pausesMs.entries()) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    try {
      await work();
      return;
    } catch (cause) {
      if (attempt === pausesMs.length - 1) logFailure(event, cause, fields);
    }
  }
}
