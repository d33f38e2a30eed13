/** Whether a new model takes over: only when, on landmarks that neither of the two has seen, it is at least as good. */
import type { ModelQuality } from '#contracts/scoring-models';
import type { ActiveModel, Comparison, JudgedRecipe, ModelRecipe } from './training-types.ts';

/** In the order of what they ask of the data; in doubt the earlier one. */
const simplestFirst: readonly ModelRecipe[] = ['prior', 'corrected_prior', 'own_trees'];
/** A more demanding recipe has to be better by this share of the Brier score: less is noise of one night. */
const margin = 0.002;
/** Concordance may be lower by this much where the Brier score is better. */
const concordanceTolerance = 0.01;

const recipeWords: Readonly<Record<ModelRecipe, string>> = {
  prior: 'the prior that comes with the product',
  corrected_prior: 'the prior corrected by this fleet’s own failures',
  own_trees: 'a model of this fleet alone',
};

const say = (value: number | null): string => (value === null ? 'unknown' : value.toFixed(4));

/** "integrated Brier score 0.1510 against 0.1620, concordance 0.7120 against 0.7050; the fleet’s average curve alone scores 0.1800". */
const sayNumbers = (one: ModelQuality, other: ModelQuality): string =>
  `integrated Brier score ${say(one.integratedBrier)} against ${say(other.integratedBrier)}, ` +
  `concordance ${say(one.concordance)} against ${say(other.concordance)}; ${sayBaseline(one)}`;

/** True when saying the same of every truck would have been better. */
const isWorseThanAverage = ({ integratedBrier, baselineIntegratedBrier }: ModelQuality): boolean =>
  integratedBrier !== null && baselineIntegratedBrier !== null && integratedBrier > baselineIntegratedBrier;

const sayBaseline = (quality: ModelQuality): string =>
  `the fleet’s average curve alone scores ${say(quality.baselineIntegratedBrier)}` +
  (isWorseThanAverage(quality) ? ', which is better' : '');

/** At least as good out of time: a Brier score not above the other's by the given share, and no worse a ranking. */
export const isAtLeastAsGood = (challenger: ModelQuality, other: ModelQuality, marginShare = 0): boolean => {
  if (challenger.integratedBrier === null || other.integratedBrier === null) return false;
  if (challenger.integratedBrier > other.integratedBrier * (1 - marginShare)) return false;
  if (challenger.concordance === null || other.concordance === null) return true;
  return challenger.concordance >= other.concordance - concordanceTolerance;
};

/** The best of the judged recipes, the simplest in doubt; null without any. */
export const bestRecipe = (judged: readonly JudgedRecipe[]): JudgedRecipe | null => {
  let best: JudgedRecipe | null = null;
  for (const recipe of simplestFirst) {
    const candidate = judged.find((one) => one.recipe === recipe);
    if (candidate === undefined) continue;
    if (best === null || isAtLeastAsGood(candidate.quality, best.quality, margin)) best = candidate;
  }
  return best;
};

/**
 * Decides between the recipe in use and the best one, both fitted on the same early landmarks and judged on the same
 * later ones. `active` null: the prior is in use. What was learned takes over only where it is no worse than the fleet's
 * average curve; the recipe in use is renewed only when it has learned more, or from a later time. `incumbent` is the prior
 * where the recipe in use could not be fitted again.
 */
export const compareOutOfTime = (
  challenger: JudgedRecipe,
  incumbent: JudgedRecipe,
  active: ActiveModel | null,
  now: { failures: number; until: string },
): Comparison => {
  const kept = (reason: string): Comparison => ({ isPromoted: false, reason });
  const promoted = (reason: string): Comparison => ({ isPromoted: true, reason });
  const inUse = active?.recipe ?? 'prior';
  const words = recipeWords[challenger.recipe];
  const { quality } = challenger;
  if (quality.integratedBrier === null) {
    return kept(
      'What was held back cannot be judged: too few trucks failed, or stayed in sight, long enough to compare.',
    );
  }
  if (challenger.recipe === inUse) {
    if (active === null || inUse === 'prior') {
      const score = say(quality.integratedBrier);
      return kept(
        `Nothing learned from this fleet beats ${words} yet (integrated Brier score ${score}; ${sayBaseline(quality)}).`,
      );
    }
    const isLater = typeof active.dataUntil === 'string' && now.until.slice(0, 10) > weekAfter(active.dataUntil);
    if (!isLater && now.failures <= active.failures) {
      return kept(
        now.failures === active.failures
          ? `There is nothing new to learn from: the model in use, ${words}, already knows these ${now.failures} failures.`
          : `The model in use, ${words}, has learned from ${active.failures} failures; of the same time only ${now.failures} are on record now.`,
      );
    }
    if (isWorseThanAverage(quality)) {
      return kept(
        `On landmarks held back, ${words}, learned again, is worse than saying the same of every truck: ${sayOne(quality)}.`,
      );
    }
    return promoted(
      `The same method, ${words}, now learned from ${now.failures} failures instead of ${active.failures}; ` +
        `on landmarks held back it is still the best: ${sayOne(quality)}.`,
    );
  }
  const isJudged = incumbent.recipe === inUse;
  const lost = isJudged ? '' : `The model in use, ${recipeWords[inUse]}, cannot be learned from these data any more. `;
  if (challenger.recipe !== 'prior' && isWorseThanAverage(quality)) {
    return kept(
      `${lost}On landmarks held back, ${words} is worse than saying the same of every truck: ${sayOne(quality)}.`,
    );
  }
  if (challenger.recipe === incumbent.recipe) {
    return promoted(`${lost}In its place comes the best of the others, ${words}: ${sayOne(quality)}.`);
  }
  const against = `${recipeWords[incumbent.recipe]}: ${sayNumbers(quality, incumbent.quality)}.`;
  return isAtLeastAsGood(quality, incumbent.quality)
    ? promoted(`${lost}On landmarks held back, ${words} is at least as good as ${against}`)
    : kept(`${lost}On landmarks held back, ${words} is not as good as ${against}`);
};

const sayOne = (quality: ModelQuality): string =>
  `integrated Brier score ${say(quality.integratedBrier)}, concordance ${say(quality.concordance)}; ${sayBaseline(quality)}`;

const weekAfter = (time: string): string => new Date(Date.parse(time) + 7 * 86_400_000).toISOString().slice(0, 10);
