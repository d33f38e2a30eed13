/** The promises of a score, held against random vehicles, random weights and random bands. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actionOfLevel, vehicleScoreSchema, type VehicleFeatures } from '#contracts/risk';
import type { ScoringModels } from '#contracts/scoring-models';
import { describeFault, isStopCode } from '../j1939/describe-fault.ts';
import { noiseFmis, noiseSpns } from './crank-noise.ts';
import {
  bandsArbitrary,
  faultArbitrary,
  featuresArbitrary,
  lampArbitrary,
  modelsArbitrary,
  now,
  trainedModelsArbitrary,
} from './fixtures/arbitraries.ts';
import { defaultModels } from './models.ts';
import { componentOf } from './points.ts';
import { levelOf, scoreVehicle, scoreVehicles } from './score-vehicle.ts';

const runs = { numRuns: 300 };
const severityRank = { unknown: 0, info: 1, minor: 2, major: 3, critical: 4 } as const;

const risk = (features: VehicleFeatures, models: ScoringModels): number =>
  scoreVehicle(features, models, now).riskScore;
/** Everything in a value, however deep, that JSON would lose: NaN, infinities, undefined, functions. */
const notJson = (value: unknown, path = ''): string[] => {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => notJson(inner, `${path}.${key}`));
  }
  const isPlain = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
  return isPlain ? [] : [`${path}: ${String(value)}`];
};
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
        expect(notJson(result)).toEqual([]);
        expect(JSON.stringify(result)).not.toMatch(/NaN|Infinity|undefined/);
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

  it('is the same, byte for byte, in whatever order faults, lamps and signals come, repeated codes among them', () => {
    const repeats = fc.array(fc.tuple(fc.nat(), faultArbitrary), { maxLength: 4 });
    fc.assert(
      fc.property(featuresArbitrary, modelsArbitrary, repeats, fc.nat(), (features, models, more, by) => {
        const again = more.flatMap(([at, other]) => {
          const one = features.faults[at % features.faults.length];
          const { spn, fmi, sourceAddress, isActive } = one ?? other;
          return [{ ...other, spn, fmi, sourceAddress, isActive }];
        });
        const given = { ...features, faults: [...features.faults, ...again] };
        const moved = <T>(list: readonly T[]): T[] => {
          const from = list.length === 0 ? 0 : by % list.length;
          return [...list.slice(from), ...list.slice(0, from)].reverse();
        };
        const other = {
          ...given,
          faults: moved(given.faults),
          lamps: moved(given.lamps),
          signals: moved(given.signals),
        };
        expect(JSON.stringify(scoreVehicle(other, models, now))).toBe(JSON.stringify(scoreVehicle(given, models, now)));
      }),
      { numRuns: 600 },
    );
  });

  it('is the same, byte for byte, alone and in a batch, today and tomorrow', () => {
    const fleetArbitrary = fc.array(featuresArbitrary, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fleetArbitrary, modelsArbitrary, (fleet, models) => {
        const batch = scoreVehicles(fleet, models, now).map((score) => JSON.stringify(score));
        const alone = fleet.map((features) => JSON.stringify(scoreVehicle(features, models, now)));
        expect(batch).toEqual(alone);
        const copy = structuredClone({ fleet, models });
        expect(scoreVehicles(copy.fleet, copy.models, now).map((score) => JSON.stringify(score))).toEqual(alone);
      }),
      { numRuns: 100 },
    );
  });

  it('speaks of the future exactly when it may: chances rise with the horizon, the range is in order', () => {
    let spoken = 0;
    fc.assert(
      fc.property(featuresArbitrary, trainedModelsArbitrary, (features, models) => {
        const { failureProbability, daysToFailure, dataStatus, components } = scoreVehicle(features, models, now);
        const isObserved =
          features.observedDays !== null && features.observedDays >= 90 && features.observedDays < Infinity;
        expect(failureProbability !== null).toBe(isObserved);
        expect(daysToFailure !== null).toBe(isObserved);
        expect(dataStatus === 'ok').toBe(isObserved);
        if (failureProbability === null || daysToFailure === null) {
          expect(components.survival).toBe(0);
          return;
        }
        spoken += 1;
        expect(failureProbability.days7).toBeGreaterThan(0);
        expect(failureProbability.days30).toBeGreaterThanOrEqual(failureProbability.days7);
        expect(failureProbability.days90).toBeGreaterThanOrEqual(failureProbability.days30);
        expect(failureProbability.days90).toBeLessThan(1);
        expect(daysToFailure.p10).toBeGreaterThanOrEqual(0);
        expect(daysToFailure.p50).toBeGreaterThanOrEqual(daysToFailure.p10);
        expect(daysToFailure.p90).toBeGreaterThanOrEqual(daysToFailure.p50);
        expect(daysToFailure.p90).toBeLessThanOrEqual(3650);
      }),
      runs,
    );
    expect(spoken).toBeGreaterThan(100);
  });

  it('orders a truck to the roadside only by its codes, lamps and upkeep, never by statistics', () => {
    fc.assert(
      fc.property(featuresArbitrary, trainedModelsArbitrary, (features, models) => {
        const quiet = {
          ...features,
          faults: [],
          lamps: [],
          service: { ...features.service, milesSinceService: null, lastServiceAt: null, repairs365Days: null },
        };
        expect(scoreVehicle(quiet, models, now).riskLevel).not.toBe('critical');
      }),
      runs,
    );
  });

  it('does not care in which unit a signal is measured, as long as its baseline is too', () => {
    fc.assert(
      fc.property(
        featuresArbitrary,
        trainedModelsArbitrary,
        fc.constantFrom(0.25, 2, 1024),
        (features, models, factor) => {
          // Values with a range of their own, and baselines shared by a model, are bound to their unit.
          const signals = features.signals.filter(({ name }) => name === 'x' || name === 'engineRpm');
          const scaled = signals.map((signal) => ({
            ...signal,
            value: signal.name === 'x' ? signal.value * factor : signal.value,
            baselineMedian:
              signal.baselineMedian === null || signal.name !== 'x'
                ? signal.baselineMedian
                : signal.baselineMedian * factor,
            baselineMad:
              signal.baselineMad === null || signal.name !== 'x' ? signal.baselineMad : signal.baselineMad * factor,
          }));
          // Next to the smallest and largest numbers scaling is not exact.
          const exact = (one: number | null): boolean =>
            one === null || one === 0 || (Math.abs(one) > 1e-200 && Math.abs(one) < 1e200);
          fc.pre(signals.every((one) => exact(one.value) && exact(one.baselineMedian) && exact(one.baselineMad)));
          const before = scoreVehicle({ ...features, signals }, models, now);
          const after = scoreVehicle({ ...features, signals: scaled }, models, now);
          expect(after.riskScore).toBe(before.riskScore);
          expect(after.failureProbability).toEqual(before.failureProbability);
          expect(after.anomalies.map(({ signal, zScore }) => ({ signal, zScore }))).toEqual(
            before.anomalies.map(({ signal, zScore }) => ({ signal, zScore })),
          );
        },
      ),
      runs,
    );
  });
});

describe('the risk never falls', () => {
  it('with one more active fault', () => {
    fc.assert(
      fc.property(featuresArbitrary, modelsArbitrary, faultArbitrary, (features, models, fault) => {
        const more = { ...features, faults: [...features.faults, { ...fault, isActive: true }] };
        const before = scoreVehicle(features, models, now);
        const after = scoreVehicle(more, models, now);
        expect(after.riskScore).toBeGreaterThanOrEqual(before.riskScore);
        expect(after.healthScore).toBeLessThanOrEqual(before.healthScore);
        const chances = [before.failureProbability, after.failureProbability];
        if (chances[0] !== null && chances[1] !== null) {
          for (const horizon of ['days7', 'days30', 'days90'] as const) {
            expect(chances[1]?.[horizon]).toBeGreaterThanOrEqual(chances[0]?.[horizon] ?? 1);
          }
        }
      }),
      { numRuns: 600 },
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
      { numRuns: 600 },
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
      { numRuns: 600 },
    );
  });

  it('below the critical band while a stop order holds', () => {
    const stopCode = fc.constantFrom([100, 1], [110, 0], [111, 1], [117, 1], [118, 1], [127, 1], [1110, 31]);
    fc.assert(
      fc.property(featuresArbitrary, modelsArbitrary, faultArbitrary, stopCode, (features, models, fault, code) => {
        const [spn = 0, fmi = 0] = code;
        expect(isStopCode(spn, fmi)).toBe(true);
        const stopping = { ...features, faults: [...features.faults, { ...fault, spn, fmi, isActive: true }] };
        const result = scoreVehicle(stopping, models, now);
        expect(result.riskScore).toBeGreaterThanOrEqual(models.bands.critical);
        expect(result.recommendedAction).toBe('pull_over');
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
