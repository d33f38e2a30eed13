/**
 * Cumulative/dynamic AUC under censoring (Uno, Cai, Tian & Wei 2007; Hung & Chiang 2010): at t, does the risk score tell those
 * who failed by t, each weighing 1/G(tᵢ−), from those still at risk after t, each weighing 1/G(t)?
 */
import { checkTimes, failureWeights, readJudged, type JudgedInput } from './censoring-weights.ts';
import { readRisk, tiedWithin } from './concordance.ts';
import { everyRow } from './lifetimes.ts';
import { insufficientData, type Refusal } from './refusal.ts';

/**
 * AUC at each time (days), 0–1; equal risks count one half.
 * `insufficient_data` when at some time nobody has failed, nobody is at risk, or training left nobody uncensored (have and need
 * count times); `non_finite` for NaN or an infinity.
 * @throws RangeError for lengths that differ, negative times, events other than 0 and 1.
 */
export const timeDependentAuc = (
  input: JudgedInput & { risk: readonly number[]; times: readonly number[] },
): number[] | Refusal => {
  checkTimes(input.times);
  const judged = readJudged(input);
  const risk = readRisk(input.risk, input.time.length);
  if ('kind' in judged) return judged;
  if ('kind' in risk) return risk;
  const { lifetimes, censoring } = judged;
  const weights = failureWeights(judged);
  const ranks = tiedWithin(risk, 0);
  const order = everyRow(ranks.length).sort((a, b) => (ranks[a] as number) - (ranks[b] as number));
  const areas = input.times.map((t) => {
    if (censoring.at(t) === 0) return null;
    // Weights of those at risk after t are all the same and cancel.
    let atRisk = 0;
    let failed = 0;
    let won = 0;
    for (let start = 0; start < order.length;) {
      const rank = ranks[order[start] as number];
      let failedHere = 0;
      let atRiskHere = 0;
      for (; start < order.length && ranks[order[start] as number] === rank; start++) {
        const row = order[start] as number;
        if ((lifetimes.time[row] as number) > t) atRiskHere++;
        else failedHere += weights[row] as number;
      }
      if (failedHere > 0) won += failedHere * (atRisk + atRiskHere / 2);
      failed += failedHere;
      atRisk += atRiskHere;
    }
    return failed > 0 && failed < Infinity && atRisk > 0 ? won / failed / atRisk : null;
  });
  const known = areas.filter((area) => area !== null);
  return known.length < areas.length ? insufficientData(known.length, areas.length) : known;
};
