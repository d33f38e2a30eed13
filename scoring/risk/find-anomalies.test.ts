import { describe, expect, it } from 'vitest';
import type { VehicleFeatures } from '#contracts/risk';
import type { AnomalyModel } from '#contracts/scoring-models';
import { fitIsolationForest } from '../anomaly/isolation-forest.ts';
import { isRefusal } from '../survival/refusal.ts';
import { randomSource } from '../trees/random.ts';
import { emptyFeatures } from './examples.ts';
import { defaultWeights, untrainedModels } from './models.ts';
import { scoreVehicle } from './score-vehicle.ts';

const now = new Date('2026-11-20T09:00:00.000Z');
const daysAgo = (days: number): string => new Date(now.getTime() - days * 86_400_000).toISOString();
type Signal = VehicleFeatures['signals'][number];
const signal = (name: string, value: number, more: Partial<Signal> = {}): Signal => ({
  name,
  value,
  at: daysAgo(0.2),
  baselineMedian: 100,
  baselineMad: 1 / 1.4826,
  n: 200,
  ...more,
});
const young = { n: 3, baselineMedian: null, baselineMad: null };
const nothing: AnomalyModel = {
  format: 'anomaly-1',
  forest: null,
  forestSignals: [],
  forestThreshold: 0.6,
  faultRate: null,
  modelBaselines: [],
};
const score = (
  more: Partial<VehicleFeatures>,
  anomaly: Partial<AnomalyModel> | null,
  weights = {},
  version = 'tenant-1',
) =>
  scoreVehicle(
    { ...emptyFeatures(), ...more },
    { ...untrainedModels(undefined, weights), version, anomaly: anomaly === null ? null : { ...nothing, ...anomaly } },
    now,
  );

describe('a young truck', () => {
  const baseline = { make: 'Kenworth', model: 'T680', signal: 'coolantTempF', median: 190, mad: 4, n: 5_000 };
  const vehicle = { ...emptyFeatures().vehicle, make: 'Kenworth', model: 'T680' };
  const hot = [signal('coolantTempF', 230, young)];

  it('is measured by the trucks of its make and model, and the words say so', () => {
    const result = score({ vehicle, signals: hot }, { modelBaselines: [baseline] });
    expect(result.anomalies).toEqual([
      { signal: 'coolantTempF', value: 230, expected: 190, zScore: 6.74, since: daysAgo(0.2) },
    ]);
    expect(result.contributors[0]?.text).toBe('Coolant temp is 230 °F, normally about 190 °F on trucks of this model');
  });

  it.each([
    ['another model', { ...baseline, model: 'W990' }],
    ['another signal', { ...baseline, signal: 'oilTempF' }],
    ['too few trucks', { ...baseline, n: 19 }],
    ['a flat baseline', { ...baseline, mad: 0 }],
  ])('is not measured by %s', (_, other) => {
    expect(score({ vehicle, signals: hot }, { modelBaselines: [other] }).anomalies).toEqual([]);
  });

  it('is measured by its own baseline once it has one', () => {
    const own = [signal('coolantTempF', 230, { baselineMedian: 229 })];
    expect(score({ vehicle, signals: own }, { modelBaselines: [baseline] }).anomalies).toEqual([]);
  });
});

describe('a drift', () => {
  it('is an anomaly before any reading is odd, since when it began', () => {
    const drifting = signal('batteryVolts', 99, { drift: { direction: 'down', since: daysAgo(12) } });
    const result = score({ signals: [drifting] }, null);
    expect(result.anomalies).toEqual([
      { signal: 'batteryVolts', value: 99, expected: 100, zScore: -1, since: daysAgo(12) },
    ]);
    expect(result.contributors[0]).toMatchObject({
      factor: 'anomaly.batteryVolts',
      points: 4,
      text: 'Battery is 99 V, normally about 100 V on this truck, drifting down for 12 days',
    });
  });

  it('does not count twice beside a value far off', () => {
    const far = signal('batteryVolts', 90);
    const both = { ...far, drift: { direction: 'down' as const, since: 'who knows' } };
    expect(score({ signals: [both] }, null).riskScore).toBe(score({ signals: [far] }, null).riskScore);
    expect(score({ signals: [both] }, null).anomalies).toHaveLength(1);
  });
});

describe('an odd combination', () => {
  const names = ['boostPsi', 'fuelRateGph', 'oilPressurePsi'];
  const random = randomSource(4);
  const ordinary = Array.from({ length: 400 }, () => {
    // Boost and fuel go together; the third minds its own business.
    const load = 4 * (random.next() - 0.5);
    return [load, load + 0.2 * (random.next() - 0.5), 2 * (random.next() - 0.5)];
  });
  const forest = fitIsolationForest({ x: ordinary, trees: 100, sampleSize: 128, seed: 1 });
  if (isRefusal(forest)) throw new Error('no forest');
  const model = { forest, forestSignals: names, forestThreshold: 0.6 };
  const readings = (z: readonly number[]) => z.map((value, at) => signal(names[at] as string, 100 + value));

  it('is found where each signal alone is ordinary, and named by those to blame', () => {
    const result = score({ signals: readings([-2, 2.5, 0.1]) }, model);
    expect(result.contributors.map(({ factor }) => factor)).toEqual(['anomaly.combination']);
    expect(result.contributors[0]?.text).toMatch(
      /^Unusual combination of signals, most of all (Fuel rate|Boost), (fuel rate|boost)/,
    );
    expect(result.anomalies).toHaveLength(1);
    expect(names.slice(0, 2)).toContain(result.anomalies[0]?.signal);
  });

  it('is none when the signals go together as they do, when one is known, or without a forest', () => {
    expect(score({ signals: readings([1, 1, 0.1]) }, model).anomalies).toEqual([]);
    expect(score({ signals: readings([-2]) }, model).anomalies).toEqual([]);
    expect(score({ signals: readings([-2, 2.5, 0.1]) }, { ...model, forest: null }).anomalies).toEqual([]);
    expect(score({ signals: readings([-2, 2.5, 0.1]) }, { ...model, forestSignals: ['a'] }).anomalies).toEqual([]);
  });
});

describe('a burst of faults', () => {
  const faultRate = { shape: 2, rate: 200 };
  const faults = (count: number, days = 3) =>
    Array.from({ length: count }, (_, at) => ({
      spn: 700_000 + at,
      fmi: 31,
      sourceAddress: 0,
      isActive: false,
      firstSeenAt: daysAgo(days),
      lastSeenAt: daysAgo(days),
      clearedAt: daysAgo(days),
      occurrenceCount: 1,
      reopenCount: 0,
    }));
  const burst = (more: Partial<VehicleFeatures>) =>
    score(more, { faultRate }).contributors.find(({ factor }) => factor === 'anomaly.faultsOpened30Days');

  it('is more than the fleet’s rate explains, and says what is usual', () => {
    expect(burst({ faults: faults(2), observedDays: 200 })).toBeUndefined();
    const found = burst({ faults: faults(6), observedDays: 200 });
    expect(found?.text).toBe('6 fault codes opened in the last 30 days; about 0.3 are usual in this fleet');
    const comparable = score({ faults: faults(6), observedDays: 200 }, { faultRate }, {}, 'prior-1');
    expect(comparable.contributors[0]?.text).toContain('about 0.3 are usual on comparable trucks');
    const result = score({ faults: faults(6), observedDays: 200 }, { faultRate });
    expect(result.anomalies).toEqual([
      expect.objectContaining({ signal: 'faultsOpened30Days', value: 6, expected: 0.3 }),
    ]);
  });

  it('is not what was found when the truck was connected, nor what is older than a month', () => {
    expect(burst({ faults: faults(6), observedDays: 40 })).toBeUndefined();
    expect(burst({ faults: faults(6), observedDays: null })).toBeUndefined();
    expect(burst({ faults: faults(6, 31), observedDays: 200 })).toBeUndefined();
  });

  it('grows with the count and is not eased by older faults', () => {
    const points = (count: number, old = 0) =>
      score(
        {
          faults: [...faults(count), ...faults(old, 50).map((one) => ({ ...one, sourceAddress: 3 }))],
          observedDays: 200,
        },
        { faultRate },
      ).components.anomaly;
    expect(points(9)).toBeGreaterThan(points(5));
    expect(points(9, 30)).toBe(points(9));
  });
});

describe('all anomalies together', () => {
  it('make at most the points a tenant allows', () => {
    const signals = ['a', 'b', 'c', 'd'].map((name) => signal(name, 150));
    expect(score({ signals }, null).components.anomaly).toBe(defaultWeights.anomalyMax);
    expect(score({ signals }, null, { anomalyMax: 3 }).components.anomaly).toBe(3);
    expect(score({ signals }, null, { anomalyMax: 0 }).components.anomaly).toBe(0);
    expect(score({ signals }, null, { anomalyMax: 0 }).anomalies).toHaveLength(4);
  });
});
