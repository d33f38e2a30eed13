/** The bundled prior is what its report says it is, fits the features of today, and behaves as a prior must. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelArtefactSchema, modelQualitySchema } from '#contracts/scoring-models';
import { featureList, featureNames } from '../features/feature-list.ts';
import { forecast } from '../forecast/forecast.ts';
import { globalPrior } from './global-prior.ts';

const fileOf = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');
const report = JSON.parse(fileOf('report.json')) as {
  version: string;
  digest: string;
  worlds: { name: string; prior: Numbers; cox: Numbers; trainingCurve: Numbers; ownCurve: Numbers }[];
  tenants: { after: { prior: Numbers; corrected: Numbers }[] }[];
};
interface Numbers {
  concordance: number;
  integratedBrier: number;
  brier7: number;
}
const { artefact } = globalPrior;
const { survival } = artefact;
if (survival === null) throw new Error('the prior has no survival model');

describe('the file', () => {
  it('is the artefact and quality of the contract, small enough to be bundled', () => {
    expect(modelArtefactSchema.parse(artefact)).toEqual(artefact);
    expect(modelQualitySchema.parse(globalPrior.quality)).toEqual(globalPrior.quality);
    expect(fileOf('global-prior.json').length).toBeLessThan(400_000);
    expect(Number.isFinite(Date.parse(globalPrior.trainedAt))).toBe(true);
  });

  it('is the one that the report is about', () => {
    const digest = createHash('sha256').update(JSON.stringify(artefact)).digest('hex');
    expect(report).toMatchObject({ version: globalPrior.version, digest });
    const { version: _version, ...learned } = artefact;
    const named = createHash('sha256').update(JSON.stringify(learned)).digest('hex');
    expect(globalPrior.version).toBe(`prior-${named.slice(0, 8)}`);
    expect(artefact.version).toBe(globalPrior.version);
    expect(fileOf('README.md')).toContain(globalPrior.version);
  });

  it('has the features of today in their order; after a change of the list it has to be trained again', () => {
    expect(survival.trees.names).toEqual([...featureNames]);
    expect(survival.reference).toHaveLength(featureNames.length);
    expect(survival.correction).toBeNull();
  });
});

describe('the report', () => {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value / values.length, 0);

  it('shows the prior ahead of the curve anybody could draw in every world it has never seen', () => {
    expect(report.worlds.length).toBeGreaterThanOrEqual(10);
    for (const { prior, trainingCurve, ownCurve } of report.worlds) {
      expect(prior.integratedBrier).toBeLessThan(
        0.95 * Math.min(trainingCurve.integratedBrier, ownCurve.integratedBrier),
      );
      expect(prior.brier7).toBeLessThan(0.95 * Math.min(trainingCurve.brier7, ownCurve.brier7));
      expect(prior.concordance).toBeGreaterThan(0.62);
    }
  });

  it('shows it ahead of Cox on average, and nowhere far behind', () => {
    const ratios = report.worlds.map(({ prior, cox }) => prior.integratedBrier / cox.integratedBrier);
    expect(mean(ratios)).toBeLessThan(0.99);
    expect(Math.max(...ratios)).toBeLessThan(1.03);
    expect(mean(report.worlds.map(({ prior, cox }) => prior.concordance - cox.concordance))).toBeGreaterThan(0);
  });

  it('shows that a tenant’s failures mend what the prior has wrong, and hardly ever harm', () => {
    const ratios = report.tenants.map(({ after }) =>
      after.map(({ prior, corrected }) => corrected.integratedBrier / prior.integratedBrier),
    );
    expect(ratios.map((months) => months.length)).toEqual([3, 3, 3]);
    expect(mean(ratios.flat())).toBeLessThan(1);
    expect(Math.max(...ratios.flat())).toBeLessThan(1.05);
    // The fleet most unlike those of the training gains most.
    expect(mean(ratios[0] ?? [])).toBeLessThan(0.99);
  });
});

describe('the model', () => {
  const typicalTruck = survival.reference.map((value) => value ?? Number.NaN);
  const rowArbitrary = fc.tuple(
    ...survival.reference.map((value) =>
      fc.oneof(
        fc.constant(Number.NaN),
        fc.constant(value ?? 0),
        fc.double({ min: -1e3, max: 1e6, noNaN: true }),
        fc.integer({ min: 0, max: 5 }),
      ),
    ),
  );

  it('says something finite and coherent of any truck', () => {
    fc.assert(
      fc.property(rowArbitrary, (row) => {
        const [one] = forecast(survival, artefact.calibration, [row]);
        const { days7 = -1, days30 = -1, days90 = -1 } = one?.chances ?? {};
        expect(days7 >= 0 && days7 <= days30 && days30 <= days90 && days90 <= 1).toBe(true);
        const { p10 = -1, p50 = -1, p90 = -1 } = one?.daysToFailure ?? {};
        expect(p10 >= 0 && p10 <= p50 && p50 <= p90 && p90 <= 3650).toBe(true);
      }),
    );
  });

  it('never lowers a chance when something that may only raise it rises', () => {
    fc.assert(
      fc.property(
        rowArbitrary,
        fc.integer({ min: 0, max: featureList.length - 1 }),
        fc.double({ min: 0, max: 1e5, noNaN: true }),
        (row, column, more) => {
          const { monotone } = featureList[column] as (typeof featureList)[number];
          const value = row[column] as number;
          if (monotone === 0 || Number.isNaN(value)) return;
          const moved = row.map((cell, at) => (at === column ? cell + monotone * more : cell));
          const [before, after] = forecast(survival, artefact.calibration, [row, moved]);
          for (const horizon of ['days7', 'days30', 'days90'] as const) {
            expect((after?.chances[horizon] ?? -1) >= (before?.chances[horizon] ?? 2) - 1e-12).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('knows that a lit red lamp with critical codes is worse than an ordinary day', () => {
    const raised = ['activeFaults', 'activeMajorOrWorse', 'activeCritical', 'redStopLamp', 'warningLamp'];
    const troubled = typicalTruck.map((value, column) => {
      const name = featureNames[column] as string;
      if (name === 'worstSeverity') return 5;
      return raised.includes(name) ? Math.max(1, value) : value;
    });
    const [ordinary, bad] = forecast(survival, artefact.calibration, [typicalTruck, troubled]);
    expect(bad?.chances.days7 ?? 0).toBeGreaterThan(1.5 * (ordinary?.chances.days7 ?? 1));
    expect(bad?.daysToFailure.p50 ?? 99).toBeLessThan(ordinary?.daysToFailure.p50 ?? 0);
  });

  it('says of a typical truck about what it calls typical', () => {
    const [one] = forecast(survival, artefact.calibration, [typicalTruck]);
    expect(Math.abs((one?.chances.days30 ?? 0) - survival.typical.days30)).toBeLessThan(0.15);
  });
});
