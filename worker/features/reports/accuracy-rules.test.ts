/** The accuracy report from its figures. */
import { describe, expect, it } from 'vitest';
import { predictionAccuracySchema } from '#contracts/scoring';
import { accuracyOf, spanOf, type AccuracyFigures, type LedgerSums, type Span } from './accuracy-rules.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const span = spanOf({}, now) as Span;
const none: AccuracyFigures = {
  sums: [],
  pending: {},
  exposure: { vehicles: 0, days: 0 },
  warnings: { raised: 0, followed: 0, falseAlarms: 0, pending: 0 },
  failures: [],
  drifting: [],
};
const sums = (fields: Partial<LedgerSums>): LedgerSums => ({
  ...{ modelVersion: 'm1', horizonDays: 30, decile: 1, predictions: 40, failures: 4, censored: 3, chanceSum: 5 },
  ...{ brierSum: 3, logLossSum: 12, baselineBrierSum: 4, baselineLogLossSum: 16 },
  ...fields,
});

describe('the span', () => {
  it('refuses one that runs backwards, lies ahead or never ends', () => {
    expect(spanOf({ from: '2026-11-02T00:00:00Z', to: '2026-11-01T00:00:00Z' }, now)).toHaveProperty('problem');
    expect(spanOf({ from: '2026-12-01T00:00:00Z' }, now)).toHaveProperty('problem');
    expect(spanOf({ from: '2020-01-01T00:00:00Z' }, now)).toHaveProperty('problem');
  });

  it('is the last 180 days unless told, in whole days and never past now', () => {
    expect(span).toEqual({
      ...{ from: '2026-05-24T00:00:00.000Z', to: now.toISOString() },
      ...{ firstDay: '2026-05-24', lastDay: '2026-11-20' },
    });
    expect(spanOf({ from: '2026-10-01T15:00:00Z', to: '2026-10-31T10:00:00Z' }, now)).toEqual({
      ...{ from: '2026-10-01T00:00:00.000Z', to: '2026-11-01T00:00:00.000Z' },
      ...{ firstDay: '2026-10-01', lastDay: '2026-10-31' },
    });
    expect(spanOf({ to: '2030-01-01T00:00:00Z' }, now)).toEqual(span);
  });
});

describe('the report', () => {
  it('of nothing says what is missing and invents no number', () => {
    const report = predictionAccuracySchema.parse(accuracyOf(span, none, undefined));
    expect(report.dataStatus).toEqual({ kind: 'insufficient_data', have: 0, need: 30 });
    expect(
      report.horizons.map(({ horizonDays, brier, skill, calibration }) => [horizonDays, brier, skill, calibration]),
    ).toEqual([7, 30, 90].map((days) => [days, null, null, []]));
    expect(report.warnings).toMatchObject({ falseAlarmsPerTruckMonth: null, medianLeadDays: null });
    expect(report.drift).toEqual({ isDrifting: false, since: null, reason: null });
  });

  it('shows the predictions beside the baseline, and calibration by decile', () => {
    const figures = {
      ...none,
      sums: [sums({}), sums({ decile: 6, predictions: 10, failures: 7, chanceSum: 6.5 })],
      pending: { 30: 8 },
    };
    const report = predictionAccuracySchema.parse(accuracyOf(span, figures, undefined));
    expect(report.dataStatus).toBe('ok');
    expect(report.horizons[1]).toEqual({
      ...{ horizonDays: 30, predictions: 50, failures: 11, pending: 8, censored: 6 },
      ...{ brier: 0.12, logLoss: 0.48, baselineBrier: 0.16, baselineLogLoss: 0.64, skill: 0.25 },
      ...{ meanPredicted: 0.23, observedRate: 0.22 },
      calibration: [
        { from: 0.1, to: 0.2, n: 40, predicted: 0.125, observed: 0.1 },
        { from: 0.6, to: 0.7, n: 10, predicted: 0.65, observed: 0.7 },
      ],
    });
  });

  it('one model’s predictions alone, all versions listed', () => {
    const figures = {
      ...none,
      sums: [
        sums({}),
        sums({ modelVersion: 'm2', predictions: 5 }),
        sums({ modelVersion: 'm2', horizonDays: 7, predictions: 90 }),
      ],
    };
    const report = accuracyOf(span, figures, 'm1');
    expect(report.horizons.map(({ predictions }) => predictions)).toEqual([0, 40, 0]);
    expect(report.versions).toEqual([
      { modelVersion: 'm2', predictions: 90, brier30: 0.6 },
      { modelVersion: 'm1', predictions: 40, brier30: 0.075 },
    ]);
    expect(accuracyOf(span, figures, 'unknown').dataStatus).toEqual({ kind: 'insufficient_data', have: 0, need: 30 });
  });

  it('a cell with nothing but censored predictions is no point of the curve', () => {
    const figures = { ...none, sums: [sums({ predictions: 0, failures: 0, chanceSum: 0, censored: 2 })] };
    expect(accuracyOf(span, figures, undefined).horizons[1]).toMatchObject({
      censored: 2,
      calibration: [],
      skill: 0.25,
    });
  });

  it('warnings per truck and month, the median of the lead times', () => {
    const figures = {
      ...none,
      exposure: { vehicles: 10, days: 304.4 },
      warnings: { raised: 9, followed: 4, falseAlarms: 3, pending: 1 },
      failures: [
        { leadDays: null, failures: 2 },
        { leadDays: 9.5, failures: 1 },
        { leadDays: 1.5, failures: 2 },
        { leadDays: 4, failures: 1 },
      ],
    };
    const { warnings, vehicles } = accuracyOf(span, figures, undefined);
    expect(vehicles).toBe(10);
    expect(warnings).toEqual({
      ...{ raised: 9, followedByFailure: 4, falseAlarms: 3, pending: 1, cutShort: 1, truckMonths: 10 },
      ...{ falseAlarmsPerTruckMonth: 0.3, failures: 6, warnedFailures: 4, medianLeadDays: 2.8 },
    });
  });

  it('says whose predictions drift where there are several', () => {
    const one = { tenantName: 'Blue', since: '2026-11-01T00:00:00.000Z', reason: 'too low.' };
    expect(accuracyOf(span, { ...none, drifting: [one] }, undefined).drift).toEqual({
      ...{ isDrifting: true, since: one.since, reason: 'too low.' },
    });
    const two = { tenantName: 'Red', since: '2026-10-01T00:00:00.000Z', reason: 'too high.' };
    expect(accuracyOf(span, { ...none, drifting: [one, two] }, undefined).drift).toEqual({
      ...{ isDrifting: true, since: two.since, reason: 'Blue: too low. Red: too high.' },
    });
  });
});
