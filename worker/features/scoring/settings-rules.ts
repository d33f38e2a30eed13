/** What bands and weights a tenant's risk scores are made with, and what a change of them amounts to. Pure. */
import {
  adjustableWeights,
  type AdjustableWeight,
  type RiskSettings,
  type RiskSettingsInput,
  type RiskWeights,
} from '#contracts/scoring';
import { defaultRiskBands, riskBandsSchema, type RiskBands, type TenantSettings } from '#contracts/tenants';
import { defaultWeights } from '#scoring';

export const adjustableNames = Object.keys(adjustableWeights) as AdjustableWeight[];

/** Bands and weights as they are used: nothing is left open. */
export interface RiskTerms {
  riskBands: RiskBands;
  weights: RiskWeights;
}

/** What a tenant has set itself; the rest follows the defaults, those of later releases included. */
export interface OwnRiskTerms {
  riskBands: RiskBands | null;
  weights: Partial<RiskWeights>;
}

const fromNames = (valueOf: (name: AdjustableWeight) => number): RiskWeights =>
  Object.fromEntries(adjustableNames.map((name) => [name, valueOf(name)])) as RiskWeights;

export const defaultRiskTerms = (): RiskTerms => ({
  riskBands: { ...defaultRiskBands },
  weights: fromNames((name) => defaultWeights[name]),
});

/** The tenant's own terms as stored; what is out of range there counts as not set. */
export function ownTermsOf(settings: unknown): OwnRiskTerms {
  const { riskBands, riskWeights } = (settings ?? {}) as Partial<TenantSettings>;
  const bands = riskBandsSchema.safeParse(riskBands);
  const given = Object.entries(riskWeights ?? {}).filter(([name, value]) => {
    const range = adjustableWeights[name as AdjustableWeight];
    return range !== undefined && typeof value === 'number' && value >= range.min && value <= range.max;
  });
  return { riskBands: bands.success ? bands.data : null, weights: Object.fromEntries(given) };
}

/** Own terms over the defaults. */
export function termsInForce(own: OwnRiskTerms): RiskTerms {
  const defaults = defaultRiskTerms();
  return { riskBands: own.riskBands ?? defaults.riskBands, weights: { ...defaults.weights, ...own.weights } };
}

/** Own terms as they will be: what is not mentioned stays, null goes back to the default. */
export function changedTerms(own: OwnRiskTerms, input: RiskSettingsInput): OwnRiskTerms {
  const { riskBands, weights } = input;
  const kept = weights === null ? {} : { ...own.weights, ...weights };
  return {
    riskBands: riskBands === undefined ? own.riskBands : riskBands,
    weights: Object.fromEntries(
      Object.entries(kept).filter(([, value]) => value !== null && value !== undefined),
    ) as Partial<RiskWeights>,
  };
}

/** The same change as a patch of the stored JSON (RFC 7396, where null takes away), whatever else has changed by then. */
export function termsPatch(input: RiskSettingsInput): Record<string, unknown> {
  const { riskBands, weights } = input;
  const patch = { riskBands, riskWeights: weights };
  return JSON.parse(JSON.stringify(patch)) as Record<string, unknown>;
}

export const isSameTerms = (a: OwnRiskTerms, b: OwnRiskTerms): boolean => {
  const told = ({ riskBands, weights }: OwnRiskTerms) =>
    JSON.stringify([riskBands, adjustableNames.map((name) => weights[name] ?? null)]);
  return told(a) === told(b);
};

/** The answer of GET and PUT /scoring/settings. */
export const toRiskSettings = (own: OwnRiskTerms, updatedAt: string): RiskSettings => ({
  ...termsInForce(own),
  defaults: defaultRiskTerms(),
  updatedAt,
});
