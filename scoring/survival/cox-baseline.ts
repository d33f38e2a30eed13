/**
 * The baseline of a Cox fit and what it predicts. Increments of the cumulative hazard follow the fit's ties (Efron's
 * Σ 1/(S₀ − k/d·D₀), Breslow's d/S₀) and are summed as logarithms, because exp(−β·mean) leaves the range of numbers for
 * columns such as a model year.
 */
import type { Lifetimes, StratumKey } from './lifetimes.ts';
import type { RiskSets } from './risk-sets.ts';

export interface Baseline {
  /** The stratum's key; absent without strata. */
  stratum?: StratumKey;
  /** Every distinct time of the stratum, ascending, also of censorings. */
  time: number[];
  /** Λ(t) at x = 0; null where that number is too large to be one (x = 0 far outside the data). */
  cumulativeHazard: (number | null)[];
  /** Λ(t) at the fit's `means`: the better conditioned of the two, from which predictions start. */
  cumulativeHazardAtMeans: (number | null)[];
}

/** log(eᵃ + eᵇ). */
const logSum = (a: number, b: number): number => {
  if (a === -Infinity) return b;
  return a > b ? a + Math.log1p(Math.exp(b - a)) : b + Math.log1p(Math.exp(a - b));
};

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** One baseline per stratum. `centre` is where the fit's z is 0, by stratum. */
export const baselineOf = (
  lifetimes: Lifetimes,
  sets: RiskSets,
  logHazard: Float64Array,
  coefficients: readonly number[],
  centre: Float64Array,
  means: readonly number[],
): Baseline[] => {
  const width = coefficients.length;
  const { strata, stratum, time, count, longestFirst: order } = lifetimes;
  const baselines: Baseline[] = strata.map((key) => ({
    ...(key === null ? {} : { stratum: key }),
    time: [],
    cumulativeHazard: [],
    cumulativeHazardAtMeans: [],
  }));
  let toZero = 0;
  let toMeans = 0;
  let b = sets.blockCount - 1;
  let level = -Infinity;
  let home = -1;
  for (let at = count - 1; at >= 0; at--) {
    const row = order[at] as number;
    const t = time[row] as number;
    const next = stratum[row] as number;
    const isNewStratum = next !== home;
    if (isNewStratum) {
      home = next;
      level = -Infinity;
      toZero = 0;
      toMeans = 0;
      for (let j = 0; j < width; j++) {
        const c = centre[home * width + j] as number;
        toZero -= (coefficients[j] as number) * c;
        toMeans += (coefficients[j] as number) * ((means[j] as number) - c);
      }
    }
    const baseline = baselines[home] as Baseline;
    if (!isNewStratum && baseline.time.at(-1) === t) continue;
    while (b >= 0 && sets.stratum[b] === home && (sets.blockTime[b] as number) <= t) {
      level = logSum(level, logHazard[b] as number);
      b--;
    }
    baseline.time.push(t);
    baseline.cumulativeHazard.push(orNull(level === -Infinity ? 0 : Math.exp(level + toZero)));
    baseline.cumulativeHazardAtMeans.push(orNull(level === -Infinity ? 0 : Math.exp(level + toMeans)));
  }
  return baselines;
};

/** A step function's value at t: the last one at or before it. */
const stepAt = (time: readonly number[], values: readonly (number | null)[], t: number): number | null => {
  let low = 0;
  let high = time.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((time[middle] as number) <= t) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : (values[low - 1] as number | null);
};

/**
 * S(t | x) = exp(−Λ(t)·exp(β·(x − means))) for each row of x at each time (days), from one stratum's baseline.
 * Where Λ is too large to be a number, S is 0.
 * @throws RangeError when a row has not one value per coefficient.
 */
export const predictCoxSurvival = (
  fit: { coefficients: readonly number[]; means: readonly number[] },
  baseline: Pick<Baseline, 'time' | 'cumulativeHazardAtMeans'>,
  x: readonly (readonly number[])[],
  times: readonly number[],
): number[][] => {
  const hazard = times.map((t) => stepAt(baseline.time, baseline.cumulativeHazardAtMeans, t));
  return x.map((cells, row) => {
    if (cells.length !== fit.coefficients.length) {
      throw new RangeError(`row ${row} of x has ${cells.length} values for ${fit.coefficients.length} coefficients`);
    }
    const predictor = fit.coefficients.reduce((sum, beta, j) => {
      const mean = fit.means[j] as number;
      const away = (cells[j] as number) - mean;
      return sum + (Number.isFinite(away) ? beta * away : beta * (cells[j] as number) - beta * mean);
    }, 0);
    // Through logarithms: Λ·exp(β·x) may pass either end of the number range on the way.
    return hazard.map((value) =>
      value === null ? 0 : value === 0 ? 1 : Math.exp(-Math.exp(Math.log(value) + predictor)),
    );
  });
};
