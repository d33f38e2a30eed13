/** Gradient boosting: rounds of trees on the derivatives of a loss, with subsampling and early stopping, seeded. */
import { binColumns, type BinnedColumns } from './binning.ts';
import { storeTree, type GrownTree } from './flat-trees.ts';
import { addTreeToRows, TreeGrower } from './grow-tree.ts';
import { derivatives, largestLogOddsStep, meanLoss, startScore, type Outcomes } from './losses.ts';
import { canonicalOrder, demandNames, infiniteCell, nonFiniteColumn, packRows } from './matrix.ts';
import { personPeriods } from './person-periods.ts';
import { randomSource, sampleInOrder, type RandomSource } from './random.ts';
import type { Refusal } from '../survival/refusal.ts';
import { demand } from './demand.ts';
import {
  demandParams,
  stoppingOf,
  treesFormat,
  type GradientTreesModel,
  type TreeFitInput,
  type TreeFitParams,
} from './tree-model.ts';

const rowsNeeded = 2;

/** Rows ready to boost. Units are what is sampled and held out together: rows, for hazards subjects. */
interface Sample {
  data: BinnedColumns;
  outcomes: Outcomes;
  /** Rows of unit u: from firstRow[u] to firstRow[u + 1]. */
  firstRow: Int32Array;
  /** Whether the unit is of class 1, to hold out the same share of both; null for squared loss. */
  isOne: ((unit: number) => boolean) | null;
  periodEnds: number[] | null;
}

const demandColumn = (values: readonly number[] | undefined, name: string, rows: number): readonly number[] => {
  demand(values !== undefined, `${name} is needed for this loss`);
  demand(values.length === rows, `${name} must have ${rows} entries, one per row of x`);
  demand(
    values.every((value) => typeof value === 'number'),
    `${name} must hold numbers only`,
  );
  return values;
};

const demandBinary = (values: readonly number[], name: string): void =>
  demand(
    values.every((value) => value === 0 || value === 1),
    `${name} must hold only 0 and 1`,
  );

/** The refusal of outcomes of a single class. */
export const oneClass = (values: readonly number[]): Refusal | null => {
  if (!values.includes(1)) return { kind: 'no_events' };
  if (!values.includes(0)) return { kind: 'insufficient_data', have: 0, need: 1 };
  return null;
};

const identity = (count: number): Int32Array => Int32Array.from({ length: count }, (_, at) => at);

const hazardSample = (input: TreeFitInput, data: Float64Array): Sample | Refusal => {
  const { x, names, params } = input;
  const time = demandColumn(input.time, 'time', x.length);
  const event = demandColumn(input.event, 'event', x.length);
  const entry = input.entry === undefined ? undefined : demandColumn(input.entry, 'entry', x.length);
  const refusal =
    nonFiniteColumn(time, 'time') ??
    nonFiniteColumn(event, 'event') ??
    (entry === undefined ? null : nonFiniteColumn(entry, 'entry'));
  if (refusal !== null) return refusal;
  demandBinary(event, 'event');
  demand(
    time.every((value) => value >= 0),
    'time must not be negative',
  );
  demand(
    entry === undefined || entry.every((value, row) => value < (time[row] as number)),
    'entry must lie before time',
  );
  if (x.length < rowsNeeded) return { kind: 'insufficient_data', have: x.length, need: rowsNeeded };
  if (!event.includes(1)) return { kind: 'no_events' };
  const order = canonicalOrder(
    data,
    names.length,
    x.length,
    entry === undefined ? [time, event] : [time, event, entry],
  );
  const expanded = personPeriods(time, event, entry, order, params.periods ?? 20);
  const bySubject = binColumns(data, names.length, order, params.bins);
  const periods = expanded.periodEnds.length;
  return {
    data: {
      bins: [
        ...bySubject.bins.map((bins) => Uint8Array.from(expanded.subject, (place) => bins[place] as number)),
        expanded.period,
      ],
      counts: [...bySubject.counts, periods],
      edges: [...bySubject.edges, Array.from({ length: periods - 1 }, (_, at) => at)],
    },
    outcomes: { y: expanded.event, weight: expanded.weight },
    firstRow: expanded.firstRow,
    isOne: (unit) => event[order[unit] as number] === 1,
    periodEnds: expanded.periodEnds,
  };
};

const plainSample = (input: TreeFitInput, data: Float64Array): Sample | Refusal => {
  const { x, names, params, loss } = input;
  const y = demandColumn(input.y, 'y', x.length);
  const refusal = nonFiniteColumn(y, 'y');
  if (refusal !== null) return refusal;
  if (loss === 'logistic') demandBinary(y, 'y');
  if (x.length < rowsNeeded) return { kind: 'insufficient_data', have: x.length, need: rowsNeeded };
  const single = loss === 'logistic' ? oneClass(y) : null;
  if (single !== null) return single;
  const order = canonicalOrder(data, names.length, x.length, [y]);
  const sorted = Float64Array.from(order, (row) => y[row] as number);
  return {
    data: binColumns(data, names.length, order, params.bins),
    outcomes: { y: sorted, weight: null },
    firstRow: identity(order.length + 1),
    isOne: loss === 'logistic' ? (unit) => sorted[unit] === 1 : null,
    periodEnds: null,
  };
};

const rowsOf = (units: Int32Array, firstRow: Int32Array): Int32Array => {
  let count = 0;
  for (const unit of units) count += (firstRow[unit + 1] as number) - (firstRow[unit] as number);
  const rows = new Int32Array(count);
  let at = 0;
  for (const unit of units) {
    for (let row = firstRow[unit] as number; row < (firstRow[unit + 1] as number); row += 1) {
      rows[at] = row;
      at += 1;
    }
  }
  return rows;
};

/** Units not in `taken` (ascending). */
const withoutUnits = (total: number, taken: Int32Array): Int32Array => {
  const marks = new Uint8Array(total);
  for (const unit of taken) marks[unit] = 1;
  return identity(total).filter((unit) => marks[unit] === 0);
};

/** Draws the held-out units: the same share of both classes where there are classes. */
const heldOut = (sample: Sample, fraction: number, random: RandomSource): Int32Array => {
  const units = identity(sample.firstRow.length - 1);
  const { isOne } = sample;
  const groups = isOne === null ? [units] : [units.filter((unit) => isOne(unit)), units.filter((unit) => !isOne(unit))];
  const drawn = groups.flatMap((group) => {
    const count = Math.min(group.length - 1, Math.max(1, Math.round(group.length * fraction)));
    return count < 1 ? [] : [...sampleInOrder(group.length, count, random)].map((at) => group[at] as number);
  });
  return Int32Array.from(drawn).sort();
};

/** Boosts until the rounds are done or the held-out loss stops falling; returns the trees that are kept. */
const boost = (
  input: TreeFitInput,
  sample: Sample,
  params: TreeFitParams,
): { base: number; trees: GrownTree[]; importance: Float64Array } => {
  const { data, outcomes, firstRow } = sample;
  const { loss } = input;
  const random = randomSource(input.seed);
  const total = outcomes.y.length;
  const stopping = stoppingOf(params);
  const held = stopping === null ? new Int32Array(0) : heldOut(sample, stopping.fraction, random);
  const heldRows = rowsOf(held, firstRow);
  const trainUnits = withoutUnits(firstRow.length - 1, held);
  const trainRows = rowsOf(trainUnits, firstRow);
  const base = startScore(loss, outcomes, trainRows);
  const scores = new Float64Array(total).fill(base);
  const gradient = new Float64Array(total);
  const hessian = loss === 'squared' ? null : new Float64Array(total);
  const monotone = new Int8Array(data.counts.length);
  if (params.monotone !== undefined) monotone.set(params.monotone);
  const limit = loss === 'squared' ? Infinity : largestLogOddsStep;
  const grower = new TreeGrower({
    data,
    params: { depth: params.depth, learningRate: params.learningRate, columnSample: params.columnSample ?? 1 },
    rules: {
      minLeaf: params.minLeaf,
      l2: params.l2,
      monotone,
      unitHessian: hessian === null,
      // Below this share of the first loss a gain is rounding.
      minGain: 1e-12 * meanLoss(loss, outcomes, scores, trainRows) * trainRows.length,
      lowest: -limit,
      highest: limit,
    },
    gradient,
    hessian,
    scores,
    random,
  });
  const trees: GrownTree[] = [];
  let best = heldRows.length > 0 ? meanLoss(loss, outcomes, scores, heldRows) : Infinity;
  let kept = 0;
  for (let round = 0; round < params.rounds; round += 1) {
    derivatives(loss, outcomes, scores, gradient, hessian);
    const isWhole = params.subsample === 1;
    const units = isWhole
      ? trainUnits
      : sampleInOrder(trainUnits.length, Math.max(1, Math.round(trainUnits.length * params.subsample)), random).map(
          (at) => trainUnits[at] as number,
        );
    const grown = isWhole ? trainRows : rowsOf(units, firstRow);
    const tree = grower.grow(grown);
    trees.push(tree);
    if (!isWhole) addTreeToRows(tree, data, withoutRows(trainRows, grown, total), scores);
    if (heldRows.length === 0) {
      kept = trees.length;
      // Whole data that found no split will find none again.
      if (isWhole && tree.nodes.length === 1 && (params.columnSample ?? 1) === 1) break;
      continue;
    }
    addTreeToRows(tree, data, heldRows, scores);
    const now = meanLoss(loss, outcomes, scores, heldRows);
    if (now < best) {
      best = now;
      kept = trees.length;
    }
    if (stopping !== null && trees.length - kept >= stopping.patience) break;
  }
  return { base, trees: trees.slice(0, kept), importance: grower.importance };
};

const withoutRows = (rows: Int32Array, taken: Int32Array, total: number): Int32Array => {
  const marks = new Uint8Array(total);
  for (const row of taken) marks[row] = 1;
  return rows.filter((row) => marks[row] === 0);
};

/**
 * Fits gradient-boosted trees. `squared` predicts y, `logistic` the chance of y = 1, `hazard` survival over `time` with
 * `event` 1 = failed, 0 = censored (and `entry`, if subjects came under observation late).
 *
 * NaN in x is a missing value: every split learns where it goes. The order of the rows changes nothing, and neither does a
 * strictly increasing change of a column's scale: thresholds are values that were seen. The same input and seed give
 * the same bytes. With early stopping the held-out part is not learned from.
 *
 * Data that carries no model answers a tag: no_events (all outcomes 0), insufficient_data (fewer than two rows, or all
 * outcomes 1), non_finite (an infinity in x; NaN or an infinity in a target). Mistakes in the call are RangeErrors.
 */
export const fitGradientTrees = (input: TreeFitInput): GradientTreesModel | Refusal => {
  const { x, names, loss, params } = input;
  demand(loss === 'squared' || loss === 'logistic' || loss === 'hazard', 'loss must be squared, logistic or hazard');
  demandNames(names, x);
  demandParams(params, names.length);
  demand(Number.isSafeInteger(input.seed), 'seed must be a whole number');
  const data = packRows(x, names.length);
  const sample = loss === 'hazard' ? hazardSample(input, data) : plainSample(input, data);
  if ('kind' in sample) return sample;
  const infinite = infiniteCell(data, names);
  if (infinite !== null) return infinite;
  // A power of two changes no digit and keeps sums of squares of huge targets finite.
  const scale = loss === 'squared' ? scaleOf(sample.outcomes.y) : 1;
  for (let row = 0; row < sample.outcomes.y.length; row += 1) {
    sample.outcomes.y[row] = (sample.outcomes.y[row] as number) / scale;
  }
  const { base, trees, importance } = boost(input, sample, params);
  const model: GradientTreesModel = {
    format: treesFormat,
    loss,
    names: [...names],
    base: base * scale,
    sizes: [],
    nodes: [],
    values: [],
    edges: sample.data.edges,
    ...(sample.periodEnds === null ? {} : { periodEnds: sample.periodEnds }),
    importance: shares(importance),
  };
  for (const tree of trees) {
    storeTree(model, { ...tree, values: tree.values.map((v, at) => (tree.nodes[at] === -1 ? v * scale : v)) });
  }
  return model;
};

/** The power of two at or above the largest size. */
const scaleOf = (values: Float64Array): number => {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest === 0 ? 1 : 2 ** Math.min(1023, Math.max(-1000, Math.ceil(Math.log2(largest))));
};

const shares = (gains: Float64Array): number[] => {
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  return [...gains].map((gain) => (total > 0 ? Number((gain / total).toPrecision(6)) : 0));
};
