/** The stored model of gradient-boosted trees, what a caller may ask of a fit, and the checks of both. */
import { maxBins } from './binning.ts';
import { compileTrees, type CompiledTrees, type StoredTrees } from './flat-trees.ts';
import type { Loss } from './losses.ts';
import type { Rows } from './matrix.ts';
import { demand, demandInteger, demandNumber } from './demand.ts';

export const treesFormat = 'gradient-trees-1';

/** Plain JSON. Treat it as frozen: what is walked is laid out once per object and kept. */
export interface GradientTreesModel extends StoredTrees {
  format: typeof treesFormat;
  loss: Loss;
  names: string[];
  /** Score before the first tree: a mean or log-odds. */
  base: number;
  /** Per column the inner upper edges of its bins; a node's value is the place of its threshold here. */
  edges: number[][];
  /** Hazard only: ends of the periods, in days. The period number is then one more column, after the named ones. */
  periodEnds?: number[];
  /** Share of the total gain per named column (and period, last); all zero when nothing was learned. */
  importance: number[];
}

export interface TreeFitParams {
  /** Trees at most. */
  rounds: number;
  /** Splits between root and leaf at most, 1–12. */
  depth: number;
  learningRate: number;
  /** Rows (for hazards person-periods) a leaf holds at least. */
  minLeaf: number;
  /** Histogram bins per column, 2–255. */
  bins: number;
  /** Share of rows (for hazards subjects) each tree sees, drawn without replacement. */
  subsample: number;
  /** Ridge on leaf weights. */
  l2: number;
  /** Per column −1 (never rises), 0, 1 (never falls) as the column rises; for hazards that is the hazard. */
  monotone?: readonly (-1 | 0 | 1)[] | undefined;
  /** Stops when `patience` rounds in a row do not lower the loss of a held-out `fraction` (0.2); a number is the patience. */
  earlyStopping?: number | { patience: number; fraction?: number } | undefined;
  /** Share of columns each tree sees; 1 unless given. */
  columnSample?: number | undefined;
  /** Hazard only: periods at most, 20 unless given. */
  periods?: number | undefined;
}

export interface TreeFitInput {
  x: Rows;
  y?: readonly number[] | undefined;
  time?: readonly number[] | undefined;
  event?: readonly number[] | undefined;
  /** Hazard only: when a subject came under observation, before its `time`. */
  entry?: readonly number[] | undefined;
  loss: Loss;
  names: readonly string[];
  params: TreeFitParams;
  seed: number;
}

/** Early stopping with its defaults, null when not asked for. */
export const stoppingOf = (params: TreeFitParams): { patience: number; fraction: number } | null => {
  const given = params.earlyStopping;
  if (given === undefined) return null;
  const { patience, fraction = 0.2 } = typeof given === 'number' ? { patience: given } : given;
  demandInteger('earlyStopping.patience', patience, 1, 100_000);
  demand(fraction > 0 && fraction < 1, 'earlyStopping.fraction must lie between 0 and 1');
  return { patience, fraction };
};

/** Throws the RangeErrors of a fit's parameters. */
export const demandParams = (params: TreeFitParams, columns: number): void => {
  demandInteger('rounds', params.rounds, 1, 100_000);
  demandInteger('depth', params.depth, 1, 12);
  demandNumber('learningRate', params.learningRate, Number.MIN_VALUE, 1);
  demandInteger('minLeaf', params.minLeaf, 1, 1e9);
  demandInteger('bins', params.bins, 2, maxBins);
  demandNumber('subsample', params.subsample, Number.MIN_VALUE, 1);
  demandNumber('l2', params.l2, 0, 1e12);
  demandNumber('columnSample', params.columnSample ?? 1, Number.MIN_VALUE, 1);
  demandInteger('periods', params.periods ?? 20, 1, maxBins);
  const { monotone } = params;
  if (monotone !== undefined) {
    demand(monotone.length === columns, `monotone must have ${columns} entries, one per column`);
    demand(
      monotone.every((sign) => sign === -1 || sign === 0 || sign === 1),
      'monotone must hold only -1, 0 and 1',
    );
  }
  stoppingOf(params);
};

const compiled = new WeakMap<GradientTreesModel, CompiledTrees>();

/** The model laid out for walking. Throws a RangeError for an artefact that is not one of ours or is damaged. */
export const compiledModel = (model: GradientTreesModel): CompiledTrees => {
  const known = compiled.get(model);
  if (known !== undefined) return known;
  demand(model.format === treesFormat, `model: format must be ${treesFormat}`);
  demand(Number.isFinite(model.base), 'model: base is not a finite number');
  const columns = model.names.length + (model.loss === 'hazard' ? 1 : 0);
  demand(model.edges.length === columns, 'model: edges do not fit its columns');
  const trees = compileTrees(model, columns, (column, bin) => {
    const edges = model.edges[column] as number[];
    demand(Number.isInteger(bin) && bin >= 0 && bin <= edges.length, 'model: a node names no edge');
    // Past the last edge only missing values go right.
    return bin === edges.length ? Number.MAX_VALUE : (edges[bin] as number);
  });
  compiled.set(model, trees);
  return trees;
};
