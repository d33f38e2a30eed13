/** How long to wait before trying again: doubling, capped, with jitter so that a thousand screens do not return at once. */

const firstMs = 500;
const longestMs = 30_000;

/** Milliseconds before try number `attempt` (0 is the first); `random` in [0, 1). Between half and all of the step. */
export function backoffMs(attempt: number, random: number): number {
  const stepMs = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 10));
  return Math.round(stepMs / 2 + (stepMs / 2) * random);
}
