/**
 * `node bench/trees-speed.ts`: how fast gradient-boosted trees learn, and how fast they score beside a bare loop over the
 * same typed arrays that does nothing but walk. Targets: at least 0.5 times the bare loop, at least 100,000 scores a second;
 * 20,000 rows of 24 columns learned in a few seconds. Times are processor time.
 */
import { fitGradientTrees } from '../scoring/trees/fit-gradient-trees.ts';
import { layRow, type CompiledTrees } from '../scoring/trees/flat-trees.ts';
import { predictTrees } from '../scoring/trees/predict.ts';
import { randomSource } from '../scoring/trees/random.ts';
import { compiledModel, type GradientTreesModel } from '../scoring/trees/tree-model.ts';
import { percentile } from './measurement.ts';

const rows = 20_000;
const columns = 24;
const repeats = 9;

/** What anyone would write by hand: row by row, tree by tree, step by step until a leaf. Rows are already laid out. */
const bareLoop = (trees: CompiledTrees, laid: Float64Array, base: number, sums: Float64Array): void => {
  const { roots, feature, threshold, left, value } = trees;
  const width = trees.columns * 2;
  for (let row = 0; row < sums.length; row += 1) {
    const offset = row * width;
    let sum = base;
    for (let tree = 0; tree < roots.length; tree += 1) {
      let node = roots[tree] as number;
      while (left[node] !== node) {
        node =
          (laid[offset + (feature[node] as number)] as number) > (threshold[node] as number)
            ? (left[node] as number) + 1
            : (left[node] as number);
      }
      sum += value[node] as number;
    }
    sums[row] = sum;
  }
};

/** Milliseconds of processor time so far: what others run on the machine does not count. */
const cpuMilliseconds = (): number => process.cpuUsage().user / 1000;

/** Median milliseconds of `work`, after two runs that warm it up. */
const measure = (work: () => void): number => {
  const samples: number[] = [];
  for (let run = -2; run < repeats; run += 1) {
    const start = cpuMilliseconds();
    work();
    if (run >= 0) samples.push(cpuMilliseconds() - start);
  }
  return percentile(samples, 0.5);
};

/** A line per size of model: learning, scoring, and the bare loop beside it. */
export const measureTreesSpeed = (): Record<string, string | number>[] => {
  const random = randomSource(1);
  const x = Array.from({ length: rows }, () => Array.from({ length: columns }, random.next));
  const y = x.map(
    ([a = 0, b = 0, c = 0, d = 0, e = 0]) =>
      10 * Math.sin(Math.PI * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e + random.next() - 0.5,
  );
  const table: Record<string, string | number>[] = [];
  for (const [rounds, depth] of [
    [300, 6],
    [100, 6],
    [100, 4],
  ] as const) {
    const start = cpuMilliseconds();
    const model = fitGradientTrees({
      x,
      y,
      loss: 'squared',
      names: Array.from({ length: columns }, (_, column) => `c${column}`),
      params: { rounds, depth, learningRate: 0.1, minLeaf: 20, bins: 255, subsample: 1, l2: 1 },
      seed: 1,
    }) as GradientTreesModel;
    const fitSeconds = (cpuMilliseconds() - start) / 1000;
    const trees = compiledModel(model);
    const laid = new Float64Array(rows * columns * 2);
    x.forEach((row, at) => layRow(row, 0, columns, laid, at * columns * 2));
    const sums = new Float64Array(rows);
    const bare = measure(() => bareLoop(trees, laid, model.base, sums));
    const ours = measure(() => predictTrees(model, x));
    if (predictTrees(model, x).some((score, row) => score !== sums[row])) throw new Error('the two loops disagree');
    table.push({
      trees: rounds,
      depth,
      'fit, CPU s': fitSeconds.toFixed(1),
      'model, kB': Math.round(JSON.stringify(model).length / 1000),
      'scores/s': Math.round((rows / ours) * 1000),
      'bare loop/s': Math.round((rows / bare) * 1000),
      'times the bare loop': (bare / ours).toFixed(2),
    });
  }
  return table;
};

if (import.meta.main) console.table(measureTreesSpeed());
