import { expect, test } from 'vitest';
import { adjustableWeights, riskSettingsSchema } from '#contracts/scoring';
import { defaultRiskBands } from '#contracts/tenants';
import { defaultWeights } from '#scoring';
import {
  adjustableNames,
  changedTerms,
  defaultRiskTerms,
  isSameTerms,
  ownTermsOf,
  termsInForce,
  termsPatch,
  toRiskSettings,
} from './settings-rules.ts';

const nothing = { riskBands: null, weights: {} };

test('every adjustable weight has a default of scoring, within its range', () => {
  const { weights } = defaultRiskTerms();
  for (const name of adjustableNames) {
    expect(defaultWeights[name]).toBe(weights[name]);
    expect(weights[name]).toBeGreaterThanOrEqual(adjustableWeights[name].min);
    expect(weights[name]).toBeLessThanOrEqual(adjustableWeights[name].max);
  }
});

test('what is stored and out of range, or nobody’s name, counts as not set', () => {
  for (const settings of [null, undefined, {}, { riskBands: 'x', riskWeights: null }]) {
    expect(ownTermsOf(settings)).toEqual(nothing);
  }
  expect(
    ownTermsOf({
      riskBands: { medium: 50, high: 40, critical: 90 },
      riskWeights: { anomalyMax: 1e9, repairsMax: 'x', constructor: 1, stopCode: 5, survivalMax: 10 },
    }),
  ).toEqual({ riskBands: null, weights: { survivalMax: 10 } });
});

test('own values over the defaults, with both in the answer', () => {
  const own = { riskBands: { medium: 10, high: 20, critical: 30 }, weights: { anomalyMax: 3 } };
  const inForce = termsInForce(own);
  expect(inForce.riskBands).toEqual(own.riskBands);
  expect(inForce.weights).toEqual({ ...defaultRiskTerms().weights, anomalyMax: 3 });
  const shown = toRiskSettings(own, '2026-11-20T00:00:00.000Z');
  expect(riskSettingsSchema.parse(shown)).toEqual(shown);
  expect(shown.defaults.riskBands).toEqual(defaultRiskBands);
});

test('what is not mentioned stays, null goes back to the default', () => {
  const own = { riskBands: { medium: 10, high: 20, critical: 30 }, weights: { anomalyMax: 3, survivalMax: 5 } };
  expect(changedTerms(own, {})).toEqual(own);
  expect(changedTerms(own, { riskBands: null })).toEqual({ ...own, riskBands: null });
  expect(changedTerms(own, { weights: null })).toEqual({ ...own, weights: {} });
  expect(changedTerms(own, { weights: { anomalyMax: null, repairsMax: 2 } }).weights).toEqual({
    survivalMax: 5,
    repairsMax: 2,
  });
  expect(isSameTerms(own, changedTerms(own, { weights: { survivalMax: 5 } }))).toBe(true);
  expect(isSameTerms(own, changedTerms(own, { weights: { survivalMax: 6 } }))).toBe(false);
});

test('the patch of the stored JSON says the same, and mentions nothing else', () => {
  expect(termsPatch({})).toEqual({});
  expect(termsPatch({ riskBands: null, weights: { anomalyMax: null, repairsMax: 2 } })).toEqual({
    riskBands: null,
    riskWeights: { anomalyMax: null, repairsMax: 2 },
  });
});
