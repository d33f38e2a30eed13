/**
 * `node bench/azure-lifetimes.ts`: component lifetimes of the public Azure predictive-maintenance set, learned on machines
 * 1–70 and judged on 71–100 by concordance within components. A lifetime runs from one replacement of a component to the
 * next; it ends in a failure or is censored by a planned replacement. Only what is known on the day a lifetime starts is
 * used. Which method answers is chosen by cross-validation over the training machines; the test machines are looked at once.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  concordance,
  fitCoxPh,
  fitGradientTrees,
  fitWeibullAft,
  isRefusal,
  predictTrees,
  type GradientTreesModel,
} from '../scoring/index.ts';

const folder = join(import.meta.dirname, '../../shared/data/azure-pdm');
const dayMs = 86_400_000;
const components = ['comp1', 'comp2', 'comp3', 'comp4'] as const;
const errorKinds = ['error1', 'error2', 'error3', 'error4', 'error5'] as const;
const models = ['model1', 'model2', 'model3'] as const;

const readCsv = (name: string): string[][] =>
  readFileSync(join(folder, name), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replaceAll('"', '').split(','));
const dayOf = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`) / dayMs;

export interface Lifetime {
  machine: number;
  component: (typeof components)[number];
  /** Days. */
  time: number;
  event: 0 | 1;
  x: number[];
}

/** Names of `x`, and what each says. */
export const lifetimeFeatures = [
  ['model1', 'the machine is of model 1'],
  ['model2', 'the machine is of model 2'],
  ['model3', 'the machine is of model 3'],
  ['age', 'years of the machine'],
  ['replacedAfterFailure', 'this component was replaced because it had failed'],
  ['previousDays', 'days the component before it lasted'],
  ['failuresOfComponent', 'failures of this component so far, per 100 days of record'],
  ['failuresOfOthers', 'failures of the other components so far, per 100 days of record'],
  ['replacementsOfComponent', 'replacements of this component so far, per 100 days of record'],
  ['othersReplacedToday', 'other components replaced on the same day'],
  ['oldestOther', 'days since the least recently replaced other component was replaced'],
  ['newestOther', 'days since the most recently replaced other component was replaced'],
  ['errors30Days', 'errors of any kind in the 30 days before'],
  ...errorKinds.map((kind) => [`${kind}Rate`, `${kind} so far, per 100 days of record`] as const),
] as const;
const featureNames = lifetimeFeatures.map(([name]) => name);

/** Error records begin here; a lifetime that starts earlier knows none (missing, not zero). */
const errorsFromDay = Date.UTC(2015, 0, 1) / dayMs;

/** All lifetimes with their features, in the order machine, component, start. */
export const readLifetimes = (): Lifetime[] => {
  const machines = new Map(
    readCsv('PdM_machines.csv').map(([id, model, age]) => [Number(id), { model, age: Number(age) }]),
  );
  const timeline = <T extends string>(name: string): Map<number, { day: number; what: T }[]> =>
    Map.groupBy(
      readCsv(name).map(([at = '', id, what = '']) => ({ machine: Number(id), day: dayOf(at), what: what as T })),
      ({ machine }) => machine,
    );
  const replacements = timeline<Lifetime['component']>('PdM_maint.csv');
  const failures = timeline<Lifetime['component']>('PdM_failures.csv');
  const errors = timeline<(typeof errorKinds)[number]>('PdM_errors.csv');
  const lastDay = Math.max(...[...replacements.values(), ...errors.values()].flat().map(({ day }) => day));
  const firstDay = Math.min(...[...replacements.values()].flat().map(({ day }) => day));
  const lifetimes: Lifetime[] = [];
  for (const [machine, { model, age }] of machines) {
    const replaced = replacements.get(machine) ?? [];
    const failed = failures.get(machine) ?? [];
    const erred = errors.get(machine) ?? [];
    // A failure is recorded at the instant of the replacement that mends it; to the minute they may differ by a day's shift.
    const hasFailed = (component: string, day: number): boolean =>
      failed.some((failure) => failure.what === component && Math.abs(failure.day - day) < 0.5);
    for (const component of components) {
      const days = [...new Set(replaced.filter(({ what }) => what === component).map(({ day }) => day))].sort(
        (a, b) => a - b,
      );
      days.forEach((start, place) => {
        const next = days[place + 1];
        const recordDays = Math.max(30, start - firstDay);
        const errorDays = start - errorsFromDay;
        const per100 = (count: number, span: number): number => (100 * count) / span;
        const before = <T>(events: readonly { day: number; what: T }[]) => events.filter(({ day }) => day <= start);
        const sinceOthers = components
          .filter((other) => other !== component)
          .map(
            (other) =>
              start -
              Math.max(
                firstDay,
                ...before(replaced)
                  .filter(({ what }) => what === other)
                  .map(({ day }) => day),
              ),
          );
        const failuresBefore = before(failed);
        const own = failuresBefore.filter(({ what }) => what === component).length;
        lifetimes.push({
          machine,
          component,
          time: (next ?? lastDay) - start,
          event: next !== undefined && hasFailed(component, next) ? 1 : 0,
          x: [
            ...models.map((name) => Number(model === name)),
            age,
            Number(hasFailed(component, start)),
            place === 0 ? Number.NaN : start - (days[place - 1] as number),
            per100(own, recordDays),
            per100(failuresBefore.length - own, recordDays),
            per100(place, recordDays),
            sinceOthers.filter((since) => since < 0.5).length,
            Math.max(...sinceOthers),
            Math.min(...sinceOthers),
            errorDays < 30 ? Number.NaN : before(erred).filter(({ day }) => day > start - 30).length,
            ...errorKinds.map((kind) =>
              errorDays < 30 ? Number.NaN : per100(before(erred).filter(({ what }) => what === kind).length, errorDays),
            ),
          ],
        });
      });
    }
  }
  return lifetimes.filter(({ time }) => time > 0);
};

/** Risk per asked lifetime: larger fails sooner. Comparable within a component. */
type Method = (train: readonly Lifetime[], asked: readonly Lifetime[]) => number[];

const columnsOf = (lifetimes: readonly Lifetime[], names: readonly string[]): number[][] =>
  lifetimes.map(({ x }) =>
    names.map((name) => x[featureNames.indexOf(name as (typeof featureNames)[number])] as number),
  );

/** Missing values at the training mean, columns scaled, as the linear models need it. */
const filled = (train: number[][], asked: number[][]): [number[][], number[][]] => {
  const width = train[0]?.length ?? 0;
  const stats = Array.from({ length: width }, (_, column) => {
    const known = train.map((row) => row[column] as number).filter((value) => !Number.isNaN(value));
    const mean = known.reduce((sum, value) => sum + value, 0) / Math.max(1, known.length);
    const spread = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, known.length));
    return { mean, spread: spread || 1 };
  });
  const scale = (rows: number[][]): number[][] =>
    rows.map((row) =>
      row.map((value, column) => {
        const { mean, spread } = stats[column] as (typeof stats)[number];
        return Number.isNaN(value) ? 0 : (value - mean) / spread;
      }),
    );
  return [scale(train), scale(asked)];
};

const linear = (rows: number[][], coefficients: readonly number[]): number[] =>
  rows.map((row) => row.reduce((sum, value, column) => sum + value * (coefficients[column] as number), 0));

const survivalOf = (lifetimes: readonly Lifetime[]) => ({
  time: lifetimes.map(({ time }) => time),
  event: lifetimes.map(({ event }): number => event),
  strata: lifetimes.map(({ component }) => component),
});

const cox =
  (names: readonly string[], ridge: number): Method =>
  (train, asked) => {
    const [x, xAsked] = filled(columnsOf(train, names), columnsOf(asked, names));
    const fit = fitCoxPh({ ...survivalOf(train), x, names: [...names], ridge });
    if (isRefusal(fit)) throw new Error(`Cox refused: ${JSON.stringify(fit)}`);
    return linear(xAsked, fit.coefficients);
  };

const weibull =
  (names: readonly string[], ridge: number): Method =>
  (train, asked) => {
    const dummies = (lifetimes: readonly Lifetime[]) =>
      lifetimes.map(({ component }) => components.slice(1).map((name) => Number(name === component)));
    const [x, xAsked] = filled(columnsOf(train, names), columnsOf(asked, names));
    const withComponent = (rows: number[][], lifetimes: readonly Lifetime[]) =>
      dummies(lifetimes).map((extra, row) => [...(rows[row] as number[]), ...extra]);
    const { time, event } = survivalOf(train);
    const fit = fitWeibullAft({
      time,
      event,
      x: withComponent(x, train),
      names: [...names, ...components.slice(1)],
      ridge,
    });
    if (isRefusal(fit)) throw new Error(`Weibull refused: ${JSON.stringify(fit)}`);
    // Longer lives have larger predictors.
    return linear(withComponent(xAsked, asked), fit.coefficients).map((value) => -value);
  };

const trees =
  (depth: number): Method =>
  (train, asked) => {
    const withComponent = (lifetimes: readonly Lifetime[]) =>
      lifetimes.map(({ x, component }) => [...x, ...components.map((name) => Number(name === component))]);
    const { time, event } = survivalOf(train);
    const model = fitGradientTrees({
      x: withComponent(train),
      time,
      event,
      loss: 'hazard',
      names: [...featureNames, ...components],
      params: { rounds: 150, depth, learningRate: 0.05, minLeaf: 40, bins: 32, subsample: 0.7, l2: 10, periods: 12 },
      seed: 1,
    });
    if (isRefusal(model)) throw new Error(`trees refused: ${JSON.stringify(model)}`);
    return predictTrees(model as GradientTreesModel, withComponent(asked));
  };

const modelAndAge = ['model1', 'model2', 'age'];
const withoutOneModel = featureNames.filter((name) => name !== 'model3');
export const methods: Readonly<Record<string, Method>> = {
  'Cox, model and age': cox(modelAndAge, 0),
  'Cox ridge, all': cox(withoutOneModel, 20),
  'Weibull ridge, all': weibull(withoutOneModel, 20),
  'our trees, depth 2': trees(2),
  'our trees, depth 4': trees(4),
};

const judge = (asked: readonly Lifetime[], risk: number[]): number => {
  const c = concordance({ ...survivalOf(asked), risk });
  if (typeof c !== 'number') throw new Error('no comparable pairs');
  return c;
};

/** Mean over five folds of training machines. */
const crossValidated = (train: readonly Lifetime[], method: Method): number => {
  const scores = [0, 1, 2, 3, 4].map((fold) => {
    const asked = train.filter(({ machine }) => machine % 5 === fold);
    return judge(
      asked,
      method(
        train.filter(({ machine }) => machine % 5 !== fold),
        asked,
      ),
    );
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
};

export interface AzureResult {
  lifetimes: number;
  failures: number;
  rows: { method: string; crossValidated: number; test: number }[];
  chosen: string;
  /** Largest absolute coefficient of the fit on comp3 alone, which model 3 separates completely. */
  comp3LargestCoefficient: number;
}

/** Everything the page shows of this set; null when the data are not there. */
export const measureAzure = (): AzureResult | null => {
  if (!existsSync(folder)) return null;
  const all = readLifetimes();
  const train = all.filter(({ machine }) => machine <= 70);
  const test = all.filter(({ machine }) => machine > 70);
  const rows = Object.entries(methods).map(([method, run]) => ({
    method,
    crossValidated: crossValidated(train, run),
    test: judge(test, run(train, test)),
  }));
  const best = rows.reduce((a, b) => (b.crossValidated > a.crossValidated ? b : a));
  const comp3 = train.filter(({ component }) => component === 'comp3');
  const [x] = filled(columnsOf(comp3, modelAndAge), []);
  const { time, event } = survivalOf(comp3);
  const fit = fitCoxPh({ time, event, x, names: modelAndAge, ridge: 1 });
  if (isRefusal(fit)) throw new Error(`comp3: ${JSON.stringify(fit)}`);
  return {
    lifetimes: all.length,
    failures: all.filter(({ event: ended }) => ended === 1).length,
    rows,
    chosen: best.method,
    comp3LargestCoefficient: Math.max(...fit.coefficients.map(Math.abs)),
  };
};

if (import.meta.main) {
  const result = measureAzure();
  if (result === null) console.log(`The Azure set is not at ${folder}: skipped.`);
  else {
    console.table(
      result.rows.map((row) => ({ ...row, crossValidated: row.crossValidated.toFixed(4), test: row.test.toFixed(4) })),
    );
    console.log(result);
  }
}
