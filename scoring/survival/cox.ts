/**
 * Cox's proportional hazards regression (Cox 1972) for right-censored, left-truncated and stratified lifetimes, with Efron's or
 * Breslow's treatment of ties and an optional ridge.
 */
import { factorise, solve } from './cholesky.ts';
import {
  constantColumn,
  penaltyOn,
  pivotTolerance,
  readColumns,
  readRidge,
  standardise,
  type Columns,
  type Standardised,
} from './columns.ts';
import { coxDerivatives, type CoxDerivatives, type Ties } from './cox-likelihood.ts';
import { baselineOf, type Baseline } from './cox-baseline.ts';
import { separatingColumn } from './cox-separation.ts';
import { countPairs, tiedWithin } from './concordance.ts';
import { everyRow, readLifetimes, type Lifetimes, type StratumKey } from './lifetimes.ts';
import { factoriseForStep, invertPenalised } from './penalised-information.ts';
import { insufficientData, nonFinite, type Refusal } from './refusal.ts';
import { layOutRiskSets, type RiskSets } from './risk-sets.ts';

export interface CoxInput {
  time: readonly number[];
  event: readonly number[];
  /** Row-major, one row per time. */
  x: readonly (readonly number[])[];
  names: readonly string[];
  entry?: readonly number[] | null | undefined;
  strata?: readonly StratumKey[] | null | undefined;
  ties?: Ties | undefined;
  /** θ ≥ 0: θ/2·Σβ² is subtracted, on x's own units. */
  ridge?: number | undefined;
}

export interface CoxFit<B = Baseline | Baseline[]> {
  names: string[];
  coefficients: number[];
  /** From the inverse of the (penalised) observed information. */
  standardErrors: number[];
  /** Partial log-likelihood at the coefficients, without the penalty. */
  logLikelihood: number;
  /** Partial log-likelihood at coefficients of 0. */
  nullLogLikelihood: number;
  /** With a ridge only: logLikelihood − θ/2·Σβ². */
  penalizedLogLikelihood?: number;
  /** Harrell's, of the linear predictor; null when no two rows can be compared. */
  concordance: number | null;
  /** Mean of each column, where `cumulativeHazardAtMeans` holds. */
  means: number[];
  /** One; an array of them, in the order of the strata, when strata were given. */
  baseline: B;
  /** Newton steps. */
  iterations: number;
}

const mostIterations = 60;
/** A Newton decrement (twice the gain still to be had, in log-likelihood) at which the next step is exact to rounding. */
const converged = 1e-10;
/** Quadratic convergence shrinks the decrement faster than this; a maximum at infinity by e⁻¹ per step. */
const slow = 0.05;

interface Optimum {
  beta: Float64Array;
  derivatives: CoxDerivatives;
  nullLogLikelihood: number;
  iterations: number;
}

/** Newton–Raphson with step-halving from 0, on the standardised columns. */
const maximise = (
  sets: RiskSets,
  z: Float64Array,
  names: readonly string[],
  penalty: Float64Array,
  ties: Ties,
  isPenalised: boolean,
  atZero: CoxDerivatives,
): Optimum | Refusal => {
  const width = names.length;
  let beta = new Float64Array(width);
  let current = atZero;
  const nullLogLikelihood = current.logLikelihood;
  const objective = (at: Float64Array, logLikelihood: number): number =>
    at.reduce((sum, value, j) => sum - 0.5 * (penalty[j] as number) * value * value, logLikelihood);
  const separation = (directions: Float64Array[]): Refusal | null => {
    const column = isPenalised ? -1 : separatingColumn(sets, z, directions);
    return column < 0 ? null : { kind: 'separation', column: names[column] as string };
  };
  let before = Infinity;
  let iterations = 0;
  while (width > 0) {
    const slope = current.gradient.map((value, j) => value - (penalty[j] as number) * (beta[j] as number));
    const factor = factoriseForStep(current.information, penalty);
    if (factor === null) return separation([beta]) ?? { kind: 'no_convergence' };
    const step = solve(factor, slope);
    const decrement = step.reduce((sum, value, j) => sum + value * (slope[j] as number), 0);
    if (!Number.isFinite(decrement)) return separation([beta]) ?? { kind: 'no_convergence' };
    const isSlow = decrement > slow * before;
    if (isSlow && iterations >= 5) {
      const found = separation([step, beta]);
      if (found !== null) return found;
    }
    if (iterations >= mostIterations) {
      if (decrement <= converged && isPenalised) break;
      return separation([step, beta]) ?? { kind: 'no_convergence' };
    }
    before = decrement;
    const level = objective(beta, current.logLikelihood);
    const slack = 1e-13 * (1 + Math.abs(level));
    let length = 1;
    let nextBeta: typeof beta;
    let next: CoxDerivatives;
    do {
      const share = length;
      nextBeta = beta.map((value, k) => value + share * (step[k] as number));
      next = coxDerivatives(sets, z, nextBeta, ties);
      if (objective(nextBeta, next.logLikelihood) >= level - slack) break;
      length /= 2;
    } while (length >= 1e-10);
    // No step from here raises the likelihood: what the gradient still promises is rounding.
    if (length < 1e-10) {
      if (decrement > 1e-6) return { kind: 'no_convergence' };
      break;
    }
    iterations++;
    beta = nextBeta;
    current = next;
    // Flat to the last digit, held by next to no penalty: further steps would follow rounding.
    if (isPenalised && isSlow && decrement < 1e-6 && objective(beta, current.logLikelihood) - level <= 10 * slack)
      break;
    if (decrement <= converged && !(isSlow && decrement > 1e-24)) break;
  }
  return { beta, derivatives: current, nullLogLikelihood, iterations };
};

/** β·(x − means) of every row, also of those at risk at no failure, and the means: by way of standardised columns. */
const predictorOf = (
  lifetimes: Lifetimes,
  columns: Columns,
  sets: RiskSets,
  standardised: Standardised,
  coefficients: readonly number[],
): { predictor: Float64Array; means: number[] } => {
  const { count, strata } = lifetimes;
  const width = coefficients.length;
  const isWhole = sets.rows.length === count && strata.length === 1;
  const rows = isWhole ? sets.rows : everyRow(count);
  const { z, unit, centre } = isWhole ? standardised : standardise(columns, rows, new Int32Array(count), 1);
  const predictor = new Float64Array(count);
  for (let at = 0; at < count; at++) {
    let sum = 0;
    for (let j = 0; j < width; j++) {
      sum += (z[at * width + j] as number) * ((coefficients[j] as number) * (unit[j] as number));
    }
    predictor[rows[at] as number] = sum;
  }
  return { predictor, means: Array.from(centre) };
};

/**
 * Fits Cox's model by maximum (penalised) partial likelihood.
 * Coefficients are log hazard ratios per unit of x; times are days.
 * @returns the fit, or why the data refuse one: `no_events`, `non_finite`, `insufficient_data` (rows at risk at some failure
 * against columns + 1), `constant_column`, `collinear` (the first column that earlier ones determine), `separation` (the
 * column that leads the direction without a maximum), `no_convergence`. With a ridge above 0 constant and collinear columns
 * and separation have a finite answer and are fitted.
 * @throws RangeError when lengths differ, x is ragged, a time or the ridge is negative, an event is not 0 or 1, or an entry is
 * not before its time.
 */
export function fitCoxPh(input: CoxInput & { strata?: null | undefined }): CoxFit<Baseline> | Refusal;
export function fitCoxPh(input: CoxInput & { strata: readonly StratumKey[] }): CoxFit<Baseline[]> | Refusal;
export function fitCoxPh(input: CoxInput): CoxFit | Refusal;
export function fitCoxPh(input: CoxInput): CoxFit | Refusal {
  const ties = input.ties ?? 'efron';
  if (ties !== 'efron' && ties !== 'breslow')
    throw new RangeError(`ties must be efron or breslow, not ${String(ties)}`);
  const ridge = readRidge(input.ridge);
  const columns = readColumns(input.x, input.names, input.time.length);
  const lifetimes = readLifetimes(input);
  if ('kind' in lifetimes) return lifetimes;
  if ('kind' in columns) return columns;
  const { names, width } = columns;
  const need = ridge > 0 ? 1 : width + 1;
  if (lifetimes.count === 0) return insufficientData(0, need);
  if (lifetimes.eventCount === 0) return { kind: 'no_events', have: 0, need: 1 };
  if (lifetimes.count < need) return insufficientData(lifetimes.count, need);

  const strataCount = lifetimes.strata.length;
  const allRows = everyRow(lifetimes.count);
  const sets = layOutRiskSets(lifetimes);
  if (ridge === 0 && width > 0) {
    const constant = constantColumn(columns, allRows, lifetimes.stratum, strataCount);
    if (constant >= 0) return { kind: 'constant_column', column: names[constant] as string };
    if (sets.rows.length < need) return insufficientData(sets.rows.length, need);
    const constantAtRisk = constantColumn(columns, sets.rows, lifetimes.stratum, strataCount);
    if (constantAtRisk >= 0) return { kind: 'constant_column', column: names[constantAtRisk] as string };
  }

  const standardised = standardise(columns, sets.rows, lifetimes.stratum, strataCount);
  const { z, unit, centre } = standardised;
  const penalty = penaltyOn(unit, ridge);
  const atZero = coxDerivatives(sets, z, new Float64Array(width), ties);
  if (ridge === 0 && width > 0) {
    const { information } = atZero;
    const unvarying = unit.findIndex((_, j) => !((information[j * width + j] as number) > 1e-20));
    if (unvarying >= 0) return { kind: 'constant_column', column: names[unvarying] as string };
    const factor = factorise(information, width, pivotTolerance(standardised));
    if ('failedColumn' in factor) return { kind: 'collinear', column: names[factor.failedColumn] as string };
  }

  const optimum = maximise(sets, z, names, penalty, ties, ridge > 0, atZero);
  if ('kind' in optimum) return optimum;
  const covariance = invertPenalised(optimum.derivatives.information, penalty);
  if (covariance === null) return { kind: 'no_convergence' };
  const coefficients = Array.from(optimum.beta, (value, j) => value / (unit[j] as number));
  const standardErrors = Array.from(unit, (one, j) => Math.sqrt(covariance[j * width + j] as number) / one);
  const wild = coefficients.findIndex(
    (value, j) => !Number.isFinite(value + ridge * value * value) || !Number.isFinite(standardErrors[j]),
  );
  if (wild >= 0) return nonFinite(names[wild] as string);

  const { predictor, means } = predictorOf(lifetimes, columns, sets, standardised, coefficients);
  const pairs = countPairs(lifetimes, tiedWithin(predictor, 1e-12));
  const baselines = baselineOf(lifetimes, sets, optimum.derivatives.logHazard, coefficients, centre, means);
  const squares = coefficients.reduce((sum, value) => sum + value * value, 0);
  return {
    names: [...names],
    coefficients,
    standardErrors,
    logLikelihood: optimum.derivatives.logLikelihood,
    nullLogLikelihood: optimum.nullLogLikelihood,
    ...(ridge > 0 ? { penalizedLogLikelihood: optimum.derivatives.logLikelihood - (ridge / 2) * squares } : {}),
    concordance: pairs.comparable === 0 ? null : (pairs.concordant + pairs.tied / 2) / pairs.comparable,
    means,
    baseline: (input.strata ?? null) === null ? (baselines[0] as Baseline) : baselines,
    iterations: optimum.iterations,
  };
}
