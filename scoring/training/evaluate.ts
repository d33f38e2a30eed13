/**
 * How good predictions are on landmarks that were held back: concordance, Brier score with the fleet's Kaplan–Meier curve
 * beside it, time-dependent AUC, calibration by decile, D-calibration. Censoring weights are those of the held-back rows:
 * a window that ends soon censors differently from the time before it. A number that the rows do not carry is null.
 */
import type { ModelQuality } from '#contracts/scoring-models';
import { horizonsDays } from '../forecast/forecast.ts';
import { brierScores, integratedBrier } from '../survival/brier.ts';
import { dCalibration } from '../survival/d-calibration.ts';
import { censoringCurve, kaplanMeier } from '../survival/kaplan-meier.ts';
import { readLifetimes } from '../survival/lifetimes.ts';
import type { Refusal } from '../survival/refusal.ts';
import { timeDependentAuc } from '../survival/time-dependent-auc.ts';
import { unoConcordance } from '../survival/uno-concordance.ts';
import type { Rows } from '../trees/matrix.ts';
import type { Lifetimes } from './landmarks.ts';

/** Predicted S(t) per row and time in days. */
export type PredictSurvival = (x: Rows, timesDays: readonly number[]) => number[][];

export interface EvaluationInput {
  /** Held-back landmarks, followed for more than 90 days where possible. */
  test: Lifetimes;
  /** What was known before: the fleet's own curve, the trivial baseline, is made of it. */
  train: Pick<Lifetimes, 'time' | 'event'>;
  predict: PredictSurvival;
  outOfTimeFrom: string | null;
}

/** Days at which curves are compared; the integral runs over those that the rows reach. */
const grid = [1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 75, 90];
/** A day is reached when this many rows, and this share, are still in sight after it. */
const fewestSeen = 10;
const leastSeen = 0.01;
const deciles = 10;
const fewestPerDecile = 20;

const round = (value: number): number => Number(value.toPrecision(6));
const numberOrNull = (answer: number | Refusal): number | null => (typeof answer === 'number' ? round(answer) : null);
const firstOrNull = (answer: number[] | Refusal): number | null =>
  Array.isArray(answer) && answer[0] !== undefined ? round(answer[0]) : null;

/** A Kaplan–Meier curve as a step function. */
export const curveOf = ({ time, event }: Pick<Lifetimes, 'time' | 'event'>): ((t: number) => number) => {
  const curve = kaplanMeier({ time, event });
  if ('kind' in curve) return () => 1;
  return (t) => {
    let low = 0;
    let high = curve.time.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((curve.time[middle] as number) <= t) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 1 : (curve.survival[low - 1] as number);
  };
};

/** Up to ten groups of equal size by predicted chance: what was said, and what the group's own Kaplan–Meier curve shows. */
const calibrationOf = (test: Lifetimes, chance: readonly number[], horizon: number) => {
  const order = chance.map((_, row) => row).sort((a, b) => (chance[a] as number) - (chance[b] as number) || a - b);
  const groups = Math.max(1, Math.min(deciles, Math.floor(order.length / fewestPerDecile)));
  return Array.from({ length: groups }, (_, group) => {
    const rows = order.slice(
      Math.floor((group * order.length) / groups),
      Math.floor(((group + 1) * order.length) / groups),
    );
    const survival = curveOf({
      time: rows.map((row) => test.time[row] as number),
      event: rows.map((row) => test.event[row] as number),
    });
    const predicted = rows.reduce((sum, row) => sum + (chance[row] as number) / rows.length, 0);
    return { predicted: round(predicted), observed: round(1 - survival(horizon)), n: rows.length };
  });
};

/** The first landmark of each vehicle: rows that do not share a failure, as the test of D-calibration needs them. */
const dCalibrationOf = (test: Lifetimes, predict: PredictSurvival): number | null => {
  const first = new Map<string, number>();
  test.vehicleIds.forEach((vehicle, row) => {
    if (!first.has(vehicle)) first.set(vehicle, row);
  });
  const rows = [...first.values()];
  const result = dCalibration({
    event: rows.map((row) => test.event[row] as number),
    survivalAtTime: rows.map((row) => {
      const [curve] = predict([test.x[row] as number[]], [test.time[row] as number]);
      return curve?.[0] ?? 1;
    }),
  });
  return 'kind' in result ? null : round(result.pValue);
};

/** Quality of the predictions; numbers that the held-back rows do not carry are null. */
export const evaluatePredictions = ({ test, train, predict, outOfTimeFrom }: EvaluationInput): ModelQuality => {
  const { time, event } = test;
  const weights = { trainTime: time, trainEvent: event, time, event };
  const lifetimes = readLifetimes({ time, event });
  const censoring = 'kind' in lifetimes ? null : censoringCurve(lifetimes);
  const isReached = (day: number): boolean =>
    censoring !== null &&
    censoring.at(day) > 0 &&
    time.filter((t) => t > day).length >= Math.max(fewestSeen, leastSeen * time.length);
  const times = grid.filter(isReached);
  const tau = times.at(-1) ?? 0;
  const baseline = curveOf(train);
  const allTimes = [...new Set([...times, ...horizonsDays])].sort((a, b) => a - b);
  const predicted = time.length === 0 ? [] : predict(test.x, allTimes);
  const at = (day: number): number[] => predicted.map((curve) => curve[allTimes.indexOf(day)] as number);
  const trivial = (days: readonly number[]): number[][] => time.map(() => days.map(baseline));
  const middle = Math.max(...times.filter((day) => day <= 30), 0);
  const risk = middle > 0 ? at(middle).map((survival) => 1 - survival) : time.map(() => 0);

  const horizon = (place: 0 | 1 | 2): ModelQuality['horizons']['days7'] => {
    const day = horizonsDays[place];
    const survival = at(day);
    const failures = time.filter((t, row) => event[row] === 1 && t <= day).length;
    const judged = isReached(day);
    const chance = survival.map((value) => 1 - value);
    const brier = (survivalAt: number[][]): number | null =>
      judged ? firstOrNull(brierScores({ ...weights, times: [day], survivalAt })) : null;
    return {
      n: failures + time.filter((t) => t > day).length,
      failures,
      brier: brier(survival.map((value) => [value])),
      baselineBrier: brier(trivial([day])),
      auc: judged ? firstOrNull(timeDependentAuc({ ...weights, risk: chance, times: [day] })) : null,
      calibration: judged ? calibrationOf(test, chance, day) : [],
    };
  };
  const integrated = (survivalAt: number[][]): number | null =>
    times.length < 2 ? null : numberOrNull(integratedBrier({ ...weights, times, survivalAt }));

  return {
    outOfTimeFrom,
    concordance: middle > 0 ? numberOrNull(unoConcordance({ ...weights, risk, tau })) : null,
    baselineConcordance: middle > 0 ? numberOrNull(unoConcordance({ ...weights, risk: time.map(() => 0), tau })) : null,
    integratedBrier: integrated(predicted.map((curve) => times.map((day) => curve[allTimes.indexOf(day)] as number))),
    baselineIntegratedBrier: integrated(trivial(times)),
    dCalibrationPValue: time.length === 0 ? null : dCalibrationOf(test, predict),
    horizons: { days7: horizon(0), days30: horizon(1), days90: horizon(2) },
  };
};
