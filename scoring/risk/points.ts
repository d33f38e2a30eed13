/**
 * Points as whole numbers. Raw weights are counted in hundred-thousandths of a point, results in tenths; everything
 * between is integer arithmetic, so that sums are exact and "one more fault never lowers the risk" holds to the last
 * digit.
 */
import type { Contributor } from '#contracts/risk';

export type Component = 'faults' | 'survival' | 'anomaly' | 'usage';

/** One reason, before rounding. `factor` is `<component>.<what>…`. */
export interface Reason {
  factor: string;
  /** Hundred-thousandths of a point, whole, ≥ 0; a multiple of 100 until a rank discount is applied. */
  units: number;
  text: string;
  evidence: Record<string, unknown>;
  /** Kept in the result even when it rounds to 0.0, because the reader expects to see it. */
  keep: boolean;
}

/** A reason with its share in whole tenths of a point. */
export interface Share extends Omit<Reason, 'units'> {
  tenths: number;
}

export const maxTenths = 1000;
export const unitsPerTenth = 10_000;

/** Points as units, to a thousandth of a point, between 0 and 100 points; NaN counts nothing. */
export const toUnits = (points: number): number =>
  Number.isNaN(points) ? 0 : Math.round(Math.max(0, Math.min(100, points)) * 1000) * 100;

/**
 * Percent of its weight that the n-th heaviest reason of a kind counts. Not increasing, so adding a reason or making one
 * heavier never lowers the sum: what the others lose by moving down a rank is at most what the new one brings.
 * Falling fast, because ten loose sensors are not a breakdown.
 */
const rankPercent = [100, 50, 30, 20, 12, 8, 5, 4, 3, 2] as const;
const tailPercent = 1;

const heaviestFirst = (a: Reason, b: Reason): number =>
  b.units - a.units || (a.factor < b.factor ? -1 : a.factor > b.factor ? 1 : 0);

/** The same reasons, heaviest first, each with the weight of its rank. */
export const discountByRank = (reasons: readonly Reason[]): Reason[] =>
  [...reasons]
    .sort(heaviestFirst)
    .map((reason, rank) => ({ ...reason, units: (reason.units / 100) * (rankPercent[rank] ?? tailPercent) }));

/**
 * Rounds a list of reasons to tenths so that the rounded parts add up exactly to the rounded total: each part is the
 * difference of two rounded running sums.
 */
export const toShares = (reasons: readonly Reason[]): Share[] => {
  let running = 0;
  let given = 0;
  return reasons.map(({ units, ...reason }) => {
    running += units;
    const upTo = Math.floor((running + unitsPerTenth / 2) / unitsPerTenth);
    const tenths = upTo - given;
    given = upTo;
    return { ...reason, tenths };
  });
};

/** What JSON can carry of a number from a feed; null for NaN and the infinities. */
export const plainNumber = (value: number): number | null => (Number.isFinite(value) ? value : null);

export const sumTenths = (shares: readonly { tenths: number }[]): number =>
  shares.reduce((total, share) => total + share.tenths, 0);

/** Scales shares down so that they add up to exactly `limit` tenths; unchanged when they already fit. */
export const trimTo = (shares: readonly Share[], limit: number): Share[] => {
  const total = sumTenths(shares);
  if (total <= limit) return [...shares];
  let running = 0;
  let given = 0;
  return shares.map((share) => {
    running += share.tenths;
    const upTo = Math.floor((running * limit) / total);
    const tenths = upTo - given;
    given = upTo;
    return { ...share, tenths };
  });
};

export const toContributor = ({ factor, tenths, text, evidence }: Share): Contributor => ({
  factor,
  points: tenths / 10,
  text,
  evidence,
});

/** The component a contributor belongs to: the part of its factor before the first dot. */
export const componentOf = (contributor: Contributor): Component => {
  const [component] = contributor.factor.split('.');
  return component === 'survival' || component === 'anomaly' || component === 'usage' ? component : 'faults';
};
