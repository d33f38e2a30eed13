/**
 * What a survival model says of trucks: curves, chances of failure within the horizons, and the range of the days left.
 *
 * The three agree with one another. Calibration maps the raw chance at each horizon; between horizons the calibrated
 * cumulative hazard runs as the raw one does, stretched to meet both ends, and past the last horizon it goes on at the
 * stretch reached there. So "10 % within 30 days" and "p10 after 30 days" are the same statement.
 */
import type { Calibrations, SurvivalModel } from '#contracts/scoring-models';
import { applyCalibration } from '../calibration/calibration-model.ts';
import { predictSurvival } from '../trees/predict.ts';
import type { Rows } from '../trees/matrix.ts';
import { demand } from '../trees/demand.ts';
import { logFactors } from './correction.ts';

export const horizonsDays = [7, 30, 90] as const;
const horizonKeys = ['days7', 'days30', 'days90'] as const;

/** Further than this no range speaks: ten years. */
export const mostDaysAhead = 3650;

export interface FailureChances {
  days7: number;
  days30: number;
  days90: number;
}

/** Days until 10, 50 and 90 of 100 such trucks have failed. */
export interface DaysToFailure {
  p10: number;
  p50: number;
  p90: number;
}

const demandTimes = (times: readonly number[]): void =>
  demand(
    times.every((time) => Number.isFinite(time) && time >= 0),
    'times must be finite and at least 0',
  );

/** Cumulative hazards per row at `times` (days), correction included; past the last period its rate goes on. */
const hazardsAt = (model: SurvivalModel, x: Rows, times: readonly number[]): number[][] => {
  demand(model.format === 'survival-1', 'model: format must be survival-1');
  const ends = model.trees.periodEnds;
  const last = ends.at(-1);
  demand(last !== undefined && last > 0, 'model: it has no periods');
  demandTimes(times);
  // A first period that ends at 0 has no rate; the whole curve's mean rate stands in.
  const before = ends.length > 1 ? (ends.at(-2) as number) : 0;
  const needsTail = times.some((time) => time > last);
  const asked = needsTail ? [...times.map((time) => Math.min(time, last)), before, last] : times;
  const survival = predictSurvival(model.trees, x, asked);
  const factors = model.correction === null ? null : logFactors(model.correction, model.trees.names, x);
  return survival.map((curve, row) => {
    const factor = factors === null ? 1 : Math.exp(factors[row] as number);
    const hazard = curve.map((value) => -Math.log(Math.max(value, Number.MIN_VALUE)) * factor);
    const end = hazard.at(-1) as number;
    const rate = needsTail ? (end - (hazard.at(-2) as number)) / (last - before) : 0;
    return times.map((time, at) => (hazard[at] as number) + 0 + (time > last ? (time - last) * rate : 0));
  });
};

/**
 * Survival S(t) per row of x (columns as `model.trees.names`, NaN unknown) and per time in days, any order: the trees'
 * curve under the correction, not calibrated. 1 at 0, never rising. Past the last period its hazard rate continues.
 * @throws RangeError for a damaged model, rows of another width, times that are negative or no numbers.
 */
export const forecastSurvival = (model: SurvivalModel, x: Rows, timesDays: readonly number[]): number[][] =>
  hazardsAt(model, x, timesDays).map((hazards) => hazards.map((hazard) => Math.exp(-hazard)));

/** Calibrated chances from raw ones at 7, 30 and 90 days: within 0–1 and never falling with the horizon. */
export const calibratedChances = (
  calibration: Calibrations | null,
  raw: readonly [number, number, number],
): FailureChances => {
  let least = 0;
  const at = (place: 0 | 1 | 2): number => {
    const map = calibration?.[horizonKeys[place]] ?? null;
    const chance = map === null ? raw[place] : applyCalibration(map, raw[place]);
    least = Math.min(1, Math.max(least, chance));
    return least;
  };
  return { days7: at(0), days30: at(1), days90: at(2) };
};

const chancesOf = (hazards: readonly number[], calibration: Calibrations | null): FailureChances => {
  const raw = (at: number): number => -Math.expm1(-(hazards[at] as number));
  return calibratedChances(calibration, [raw(0), raw(1), raw(2)]);
};

/**
 * Calibrated chances of failure within 7, 30 and 90 days per row of x.
 * @throws RangeError as `forecastSurvival`.
 */
export const failureChances = (model: SurvivalModel, calibration: Calibrations | null, x: Rows): FailureChances[] =>
  hazardsAt(model, x, horizonsDays).map((hazards) => chancesOf(hazards, calibration));

/** A chance of one is an infinite hazard: this is as sure as anything gets. */
const surest = 1 - 1e-12;

/** Cumulative hazard of a chance. */
export const hazardOf = (chance: number): number => -Math.log1p(-Math.min(surest, chance));

/** Points (days, raw hazard, calibrated hazard), ascending; after the last one both go on in straight lines. */
interface Curve {
  days: number[];
  hazard: number[];
  /** Calibrated hazard per day after the last point. */
  tailRate: number;
}

const calibratedCurve = (
  days: readonly number[],
  raw: readonly number[],
  chances: FailureChances,
  far: number,
): Curve => {
  const anchors = horizonsDays.map((horizon, at) => ({
    days: horizon as number,
    raw: raw[days.indexOf(horizon)] as number,
    hazard: hazardOf(chances[horizonKeys[at] as keyof FailureChances]),
  }));
  const last = anchors.at(-1) as (typeof anchors)[number];
  const stretch = last.raw > 0 ? last.hazard / last.raw : 1;
  const curve: Curve = { days: [], hazard: [], tailRate: far * stretch };
  let from = { days: 0, raw: 0, hazard: 0 };
  let next = 0;
  days.forEach((day, at) => {
    const value = raw[at] as number;
    const to = anchors[next];
    if (to === undefined) {
      curve.hazard.push(last.hazard + (value - last.raw) * stretch);
    } else {
      const risen = to.raw - from.raw;
      const share = risen > 0 ? (value - from.raw) / risen : (day - from.days) / (to.days - from.days);
      // At the anchor itself nothing is left to rounding.
      curve.hazard.push(day === to.days ? to.hazard : from.hazard + share * (to.hazard - from.hazard));
      if (day === to.days) {
        from = to;
        next += 1;
      }
    }
    curve.days.push(day);
  });
  return curve;
};

/** The first time at which the calibrated hazard reaches `level`; at most ten years. */
const timeOf = (curve: Curve, level: number): number => {
  let fromDays = 0;
  let fromHazard = 0;
  for (let at = 0; at < curve.days.length; at += 1) {
    const day = curve.days[at] as number;
    const hazard = curve.hazard[at] as number;
    if (hazard >= level) {
      const share = hazard > fromHazard ? (level - fromHazard) / (hazard - fromHazard) : 1;
      return Math.min(mostDaysAhead, fromDays + share * (day - fromDays));
    }
    fromDays = day;
    fromHazard = hazard;
  }
  if (!(curve.tailRate > 0)) return mostDaysAhead;
  return Math.min(mostDaysAhead, fromDays + (level - fromHazard) / curve.tailRate);
};

export interface Forecast {
  chances: FailureChances;
  daysToFailure: DaysToFailure;
}

/** Calibrated curves over the model's periods, the horizons and `times`, with the chances they run through. */
const curvesOf = (
  model: SurvivalModel,
  calibration: Calibrations | null,
  x: Rows,
  times: readonly number[],
): { chances: FailureChances; curve: Curve }[] => {
  const knots = [...new Set([...model.trees.periodEnds, ...horizonsDays, ...times])]
    .filter((day) => day > 0)
    .sort((a, b) => a - b);
  const farthest = (knots.at(-1) ?? 0) + 1;
  const places = horizonsDays.map((horizon) => knots.indexOf(horizon));
  return hazardsAt(model, x, [...knots, farthest]).map((hazards) => {
    const raw = hazards.slice(0, -1);
    const far = Math.max(0, (hazards.at(-1) as number) - (raw.at(-1) as number));
    const chances = chancesOf(
      places.map((place) => raw[place] as number),
      calibration,
    );
    return { chances, curve: calibratedCurve(knots, raw, chances, far) };
  });
};

/**
 * Calibrated survival S(t) per row of x and per time in days: at 7, 30 and 90 days one minus `failureChances`, between and
 * after them as `daysToFailure` reads it.
 * @throws RangeError as `forecastSurvival`.
 */
export const calibratedSurvival = (
  model: SurvivalModel,
  calibration: Calibrations | null,
  x: Rows,
  timesDays: readonly number[],
): number[][] => {
  demandTimes(timesDays);
  return curvesOf(model, calibration, x, timesDays).map(({ curve }) => {
    const hazardOn = new Map(curve.days.map((day, at) => [day, curve.hazard[at] as number]));
    return timesDays.map((time) => Math.exp(-(hazardOn.get(time) ?? 0)));
  });
};

/**
 * Chances and days left in one pass over the trees; the same numbers as `failureChances` and `daysToFailure`.
 * @throws RangeError as `forecastSurvival`.
 */
export const forecast = (model: SurvivalModel, calibration: Calibrations | null, x: Rows): Forecast[] =>
  curvesOf(model, calibration, x, []).map(({ chances, curve }) => {
    const level = (share: number): number => timeOf(curve, -Math.log1p(-share));
    return { chances, daysToFailure: { p10: level(0.1), p50: level(0.5), p90: level(0.9) } };
  });

/**
 * Days until 10, 50 and 90 % have failed, per row of x, on the calibrated curve; at most 3650.
 * @throws RangeError as `forecastSurvival`.
 */
export const daysToFailure = (model: SurvivalModel, calibration: Calibrations | null, x: Rows): DaysToFailure[] =>
  forecast(model, calibration, x).map((one) => one.daysToFailure);
