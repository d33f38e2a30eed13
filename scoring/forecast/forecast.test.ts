/** Curves, chances and days left: coherent with one another whatever the model and calibration. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Calibrations, PriorCorrection, SurvivalModel } from '#contracts/scoring-models';
import { simulatedTrees } from '../training/fixtures/simulated-tenant.ts';
import { predictSurvival } from '../trees/predict.ts';
import { calibratedSurvival, daysToFailure, failureChances, forecast, forecastSurvival } from './forecast.ts';

const correction = (parts: Partial<PriorCorrection> = {}): PriorCorrection => ({
  names: [],
  centers: [],
  scales: [],
  intercept: 0,
  coefficients: [],
  standardErrors: [0],
  interceptVariance: 0.1,
  coefficientVariance: 0.1,
  events: 10,
  expectedEvents: 10,
  ...parts,
});

/** The same chance of failure in each of three periods of ten days. */
const constant = (hazard: number, corrected: PriorCorrection | null = null): SurvivalModel => ({
  format: 'survival-1',
  trees: {
    format: 'gradient-trees-1',
    loss: 'hazard',
    names: ['a', 'b'],
    base: Math.log(hazard / (1 - hazard)),
    sizes: [],
    nodes: [],
    values: [],
    edges: [[], [], []],
    periodEnds: [10, 20, 30],
    importance: [0, 0, 0],
  },
  correction: corrected,
  typical: { days7: 0, days30: 0, days90: 0 },
  reference: [null, null],
});
const x = [[1, 2]];

const learned: SurvivalModel = { ...constant(0.1), trees: simulatedTrees({ seed: 3, trucks: 80, days: 200 }) };
const rowArbitrary = fc.array(fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(Number.NaN)), {
  minLength: 4,
  maxLength: 4,
});
const curveArbitrary = fc
  .array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((points) => {
    const scores = [...new Set(points.map(([score]) => score))].sort((a, b) => a - b);
    const probabilities = points.map(([, probability]) => probability).sort((a, b) => a - b);
    return { method: 'isotonic' as const, scores, probabilities: probabilities.slice(0, scores.length) };
  });
const calibrationArbitrary: fc.Arbitrary<Calibrations | null> = fc.option(
  fc.record({
    days7: fc.option(curveArbitrary),
    days30: fc.option(curveArbitrary),
    days90: fc.option(curveArbitrary),
  }),
);
const correctionArbitrary = fc.option(
  fc.record({
    intercept: fc.double({ min: -9, max: 9, noNaN: true }),
    slope: fc.double({ min: -3, max: 3, noNaN: true }),
  }),
);
const modelArbitrary = correctionArbitrary.map((parts): SurvivalModel => ({
  ...learned,
  correction:
    parts === null
      ? null
      : correction({
          intercept: parts.intercept,
          names: ['ageYears'],
          centers: [5],
          scales: [2],
          coefficients: [parts.slope],
        }),
}));

describe('what is refused', () => {
  it('a model that is none of ours or has no periods', () => {
    const damaged = { ...constant(0.1), format: 'survival-9' } as unknown as SurvivalModel;
    expect(() => forecastSurvival(damaged, x, [1])).toThrow(RangeError);
    const empty = constant(0.1);
    empty.trees.periodEnds = [];
    expect(() => forecastSurvival(empty, x, [1])).toThrow(/no periods/);
  });

  it('rows of another width, times that are none', () => {
    expect(() => failureChances(constant(0.1), null, [[1]])).toThrow(RangeError);
    for (const time of [-1, Number.NaN, Infinity]) {
      expect(() => forecastSurvival(constant(0.1), x, [time])).toThrow(RangeError);
      expect(() => calibratedSurvival(constant(0.1), null, x, [7, time])).toThrow(RangeError);
    }
  });

  it('a correction of features the model does not have, or with lists that do not match', () => {
    const strange = correction({ names: ['z'], centers: [0], scales: [1], coefficients: [1] });
    expect(() => forecastSurvival(constant(0.1, strange), x, [1])).toThrow(/no feature z/);
    const short = correction({ names: ['a'], centers: [], scales: [1], coefficients: [1] });
    expect(() => forecastSurvival(constant(0.1, short), x, [1])).toThrow(/differ in length/);
  });
});

describe('the curve', () => {
  it('is that of the trees within their periods, and goes on at the last hazard after them', () => {
    const [curve] = forecastSurvival(constant(0.2), x, [0, 5, 10, 30, 40, 90]);
    const expected = [0, 0.5, 1, 3, 4, 9].map((periods) => 0.8 ** periods);
    curve?.forEach((value, at) => expect(value).toBeCloseTo(expected[at] as number, 12));
    expect(forecastSurvival(constant(0.2), x, [7, 25])).toEqual(
      predictSurvival(constant(0.2).trees, x, [7, 25]).map((row) => row.map((value) => expect.closeTo(value, 12))),
    );
  });

  it('takes a correction as a factor on the cumulative hazard', () => {
    const half = constant(0.2, correction({ intercept: Math.log(0.5) }));
    expect(forecastSurvival(half, x, [30])[0]?.[0]).toBeCloseTo(Math.sqrt(0.8 ** 3), 12);
    const byFeature = constant(
      0.2,
      correction({ names: ['b'], centers: [1], scales: [2], coefficients: [Math.log(4)] }),
    );
    // (2 − 1) / 2 standard deviations: a factor of two.
    expect(forecastSurvival(byFeature, x, [10])[0]?.[0]).toBeCloseTo(0.64, 12);
    expect(forecastSurvival(byFeature, [[1, Number.NaN]], [10])[0]?.[0]).toBeCloseTo(0.8, 12);
  });

  it('stays finite for wild corrections', () => {
    const wild = constant(
      0.2,
      correction({ intercept: 400, names: ['b'], centers: [0], scales: [1e-9], coefficients: [1e9] }),
    );
    expect(forecastSurvival(wild, x, [1, 3650])[0]?.every((value) => value >= 0 && value <= 1)).toBe(true);
  });
});

describe('chances and days left', () => {
  it('are what a constant hazard asks for', () => {
    const perDay = -Math.log(0.8) / 10;
    const [chances] = failureChances(constant(0.2), null, x);
    expect(chances?.days7).toBeCloseTo(1 - Math.exp(-7 * perDay), 10);
    expect(chances?.days90).toBeCloseTo(1 - Math.exp(-90 * perDay), 10);
    const [days] = daysToFailure(constant(0.2), null, x);
    expect(days?.p10).toBeCloseTo(-Math.log(0.9) / perDay, 8);
    expect(days?.p50).toBeCloseTo(Math.log(2) / perDay, 8);
    expect(days?.p90).toBeCloseTo(Math.log(10) / perDay, 8);
  });

  it('end at ten years for a truck that hardly ever fails', () => {
    expect(daysToFailure(constant(1e-9), null, x)).toEqual([{ p10: 3650, p50: 3650, p90: 3650 }]);
  });

  it('agree with each other under any model and calibration', () => {
    fc.assert(
      fc.property(
        modelArbitrary,
        calibrationArbitrary,
        fc.array(rowArbitrary, { minLength: 1, maxLength: 4 }),
        (model, calibration, rows) => {
          const chances = failureChances(model, calibration, rows);
          const days = daysToFailure(model, calibration, rows);
          expect(forecast(model, calibration, rows)).toEqual(
            rows.map((_, at) => ({ chances: chances[at], daysToFailure: days[at] })),
          );
          const times = [0, 3, 7, 12.5, 30, 60, 90, 200, 5000];
          const curves = calibratedSurvival(model, calibration, rows, times);
          rows.forEach((_, at) => {
            const { days7, days30, days90 } = chances[at] as (typeof chances)[number];
            expect(days7 >= 0 && days7 <= days30 && days30 <= days90 && days90 <= 1).toBe(true);
            const { p10, p50, p90 } = days[at] as (typeof days)[number];
            expect(p10 >= 0 && p10 <= p50 && p50 <= p90 && p90 <= 3650).toBe(true);
            const curve = curves[at] as number[];
            expect(curve[0]).toBe(1);
            for (let time = 1; time < times.length; time += 1) {
              expect((curve[time] as number) <= (curve[time - 1] as number) + 1e-12).toBe(true);
            }
            for (const [place, chance] of [
              [2, days7],
              [4, days30],
              [6, days90],
            ] as const) {
              expect(1 - (curve[place] as number)).toBeCloseTo(chance, 9);
            }
            // "10 % within 30 days" and "p10 after 30 days" never contradict each other.
            if (days30 > 0.1 + 1e-9) expect(p10).toBeLessThanOrEqual(30);
            if (days30 < 0.1 - 1e-9) expect(p10).toBeGreaterThan(30 - 1e-6);
            if (days90 > 0.5 + 1e-9) expect(p50).toBeLessThanOrEqual(90);
          });
        },
      ),
    );
  });

  it('never fall when a feature that raises the hazard rises', () => {
    fc.assert(
      fc.property(modelArbitrary, calibrationArbitrary, rowArbitrary, (model, calibration, row) => {
        const [low, high] = failureChances(model, calibration, [
          [0, ...row.slice(1)],
          [1, ...row.slice(1)],
        ]);
        expect((high?.days7 ?? 0) >= (low?.days7 ?? 1) - 1e-12).toBe(true);
        expect((high?.days90 ?? 0) >= (low?.days90 ?? 1) - 1e-12).toBe(true);
      }),
    );
  });

  it('do not depend on the rows beside them', () => {
    const rows = [
      [0, 3, 400, 0.5],
      [1, 8, Number.NaN, 0.2],
      [0, 1, 300, 0.9],
    ];
    const together = forecast(learned, null, rows);
    expect(rows.map((row) => forecast(learned, null, [row])[0])).toEqual(together);
  });
});
