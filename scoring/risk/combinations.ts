/**
 * Synthetic causes: combinations of active codes that together say more than each alone.
 * A code takes part from a severity upwards, never by its exact FMI: a code that gets worse cannot leave a combination,
 * which keeps the score monotone.
 */
import type { FaultSeverity } from '#contracts/faults';
import { plainNumber, toUnits, type Reason } from './points.ts';

interface Ingredient {
  spns: readonly number[];
  atLeast: FaultSeverity;
}

/** What a combination asks of a code. */
export interface CodeInPlay {
  fault: { spn: number; fmi: number; sourceAddress: number; isActive: boolean };
  severity: FaultSeverity;
  isNoise: boolean;
}

/** A code as evidence names it. */
export const codeEvidence = ({ fault: { spn, fmi, sourceAddress } }: Pick<CodeInPlay, 'fault'>) => ({
  spn: plainNumber(spn),
  fmi: plainNumber(fmi),
  sourceAddress: plainNumber(sourceAddress),
});

interface Combination {
  id: string;
  points: number;
  text: string;
  ingredients: readonly Ingredient[];
  /** A milder combination that this one replaces. */
  replaces?: string;
}

const severityRank: Readonly<Record<FaultSeverity, number>> = { unknown: 0, info: 1, minor: 2, major: 3, critical: 4 };

const soot: Ingredient = { spns: [81, 3251, 3609, 3701, 3715, 3719, 3936, 4781], atLeast: 'major' };
const scr: Ingredient = {
  spns: [1761, 3226, 3361, 3364, 3516, 3521, 4334, 4364, 4792, 5392, 5394],
  atLeast: 'major',
};
const derate: Ingredient = { spns: [1569, 4090, 4094, 4095, 4096, 5246], atLeast: 'minor' };
const coolantHot: Ingredient = { spns: [110, 4076, 4193], atLeast: 'major' };
const coolantLost: Ingredient = { spns: [109, 111], atLeast: 'major' };
const egrHot: Ingredient = { spns: [412, 4752], atLeast: 'major' };

const combinations: readonly Combination[] = [
  {
    id: 'aftertreatment_derate',
    points: 8,
    text: 'Aftertreatment derate imminent: high soot, weak exhaust cleaning and a derate warning together',
    ingredients: [soot, scr, derate],
    replaces: 'scr_derate',
  },
  {
    id: 'scr_derate',
    points: 5,
    text: 'Emissions derate under way: DEF or SCR fault together with a derate warning',
    ingredients: [scr, derate],
  },
  {
    id: 'coolant_loss',
    points: 8,
    text: 'Losing coolant and overheating: engine damage is close',
    ingredients: [coolantHot, coolantLost],
  },
  {
    id: 'egr_cooler_leak',
    points: 8,
    text: 'EGR cooler may be leaking coolant: hot EGR gas and falling coolant level together',
    ingredients: [egrHot, coolantLost],
  },
  {
    id: 'charging_failure',
    points: 6,
    text: 'Alternator failing and batteries draining: the truck will stop when they are empty',
    ingredients: [
      { spns: [115, 167, 3353], atLeast: 'major' },
      { spns: [158, 168, 444], atLeast: 'minor' },
    ],
  },
  {
    id: 'fuel_starvation',
    points: 6,
    text: 'Fuel starvation: low supply pressure and rail pressure off target together',
    ingredients: [
      { spns: [16, 18, 94, 95], atLeast: 'minor' },
      { spns: [157, 1076, 1347, 1349], atLeast: 'major' },
    ],
  },
  {
    id: 'brake_air_loss',
    points: 8,
    text: 'Both brake circuits are losing air',
    ingredients: [
      { spns: [117], atLeast: 'major' },
      { spns: [118], atLeast: 'major' },
    ],
  },
];

const takesPart =
  (ingredient: Ingredient) =>
  (judged: CodeInPlay): boolean =>
    judged.fault.isActive &&
    !judged.isNoise &&
    ingredient.spns.includes(judged.fault.spn) &&
    severityRank[judged.severity] >= severityRank[ingredient.atLeast];

const isComplete = (combination: Combination, codes: readonly CodeInPlay[]): boolean =>
  combination.ingredients.every((ingredient) => codes.some(takesPart(ingredient)));

/** How many combinations the active codes complete; never fewer with more codes. */
export const countCombinations = (codes: readonly CodeInPlay[]): number =>
  combinations.filter((combination) => isComplete(combination, codes)).length;

/** The combinations that the active faults complete. */
export const combinationReasons = (faults: readonly CodeInPlay[]): Reason[] => {
  const complete = combinations.filter((combination) => isComplete(combination, faults));
  const replaced = new Set(complete.map((combination) => combination.replaces));
  return complete
    .filter((combination) => !replaced.has(combination.id))
    .map((combination) => ({
      factor: `faults.combination.${combination.id}`,
      units: toUnits(combination.points),
      text: combination.text,
      evidence: {
        codes: combination.ingredients.flatMap((ingredient) => faults.filter(takesPart(ingredient))).map(codeEvidence),
      },
      keep: true,
    }));
};
