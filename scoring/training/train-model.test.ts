/** Training a tenant's model: refusals first, then what it learns, that it never looks ahead, and that steps are plain JSON. */
import { describe, expect, it } from 'vitest';
import { modelArtefactSchema, modelQualitySchema, type SurvivalModel } from '#contracts/scoring-models';
import { modelLineageSchema } from '#contracts/scoring';
import { calibratedSurvival, forecastSurvival } from '../forecast/forecast.ts';
import { featureList, featureListVersion } from '../features/feature-list.ts';
import { globalPrior } from '../prior/global-prior.ts';
import { simulatedPrior, simulateTenant, type Simulation } from './fixtures/simulated-tenant.ts';
import { isRefusal, type Refusal } from '../survival/refusal.ts';
import { evaluatePredictions } from './evaluate.ts';
import { judgedDays, lifetimesBetween, readLandmarks } from './landmarks.ts';
import { dayMs } from './outcome.ts';
import {
  canonicalTrainingData,
  fitRecipe,
  judgeRecipes,
  planTraining,
  refitChosen,
  trainModel,
} from './train-model.ts';
import type { FittedRecipe, TrainingInput, TrainingPlan } from './training-types.ts';

const prior = simulatedPrior();
const options = { seed: 1, version: 'tenant-1', active: null };
const must = <T>(answer: T | Refusal): T => {
  if (isRefusal(answer)) throw new Error(JSON.stringify(answer));
  return answer;
};
/** Fits of whole fleets: seconds on a busy machine. */
const patience = 60_000;
const planOf = (input: TrainingInput): TrainingPlan => must(planTraining(input, options));
/** Half as often as in the prior's fleets, and age matters more. */
const shifted: Simulation = { seed: 21, trucks: 60, days: 360, rate: 0.004, ageEffect: 0.25 };
const tenant = simulateTenant(shifted);
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('what is refused', () => {
  it('no landmarks, a short history, no failures, too few on either side', () => {
    expect(planTraining({ ...tenant, landmarks: [] }, options)).toEqual({
      kind: 'insufficient_data',
      column: 'landmarks',
      have: 0,
      need: 1,
    });
    expect(planTraining(simulateTenant({ seed: 1, trucks: 50, days: 20 }), options)).toMatchObject({
      column: 'days',
      need: 28,
    });
    expect(planTraining({ ...tenant, events: [] }, options)).toMatchObject({ kind: 'no_events' });
    const few = tenant.events.filter(({ kind }) => kind !== 'preventive').slice(0, 8);
    expect(planTraining({ ...tenant, events: few }, options)).toMatchObject({ column: 'failures', need: 10 });
    const early = tenant.events.filter(({ at }) => at < '2026-06-01');
    expect(planTraining({ ...tenant, events: early }, options)).toMatchObject({ column: 'late failures', have: 0 });
  });

  it('infinities by name; everything in one class is no failures', () => {
    const landmarks = tenant.landmarks.map((row) => ({ ...row, x: [Infinity, ...row.x.slice(1)] }));
    expect(planTraining({ ...tenant, landmarks }, options)).toEqual({ kind: 'non_finite', column: 'openFault' });
    const cared = tenant.events.map((event) => ({ ...event, kind: 'preventive' as const }));
    expect(planTraining({ ...tenant, events: cared }, options)).toMatchObject({ kind: 'no_events' });
  });

  it('throws for mistakes of the caller', () => {
    expect(() => planTraining(tenant, { seed: 0.5 })).toThrow(/seed/);
    expect(() => planTraining({ ...tenant, until: 'now' }, options)).toThrow(RangeError);
    const plan = planOf(tenant);
    expect(() => fitRecipe({ ...tenant, until: '2027-01-01T00:00:00.000Z' }, plan, prior, 'prior')).toThrow(
      /another time/,
    );
    const others = { ...prior, artefact: { ...prior.artefact, survival: null } };
    expect(() => fitRecipe(tenant, plan, others, 'corrected_prior')).toThrow(/no survival model/);
    const features = tenant.features?.map((feature) => ({ ...feature, name: `${feature.name}2` }));
    expect(() => fitRecipe({ ...tenant, features }, plan, prior, 'corrected_prior')).toThrow(/features are not those/);
  });
});

describe('the plan', () => {
  it('cuts time, thins landmarks, and counts each failure once', () => {
    const plan = planOf(tenant);
    expect(plan.recipes).toEqual(['prior', 'corrected_prior']);
    expect(Date.parse(plan.until) - Date.parse(plan.splitAt)).toBe(108 * dayMs);
    expect(plan.early.landmarks + plan.late.landmarks).toBe(plan.landmarks);
    // One that ends early landmarks after the split, with no later landmark before it, counts in the whole alone.
    expect(plan.failures).toBeGreaterThanOrEqual(Math.max(plan.early.failures, plan.late.failures));
    expect(plan.vehicles).toBe(60);
    const failures = tenant.events.filter(({ kind }) => kind === 'repair' || kind === 'breakdown');
    expect(plan.failures).toBeLessThanOrEqual(failures.length);
    expect(plan.failures).toBeGreaterThan(0.7 * failures.length);
  });

  it('tries own trees only with failures enough, and drops them later than it began', () => {
    const middling = simulateTenant({ seed: 2, trucks: 40, days: 300, rate: 0.007 });
    const plan = planOf(middling);
    expect(plan.early.failures).toBeGreaterThan(100);
    expect(plan.early.failures).toBeLessThan(200);
    expect(plan.recipes).not.toContain('own_trees');
    const kept = must(planTraining(middling, { seed: 1, active: { recipe: 'own_trees', failures: 210 } }));
    expect(kept.recipes).toContain('own_trees');
  });

  it('leaves out landmarks that lie after the end', () => {
    const until = '2026-08-01T00:00:00.000Z';
    const known = { ...tenant, landmarks: tenant.landmarks.filter(({ at }) => at < until), until };
    expect(planOf({ ...tenant, until }).landmarks).toBe(planOf(known).landmarks);
  });
});

describe('no look ahead', () => {
  const plan = planOf(tenant);

  it(
    'what happens after the split changes nothing of what is fitted before it',
    () => {
      const later = { ...tenant, events: tenant.events.filter(({ at }) => at <= plan.splitAt) };
      const worse: TrainingInput = {
        ...tenant,
        events: [
          ...later.events,
          ...tenant.landmarks
            .filter(({ at }) => at > plan.splitAt)
            .map(({ vehicleId, at }) => ({ vehicleId, at, kind: 'breakdown' as const })),
        ],
        landmarks: tenant.landmarks.map((row) => (row.at > plan.splitAt ? { ...row, x: row.x.map(() => 1) } : row)),
      };
      for (const recipe of ['corrected_prior', 'own_trees'] as const) {
        const fitted = must(fitRecipe(tenant, plan, prior, recipe));
        expect(fitRecipe(later, plan, prior, recipe)).toEqual(fitted);
        expect(fitRecipe(worse, plan, prior, recipe)).toEqual(fitted);
      }
    },
    patience,
  );

  it(
    'and what happened before it does change the fit',
    () => {
      const healthier = { ...tenant, events: tenant.events.filter((_, place) => place % 2 === 0) };
      const fitted = must(fitRecipe(tenant, plan, prior, 'corrected_prior'));
      const other = must(fitRecipe(healthier, plan, prior, 'corrected_prior'));
      expect(other.correction?.intercept).toBeLessThan(fitted.correction?.intercept as number);
    },
    patience,
  );
});

describe('learning', () => {
  it(
    'a corrected prior beats the prior out of time in a fleet with other laws, and says so',
    () => {
      const trained = must(trainModel(tenant, prior, options));
      expect(trained.isPromoted).toBe(true);
      expect(trained.recipe).toBe('corrected_prior');
      expect(trained.reason).toMatch(/at least as good as the prior/);
      const correction = trained.artefact.survival?.correction;
      expect(correction?.intercept).toBeLessThan(-0.4);
      expect(correction?.names).toEqual(['ageYears', 'milesPerDay']);
      // Half of 0.25 − 0.1 per year, on a scale of about three years.
      expect(correction?.coefficients[0]).toBeGreaterThan(0.1);
      expect(trained.lineage).toMatchObject({ recipe: 'corrected_prior', priorVersion: 'prior-simulated', seed: 1 });

      // Judged on days that neither the training nor its own judgement has seen.
      const future = simulateTenant({ ...shifted, days: 480 });
      const places = future.landmarks
        .map((_, place) => place)
        .filter((place) => (future.landmarks[place]?.at ?? '') >= tenant.until);
      const landmarks = must(readLandmarks(future, places));
      const test = lifetimesBetween(landmarks, 0, Date.parse(future.until), judgedDays);
      const { survival, calibration } = trained.artefact;
      if (survival === null || prior.artefact.survival === null) throw new Error('no curve');
      const priorCurve = prior.artefact.survival;
      const judge = (predict: Parameters<typeof evaluatePredictions>[0]['predict']) =>
        evaluatePredictions({ test, train: test, predict, outOfTimeFrom: null });
      const corrected = judge((x, times) => calibratedSurvival(survival, calibration, x, times));
      const uncorrected = judge((x, times) => forecastSurvival(priorCurve, x, times));
      expect(corrected.integratedBrier as number).toBeLessThan(0.97 * (uncorrected.integratedBrier as number));
      expect(corrected.concordance as number).toBeGreaterThan(uncorrected.concordance as number);
    },
    patience,
  );

  it(
    'keeps the prior for a fleet that is like those it comes from',
    () => {
      const alike = must(trainModel(simulateTenant({ seed: 31, trucks: 40, days: 200 }), prior, options));
      const { intercept = 9 } = alike.artefact.survival?.correction ?? { intercept: 0 };
      expect(Math.abs(intercept)).toBeLessThan(0.2);
    },
    patience,
  );

  it(
    'trusts its own trees where the prior knows nothing and failures are many',
    () => {
      const blind = simulatedPrior({ faultFactor: 1, seed: 5, trucks: 150, rate: 0.01 });
      const strange = simulateTenant({
        seed: 41,
        trucks: 150,
        days: 300,
        rate: 0.008,
        faultFactor: 25,
        ageEffect: 0.2,
      });
      const plan = planOf(strange);
      expect(plan.recipes).toContain('own_trees');
      const trained = must(trainModel(strange, blind, options));
      expect(trained.recipe).toBe('own_trees');
      expect(trained.isPromoted).toBe(true);
      expect(trained.artefact.survival?.trees.sizes.length).toBeGreaterThan(0);
      const [low, high] = forecastSurvival(
        must({ ...trained.artefact.survival }) as never,
        [
          [0, 5, 400, 0.5],
          [1, 5, 400, 0.5],
        ],
        [14],
      );
      expect((high?.[0] ?? 1) < (low?.[0] ?? 0)).toBe(true);
    },
    patience,
  );
});

describe('steps', () => {
  const plan = planOf(tenant);

  it(
    'hand on plain JSON of less than a step may return, and come to the same as all in a row',
    () => {
      const carried = copy(plan);
      const fitted = plan.recipes.map((recipe) => copy(must(fitRecipe(copy(tenant), carried, prior, recipe))));
      const judgement = copy(must(judgeRecipes(tenant, carried, prior, fitted, null)));
      const chosen = fitted.find(({ recipe }) => recipe === judgement.chosen.recipe) as FittedRecipe;
      const trained = must(refitChosen(tenant, carried, prior, judgement, chosen, options));
      const { isPromoted, reason } = judgement;
      expect({ ...trained, isPromoted, reason }).toEqual(must(trainModel(tenant, prior, options)));
      for (const result of [plan, ...fitted, judgement]) expect(JSON.stringify(result).length).toBeLessThan(1_000_000);
      expect(modelArtefactSchema.parse(copy(trained.artefact))).toEqual(trained.artefact);
      expect(modelQualitySchema.parse(copy(trained.quality))).toEqual(trained.quality);
      expect(modelLineageSchema.parse(trained.lineage)).toEqual(trained.lineage);
    },
    patience,
  );

  it(
    'give the same bytes for the same rows, also in another order',
    () => {
      const shuffled: TrainingInput = {
        ...tenant,
        landmarks: [...tenant.landmarks].reverse(),
        events: [...tenant.events].reverse(),
      };
      const text = JSON.stringify(must(trainModel(tenant, prior, options)));
      expect(JSON.stringify(must(trainModel(tenant, prior, options)))).toBe(text);
      expect(JSON.stringify(must(trainModel(shuffled, prior, options)))).toBe(text);
      expect(canonicalTrainingData(shuffled, planOf(shuffled))).toBe(canonicalTrainingData(tenant, plan));
    },
    patience,
  );

  it('canonical data change with every row that was used, and with no other', () => {
    const known = canonicalTrainingData(tenant, plan);
    const used = plan.rows[5] as number;
    const change = (place: number): string =>
      canonicalTrainingData(
        { ...tenant, landmarks: tenant.landmarks.map((row, at) => (at === place ? { ...row, x: [1, 2, 3, 4] } : row)) },
        plan,
      );
    expect(change(used)).not.toBe(known);
    expect(canonicalTrainingData({ ...tenant, events: tenant.events.slice(1) }, plan)).not.toBe(known);
    const stranger = { vehicleId: 'nobody', at: tenant.until, kind: 'repair' as const };
    expect(canonicalTrainingData({ ...tenant, events: [...tenant.events, stranger] }, plan)).toBe(known);
  });

  it('canonical data change with every vehicle that the anomaly model learns from, not with their order', () => {
    const signal = { name: 'batteryVolts', value: 14, at: tenant.until, baselineMedian: 14, baselineMad: 0.1, n: 40 };
    const other = { ...signal, name: 'oilPressureKpa' };
    const vehicle = { make: 'PETERBILT', model: '579', signals: [signal, other], faultsOpened: 1, observedDays: 90 };
    const data = (...vehicles: (typeof vehicle)[]): string => canonicalTrainingData({ ...tenant, vehicles }, plan);
    const second = { ...vehicle, faultsOpened: 2 };
    const known = data(vehicle, second);
    expect(data(second, { ...vehicle, signals: [other, signal] })).toBe(known);
    const changed = [
      { ...second, model: '389' },
      { ...second, observedDays: 91 },
      { ...second, signals: [signal] },
    ];
    const digests = [known, data(vehicle), ...changed.map((one) => data(vehicle, one))];
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('judge the prior in place of a recipe in use that could not be fitted again', () => {
    const judgement = must(judgeRecipes(tenant, plan, prior, [], { recipe: 'own_trees', failures: 300 }));
    expect(judgement.incumbent.recipe).toBe('prior');
    expect(judgement.chosen.recipe).toBe('prior');
  });

  it('name the declared list of features in what they make, and no other; a prior of another list is not corrected', () => {
    // The declared list, on landmarks that know its first four features only.
    const width = featureList.length;
    const landmarks = tenant.landmarks.map(({ x, ...row }) => ({
      ...row,
      x: [...x, ...Array.from({ length: width - x.length }, () => null)],
    }));
    const { features: _, ...declared } = { ...tenant, landmarks };
    const survival = must(trainModel(declared, globalPrior, options)).artefact.survival;
    expect(survival?.featureList).toBe(featureListVersion);
    expect(must(trainModel(tenant, prior, options)).artefact.survival).not.toHaveProperty('featureList');
    const curve = prior.artefact.survival as SurvivalModel;
    const older = { ...prior, artefact: { ...prior.artefact, survival: { ...curve, featureList: 'features-0' } } };
    expect(() => fitRecipe(tenant, plan, older, 'corrected_prior')).toThrow(/computed otherwise/);
  });

  it('refit only what was chosen', () => {
    const fitted = must(fitRecipe(tenant, plan, prior, 'corrected_prior'));
    const judgement = must(judgeRecipes(tenant, plan, prior, [], null));
    expect(() => refitChosen(tenant, plan, prior, judgement, fitted, options)).toThrow(/not the one that was chosen/);
  });
});
