/** Today's fleet under other settings, in numbers. Pure. */
import { riskLevels, type RiskLevel } from '#contracts/risk';
import type { RiskPreview } from '#contracts/scoring';

export interface ScorePair {
  vehicleId: string;
  unitNumber: string;
  before: { riskScore: number; riskLevel: RiskLevel };
  after: { riskScore: number; riskLevel: RiskLevel };
}

/** As many as a person reads; the counts say how many there are. */
export const mostListed = 100;

const noCounts = (): Record<RiskLevel, number> => ({ low: 0, medium: 0, high: 0, critical: 0 });
const rank = (level: RiskLevel): number => riskLevels.indexOf(level);
const steps = ({ before, after }: ScorePair): number => Math.abs(rank(after.riskLevel) - rank(before.riskLevel));
const points = ({ before, after }: ScorePair): number => Math.abs(after.riskScore - before.riskScore);

/** The largest move first: by levels, then by points; the worse off of two, then by unit number. */
const largestFirst = (a: ScorePair, b: ScorePair): number =>
  steps(b) - steps(a) ||
  points(b) - points(a) ||
  b.after.riskScore - a.after.riskScore ||
  (a.unitNumber < b.unitNumber ? -1 : a.unitNumber > b.unitNumber ? 1 : a.vehicleId < b.vehicleId ? -1 : 1);

/** Takes pairs in parts, so that a large fleet need not be held in memory at once. */
export function previewCounter() {
  const before = noCounts();
  const after = noCounts();
  let vehicleCount = 0;
  let changedCount = 0;
  let changes: ScorePair[] = [];
  return {
    add(pairs: readonly ScorePair[]): void {
      for (const pair of pairs) {
        vehicleCount += 1;
        before[pair.before.riskLevel] += 1;
        after[pair.after.riskLevel] += 1;
      }
      const moved = pairs.filter((pair) => pair.before.riskLevel !== pair.after.riskLevel);
      changedCount += moved.length;
      changes = [...changes, ...moved].sort(largestFirst).slice(0, mostListed);
    },
    result: (): RiskPreview => ({ vehicleCount, before, after, changedCount, changes }),
  };
}
