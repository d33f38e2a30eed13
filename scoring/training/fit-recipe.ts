/**
 * Following a recipe. Each learns twice: on the earlier landmarks, to see on the later ones what shape its chances have to be
 * given, and then on all of them, which is where it learns how often this fleet fails. Calibration never learns that: a rate
 * learned by both would count twice.
 */
import type { Calibrations, PriorCorrection, SurvivalModel } from '#contracts/scoring-models';
import type { FeatureDefinition } from '../features/feature-definition.ts';
import { featureListVersion } from '../features/feature-list.ts';
import { failureChances, forecastSurvival, horizonsDays } from '../forecast/forecast.ts';
import { median } from '../anomaly/robust-z.ts';
import { isRefusal, type Refusal } from '../survival/refusal.ts';
import { demand } from '../trees/demand.ts';
import type { GradientTreesModel } from '../trees/tree-model.ts';
import { calibrateHorizons } from './calibrate-horizons.ts';
import { compactTrees } from './compact-trees.ts';
import type { Lifetimes } from './landmarks.ts';
import { growTrees, sizedTrees } from './own-trees.ts';
import { fitPriorCorrection } from './prior-correction.ts';
import type { FittedRecipe, GlobalPrior, ModelRecipe } from './training-types.ts';

/**
 * What a correction may depend on: the truck and its use. Never on a feature with a declared direction, which a coefficient
 * could turn round; not on the season, which a fleet of a few months cannot tell from its rate; not on how long it was watched;
 * not on meters, which say the same as the age twice more.
 */
const correctedGroups: readonly FeatureDefinition['group'][] = ['age', 'usage', 'maintenance'];
const neverCorrected: readonly string[] = ['observedDays', 'odometerMiles', 'engineHours'];

/** The prior's curve; throws a RangeError when it has none or follows another feature list. */
export const priorSurvival = (prior: GlobalPrior, features: readonly FeatureDefinition[]): SurvivalModel => {
  const { survival } = prior.artefact;
  demand(survival !== null, 'prior: it has no survival model');
  demand(
    (survival.featureList ?? featureListVersion) === featureListVersion,
    'prior: its features were computed otherwise than they are today',
  );
  const { names } = survival.trees;
  demand(
    names.length === features.length && names.every((name, at) => name === features[at]?.name),
    'prior: its features are not those of the landmarks',
  );
  return survival;
};

/** The prior corrected by what these rows say. */
const correctPrior = (
  survival: SurvivalModel,
  rows: Lifetimes,
  features: readonly FeatureDefinition[],
): PriorCorrection | Refusal => {
  const columns = features.flatMap(({ group, monotone, name }, at) =>
    monotone === 0 && correctedGroups.includes(group) && !neverCorrected.includes(name) ? [at] : [],
  );
  return fitPriorCorrection({
    cumulativeHazard: hazardsSeen({ ...survival, correction: null }, rows),
    event: rows.event,
    x: rows.x.map((row) => columns.map((column) => row[column] as number)),
    names: columns.map((column) => features[column]?.name as string),
    vehicle: rows.vehicleIds,
    failure: rows.failure,
  });
};

/** Rows whose whole curves are in memory at once: a Worker has 128 MB for everything. */
const rowsPerBlock = 512;

/** Each row's cumulative hazard up to where its sight ends, at most `mostDays`. */
const hazardsSeen = (model: SurvivalModel, rows: Lifetimes, mostDays = Infinity): number[] => {
  const seen = rows.time.map((time) => Math.min(mostDays, time));
  // Curves are read at whole days and in straight lines of the hazard between: one pass over the trees for all rows.
  const days = Array.from({ length: Math.floor(maximum(seen)) + 2 }, (_, day) => day);
  const hazards: number[] = [];
  for (let start = 0; start < seen.length; start += rowsPerBlock) {
    const curves = forecastSurvival(model, rows.x.slice(start, start + rowsPerBlock), days);
    curves.forEach((curve, at) => {
      const time = seen[start + at] as number;
      const day = Math.floor(time);
      const from = -Math.log(Math.max(Number.MIN_VALUE, curve[day] as number));
      const to = -Math.log(Math.max(Number.MIN_VALUE, curve[day + 1] as number));
      hazards.push(from + (time - day) * (to - from));
    });
  }
  return hazards;
};

const maximum = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0);

/**
 * Calibration of a model on rows it has not seen (followed past 90 days where possible). With `shapeOnly` the model is
 * first brought to the rows' own rate, so that the maps say nothing of it: the model they will serve has learned it already.
 */
export const calibrateOn = (
  model: SurvivalModel,
  rows: Lifetimes,
  seed: number,
  { shapeOnly = false } = {},
): Calibrations => {
  const [seen7, seen30, seen90] = horizonsDays.map((horizon) => hazardsSeen(model, rows, horizon)) as [
    number[],
    number[],
    number[],
  ];
  const factor = shapeOnly ? rateFactor(rows, seen90) : 1;
  const chances = failureChances(model, null, rows.x);
  const scaled = (chance: number): number => (factor === 1 ? chance : -Math.expm1(factor * Math.log1p(-chance)));
  return calibrateHorizons(
    {
      vehicleIds: rows.vehicleIds,
      time: rows.time,
      event: rows.event,
      failure: rows.failure,
      chances: chances.map(({ days7, days30, days90 }) => [scaled(days7), scaled(days30), scaled(days90)]),
      hazardSeen: rows.time.map((_, row) => [
        factor * (seen7[row] as number),
        factor * (seen30[row] as number),
        factor * (seen90[row] as number),
      ]),
    },
    seed,
  );
};

/** Failures within the last horizon per failure expected; 1 where neither says anything. */
const rateFactor = ({ time, event }: Lifetimes, expected: readonly number[]): number => {
  const last = horizonsDays[2];
  const failures = event.filter((value, row) => value === 1 && (time[row] as number) <= last).length;
  const factor = failures / expected.reduce((sum, hazard) => sum + hazard, 0);
  return factor > 0 && Number.isFinite(factor) ? factor : 1;
};

const uncalibrated: Calibrations = { days7: null, days30: null, days90: null };

/** What stands in for `typical` and `reference` while a model is only calibrated or judged. */
const unsaid = { typical: { days7: 0, days30: 0, days90: 0 }, reference: [] };

/** The survival model of learned parts. */
export const survivalOf = (
  prior: SurvivalModel,
  fitted: Pick<FittedRecipe, 'recipe' | 'correction' | 'trees'>,
): SurvivalModel => {
  if (fitted.recipe === 'prior') return prior;
  return { format: 'survival-1', trees: fitted.trees ?? prior.trees, correction: fitted.correction, ...unsaid };
};

/** The same with what "typical" means among the given rows: newest landmark of each vehicle, calibrated chances. */
export const describePopulation = (
  model: SurvivalModel,
  calibration: Calibrations | null,
  rows: Lifetimes,
): SurvivalModel => {
  const newest = new Map(rows.vehicleIds.map((vehicle, row) => [vehicle, row]));
  const x = [...newest.values()].map((row) => rows.x[row] as number[]);
  const chances = failureChances(model, calibration, x);
  const middle = (values: number[]): number => (values.length === 0 ? 0 : Number(median(values).toPrecision(5)));
  return {
    ...model,
    typical: {
      days7: middle(chances.map(({ days7 }) => days7)),
      days30: middle(chances.map(({ days30 }) => days30)),
      days90: middle(chances.map(({ days90 }) => days90)),
    },
    reference: model.trees.names.map((_, column) => {
      const known = x.map((row) => row[column] as number).filter((value) => !Number.isNaN(value));
      return known.length === 0 ? null : Number(median(known).toPrecision(6));
    }),
  };
};

/** A recipe's learned parts before calibration; `trees` as they were grown. */
interface Learned {
  correction: PriorCorrection | null;
  trees: GradientTreesModel | null;
}

const toFitted = (recipe: ModelRecipe, { correction, trees }: Learned, calibration: Calibrations): FittedRecipe => ({
  recipe,
  correction,
  trees: trees === null ? null : compactTrees(trees),
  calibration,
});

/** Follows a recipe: `early` and `late` part one time, `all` is all of it; `late` may be followed past 90 days. */
export const followRecipe = (
  recipe: ModelRecipe,
  prior: GlobalPrior,
  features: readonly FeatureDefinition[],
  rows: { early: Lifetimes; late: Lifetimes; all: Lifetimes },
  seed: number,
): FittedRecipe | Refusal => {
  const survival = priorSurvival(prior, features);
  if (recipe === 'prior') return { recipe, correction: null, trees: null, calibration: prior.artefact.calibration };
  if (recipe === 'corrected_prior') {
    const correction = correctPrior(survival, rows.all, features);
    if (isRefusal(correction)) return correction;
    const before = correctPrior(survival, rows.early, features);
    // Nothing learned before: there is no earlier model whose chances the later landmarks could check.
    const calibration = isRefusal(before)
      ? uncalibrated
      : calibrateOn({ ...survival, correction: before }, rows.late, seed, { shapeOnly: true });
    return toFitted(recipe, { correction, trees: null }, calibration);
  }
  const sized = sizedTrees(rows.early, rows.late, features, seed);
  if (isRefusal(sized)) return sized;
  const trees = growTrees(rows.all, features, seed, sized.rounds);
  if (isRefusal(trees)) return trees;
  const before: SurvivalModel = {
    format: 'survival-1',
    trees: compactTrees(sized.model),
    correction: null,
    ...unsaid,
  };
  return toFitted(recipe, { correction: null, trees }, calibrateOn(before, rows.late, seed, { shapeOnly: true }));
};

/** Follows a recipe again on everything, when `fitted` was learned on the earlier landmarks: they need no second fit. */
export const followRecipeOn = (
  fitted: FittedRecipe,
  prior: GlobalPrior,
  features: readonly FeatureDefinition[],
  rows: { late: Lifetimes; all: Lifetimes },
  seed: number,
): FittedRecipe | Refusal => {
  const survival = priorSurvival(prior, features);
  if (fitted.recipe === 'prior') return fitted;
  const calibration = calibrateOn(survivalOf(survival, fitted), rows.late, seed, { shapeOnly: true });
  if (fitted.trees === null) {
    const correction = correctPrior(survival, rows.all, features);
    return isRefusal(correction) ? correction : toFitted(fitted.recipe, { correction, trees: null }, calibration);
  }
  const trees = growTrees(rows.all, features, seed, Math.max(1, fitted.trees.sizes.length));
  return isRefusal(trees) ? trees : toFitted(fitted.recipe, { correction: null, trees }, calibration);
};
