/** The settings of risk as they are edited: numbers that may be missing while somebody types. Pure. */
import { riskLevels, type RiskLevel } from '#contracts/risk';
import {
  adjustableWeights,
  riskSettingsInputSchema,
  type AdjustableWeight,
  type RiskSettings,
  type RiskSettingsInput,
} from '#contracts/scoring';
import type { RiskBands } from '#contracts/tenants';

export type Band = keyof RiskBands;
export const bands: readonly Band[] = ['medium', 'high', 'critical'];
export const weightNames = Object.keys(adjustableWeights) as AdjustableWeight[];

export interface RiskValues {
  riskBands: Record<Band, number | null>;
  weights: Record<AdjustableWeight, number | null>;
}

/** A copy to be edited. */
export const valuesFrom = ({ riskBands, weights }: Pick<RiskSettings, 'riskBands' | 'weights'>): RiskValues => ({
  riskBands: { ...riskBands },
  weights: { ...weights },
});

export const isSameRisk = (a: RiskValues, b: RiskValues): boolean =>
  bands.every((band) => a.riskBands[band] === b.riskBands[band]) &&
  weightNames.every((name) => a.weights[name] === b.weights[name]);

type Defaults = RiskSettings['defaults'];

/**
 * What the values on screen would set; null while one of them is missing or out of its range. A value that is the default
 * is sent as null: it then follows when a later version of the scoring knows a better one.
 */
export function inputFrom(values: RiskValues, defaults: Defaults): RiskSettingsInput | null {
  // An emptied field is no wish for the default, which null would be.
  const numbers = [...Object.values(values.riskBands), ...Object.values(values.weights)];
  if (numbers.some((value) => value === null || !Number.isFinite(value))) return null;
  const isDefault = bands.every((band) => values.riskBands[band] === defaults.riskBands[band]);
  return (
    riskSettingsInputSchema.safeParse({
      riskBands: isDefault ? null : { ...values.riskBands },
      weights: Object.fromEntries(
        weightNames.map((name) => [
          name,
          values.weights[name] === defaults.weights[name] ? null : values.weights[name],
        ]),
      ),
    }).data ?? null
  );
}

/** What is wrong with the bands, as a sentence; null when they rise. */
export function bandsError({ medium, high, critical }: RiskValues['riskBands']): string | null {
  if (medium === null || high === null || critical === null) return 'Enter a number of points for each level.';
  if (medium <= 0) return 'Medium must begin above 0.';
  if (critical > 100) return 'Critical must begin at 100 or below.';
  return medium < high && high < critical ? null : 'Each level must begin above the one before it.';
}

/** What is wrong with a weight, as a sentence that names the limits as they are shown. */
export function weightError(
  name: AdjustableWeight,
  stored: number | null,
  shown: { min: number; max: number } = adjustableWeights[name],
): string | null {
  const { min, max } = adjustableWeights[name];
  if (stored !== null && stored >= min && stored <= max) return null;
  return `Enter a number from ${shown.min.toLocaleString('en-US')} to ${shown.max.toLocaleString('en-US')}.`;
}

export interface LevelSpan {
  level: RiskLevel;
  from: number;
  to: number;
}

/** The levels over the score's 0 to 100; edges that do not rise are drawn as far as they do. */
export function levelSpans(edges: RiskValues['riskBands']): LevelSpan[] {
  let from = 0;
  return riskLevels.map((level, index) => {
    const next = bands[index];
    const to = next === undefined ? 100 : Math.min(100, Math.max(from, edges[next] ?? from));
    const span = { level, from, to };
    from = to;
    return span;
  });
}
