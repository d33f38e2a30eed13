/** The hazard loss against Kaplan–Meier and against hazards that are known. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitGradientTrees } from './fit-gradient-trees.ts';
import { personPeriods } from './person-periods.ts';
import { predictSurvival, predictTrees } from './predict.ts';
import { randomSource } from './random.ts';
import type { GradientTreesModel, TreeFitInput, TreeFitParams } from './tree-model.ts';

const params: TreeFitParams = {
  rounds: 200,
  depth: 2,
  learningRate: 0.3,
  minLeaf: 1,
  bins: 255,
  subsample: 1,
  l2: 0,
  periods: 255,
};
const fit = (input: Omit<TreeFitInput, 'loss' | 'names' | 'seed'>): GradientTreesModel => {
  const names = (input.x[0] ?? []).map((_, at) => `c${at}`);
  const model = fitGradientTrees({ ...input, names, loss: 'hazard', seed: 1 });
  if ('kind' in model) throw new Error(`refused: ${model.kind}`);
  return model;
};

/** Kaplan–Meier with late entry, from its definition. */
const kaplanMeierAt = (time: number[], event: number[], entry: number[], at: number): number =>
  [...new Set(time.filter((t, row) => event[row] === 1 && t <= at))].reduce((survival, t) => {
    const atRisk = time.filter((end, row) => end >= t && (entry[row] ?? 0) < t).length;
    const deaths = time.filter((end, row) => end === t && event[row] === 1).length;
    return survival * (1 - deaths / atRisk);
  }, 1);

describe('person-periods', () => {
  it('ends periods at event times and counts a censoring tied with an event as at risk, one before it as not', () => {
    const expanded = personPeriods([5, 5, 4, 7], [1, 0, 0, 1], undefined, Int32Array.of(0, 1, 2, 3), 20);
    expect(expanded.periodEnds).toEqual([5, 7]);
    expect([...expanded.firstRow]).toEqual([0, 1, 2, 2, 4]);
    expect([...expanded.event]).toEqual([1, 0, 0, 1]);
  });

  it('weighs a part of a period by the share of its events in that part', () => {
    const expanded = personPeriods([1, 2, 3, 4, 3], [1, 1, 1, 1, 0], undefined, Int32Array.of(0, 1, 2, 3, 4), 1);
    expect([...expanded.weight]).toEqual([1, 1, 1, 1, 0.75]);
    const late = personPeriods([1, 2, 3, 4, 9], [1, 1, 1, 1, 0], [0, 0, 0, 0, 3], Int32Array.of(0, 1, 2, 3, 4), 1);
    expect([...late.weight]).toEqual([1, 1, 1, 1, 0.25]);
  });
});

describe('survival curves', () => {
  it('without a useful column are Kaplan–Meier, ties, censoring and late entry included', () => {
    const random = randomSource(9);
    const time = Array.from({ length: 120 }, () => 1 + random.below(25));
    const entry = time.map((t) => (random.next() < 0.5 ? 0 : random.below(t)));
    const event = time.map(() => (random.next() < 0.6 ? 1 : 0));
    const x = time.map(() => [1]);
    const times = [0, 1, 3, 7, 12, 18, 24, 25, 99];
    for (const late of [false, true]) {
      const entries = late ? entry : time.map(() => 0);
      const model = fit({ x, time, event, params, ...(late ? { entry } : {}) });
      const [curve = []] = predictSurvival(model, [[1]], times);
      times.forEach((at, place) => expect(curve[place]).toBeCloseTo(kaplanMeierAt(time, event, entries, at), 3));
    }
  });

  it('find a hazard that depends on a column and on time', () => {
    const random = randomSource(11);
    const rows = 3000;
    const x = Array.from({ length: rows }, () => [random.next()]);
    // Rate 0.02 a day below 0.5, 0.08 above; watched for 60 days.
    const drawn = x.map(([a = 0]) => -Math.log(1 - random.next()) / (a > 0.5 ? 0.08 : 0.02));
    const time = drawn.map((t) => Math.min(t, 60));
    const event = drawn.map((t) => (t < 60 ? 1 : 0));
    const model = fit({
      x,
      time,
      event,
      params: { ...params, rounds: 60, learningRate: 0.1, minLeaf: 100, periods: 20 },
    });
    const [slow = [], fast = []] = predictSurvival(model, [[0.2], [0.8]], [10, 30, 50]);
    [10, 30, 50].forEach((at, place) => {
      expect(slow[place]).toBeCloseTo(Math.exp(-0.02 * at), 1);
      expect(fast[place]).toBeCloseTo(Math.exp(-0.08 * at), 1);
    });
    const [low = 0, high = 0] = predictTrees(model, [[0.2], [0.8]]);
    expect(high).toBeGreaterThan(low);
  });

  it('start at 1, never rise, stay where they are past the last event', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.constantFrom(0, 1), fc.double()), {
          minLength: 2,
          maxLength: 30,
        }),
        (rows) => {
          const time = rows.map(([t]) => t);
          const event = rows.map(([, d]) => d);
          const x = rows.map(([, , value]) => [Number.isFinite(value) ? value : Number.NaN]);
          fc.pre(event.includes(1));
          const model = fit({ x, time, event, params: { ...params, rounds: 10, periods: 6 } });
          const times = [0, ...time, ...time.map((t) => t / 3), 1e12].sort((a, b) => a - b);
          for (const curve of predictSurvival(model, x, times)) {
            curve.forEach((survival, at) => {
              expect(survival >= 0 && survival <= (curve[at - 1] ?? 1)).toBe(true);
            });
            expect(time.includes(0) || curve[0] === 1).toBe(true);
          }
          for (const risk of predictTrees(model, x)) expect(Number.isFinite(risk)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
