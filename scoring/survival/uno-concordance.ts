/**
 * Uno's concordance (Uno, Cai, Pencina, D'Agostino & Wei 2011, Statistics in Medicine 30:1105–1117): Harrell's pairs, each
 * weighing 1/G(t−)² of the failure that makes it, up to a time tau. Unlike Harrell's it does not drift with the censoring.
 */
import { countPairs, readRisk, tiedWithin } from './concordance.ts';
import { failureWeights, readJudged, type JudgedInput } from './censoring-weights.ts';
import { insufficientData, type Refusal } from './refusal.ts';

/**
 * Uno's C of a risk score (higher = fails sooner), 0–1, from failures before `tau` (days).
 * `insufficient_data` without a comparable pair, or when a failure before tau lies where training left nobody uncensored;
 * `non_finite` for NaN or an infinity.
 * @throws RangeError for lengths that differ, negative times, events other than 0 and 1, a tau below 0.
 */
export const unoConcordance = (input: JudgedInput & { risk: readonly number[]; tau: number }): number | Refusal => {
  const { tau } = input;
  if (!(tau >= 0)) throw new RangeError(`tau must be 0 or more; it is ${tau}`);
  const judged = readJudged(input);
  const risk = readRisk(input.risk, input.time.length);
  if ('kind' in judged) return judged;
  if ('kind' in risk) return risk;
  const { lifetimes, censoring } = judged;
  const weights = failureWeights(judged);
  const counted = weights.filter((weight, row) => weight > 0 && (lifetimes.time[row] as number) < tau);
  const defined = counted.filter(Number.isFinite).length;
  if (defined < counted.length) return insufficientData(defined, counted.length);
  const pairs = countPairs(lifetimes, tiedWithin(risk, 0), (t) => (t < tau ? censoring.before(t) ** -2 : 0));
  return pairs.comparable === 0 ? insufficientData(0, 1) : (pairs.concordant + pairs.tied / 2) / pairs.comparable;
};
