/** What trained parts add to a score: the forecast, its points and reasons, anomalies of models, confidence, words. */
import { describe, expect, it } from 'vitest';
import { vehicleScoreSchema, type VehicleFeatures, type VehicleScore } from '#contracts/risk';
import type { ScoringModels, SurvivalModel } from '#contracts/scoring-models';
import { featureList, featureNames } from '../features/feature-list.ts';
import { emptyFeatures } from './examples.ts';
import { explain } from './explain.ts';
import { randomModels } from './fixtures/random-models.ts';
import { defaultModels, defaultWeights, untrainedModels, weightsOf } from './models.ts';
import { scoreVehicle } from './score-vehicle.ts';
import { basisOf, survivalPoints } from './survival-points.ts';

const now = new Date('2026-11-20T09:00:00.000Z');
const daysAgo = (days: number): string => new Date(now.getTime() - days * 86_400_000).toISOString();
const weights = weightsOf(defaultModels());

type Fault = VehicleFeatures['faults'][number];
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

/** One tree that doubles the odds of failure twice: with two or more active faults, and past 40,000 miles since service. */
const twoReasons = (): SurvivalModel => {
  const faults = featureNames.indexOf('activeFaults');
  const miles = featureNames.indexOf('milesSinceService');
  const edges = [...featureNames.map(() => [1]), [0]];
  edges[miles] = [40_000];
  return {
    format: 'survival-1',
    trees: {
      format: 'gradient-trees-1',
      loss: 'hazard',
      names: [...featureNames],
      base: -5,
      edges,
      periodEnds: [30, 100],
      importance: featureNames.map((_, column) => (column === faults ? 0.75 : column === miles ? 0.25 : 0)),
      sizes: [3, 3],
      nodes: [faults, -1, -1, miles, -1, -1],
      values: [0, 0, 1.6, 0, 0, 0.8],
    },
    correction: null,
    typical: { days7: 0.002, days30: 0.0067, days90: 0.02 },
    reference: featureNames.map((name) => (name === 'milesSinceService' ? 12_000 : 0)),
  };
};
const models = (more: Partial<ScoringModels> = {}): ScoringModels => ({
  ...untrainedModels(),
  version: 'prior-9',
  survival: twoReasons(),
  ...more,
});
const features = (more: Partial<VehicleFeatures> = {}): VehicleFeatures => ({
  ...emptyFeatures(),
  observedDays: 200,
  ...more,
});
const score = (more: Partial<VehicleFeatures>, given = models()): VehicleScore =>
  scoreVehicle(features(more), given, now);
const overdue = { lastServiceAt: null, milesSinceService: 45_000, repairs365Days: null };
const ofSurvival = (result: VehicleScore) =>
  result.contributors.filter((contributor) => contributor.factor.startsWith('survival.'));

describe('what a forecast needs', () => {
  it('is 90 days of observation', () => {
    expect(score({ observedDays: 89.9 })).toMatchObject({
      failureProbability: null,
      daysToFailure: null,
      dataStatus: { kind: 'insufficient_data', have: 89, need: 90 },
      components: { survival: 0 },
    });
    expect(score({ observedDays: 90 })).toMatchObject({ dataStatus: 'ok' });
  });

  it('is a model that asks only for features there are', () => {
    const survival = twoReasons();
    survival.trees.names[0] = 'horoscope';
    expect(score({}, models({ survival }))).toMatchObject({
      failureProbability: null,
      dataStatus: { kind: 'insufficient_data', have: 0, need: 1 },
    });
  });

  it('is a whole artefact: a damaged one is an error, not a number', () => {
    const survival = twoReasons();
    survival.trees.sizes = [3, 2];
    expect(() => score({}, models({ survival }))).toThrow(RangeError);
  });

  it('is not the order of the model’s columns', () => {
    const survival = twoReasons();
    const { trees } = survival;
    const last = trees.names.length - 1;
    const turn = <T>(list: readonly T[]): T[] => [...list.slice(0, last + 1).reverse(), ...list.slice(last + 1)];
    const turned: SurvivalModel = {
      ...survival,
      reference: turn(survival.reference),
      trees: {
        ...trees,
        names: turn(trees.names),
        edges: turn(trees.edges),
        importance: turn(trees.importance),
        nodes: trees.nodes.map((node) => (node === -1 ? -1 : last - node)),
      },
    };
    const truck = { faults: [fault(171, 3), fault(105, 3)], service: overdue };
    expect(score(truck, models({ survival: turned }))).toEqual(score(truck));
  });
});

describe('the horizon that makes points', () => {
  it('is 7 days where the typical truck is likelier than not to fail within 30', () => {
    const survival = { ...twoReasons(), typical: { days7: 0.001, days30: 0.6, days90: 0.9 } };
    const result = score({}, models({ survival }));
    expect(ofSurvival(result)[0]).toMatchObject({ evidence: { typicalChance7Days: 0.001 } });
    expect(result.components.survival).toBeGreaterThan(0);
    expect(ofSurvival(score({}))[0]?.evidence).not.toHaveProperty('typicalChance7Days');
  });
});

describe('points of the forecast', () => {
  it('grow with doublings of the typical hazard up to eight times, whatever the fleet’s rate', () => {
    for (const typical of [0.001, 0.05]) {
      const after = (times: number): number => survivalPoints(1 - (1 - typical) ** times, typical, weights);
      expect(after(1)).toBeCloseTo(0, 9);
      expect(after(0.1)).toBe(0);
      expect(after(2)).toBeCloseTo(defaultWeights.survivalMax / 3, 6);
      expect(after(8)).toBeCloseTo(defaultWeights.survivalMax, 6);
      expect(after(80)).toBe(defaultWeights.survivalMax);
    }
    expect(survivalPoints(1, 0, weights)).toBe(defaultWeights.survivalMax);
    expect(survivalPoints(0, 1, weights)).toBe(0);
  });

  it('go to the groups of features that raise the chance, heaviest first, with the features named', () => {
    const result = score({ faults: [fault(171, 3), fault(105, 3)], service: overdue });
    const [first, second, ...more] = ofSurvival(result);
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      factor: 'survival.faults',
      evidence: {
        typicalChance30Days: 0.0067,
        features: [{ name: 'activeFaults', value: 2, typical: 0 }],
      },
    });
    expect(first?.text).toBe('Its fault codes raise the chance of a failure (learned from simulated trucks)');
    expect(second).toMatchObject({
      factor: 'survival.maintenance',
      text: 'Its service and repairs raise the chance of a failure (learned from simulated trucks)',
      evidence: { features: [{ name: 'milesSinceService', value: 45_000, typical: 12_000 }] },
    });
    // Two log-odds: 1.6 of the faults and 0.8 of the service.
    expect((first?.points ?? 0) / (second?.points ?? 1)).toBeCloseTo(2, 1);
    expect((first?.points ?? 0) + (second?.points ?? 0)).toBeCloseTo(result.components.survival, 9);
    expect(first?.evidence.chance30Days).toBe(result.failureProbability?.days30);
  });

  it('never rest on what nobody knows: known groups take them, or the plain chance', () => {
    // A soot load that nobody knows is the worst the model can think of.
    const survival = twoReasons();
    const soot = featureNames.indexOf('dpfSootPercent');
    survival.trees.edges[soot] = [50];
    survival.trees.nodes[3] = soot;
    survival.trees.values = [0, 0, 1.6, 0, 2, -2];
    survival.reference[soot] = 80;
    const alone = score({}, models({ survival }));
    expect(alone.components.survival).toBeGreaterThan(5);
    expect(ofSurvival(alone).map(({ factor, points }) => ({ factor, points }))).toEqual([
      { factor: 'survival.chance', points: alone.components.survival },
    ]);
    const withFaults = score({ faults: [fault(171, 3), fault(105, 3)] }, models({ survival }));
    expect(ofSurvival(withFaults)).toEqual([
      expect.objectContaining({ factor: 'survival.faults', points: withFaults.components.survival }),
    ]);
    for (const { factor, evidence } of [...ofSurvival(alone), ...ofSurvival(withFaults)]) {
      if (factor !== 'survival.chance') expect(evidence.features).not.toEqual([]);
    }
  });

  it('never rest on the date, however far it lies from the days the model was trained in', () => {
    const survival = twoReasons();
    const season = featureNames.indexOf('seasonCos');
    survival.trees.edges[season] = [0];
    survival.trees.nodes[3] = season;
    survival.reference[season] = -1;
    const result = score({ faults: [fault(171, 3), fault(105, 3)] }, models({ survival }));
    expect(ofSurvival(result).map(({ factor }) => factor)).toEqual(['survival.faults']);
    expect(ofSurvival(score({}, models({ survival }))).map(({ factor }) => factor)).toEqual(['survival.chance']);
    // What a code does only in winter is the code's doing: the typical truck stands in the same winter.
    const inWinter = twoReasons();
    inWinter.trees.edges[season] = [0];
    inWinter.reference[season] = -1;
    inWinter.trees.sizes = [5, 3];
    inWinter.trees.nodes = [season, -1, featureNames.indexOf('activeFaults'), -1, -1, ...inWinter.trees.nodes.slice(3)];
    inWinter.trees.values = [0, 0, 0, 0, 1.6, ...inWinter.trees.values.slice(3)];
    const truck = { faults: [fault(171, 3), fault(105, 3)], service: overdue };
    const [faults, service] = ofSurvival(score(truck, models({ survival: inWinter })));
    expect((faults?.points ?? 0) / (service?.points ?? 1)).toBeCloseTo(2, 1);
  });

  it('are none for a typical truck, which still hears its chance', () => {
    const result = score({});
    expect(result).toMatchObject({ riskScore: 0, healthScore: 100, components: { survival: 0 } });
    expect(ofSurvival(result)).toEqual([
      expect.objectContaining({
        factor: 'survival.chance',
        points: 0,
        text: 'Chance of a failure within 30 days is 0.7 %, 0.7 % on a typical truck (learned from simulated trucks)',
      }),
    ]);
  });

  it('leave health alone: it is the present', () => {
    const truck = { faults: [fault(171, 3), fault(105, 3)], service: overdue };
    const without = score(truck, models({ survival: null }));
    const result = score(truck);
    expect(result.healthScore).toBe(without.healthScore);
    expect(result.riskScore).toBeCloseTo(without.riskScore + result.components.survival, 9);
  });

  it('end below the critical band, unless the truck must stop anyway', () => {
    const bands = { medium: 5, high: 10, critical: 40 };
    const truck = { faults: [fault(171, 3), fault(105, 3)], service: overdue };
    expect(score(truck, models({ bands }))).toMatchObject({ riskLevel: 'high', riskScore: 39.9 });
    const stopped = score({ ...truck, faults: [...truck.faults, fault(100, 1)] }, models({ bands }));
    expect(stopped.riskLevel).toBe('critical');
    expect(stopped.components.survival).toBeGreaterThan(0);
  });

  it('are the tenant’s to weigh', () => {
    const truck = { faults: [fault(171, 3), fault(105, 3)], service: overdue };
    const none = models({ weights: { ...defaultWeights, survivalMax: 0 } });
    expect(score(truck, none).components.survival).toBe(0);
    expect(score(truck, none).failureProbability).toEqual(score(truck).failureProbability);
  });
});

describe('confidence', () => {
  const complete: Partial<VehicleFeatures> = {
    vehicle: {
      make: 'Kenworth',
      model: 'T680',
      year: 2022,
      odometerMiles: 300_000,
      engineHours: 8_000,
      milesPerDay: 400,
      hoursPerDay: 8,
    },
    service: { lastServiceAt: daysAgo(30), milesSinceService: 12_000, repairs365Days: 1 },
    lamps: [
      { sourceAddress: 0, malfunction: false, redStop: false, amberWarning: false, protect: false, at: daysAgo(0) },
    ],
  };

  /** Trucks of which half fail within the model's 100 days. */
  const often = (): SurvivalModel => ({ ...twoReasons(), trees: { ...twoReasons().trees, base: 0 } });

  it('is at most medium while only the prior speaks', () => {
    expect(score(complete, models({ survival: often() })).confidence).toBe('medium');
    expect(score(complete, models({ version: 'tenant-3', survival: often() })).confidence).toBe('high');
    expect(score(complete, models({ survival: null })).confidence).toBe('high');
  });

  it('is at most medium where half of such trucks outlast what the model has seen, and the explanation says so', () => {
    const far = score(complete, models({ version: 'tenant-3' }));
    expect(far.daysToFailure?.p50).toBeGreaterThan(100);
    expect(far.confidence).toBe('medium');
    const beyond = 'Failures were learned up to 100 days ahead; beyond that the last rate goes on.';
    expect(explain(far).join(' ')).toContain(beyond);
    const near = { ...often(), trees: { ...often().trees, base: 4 } };
    expect(explain(score(complete, models({ survival: near }))).join(' ')).not.toContain('last rate');
  });

  it('falls when the model asks for what nobody knows', () => {
    const survival = often();
    survival.trees.importance = featureNames.map((name) =>
      name === 'dpfSootZ' ? 0.6 : name === 'activeFaults' ? 0.4 : 0,
    );
    expect(score(complete, models({ version: 'tenant-3', survival })).confidence).toBe('medium');
    survival.trees.importance = featureNames.map((name) => (name === 'dpfSootZ' ? 1 : 0));
    const result = score(complete, models({ version: 'tenant-3', survival }));
    expect(result.confidence).toBe('low');
    expect(explain(result).join(' ')).toContain(
      'forecast as for trucks of which it is not known either: soot load against its own baseline.',
    );
  });

  it('knows a prior hardly corrected from one that has learned', () => {
    const correction = randomModels(1).survival?.correction;
    if (correction === null || correction === undefined) throw new Error('no correction');
    const corrected = (events: number) => ({ ...twoReasons(), correction: { ...correction, events } });
    expect(basisOf('tenant-1', corrected(5))).toBe('prior');
    expect(basisOf('tenant-1', corrected(50))).toBe('corrected_prior');
    expect(basisOf('tenant-1', twoReasons())).toBe('own_trees');
    expect(basisOf('prior-1', twoReasons())).toBe('prior');
    // The shipped prior, chosen again by a tenant's training under a version of its own.
    const shipped = structuredClone(defaultModels().survival);
    if (shipped === null) throw new Error('no prior');
    expect(basisOf('tenant-1', shipped)).toBe('prior');
  });
});

describe('the explanation', () => {
  it('says chance, range, reasons, what the forecast rests on and how far to trust it', () => {
    const lines = explain(score({ faults: [fault(171, 3), fault(105, 3)], service: overdue }));
    expect(lines[1]).toMatch(
      /^Chance of a repair or breakdown: .* within 7 days, 6\.9 % within 30 days, .* within 90 days\.$/,
    );
    expect(lines[2]).toMatch(/^Of ten such trucks fail: one within \d+ days, five within .*, nine within .*\./);
    expect(lines.join('\n')).toContain('active fault codes 2, typically 0 (+');
    expect(lines.at(-2)).toBe('The forecast rests on simulated trucks, not yet on this fleet’s own failures.');
    expect(lines.at(-1)).toContain('how well the model knows this fleet');
  });

  it('has words for ranges that end nowhere within ten years', () => {
    const said = (p10: number, p50: number, p90: number): string =>
      explain({ ...score({}), daysToFailure: { p10, p50, p90 } })[2] ?? '';
    expect(said(20, 400, 3650)).toMatch(
      /^Of ten such trucks fail: one within 20 days, five within 13 months, nine not within 10 years\./,
    );
    expect(said(900, 3650, 3650)).toMatch(/^Of ten such trucks fail: one within 2 years, five not within 10 years\./);
    expect(said(3650, 3650, 3650)).toMatch(/^Of ten such trucks fail: one not within 10 years\./);
  });

  it('takes evidence as data: a basis named like a property of every object is none', () => {
    const result = score({});
    const contributors = result.contributors.map((one) => ({ ...one, evidence: { basis: 'constructor' } }));
    expect(explain({ ...result, contributors }).join(' ')).not.toContain('native code');
  });

  it('names what is missing instead', () => {
    expect(explain(score({ observedDays: 12 })).join(' ')).toContain(
      'No failure forecast: 12 of 90 days of observation.',
    );
    expect(explain(score({}, untrainedModels())).join(' ')).not.toContain('Chance');
  });
});

describe('a score of the random models', () => {
  it('stays in the contract with every trained part', () => {
    const result = scoreVehicle(features({ faults: [fault(4364, 18)] }), randomModels(7), now);
    expect(() => vehicleScoreSchema.parse(result)).not.toThrow();
    expect(featureList.length).toBe(featureNames.length);
  });
});
