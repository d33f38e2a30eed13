/**
 * What is known of an engine at one of its cycles, from that cycle and those before it: levels and slopes of sensors over
 * windows, where each began, and lines and parabolas through the directions of wear.
 */
import { scaledSeries, solveInPlace, type Engine, type Scaling } from './engines.ts';

export interface FeatureChoice {
  /** Trailing means per sensor, in cycles. */
  means: number[];
  /** Windows of lines per sensor: level at the end and slope. */
  lines: number[];
  /** Windows per direction. */
  directionLines: number[];
  directionParabolas: number[];
  /** Cycles at the start that show how an engine was built. */
  start: number;
}

export const chosenFeatures: FeatureChoice = {
  means: [5, 15, 30],
  lines: [30],
  directionLines: [10, 20, 30, 50, 80, 150],
  directionParabolas: [50, 100, 400],
  start: 20,
};

/** Slopes are per this many cycles. */
const slopeUnit = 30;
const filters = new Map<string, Float64Array[]>();

/**
 * Filters that give the coefficients of the least-squares polynomial through the last `length` values, around the last:
 * on an even grid these are fixed weights, oldest value first.
 */
const polynomialFilters = (length: number, degree: number): Float64Array[] => {
  const key = `${length}/${degree}`;
  const known = filters.get(key);
  if (known !== undefined) return known;
  const rows = Array.from({ length }, (_, at) => {
    const place = (at - length + 1) / slopeUnit;
    return Array.from({ length: degree + 1 }, (_, power) => place ** power);
  });
  const made = Array.from({ length: degree + 1 }, (_, wanted) => {
    const system = Array.from({ length: degree + 1 }, (_, i) =>
      Float64Array.from({ length: degree + 2 }, (_, j) => {
        if (j > degree) return i === wanted ? 1 : 0;
        // The ridge matters only for the first few cycles, where two points make no parabola.
        return rows.reduce((sum, row) => sum + (row[i] as number) * (row[j] as number), i === j ? 1e-3 : 0);
      }),
    );
    const weights = solveInPlace(system);
    return Float64Array.from(rows, (row) => row.reduce((sum, value, at) => sum + value * (weights[at] as number), 0));
  });
  filters.set(key, made);
  return made;
};

const polynomialAt = (series: Float64Array, place: number, window: number, degree: number): number[] => {
  const length = Math.min(window, place + 1);
  return polynomialFilters(length, degree).map((filter) => {
    let sum = 0;
    for (let at = 0; at < length; at += 1) sum += (filter[at] as number) * (series[place - length + 1 + at] as number);
    return sum;
  });
};

const meanOver = (series: Float64Array, from: number, to: number): number => {
  let sum = 0;
  for (let at = from; at < to; at += 1) sum += series[at] as number;
  return sum / (to - from);
};

/** Features at each of `places` (indices of cycles) of an engine. */
export const featuresAt = (
  engine: Engine,
  places: readonly number[],
  scaling: Scaling,
  choice: FeatureChoice,
): number[][] => {
  const sensors = scaledSeries(engine, scaling);
  const directions = scaling.directions.map((direction) =>
    Float64Array.from(engine, (_, place) =>
      sensors.reduce((sum, series, at) => sum + (series[place] as number) * (direction[at] as number), 0),
    ),
  );
  return places.map((place) => {
    const end = place + 1;
    const started = Math.min(choice.start, end);
    return [
      place,
      ...sensors.flatMap((series) => [
        ...choice.means.map((window) => meanOver(series, Math.max(0, end - window), end)),
        ...choice.lines.flatMap((window) => polynomialAt(series, place, window, 1)),
        meanOver(series, 0, started),
      ]),
      ...directions.flatMap((series) => [
        ...choice.directionLines.flatMap((window) => polynomialAt(series, place, window, 1)),
        ...choice.directionParabolas.flatMap((window) => polynomialAt(series, place, window, 2)),
        meanOver(series, 0, started),
      ]),
    ];
  });
};
