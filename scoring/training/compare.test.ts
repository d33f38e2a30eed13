/** Who takes over, and the reason in words. */
import { describe, expect, it } from 'vitest';
import { bestRecipe, compareOutOfTime, isAtLeastAsGood } from './compare.ts';
import { evaluatePredictions } from './evaluate.ts';
import type { JudgedRecipe, ModelRecipe } from './training-types.ts';

const unknown = evaluatePredictions({
  test: { vehicleIds: [], x: [], time: [], event: [], failure: [] },
  train: { time: [], event: [] },
  predict: () => [],
  outOfTimeFrom: null,
});
const judged = (
  recipe: ModelRecipe,
  integratedBrier: number | null,
  concordance: number | null = 0.7,
  baselineIntegratedBrier = 0.2,
): JudgedRecipe => ({
  recipe,
  quality: { ...unknown, integratedBrier, concordance, baselineIntegratedBrier },
});
const now = { failures: 40, until: '2026-06-01T00:00:00.000Z' };

describe('at least as good', () => {
  it('never without a number', () => {
    expect(isAtLeastAsGood(judged('own_trees', null).quality, judged('prior', 0.2).quality)).toBe(false);
    expect(isAtLeastAsGood(judged('own_trees', 0.1).quality, judged('prior', null).quality)).toBe(false);
  });

  it('by Brier score, with a ranking that is not clearly worse', () => {
    const old = judged('prior', 0.15, 0.7).quality;
    expect(isAtLeastAsGood(judged('own_trees', 0.15, 0.695).quality, old)).toBe(true);
    expect(isAtLeastAsGood(judged('own_trees', 0.14, 0.68).quality, old)).toBe(false);
    expect(isAtLeastAsGood(judged('own_trees', 0.1501, 0.9).quality, old)).toBe(false);
    expect(isAtLeastAsGood(judged('own_trees', 0.14, null).quality, old)).toBe(true);
  });
});

describe('the best recipe', () => {
  it('is nobody among none, and the only one among one', () => {
    expect(bestRecipe([])).toBeNull();
    expect(bestRecipe([judged('own_trees', null)])?.recipe).toBe('own_trees');
  });

  it('is the simplest in doubt, whatever the order', () => {
    const close = [judged('own_trees', 0.1499), judged('corrected_prior', 0.1498), judged('prior', 0.15)];
    expect(bestRecipe(close)?.recipe).toBe('prior');
    const clear = [judged('own_trees', 0.1479), judged('corrected_prior', 0.148), judged('prior', 0.15)];
    expect(bestRecipe(clear)?.recipe).toBe('corrected_prior');
    expect(bestRecipe([...clear.slice(1), judged('own_trees', 0.14)])?.recipe).toBe('own_trees');
  });
});

describe('compareOutOfTime', () => {
  it('says that nothing was compared when nothing could be judged', () => {
    const unjudged = compareOutOfTime(judged('prior', null), judged('prior', null), null, now);
    expect(unjudged.isPromoted).toBe(false);
    expect(unjudged.reason).toContain('cannot be judged');
  });

  it('keeps the prior when nothing beats it', () => {
    const kept = compareOutOfTime(judged('prior', 0.15), judged('prior', 0.15), null, now);
    expect(kept.isPromoted).toBe(false);
    expect(kept.reason).toContain('beats the prior that comes with the product yet');
    expect(kept.reason).toContain('0.1500');
  });

  it('promotes another recipe that is at least as good, with the numbers', () => {
    const { isPromoted, reason } = compareOutOfTime(
      judged('corrected_prior', 0.14, 0.71),
      judged('prior', 0.15),
      null,
      now,
    );
    expect(isPromoted).toBe(true);
    expect(reason).toContain('0.1400 against 0.1500');
    expect(reason).toContain('0.7100 against 0.7000');
    expect(reason).toContain('0.2000');
  });

  it('keeps the one in use when the other is worse or cannot be judged', () => {
    const active = { recipe: 'own_trees' as const, failures: 30 };
    for (const challenger of [judged('corrected_prior', 0.16), judged('corrected_prior', null)]) {
      const { isPromoted, reason } = compareOutOfTime(challenger, judged('own_trees', 0.15), active, now);
      expect(isPromoted).toBe(false);
      expect(reason).toMatch(/not as good as|cannot be judged/);
      expect(reason).not.toContain('NaN');
    }
  });

  it('goes back to the prior when that has become the best, even where the average is better still, and says so', () => {
    const active = { recipe: 'own_trees' as const, failures: 30 };
    expect(compareOutOfTime(judged('prior', 0.14), judged('own_trees', 0.15), active, now).isPromoted).toBe(true);
    const { isPromoted, reason } = compareOutOfTime(
      judged('prior', 0.24),
      judged('own_trees', 0.25),
      { ...active },
      now,
    );
    expect(isPromoted).toBe(true);
    expect(reason).toContain('the fleet’s average curve alone scores 0.2000, which is better');
  });

  it('never puts what was learned in force where the fleet’s average curve is better, however bad the one in use', () => {
    for (const recipe of ['corrected_prior', 'own_trees'] as const) {
      const { isPromoted, reason } = compareOutOfTime(judged(recipe, 0.21), judged('prior', 0.3), null, now);
      expect(isPromoted).toBe(false);
      expect(reason).toContain('worse than saying the same of every truck: integrated Brier score 0.2100');
      expect(reason).toContain('the fleet’s average curve alone scores 0.2000, which is better');
    }
    const kept = compareOutOfTime(judged('prior', 0.3), judged('prior', 0.3), null, now);
    expect(kept.isPromoted).toBe(false);
    expect(kept.reason).toContain('which is better');
  });

  it('renews the recipe in use when there is something new to learn from, and only then', () => {
    const same = judged('corrected_prior', 0.15);
    const renewed = compareOutOfTime(same, same, { recipe: 'corrected_prior', failures: 31 }, now);
    expect(renewed.isPromoted).toBe(true);
    expect(renewed.reason).toMatch(/^The same method, .*, now learned from 40 failures instead of 31; /);
    expect(renewed.reason).toContain('0.1500');
    const known = { recipe: 'corrected_prior' as const, failures: 40, dataUntil: '2026-05-30T00:00:00.000Z' };
    expect(compareOutOfTime(same, same, known, now)).toMatchObject({
      isPromoted: false,
      reason: expect.stringContaining('nothing new to learn from') as string,
    });
    expect(compareOutOfTime(same, same, { ...known, dataUntil: '2026-05-01T00:00:00.000Z' }, now).isPromoted).toBe(
      true,
    );
  });

  it('does not renew it from fewer failures of the same time, but does when time has moved on', () => {
    const same = judged('corrected_prior', 0.15);
    const active = { recipe: 'corrected_prior' as const, failures: 55, dataUntil: '2026-05-30T00:00:00.000Z' };
    const kept = compareOutOfTime(same, same, active, now);
    expect(kept.isPromoted).toBe(false);
    expect(kept.reason).toContain('learned from 55 failures; of the same time only 40');
    expect(compareOutOfTime(same, same, { ...active, dataUntil: null }, now).isPromoted).toBe(false);
    const moved = compareOutOfTime(same, same, { ...active, dataUntil: '2026-03-01T00:00:00.000Z' }, now);
    expect(moved).toMatchObject({ isPromoted: true, reason: expect.stringContaining('40 failures') as string });
  });

  it('does not renew it where it has fallen behind the fleet’s average curve', () => {
    const same = judged('own_trees', 0.21);
    const { isPromoted, reason } = compareOutOfTime(same, same, { recipe: 'own_trees', failures: 31 }, now);
    expect(isPromoted).toBe(false);
    expect(reason).toContain('learned again, is worse than saying the same of every truck');
  });

  it('never renews the prior, also where a model stands for it', () => {
    const prior = judged('prior', 0.15);
    const { isPromoted, reason } = compareOutOfTime(prior, prior, { recipe: 'prior', failures: 12 }, now);
    expect(isPromoted).toBe(false);
    expect(reason).toContain('Nothing learned from this fleet beats the prior');
  });

  it('says so when the recipe in use could not be fitted again', () => {
    const active = { recipe: 'own_trees' as const, failures: 300 };
    const prior = judged('prior', 0.15);
    const gone = /^The model in use, a model of this fleet alone, cannot be learned from these data any more\. /;
    for (const best of [prior, judged('corrected_prior', 0.14)]) {
      const { isPromoted, reason } = compareOutOfTime(best, prior, active, now);
      expect(isPromoted).toBe(true);
      expect(reason).toMatch(gone);
      expect(reason).not.toContain('same method');
    }
    const bad = compareOutOfTime(judged('corrected_prior', 0.21), prior, active, now);
    expect(bad.isPromoted).toBe(false);
    expect(bad.reason).toMatch(gone);
  });
});
