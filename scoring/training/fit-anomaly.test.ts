/** What is ordinary for a fleet's trucks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anomalyModelSchema } from '#contracts/scoring-models';
import { anomalyScore } from '../anomaly/isolation-forest.ts';
import { randomSource } from '../trees/random.ts';
import { fitAnomalyModel } from './fit-anomaly.ts';
import type { VehicleSignals } from './training-types.ts';

const at = '2026-11-20T00:00:00.000Z';
const signal = (name: string, value: number, median: number | null, mad: number | null, n = 60) => ({
  name,
  value,
  at,
  baselineMedian: median,
  baselineMad: mad,
  n,
});

const fleet = (trucks: number, seed = 1): VehicleSignals[] => {
  const random = randomSource(seed);
  const noise = (): number => random.next() + random.next() + random.next() - 1.5;
  return Array.from({ length: trucks }, (_, truck) => ({
    make: 'Kenworth',
    model: truck % 2 === 0 ? 'T680' : 'W990',
    signals: [
      signal('coolantTempF', 188 + noise(), 188, 1),
      signal('oilPressurePsi', 42 + noise(), 42 + noise(), 0.8),
      signal('batteryVolts', 14 + noise() / 10, 14, 0.1),
      signal('engineLoadPercent', 50, null, null),
    ],
    faultsOpened: Math.floor(random.next() * 8),
    observedDays: 100,
  }));
};

describe('what the data do not carry', () => {
  const nothing = {
    format: 'anomaly-1',
    forest: null,
    forestSignals: [],
    forestThreshold: 1,
    faultRate: null,
    modelBaselines: [],
  };

  it('is null or empty: no trucks, one truck, trucks without signals', () => {
    expect(fitAnomalyModel([], 1)).toEqual(nothing);
    expect(fitAnomalyModel(fleet(1), 1)).toEqual(nothing);
    const silent = fleet(60).map((truck) => ({ ...truck, signals: [], faultsOpened: 0 }));
    expect(fitAnomalyModel(silent, 1)).toEqual(nothing);
  });

  it('is not invented from a few trucks: no forest below 40, no baseline from two', () => {
    const few = fitAnomalyModel(fleet(39), 1);
    expect(few.forest).toBeNull();
    expect(few.modelBaselines.length).toBeGreaterThan(0);
    expect(fitAnomalyModel(fleet(4), 1).modelBaselines).toEqual([]);
  });

  it('is left out when it cannot be read', () => {
    const broken = fleet(50).map((truck, place) =>
      place < 5
        ? { ...truck, faultsOpened: Number.NaN, observedDays: -1, signals: [signal('coolantTempF', Number.NaN, 1, 1)] }
        : truck,
    );
    expect(anomalyModelSchema.parse(fitAnomalyModel(broken, 1))).toBeTruthy();
  });
});

describe('what is learned', () => {
  const model = fitAnomalyModel(fleet(300), 1);

  it('is a stored model, small, the same for the same trucks in any order', () => {
    expect(anomalyModelSchema.parse(model)).toEqual(model);
    expect(JSON.stringify(model).length).toBeLessThan(60_000);
    fc.assert(
      fc.property(fc.shuffledSubarray(fleet(60), { minLength: 60 }), (shuffled) => {
        expect(fitAnomalyModel(shuffled, 1)).toEqual(fitAnomalyModel(fleet(60), 1));
      }),
      { numRuns: 5 },
    );
  });

  it('calls odd what is odd together, and hardly anything ordinary', () => {
    const { forest, forestSignals, forestThreshold } = model;
    if (forest === null) throw new Error('no forest');
    expect(forestSignals).toEqual(['coolantTempF', 'oilPressurePsi', 'batteryVolts']);
    const [ordinary = 1, odd = 0] = anomalyScore(forest, [
      [0.1, -0.2, 0.1],
      [6, -6, -5],
    ]);
    expect(ordinary).toBeLessThan(forestThreshold);
    expect(odd).toBeGreaterThan(forestThreshold);
    const rows = fleet(400, 9).map(({ signals }) =>
      forestSignals.map((name) => {
        const { value, baselineMedian, baselineMad } = signals.find((one) => one.name === name) as ReturnType<
          typeof signal
        >;
        return (value - (baselineMedian as number)) / (1.4826 * (baselineMad as number));
      }),
    );
    const called = anomalyScore(forest, rows).filter((score) => score > forestThreshold).length;
    expect(called).toBeLessThan(20);
  });

  it('knows what a model of truck shows, with the spread between trucks in it', () => {
    const oil = model.modelBaselines.find(({ model: name, signal: of }) => name === 'T680' && of === 'oilPressurePsi');
    expect(oil?.median).toBeCloseTo(42, 0);
    expect(oil?.mad).toBeGreaterThan(0.8);
    expect(oil?.n).toBe(150 * 60);
    expect(model.modelBaselines.some(({ signal: of }) => of === 'engineLoadPercent')).toBe(false);
  });

  it('knows how often faults open', () => {
    const { shape, rate } = model.faultRate as { shape: number; rate: number };
    expect(shape / rate).toBeCloseTo(3.5 / 30, 1);
    // Codes found when a truck was connected are not new.
    const connected = fleet(300).map((truck) => ({ ...truck, observedDays: 20 }));
    expect(fitAnomalyModel(connected, 1).faultRate).toBeNull();
  });
});
