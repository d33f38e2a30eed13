/** The order of the steps, and that a replay takes the same way. Effects are handed in. */
import { describe, expect, test } from 'vitest';
import type { ModelRecipe } from '#scoring';
import { StepFailed, type Steps } from '../../durable-steps.ts';
import { runTraining, type BegunTraining, type TrainingOutcome, type TrainingWork } from './run-training.ts';

interface Told {
  ends: { status: string; outcome: TrainingOutcome | null; error: string | null }[];
  calls: string[];
  shares: number[];
}

const file = (name: string) => ({ key: name, digest: name });

/** A training of two pages and three recipes in which everything goes well, unless `changes` say otherwise. */
function training(changes: Partial<TrainingWork<BegunTraining>> = {}) {
  const told: Told = { ends: [], calls: [], shares: [] };
  const work: TrainingWork<BegunTraining> = {
    begin: async () => ({ pages: 2 }),
    report: async ({ share }) => void told.shares.push(share),
    read: async (_begun, page, afterVin) => ({
      ...{ file: file(`page ${page} after ${afterVin}`), landmarks: 10 },
      nextVin: page < 2 ? `vin ${page}` : null,
    }),
    plan: async () => ({ plan: file('plan'), recipes: ['prior', 'corrected_prior', 'own_trees'] }),
    fit: async (_begun, _pages, _planned, recipe) => ({ fitted: file(recipe) }),
    judge: async () => ({
      ...{ judgement: file('judgement'), chosen: 'corrected_prior', isNews: true, isPromoted: true, reason: 'Better.' },
    }),
    refit: async (_begun, pages, _planned, _judged, fitted) => ({ trained: file(`${fitted.key} of ${pages.length}`) }),
    keep: async () => ({ modelId: 'model', version: 't-1' }),
    promote: async () => ({ kind: 'promoted', reason: 'Better.', modelId: 'model' }),
    finish: async (end) => void told.ends.push(end),
    ...changes,
  };
  // A proxy that writes down what is called, with what the steps hand on.
  const listening = new Proxy(work, {
    get(target, name: keyof TrainingWork<BegunTraining>) {
      const does = target[name] as (...given: unknown[]) => unknown;
      return (...given: unknown[]) => {
        if (name !== 'report') told.calls.push(name);
        return does(...given);
      };
    },
  });
  return { told, work: listening };
}

/** Steps as the engine keeps them: a result is handed back instead of running again. Killed before `killBefore`. */
function keptSteps(kept: Map<string, string>, killBefore?: string): Steps {
  return {
    async do<T>(name: string, work: () => Promise<T>): Promise<T> {
      if (name === killBefore) throw new Error('killed');
      const json = kept.get(name) ?? JSON.stringify((await work()) ?? null);
      kept.set(name, json);
      return JSON.parse(json) as T;
    },
    sleep: async () => undefined,
  };
}
const run = ({ work }: ReturnType<typeof training>) => runTraining(keptSteps(new Map()), work);

describe('a training', () => {
  test('reads every page, fits every recipe, keeps the chosen one and ends', async () => {
    const seen: string[][] = [];
    const all = training({
      judge: async (_begun, pages, _planned, fitted) => {
        seen.push(
          pages.map(({ key }) => key),
          fitted.map(({ key }) => key),
        );
        return { judgement: file('j'), chosen: 'own_trees', isNews: true, isPromoted: true, reason: 'Better.' };
      },
      keep: async (trained) => {
        seen.push([trained.key]);
        return { modelId: 'model', version: 't-1' };
      },
    });
    expect(await run(all)).toBe('succeeded');
    const { told } = all;
    expect(told.calls).toEqual([
      ...['begin', 'read', 'read', 'plan', 'fit', 'fit', 'fit', 'judge', 'refit', 'keep', 'promote', 'finish'],
    ]);
    expect(seen).toEqual([
      ['page 1 after ', 'page 2 after vin 1'],
      ['prior', 'corrected_prior', 'own_trees'],
      ['own_trees of 2'],
    ]);
    const outcome = { kind: 'promoted', reason: 'Better.', modelId: 'model' };
    expect(told.ends).toEqual([{ status: 'succeeded', outcome, error: null }]);
    expect(told.shares).toEqual([...told.shares].sort((a, b) => a - b));
    expect(Math.min(...told.shares)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...told.shares)).toBeLessThan(1);
  });

  test('a run that has ended is left alone', async () => {
    const all = training({ begin: async () => null });
    expect(await run(all)).toBe('ended');
    expect(all.told.calls).toEqual(['begin']);
  });

  test('data that carry no plan, no judgement or no fit at all end the run as refused, with the reason', async () => {
    const refusal = { refusal: 'Too few failures.' };
    for (const changes of [
      { plan: async () => refusal },
      { judge: async () => refusal },
      { refit: async () => refusal },
      { fit: async () => refusal },
    ]) {
      const all = training(changes);
      expect(await run(all)).toBe('refused');
      const outcome = { kind: 'refused', reason: 'Too few failures.', modelId: null };
      expect(all.told.ends).toEqual([{ status: 'refused', outcome, error: null }]);
      expect(all.told.calls).not.toContain('keep');
    }
  });

  test('one recipe that is refused is out of the race, and no more', async () => {
    const all = training({
      fit: async (_begun, _pages, _planned, recipe: ModelRecipe) =>
        recipe === 'own_trees' ? { refusal: 'Too few.' } : { fitted: file(recipe) },
    });
    expect(await run(all)).toBe('succeeded');
  });

  test('when nothing new is learned no model is made', async () => {
    const all = training({
      judge: async () => ({
        ...{ judgement: file('j'), chosen: 'prior', isNews: false, isPromoted: false, reason: 'Nothing beats it.' },
      }),
    });
    expect(await run(all)).toBe('succeeded');
    expect(all.told.calls).not.toContain('refit');
    expect(all.told.ends[0]?.outcome).toEqual({ kind: 'kept', reason: 'Nothing beats it.', modelId: null });
  });

  test('an unforeseen failure ends the run in words; the engine’s own interruptions pass through', async () => {
    for (const name of ['read', 'plan', 'fit', 'judge', 'refit', 'keep', 'promote'] as const) {
      const all = training({ [name]: async () => Promise.reject(new StepFailed(`step "${name}" failed`)) });
      expect(await run(all)).toBe('failed');
      const error = `The training stopped on an unexpected error: step "${name}" failed.`;
      expect(all.told.ends).toEqual([{ status: 'failed', outcome: null, error }]);
    }
    const interrupted = training({ keep: async () => Promise.reject(new Error('paused')) });
    await expect(run(interrupted)).rejects.toThrow('paused');
    expect(interrupted.told.ends).toEqual([]);
  });

  test('killed before any of its steps, it goes on from there and does nothing twice', async () => {
    const whole = training();
    const names = new Map<string, string>();
    await runTraining(keptSteps(names), whole.work);
    expect(names.size).toBeGreaterThan(10);
    for (const name of names.keys()) {
      const all = training();
      const kept = new Map<string, string>();
      await expect(runTraining(keptSteps(kept, name), all.work)).rejects.toThrow('killed');
      expect(await runTraining(keptSteps(kept), all.work), name).toBe('succeeded');
      expect(all.told, name).toEqual(whole.told);
    }
  });
});
