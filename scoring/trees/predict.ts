/** Predictions of gradient-boosted trees. */
import { layRow, sumTrees } from './flat-trees.ts';
import { logistic } from './losses.ts';
import type { Rows } from './matrix.ts';
import { demand } from './demand.ts';
import { compiledModel, type GradientTreesModel } from './tree-model.ts';

/** A hazard is never quite one: some survive anything, and the logarithm of survival stays finite. */
const highestHazard = 1 - 1e-12;

const finite = (value: number): number => Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, value));

const demandRow = (x: Rows, index: number, columns: number): readonly number[] => {
  const row = x[index];
  demand(Array.isArray(row) && row.length === columns, `row ${index} of x must have ${columns} columns`);
  return row as readonly number[];
};

/** Log-hazards of survival per period, row after row: −ln(1 − hazard), summed up to the period's end. */
const cumulativeHazards = (model: GradientTreesModel, x: Rows, periods: number): Float64Array => {
  const trees = compiledModel(model);
  const columns = model.names.length;
  const values = new Float64Array(columns + 1);
  const sums = sumTrees(trees, x.length * periods, model.base, (index, block, at) => {
    const period = index % periods;
    if (period === 0) values.set(demandRow(x, index / periods, columns));
    values[columns] = period;
    layRow(values, 0, columns + 1, block, at);
  });
  for (let at = 0; at < sums.length; at += 1) {
    const step = -Math.log1p(-Math.min(logistic(sums[at] as number), highestHazard));
    sums[at] = step + (at % periods === 0 ? 0 : (sums[at - 1] as number));
  }
  return sums;
};

/**
 * One number per row of x (columns as `names` of the fit; NaN = missing; an infinite value counts as the largest
 * number): the expected y, the chance of y = 1, or for hazards the cumulative hazard −ln S at the last event time seen,
 * which ranks rows by risk.
 */
export const predictTrees = (model: GradientTreesModel, x: Rows): number[] => {
  const trees = compiledModel(model);
  if (model.loss === 'hazard') {
    const periods = model.periodEnds?.length ?? 0;
    const hazards = cumulativeHazards(model, x, periods);
    return x.map((_, row) => hazards[(row + 1) * periods - 1] as number);
  }
  const columns = model.names.length;
  const sums = sumTrees(trees, x.length, model.base, (index, block, at) =>
    layRow(demandRow(x, index, columns), 0, columns, block, at),
  );
  return Array.from(sums, model.loss === 'logistic' ? logistic : finite);
};

/**
 * Survival S(t) per row of x and per time (days, any order), from a hazard model: 1 at 0, never rising, at the ends of
 * periods the product of (1 − hazard), between them at the period's constant rate. Past the last event time seen
 * nothing is known and the curve stays where it is.
 */
export const predictSurvival = (model: GradientTreesModel, x: Rows, times: readonly number[]): number[][] => {
  demand(model.loss === 'hazard' && model.periodEnds !== undefined, 'predictSurvival needs a model of loss hazard');
  demand(
    times.every((time) => Number.isFinite(time) && time >= 0),
    'times must be numbers of at least 0',
  );
  const ends = model.periodEnds;
  const last = times.reduce((latest, time) => Math.max(latest, time), 0);
  // Periods that begin after the last asked time do not matter.
  const begun = ends.findIndex((end) => end >= last);
  const periods = begun === -1 ? ends.length : begun + 1;
  const hazards = cumulativeHazards(model, x, periods);
  const places = times.map((time) => {
    const period = ends.findIndex((end) => time < end);
    if (period === -1) return { period: ends.length, share: 0 };
    const start = period === 0 ? 0 : (ends[period - 1] as number);
    return { period, share: (time - start) / ((ends[period] as number) - start) };
  });
  return x.map((_, row) => {
    const upTo = (period: number): number => (period === 0 ? 0 : (hazards[row * periods + period - 1] as number));
    return places.map(({ period, share }) => {
      const before = upTo(period);
      return Math.exp(-(share === 0 ? before : before + share * (upTo(period + 1) - before)));
    });
  });
};
