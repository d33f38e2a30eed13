/**
 * `node bench/survival-sets.ts`: the public survival sets of ../shared/data, out of sample: every row is predicted by a fit
 * that has not seen it (ten folds). Kaplan–Meier, which says the same of everybody, is the trivial baseline.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  concordance,
  fitCoxPh,
  fitGradientTrees,
  fitWeibullAft,
  integratedBrier,
  isRefusal,
  kaplanMeier,
  predictCoxSurvival,
  predictSurvival,
  predictWeibullSurvival,
  type GradientTreesModel,
} from '../scoring/index.ts';

const folder = join(import.meta.dirname, '../../shared/data/survival');
const folds = 10;

interface SurvivalSet {
  time: number[];
  event: number[];
  x: number[][];
  names: string[];
}

const answered = <T extends object>(answer: T): Exclude<T, { kind: string }> => {
  if (isRefusal(answer)) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer as Exclude<T, { kind: string }>;
};

/** Survival per asked row and time. */
type Forecast = (train: SurvivalSet, x: number[][], times: number[]) => number[][];

const forecasts: Readonly<Record<string, Forecast>> = {
  'Kaplan–Meier (trivial)': (train, x, times) => {
    const curve = answered(kaplanMeier(train));
    const at = (t: number): number => curve.survival[curve.time.findLastIndex((value) => value <= t)] ?? 1;
    return x.map(() => times.map(at));
  },
  'Cox, ridge 1': (train, x, times) => {
    const fit = answered(fitCoxPh({ ...train, ridge: 1 }));
    return predictCoxSurvival(fit, fit.baseline, x, times);
  },
  'Weibull, ridge 1': (train, x, times) =>
    predictWeibullSurvival(answered(fitWeibullAft({ ...train, ridge: 1 })), x, times),
  'our trees, depth 2': (train, x, times) =>
    predictSurvival(
      answered(
        fitGradientTrees({
          ...train,
          loss: 'hazard',
          params: {
            rounds: 60,
            depth: 2,
            learningRate: 0.05,
            minLeaf: 60,
            bins: 16,
            subsample: 0.7,
            l2: 10,
            periods: 8,
          },
          seed: 1,
        }),
      ) as GradientTreesModel,
      x,
      times,
    ),
};

/** The Rossi set: 432 released convicts over 52 weeks; weeks stand for days here. */
const readRossi = (): SurvivalSet => {
  const rows = readFileSync(join(folder, 'rossi.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map(Number));
  return {
    time: rows.map(([week = 0]) => week),
    event: rows.map(([, arrest = 0]) => arrest),
    x: rows.map((cells) => cells.slice(2)),
    names: ['fin', 'age', 'race', 'wexp', 'mar', 'paro', 'prio'],
  };
};

/** A line per method; null when the data are not there. */
export const measureSurvivalSets = (): Record<string, string>[] | null => {
  if (!existsSync(join(folder, 'rossi.csv'))) return null;
  const set = readRossi();
  const times = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50];
  const { time, event } = set;
  const rowsWhere = (keep: (row: number) => boolean): SurvivalSet => ({
    time: time.filter((_, row) => keep(row)),
    event: event.filter((_, row) => keep(row)),
    x: set.x.filter((_, row) => keep(row)),
    names: set.names,
  });
  return Object.entries(forecasts).map(([method, forecast]) => {
    const survivalAt: number[][] = [];
    for (let fold = 0; fold < folds; fold += 1) {
      // The file is not in random order: every tenth row, not a block.
      const asked = time.flatMap((_, row) => (row % folds === fold ? [row] : []));
      const train = rowsWhere((row) => row % folds !== fold);
      const curves = forecast(
        train,
        asked.map((row) => set.x[row] as number[]),
        times,
      );
      asked.forEach((row, place) => (survivalAt[row] = curves[place] as number[]));
    }
    const risk = survivalAt.map((curve) => -(curve.at(-1) as number));
    const c = concordance({ time, event, risk });
    const brier = integratedBrier({ trainTime: time, trainEvent: event, time, event, times, survivalAt });
    const say = (value: unknown): string => (typeof value === 'number' ? value.toFixed(4) : '–');
    return {
      set: 'Rossi (432 rows, 114 events)',
      method,
      'C, out of sample': method.startsWith('Kaplan') ? '0.5 by definition' : say(c),
      'integrated Brier, out of sample': say(brier),
    };
  });
};

if (import.meta.main) {
  const lines = measureSurvivalSets();
  if (lines === null) console.log(`No survival sets at ${folder}: skipped.`);
  else console.table(lines);
}
