import { render, screen } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import type { DisplayLayout } from '#contracts/displays';
import type { LiveState } from '../live/connection.ts';
import { idOf, liveAlert, liveVehicle, tenantId } from '../../../test/builders.ts';
import BoardView from './BoardView.svelte';
import type { Wall } from './wall.ts';

const nowMs = Date.parse('2026-11-20T09:00:00.000Z');
const isLive: LiveState = { kind: 'live', sinceMs: 0 };
const truck = liveVehicle(1, {
  unitNumber: 'BR-101',
  riskLevel: 'critical',
  riskScore: 90,
  recommendedAction: 'pull_over',
  status: 'moving',
  at: '2026-11-20T08:59:20.000Z',
});
const alert = liveAlert(1, {
  title: 'Engine coolant temperature above normal',
  severity: 'critical',
  openedAt: '2026-11-20T07:30:00.000Z',
  dueAt: '2026-11-20T07:45:00.000Z',
});
const wall = (vehicles = [truck], alerts = [alert], rest: Partial<Wall['setting']> = {}): Wall => ({
  asOfMs: nowMs - 4_000,
  setting: {
    tenant: { id: tenantId, name: 'Blue Ridge Freight', timeZone: 'America/Denver' },
    display: null,
    layout: 'attention',
    customers: [],
    reasons: {},
    inbound: [],
    ...rest,
  },
  picture: {
    epoch: 'e',
    seq: 1,
    vehicles: new Map(vehicles.map((one) => [one.id, one])),
    alerts: new Map(alerts.map((one) => [one.id, one])),
  },
});
const show = (
  of: Wall | null,
  {
    line = isLive,
    layout = 'attention',
    trouble = null,
    at = nowMs,
  }: {
    line?: LiveState;
    layout?: DisplayLayout;
    trouble?: string | null;
    at?: number;
  } = {},
) => render(BoardView, { wall: of, layout, nowMs: at, line, trouble });
const list = (): string => document.querySelector('ol')?.textContent ?? '';
const many = (count: number) =>
  Array.from({ length: count }, (_, n) => liveVehicle(n + 1, { riskLevel: 'high', riskScore: 99 - n }));

describe('the wall board', () => {
  it('says of each truck what is wrong, what to do, since when and how old the data is', () => {
    show(wall());
    for (const words of [
      'BR-101',
      'Engine coolant temperature above normal',
      'Pull over safely',
      '00:30',
      '40 s',
      'Critical',
    ]) {
      expect(list()).toContain(words);
    }
    expect(screen.getByRole('status').textContent).toContain('updated 4 s ago');
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('keeps the last picture under a dated banner when it is offline', () => {
    show({ ...wall(), asOfMs: nowMs - 600_000 }, { line: { kind: 'offline', sinceMs: nowMs - 600_000 } });
    expect(screen.getByRole('alert').textContent).toContain('Not live since Nov 20, 01:50 (10 min)');
    expect(list()).toContain('BR-101');
    expect(screen.getByRole('status').textContent).not.toContain('updated');
  });

  it('is not silently stale while the socket only seems to be open', () => {
    show({ ...wall(), asOfMs: nowMs - 60_000 });
    expect(screen.getByRole('alert').textContent).toContain('Not live since');
  });

  it('says why when the session has ended', () => {
    show(wall(), { line: { kind: 'ended', sinceMs: nowMs, code: 4410 }, trouble: 'The session has ended.' });
    expect(screen.getByRole('alert').textContent).toContain('The session has ended.');
  });

  it('is calm when every truck is clear, with the counts, and never calm about what it does not know', () => {
    const clear = [liveVehicle(1), liveVehicle(2, { riskLevel: 'medium' }), liveVehicle(3, { riskLevel: null })];
    show(wall(clear, []));
    expect(screen.getByText('All trucks clear')).toBeTruthy();
    expect(document.body.textContent).toContain('3 trucks: 1 at low risk, 1 at medium, 1 not scored yet');
    document.body.innerHTML = '';
    show(wall([liveVehicle(3, { riskLevel: null })], []));
    expect(screen.queryByText('All trucks clear')).toBeNull();
    document.body.innerHTML = '';
    show(wall([], []));
    expect(screen.getByText('No trucks yet')).toBeTruthy();
  });

  it('turns the page when not everything fits, and says how many more there are', async () => {
    const { rerender } = show(wall(many(14), []));
    expect(document.querySelectorAll('ol li')).toHaveLength(7);
    expect(list()).toContain('U-1');
    await rerender({ nowMs: nowMs + 10_000 });
    expect(document.querySelectorAll('ol li')).toHaveLength(7);
    expect(list()).toContain('U-14');
    expect(list()).not.toContain('U-7');
    expect(document.body.textContent).toContain('Page 2 of 2');
    await rerender({ nowMs: nowMs + 20_000 });
    expect(list()).toContain('U-7');
    document.body.innerHTML = '';
    show(wall(many(50), []));
    expect(document.querySelector('footer')?.textContent).toContain('2 more need attention');
  });

  it('accounts for the trucks that no level counts', () => {
    show(wall([truck, liveVehicle(2, { riskLevel: null })]));
    expect(document.querySelector('footer')?.textContent).toContain('2 trucks · 1 not scored yet');
    expect(document.querySelector('footer')?.textContent).toContain('Denver time');
  });

  it('is never blank, even before the first picture', () => {
    show(null, { line: { kind: 'connecting', sinceMs: nowMs } });
    expect(screen.getByText('Connecting to the fleet')).toBeTruthy();
  });

  it('names the place where it hangs, and whose truck it is where there are several fleets', () => {
    show(
      wall([truck], [], {
        display: { name: 'Bay 3', locationName: 'North shop' },
        customers: [{ id: idOf(77), name: 'High Plains' }],
      }),
    );
    expect(document.querySelector('header')?.textContent).toContain('North shop');
    expect(list()).toContain('Blue Ridge Freight');
  });
});

describe('the other scenes', () => {
  it('alerts: how each stands against its due time', () => {
    show(wall(), { layout: 'alerts' });
    expect(list()).toContain('1 h overdue');
    expect(list()).toContain('Open');
    expect(document.querySelector('header')?.textContent).toContain('Major');
  });

  it('alerts: none is said, and what was put aside is not hidden', () => {
    show(wall([truck], [{ ...alert, status: 'snoozed' }]), { layout: 'alerts' });
    expect(screen.getByText('No open alerts')).toBeTruthy();
    expect(document.body.textContent).toContain('1 alert put aside for later');
  });

  it('inbound: who is on the way; else plainly nobody, and who may come next', () => {
    show(wall([truck], [], { inbound: [{ vehicleId: truck.id, since: '2026-11-20T08:00:00.000Z', what: 'Brakes' }] }), {
      layout: 'inbound',
    });
    expect(list()).toContain('Brakes');
    document.body.innerHTML = '';
    show(wall(), { layout: 'inbound' });
    expect(screen.getByText('No truck on the way')).toBeTruthy();
    expect(document.body.textContent).toContain('BR-101');
  });

  it('a map that this browser cannot draw gives way to the trucks that need attention', () => {
    show(wall(), { layout: 'map' });
    expect(list()).toContain('BR-101');
  });

  it('takes turns, leaving out what has nothing to show', async () => {
    const { rerender } = show(wall(), { layout: 'rotate' });
    expect(list()).toContain('Pull over safely');
    await rerender({ nowMs: nowMs + 20_000 });
    expect(list()).toContain('1 h overdue');
    await rerender({ nowMs: nowMs + 40_000 });
    expect(list()).toContain('Pull over safely');
  });
});
