/** Quality of predictions on held-back landmarks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelQualitySchema } from '#contracts/scoring-models';
import { brierScores } from '../survival/brier.ts';
import { kaplanMeier } from '../survival/kaplan-meier.ts';
import { randomSource } from '../trees/random.ts';
import { curveOf, evaluatePredictions, type PredictSurvival } from './evaluate.ts';
import type { Lifetimes } from './landmarks.ts';

/** Exponential lifetimes; the first feature is the true daily hazard. */
const simulated = (seed: number, rows: number, sight = 140): Lifetimes => {
  const random = randomSource(seed);
  const lifetimes: Lifetimes = { vehicleIds: [], x: [], time: [], event: [], failure: [] };
  for (let row = 0; row < rows; row += 1) {
    const hazard = 0.003 * Math.exp(3 * random.next());
    const failsAt = -Math.log(1 - random.next()) / hazard;
    const seen = Math.min(91, 1 + sight * random.next());
    lifetimes.vehicleIds.push(`v${row % Math.ceil(rows / 2)}`);
    lifetimes.x.push([hazard]);
    lifetimes.time.push(Math.min(failsAt, seen));
    lifetimes.event.push(failsAt <= seen ? 1 : 0);
    lifetimes.failure.push(failsAt <= seen ? `f${row}` : null);
  }
  return lifetimes;
};
const truth: PredictSurvival = (x, times) => x.map(([hazard = 0]) => times.map((time) => Math.exp(-hazard * time)));
const turned: PredictSurvival = (x, times) =>
  x.map(([hazard = 0]) => times.map((time) => Math.exp((-0.0001 / hazard) * time)));

const test = simulated(1, 1500);
const train = simulated(2, 1500);
const quality = evaluatePredictions({ test, train, predict: truth, outOfTimeFrom: '2026-01-01T00:00:00.000Z' });

describe('what the rows do not carry is null', () => {
  it('without rows', () => {
    const none: Lifetimes = { vehicleIds: [], x: [], time: [], event: [], failure: [] };
    const empty = evaluatePredictions({ test: none, train, predict: truth, outOfTimeFrom: null });
    expect(modelQualitySchema.parse(empty)).toEqual(empty);
    expect(empty).toMatchObject({ concordance: null, integratedBrier: null, dCalibrationPValue: null });
    expect(empty.horizons.days7).toEqual({
      n: 0,
      failures: 0,
      brier: null,
      baselineBrier: null,
      auc: null,
      calibration: [],
    });
  });

  it('beyond the days the rows reach, and without a failure', () => {
    const short = evaluatePredictions({ test: simulated(3, 800, 25), train, predict: truth, outOfTimeFrom: null });
    expect(short.horizons.days7.brier).not.toBeNull();
    expect(short.horizons.days30).toMatchObject({ brier: null, auc: null, calibration: [] });
    const quiet = evaluatePredictions({
      test: { ...test, event: test.event.map(() => 0) },
      train,
      predict: truth,
      outOfTimeFrom: null,
    });
    expect(quiet.concordance).toBeNull();
    expect(quiet.horizons.days30.auc).toBeNull();
    expect(quiet.horizons.days30.failures).toBe(0);
  });

  it('never a number that is none, whatever the rows', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            time: fc.double({ min: 0.01, max: 91, noNaN: true }),
            event: fc.integer({ min: 0, max: 1 }),
            hazard: fc.double({ min: 0, max: 1, noNaN: true }),
          }),
          { maxLength: 40 },
        ),
        (rows) => {
          const lifetimes: Lifetimes = {
            vehicleIds: rows.map((_, row) => `v${row % 7}`),
            x: rows.map(({ hazard }) => [hazard]),
            time: rows.map(({ time }) => time),
            event: rows.map(({ event }) => event),
            failure: rows.map(({ event }, row) => (event === 1 ? `f${row}` : null)),
          };
          const answer = evaluatePredictions({
            test: lifetimes,
            train: lifetimes,
            predict: truth,
            outOfTimeFrom: null,
          });
          expect(modelQualitySchema.parse(JSON.parse(JSON.stringify(answer)))).toEqual(answer);
        },
      ),
    );
  });
});

describe('numbers', () => {
  it('are those of the functions they come from', () => {
    const times = [30];
    const direct = brierScores({
      trainTime: test.time,
      trainEvent: test.event,
      time: test.time,
      event: test.event,
      times,
      survivalAt: truth(test.x, times),
    });
    expect(quality.horizons.days30.brier).toBeCloseTo((direct as number[])[0] as number, 5);
    const curve = kaplanMeier({ time: train.time, event: train.event });
    if ('kind' in curve) throw new Error(curve.kind);
    const place = curve.time.findLastIndex((time) => time <= 30);
    expect(curveOf(train)(30)).toBe(curve.survival[place]);
    expect(curveOf(train)(0)).toBe(1);
  });

  it('show the truth better than the fleet’s curve, and a turned ranking worse than chance', () => {
    expect(quality.integratedBrier as number).toBeLessThan(0.95 * (quality.baselineIntegratedBrier as number));
    expect(quality.concordance as number).toBeGreaterThan(0.65);
    expect(quality.baselineConcordance).toBe(0.5);
    expect(quality.horizons.days30.auc as number).toBeGreaterThan(0.7);
    const wrong = evaluatePredictions({ test, train, predict: turned, outOfTimeFrom: null });
    expect(wrong.concordance as number).toBeCloseTo(1 - (quality.concordance as number), 4);
    expect(wrong.integratedBrier as number).toBeGreaterThan(quality.integratedBrier as number);
  });

  it('show calibration: deciles on the line, D-calibration at ease; chances twice too high are seen', () => {
    const { calibration } = quality.horizons.days30;
    expect(calibration).toHaveLength(10);
    expect(calibration.reduce((sum, { n }) => sum + n, 0)).toBe(test.time.length);
    for (const { predicted, observed } of calibration) expect(Math.abs(predicted - observed)).toBeLessThan(0.15);
    expect(quality.dCalibrationPValue as number).toBeGreaterThan(0.01);
    const doubled: PredictSurvival = (x, times) => truth(x, times).map((row) => row.map((value) => value * value));
    const off = evaluatePredictions({ test, train, predict: doubled, outOfTimeFrom: null });
    expect(off.dCalibrationPValue as number).toBeLessThan(0.001);
    expect(off.concordance).toBe(quality.concordance);
  });

  it('count what is known by each horizon', () => {
    const { n, failures } = quality.horizons.days30;
    expect(failures).toBe(test.time.filter((time, row) => time <= 30 && test.event[row] === 1).length);
    expect(n).toBe(failures + test.time.filter((time) => time > 30).length);
    expect(quality.horizons.days90.n).toBeLessThan(n);
    expect(quality.outOfTimeFrom).toBe('2026-01-01T00:00:00.000Z');
  });
});
