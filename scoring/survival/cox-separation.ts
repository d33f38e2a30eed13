/**
 * Is a Cox partial likelihood without a maximum? It is exactly when some direction v gives every failure the highest v·x of
 * its risk set: along it the likelihood rises for ever towards a bound (monotone likelihood; Bryson & Johnson 1981, Heinze &
 * Schemper 2001). Newton's steps tend to such a direction; here a direction is put to the test, so that a fit is called
 * separated only when it is, and never because it was slow.
 */
import { leadingColumn, withoutSmall } from './directions.ts';
import { highestAtRisk, type RiskSets } from './risk-sets.ts';

/** Rounding allowed in "highest", as a share of the range of v·x. */
const rounding = 1e-11;

const isMonotone = (sets: RiskSets, z: Float64Array, direction: Float64Array): boolean => {
  const width = direction.length;
  const size = sets.rows.length;
  const score = new Float64Array(size);
  let low = Infinity;
  let high = -Infinity;
  for (let place = 0; place < size; place++) {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += (z[place * width + j] as number) * (direction[j] as number);
    if (!Number.isFinite(sum)) return false;
    score[place] = sum;
    low = Math.min(low, sum);
    high = Math.max(high, sum);
  }
  const allowed = rounding * (high - low);
  if (!(allowed > 0)) return false;
  const highest = highestAtRisk(sets, score);
  for (let place = 0; place < size; place++) {
    if (sets.event[place] === 0) continue;
    if ((score[place] as number) < (highest[sets.block[place] as number] as number) - allowed) return false;
  }
  return true;
};

/** The column that leads the first of these directions along which the likelihood has no maximum; −1 when none is such. */
export const separatingColumn = (sets: RiskSets, z: Float64Array, directions: readonly Float64Array[]): number => {
  for (const direction of directions) {
    for (const share of [0, 1e-6, 1e-2]) {
      const candidate = withoutSmall(direction, share);
      if (isMonotone(sets, z, candidate)) return leadingColumn(candidate);
    }
  }
  return -1;
};
