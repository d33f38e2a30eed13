/** Counts of trucks per step of risk. Pure. */

/** Width of a step in points of risk. */
export const stepPoints = 5;

/** How many scores fall in each step 0–5, 5–10 … 95–100; 100 belongs to the last one. Missing scores are left out. */
export function scoreSteps(scores: Iterable<number | null>): number[] {
  const steps = new Array<number>(100 / stepPoints).fill(0);
  for (const score of scores) {
    if (score === null) continue;
    const index = Math.min(steps.length - 1, Math.max(0, Math.floor(score / stepPoints)));
    steps[index] = (steps[index] ?? 0) + 1;
  }
  return steps;
}
