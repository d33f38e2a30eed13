import { describe, expect, it } from 'vitest';
import { adjustableWeights, type AdjustableWeight } from '#contracts/scoring';
import { scoringModelsSchema } from '#contracts/scoring-models';
import { defaultRiskBands } from '#contracts/tenants';
import { featureListVersion } from '../features/feature-list.ts';
import { globalPrior } from '../prior/global-prior.ts';
import { bandsOf, defaultModels, defaultWeights, untrainedModels, weightsOf } from './models.ts';
import { survivalContext } from './survival-forecast.ts';

describe('the default models', () => {
  it('are the prior under default bands and weights, whole and understood', () => {
    const models = defaultModels();
    expect(() => scoringModelsSchema.parse(models)).not.toThrow();
    expect(models).toMatchObject({ version: globalPrior.version, bands: defaultRiskBands, weights: defaultWeights });
    // Every feature that the prior asks for is one that can be computed today.
    expect(survivalContext(models)).not.toBeNull();
  });

  it('take a tenant’s bands and weights, and leave the shipped artefact alone', () => {
    const bands = { medium: 10, high: 20, critical: 30 };
    const models = defaultModels(bands, { survivalMax: 5 });
    expect(models).toMatchObject({ bands, weights: { ...defaultWeights, survivalMax: 5 } });
    expect(defaultModels().weights.survivalMax).toBe(defaultWeights.survivalMax);
    expect(untrainedModels(bands)).toMatchObject({ bands, survival: null, anomaly: null, calibration: null });
  });
});

describe('a model of another list of features', () => {
  it('is not asked: its names may be the same and their values not', () => {
    const { survival, ...models } = defaultModels();
    if (survival === null) throw new Error('no curve');
    const under = (list: { featureList?: string }) =>
      survivalContext({ ...models, survival: { ...survival, featureList: undefined, ...list } });
    expect(under({ featureList: 'features-0' })).toBeNull();
    expect(under({ featureList: featureListVersion })).not.toBeNull();
    // Models stored before the list was named.
    expect(under({})).not.toBeNull();
  });
});

describe('weights', () => {
  it('that a tenant may set all exist, with a default inside their range', () => {
    for (const name of Object.keys(adjustableWeights) as AdjustableWeight[]) {
      expect(defaultWeights[name], name).toBeGreaterThanOrEqual(adjustableWeights[name].min);
      expect(defaultWeights[name], name).toBeLessThanOrEqual(adjustableWeights[name].max);
    }
  });

  it('are put right where an artefact has them wrong: unusable ones, and a worse severity that weighs less', () => {
    const weights = weightsOf({
      ...defaultModels(),
      weights: { survivalMax: Number.NaN, anomalyMax: -1, lampRedStop: Infinity, severityMajor: 1, severityMinor: 9 },
    });
    expect(weights).toMatchObject({
      survivalMax: defaultWeights.survivalMax,
      anomalyMax: defaultWeights.anomalyMax,
      lampRedStop: defaultWeights.lampRedStop,
      severityMajor: 9,
    });
    expect(bandsOf({ ...defaultModels(), bands: { medium: 9, high: 5, critical: 1 } })).toEqual(defaultRiskBands);
  });
});
