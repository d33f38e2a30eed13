import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VehicleFeatures } from '#contracts/risk';
import { emptyFeatures, exampleFeatures } from '../risk/examples.ts';
import { faultArbitrary, featuresArbitrary, lampArbitrary, now } from '../risk/fixtures/arbitraries.ts';
import { featureList, featureNames, type FeatureName } from './feature-list.ts';
import { featureVector } from './feature-vector.ts';

type Fault = VehicleFeatures['faults'][number];

const valuesOf = (features: VehicleFeatures, at = now): Record<FeatureName, number> => {
  const vector = featureVector(features, at);
  return Object.fromEntries(featureNames.map((name, column) => [name, vector[column]])) as Record<FeatureName, number>;
};
const given = (more: Partial<VehicleFeatures>): Record<FeatureName, number> =>
  valuesOf({ ...emptyFeatures(), ...more });
const daysAgo = (days: number): string => new Date(now.getTime() - days * 86_400_000).toISOString();
const fault = (spn: number, fmi: number, more: Partial<Fault> = {}): Fault => ({
  spn,
  fmi,
  sourceAddress: 0,
  isActive: true,
  firstSeenAt: daysAgo(1),
  lastSeenAt: daysAgo(0),
  clearedAt: null,
  occurrenceCount: 1,
  reopenCount: 0,
  ...more,
});

describe('the declared list', () => {
  it('names every feature once, with words, a reason and a direction', () => {
    expect(new Set(featureNames).size).toBe(featureList.length);
    for (const feature of featureList) {
      expect(feature.name).toMatch(/^[a-z][A-Za-z0-9]+$/);
      expect(feature.label.length).toBeGreaterThan(5);
      expect(feature.reason).toMatch(/\.$/);
      expect([-1, 0, 1]).toContain(feature.monotone);
    }
  });

  it('lets faults and lamps only raise the hazard', () => {
    const reported = featureList.filter(({ group }) => group === 'faults' || group === 'lamps');
    expect(reported.length).toBeGreaterThanOrEqual(15);
    expect(reported.every(({ monotone }) => monotone === 1)).toBe(true);
  });
});

describe('a vector of garbage', () => {
  it('refuses only a now that is no date', () => {
    expect(() => featureVector(emptyFeatures(), new Date(Number.NaN))).toThrow(RangeError);
  });

  it('is finite or unknown, whatever comes in', () => {
    const absurd = fc.constantFrom(Number.NaN, Infinity, -Infinity, 1e308, -1e308, -1, 1e12, Number.MIN_VALUE);
    fc.assert(
      fc.property(featuresArbitrary, absurd, fc.date({ noInvalidDate: true }), (features, value, at) => {
        const broken: VehicleFeatures = {
          ...features,
          vehicle: { ...features.vehicle, year: value, odometerMiles: value, engineHours: value, milesPerDay: value },
          faults: features.faults.map((one) => ({ ...one, occurrenceCount: value, reopenCount: value, spn: value })),
          service: { lastServiceAt: 'never', milesSinceService: value, repairs365Days: value },
          observedDays: value,
        };
        for (const vector of [featureVector(broken, at), featureVector(features, at)]) {
          expect(vector).toHaveLength(featureList.length);
          expect(vector.every((one) => Number.isNaN(one) || Number.isFinite(one))).toBe(true);
          vector.forEach((one, column) => {
            const { group, name } = featureList[column] as (typeof featureList)[number];
            if (group === 'faults' || group === 'lamps') expect(one, name).toBeGreaterThanOrEqual(0);
          });
        }
      }),
    );
  });

  it('knows nothing of an empty vehicle but the date and the absence of faults', () => {
    const known = featureList.filter(({ name }) => !Number.isNaN(given({})[name as FeatureName]));
    expect(new Set(known.map(({ group }) => group))).toEqual(new Set(['faults', 'lamps', 'season']));
  });

  it('takes an odometer of a billion miles, a service in the future and a model year 3000 for errors', () => {
    const vehicle = { ...emptyFeatures().vehicle, odometerMiles: 1e9, year: 3000 };
    const service = { lastServiceAt: daysAgo(-3), milesSinceService: -5, repairs365Days: 1e9 };
    expect(given({ vehicle, service })).toMatchObject({
      odometerMiles: Number.NaN,
      ageYears: Number.NaN,
      daysSinceService: 0,
      milesSinceService: Number.NaN,
      repairs365Days: Number.NaN,
    });
  });
});

describe('the order of what came in', () => {
  it('changes nothing', () => {
    fc.assert(
      fc.property(featuresArbitrary, (features) => {
        const turned = {
          ...features,
          faults: [...features.faults].reverse(),
          lamps: [...features.lamps].reverse(),
          signals: [...features.signals].reverse(),
        };
        expect(featureVector(turned, now)).toEqual(featureVector(features, now));
      }),
    );
  });
});

/** Every column moved only the way its sign allows; free columns did not move at all. */
const expectNoWorse = (before: VehicleFeatures, after: VehicleFeatures): void => {
  const from = featureVector(before, now);
  const to = featureVector(after, now);
  featureList.forEach(({ name, monotone }, column) => {
    const a = from[column] as number;
    const b = to[column] as number;
    if (Number.isNaN(a) || monotone === 0) expect(b, name).toEqual(a);
    else expect(monotone * (b - a), name).toBeGreaterThanOrEqual(0);
  });
};

describe('what makes a truck worse never moves a feature the wrong way', () => {
  it('one more active fault', () => {
    fc.assert(
      fc.property(featuresArbitrary, faultArbitrary, (features, one) => {
        expectNoWorse(features, { ...features, faults: [...features.faults, { ...one, isActive: true }] });
      }),
      { numRuns: 500 },
    );
  });

  it('a cleared fault that is active again', () => {
    fc.assert(
      fc.property(featuresArbitrary, fc.nat(), (features, index) => {
        const faults = features.faults.map((one, at) =>
          at === index % features.faults.length ? { ...one, isActive: true } : one,
        );
        expectNoWorse(features, { ...features, faults });
      }),
      { numRuns: 500 },
    );
  });

  it('a red stop lamp, switched on or newly reported', () => {
    fc.assert(
      fc.property(featuresArbitrary, lampArbitrary, fc.nat(), (features, lamp, index) => {
        expectNoWorse(features, { ...features, lamps: [...features.lamps, { ...lamp, redStop: true }] });
        const lamps = features.lamps.map((one, at) =>
          at === index % features.lamps.length ? { ...one, redStop: true } : one,
        );
        expectNoWorse(features, { ...features, lamps });
      }),
      { numRuns: 500 },
    );
  });
});

describe('features of faults', () => {
  it('count by severity "this or worse", by system, and by when a code was seen', () => {
    const faults = [
      fault(100, 1),
      fault(4364, 18, { firstSeenAt: daysAgo(20), occurrenceCount: 5 }),
      fault(171, 3, { firstSeenAt: daysAgo(50) }),
      fault(167, 1, { isActive: false, clearedAt: daysAgo(80), firstSeenAt: daysAgo(85), reopenCount: 3 }),
      fault(110, 0, { isActive: false, clearedAt: daysAgo(120), firstSeenAt: daysAgo(130), reopenCount: 9 }),
    ];
    expect(given({ faults })).toMatchObject({
      activeFaults: 3,
      activeMajorOrWorse: 2,
      activeCritical: 1,
      worstSeverity: 5,
      aftertreatmentFaults: 1,
      engineFaults: 2,
      electricalFaults: 0,
      faultsOpened7Days: 1,
      faultsOpened30Days: 2,
      faultsSeen90Days: 4,
      reopenedFaults: 3,
      faultOccurrences: 7,
      oldestActiveDays: 50,
      dangerousCombinations: 0,
    });
  });

  it('count a code once however often a feed repeats it', () => {
    const once = given({ faults: [fault(4364, 18)] });
    expect(given({ faults: [fault(4364, 18), fault(4364, 18), fault(4364, 18, { isActive: false })] })).toEqual(once);
  });

  it('find combinations, and leave a dip during a crank out', () => {
    expect(given({ faults: [fault(3251, 16), fault(4364, 18), fault(5246, 15)] }).dangerousCombinations).toBe(2);
    const dip = fault(168, 4, { firstSeenAt: daysAgo(0.1), lastSeenAt: daysAgo(0.1) });
    const crank = { name: 'engineRpm', value: 180, at: daysAgo(0.1), baselineMedian: null, baselineMad: null, n: 0 };
    expect(given({ faults: [dip] }).activeFaults).toBe(1);
    expect(given({ faults: [dip], signals: [crank] }).activeFaults).toBe(0);
  });
});

describe('features of signals', () => {
  const signal = (name: string, value: number, more: Partial<VehicleFeatures['signals'][number]> = {}) => ({
    name,
    value,
    at: daysAgo(0.5),
    baselineMedian: 50,
    baselineMad: 2,
    n: 100,
    ...more,
  });

  it('are one-sided where only one side is trouble', () => {
    const values = given({
      signals: [
        signal('dpfSootPercent', 80),
        signal('batteryVolts', 40),
        signal('oilPressurePsi', 70),
        signal('coolantTempF', 51, { drift: { direction: 'up', since: daysAgo(9) } }),
      ],
    });
    expect(values.dpfSootPercent).toBe(80);
    expect(values.dpfSootZ).toBeCloseTo(30 / (1.4826 * 2), 9);
    expect(values.batteryLowZ).toBeCloseTo(10 / (1.4826 * 2), 9);
    expect(values.oilPressureLowZ).toBe(0);
    expect(values.largestZ).toBe(values.dpfSootZ);
    expect(values.driftingSignals).toBe(1);
    expect(values.boostLowZ).toBeNaN();
  });

  it.each([
    ['an old reading', { at: daysAgo(8) }],
    ['too few readings', { n: 19 }],
    ['a flat baseline', { baselineMad: 0 }],
    ['no baseline', { baselineMedian: null }],
  ])('know nothing from %s', (_, more) => {
    expect(given({ signals: [signal('batteryVolts', 40, more)] }).batteryLowZ).toBeNaN();
  });

  it('take the newest reading, and refuse a value no sensor can show', () => {
    const older = signal('dpfSootPercent', 20, { at: daysAgo(2) });
    expect(given({ signals: [signal('dpfSootPercent', 80), older] }).dpfSootPercent).toBe(80);
    expect(given({ signals: [signal('dpfSootPercent', 9000)] }).dpfSootPercent).toBeNaN();
  });
});

describe('usage, age and season', () => {
  it('come in their units', () => {
    const values = valuesOf(exampleFeatures(), now);
    expect(values).toMatchObject({ milesPerDay: 480, hoursPerDay: 9.5, odometerMiles: 312_400, repairs365Days: 2 });
    expect(values.milesPerEngineHour).toBeCloseTo(312_400 / 7_850, 9);
    expect(values.ageYears).toBeCloseTo(3.89, 2);
    expect(values.daysSinceService).toBeCloseTo(81.75, 2);
    expect(values.seasonSin ** 2 + values.seasonCos ** 2).toBeCloseTo(1, 12);
    expect(given({}).seasonCos).toBeGreaterThan(0.7);
  });

  it('give an engine hour average only once it means something', () => {
    const vehicle = { ...emptyFeatures().vehicle, odometerMiles: 900, engineHours: 60 };
    expect(given({ vehicle }).milesPerEngineHour).toBeNaN();
    expect(given({ vehicle: { ...vehicle, engineHours: 900 } }).milesPerEngineHour).toBe(1);
  });
});
