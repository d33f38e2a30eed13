/** Faults in lanes, one per controller that reports them. Pure. */
import type { Fault } from '#contracts/faults';
import { severityRank } from '../format/states.ts';

export interface FaultLane {
  sourceAddress: number;
  faults: Fault[];
}

/** Active before cleared, worse before milder, newer before older; the lane with the worst active fault first. */
export function faultLanes(faults: readonly Fault[]): FaultLane[] {
  const sorted = faults.toSorted(
    (a, b) =>
      Number(b.isActive) - Number(a.isActive) ||
      severityRank[a.severity] - severityRank[b.severity] ||
      Date.parse(b.lastSeenAt) - Date.parse(a.lastSeenAt),
  );
  const lanes = new Map<number, FaultLane>();
  for (const fault of sorted) {
    const lane = lanes.get(fault.sourceAddress);
    if (lane === undefined) lanes.set(fault.sourceAddress, { sourceAddress: fault.sourceAddress, faults: [fault] });
    else lane.faults.push(fault);
  }
  return [...lanes.values()];
}
