import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Prediction } from '#contracts/risk';
import { fault, prediction, serviceEvent, vehicle } from '../../../test/builders.ts';
import { ApiFailure } from '../api/failure.ts';
import * as fleet from '../api/fleet.ts';
import * as scoring from '../api/scoring.ts';
import * as service from '../api/service.ts';
import { toasts } from '../state/toasts.svelte.ts';
import { VehicleDetail } from '../state/vehicle-detail.svelte.ts';
import AnomalyPanel from './AnomalyPanel.svelte';
import ContributorChart from './ContributorChart.svelte';
import { anomalyLook, componentOf, contributorGroups, evidenceRows, heaviest } from './contributors.ts';
import ForecastPanel from './ForecastPanel.svelte';
import { outcomeLook } from './outcome.ts';
import ScoringTable from './ScoringTable.svelte';

const writing = { timeZone: 'America/Denver', units: 'us', nowMs: Date.parse('2026-11-20T09:00:00.000Z') } as const;
const forecast: Partial<Prediction> = {
  dataStatus: 'ok',
  failureProbability: { days7: 0.08, days30: 0.28, days90: 0.61 },
  daysToFailure: { p10: 9, p50: 60, p90: 400 },
};
const reason = (factor: string, points: number, evidence: Record<string, unknown> = {}) => ({
  factor,
  points,
  text: `Reason ${factor}`,
  evidence,
});

beforeEach(() => {
  toasts.items = [];
});

describe('what became of a prediction', () => {
  const open = { failedAt: null, censoredAt: null, within: { days7: null, days30: null, days90: null } };
  const word = (outcome: Partial<Prediction['outcome']>): string =>
    outcomeLook({ createdAt: '2026-11-01T08:00:00.000Z', outcome: { ...open, ...outcome } }).word;

  it('is a failure, work that came first, the longest horizon without one, or not over yet', () => {
    expect(word({})).toBe('Not over yet');
    expect(word({ within: { days7: false, days30: null, days90: null } })).toBe('Nothing within 7 days');
    expect(word({ within: { days7: false, days30: false, days90: null } })).toBe('Nothing within 30 days');
    expect(word({ within: { days7: false, days30: false, days90: false } })).toBe('Nothing within 90 days');
    expect(word({ censoredAt: '2026-11-04T09:00:00.000Z', within: { ...open.within, days7: null } })).toBe(
      'Cut short by preventive work after 3 days',
    );
    expect(word({ failedAt: '2026-11-13T09:00:00.000Z', within: { days7: false, days30: true, days90: true } })).toBe(
      'Failed after 12 days',
    );
    expect(word({ failedAt: '2026-11-01T20:00:00.000Z' })).toBe('Failed the same day');
  });
  it('never differs by colour alone', () => {
    const looks = [
      {},
      { within: { days7: false, days30: null, days90: null } },
      { censoredAt: '2026-11-04T09:00:00.000Z' },
      { failedAt: '2026-11-04T09:00:00.000Z' },
    ].map((outcome) => outcomeLook({ createdAt: '2026-11-01T08:00:00.000Z', outcome: { ...open, ...outcome } }));
    expect(new Set(looks.map(({ shape }) => shape)).size).toBe(looks.length);
  });
});

describe('what a score is made of', () => {
  it('stands under its part, parts and reasons heaviest first, empty parts left out', () => {
    const groups = contributorGroups({
      components: { faults: 12, survival: 20.5, anomaly: 0, usage: 0 },
      contributors: [
        reason('faults.code.1.2.0', 4),
        reason('survival.forecast', 20.5),
        reason('faults.lamp.amber_warning', 8),
      ],
    });
    expect(groups.map(({ word, contributors }) => [word, contributors.map(({ points }) => points)])).toEqual([
      ['Forecast', [20.5]],
      ['Faults', [8, 4]],
    ]);
    expect(componentOf({ factor: 'something.else' })).toBe('faults');
  });

  it('keeps small reasons behind one line, but never a line for a single one', () => {
    const reasons = [5, 4, 3, 2, 1, 0.1].map((points) => reason('faults.x', points));
    expect(heaviest(reasons, 4).rest).toHaveLength(2);
    expect(heaviest(reasons.slice(0, 5), 4)).toEqual({ shown: reasons.slice(0, 5), rest: [] });
  });

  it('has its evidence in words, times and units of the organisation', () => {
    expect(
      evidenceRows(
        {
          spn: 111,
          milesSinceService: 33_900,
          firstSeenAt: '2026-11-17T06:40:00.000Z',
          isActive: true,
          ignoredAsNoise: false,
          system: 'air_intake',
          severity: 'major',
          action: 'drive_to_dealer',
          clearedAt: null,
          codes: [
            { spn: 110, fmi: 16, sourceAddress: 0 },
            { spn: 111, fmi: 1, sourceAddress: 0 },
          ],
          chance30Days: 0.61,
          empty: [],
        },
        { ...writing, units: 'metric' },
      ).map(({ word, value }) => `${word}: ${value}`),
    ).toEqual([
      'SPN: 111',
      'Distance since service: 54,557 km',
      'First seen: Nov 16, 23:40',
      'Active now: yes',
      'System: Air intake',
      'Severity: Major',
      'Action: Drive to dealer',
      'Cleared: not known',
      'Codes together: SPN 110 FMI 16; SPN 111 FMI 1',
      'Chance within 30 days: 61 %',
    ]);
    const features = [
      { name: 'largestZ', label: 'largest deviation', unit: 'robust z', value: 18.152, typical: 1.999 },
      { name: 'warningLamp', label: 'amber or red lamp lit', unit: 'yes = 1', value: 1, typical: 0 },
      { name: 'oil', label: 'oil pressure', unit: 'psi', value: 40, typical: null },
      'nonsense',
    ];
    expect(evidenceRows({ basis: 'own_trees', unknown: [], features }, writing)).toEqual([
      { word: 'Learned from', value: 'this fleet’s own history' },
      { word: 'Largest deviation', value: '18.2 robust z, typically 2 robust z' },
      { word: 'Amber or red lamp lit', value: 'yes, typically no' },
      { word: 'Oil pressure', value: '40 psi' },
    ]);
    expect(evidenceRows({ signal: 'coolantTempF', value: 201.1, expected: 187.28 }, writing)).toEqual([
      { word: 'Signal', value: 'Coolant temperature' },
      { word: 'Value', value: '201 °F' },
      { word: 'Normal', value: '187 °F' },
    ]);
  });

  it('shows bars with points, and the evidence on demand', async () => {
    render(ContributorChart, {
      latest: prediction(1, {
        riskScore: 30,
        components: { faults: 30, survival: 0, anomaly: 0, usage: 0 },
        contributors: [reason('faults.code.1.2.0', 30, { occurrenceCount: 7 })],
      }),
    });
    expect(screen.getByText('+30.0')).toBeTruthy();
    expect(document.querySelector('details')?.open).toBe(false);
    await fireEvent.click(screen.getByText('Reason faults.code.1.2.0'));
    expect(screen.getByText('Seen, times')).toBeTruthy();
    expect(screen.getByText('7')).toBeTruthy();
  });
});

describe('unusual readings', () => {
  const anomaly = { signal: 'boostPsi', value: 25.9, expected: 25.7, zScore: 0.3, since: '2026-11-01T00:00:00.000Z' };
  it('are far from normal, or on a slow way there: the drift says which way, not the sign of a small z', () => {
    const drifting = [reason('anomaly.boostPsi', 1, { drift: 'down' })];
    expect(anomalyLook(anomaly, drifting)).toEqual({ isUp: false, word: 'Drifting down' });
    expect(anomalyLook({ ...anomaly, zScore: -5.2 }, drifting)).toEqual({
      isUp: false,
      word: 'Well below normal (z -5.2)',
    });
    expect(anomalyLook({ ...anomaly, zScore: 12 }, []).word).toBe('Far above normal (z 12.0)');
  });
  it('stand beside what was expected', () => {
    render(AnomalyPanel, { latest: prediction(1, { anomalies: [anomaly] }) });
    expect(screen.getByText('Boost pressure')).toBeTruthy();
    expect(document.body.textContent).toContain('expected 25.7 psi');
  });
});

describe('the forecast', () => {
  it('gives chances with words and a life as a range with its confidence', () => {
    render(ForecastPanel, { latest: prediction(1, { ...forecast, confidence: 'high' }), importFile: null });
    const text = document.body.textContent ?? '';
    for (const part of ['8 %', 'unlikely', '28 %', 'possible', '61 %', '9 days to 13 months', 'half last 2 months']) {
      expect(text).toContain(part);
    }
    expect(text).toContain('High confidence');
  });

  it('says how far observation is and what to do, and invents no number', async () => {
    const importFile = vi.fn();
    render(ForecastPanel, { latest: prediction(1), importFile });
    expect(screen.getByText('Observed 12 of 90 days')).toBeTruthy();
    expect(document.body.textContent).toContain('78 more days');
    expect(document.body.textContent).not.toMatch(/within 30 days/);
    await fireEvent.click(screen.getByRole('button', { name: 'Add service history' }));
    expect(importFile).toHaveBeenCalledOnce();
  });

  it('says when it is a model that is missing, not history', () => {
    const latest = prediction(1, { dataStatus: { kind: 'insufficient_data', have: 0, need: 1 } });
    render(ForecastPanel, { latest, importFile: null });
    expect(screen.getByRole('heading').textContent).toContain('no model covers this truck');
    expect(screen.queryByRole('progressbar')).toBeNull();
  });
});

describe('the table of scorings', () => {
  it('has an outcome for each and shows older ones on demand', async () => {
    const predictions = Array.from({ length: 15 }, (_, n) => prediction(n, { ...forecast, riskScore: 10 + n }));
    render(ScoringTable, { predictions, total: 40 });
    expect(screen.getByRole('heading').textContent).toContain('15 scorings of 40');
    expect(screen.getAllByText('Not over yet')).toHaveLength(12);
    await fireEvent.click(screen.getByRole('button', { name: 'Show all 15' }));
    expect(screen.getAllByText('Not over yet')).toHaveLength(15);
  });
});

describe('scoring one truck now', () => {
  const setUp = () => {
    vi.spyOn(fleet, 'getVehicle').mockResolvedValue(vehicle(1));
    vi.spyOn(fleet, 'listFaults').mockResolvedValue({ data: [fault(1)], meta: { total: 1, page: 1, pageSize: 100 } });
    vi.spyOn(fleet, 'listPredictions').mockResolvedValue({
      data: [prediction(1, { riskScore: 40 })],
      meta: { total: 1, page: 1, pageSize: 100 },
    });
    vi.spyOn(service, 'listServiceEvents').mockResolvedValue({
      data: [serviceEvent(1)],
      meta: { total: 1, page: 1, pageSize: 100 },
    });
    return new VehicleDetail('x');
  };

  it('says what has come of it and reads everything again', async () => {
    const detail = setUp();
    await detail.load();
    expect(detail.events).toHaveLength(1);
    const done = Promise.withResolvers<Prediction>();
    const score = vi.spyOn(scoring, 'scoreNow').mockReturnValue(done.promise);
    const scored = detail.scoreNow();
    expect(detail.isScoring).toBe(true);
    await detail.scoreNow();
    done.resolve(prediction(2, { riskScore: 62.2, riskLevel: 'high' }));
    await scored;
    expect(score).toHaveBeenCalledOnce();
    expect(toasts.items.map(({ message }) => message)).toEqual(['Scored: risk 62, high, was 40.']);
    expect(fleet.listPredictions).toHaveBeenCalledTimes(2);
    expect(detail.isScoring).toBe(false);
  });

  it('says why it could not be', async () => {
    const detail = setUp();
    vi.spyOn(scoring, 'scoreNow').mockRejectedValue(
      new ApiFailure({ code: 'UNAVAILABLE', status: 503, message: 'Not just now.' }),
    );
    await detail.scoreNow();
    await waitFor(() => expect(toasts.items[0]?.message).toContain('Not just now.'));
    expect(toasts.items[0]?.kind).toBe('error');
  });
});
