/** What recipes learn, against simulated tenants whose truth is known: the rate once, the shape of the chances, never a wrong direction. */
import { describe, expect, it } from 'vitest';
import type { Calibrations, SurvivalModel } from '#contracts/scoring-models';
import { failureChances } from '../forecast/forecast.ts';
import { isRefusal, type Refusal } from '../survival/refusal.ts';
import { curveOf } from './evaluate.ts';
import { simulatedFeatures, simulatedPrior, simulateTenant, type Simulation } from './fixtures/simulated-tenant.ts';
import { priorSurvival, survivalOf } from './fit-recipe.ts';
import { lifetimesBetween, readLandmarks } from './landmarks.ts';
import { fitRecipe, planTraining, refitChosen, trainModel } from './train-model.ts';
import type { JudgedRecipe, TrainingInput, TrainingPlan } from './training-types.ts';

const must = <T>(answer: T | Refusal): T => {
  if (isRefusal(answer)) throw new Error(JSON.stringify(answer));
  return answer;
};
const prior = simulatedPrior();
const bare = priorSurvival(prior, simulatedFeatures);
const options = { seed: 1, version: 'tenant-1' };
const planOf = (input: TrainingInput): TrainingPlan => must(planTraining(input, options));

/** Many more trucks of the same laws: what becomes of them within 7 days, and what a model says of them. */
const population = (simulation: Simulation) => {
  const input = simulateTenant({ ...simulation, seed: simulation.seed + 1000, trucks: 600 });
  const landmarks = must(
    readLandmarks(
      input,
      input.landmarks.map((_, place) => place),
    ),
  );
  const rows = lifetimesBetween(landmarks, 0, Date.parse(input.until));
  return {
    truth: 1 - curveOf(rows)(7),
    said: (model: SurvivalModel, calibration: Calibrations | null): number =>
      failureChances(model, calibration, rows.x).reduce((sum, { days7 }) => sum + days7 / rows.x.length, 0),
  };
};

describe('the rate of a fleet is learned once', () => {
  const cases = [0.4, 1, 2.5, 6].flatMap((times) => [30, 60, 100, 200].map((days) => ({ times, days })));

  it.each(cases)('$times times the rate of the prior, $days days', ({ times, days }) => {
    const simulation = { seed: 5, trucks: 200, days, rate: 0.01 * times };
    const tenant = simulateTenant(simulation);
    const plan = planOf(tenant);
    const early = must(fitRecipe(tenant, plan, prior, 'corrected_prior'));
    const chosen = { recipe: 'corrected_prior' } as JudgedRecipe;
    const { artefact } = must(refitChosen(tenant, plan, prior, { chosen }, early, options));
    const { truth, said } = population(simulation);
    // Both what is judged and what is shipped.
    for (const [model, calibration] of [
      [survivalOf(bare, early), early.calibration],
      [artefact.survival as SurvivalModel, artefact.calibration],
    ] as const) {
      const uncalibrated = said(model, null);
      const calibrated = said(model, calibration);
      const off = (chance: number): number => Math.abs(Math.log(chance / truth));
      expect(off(calibrated)).toBeLessThan(off(uncalibrated) + 0.07);
      // What one factor on the prior's curves leaves of another fleet's shape, and the noise of a month.
      expect(off(calibrated)).toBeLessThan(times < 1 ? 0.35 : 0.2);
    }
  });

  it('without earlier landmarks nothing is calibrated: there is no earlier model to check', () => {
    const tenant = simulateTenant({ seed: 5, trucks: 300, days: 29, rate: 0.06 });
    const fitted = must(fitRecipe(tenant, planOf(tenant), prior, 'corrected_prior'));
    expect(fitted.calibration).toEqual({ days7: null, days30: null, days90: null });
  });
});

describe('the shape of the chances', () => {
  it('is learned for all three horizons where the prior makes far too much of something', () => {
    const believer = simulatedPrior({ ageEffect: 0.5, rate: 0.004 });
    const simulation = { seed: 61, trucks: 70, days: 400, rate: 0.004, faultFactor: 2, ageEffect: 0 };
    const features = simulatedFeatures.map((feature) =>
      // Nothing that a correction may weigh: only calibration is left to mend it.
      feature.name === 'ageYears' ? { ...feature, group: 'signals' as const } : feature,
    );
    const trained = must(
      trainModel({ ...simulateTenant(simulation), features }, believer, { ...options, active: null }),
    );
    expect(trained.recipe).toBe('corrected_prior');
    const { days7, days30, days90 } = trained.artefact.calibration ?? {};
    for (const map of [days7, days30, days90]) expect(map ?? null).not.toBeNull();
  });
});

describe('what a correction may turn round', () => {
  it('is never a feature with a declared direction', () => {
    const tenant = simulateTenant({ seed: 21, trucks: 60, days: 200, rate: 0.008 });
    const fit = (features: typeof simulatedFeatures) => {
      const input = { ...tenant, features };
      return must(fitRecipe(input, planOf(input), prior, 'corrected_prior')).correction?.names;
    };
    expect(fit(simulatedFeatures)).toEqual(['ageYears', 'milesPerDay']);
    const overdue = simulatedFeatures.map((feature) =>
      feature.name === 'ageYears' ? { ...feature, group: 'maintenance' as const, monotone: 1 as const } : feature,
    );
    expect(fit(overdue)).toEqual(['milesPerDay']);
  });
});
