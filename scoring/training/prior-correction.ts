/**
 * What a tenant's own history says about the prior, by empirical Bayes (Robbins 1956; MacKay 1992 for the evidence).
 *
 * Failures are Poisson around the prior's cumulative hazard times exp(intercept + Σ coefficient · z). Intercept and
 * coefficients have Gaussian priors around 0 (the prior is right). The variances of those come from the data: on a grid, each
 * pair of them weighs as much as it makes the tenant's data probable (Laplace's approximation of the evidence) under a
 * half-normal expectation of how much fleets differ. A tenant with few failures stays near variances that keep the prior, one
 * with many gets its own rate. The answer is the mean over the grid, not its best point: one fleet is a single draw of the
 * intercept, and the best variance for it is often 0, which would claim a certainty nobody has.
 *
 * How much the data may say. A landmark looks ahead until its failure, so neighbouring landmarks of one vehicle see the same
 * failure, and a vehicle that fails often does so all the time. Counting every row in full would claim certainties that are
 * not there. Each row therefore counts by 1/φ, the same for all rows (weights that depended on how a row ended would bias
 * the rate), where φ is the larger of two: rows per distinct failure, and the spread of the vehicles' own sums of
 * residuals against what independent rows would show (the sandwich variance of Liang & Zeger 1986, clustered by vehicle).
 */
import type { PriorCorrection } from '#contracts/scoring-models';
import { insufficientData, nonFinite, type Refusal } from '../survival/refusal.ts';
import { deviationsOf } from '../forecast/correction.ts';
import { demand } from '../trees/demand.ts';
import { poissonMode, predictorOf, type PoissonMode, type PoissonRows } from './penalised-poisson.ts';

export interface CorrectionInput {
  /** The prior's cumulative hazard of each row up to where its sight ends. */
  cumulativeHazard: readonly number[];
  /** 1 a failure ended it, 0 not. */
  event: readonly number[];
  /** Row-major, columns as `names`; NaN unknown. May have no columns: then only the rate is corrected. */
  x: readonly (readonly number[])[];
  names: readonly string[];
  /** Whose row it is; every row stands alone unless given. */
  vehicle?: readonly string[] | undefined;
  /** Which failure ended the row (null none); each counts once. Every event is a failure of its own unless given. */
  failure?: readonly (string | null)[] | undefined;
}

/** Standard deviations tried, of the log rate and per standard deviation of a feature. */
const interceptDeviations = [0.02, 0.05, 0.1, 0.17, 0.25, 0.35, 0.5, 0.7, 1, 1.4];
const coefficientDeviations = [0.005, 0.02, 0.05, 0.09, 0.15, 0.25, 0.4];
/**
 * Half-normal expectations of the two: fleets differ by a factor of two in rate easily, but seldom in what age or use does to
 * their trucks; and the trucks of one fleet are few.
 */
const expectedInterceptDeviation = 0.7;
const expectedCoefficientDeviation = 0.06;

/** A feature known of fewer rows than this share, or hardly varying, cannot be corrected for. */
const leastKnown = 0.2;
const fewestVehicles = 10;
/** A row without any expectation would be infinitely surprising; the prior is never that sure. */
const leastHazard = 1e-6;

interface Standardised {
  kept: number[];
  centers: number[];
  scales: number[];
  z: Float64Array;
}

/** z-scores of the features worth correcting for; unknown values stand at the center. Column 0 is the intercept's. */
const standardise = (x: CorrectionInput['x'], width: number): Standardised => {
  const kept: number[] = [];
  const centers: number[] = [];
  const scales: number[] = [];
  for (let column = 0; column < width; column += 1) {
    const known = x.map((row) => row[column] as number).filter((value) => !Number.isNaN(value));
    if (known.length < leastKnown * x.length || known.length < 2) continue;
    const mean = known.reduce((sum, value) => sum + value / known.length, 0);
    const deviation = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2 / known.length, 0));
    if (!(deviation > 1e-9 * Math.abs(mean)) || !Number.isFinite(deviation)) continue;
    kept.push(column);
    centers.push(mean);
    scales.push(deviation);
  }
  const z = new Float64Array(x.length * (kept.length + 1));
  x.forEach((row, at) => {
    const start = at * (kept.length + 1);
    z[start] = 1;
    kept.forEach((column, j) => {
      z[start + 1 + j] = deviationsOf(row[column], centers[j] as number, scales[j] as number);
    });
  });
  return { kept, centers, scales, z };
};

const precisionOf = (width: number, intercept: number, coefficient: number): Float64Array =>
  Float64Array.from({ length: width }, (_, j) => (j === 0 ? intercept ** -2 : coefficient ** -2));

/** The posterior over the whole grid: means and standard deviations, and the mean variances of the priors. */
interface Posterior {
  mean: Float64Array;
  deviation: Float64Array;
  interceptVariance: number;
  coefficientVariance: number;
}

/** log of the half-normal density of a deviation times the stretch of the grid it stands for. */
const logExpectation = (grid: readonly number[], at: number, expected: number): number => {
  const value = grid[at] as number;
  const from = at === 0 ? 0 : (value + (grid[at - 1] as number)) / 2;
  const to = at === grid.length - 1 ? 2 * value - from : (value + (grid[at + 1] as number)) / 2;
  return Math.log(to - from) - 0.5 * (value / expected) ** 2;
};

interface GridPoint {
  mode: PoissonMode;
  intercept: number;
  coefficient: number;
  logWeight: number;
}

/** The mode under every pair of deviations, with the evidence for the pair. */
const gridPoints = (rows: PoissonRows): GridPoint[] => {
  const { width } = rows;
  const points: GridPoint[] = [];
  let start: Float64Array = new Float64Array(width);
  const coefficients = width > 1 ? coefficientDeviations : coefficientDeviations.slice(0, 1);
  coefficients.forEach((coefficient, c) => {
    interceptDeviations.forEach((intercept, i) => {
      const precision = precisionOf(width, intercept, coefficient);
      const mode = poissonMode(rows, precision, start);
      if (mode === null) return;
      start = mode.theta;
      const penalty = mode.theta.reduce((sum, value, j) => sum + 0.5 * (precision[j] as number) * value * value, 0);
      const logPrecision = precision.reduce((sum, value) => sum + 0.5 * Math.log(value), 0);
      const evidence = mode.logLikelihood - penalty + logPrecision - 0.5 * mode.logDeterminant;
      const expectation =
        logExpectation(interceptDeviations, i, expectedInterceptDeviation) +
        (width > 1 ? logExpectation(coefficientDeviations, c, expectedCoefficientDeviation) : 0);
      points.push({ mode, intercept, coefficient, logWeight: evidence + expectation });
    });
  });
  return points;
};

/** Without features only the sums count. */
const summed = (rows: PoissonRows): PoissonRows => {
  const total = (values: Float64Array): Float64Array =>
    Float64Array.of(values.reduce((sum, value, row) => sum + value * (rows.weight[row] as number), 0));
  return {
    z: Float64Array.of(1),
    width: 1,
    expected: total(rows.expected),
    seen: total(rows.seen),
    weight: Float64Array.of(1),
  };
};

/** Averages the grid: means, and variances within and between its points. Null when nothing settled. */
const posteriorOf = (rows: PoissonRows): Posterior | null => {
  const points = gridPoints(rows.width === 1 ? summed(rows) : rows);
  if (points.length === 0) return null;
  const { width } = rows;
  const most = points.reduce((best, { logWeight }) => Math.max(best, logWeight), -Infinity);
  const weights = points.map(({ logWeight }) => Math.exp(logWeight - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const average = (valueOf: (point: GridPoint) => number): number =>
    points.reduce((sum, point, at) => sum + ((weights[at] as number) / total) * valueOf(point), 0);
  const mean = Float64Array.from({ length: width }, (_, j) => average(({ mode }) => mode.theta[j] as number));
  return {
    mean,
    deviation: Float64Array.from({ length: width }, (_, j) =>
      Math.sqrt(
        average(
          ({ mode }) =>
            (mode.covariance[j * width + j] as number) + ((mode.theta[j] as number) - (mean[j] as number)) ** 2,
        ),
      ),
    ),
    interceptVariance: average(({ intercept }) => intercept ** 2),
    coefficientVariance: average(({ coefficient }) => coefficient ** 2),
  };
};

/** Spread of the vehicles' summed residuals against that of independent rows; 0 when there are too few vehicles to say. */
const clusterSpread = (rows: PoissonRows, theta: Float64Array, vehicle: readonly string[]): number => {
  const sums = new Map<string, number>();
  let information = 0;
  for (let row = 0; row < rows.seen.length; row += 1) {
    const mean = (rows.expected[row] as number) * Math.exp(predictorOf(rows, theta, row));
    const key = vehicle[row] as string;
    sums.set(key, (sums.get(key) ?? 0) + (rows.seen[row] as number) - mean);
    information += mean;
  }
  if (sums.size < fewestVehicles || !(information > 0)) return 0;
  let squares = 0;
  for (const sum of sums.values()) squares += sum * sum;
  return ((squares / information) * sums.size) / (sums.size - 1);
};

const readInput = (input: CorrectionInput): Refusal | null => {
  const { cumulativeHazard, event, x, names } = input;
  demand(cumulativeHazard.length === event.length, 'cumulativeHazard and event must have the same length');
  demand(x.length === event.length, 'x must have one row per event');
  demand(
    x.every((row) => row.length === names.length),
    `every row of x must have ${names.length} columns, as names does`,
  );
  demand((input.vehicle?.length ?? event.length) === event.length, 'vehicle must have one entry per event');
  demand((input.failure?.length ?? event.length) === event.length, 'failure must have one entry per event');
  demand(
    event.every((value) => value === 0 || value === 1),
    'event must hold only 0 and 1',
  );
  if (!cumulativeHazard.every((value) => Number.isFinite(value))) return nonFinite('cumulativeHazard');
  demand(
    cumulativeHazard.every((value) => value >= 0),
    'cumulativeHazard must not be negative',
  );
  for (const row of x) {
    const column = row.findIndex((value) => Math.abs(value) === Infinity);
    if (column >= 0) return nonFinite(names[column] as string);
  }
  if (event.length === 0) return insufficientData(0, 1);
  // A fleet without a failure on record more likely keeps no records than never fails.
  if (!event.includes(1)) return { kind: 'no_events', have: 0, need: 1 };
  return null;
};

/**
 * Fits the correction. `standardErrors` are of [intercept, ...coefficients] (posterior standard deviations);
 * `events` counts each failure once, `expectedEvents` in the same measure. Features that are rarely known or do not vary are
 * left out. Refusals: `no_events`, `non_finite`, `insufficient_data` without rows, `no_convergence`.
 * @throws RangeError for lengths that differ, hazards below 0, events other than 0 and 1.
 */
export const fitPriorCorrection = (input: CorrectionInput): PriorCorrection | Refusal => {
  const refusal = readInput(input);
  if (refusal !== null) return refusal;
  const { names, event, x } = input;
  const { kept, centers, scales, z } = standardise(x, names.length);
  const width = kept.length + 1;
  const count = event.length;
  const rows: PoissonRows = {
    z,
    width,
    expected: Float64Array.from(input.cumulativeHazard, (value) => Math.max(leastHazard, value)),
    seen: Float64Array.from(event),
    weight: new Float64Array(count).fill(1),
  };
  const events = rows.seen.reduce((sum, value) => sum + value, 0);
  const failures = new Set((input.failure ?? []).filter((failure) => failure !== null));
  const rowsPerFailure = input.failure === undefined ? 1 : Math.max(1, events / Math.max(1, failures.size));
  rows.weight.fill(1 / rowsPerFailure);
  let posterior = posteriorOf(rows);
  if (posterior !== null && input.vehicle !== undefined) {
    const spread = clusterSpread(rows, posterior.mean, input.vehicle);
    if (spread > rowsPerFailure) {
      rows.weight.fill(1 / spread);
      posterior = posteriorOf(rows);
    }
  }
  if (posterior === null) return { kind: 'no_convergence' };
  const expected = rows.expected.reduce((sum, value) => sum + value, 0);
  return {
    names: kept.map((column) => names[column] as string),
    centers,
    scales,
    intercept: posterior.mean[0] as number,
    coefficients: Array.from(posterior.mean.slice(1)),
    standardErrors: Array.from(posterior.deviation),
    interceptVariance: posterior.interceptVariance,
    coefficientVariance: posterior.coefficientVariance,
    events: events / rowsPerFailure,
    expectedEvents: expected / rowsPerFailure,
  };
};
