/**
 * `node bench/refit.ts`: what a nightly training of one tenant costs in processor time, step by step as the Workflow runs it,
 * with the features of today on a watched fleet of the simulated world. Limit: 30 s in all for the largest data set training
 * takes (20,000 landmarks); and no step's result may exceed 1 MiB. Watching the fleet takes a minute before that.
 */
import {
  canonicalTrainingData,
  fitRecipe,
  globalPrior,
  isRefusal,
  judgeRecipes,
  planTraining,
  refitChosen,
  type FittedRecipe,
  type Refusal,
  type TrainingInput,
} from '../scoring/index.ts';
import { observeWorld } from '../scripts/train/worlds.ts';

const limitSeconds = 30;
const largestStepBytes = 1_048_576;
const dayMs = 86_400_000;
const untilMs = Date.UTC(2026, 6, 1);

const must = <T>(answer: T | Refusal): T => {
  if (isRefusal(answer)) throw new Error(JSON.stringify(answer));
  return answer;
};

/** Seconds of processor time of `work`, also that of the threads that collect garbage. */
const measured = <T>(work: () => T): { result: T; seconds: number } => {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { result, seconds: (user + system) / 1e6 };
};

/** One line per size of fleet: seconds of processor time per step and in all. Throws when a limit is passed. */
export const measureRefit = (): Record<string, string | number>[] => {
  const world = observeWorld({
    name: 'bench',
    seed: 900,
    trucks: 400,
    watching: { fromMs: untilMs - 365 * dayMs, untilMs, everyDays: 7, signalShare: 0.7, recordsShare: 1, joinShare: 0 },
  });

  const rows: Record<string, string | number>[] = [];
  for (const trucks of [20, 100, 400]) {
    const vehicles = new Set([...new Set(world.landmarks.map(({ vehicleId }) => vehicleId))].slice(0, trucks));
    const input: TrainingInput = {
      ...world,
      landmarks: world.landmarks.filter(({ vehicleId }) => vehicles.has(vehicleId)),
      events: world.events.filter(({ vehicleId }) => vehicles.has(vehicleId)),
      vehicles: world.vehicles.slice(0, trucks),
    };
    const seconds: Record<string, number> = {};
    let largest = 0;
    const step = <T>(name: string, work: () => T): T => {
      const { result, seconds: spent } = measured(work);
      seconds[name] = (seconds[name] ?? 0) + spent;
      largest = Math.max(largest, JSON.stringify(result).length);
      return result;
    };
    const plan = step('plan', () => must(planTraining(input, { seed: 1 })));
    const fitted: FittedRecipe[] = plan.recipes.map((recipe) =>
      step(recipe, () => must(fitRecipe(input, plan, globalPrior, recipe))),
    );
    const judgement = step('judge', () => must(judgeRecipes(input, plan, globalPrior, fitted, null)));
    // The dearest of the recipes that may be chosen.
    const dearest = fitted.at(-1) as FittedRecipe;
    const chosen = { chosen: { recipe: dearest.recipe, quality: judgement.chosen.quality } };
    step('refit', () => must(refitChosen(input, plan, globalPrior, chosen, dearest, { seed: 1, version: 'bench' })));
    const { seconds: digest } = measured(() => canonicalTrainingData(input, plan));
    const total = Object.values(seconds).reduce((sum, value) => sum + value, digest);
    if (total > limitSeconds) throw new Error(`a training takes ${total.toFixed(1)} s of processor time`);
    if (largest > largestStepBytes) throw new Error(`a step hands on ${largest} bytes`);
    rows.push({
      landmarks: plan.landmarks,
      failures: plan.failures,
      ...Object.fromEntries(Object.entries(seconds).map(([name, value]) => [`${name}, s`, value.toFixed(2)])),
      'digest, s': digest.toFixed(2),
      'all, s': total.toFixed(1),
      'largest step, kB': Math.round(largest / 1000),
      'would choose': `${judgement.chosen.recipe}${judgement.isPromoted ? ' (promoted)' : ''}`,
    });
  }
  return rows;
};

if (import.meta.main) console.table(measureRefit());
