import fc from 'fast-check';
import { fireEvent, render, screen } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import type { PredictionAccuracy } from '#contracts/scoring';
import { idOf } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import { AccuracyReport } from '../state/prediction-accuracy.svelte.ts';
import AccuracyFilterBar from './AccuracyFilterBar.svelte';
import { accuracyFiltersFrom, accuracyParams, accuracyQuery, periods, type AccuracyFilters } from './filters.ts';
import HorizonPanel from './HorizonPanel.svelte';
import WarningsPanel from './WarningsPanel.svelte';
import { biasSentence, missingSentence, skillLook, skillSentence, type Horizon } from './words.ts';

const nowMs = Date.parse('2026-11-20T09:00:00.000Z');
const horizon = (rest: Partial<Horizon> = {}): Horizon => ({
  ...{ horizonDays: 30, predictions: 1_200, failures: 240, pending: 100, censored: 20, brier: 0.13, logLoss: 0.4 },
  ...{ baselineBrier: 0.16, baselineLogLoss: 0.5, skill: 0.1875, meanPredicted: 0.21, observedRate: 0.2 },
  calibration: [],
  ...rest,
});
const report = (rest: Partial<PredictionAccuracy> = {}): PredictionAccuracy => ({
  from: '2026-05-24T00:00:00.000Z',
  to: '2026-11-20T09:00:00.000Z',
  vehicles: 40,
  dataStatus: 'ok',
  horizons: [horizon()],
  warnings: {
    ...{ raised: 210, followedByFailure: 128, falseAlarms: 64, pending: 18, cutShort: 0, truckMonths: 236 },
    ...{ falseAlarmsPerTruckMonth: 0.271, failures: 264, warnedFailures: 181, medianLeadDays: 9.4 },
  },
  versions: [],
  drift: { isDrifting: false, since: null, reason: null },
  ...rest,
});

describe('the filters in the URL', () => {
  const day = fc.integer({ min: 0, max: 3_000 }).map((n) => new Date(n * 86_400_000).toISOString().slice(0, 10));
  const filters: fc.Arbitrary<AccuracyFilters> = fc
    .record({
      period: fc.option(fc.constantFrom(...periods)),
      from: fc.option(day),
      to: fc.option(day),
      tenantId: fc.option(fc.constantFrom(idOf(1), idOf(2))),
      modelVersion: fc.option(fc.string({ minLength: 1, maxLength: 100 })),
    })
    // A period or days, never both, and never neither.
    .map((wanted) =>
      wanted.period !== null || (wanted.from === null && wanted.to === null)
        ? { ...wanted, period: wanted.period ?? 180, from: null, to: null }
        : wanted,
    );

  it('survive the way through it', () => {
    fc.assert(
      fc.property(filters, (wanted) => {
        expect(accuracyFiltersFrom(new URLSearchParams(accuracyParams(wanted)))).toEqual(wanted);
      }),
    );
    expect(accuracyParams(accuracyFiltersFrom(new URLSearchParams('')))).toBe('');
  });

  it('fall back to the last 180 days of everybody where it is wrong', () => {
    const wrong = new URLSearchParams('days=12&tenantId=x&from=2026-02-30');
    expect(accuracyFiltersFrom(wrong)).toEqual({
      ...{ period: 180, from: null, to: null, tenantId: null, modelVersion: null },
    });
  });

  it('ask for whole days in UTC', () => {
    const from = (query: string) => accuracyQuery(accuracyFiltersFrom(new URLSearchParams(query)), nowMs);
    expect(from('')).toEqual({ from: '2026-05-24T00:00:00.000Z' });
    expect(from('from=2026-03-01&to=2026-03-31&modelVersion=prior-1')).toEqual({
      from: '2026-03-01T00:00:00.000Z',
      to: '2026-03-31T23:59:59.999Z',
      modelVersion: 'prior-1',
    });
  });
});

describe('the verdict on a horizon', () => {
  it('is held against the fleet’s own rate, and withheld where too little happened', () => {
    expect([0.2, 0.1, 0.01, -0.02, -0.1].map((skill) => skillLook(horizon({ skill, failures: 100 })).word)).toEqual([
      ...['Clearly better', 'Somewhat better', 'No better', 'No better', 'Worse'],
    ]);
    expect(skillLook(horizon({ skill: 0.5, failures: 4 })).word).toBe('Too few failures to tell');
    expect(skillLook(horizon({ skill: null, failures: 100 })).word).toBe('Not known yet');
  });

  it('is a sentence for each case', () => {
    expect(skillSentence(horizon())).toBe('19 % closer than telling every truck the fleet’s own rate.');
    expect(skillSentence(horizon({ skill: -0.08 }))).toContain('8 % further off');
    expect(skillSentence(horizon({ skill: 0.001 }))).toBe('No closer than telling every truck the fleet’s own rate.');
    expect(skillSentence(horizon({ failures: 3 }))).toContain('With 3 failures that may be chance.');
    expect(skillSentence(horizon({ skill: null }))).toContain('no baseline');
    expect(skillSentence(horizon({ predictions: 0 }))).toContain('No prediction over 30 days has been settled');
    const oneSided = horizon({ predictions: 550, censored: 300, skill: -0.5 });
    expect(skillLook(oneSided).word).toBe('Cannot be told');
    expect(skillSentence(oneSided)).toContain('cut short by preventive work');
    expect(biasSentence(horizon())).toBe('Said 21 % on average; 20 % failed.');
    expect(biasSentence(horizon({ observedRate: null }))).toBeNull();
  });

  it('says what is missing when there is nothing to judge', () => {
    const lacking = (have: number, pending: number, predictions = have) =>
      missingSentence(
        report({
          dataStatus: { kind: 'insufficient_data', have, need: 30 },
          horizons: [horizon({ pending, predictions })],
        }),
      );
    expect(missingSentence(report())).toBeNull();
    expect(lacking(0, 0)).toContain('Forecasts begin when');
    expect(lacking(0, 12)).toContain('12 predictions of this time are not over yet');
    expect(lacking(0, 12, 5)).toContain('judge by the shorter ones with care');
    expect(lacking(8, 12)).toBe(
      'Only 8 predictions over 30 days are settled in this time; 30 make a judgement that holds.',
    );
  });

  it('stands on the page with its numbers, no chart where there is nothing to draw', () => {
    render(HorizonPanel, { horizon: horizon() });
    expect(screen.getByRole('heading').textContent).toBe('Within 30 days');
    const text = (document.body.textContent ?? '').replace(/\s+/g, ' ');
    expect(screen.getAllByRole('row').map((row) => row.textContent?.replace(/\s+/g, ' ').trim())).toEqual([
      expect.stringContaining('Ours'),
      expect.stringMatching(/^Brier score.*0\.130 ?0\.160$/),
      expect.stringMatching(/^Log loss.*0\.400 ?0\.500$/),
    ]);
    expect(text).toContain('1,200 predictions settled, 240 failures · 100 not over yet · 20 cut short');
    expect(document.querySelector('canvas')).toBeNull();
  });
});

describe('warnings', () => {
  it('are counted as those who get them see it', () => {
    render(WarningsPanel, { warnings: report().warnings });
    const text = (document.body.textContent ?? '').replace(/\s+/g, ' ');
    for (const part of ['69 %', '181 of 264 failures', '9 days', '67 %', '128 of 192 settled', '0.27']) {
      expect(text).toContain(part);
    }
  });
  it('of which there are none say nothing, not nothing per cent', () => {
    const none = { raised: 0, followedByFailure: 0, falseAlarms: 0, pending: 0, cutShort: 0, truckMonths: 0 };
    render(WarningsPanel, {
      warnings: { ...none, falseAlarmsPerTruckMonth: null, failures: 0, warnedFailures: 0, medianLeadDays: null },
    });
    expect(document.body.textContent).not.toMatch(/NaN|0 %/);
    expect(screen.getAllByText('–')).toHaveLength(4);
  });
});

describe('the report', () => {
  it('keeps the newest answer, and what is on screen when a reading fails', async () => {
    const slow = Promise.withResolvers<PredictionAccuracy>();
    const ask = vi
      .fn<(query: object) => Promise<PredictionAccuracy>>()
      .mockReturnValueOnce(slow.promise)
      .mockResolvedValueOnce(report({ vehicles: 2 }))
      .mockRejectedValueOnce(new ApiFailure({ code: 'NETWORK', status: 0, message: 'Away.' }));
    const accuracy = new AccuracyReport(ask);
    const first = accuracy.load({});
    await accuracy.load({ tenantId: idOf(1) });
    slow.resolve(report({ vehicles: 1 }));
    await first;
    expect(accuracy.report?.vehicles).toBe(2);
    await accuracy.load();
    expect(ask.mock.lastCall).toEqual([{ tenantId: idOf(1) }]);
    expect([accuracy.report?.vehicles, accuracy.failure?.message]).toEqual([2, 'Away.']);
  });
});

describe('the filter bar', () => {
  const filters = accuracyFiltersFrom(new URLSearchParams('modelVersion=gone-1'));
  it('offers customers only where there are several, and keeps a model that the report no longer names', async () => {
    const ask = vi.fn();
    const props = { filters, tenants: [{ id: idOf(1), name: 'Own' }], versions: ['prior-1'], ask };
    const { rerender } = render(AccuracyFilterBar, props);
    expect(screen.queryByLabelText('Customer')).toBeNull();
    expect(screen.getByLabelText<HTMLSelectElement>('Model').value).toBe('gone-1');
    await rerender({ ...props, tenants: [...props.tenants, { id: idOf(2), name: 'Other' }] });
    await fireEvent.change(screen.getByLabelText('Customer'), { target: { value: idOf(2) } });
    expect(ask).toHaveBeenLastCalledWith({ tenantId: idOf(2), modelVersion: null });
    await fireEvent.change(screen.getByLabelText('Period'), { target: { value: '30' } });
    expect(ask).toHaveBeenLastCalledWith({ period: 30, from: null, to: null });
    await fireEvent.change(screen.getByLabelText('Period'), { target: { value: 'days' } });
    await fireEvent.change(screen.getByLabelText('From the day'), { target: { value: '2026-03-01' } });
    expect(ask).toHaveBeenLastCalledWith({ period: null, from: '2026-03-01' });
  });
});
