/** When a map that shows a whole fleet must move. Pure. */
import type { Bounds } from '../map/fleet-features.ts';

/** Trucks that fill less than this much of the view, each way, have come so close that it is worth looking nearer. */
const leastShare = 0.4;

/** Whether a view of `[west, south, east, north]` no longer suits the trucks within `fleet`. */
export function needsFit(view: Bounds, fleet: Bounds): boolean {
  const isCut = fleet[0] < view[0] || fleet[1] < view[1] || fleet[2] > view[2] || fleet[3] > view[3];
  if (isCut) return true;
  const shareOf = (low: 0 | 1, high: 2 | 3): number => (fleet[high] - fleet[low]) / (view[high] - view[low]);
  const widest = Math.max(shareOf(0, 2), shareOf(1, 3));
  // One truck, or all in one yard, is a point however near one goes.
  const isPoint = fleet[2] - fleet[0] < 0.5 && fleet[3] - fleet[1] < 0.5;
  return !isPoint && widest < leastShare;
}
