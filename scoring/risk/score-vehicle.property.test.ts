/** The promises of a score, held against random vehicles, random weights and random bands. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actionOfLevel, vehicleScoreSchema, type ScoringModels, type VehicleFeatures } from '#contracts/risk';
import { spnCatalogue } from '../j1939/catalogue.ts';
import { describeFault, isStopCode } from '../j1939/describe-fault.ts';
import { noiseFmis, noiseSpns } from './crank-noise.ts';
import { emptyFeatures } from './examples.ts';
import { defaultModels } from './models.ts';
import { componentOf } from './points.ts';
import { levelOf, scoreVehicle } from './score-vehicle.ts';

const now = new Date('2026-11-20T09:00:00.000Z');
const runs = { numRuns: 300 };
const severityRank = { unknown: 0, info: 1, minor: 2, major: 3, critical: 4 } as const;

/** Mostly real instants around now, sometimes nonsense. */
const timeArbitrary = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .integer({ min: -200 * 24, max: 48 })
      .map((hours) => new Date(now.getTime() + hours * 3_600_000).toISOString()),
  },
  { weight: 1, arbitrary: fc.constantFrom('', 'tomorrow', '2026-13-45T00:00:00Z') },
);
const known = spnCatalogue.filter((entry) => entry.spn < 2000 || entry.spn > 2255).map((entry) => entry.spn);
/** Weighted towards codes that take part in combinations, so that these are really met. */
const spnArbitrary = fc.oneof(
  fc.constantFrom(...known),
  fc.constantFrom(100, 110, 111, 117, 118, 157, 94, 167, 168, 3251, 3719, 4364, 3364, 5246, 412),
  fc.integer({ min: 0, max: 524_287 }),
);
const faultArbitrary = fc.record({
  spn: spnArbitrary,
  fmi: fc.integer({ min: 0, max: 31 }),
  sourceAddress: fc.constantFrom(0, 3, 11, 61),
  isActive: fc.boolean(),
  firstSeenAt: timeArbitrary,
  lastSeenAt: timeArbitrary,
  clearedAt: fc.option(timeArbitrary),
  occurrenceCount: fc.option(fc.integer({ min: 0, max: 126 })),
  reopenCount: fc.integer({ min: 0, max: 9 }),
});
const lampArbitrary = fc.record({
  sourceAddress: fc.constantFrom(0, 3, 11),
  malfunction: fc.boolean(),
  redStop: fc.boolean(),
  amberWarning: fc.boolean(),
  protect: fc.boolean(),
  at: timeArbitrary,
});
const signalArbitrary = fc.record({
  name: fc.constantFrom('coolantTempF', 'engineRpm', 'oilPressurePsi', 'x'),
  value: fc.oneof(fc.double({ min: 0, max: 400, noNaN: true }), fc.double()),
  at: timeArbitrary,
  baselineMedian: fc.option(fc.oneof(fc.double({ min: 0, max: 300, noNaN: true }), fc.double())),
  baselineMad: fc.option(fc.oneof(fc.double({ min: 0.1, max: 20, noNaN: true }), fc.double())),
  n: fc.integer({ min: 0, max: 500 }),
});
const featuresArbitrary: fc.Arbitrary<VehicleFeatures> = fc.record({
  vehicle: fc.constant(emptyFeatures().vehicle),
  faults: fc.array(faultArbitrary, { maxLength: 14 }),
  lamps: fc.array(lampArbitrary, { maxLength: 4 }),
  signals: fc.array(signalArbitrary, { maxLength: 5 }),
  service: fc.record({
    lastServiceAt: fc.option(timeArbitrary),
    milesSinceService: fc.option(fc.double()),
    repairs365Days: fc.option(fc.double()),
  }),
  observedDays: fc.option(fc.double()),
});
const bandsArbitrary = fc
  .uniqueArray(fc.integer({ min: 1, max: 10_000 }), { minLength: 3, maxLength: 3 })
  .map((edges) => edges.sort((a, b) => a - b).map((edge) => edge / 100))
  .map(([medium = 25, high = 50, critical = 75]) => ({ medium, high, critical }));
const weightArbitrary = fc.oneof(fc.double({ min: 0, max: 120, noNaN: true }), fc.double());
const modelsArbitrary: fc.Arbitrary<ScoringModels> = fc.oneof(
  bandsArbitrary.map(defaultModels),
  fc
    .record({
      bands: bandsArbitrary,
      weights: fc.dictionary(fc.constantFrom(...Object.keys(defaultModels().weights)), weightArbitrary),
    })
    .map(({ bands, weights }) => ({ ...defaultModels(bands), weights })),
);

const risk = (features: VehicleFeatures, models: ScoringModels): number =>
  scoreVehicle(features, models, now).riskScore;
const tenths = (points: number): number => Math.round(points * 10);
const isWholeTenths = (points: number): boolean => points === tenths(points) / 10;

describe('every score', () => {
  it('is plain JSON in the contract', () => {
    fc.assert(
      fc.property(featuresArbitrary, modelsArbitrary, (features, models) => {
        const result = scoreVehicle(features, models, now);
        vehicleScoreSchema.parse(result);
        expect(JSON.parse(JSON.stringify(result))).toStrictEqual(
          JSON.parse(JSON.stringify(vehicleScoreSchema.parse(result))),
        );
        expect(JSON.stringify(result)).not.toMatch(/NaN/);
      }),
      runs,
    );
  });

  it('adds up exactly: contributors to components, components to risk, in tenths', () => {
    fc.assert(
      fc.property(featuresArbitrary, modelsArbitrary, (features, models) => {
        const result = scoreVehicle(features, models, now);
        const sums = { faults: 0, survival: 0, anomaly: 0, usage: 0 };
        for (const contributor of result.contributors) {
          expect(isWholeTenths(contributor.points)).toBe(true);
          expect(contributor.points).toBeGreaterThanOrEqual(0);
          sums[componentOf(contributor)] += tenths(contributor.points);
        }
        for (const component of ['faults', 'survival', 'anomaly', 'usage'] as const) {
          expect(isWholeTenths(result.components[component])).toBe(true);
          expect(tenths(result.components[component])).toBe(sums[component]);
        }
        expect(tenths(result.riskScore)).toBe(sums.faults + sums.survival + sums.anomaly + sums.usage);
        expect(isWholeTenths(result.riskScore)).toBe(true);
        expect(tenths(result.healthScore)).toBe(1000 - (sums.faults + sums.anomaly + sums.usage));
      }),
      runs,
    );
  });

  it('has the level and action of its bands', () => {
    fc.assert(
      fc.property(featuresArbitrary, bandsArbitrary, (features, bands) => {
        const result = scoreVehicle(features, defaultModels(bands), now);
        expect(result.riskLevel).toBe(levelOf(result.riskScore, bands));
        expect(result.recommendedAction).toBe(actionOfLevel[result.riskLevel]);
      }),
      runs,
    );
  });

  it('does not depend on the order of faults', () => {
    fc.assert(
      fc.property(featuresArbitrary, modelsArbitrary, (features, models) => {
        const reversed = { ...features, faults: [...features.faults].reverse() };
        expect(risk(reversed, models)).toBe(risk(features, models));
      }),
      runs,
    );
  });
});

describe('the risk never falls', () => {
  it('with one more active fault', () => {
    fc.assert(
      fc.property(featuresArbitrary, modelsArbitrary, faultArbitrary, (features, models, fault) => {
        const more = { ...features, faults: [...features.faults, { ...fault, isActive: true }] };
        expect(risk(more, models)).toBeGreaterThanOrEqual(risk(features, models));
      }),
      { numRuns: 1000 },
    );
  });

  it('when a cleared fault becomes active', () => {
    fc.assert(
      fc.property(featuresArbitrary, modelsArbitrary, faultArbitrary, (features, models, fault) => {
        const withFault = (isActive: boolean): VehicleFeatures => ({
          ...features,
          faults: [...features.faults, { ...fault, isActive }],
        });
        // A crank dip is worth nothing while active and nothing once cleared.
        expect(risk(withFault(true), models)).toBeGreaterThanOrEqual(risk(withFault(false), models));
      }),
      runs,
    );
  });

  it('when a code gets a higher severity', () => {
    const fmi = fc.integer({ min: 0, max: 31 });
    fc.assert(
      fc.property(featuresArbitrary, modelsArbitrary, faultArbitrary, fmi, fmi, (features, models, fault, a, b) => {
        const rank = (value: number): number => severityRank[describeFault(fault.spn, value).severity];
        fc.pre(rank(a) !== rank(b));
        const [milder, worse] = rank(a) < rank(b) ? [a, b] : [b, a];
        // The code under test stands alone in its identity; otherwise the change would remove a duplicate of another.
        const others = features.faults.filter((other) => other.spn !== fault.spn);
        const withFmi = (value: number): VehicleFeatures => ({
          ...features,
          faults: [...others, { ...fault, fmi: value }],
        });
        expect(risk(withFmi(worse), models)).toBeGreaterThanOrEqual(risk(withFmi(milder), models));
      }),
      { numRuns: 1000 },
    );
  });

  it('with a lit red stop lamp, be it switched on or newly reported', () => {
    fc.assert(
      fc.property(featuresArbitrary, modelsArbitrary, lampArbitrary, fc.nat(), (features, models, lamp, index) => {
        const before = risk(features, models);
        const reported = { ...features, lamps: [...features.lamps, { ...lamp, redStop: true }] };
        expect(risk(reported, models)).toBeGreaterThanOrEqual(before);
        if (features.lamps.length === 0) return;
        const lit = features.lamps.map((one, at) =>
          at === index % features.lamps.length ? { ...one, redStop: true } : one,
        );
        expect(risk({ ...features, lamps: lit }, models)).toBeGreaterThanOrEqual(before);
      }),
      { numRuns: 1000 },
    );
  });

  it('below the critical band while a stop order holds', () => {
    fc.assert(
      fc.property(featuresArbitrary, modelsArbitrary, (features, models) => {
        const stop = features.faults.some((fault) => fault.isActive && isStopCode(fault.spn, fault.fmi));
        fc.pre(stop);
        expect(risk(features, models)).toBeGreaterThanOrEqual(models.bands.critical);
      }),
      { numRuns: 200 },
    );
  });
});

describe('noise suppression cannot break these promises', () => {
  it('because it only ignores codes that are the mildest of their SPN', () => {
    for (const spn of noiseSpns) {
      const mildest = Math.min(
        ...Array.from({ length: 32 }, (_, fmi) => severityRank[describeFault(spn, fmi).severity]),
      );
      for (const fmi of noiseFmis) {
        expect(severityRank[describeFault(spn, fmi).severity], `${spn} ${fmi}`).toBe(mildest);
      }
    }
  });
});
