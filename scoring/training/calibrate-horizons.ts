/**
 * Calibration of the chances at 7, 30 and 90 days, on predictions of a time the model had not seen.
 *
 * Three ways are tried per horizon: as it is; a smooth curve, H → e^a·H^b on the cumulative hazard (a Poisson regression, so
 * rows whose sight ended early still count for the days they were seen; stored as the knots of a monotone curve); isotonic
 * regression on the rows whose outcome by the horizon is known, each weighing what the censored ones like it would have (inverse
 * probability of censoring). Cross-validation over vehicles chooses by the weighted Brier score. A calibration is used only
 * where it gains more than the standard error of its gain between vehicles: one learned from a handful of failures would do
 * more harm than it mends.
 */
import type { Calibrations } from '#contracts/scoring-models';
import { applyCalibration, type Calibration } from '../calibration/calibration-model.ts';
import { calibrateIsotonic } from '../calibration/isotonic.ts';
import { censoringCurve } from '../survival/kaplan-meier.ts';
import { readLifetimes } from '../survival/lifetimes.ts';
import { poissonMode } from './penalised-poisson.ts';
import { distinctFailures, partOf } from './landmarks.ts';
import { horizonsDays } from '../forecast/forecast.ts';

export interface CalibrationRows {
  vehicleIds: readonly string[];
  time: readonly number[];
  event: readonly number[];
  /** Which failure ended the row (null none). Rows that share one say nearly the same thing: together they count once. */
  failure: readonly (string | null)[];
  /** Raw chance of failure per row at 7, 30 and 90 days, and up to the row's own time at most that far. */
  chances: readonly (readonly [number, number, number])[];
  hazardSeen: readonly (readonly [number, number, number])[];
}

const folds = 5;
/** Distinct failures by the horizon before any curve, and before isotonic regression, is tried. */
const failuresForCurve = 20;
const failuresForIsotonic = 100;
/** A horizon that hardly any row is seen through cannot be checked. */
const leastSeen = 0.02;
/** Prior standard deviations of a and of b − 1. */
const rateDeviation = 0.7;
const powerDeviation = 0.3;
const knots = 40;
const mostKnots = 60;

/** One horizon's rows: outcome by then, weight (0 while nobody knows), raw chance, hazard up to what was seen. */
interface HorizonRows {
  vehicle: string[];
  fold: number[];
  outcome: number[];
  /** The failure of rows whose outcome is 1, else null. */
  failure: (string | null)[];
  weight: number[];
  chance: number[];
  hazardSeen: number[];
}

const hazardOf = (chance: number): number => -Math.log1p(-Math.min(1 - 1e-9, Math.max(1e-9, chance)));
const round = (value: number): number => Number(value.toPrecision(6));

const pickRows = (rows: HorizonRows, keep: (fold: number) => boolean): HorizonRows => {
  const places = rows.fold.map((_, row) => row).filter((row) => keep(rows.fold[row] as number));
  const pick = <T>(values: T[]): T[] => places.map((row) => values[row] as T);
  return {
    vehicle: pick(rows.vehicle),
    fold: pick(rows.fold),
    outcome: pick(rows.outcome),
    failure: pick(rows.failure),
    weight: pick(rows.weight),
    chance: pick(rows.chance),
    hazardSeen: pick(rows.hazardSeen),
  };
};

/** Rows per distinct failure, at least 1: every row counts by one over it, the same for all, as in prior-correction.ts. */
const rowsPerFailure = ({ outcome, failure }: HorizonRows): number =>
  outcome.filter((value) => value === 1).length / Math.max(1, distinctFailures({ failure })) || 1;

/** Knots where the chances lie: even steps of the logarithm of the hazard. */
const smoothCurve = (rows: HorizonRows): Calibration | null => {
  const count = rows.chance.length;
  const logs = rows.chance.map((chance) => Math.log(hazardOf(chance)));
  const center = logs.reduce((sum, value) => sum + value / count, 0);
  const mode = poissonMode(
    {
      width: 2,
      z: Float64Array.from({ length: count * 2 }, (_, at) => (at % 2 === 0 ? 1 : (logs[at >> 1] as number) - center)),
      expected: Float64Array.from(rows.hazardSeen, (value) => Math.max(1e-9, value)),
      seen: Float64Array.from(rows.outcome),
      weight: new Float64Array(count).fill(1 / rowsPerFailure(rows)),
    },
    Float64Array.of(rateDeviation ** -2, powerDeviation ** -2),
    new Float64Array(2),
  );
  if (mode === null) return null;
  const [rate, power] = mode.theta as unknown as [number, number];
  const model = { method: 'isotonic' as const, scores: [0], probabilities: [0] };
  const low = Math.log(1e-4);
  const high = Math.log(hazardOf(1 - 1e-6));
  let last = 0;
  for (let at = 0; at <= knots; at += 1) {
    const log = low + ((high - low) * at) / knots;
    // The mode is of log hazard = log H + a + (b − 1)·(log H − center).
    const chance = -Math.expm1(-Math.exp(log + rate + Math.max(-1, power) * (log - center)));
    model.scores.push(round(-Math.expm1(-Math.exp(log))));
    last = Math.max(last, round(chance));
    model.probabilities.push(last);
  }
  model.scores.push(1);
  model.probabilities.push(Math.max(last, round(last)));
  return model;
};

/** Fewer knots with nearly the same line, and ends off 0 and 1: a block without failures does not prove that none come. */
const tidied = (model: { scores: number[]; probabilities: number[] }, failures: number): Calibration => {
  const least = 0.5 / (failures + 1);
  const step = Math.max(1, Math.ceil(model.scores.length / mostKnots));
  const chosen = model.scores
    .map((_, at) => at)
    .filter((at) => at === 0 || at === model.scores.length - 1 || at % step === 0);
  const scores: number[] = [];
  const probabilities: number[] = [];
  for (const at of chosen) {
    const score = model.scores[at] as number;
    if (scores.length > 0 && !(score > (scores.at(-1) as number))) continue;
    scores.push(score);
    const probability = Math.min(1 - least, Math.max(Math.min(least, 0.01), model.probabilities[at] as number));
    probabilities.push(Math.max(probabilities.at(-1) ?? 0, probability));
  }
  return { method: 'isotonic', scores, probabilities };
};

const isotonicCurve = (rows: HorizonRows): Calibration | null => {
  const known = rows.weight.map((_, row) => row).filter((row) => (rows.weight[row] as number) > 0);
  const fitted = calibrateIsotonic({
    score: known.map((row) => rows.chance[row] as number),
    outcome: known.map((row) => rows.outcome[row] as number),
    weight: known.map((row) => rows.weight[row] as number),
  });
  return 'kind' in fitted ? null : tidied(fitted, distinctFailures(rows));
};

/** Weighted squared errors summed per vehicle, under a map or as the chances are. */
type VehicleLosses = Map<string, number>;

const addLosses = (losses: VehicleLosses, rows: HorizonRows, map: Calibration | null): void => {
  rows.weight.forEach((weight, row) => {
    if (weight === 0) return;
    const chance = rows.chance[row] as number;
    const error = (map === null ? chance : applyCalibration(map, chance)) - (rows.outcome[row] as number);
    const vehicle = rows.vehicle[row] as string;
    losses.set(vehicle, (losses.get(vehicle) ?? 0) + weight * error * error);
  });
};

/** Losses of a way on vehicles it was not fitted to; null when some fold refuses it. */
const crossValidated = (rows: HorizonRows, fit: (train: HorizonRows) => Calibration | null): VehicleLosses | null => {
  const losses: VehicleLosses = new Map();
  for (let fold = 0; fold < folds; fold += 1) {
    const map = fit(pickRows(rows, (other) => other !== fold));
    if (map === null) return null;
    addLosses(
      losses,
      pickRows(rows, (other) => other === fold),
      map,
    );
  }
  return losses;
};

/** True when the second way loses less by more than the standard error of the difference between vehicles. */
const isClearlyLess = (simple: VehicleLosses, other: VehicleLosses): boolean => {
  const gains = [...simple].map(([vehicle, loss]) => loss - (other.get(vehicle) ?? 0));
  const mean = gains.reduce((sum, gain) => sum + gain / gains.length, 0);
  const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / Math.max(1, gains.length - 1);
  return mean > Math.sqrt(variance / gains.length);
};

const horizonRows = (rows: CalibrationRows, place: 0 | 1 | 2, seed: number): HorizonRows | null => {
  const horizon = horizonsDays[place];
  const lifetimes = readLifetimes({ time: rows.time, event: rows.event });
  if ('kind' in lifetimes || lifetimes.count === 0) return null;
  const censoring = censoringCurve(lifetimes);
  if (rows.time.filter((time) => time > horizon).length < leastSeen * rows.time.length) return null;
  const atHorizon = censoring.at(horizon);
  const result: HorizonRows = {
    vehicle: [],
    fold: [],
    outcome: [],
    failure: [],
    weight: [],
    chance: [],
    hazardSeen: [],
  };
  rows.time.forEach((time, row) => {
    const fails = rows.event[row] === 1 && time <= horizon;
    const g = fails ? censoring.before(time) : time > horizon ? atHorizon : 0;
    result.vehicle.push(rows.vehicleIds[row] as string);
    result.fold.push(partOf(rows.vehicleIds[row] as string, folds, seed));
    result.outcome.push(fails ? 1 : 0);
    result.failure.push(fails ? (rows.failure[row] as string | null) : null);
    result.weight.push(g > 0 ? 1 / g : 0);
    result.chance.push((rows.chances[row] as readonly number[])[place] as number);
    result.hazardSeen.push((rows.hazardSeen[row] as readonly number[])[place] as number);
  });
  return result;
};

const chooseFor = (rows: HorizonRows | null): Calibration | null => {
  if (rows === null) return null;
  const failures = distinctFailures(rows);
  if (failures < failuresForCurve) return null;
  const asItIs: VehicleLosses = new Map();
  addLosses(asItIs, rows, null);
  let best: { map: Calibration | null; losses: VehicleLosses } = { map: null, losses: asItIs };
  for (const [fit, need] of [
    [smoothCurve, failuresForCurve],
    [isotonicCurve, failuresForIsotonic],
  ] as const) {
    if (failures < need) continue;
    const losses = crossValidated(rows, fit);
    if (losses === null || !isClearlyLess(best.losses, losses)) continue;
    const map = fit(rows);
    if (map !== null) best = { map, losses };
  }
  return best.map;
};

/** Calibrations of the three horizons; null where nothing improves on the chances as they are. */
export const calibrateHorizons = (rows: CalibrationRows, seed: number): Calibrations => ({
  days7: chooseFor(horizonRows(rows, 0, seed)),
  days30: chooseFor(horizonRows(rows, 1, seed)),
  days90: chooseFor(horizonRows(rows, 2, seed)),
});
