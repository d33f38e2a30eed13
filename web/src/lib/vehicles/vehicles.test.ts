import fc from 'fast-check';
import { fireEvent, render, screen } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import { riskLevels } from '#contracts/risk';
import { vehicleSortFields, vehicleStatuses } from '#contracts/vehicles';
import { fault, prediction, vehicle } from '../../../test/builders.ts';
import { scoreSteps } from '../charts/histogram.ts';
import { filtersFrom, paramsOf, type VehicleFilters } from './filters.ts';
import { faultLanes } from './fault-lanes.ts';
import FaultsTab from './FaultsTab.svelte';
import OverviewTab from './OverviewTab.svelte';
import { unknownsOf } from './unknowns.ts';

describe('the filters in the URL', () => {
  it('survive the way through it', () => {
    const filters: fc.Arbitrary<VehicleFilters> = fc.record({
      q: fc.string(),
      riskLevel: fc.option(fc.constantFrom(...riskLevels)),
      status: fc.option(fc.constantFrom(...vehicleStatuses)),
      tenantId: fc.option(fc.uuid()),
      sort: fc.constantFrom(...vehicleSortFields.flatMap((field) => [field, `-${field}` as const])),
      page: fc.integer({ min: 1, max: 1000 }),
    });
    fc.assert(
      fc.property(filters, (wanted) => {
        expect(filtersFrom(new URLSearchParams(paramsOf(wanted).toString()))).toEqual(wanted);
      }),
    );
  });

  it('fall back to the default where the URL is wrong', () => {
    expect(filtersFrom(new URLSearchParams('riskLevel=huge&status=flying&sort=-price&page=-3'))).toEqual({
      q: '',
      riskLevel: null,
      status: null,
      tenantId: null,
      sort: '-riskScore',
      page: 1,
    });
  });
});

describe('scoreSteps', () => {
  it('counts every scored truck once', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.float({ min: 0, max: 100, noNaN: true }))), (scores) => {
        const counted = scoreSteps(scores).reduce((sum, count) => sum + count, 0);
        expect(counted).toBe(scores.filter((score) => score !== null).length);
      }),
    );
  });
  it('puts 100 into the last step and 25 into the first of medium', () => {
    const steps = scoreSteps([100, 25, 24.9]);
    expect([steps[19], steps[5], steps[4]]).toEqual([1, 1, 1]);
  });
});

describe('what is not known', () => {
  it('names each gap with its reason, and invents nothing', () => {
    const unknowns = unknownsOf(vehicle(1, { engineHours: null }), prediction(1));
    expect(unknowns.map(({ what }) => what)).toEqual([
      'Chance of a failure in 7, 30 and 90 days',
      'Remaining life',
      'Position',
      'Engine hours',
    ]);
    expect(unknowns[0]?.why).toBe('Too little history: observed for 12 of the 90 days needed.');
  });
  it('has nothing to say of a truck that is known whole', () => {
    const known = prediction(1, {
      dataStatus: 'ok',
      failureProbability: { days7: 0.1, days30: 0.2, days90: 0.4 },
      daysToFailure: { p10: 10, p50: 50, p90: 200 },
    });
    const position = { lat: 1, lon: 2, at: '2026-11-20T08:00:00.000Z', speedMph: null, heading: null };
    expect(unknownsOf(vehicle(1, { lastPosition: position }), known)).toEqual([]);
  });
});

describe('faults', () => {
  it('stand in lanes by controller, active before cleared, worst first', () => {
    const lanes = faultLanes([
      fault(1, { sourceAddress: 33, severity: 'minor' }),
      fault(2, { severity: 'critical', isActive: false }),
      fault(3, { severity: 'info' }),
      fault(4, { severity: 'major' }),
    ]);
    expect(
      lanes.map(({ sourceAddress, faults }) => [sourceAddress, faults.map(({ description }) => description)]),
    ).toEqual([
      [0, ['Fault 4', 'Fault 3', 'Fault 2']],
      [33, ['Fault 1']],
    ]);
  });

  it('show cleared ones on demand', async () => {
    render(FaultsTab, {
      active: [fault(1)],
      cleared: [fault(2, { isActive: false, clearedAt: '2026-11-20T08:00:00.000Z' })],
      total: 2,
    });
    expect(screen.queryByText('Fault 2')).toBeNull();
    await fireEvent.click(screen.getByRole('checkbox'));
    expect(screen.getByText('Fault 2')).toBeTruthy();
  });

  it('say so when there is none', () => {
    render(FaultsTab, { active: [], cleared: [], total: 0 });
    expect(screen.getByText('No controller of this truck has reported a fault.')).toBeTruthy();
  });
});

describe('the overview', () => {
  it('explains the score in points and words, the largest first', () => {
    render(OverviewTab, {
      vehicle: vehicle(1),
      latest: prediction(1, {
        riskScore: 62.5,
        contributors: [
          { factor: 'usage', points: 2.5, text: 'Long since service', evidence: {} },
          { factor: 'fault', points: 60, text: 'Coolant hot', evidence: {} },
        ],
      }),
    });
    const items = screen.getAllByRole('listitem').map((item) => item.textContent ?? '');
    expect(items[0]).toContain('Coolant hot');
    expect(items[0]).toContain('+60.0');
    expect(items[1]).toContain('+2.5');
    expect(document.body.textContent).toContain('62.5');
  });
});
