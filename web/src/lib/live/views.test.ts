import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SyncRun } from '#contracts/sync';
import { noCounts } from '#contracts/sync';
import { alert, idOf, liveAlert, liveVehicle, tenantId, vehicle } from '../../../test/builders.ts';
import { recentActivity, runWords } from './activity.ts';
import { attentionTrucks, fleetCount, openAlertAges, riskCounts } from './attention.ts';
import { boardRows, boardRowsMax, pixelShift, rowsWithoutWords } from './board.ts';
import type { LivePicture } from './fold.ts';
import { inboxAlerts, inboxGroups, stepped } from './inbox.ts';
import { lastHeardAt, overlayVehicle } from './overlay.ts';

const picture = (
  vehicles: ReturnType<typeof liveVehicle>[],
  alerts: ReturnType<typeof liveAlert>[] = [],
): LivePicture => ({
  epoch: 'e',
  seq: 1,
  vehicles: new Map(vehicles.map((one) => [one.id, one])),
  alerts: new Map(alerts.map((one) => [one.id, one])),
});
const nowMs = Date.parse('2026-11-20T09:00:00.000Z');

describe('the fleets on screen', () => {
  it('are those with trucks: a dealer without any is none', () => {
    const of = (n: number) => liveVehicle(n, { tenantId: idOf(9_000 + n) });
    expect(fleetCount([of(1), of(1), of(2)])).toBe(2);
    expect(fleetCount([])).toBe(0);
  });
});

describe('attentionTrucks', () => {
  it('takes high and critical risk, and major alerts of others', () => {
    const found = attentionTrucks(
      picture(
        [
          liveVehicle(1, { riskLevel: 'medium', riskScore: 40 }),
          liveVehicle(2, { riskLevel: 'high', riskScore: 60 }),
          liveVehicle(3, { riskLevel: 'low', riskScore: 5 }),
          liveVehicle(4, { riskLevel: 'critical', riskScore: 80 }),
          liveVehicle(5, { riskLevel: null, riskScore: null }),
        ],
        [
          liveAlert(1, { vehicleId: idOf(3), severity: 'major' }),
          liveAlert(2, { vehicleId: idOf(1), severity: 'minor' }),
        ],
      ),
    );
    expect(found.map(({ vehicle: { unitNumber } }) => unitNumber)).toEqual(['U-4', 'U-2', 'U-3']);
  });

  it('prefers the alert that names a cause to the one that repeats the risk', () => {
    const trucks = attentionTrucks(
      picture(
        [
          liveVehicle(1, { riskLevel: 'critical', riskScore: 90 }),
          liveVehicle(2, { riskLevel: 'high', riskScore: 60 }),
        ],
        [
          liveAlert(1, { severity: 'critical', type: 'risk', title: 'Breakdown risk critical' }),
          liveAlert(2, { severity: 'major', title: 'Coolant too hot' }),
          liveAlert(3, { vehicleId: idOf(2), type: 'risk', title: 'Breakdown risk high' }),
        ],
      ),
    );
    expect(trucks.map(({ topAlert }) => topAlert?.title)).toEqual(['Coolant too hot', 'Breakdown risk high']);
    expect(rowsWithoutWords(trucks).map(({ id }) => id)).toEqual([idOf(2)]);
    expect(boardRows(trucks, new Map([[idOf(2), 'Clutch slips']])).map(({ what }) => what)).toEqual([
      'Coolant too hot +1 more',
      'Clutch slips',
    ]);
  });

  it('does not count a snoozed alert, and shows the worst and oldest one', () => {
    const [first] = attentionTrucks(
      picture(
        [liveVehicle(1, { riskLevel: 'high', riskScore: 60 })],
        [
          liveAlert(1, { severity: 'critical', status: 'snoozed' }),
          liveAlert(2, { severity: 'major', openedAt: '2026-11-20T08:00:00.000Z' }),
          liveAlert(3, { severity: 'major', openedAt: '2026-11-19T08:00:00.000Z' }),
        ],
      ),
    );
    expect(first?.topAlert?.title).toBe('Alert 3');
    expect(first?.alertCount).toBe(2);
  });
});

describe('counts', () => {
  it('counts every truck once, the unscored apart', () => {
    expect(riskCounts([{ riskLevel: 'low' }, { riskLevel: null }, { riskLevel: 'critical' }])).toEqual({
      low: 1,
      medium: 0,
      high: 0,
      critical: 1,
      unknown: 1,
      total: 3,
    });
  });
  it('puts every open alert into one age band, and no other alert', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e6, max: 3e8 }), { maxLength: 30 }), (ages) => {
        const alerts = ages.map((age, n) => liveAlert(n, { openedAt: new Date(nowMs - age).toISOString() }));
        const table = openAlertAges([...alerts, liveAlert(99, { status: 'acknowledged' })], nowMs);
        expect(
          Object.values(table)
            .flat()
            .reduce((sum, count) => sum + count, 0),
        ).toBe(ages.length);
      }),
    );
  });
});

describe('the inbox', () => {
  const base = { view: 'open' as const, severity: null, vehicleId: null, decided: new Map() };

  it('follows the live picture for open alerts and forgets what it has closed', () => {
    const read = new Map([1, 2].map((n) => [alert(n).id, alert(n)]));
    const live = new Map([2, 3].map((n) => [liveAlert(n).id, liveAlert(n)]));
    const titles = inboxAlerts({ ...base, read, live }).map(({ title }) => title);
    expect(titles).toEqual(['Alert 2', 'Alert 3']);
  });

  it('shows what REST has read before the first snapshot', () => {
    const read = new Map([1, 2].map((n) => [alert(n).id, alert(n)]));
    expect(inboxAlerts({ ...base, read, live: null })).toHaveLength(2);
  });

  it('keeps history in its own view', () => {
    const resolved = alert(7, { status: 'resolved' });
    const input = { ...base, read: new Map([[resolved.id, resolved]]), live: new Map() };
    expect(inboxAlerts({ ...input, view: 'resolved' })).toHaveLength(1);
    expect(inboxAlerts(input)).toHaveLength(0);
  });

  it('moves an alert at once when somebody here has decided', () => {
    const live = new Map([[liveAlert(1).id, liveAlert(1)]]);
    const decided = new Map([[liveAlert(1).id, 'acknowledged' as const]]);
    expect(inboxAlerts({ ...base, read: new Map(), live, decided })).toHaveLength(0);
    expect(inboxAlerts({ ...base, view: 'acknowledged', read: new Map(), live, decided })).toHaveLength(1);
  });

  it('orders by severity, then by age, and groups by truck with the most urgent first', () => {
    const live = new Map(
      [
        liveAlert(1, { severity: 'minor', vehicleId: idOf(1) }),
        liveAlert(2, { severity: 'critical', vehicleId: idOf(2), openedAt: '2026-11-20T08:30:00.000Z' }),
        liveAlert(3, { severity: 'critical', vehicleId: idOf(1), openedAt: '2026-11-20T07:00:00.000Z' }),
        liveAlert(4, { severity: 'major', vehicleId: null }),
      ].map((one) => [one.id, one]),
    );
    const groups = inboxGroups(inboxAlerts({ ...base, read: new Map(), live }));
    expect(groups.map(({ vehicleId, alerts }) => [vehicleId, alerts.map(({ title }) => title)])).toEqual([
      [idOf(1), ['Alert 3', 'Alert 1']],
      [idOf(2), ['Alert 2']],
      [null, ['Alert 4']],
    ]);
  });

  it('puts the cause before the risk that it made, whichever came first, and a worse risk before a milder cause', () => {
    const titlesOf = (causeSeverity: 'critical' | 'major'): string[] => {
      const risk = liveAlert(1, { type: 'risk', severity: 'critical', openedAt: '2026-11-20T07:00:00.000Z' });
      const cause = liveAlert(2, { severity: causeSeverity, openedAt: '2026-11-20T08:00:00.000Z' });
      const live = new Map([risk, cause].map((one) => [one.id, one]));
      return inboxAlerts({ ...base, read: new Map(), live }).map(({ title }) => title);
    };
    expect(titlesOf('critical')).toEqual(['Alert 2', 'Alert 1']);
    expect(titlesOf('major')).toEqual(['Alert 1', 'Alert 2']);
  });

  it('steps through the list and stays on it', () => {
    expect(stepped([], null, 1)).toBeNull();
    expect(stepped(['a', 'b'], null, 1)).toBe('a');
    expect(stepped(['a', 'b'], 'b', 1)).toBe('b');
    expect(stepped(['a', 'b'], 'a', -1)).toBe('a');
    expect(stepped(['a', 'b'], 'gone', -1)).toBe('a');
  });
});

describe('the board', () => {
  const worst = Array.from({ length: 15 }, (_, n) => liveVehicle(n + 1, { riskLevel: 'high', riskScore: 50 + n }));

  it('holds four pages at most, the worst first', () => {
    const many = Array.from({ length: 60 }, (_, n) => liveVehicle(n + 1, { riskLevel: 'high', riskScore: 20 + n }));
    const rows = boardRows(attentionTrucks(picture(many)), new Map());
    expect(rows).toHaveLength(boardRowsMax);
    expect(rows[0]?.unitNumber).toBe('U-60');
  });

  it('shows no whole VIN and no phone number, whatever field one stands in', () => {
    const [row] = boardRows(
      attentionTrucks(
        picture(
          [liveVehicle(1, { riskLevel: 'high', unitNumber: '1XKYDP9X0RJ000001' })],
          [liveAlert(1, { severity: 'critical', title: 'Call 303-555-0134 about 1XKYDP9X0RJ000001' })],
        ),
      ),
      new Map(),
    );
    expect([row?.unitNumber, row?.what]).toEqual(['…RJ000001', 'Call [phone] about …RJ000001']);
  });

  it("says what is wrong: the alert, else the prediction's reason, else the risk", () => {
    const trucks = attentionTrucks(
      picture(worst.slice(0, 3), [
        liveAlert(1, { vehicleId: idOf(1), title: 'Coolant hot' }),
        liveAlert(2, { vehicleId: idOf(1), severity: 'minor' }),
      ]),
    );
    const rows = boardRows(trucks, new Map([[idOf(2), 'Oil pressure low']]));
    expect(rows.map(({ what }) => what)).toEqual(['High risk', 'Oil pressure low', 'Coolant hot +1 more']);
    expect(rowsWithoutWords(trucks).map(({ id }) => id)).toEqual([idOf(3), idOf(2)]);
    expect(rows[0]?.since).toBeNull();
  });

  it('walks within four pixels and comes back', () => {
    fc.assert(
      fc.property(fc.integer(), (step) => {
        const { x, y } = pixelShift(step);
        expect(x >= 0 && x <= 4 && y >= 0 && y <= 4).toBe(true);
      }),
    );
    expect(pixelShift(8)).toEqual(pixelShift(0));
  });
});

describe('overlayVehicle', () => {
  it('takes what is live and keeps what only REST knows', () => {
    const laid = overlayVehicle(vehicle(1), liveVehicle(1, { riskLevel: 'critical', riskScore: 90, status: 'moving' }));
    expect(laid).toMatchObject({ riskLevel: 'critical', riskScore: 90, status: 'moving', vin: '1XKYD49X1PJ300001' });
    expect(laid.lastPosition?.lat).toBe(40);
  });
  it('keeps a known position when the live one is unknown', () => {
    const known = { lat: 1, lon: 2, at: '2026-11-20T08:00:00.000Z', speedMph: null, heading: null };
    const laid = overlayVehicle(
      vehicle(1, { lastPosition: known }),
      liveVehicle(1, { lat: null, lon: null, at: null }),
    );
    expect(laid.lastPosition).toEqual(known);
  });
  it('knows when a truck was last heard', () => {
    expect(lastHeardAt({ lastPosition: null, lastSyncAt: null })).toBeNull();
    expect(lastHeardAt({ lastPosition: null, lastSyncAt: '2026-11-20T08:00:00.000Z' })).toBe(
      '2026-11-20T08:00:00.000Z',
    );
  });
});

describe('recentActivity', () => {
  const run = (rest: Partial<SyncRun>): SyncRun => ({
    id: idOf(400_000),
    tenantId,
    provider: 'paccar',
    status: 'succeeded',
    trigger: 'cron',
    startedAt: '2026-11-20T08:00:00.000Z',
    finishedAt: '2026-11-20T08:10:00.000Z',
    counts: noCounts,
    error: null,
    ...rest,
  });
  it('lists what happened within the time, newest first', () => {
    const events = recentActivity(
      [
        alert(1, { openedAt: '2026-11-20T08:05:00.000Z', resolvedAt: '2026-11-20T08:20:00.000Z' }),
        alert(2, { openedAt: '2026-11-18T08:00:00.000Z' }),
      ],
      [run({}), run({ id: idOf(400_001), finishedAt: null })],
      nowMs,
      24 * 3_600_000,
      10,
    );
    expect(events.map(({ kind }) => kind)).toEqual(['alert_resolved', 'sync_finished', 'alert_opened']);
  });
  it('says what a run changed', () => {
    expect(runWords({ counts: { ...noCounts, vehiclesSeen: 40 } })).toBe('40 trucks read, nothing new');
    expect(runWords({ counts: { ...noCounts, vehiclesSeen: 40, faultsOpened: 1, faultsCleared: 2 } })).toBe(
      '40 trucks read, 1 new fault, 2 cleared',
    );
  });
});
