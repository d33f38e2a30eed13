/** What the functions answer to data that make no sense: a tag that says why, or a RangeError; never a wrong number. */
import { describe, expect, test } from 'vitest';
import { brierScores, integratedBrier } from './brier.ts';
import { concordance } from './concordance.ts';
import { predictCoxSurvival } from './cox-baseline.ts';
import { fitCoxPh, type CoxInput } from './cox.ts';
import { dCalibration } from './d-calibration.ts';
import { kaplanMeier } from './kaplan-meier.ts';
import { isRefusal } from './refusal.ts';
import { timeDependentAuc } from './time-dependent-auc.ts';
import { unoConcordance } from './uno-concordance.ts';
import { fitWeibullAft } from './weibull.ts';

const sound: CoxInput = {
  time: [4, 3, 9, 6, 11, 8, 15, 2],
  event: [1, 1, 0, 1, 1, 0, 1, 1],
  x: [
    [1, 0.2],
    [0, 0.9],
    [1, 0.4],
    [0, 0.1],
    [1, 0.8],
    [0, 0.6],
    [0, 0.3],
    [1, 0.5],
  ],
  names: ['a', 'b'],
};
const fits = [
  ['fitCoxPh', fitCoxPh],
  ['fitWeibullAft', fitWeibullAft],
] as const;
const withCell = (row: number, column: number, value: number): number[][] =>
  sound.x.map((cells, i) => cells.map((cell, j) => (i === row && j === column ? value : cell)));

describe.each(fits)('%s', (name, fit) => {
  const width = 2;
  const need = name === 'fitCoxPh' ? width + 1 : width + 2;
  test('the sound data fit', () => expect(isRefusal(fit(sound))).toBe(false));

  const refused: [string, Partial<CoxInput>, object][] = [
    ['nothing at all', { time: [], event: [], x: [] }, { kind: 'insufficient_data', have: 0, need }],
    ['fewer rows than it takes', { time: [1, 2], event: [1, 1], x: [[1, 2], [3, 5]] }, { kind: 'insufficient_data', have: 2, need }], // prettier-ignore
    ['everybody censored', { event: sound.event.map(() => 0) }, { kind: 'no_events', have: 0, need: 1 }],
    ['NaN in time', { time: sound.time.with(2, Number.NaN) }, { kind: 'non_finite', column: 'time' }],
    ['Infinity in time', { time: sound.time.with(2, Infinity) }, { kind: 'non_finite', column: 'time' }],
    ['NaN in event', { event: sound.event.with(2, Number.NaN) }, { kind: 'non_finite', column: 'event' }],
    ['NaN in entry', { entry: sound.time.map(() => Number.NaN) }, { kind: 'non_finite', column: 'entry' }],
    ['NaN in x', { x: withCell(3, 1, Number.NaN) }, { kind: 'non_finite', column: 'b' }],
    ['−Infinity in x', { x: withCell(3, 0, -Infinity) }, { kind: 'non_finite', column: 'a' }],
    ['a constant column', { x: sound.x.map(([a = 0]) => [a, 7.3]) }, { kind: 'constant_column', column: 'b' }],
    ['a constant of 0.1, whose mean rounds', { x: sound.x.map(([a = 0]) => [a, 0.1]) }, { kind: 'constant_column', column: 'b' }],
    ['a column twice', { x: sound.x.map(([, b = 0]) => [b, b]) }, { kind: 'collinear', column: 'b' }],
    ['a column in other units', { x: sound.x.map(([, b = 0]) => [b, 32 + 1.8 * b]) }, { kind: 'collinear', column: 'b' }],
    ['a column in the billions twice', { x: sound.x.map(([, b = 0]) => [1e9 * b, 7e9 * b + 1e9]) }, { kind: 'collinear', column: 'b' }],
    ['no failure with b', { x: sound.x.map(([a = 0], i) => [a, 1 - (sound.event[i] ?? 0)]) }, { kind: 'separation', column: 'b' }],
  ]; // prettier-ignore
  test.each(refused)('%s: refused', (_, change, answer) => expect(fit({ ...sound, ...change })).toEqual(answer));

  const finiteWithRidge = refused.filter(([, , answer]) =>
    ['constant_column', 'collinear', 'separation'].includes('kind' in answer ? String(answer.kind) : ''),
  );
  test.each(finiteWithRidge)('%s: finite with a ridge', (_, change) => {
    for (const ridge of [1e-6, 0.5, 1e6]) {
      const answer = fit({ ...sound, ...change, ridge });
      if (isRefusal(answer)) throw new Error(`${ridge}: ${JSON.stringify(answer)}`);
      expect(answer.coefficients.every(Number.isFinite) && answer.standardErrors.every(Number.isFinite)).toBe(true);
      expect(answer.penalizedLogLikelihood).toBeLessThanOrEqual(answer.logLikelihood);
    }
  });

  const mistakes: [string, Partial<CoxInput>, RegExp][] = [
    ['event too short', { event: [1] }, /event has 1 values, time has 8/],
    ['x too short', { x: [[1, 2]] }, /x has 1 rows/],
    ['a ragged row', { x: sound.x.with(2, [1]) }, /row 2 of x has 1 values for 2 names/],
    ['a name too many', { names: ['a', 'b', 'c'] }, /for 3 names/],
    ['entry too short', { entry: [0] }, /entry has 1/],
    ['a negative time', { time: sound.time.with(1, -3) }, /time must not be negative; row 1/],
    ['a negative entry', { entry: sound.time.map(() => -1) }, /entry must not be negative/],
    ['an entry at the end', { entry: [...sound.time] }, /entry must lie before time; row 0/],
    ['an event of 2', { event: sound.event.with(4, 2) }, /event must be 0 or 1; row 4 has 2/],
    ['a negative ridge', { ridge: -1 }, /ridge must be 0 or more/],
    ['a ridge of NaN', { ridge: Number.NaN }, /ridge/],
  ];
  test.each(mistakes)('%s: a RangeError that says so', (_, change, message) => {
    expect(() => fit({ ...sound, ...change })).toThrow(RangeError);
    expect(() => fit({ ...sound, ...change })).toThrow(message);
  });

  test.each([1e9, 1e-9, 1e150, 1e-150])('columns times %d: the coefficients divided by it', (factor) => {
    const plain = fit(sound);
    const scaled = fit({ ...sound, x: sound.x.map((cells) => cells.map((cell) => cell * factor)) });
    if (isRefusal(plain) || isRefusal(scaled)) throw new Error('refused');
    expect(scaled.logLikelihood).toBeCloseTo(plain.logLikelihood, 9);
    plain.coefficients.forEach((value, j) =>
      expect(((scaled.coefficients[j] ?? 0) * factor) / value).toBeCloseTo(1, 7),
    );
    expect(JSON.stringify(scaled)).not.toMatch(/[:,[]null/);
  });

  test('an offset of a billion costs no more than the digits of the column itself', () => {
    const x = sound.x.map(([a = 0, b = 0]) => [a + 1e9, 1024 * b]);
    const far = fit({ ...sound, x });
    const near = fit({ ...sound, x: x.map(([a = 0, b = 0]) => [a - 1e9, b]) });
    if (isRefusal(far) || isRefusal(near)) throw new Error('refused');
    near.coefficients.forEach((value, j) => expect(far.coefficients[j]).toBeCloseTo(value, 7));
  });
});

describe('Cox alone', () => {
  test('a column that varies between strata only is constant to it', () => {
    const strata = sound.x.map(([a = 0]) => a);
    expect(fitCoxPh({ ...sound, strata })).toEqual({ kind: 'constant_column', column: 'a' });
  });

  test('only the last failure is seen: nobody to compare it with', () => {
    const event = sound.time.map((t) => (t === 15 ? 1 : 0));
    expect(fitCoxPh({ ...sound, event })).toEqual({ kind: 'insufficient_data', have: 1, need: 3 });
  });

  test('a column that varies only where no failure looks is constant', () => {
    // Rows 0 and 1 are censored before the first failure.
    const input = { time: [1, 2, 5, 6, 7], event: [0, 0, 1, 1, 0], x: [[9], [8], [3], [3], [3]], names: ['a'] };
    expect(fitCoxPh(input)).toEqual({ kind: 'constant_column', column: 'a' });
    // Two risk sets that share nobody, each with one value of the column.
    const apart = {
      time: [3, 4, 9, 10],
      event: [1, 0, 1, 0],
      entry: [0, 0, 5, 5],
      x: [[1], [1], [2], [2]],
      names: ['a'],
    };
    expect(fitCoxPh(apart)).toEqual({ kind: 'constant_column', column: 'a' });
  });

  test('separation that no single column shows', () => {
    // The sum of both orders the failures, neither does alone.
    const x = sound.time.map((t, i) => [i % 3, -t - (i % 3)]);
    expect(fitCoxPh({ ...sound, x })).toMatchObject({ kind: 'separation' });
  });

  test('near separation is not separation: one row the other way', () => {
    const time = Array.from({ length: 60 }, (_, i) => i + 1);
    const x = time.map((t) => [-t]);
    const input = { time, event: time.map(() => 1), x, names: ['a'] };
    expect(fitCoxPh(input)).toEqual({ kind: 'separation', column: 'a' });
    const answer = fitCoxPh({ ...input, x: x.with(30, [-31.5]).with(31, [-31]) });
    if (isRefusal(answer)) throw new Error(JSON.stringify(answer));
    expect(answer.coefficients[0]).toBeGreaterThan(1);
  });

  test('a stratum that is not a number', () => {
    expect(fitCoxPh({ ...sound, strata: sound.time.map(() => Number.NaN) })).toEqual({
      kind: 'non_finite',
      column: 'strata',
    });
    expect(() => fitCoxPh({ ...sound, strata: [1] })).toThrow(RangeError);
  });

  test('without columns there is still a baseline', () => {
    const answer = fitCoxPh({ time: [1, 2, 3], event: [1, 0, 1], x: [[], [], []], names: [] });
    if (isRefusal(answer)) throw new Error('refused');
    expect(answer.logLikelihood).toBe(answer.nullLogLikelihood);
    expect(answer.baseline).toMatchObject({
      time: [1, 2, 3],
      cumulativeHazard: [1 / 3, 1 / 3, 4 / 3].map((value) => expect.closeTo(value, 12) as unknown),
    });
    expect(answer.concordance).toBe(0.5);
  });

  test('a baseline at x = 0 beyond the number range is null, predictions are not', () => {
    const x = sound.x.map(([a = 0, b = 0], i) => [a, -2010 - 0.001 * i + 0.002 * b]);
    const answer = fitCoxPh({ ...sound, x, strata: null });
    if (isRefusal(answer)) throw new Error(JSON.stringify(answer));
    expect(answer.baseline.cumulativeHazard).toContain(null);
    expect(answer.baseline.cumulativeHazardAtMeans.every((value) => value !== null)).toBe(true);
    const times = [...answer.baseline.time];
    for (const curve of predictCoxSurvival(answer, answer.baseline, x, times)) {
      curve.forEach((s, k) => expect(s >= 0 && s <= (curve[k - 1] ?? 1)).toBe(true));
    }
    expect(JSON.stringify(JSON.parse(JSON.stringify(answer)))).toBe(JSON.stringify(answer));
  });

  test('unknown ties', () => {
    expect(() => fitCoxPh({ ...sound, ties: 'exact' as 'efron' })).toThrow(RangeError);
  });
});

describe('Kaplan–Meier', () => {
  test('refusals and mistakes', () => {
    expect(kaplanMeier({ time: [], event: [] })).toEqual({ kind: 'insufficient_data', have: 0, need: 1 });
    expect(kaplanMeier({ time: [Number.NaN], event: [1] })).toEqual({ kind: 'non_finite', column: 'time' });
    expect(() => kaplanMeier({ time: [1], event: [] })).toThrow(RangeError);
    expect(() => kaplanMeier({ time: [-1], event: [1] })).toThrow(RangeError);
  });
  test('S = 0 has no standard error, and stays 0', () => {
    const answer = kaplanMeier({ time: [1, 2, 9], entry: [0, 1, 5], event: [1, 1, 1] });
    expect(answer).toMatchObject({ survival: [0, 0, 0], standardError: [null, null, null], atRisk: [1, 1, 1] });
  });
});

describe('judging', () => {
  const judged = { trainTime: [1, 2, 3], trainEvent: [1, 0, 1], time: [1, 2, 3], event: [1, 0, 1] };
  const survivalAt = [[0.9], [0.8], [0.7]];
  test.each<[string, () => unknown]>([
    ['risk too short', () => concordance({ time: [1, 2], event: [1, 1], risk: [1] })],
    ['a negative tau', () => unoConcordance({ ...judged, risk: [1, 2, 3], tau: -1 })],
    ['a tau of NaN', () => unoConcordance({ ...judged, risk: [1, 2, 3], tau: Number.NaN })],
    ['survival above 1', () => brierScores({ ...judged, times: [1], survivalAt: [[1.2], [0.5], [0.5]] })],
    ['a ragged survivalAt', () => brierScores({ ...judged, times: [1], survivalAt: [[1], [1, 1], [1]] })],
    ['too few rows of survivalAt', () => brierScores({ ...judged, times: [1], survivalAt: [[1]] })],
    ['a time of NaN', () => brierScores({ ...judged, times: [Number.NaN], survivalAt })],
    [
      'descending times',
      () => integratedBrier({ ...judged, times: [2, 1], survivalAt: survivalAt.map(([s = 0]) => [s, s]) }),
    ],
    ['a negative time', () => timeDependentAuc({ ...judged, risk: [1, 2, 3], times: [-1] })],
    ['trainEvent too short', () => timeDependentAuc({ ...judged, trainEvent: [1], risk: [1, 2, 3], times: [1] })],
    ['one bin', () => dCalibration({ event: [1], survivalAtTime: [0.5], bins: 1 })],
    ['half a bin', () => dCalibration({ event: [1], survivalAtTime: [0.5], bins: 2.5 })],
    ['survival below 0', () => dCalibration({ event: [1], survivalAtTime: [-0.5] })],
    ['an event of 3', () => dCalibration({ event: [3], survivalAtTime: [0.5] })],
    ['lengths that differ', () => dCalibration({ event: [1, 1], survivalAtTime: [0.5] })],
  ])('%s: a RangeError', (_, call) => expect(call).toThrow(RangeError));

  test.each<[string, () => unknown, string]>([
    ['risk', () => concordance({ time: [1, 2], event: [1, 1], risk: [1, Number.NaN] }), 'risk'],
    ['risk for Uno', () => unoConcordance({ ...judged, risk: [1, 2, Infinity], tau: 3 }), 'risk'],
    ['risk for the AUC', () => timeDependentAuc({ ...judged, risk: [1, 2, Number.NaN], times: [1] }), 'risk'],
    ['trainTime', () => brierScores({ ...judged, trainTime: [1, 2, Number.NaN], times: [1], survivalAt }), 'trainTime'],
    ['survivalAt', () => brierScores({ ...judged, times: [1], survivalAt: [[Number.NaN], [1], [1]] }), 'survivalAt'],
    ['survivalAtTime', () => dCalibration({ event: [1], survivalAtTime: [Number.NaN] }), 'survivalAtTime'],
  ])('NaN in %s: non_finite', (_, call, column) => expect(call()).toEqual({ kind: 'non_finite', column }));
});
