import { describe, expect, it } from 'vitest';
import { vehicleScoreSchema, type VehicleFeatures, type VehicleScore } from '#contracts/risk';
import { emptyFeatures, exampleModels } from './examples.ts';
import { explain } from './explain.ts';
import { defaultModels, defaultWeights, untrainedModels } from './models.ts';
import { levelOf, scoreVehicle } from './score-vehicle.ts';

const now = new Date('2026-11-20T09:00:00.000Z');
const hoursAgo = (hours: number): string => new Date(now.getTime() - hours * 3_600_000).toISOString();

type Fault = VehicleFeatures['faults'][number];

const fault = (spn: number, fmi: number, more: Partial<Fault> = {}): Fault => ({
  spn,
  fmi,
  sourceAddress: 0,
  isActive: true,
  firstSeenAt: hoursAgo(1),
  lastSeenAt: hoursAgo(0),
  clearedAt: null,
  occurrenceCount: 1,
  reopenCount: 0,
  ...more,
});

const lamp = (more: Partial<VehicleFeatures['lamps'][number]>): VehicleFeatures['lamps'][number] => ({
  sourceAddress: 0,
  malfunction: false,
  redStop: false,
  amberWarning: false,
  protect: false,
  at: hoursAgo(0.5),
  ...more,
});

const score = (features: Partial<VehicleFeatures>, models = defaultModels()): VehicleScore =>
  scoreVehicle({ ...emptyFeatures(), ...features }, models, now);

const factors = (result: VehicleScore): string[] => result.contributors.map((contributor) => contributor.factor);

describe('bad input', () => {
  it('refuses an invalid now as the caller’s mistake', () => {
    expect(() => scoreVehicle(emptyFeatures(), exampleModels(), new Date(Number.NaN))).toThrow(RangeError);
  });

  it('survives unreadable times, NaN and absurd numbers', () => {
    const result = score({
      faults: [
        fault(Number.NaN, Number.NaN, {
          sourceAddress: Number.NaN,
          occurrenceCount: Number.NaN,
          reopenCount: Infinity,
        }),
        fault(100, 1, { firstSeenAt: 'yesterday', lastSeenAt: '', occurrenceCount: -5 }),
        fault(100, 18, {
          firstSeenAt: '9999-12-31T00:00:00Z',
          lastSeenAt: '0001-01-01T00:00:00Z',
          occurrenceCount: 1e308,
        }),
        fault(110, 0, { isActive: false, clearedAt: 'never', lastSeenAt: 'never' }),
      ],
      lamps: [lamp({ sourceAddress: Number.NaN, amberWarning: true, at: 'x' })],
      signals: [
        { name: '', value: 1e308, at: hoursAgo(0), baselineMedian: -1e308, baselineMad: 1e-300, n: Infinity },
        { name: 'b', value: Number.NaN, at: hoursAgo(0), baselineMedian: 1, baselineMad: 1, n: 50 },
      ],
      service: { lastServiceAt: 'soon', milesSinceService: -3, repairs365Days: Number.NaN },
      observedDays: Number.NaN,
    });
    expect(() => vehicleScoreSchema.parse(result)).not.toThrow();
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  it('names in evidence no number that JSON cannot carry', () => {
    const nowhere = { sourceAddress: Infinity };
    const result = score({ faults: [fault(100, 1, nowhere), fault(110, 0, nowhere), fault(111, 1, nowhere)] });
    const codes = ['faults.stop', 'faults.combination.coolant_loss'].map(
      (factor) => result.contributors.find((contributor) => contributor.factor === factor)?.evidence.codes,
    );
    expect(codes[0]).toContainEqual({ spn: 100, fmi: 1, sourceAddress: null });
    expect(codes[1]).toEqual([
      { spn: 110, fmi: 0, sourceAddress: null },
      { spn: 111, fmi: 1, sourceAddress: null },
    ]);
    expect(JSON.stringify(result)).not.toContain('Infinity');
  });

  it('falls back to default bands and weights when the artefact’s are unusable', () => {
    const models = {
      ...defaultModels({ medium: 90, high: 20, critical: Number.NaN }),
      weights: { severityMajor: Number.NaN, severityMinor: -4 },
    };
    expect(score({ faults: [fault(110, 16)] }, models)).toMatchObject({
      riskScore: score({ faults: [fault(110, 16)] }).riskScore,
      riskLevel: 'medium',
    });
  });
});

describe('what data cannot support', () => {
  it('is null with a tag, never a number', () => {
    expect(score({ observedDays: 42.7 })).toMatchObject({
      failureProbability: null,
      daysToFailure: null,
      dataStatus: { kind: 'insufficient_data', have: 42, need: 90 },
      components: { survival: 0 },
    });
    expect(score({ observedDays: null }).dataStatus).toEqual({ kind: 'insufficient_data', have: 0, need: 90 });
  });

  it('lacks a model, not days, once the truck has been watched long enough', () => {
    const result = score({ observedDays: 400 }, untrainedModels());
    expect(result.dataStatus).toEqual({ kind: 'insufficient_data', have: 0, need: 1 });
    expect(explain(result).join(' ')).toContain('no trained survival model yet');
  });

  it('scores an empty vehicle 0, healthy, with low confidence', () => {
    expect(score({})).toMatchObject({
      riskScore: 0,
      riskLevel: 'low',
      healthScore: 100,
      recommendedAction: 'keep_driving',
      confidence: 'low',
      contributors: [],
      anomalies: [],
    });
  });
});

describe('one fault', () => {
  it.each([
    ['minor', fault(171, 3), 'low', 'keep_driving'],
    ['major', fault(4364, 18), 'medium', 'next_service'],
    ['critical but not a stop', fault(1761, 1), 'high', 'drive_to_dealer'],
    ['stop', fault(100, 1), 'critical', 'pull_over'],
    ['unknown', fault(520_210, 31), 'low', 'keep_driving'],
  ] as const)('%s ends in its band', (_, one, riskLevel, recommendedAction) => {
    expect(score({ faults: [one] })).toMatchObject({ riskLevel, recommendedAction });
  });

  it('stays out of the critical band without a stop order, however old and frequent', () => {
    const old = fault(1761, 1, { firstSeenAt: hoursAgo(24 * 300), occurrenceCount: 120, reopenCount: 40 });
    const result = score({ faults: [old], lamps: [lamp({ amberWarning: true, malfunction: true, protect: true })] });
    expect(result.riskLevel).toBe('high');
  });

  it('weighs more the longer it lasts, the more often it comes, and less when nobody confirms it', () => {
    const risk = (more: Partial<Fault>): number => score({ faults: [fault(4364, 18, more)] }).riskScore;
    const fresh = risk({});
    expect(risk({ firstSeenAt: hoursAgo(24 * 7) })).toBeGreaterThan(fresh);
    expect(risk({ occurrenceCount: 20 })).toBeGreaterThan(fresh);
    expect(risk({ reopenCount: 2 })).toBeGreaterThan(fresh);
    expect(risk({ lastSeenAt: hoursAgo(24 * 30), firstSeenAt: hoursAgo(24 * 30) })).toBeLessThan(
      risk({ firstSeenAt: hoursAgo(24 * 30) }),
    );
  });

  it('says what is wrong, since when and how often, with evidence', () => {
    const one = fault(100, 1, { firstSeenAt: hoursAgo(75), occurrenceCount: 4 });
    const found = score({ faults: [one] }).contributors.find(({ factor }) => factor === 'faults.code.100.1.0');
    expect(found?.text).toBe('Engine oil pressure critically low (SPN 100 FMI 1), active for 3 days, seen 4 times');
    expect(found?.evidence).toMatchObject({
      spn: 100,
      fmi: 1,
      sourceAddress: 0,
      controller: 'engine controller',
      severity: 'critical',
      firstSeenAt: one.firstSeenAt,
      isActive: true,
    });
  });

  it('fades over weeks once cleared, faster when it never came back, and is then forgotten', () => {
    const risk = (days: number, reopenCount = 0): number =>
      score({ faults: [fault(110, 0, { isActive: false, clearedAt: hoursAgo(24 * days), reopenCount })] }).riskScore;
    expect(risk(0)).toBeGreaterThan(risk(7));
    expect(risk(7, 3)).toBeGreaterThan(risk(7));
    expect(risk(0, 40)).toBeLessThan(25);
    expect(risk(61, 3)).toBe(0);
  });

  it('counts once when a feed repeats it', () => {
    const twice = score({ faults: [fault(4364, 18), fault(4364, 18, { isActive: false, clearedAt: hoursAgo(1) })] });
    expect(twice).toEqual(score({ faults: [fault(4364, 18)] }));
  });
});

describe('several faults', () => {
  it('keeps a dozen sensor faults out of the roadside', () => {
    const sensors = [105, 108, 171, 172, 1172, 52, 96, 38, 99, 112, 3242, 4766].map((spn) => fault(spn, 3));
    expect(score({ faults: sensors }).riskLevel).not.toBe('critical');
    expect(score({ faults: sensors }).riskLevel).not.toBe('high');
  });

  it('names an imminent aftertreatment derate from soot, SCR and derate codes together', () => {
    const codes = [fault(3251, 16), fault(4364, 18), fault(5246, 15)];
    expect(factors(score({ faults: codes }))).toContain('faults.combination.aftertreatment_derate');
    expect(factors(score({ faults: codes }))).not.toContain('faults.combination.scr_derate');
    expect(factors(score({ faults: codes.slice(1) }))).toContain('faults.combination.scr_derate');
    expect(factors(score({ faults: codes.slice(0, 2) })).join()).not.toContain('combination');
  });

  it('does not combine cleared codes, nor sensor circuits with conditions', () => {
    const cleared = fault(111, 1, { isActive: false, clearedAt: hoursAgo(2) });
    expect(factors(score({ faults: [fault(110, 16), cleared] })).join()).not.toContain('combination');
    expect(factors(score({ faults: [fault(110, 3), fault(111, 18)] })).join()).not.toContain('combination');
    expect(factors(score({ faults: [fault(110, 16), fault(111, 18)] }))).toContain('faults.combination.coolant_loss');
  });

  it('are told in one order, in whatever order they came', () => {
    const codes = [fault(117, 1), fault(100, 1), fault(118, 1), fault(110, 0), fault(111, 1, { sourceAddress: 3 })];
    const reading = { name: 'oilTempF', value: 300, at: hoursAgo(1), baselineMedian: 200, baselineMad: 5 };
    const signals = [Number.NaN, Infinity].map((n) => ({ ...reading, n }));
    const told = JSON.stringify(score({ faults: codes, signals }));
    expect(JSON.stringify(score({ faults: codes.toReversed(), signals: signals.toReversed() }))).toBe(told);
    const reversed = score({ faults: codes.toReversed() });
    const stop = reversed.contributors.find(({ factor }) => factor === 'faults.stop');
    expect(stop?.evidence.codes).toMatchObject([{ spn: 100 }, { spn: 110 }, { spn: 111 }, { spn: 117 }, { spn: 118 }]);
  });

  it('sums what nobody reads into one line', () => {
    const many = Array.from({ length: 300 }, (_, index) => fault(600_000 + index, 31));
    const result = score({ faults: many });
    expect(result.contributors.length).toBeLessThanOrEqual(41);
    expect(factors(result)).toContain('faults.other_codes');
  });
});

describe('stop orders', () => {
  it('lift the score to the tenant’s critical band as a contributor of faults', () => {
    for (const critical of [60, 75, 74.96, 99.95, 100]) {
      const models = defaultModels({ medium: 10, high: 20, critical });
      for (const features of [{ lamps: [lamp({ redStop: true })] }, { faults: [fault(117, 1)] }]) {
        const result = score(features, models);
        expect(result.riskScore).toBeGreaterThanOrEqual(critical);
        expect(result).toMatchObject({ riskLevel: 'critical', recommendedAction: 'pull_over' });
        expect(factors(result)).toContain('faults.stop');
      }
    }
  });

  it('end when the red lamp goes out or the code clears', () => {
    const out = [lamp({ redStop: true, at: hoursAgo(3) }), lamp({ redStop: false, at: hoursAgo(1) })];
    expect(score({ lamps: out }).riskScore).toBe(0);
    expect(score({ lamps: [...out, lamp({ redStop: true, sourceAddress: 11 })] }).riskLevel).toBe('critical');
    const cleared = fault(117, 1, { isActive: false, clearedAt: hoursAgo(1) });
    expect(factors(score({ faults: [cleared] }))).not.toContain('faults.stop');
  });

  it('keep a red lamp whose time cannot be read', () => {
    expect(score({ lamps: [lamp({ redStop: true, at: '??' }), lamp({})] }).riskLevel).toBe('critical');
  });
});

describe('known noise', () => {
  const rpm = (value: number, at: string) => ({
    name: 'engineRpm',
    value,
    at,
    baselineMedian: null,
    baselineMad: null,
    n: 0,
  });
  const dip = fault(168, 4, { firstSeenAt: hoursAgo(2), lastSeenAt: hoursAgo(2) });

  it('ignores a voltage dip while the engine cranked, and says so', () => {
    const result = score({ faults: [dip], signals: [rpm(180, hoursAgo(2))] });
    expect(result.riskScore).toBe(0);
    expect(result.contributors[0]?.text).toContain('ignored');
  });

  it('keeps it without proof of a crank', () => {
    expect(score({ faults: [dip] }).riskScore).toBeGreaterThan(0);
    expect(score({ faults: [dip], signals: [rpm(1200, hoursAgo(2))] }).riskScore).toBeGreaterThan(0);
    expect(score({ faults: [dip], signals: [rpm(180, hoursAgo(1))] }).riskScore).toBeGreaterThan(0);
    const lasting = fault(168, 4, { firstSeenAt: hoursAgo(5), lastSeenAt: hoursAgo(2) });
    expect(score({ faults: [lasting], signals: [rpm(180, hoursAgo(2))] }).riskScore).toBeGreaterThan(0);
    expect(score({ faults: [{ ...dip, fmi: 1 }], signals: [rpm(180, hoursAgo(2))] }).riskScore).toBeGreaterThan(0);
  });
});

describe('anomalies', () => {
  const signal = (more: Partial<VehicleFeatures['signals'][number]>) => ({
    name: 'coolantTempF',
    value: 230,
    at: hoursAgo(1),
    baselineMedian: 189,
    baselineMad: 3,
    n: 400,
    ...more,
  });

  it('name the signal, its usual value and how far off it is', () => {
    const result = score({ signals: [signal({})] });
    expect(result.anomalies).toEqual([
      { signal: 'coolantTempF', value: 230, expected: 189, zScore: 9.22, since: hoursAgo(1) },
    ]);
    expect(result.contributors[0]).toMatchObject({
      factor: 'anomaly.coolantTempF',
      text: 'Coolant temp is 230 °F, normally about 189 °F on this truck',
    });
    expect(result.components.anomaly).toBe(result.riskScore);
  });

  it.each([
    ['no baseline', { baselineMedian: null }],
    ['a flat baseline', { baselineMad: 0 }],
    ['too few readings', { n: 19 }],
    ['a count of readings that is none', { n: Infinity }],
    ['an ordinary value', { value: 195 }],
    ['an old reading', { at: hoursAgo(24 * 8) }],
  ])('are not made from %s', (_, more) => {
    expect(score({ signals: [signal(more)] })).toMatchObject({ anomalies: [], riskScore: 0 });
  });

  it.each([
    ['oil constructor', 'Oil constructor is 230, normally'],
    ['constructor', 'Constructor is 230, normally'],
    ['dpf toString', 'DPF to string is 230, normally'],
  ])('say an unknown name as it is: %s', (name, words) => {
    expect(score({ signals: [signal({ name })] }).contributors[0]?.text).toContain(words);
  });

  it('use the newest reading of a signal', () => {
    expect(
      score({ signals: [signal({ at: hoursAgo(5) }), signal({ value: 190, at: hoursAgo(1) })] }).anomalies,
    ).toEqual([]);
  });
});

describe('usage', () => {
  const service = (more: Partial<VehicleFeatures['service']>) =>
    score({ service: { lastServiceAt: null, milesSinceService: null, repairs365Days: null, ...more } }).components
      .usage;

  it('counts an overdue service, an old one where no mileage is known, and repeated repairs', () => {
    expect(service({ milesSinceService: defaultWeights.serviceIntervalMiles })).toBe(0);
    expect(service({ milesSinceService: 33_000 })).toBe(3.6);
    expect(service({ milesSinceService: 400_000 })).toBe(10);
    expect(service({ lastServiceAt: hoursAgo(24 * 400) })).toBe(4);
    expect(service({ lastServiceAt: hoursAgo(24 * 400), milesSinceService: 1_000 })).toBe(0);
    expect(service({ repairs365Days: 1 })).toBe(0);
    expect(service({ repairs365Days: 3 })).toBe(3);
    expect(service({ repairs365Days: 50 })).toBe(6);
  });
});

describe('bands', () => {
  it('close below: a score at the edge belongs to the higher band', () => {
    const bands = { medium: 25, high: 50, critical: 75 };
    expect([0, 24.9, 25, 49.9, 50, 74.9, 75, 100].map((risk) => levelOf(risk, bands))).toEqual([
      'low',
      'low',
      'medium',
      'medium',
      'high',
      'high',
      'critical',
      'critical',
    ]);
  });
});
