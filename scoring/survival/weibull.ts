/**
 * Weibull accelerated failure time regression in the parametrisation of R's survreg, with left truncation (which survreg
 * refuses) and an optional ridge.
 */
import { factorise, solve } from './cholesky.ts';
import { constantColumn, penaltyOn, pivotTolerance, readColumns, readRidge, standardise } from './columns.ts';
import { leadingColumn, withoutSmall } from './directions.ts';
import { everyRow, readLifetimes, type Lifetimes } from './lifetimes.ts';
import { factoriseForStep, invertPenalised } from './penalised-information.ts';
import { insufficientData, nonFinite, type Refusal } from './refusal.ts';
import { isStretchable, weibullDerivatives, type WeibullData } from './weibull-likelihood.ts';

export interface WeibullInput {
  time: readonly number[];
  event: readonly number[];
  /** Row-major, one row per time. */
  x: readonly (readonly number[])[];
  names: readonly string[];
  entry?: readonly number[] | null | undefined;
  /** θ ≥ 0: θ/2·Σβ² is subtracted, on x's own units; intercept and scale stay free. */
  ridge?: number | undefined;
}

export interface WeibullFit {
  names: string[];
  /** Of log time in days, at x = 0. */
  intercept: number;
  /** Log of the factor by which one unit of x stretches a lifetime. */
  coefficients: number[];
  /** σ; the Weibull shape is 1/σ. */
  scale: number;
  /** [intercept, …coefficients, log scale], from the inverse of the (penalised) observed information. */
  standardErrors: number[];
  /** Of the times (not their logarithms), without the penalty. */
  logLikelihood: number;
  /** With a ridge only: logLikelihood − θ/2·Σβ². */
  penalizedLogLikelihood?: number;
  iterations: number;
}

const mostIterations = 100;
/** As for Cox: the decrement at which the next step is exact to rounding, and the pace of a maximum at infinity. */
const converged = 1e-10;
const slow = 0.05;
/** σ as a share of the spread of log times below which the columns reproduce the failures exactly. */
const leastScale = 1e-7;
/** The same of a σ that has not come to rest when the iterations are used up. */
const smallScale = 0.05;
/** log σ moves by at most this in one step: beyond, the quadratic model says nothing. */
const longestScaleStep = 2;

/** μ for the given log σ without columns: the level at which as many failures are expected as were seen. */
const startLevel = (data: WeibullData, failures: number, scale: number): number => {
  let highest = -Infinity;
  for (const value of data.logTime) highest = Math.max(highest, value);
  let sum = 0;
  for (let i = 0; i < data.count; i++) {
    sum += Math.exp(((data.logTime[i] as number) - highest) / scale);
    sum -= Math.exp(((data.logEntry[i] as number) - highest) / scale);
  }
  return highest + scale * Math.log(Math.max(sum, 1e-300) / failures);
};

interface Optimum {
  parameters: Float64Array;
  logLikelihood: number;
  information: Float64Array;
  iterations: number;
}

/** Newton with step-halving, damped where the likelihood is not concave, on standardised data. */
const maximise = (
  data: WeibullData,
  penalty: Float64Array,
  failures: number,
  names: readonly string[],
): Optimum | Refusal => {
  const size = penalty.length;
  const last = size - 1;
  const isPenalised = penalty.some((value) => value > 0);
  const firstScale = Math.sqrt(6) / Math.PI;
  let parameters = new Float64Array(size);
  parameters[0] = startLevel(data, failures, firstScale);
  parameters[last] = Math.log(firstScale);
  let current = weibullDerivatives(data, parameters);
  const objective = (at: Float64Array, logLikelihood: number): number =>
    at.reduce((sum, value, j) => sum - 0.5 * (penalty[j] as number) * value * value, logLikelihood);
  const separation = (step: Float64Array): Refusal | null => {
    if (isPenalised) return null;
    for (const share of [0, 1e-6, 1e-2]) {
      const direction = withoutSmall(step.subarray(1, last), share);
      if (isStretchable(data, direction))
        return { kind: 'separation', column: names[leadingColumn(direction)] as string };
    }
    return null;
  };
  let before = Infinity;
  for (let iterations = 0; ;) {
    const slope = current.gradient.map((value, j) => value - (penalty[j] as number) * (parameters[j] as number));
    let factor = factoriseForStep(current.information, penalty);
    const wasConcave = factor !== null;
    for (let damping = 1e-3; factor === null && damping < 1e12; damping *= 10) {
      const damped = current.information.map((value, i) =>
        i % (size + 1) === 0 ? value + damping * (Math.abs(value) + 1) : value,
      );
      factor = factoriseForStep(damped, penalty);
    }
    if (factor === null) return separation(parameters) ?? { kind: 'no_convergence' };
    const step = solve(factor, slope);
    const decrement = step.reduce((sum, value, j) => sum + value * (slope[j] as number), 0);
    if (!Number.isFinite(decrement)) return separation(parameters) ?? { kind: 'no_convergence' };
    const isSlow = decrement > slow * before;
    if (isSlow && iterations >= 5) {
      const found = separation(step);
      if (found !== null) return found;
    }
    if (iterations >= mostIterations) {
      if ((parameters[last] as number) < Math.log(smallScale)) return { kind: 'insufficient_data' };
      if (decrement > converged || !isPenalised || !wasConcave) return separation(step) ?? { kind: 'no_convergence' };
      return { parameters, ...current, iterations };
    }
    before = decrement;
    const level = objective(parameters, current.logLikelihood);
    const slack = 1e-13 * (1 + Math.abs(level));
    let length = Math.min(1, longestScaleStep / Math.max(1e-300, Math.abs(step[last] as number)));
    let next = current;
    let moved = parameters;
    for (; length >= 1e-10; length /= 2) {
      moved = parameters.map((value, j) => value + length * (step[j] as number));
      next = weibullDerivatives(data, moved);
      if (objective(moved, next.logLikelihood) >= level - slack) break;
    }
    if (length < 1e-10) {
      // No step from here raises the likelihood: what the gradient still promises is rounding.
      return decrement > 1e-6 || !wasConcave ? { kind: 'no_convergence' } : { parameters, ...current, iterations };
    }
    iterations++;
    parameters = moved;
    current = next;
    if ((parameters[last] as number) < Math.log(leastScale)) return { kind: 'insufficient_data' };
    if ((parameters[last] as number) > -Math.log(leastScale)) return { kind: 'no_convergence' };
    // Flat to the last digit, held by next to no penalty: further steps would follow rounding.
    const isFlat =
      isPenalised && isSlow && decrement < 1e-6 && objective(parameters, current.logLikelihood) - level <= 10 * slack;
    if (isFlat && wasConcave) return { parameters, ...current, iterations };
    if (decrement <= converged && wasConcave && length === 1 && !(isSlow && decrement > 1e-24)) {
      return { parameters, ...current, iterations };
    }
  }
};

/** Rows with something to say, log times centred and scaled, columns standardised. */
const prepare = (lifetimes: Lifetimes, rows: Int32Array): { data: WeibullData; centre: number; unit: number } => {
  const count = rows.length;
  const logTime = new Float64Array(count);
  for (let at = 0; at < count; at++) logTime[at] = Math.log(lifetimes.time[rows[at] as number] as number);
  let centre = 0;
  for (const value of logTime) centre += value / count;
  let squares = 0;
  for (const value of logTime) squares += (value - centre) ** 2;
  const same = logTime.every((value) => value === logTime[0]);
  const unit = same ? 1 : Math.sqrt(squares / count);
  const logEntry = new Float64Array(count).fill(-Infinity);
  const event = new Uint8Array(count);
  for (let at = 0; at < count; at++) {
    const row = rows[at] as number;
    event[at] = lifetimes.event[row] as number;
    const since = lifetimes.entry?.[row] ?? 0;
    if (since > 0) logEntry[at] = (Math.log(since) - centre) / unit;
  }
  return {
    data: {
      count,
      width: 0,
      logTime: logTime.map((value) => (value - centre) / unit),
      logEntry,
      event,
      z: new Float64Array(0),
    },
    centre,
    unit,
  };
};

/**
 * Fits the Weibull accelerated failure time model by maximum (penalised) likelihood; times are days.
 * A row censored at 0 says nothing and is left out.
 * @returns the fit, or why the data refuse one: `no_events`, `non_finite`, `insufficient_data` (rows against columns + 2; or
 * distinct failure times, when the columns reproduce the failures exactly), `constant_column`, `collinear`, `separation` (the
 * column that leads), `no_convergence`. With a ridge above 0 constant and collinear columns and separation are fitted.
 * @throws RangeError when lengths differ, x is ragged, a time or the ridge is negative, an event is not 0 or 1, an entry is not
 * before its time, or a failure lies at time 0.
 */
export const fitWeibullAft = (input: WeibullInput): WeibullFit | Refusal => {
  const ridge = readRidge(input.ridge);
  const columns = readColumns(input.x, input.names, input.time.length);
  const lifetimes = readLifetimes({ time: input.time, event: input.event, entry: input.entry });
  if ('kind' in lifetimes) return lifetimes;
  if ('kind' in columns) return columns;
  const atZero = lifetimes.time.findIndex((value, row) => value === 0 && lifetimes.event[row] === 1);
  if (atZero >= 0) throw new RangeError(`a Weibull lifetime cannot end in a failure at time 0; row ${atZero} does`);
  const { names, width } = columns;
  const rows = everyRow(lifetimes.count).filter((row) => (lifetimes.time[row] as number) > 0);
  const need = ridge > 0 ? 2 : width + 2;
  if (lifetimes.count === 0) return insufficientData(0, need);
  if (lifetimes.eventCount === 0) return { kind: 'no_events', have: 0, need: 1 };
  if (rows.length < need) return insufficientData(rows.length, need);

  const prepared = prepare(lifetimes, rows);
  const standardised = standardise(columns, rows, lifetimes.stratum, 1);
  const { z, unit, centre } = standardised;
  const data: WeibullData = { ...prepared.data, width, z };
  if (ridge === 0 && width > 0) {
    const constant = constantColumn(columns, rows, lifetimes.stratum, 1);
    if (constant >= 0) return { kind: 'constant_column', column: names[constant] as string };
    const moments = new Float64Array(width * width);
    for (let i = 0; i < rows.length; i++) {
      for (let j = 0; j < width; j++) {
        for (let k = 0; k <= j; k++) {
          moments[j * width + k] =
            (moments[j * width + k] as number) + (z[i * width + j] as number) * (z[i * width + k] as number);
        }
      }
    }
    const factor = factorise(moments, width, pivotTolerance(standardised));
    if ('failedColumn' in factor) return { kind: 'collinear', column: names[factor.failedColumn] as string };
  }

  const penalty = new Float64Array(width + 2);
  penalty.set(
    penaltyOn(
      unit.map((one) => one / prepared.unit),
      ridge,
    ),
    1,
  );
  const optimum = maximise(data, penalty, lifetimes.eventCount, names);
  if ('kind' in optimum) {
    if (optimum.kind !== 'insufficient_data') return optimum;
    const have = new Set(lifetimes.time.filter((_, row) => lifetimes.event[row] === 1)).size;
    return have < width + 2 ? insufficientData(have, width + 2) : { kind: 'no_convergence' };
  }
  const size = width + 2;
  const covariance = invertPenalised(optimum.information, penalty);
  if (covariance === null) return { kind: 'no_convergence' };

  const { parameters } = optimum;
  const toOwn = unit.map((one) => prepared.unit / one);
  const coefficients = Array.from(toOwn, (factor, j) => (parameters[j + 1] as number) * factor);
  const intercept = coefficients.reduce(
    (sum, value, j) => sum - value * (centre[j] as number),
    prepared.centre + prepared.unit * (parameters[0] as number),
  );
  // The intercept at x = 0 is a combination of the centred one and the coefficients.
  const combination = Float64Array.from({ length: width + 1 }, (_, j) =>
    j === 0 ? prepared.unit : -(toOwn[j - 1] as number) * (centre[j - 1] as number),
  );
  let interceptVariance = 0;
  for (let j = 0; j <= width; j++) {
    for (let k = 0; k <= width; k++) {
      interceptVariance +=
        (combination[j] as number) * (combination[k] as number) * (covariance[j * size + k] as number);
    }
  }
  const deviation = (j: number): number => Math.sqrt(covariance[j * size + j] as number);
  const standardErrors = [
    Math.sqrt(interceptVariance),
    ...Array.from(toOwn, (factor, j) => deviation(j + 1) * factor),
    deviation(size - 1),
  ];
  let logLikelihood = optimum.logLikelihood - lifetimes.eventCount * Math.log(prepared.unit);
  lifetimes.event.forEach((failed, row) => {
    if (failed === 1) logLikelihood -= Math.log(lifetimes.time[row] as number);
  });
  const scale = prepared.unit * Math.exp(parameters[size - 1] as number);
  const wild = coefficients.findIndex(
    (value, j) => !Number.isFinite(value + ridge * value * value) || !Number.isFinite(standardErrors[j + 1]),
  );
  if (wild >= 0) return nonFinite(names[wild] as string);
  if (![intercept, scale, logLikelihood, ...standardErrors].every(Number.isFinite)) return { kind: 'no_convergence' };
  return {
    names: [...names],
    intercept,
    coefficients,
    scale,
    standardErrors,
    logLikelihood,
    ...(ridge > 0
      ? {
          penalizedLogLikelihood: coefficients.reduce((sum, value) => sum - (ridge / 2) * value * value, logLikelihood),
        }
      : {}),
    iterations: optimum.iterations,
  };
};

/**
 * S(t | x) = exp(−exp((log t − intercept − β·x)/σ)) for each row of x at each time (days).
 * @throws RangeError when a row has not one value per coefficient, or a time is negative.
 */
export const predictWeibullSurvival = (
  fit: Pick<WeibullFit, 'intercept' | 'coefficients' | 'scale'>,
  x: readonly (readonly number[])[],
  times: readonly number[],
): number[][] => {
  if (times.some((t) => !(t >= 0))) throw new RangeError('times must be 0 or more');
  return x.map((cells, row) => {
    if (cells.length !== fit.coefficients.length) {
      throw new RangeError(`row ${row} of x has ${cells.length} values for ${fit.coefficients.length} coefficients`);
    }
    const predictor = fit.coefficients.reduce((sum, beta, j) => sum + beta * (cells[j] as number), fit.intercept);
    return times.map((t) => (t === 0 ? 1 : Math.exp(-Math.exp((Math.log(t) - predictor) / fit.scale))));
  });
};
