import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  dataEnd,
  fewestFailures,
  fewestLandmarks,
  mostLandmarks,
  planReading,
  probesOf,
  reasonOfChoice,
  reasonToSkip,
  refusalInWords,
  startDelaySeconds,
  versionOf,
  type TrainingCandidate,
} from './rules.ts';

const dayMs = 86_400_000;
const until = '2026-11-20T00:00:00.000Z';
const ago = (days: number) => new Date(Date.parse(until) - days * dayMs).toISOString();

describe('reading', () => {
  test('what is known ends with yesterday, whenever in the day a run begins', () => {
    for (const at of ['2026-11-20T00:00:00.000Z', '2026-11-20T04:37:12.345Z', '2026-11-20T23:59:59.999Z']) {
      expect(dataEnd(at)).toBe(until);
    }
  });

  test('without predictions, or with none before today, nothing is looked for', () => {
    for (const earliest of [null, until, '2026-11-20T03:00:00.000Z', '2027-01-01T00:00:00.000Z']) {
      const plan = planReading(until, 10, earliest);
      expect([plan.weeks, plan.pages, probesOf('v', plan)]).toEqual([0, 0, []]);
      expect(plan.vehiclesPerPage).toBeGreaterThan(0);
    }
    expect(planReading(until, 0, ago(100)).pages).toBe(0);
  });

  test('a small fleet is read week by week, from its first prediction to the end of the data', () => {
    const plan = planReading(until, 10, ago(30));
    const probes = probesOf('v', plan);
    expect(plan.stride).toBe(1);
    expect(probes[0]?.from.localeCompare(ago(30))).toBeLessThanOrEqual(0);
    expect(probes.at(-1)?.before).toBe(until);
    for (const [at, probe] of probes.slice(1).entries()) expect(probe.from).toBe(probes[at]?.before);
  });

  test('what is older than two years is not looked for', () => {
    const [first] = probesOf('v', planReading(until, 10, '2015-01-01T00:00:00.000Z'));
    expect(Date.parse(first?.from ?? '')).toBeGreaterThan(Date.parse(until) - (730 + 7) * dayMs);
  });

  const fleets = fc.record({ vehicles: fc.integer({ min: 1, max: 20_000 }), days: fc.integer({ min: 1, max: 2_000 }) });

  test('however large the fleet: few pages, few rows, few probes in a statement', () => {
    fc.assert(
      fc.property(fleets, ({ vehicles, days }) => {
        const plan = planReading(until, vehicles, ago(days));
        const perVehicle = Math.ceil(plan.weeks / plan.stride);
        expect(vehicles * Math.floor(plan.weeks / plan.stride)).toBeLessThanOrEqual(mostLandmarks);
        expect(plan.vehiclesPerPage * perVehicle).toBeLessThanOrEqual(2_000);
        expect(plan.pages * plan.vehiclesPerPage).toBeGreaterThanOrEqual(vehicles);
        expect(plan.pages).toBeLessThanOrEqual(120);
      }),
    );
  });

  test('no week of the fleet is left out, and vehicles take their turns alike', () => {
    const vehicles = Array.from({ length: 3_000 }, (_, n) => `01999999-0000-7000-8000-${String(n).padStart(12, '0')}`);
    const plan = planReading(until, vehicles.length, ago(364));
    expect(plan.stride).toBeGreaterThan(4);
    const byWeek = Map.groupBy(
      vehicles.flatMap((id) => probesOf(id, plan)),
      ({ from }) => from,
    );
    expect(byWeek.size).toBe(plan.weeks);
    const share = vehicles.length / plan.stride;
    for (const probes of byWeek.values()) {
      expect(probes.length).toBeGreaterThan(share * 0.7);
      expect(probes.length).toBeLessThan(share * 1.3);
    }
  });

  test('last night’s landmarks are tonight’s', () => {
    fc.assert(
      fc.property(fleets, fc.uuid(), ({ vehicles, days }, id) => {
        const first = ago(days);
        const tonight = planReading(until, vehicles, first);
        const before = planReading(ago(1), vehicles, first);
        if (tonight.stride !== before.stride || tonight.firstWeek !== before.firstWeek) return;
        const known = new Set(probesOf(id, tonight).map(({ from }) => from));
        for (const { from } of probesOf(id, before)) expect(known.has(from)).toBe(true);
      }),
    );
  });
});

test('a version says the day, and differs when the training does', () => {
  expect(versionOf(until, '9f3a2c1b77')).toBe('t-20261120-9f3a2c1b');
  expect(versionOf(until, '9f3a2c1c77')).not.toBe(versionOf(until, '9f3a2c1b77'));
});

test('a refusal says what there is and what it takes', () => {
  expect(refusalInWords({ kind: 'insufficient_data', column: 'failures', have: 3, need: 10 })).toBe(
    'There are too few failures to learn from: there are 3, it takes 10. The model in force stays.',
  );
  expect(refusalInWords({ kind: 'insufficient_data', column: 'days', have: 9, need: 28 })).toContain(
    'in days: there are 9, it takes 28',
  );
  expect(refusalInWords({ kind: 'non_finite', column: 'ageYears' })).toBe(
    'Some of the stored numbers cannot be read (ageYears). The model in force stays.',
  );
  expect(refusalInWords({ kind: 'no_events', have: 0, need: 15 })).toMatch(
    /^No failure .*: there are 0, it takes 15\./,
  );
});

describe('the night', () => {
  const due: TrainingCandidate = {
    ...{ id: 'x', lastRunAt: null, hasPredictions: true, hasNewOutcomes: true },
    ...{ landmarks: fewestLandmarks, failures: fewestFailures },
  };
  test('skips with the reason that matters most', () => {
    expect(reasonToSkip(due)).toBeNull();
    expect(reasonToSkip({ ...due, hasNewOutcomes: false })).toBe('nothing_new');
    expect(reasonToSkip({ ...due, failures: fewestFailures - 1 })).toBe('too_few_failures');
    expect(reasonToSkip({ ...due, failures: 0, landmarks: fewestLandmarks - 1 })).toBe('too_few_landmarks');
    expect(reasonToSkip({ ...due, landmarks: 0, hasPredictions: false })).toBe('predictions_off');
  });
  test('spreads the starts over an hour at most', () => {
    expect([0, 1, 2].map((position) => startDelaySeconds(position, 3))).toEqual([0, 20, 40]);
    expect(startDelaySeconds(399, 400)).toBeLessThanOrEqual(3_600);
    expect(startDelaySeconds(0, 0)).toBe(0);
  });
});

test('a choice keeps what the training said, once', () => {
  const once = reasonOfChoice('Better.');
  expect(once).toBe('Chosen by hand. At its training: Better.');
  expect(reasonOfChoice(once)).toBe(once);
});
