/**
 * The Brier score of predicted survival under censoring (Graf, Schmoor, Sauerbrei & Schumacher 1999, Statistics in Medicine
 * 18:2529–2545): BS(t) = 1/n Σ [ S(t|x)²·1(failed by t)/G(tᵢ−) + (1 − S(t|x))²·1(at risk after t)/G(t) ]. Rows censored by t
 * count in n alone.
 */
import { checkTimes, failureWeights, readJudged, type JudgedInput } from './censoring-weights.ts';
import { insufficientData, nonFinite, type Refusal } from './refusal.ts';

export interface BrierInput extends JudgedInput {
  /** Days at which the prediction is judged. */
  times: readonly number[];
  /** Predicted S(t | row), one row per time of the test rows, one value per entry of `times`. */
  survivalAt: readonly (readonly number[])[];
}

/** Predictions come from sums of exponentials: this far outside 0–1 is rounding. */
const rounding = 1e-9;

const checkSurvival = ({ survivalAt, time, times }: BrierInput): Refusal | null => {
  if (survivalAt.length !== time.length) {
    throw new RangeError(`survivalAt has ${survivalAt.length} rows, time has ${time.length} values`);
  }
  let refusal: Refusal | null = null;
  survivalAt.forEach((cells, row) => {
    if (cells.length !== times.length) {
      throw new RangeError(`row ${row} of survivalAt has ${cells.length} values for ${times.length} times`);
    }
    for (const value of cells) {
      if (!Number.isFinite(value)) refusal ??= nonFinite('survivalAt');
      else if (value < -rounding || value > 1 + rounding) {
        throw new RangeError(`survivalAt must lie between 0 and 1; row ${row} has ${value}`);
      }
    }
  });
  return refusal;
};

/**
 * Brier score at each time, 0 (perfect) to 1 and above (weights).
 * `insufficient_data` without rows, or when a time has rows to weigh where training left nobody uncensored (have and need
 * count times); `non_finite` for NaN or an infinity.
 * @throws RangeError for lengths that differ, negative times, events other than 0 and 1, survival outside 0–1.
 */
export const brierScores = (input: BrierInput): number[] | Refusal => {
  checkTimes(input.times);
  const judged = readJudged(input);
  const refusal = checkSurvival(input);
  if ('kind' in judged) return judged;
  if (refusal !== null) return refusal;
  const { lifetimes, censoring } = judged;
  const weights = failureWeights(judged);
  let defined = 0;
  const scores = input.times.map((t, place) => {
    const stillAtRisk = 1 / censoring.at(t);
    let sum = 0;
    for (let row = 0; row < lifetimes.count; row++) {
      const survival = (input.survivalAt[row] as readonly number[])[place] as number;
      if ((lifetimes.time[row] as number) > t) {
        if (stillAtRisk === Infinity) return null;
        sum += (1 - survival) ** 2 * stillAtRisk;
      } else if (lifetimes.event[row] === 1) {
        if (weights[row] === Infinity) return null;
        sum += survival ** 2 * (weights[row] as number);
      }
    }
    defined++;
    return sum / lifetimes.count;
  });
  const known = scores.filter((score) => score !== null);
  return defined < scores.length ? insufficientData(defined, scores.length) : known;
};

/**
 * Integrated Brier score: the trapezoid over `times`, divided by their range.
 * `insufficient_data` as `brierScores`, and for fewer than two times.
 * @throws RangeError as `brierScores`, and when the times do not ascend.
 */
export const integratedBrier = (input: BrierInput): number | Refusal => {
  const { times } = input;
  const scores = brierScores(input);
  for (let place = 1; place < times.length; place++) {
    if (!((times[place] as number) > (times[place - 1] as number))) throw new RangeError('times must ascend');
  }
  if ('kind' in scores) return scores;
  if (times.length < 2) return insufficientData(times.length, 2);
  const first = times[0] as number;
  const range = (times.at(-1) as number) - first;
  let area = 0;
  for (let place = 1; place < times.length; place++) {
    const width = ((times[place] as number) - (times[place - 1] as number)) / range;
    area += (width * ((scores[place] as number) + (scores[place - 1] as number))) / 2;
  }
  return area;
};
