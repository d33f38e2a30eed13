/**
 * Why a truck's hazard differs from the typical truck's: Shapley values (Shapley 1953; Lundberg & Lee 2017) of the features
 * against one reference row.
 *
 * The trees' log-odds of a period are a sum over trees, and Shapley values of a sum are sums; within one tree only the
 * features on paths where the truck and the reference part company matter. So the exact values over all features come
 * from one walk per tree that splits only where the two disagree ("interventional" TreeSHAP, Lundberg et al. 2020),
 * instead of 2ⁿ evaluations. The hazard within a horizon is looked at in three instants of it, each weighted by the hazard
 * rate that the truck has then; the correction, linear in the log of the hazard, adds its own terms.
 */
import type { SurvivalModel } from '#contracts/scoring-models';
import { deviationsOf } from '../forecast/correction.ts';
import { layRow, type CompiledTrees } from '../trees/flat-trees.ts';
import { logistic } from '../trees/losses.ts';
import { compiledModel } from '../trees/tree-model.ts';

const deepest = 32;
const factorials: number[] = [1];
for (let n = 1; n <= deepest; n += 1) factorials.push((factorials[n - 1] as number) * n);
/** s! · r! / (s + r + 1)!: the share of orders in which a feature joins after `s` given ones and before `r` others. */
const orderShare = (s: number, r: number): number =>
  ((factorials[s] as number) * (factorials[r] as number)) / (factorials[s + r + 1] as number);

const undecided = 0;
const asTruck = 1;
const asReference = 2;

class Walk {
  /** Whose value each feature has on the path walked. */
  private readonly side: Uint8Array;
  private readonly taken: number[] = [];
  private truckCount = 0;
  private readonly trees: CompiledTrees;
  private readonly truck: Float64Array;
  private readonly reference: Float64Array;

  constructor(trees: CompiledTrees, truck: Float64Array, reference: Float64Array) {
    this.trees = trees;
    this.truck = truck;
    this.reference = reference;
    this.side = new Uint8Array(trees.columns);
  }

  private leaf(value: number, values: Float64Array): void {
    const s = this.truckCount;
    const r = this.taken.length - s;
    const gain = s > 0 ? value * orderShare(s - 1, r) : 0;
    const loss = r > 0 ? value * orderShare(s, r - 1) : 0;
    for (const feature of this.taken) {
      values[feature] = (values[feature] as number) + (this.side[feature] === asTruck ? gain : -loss);
    }
  }

  private take(feature: number, side: number, node: number, values: Float64Array): void {
    this.side[feature] = side;
    this.taken.push(feature);
    if (side === asTruck) this.truckCount += 1;
    this.node(node, values);
    if (side === asTruck) this.truckCount -= 1;
    this.taken.pop();
    this.side[feature] = undecided;
  }

  /** Adds the Shapley values of the tree below `node`. */
  node(node: number, values: Float64Array): void {
    const { feature, threshold, left, value, columns } = this.trees;
    const child = left[node] as number;
    if (child === node) {
      if (this.taken.length > 0) this.leaf(value[node] as number, values);
      return;
    }
    const place = feature[node] as number;
    const cut = threshold[node] as number;
    const truckChild = child + Number((this.truck[place] as number) > cut);
    const referenceChild = child + Number((this.reference[place] as number) > cut);
    const column = place % columns;
    const side = this.side[column];
    if (truckChild === referenceChild || side === asTruck) this.node(truckChild, values);
    else if (side === asReference) this.node(referenceChild, values);
    else {
      this.take(column, asTruck, truckChild, values);
      this.take(column, asReference, referenceChild, values);
    }
  }

  /** The truck's own leaf. */
  leafOfTruck(root: number): number {
    const { feature, threshold, left, value } = this.trees;
    let node = root;
    for (let child = left[node] as number; child !== node; child = left[node] as number) {
      node = child + Number((this.truck[feature[node] as number] as number) > (threshold[node] as number));
    }
    return value[node] as number;
  }
}

const laidOut = (row: readonly number[], columns: number): Float64Array => {
  const block = new Float64Array(columns * 2);
  layRow([...row, 0], 0, columns, block, 0);
  return block;
};

/** Instants looked at, as shares of the horizon: the middles of its thirds. */
const instants = [1 / 6, 1 / 2, 5 / 6] as const;

/** The periods that hold the instants, each with how many it holds per day of its length. */
const periodsWithin = (ends: readonly number[], horizonDays: number): { period: number; density: number }[] => {
  const counts = new Map<number, number>();
  for (const share of instants) {
    const found = ends.findIndex((end) => end > share * horizonDays);
    const period = found === -1 ? ends.length - 1 : found;
    counts.set(period, (counts.get(period) ?? 0) + 1);
  }
  return [...counts].map(([period, count]) => {
    const days = (ends[period] as number) - (period === 0 ? 0 : (ends[period - 1] as number));
    return { period, density: days > 0 ? count / days : count };
  });
};

const addCorrection = (
  model: SurvivalModel,
  x: readonly number[],
  reference: readonly number[],
  values: number[],
): void => {
  const { correction } = model;
  if (correction === null) return;
  correction.names.forEach((name, at) => {
    const column = model.trees.names.indexOf(name);
    const scale = correction.scales[at] as number;
    const center = correction.centers[at] as number;
    const apart = deviationsOf(x[column], center, scale) - deviationsOf(reference[column], center, scale);
    const term = (correction.coefficients[at] as number) * apart;
    if (column >= 0 && Number.isFinite(term)) values[column] = (values[column] as number) + term;
  });
};

interface TreeRoots {
  /** Trees that do not ask for the period: the same in every one. */
  steady: number[];
  changing: number[];
}

const rootsOfModel = new WeakMap<CompiledTrees, TreeRoots>();

const splitRoots = (trees: CompiledTrees): TreeRoots => {
  const known = rootsOfModel.get(trees);
  if (known !== undefined) return known;
  const split: TreeRoots = { steady: [], changing: [] };
  trees.roots.forEach((root, tree) => {
    const end = trees.roots[tree + 1] ?? trees.feature.length;
    let asksPeriod = false;
    for (let node = root; node < end; node += 1) {
      const isInner = trees.left[node] !== node;
      asksPeriod ||= isInner && (trees.feature[node] as number) % trees.columns === trees.columns - 1;
    }
    (asksPeriod ? split.changing : split.steady).push(root);
  });
  rootsOfModel.set(trees, split);
  return split;
};

/** Adds the Shapley values of the trees at `roots` to `values`; answers what those trees say of the truck. */
const addTrees = (walk: Walk, roots: readonly number[], values: Float64Array): number => {
  let said = 0;
  for (const root of roots) {
    walk.node(root, values);
    said += walk.leafOfTruck(root);
  }
  return said;
};

/**
 * Per column of the model the part of the truck's log-hazard within `horizonDays` that its value is responsible for,
 * against `reference` (NaN unknown in both). Without a correction and with a single period the values sum to the
 * difference of the two log-odds.
 */
export const attributeHazard = (
  model: SurvivalModel,
  x: readonly number[],
  reference: readonly number[],
  horizonDays: number,
): number[] => {
  const trees = compiledModel(model.trees);
  const { columns } = trees;
  const truck = laidOut(x, columns);
  const other = laidOut(reference, columns);
  const walk = new Walk(trees, truck, other);
  const { steady, changing } = splitRoots(trees);
  const always = new Float64Array(columns);
  const said = model.trees.base + addTrees(walk, steady, always);
  const varying = new Float64Array(columns);
  let totalWeight = 0;
  for (const { period, density } of periodsWithin(model.trees.periodEnds, horizonDays)) {
    for (const row of [truck, other]) {
      row[columns - 1] = period;
      row[2 * columns - 1] = period;
    }
    const here = new Float64Array(columns);
    const weight = density * logistic(said + addTrees(walk, changing, here));
    totalWeight += weight;
    for (let column = 0; column < columns; column += 1) {
      varying[column] = (varying[column] as number) + weight * (here[column] as number);
    }
  }
  const values = x.map(
    (_, column) => (always[column] as number) + (totalWeight > 0 ? (varying[column] as number) / totalWeight : 0),
  );
  addCorrection(model, x, reference, values);
  return values;
};
