/**
 * Is a truck throwing more faults than it should? Counts of faults are Poisson with a rate that differs between trucks;
 * the rates of a fleet follow a gamma distribution (Gelman et al., Bayesian Data Analysis, §2.6). A truck's own history
 * sharpens the fleet's rate, and what that leaves to expect of the next days is negative binomial.
 */
import { nonFiniteColumn } from '../trees/matrix.ts';
import type { Refusal } from '../survival/refusal.ts';
import { demand, demandNumber } from '../trees/demand.ts';
import { negativeBinomialTail } from './negative-binomial.ts';

/** Gamma distribution of faults per day among trucks: mean shape / rate. `rate` is in days. */
export interface FaultRatePrior {
  shape: number;
  rate: number;
}

/** Faults are counted over so many days, by training and by scoring alike. */
export const faultRateDays = 30;
/** Codes found on the day a truck was connected look new and are not: it must have been watched a month before that. */
export const leastObservedDays = 2 * faultRateDays;

/** Where trucks differ no more than chance makes them differ, the prior is this sharp rather than infinitely so. */
const sharpestShape = 1e6;
const vaguestShape = 1e-3;

const nonNegative = (values: readonly number[], name: string): void =>
  demand(
    values.every((value) => value >= 0),
    `${name} must not be negative`,
  );

/**
 * The fleet's prior from trucks' fault counts over their days observed, by moments for unequal exposure (Böhlmann &
 * Straub 1970): the spread of the trucks' rates less what Poisson chance explains. Needs two trucks with days observed;
 * a fleet without a fault is `no_events`.
 */
export const fitFaultRatePrior = (input: {
  counts: readonly number[];
  days: readonly number[];
}): FaultRatePrior | Refusal => {
  const { counts, days } = input;
  demand(counts.length === days.length, 'counts and days must have the same length');
  const refusal = nonFiniteColumn(counts, 'counts') ?? nonFiniteColumn(days, 'days');
  if (refusal !== null) return refusal;
  nonNegative(counts, 'counts');
  nonNegative(days, 'days');
  const trucks = counts.flatMap((count, at) => {
    const observed = days[at] as number;
    return observed > 0 ? [{ count, observed }] : [];
  });
  if (trucks.length < 2) return { kind: 'insufficient_data', have: trucks.length, need: 2 };
  const totalDays = trucks.reduce((sum, { observed }) => sum + observed, 0);
  const total = trucks.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return { kind: 'no_events' };
  const mean = total / totalDays;
  const spread = trucks.reduce((sum, { count, observed }) => sum + observed * (count / observed - mean) ** 2, 0);
  const effectiveDays = totalDays - trucks.reduce((sum, { observed }) => sum + observed * (observed / totalDays), 0);
  const variance = (spread - (trucks.length - 1) * mean) / effectiveDays;
  const shape = Math.min(
    sharpestShape,
    Math.max(vaguestShape, variance > 0 ? (mean / variance) * mean : sharpestShape),
  );
  const prior = { shape, rate: shape / mean };
  if (!Number.isFinite(prior.rate) || !(prior.rate > 0)) return { kind: 'non_finite', column: 'counts' };
  return prior;
};

export interface FaultRateSurprise {
  /** Faults to expect in the days looked at. */
  expected: number;
  /** Chance of at least the count seen, if nothing changed. */
  tailProbability: number;
  /** −log10 of that chance: 2 is one in a hundred; at most 300. */
  surprise: number;
}

const mostSurprise = 300;

/**
 * How surprising `count` faults in `days` days are for a truck with `history` behind it: with posterior Gamma(shape +
 * history.count, rate + history.days) the count is negative binomial, and the surprise is its upper tail P(N ≥ count).
 */
export const faultRateSurprise = (input: {
  count: number;
  days: number;
  history: { count: number; days: number };
  prior: FaultRatePrior;
}): FaultRateSurprise => {
  const { count, days, history, prior } = input;
  const most = 1e12;
  demand(Number.isInteger(count) && count >= 0 && count <= most, 'count must be a whole number of at least 0');
  demandNumber('days', days, 0, most);
  demandNumber('history.count', history.count, 0, most);
  demandNumber('history.days', history.days, 0, most);
  demandNumber('prior.shape', prior.shape, Number.MIN_VALUE, Number.MAX_VALUE);
  demandNumber('prior.rate', prior.rate, Number.MIN_VALUE, Number.MAX_VALUE);
  const shape = prior.shape + history.count;
  const rate = prior.rate + history.days;
  const tailProbability = negativeBinomialTail(count, shape, rate, days);
  const surprise = tailProbability > 0 ? -Math.log10(tailProbability) : mostSurprise;
  return {
    expected: Math.min(Number.MAX_VALUE, (shape / rate) * days),
    tailProbability,
    surprise: Math.min(mostSurprise, Math.max(0, surprise)),
  };
};
