/**
 * Points for what lies ahead: how much likelier than the typical truck of its model this one is to fail within 30 days, or
 * within 7 where most trucks fail within 30.
 * Relative, so that a fleet whose trucks all fail twice as often is not red all over; shared out among groups of features
 * by their Shapley values.
 */
import type { SurvivalModel } from '#contracts/scoring-models';
import { featureList, type FeatureDefinition, type FeatureGroup, type FeatureName } from '../features/feature-list.ts';
import { hazardOf } from '../forecast/forecast.ts';
import { globalPrior } from '../prior/global-prior.ts';
import { attributeHazard } from './attribution.ts';
import { isPriorVersion, type Weights } from './models.ts';
import { toShares, toUnits, unitsPerTenth, type Reason, type Share } from './points.ts';
import { sayChance } from './words.ts';
import type { SurvivalContext, VehicleForecast } from './survival-forecast.ts';

/** Where the typical truck is likelier than not to fail within 30 days, that chance hardly tells trucks apart any more. */
const mostTypicalChance = 0.5;
const horizonOf = ({ typical }: SurvivalModel): 7 | 30 => (typical.days30 <= mostTypicalChance ? 30 : 7);
/** Doublings of the typical hazard that make the most points: eight times. */
const doublingsForMost = 3;
const smallestHazard = 1e-6;
/** More features than a person reads of one group. */
const featuresShown = 3;
const unknownShown = 8;

/** The season is missing: see `causesOf`. */
type CauseGroup = Exclude<FeatureGroup, 'season'>;

const groupWords: Readonly<Record<CauseGroup, string>> = {
  faults: 'Its fault codes raise',
  lamps: 'Its warning lamps raise',
  usage: 'Its use raises',
  age: 'Its age and history raise',
  maintenance: 'Its service and repairs raise',
  signals: 'Its signals raise',
};

const definitionOf = new Map<string, FeatureDefinition>(featureList.map((feature) => [feature.name, feature]));

/** Points of a chance against the typical one; never falling in the chance. */
export const survivalPoints = (chance: number, typicalChance: number, weights: Weights): number => {
  const atLeast = (hazard: number): number => Math.max(smallestHazard, hazard);
  const doublings = Math.log2(atLeast(hazardOf(chance)) / atLeast(hazardOf(typicalChance)));
  return weights.survivalMax * Math.min(1, Math.max(0, doublings / doublingsForMost));
};

/** Where the model's knowledge comes from. */
export type ModelBasis = 'prior' | 'corrected_prior' | 'own_trees';

/** Fewer failures than this leave the prior in charge. */
const failuresForOwnWord = 20;

const isPrior = new WeakMap<SurvivalModel['trees'], boolean>();

/** True for the trees of the prior that comes with the product, under whatever version they were stored. */
const arePriorTrees = (trees: SurvivalModel['trees']): boolean => {
  const judged = isPrior.get(trees);
  if (judged !== undefined) return judged;
  const shipped = globalPrior.artefact.survival?.trees;
  const same =
    shipped !== undefined &&
    (trees === shipped ||
      (trees.base === shipped.base &&
        trees.values.length === shipped.values.length &&
        trees.values.every((value, node) => value === shipped.values[node])));
  isPrior.set(trees, same);
  return same;
};

/** What a model rests on. A prior hardly corrected yet counts as the prior. */
export const basisOf = (version: string, survival: SurvivalModel): ModelBasis => {
  if (survival.correction !== null) {
    return survival.correction.events >= failuresForOwnWord ? 'corrected_prior' : 'prior';
  }
  return isPriorVersion(version) || arePriorTrees(survival.trees) ? 'prior' : 'own_trees';
};

/** Said of a forecast that no failure of this fleet has taught anything yet. */
const originWords: Readonly<Record<ModelBasis, string>> = {
  prior: ' (learned from simulated trucks)',
  corrected_prior: '',
  own_trees: '',
};

interface Cause {
  name: FeatureName;
  group: CauseGroup;
  definition: FeatureDefinition;
  value: number;
  typical: number | null;
  logHazard: number;
}

const known = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : Math.round(value * 1000) / 1000;

/**
 * What is known of the truck and how much it raises the hazard. What nobody knows is no reason that a person could check.
 * Nor is the date: it is the same for every truck, while the typical one is of the days its model was trained in (a summer,
 * say). So the typical truck stands in the truck's own season, and the season's share goes to the groups that do tell trucks
 * apart, by what they weigh in it.
 */
const causesOf = (context: SurvivalContext, forecast: VehicleForecast): Cause[] => {
  const definitions = context.names.map((name) => definitionOf.get(name) as FeatureDefinition);
  const typicalNow = context.reference.map((value, column) =>
    definitions[column]?.group === 'season' ? (forecast.row[column] as number) : value,
  );
  const values = attributeHazard(context.model, forecast.row, typicalNow, horizonOf(context.model));
  return context.names.flatMap((name, column) => {
    const definition = definitions[column] as FeatureDefinition;
    const { group } = definition;
    const value = known(forecast.row[column]);
    if (value === null || group === 'season') return [];
    return [
      { name, group, definition, value, typical: known(typicalNow[column]), logHazard: values[column] as number },
    ];
  });
};

const groupReason = (group: CauseGroup, causes: readonly Cause[], shared: SharedEvidence): Reason => {
  const inGroup = causes.filter((cause) => cause.group === group);
  const raising = inGroup
    .filter((cause) => cause.logHazard > 0)
    .sort((a, b) => b.logHazard - a.logHazard)
    .slice(0, featuresShown);
  const factor = inGroup.reduce((sum, cause) => sum + cause.logHazard, 0);
  return {
    factor: `survival.${group}`,
    units: Math.max(0, factor),
    text: `${groupWords[group]} the chance of a failure${originWords[shared.basis]}`,
    evidence: {
      ...shared,
      hazardFactor: Math.round(Math.exp(Math.min(50, factor)) * 100) / 100,
      features: raising.map(({ name, definition, value, typical }) => ({
        name,
        label: definition.label,
        unit: definition.unit,
        value,
        typical,
      })),
    },
    keep: false,
  };
};

/** What every reason carries, whatever it names. */
interface SharedEvidence extends Record<string, unknown> {
  basis: ModelBasis;
}

/** Units in proportion to `weights` that sum to exactly `total`. */
const shareOut = (reasons: readonly Reason[], total: number): Reason[] => {
  const sum = reasons.reduce((all, reason) => all + reason.units, 0);
  let running = 0;
  let given = 0;
  return reasons.map((reason, at) => {
    running += reason.units;
    const upTo = at === reasons.length - 1 ? total : Math.round((total * running) / sum);
    const units = upTo - given;
    given = upTo;
    return { ...reason, units };
  });
};

/**
 * Reasons of the survival component, heaviest first: one per group of features known to raise the hazard above the typical
 * truck's, or a single one that says the chance, where there is none or nothing to add. Every one carries the chance and
 * the typical one. Together they make at most `roomTenths`.
 */
export const survivalShares = (
  context: SurvivalContext,
  forecast: VehicleForecast,
  version: string,
  weights: Weights,
  roomTenths: number,
): Share[] => {
  const days = horizonOf(context.model);
  const chance = forecast.failureProbability[`days${days}`];
  const typical = context.model.typical[`days${days}`];
  const total = Math.min(roomTenths * unitsPerTenth, toUnits(survivalPoints(chance, typical, weights)));
  const basis = basisOf(version, context.model);
  const shared: SharedEvidence = {
    [`chance${days}Days`]: chance,
    [`typicalChance${days}Days`]: typical,
    basis,
    learnedDays: Math.round(context.learnedDays),
    unknown: forecast.unknown.slice(0, unknownShown).map((name) => definitionOf.get(name)?.label ?? name),
  };
  const said = `Chance of a failure within ${days} days is ${sayChance(chance)}, ${sayChance(typical)} on a typical truck${originWords[basis]}`;
  const plain: Reason = { factor: 'survival.chance', units: total, text: said, evidence: shared, keep: true };
  if (total === 0) return toShares([plain]);
  const causes = causesOf(context, forecast);
  const groups = [...new Set(causes.map((cause) => cause.group))]
    .map((group) => groupReason(group, causes, shared))
    .filter((reason) => reason.units > 0)
    .sort((a, b) => b.units - a.units || (a.factor < b.factor ? -1 : 1));
  const shares = toShares(groups.length === 0 ? [plain] : shareOut(groups, total));
  // The first stays even at no points: it carries the chance and what is typical.
  return shares.map((share, at) => ({ ...share, keep: at === 0 }));
};
