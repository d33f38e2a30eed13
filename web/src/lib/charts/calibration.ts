/** The axis of a calibration chart. Pure. */

const tops = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1] as const;

/** The end of both axes: the first round number that holds every value; all of it for none. */
export function niceTop(values: readonly number[]): number {
  if (values.length === 0) return 1;
  const most = Math.max(...values);
  return tops.find((top) => most <= top) ?? 1;
}
