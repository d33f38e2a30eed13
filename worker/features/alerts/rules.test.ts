import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alertSeverities, alertStatuses, isLiveAlertStatus } from '#contracts/alerts';
import { decideAlerts, noDecisions, signalsOfVehicle, type AlertSignal, type KnownAlert } from './rules.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const signal = (fields: Partial<AlertSignal> = {}): AlertSignal => ({
  cause: 'fault:v:0:110:0',
  type: 'fault',
  severity: 'critical',
  vehicleId: 'v',
  title: 'Coolant temperature critically high',
  message: 'Stop.',
  occurrenceCount: 2,
  ...fields,
});
const known = (fields: Partial<KnownAlert> = {}): KnownAlert => ({
  id: 'a',
  cause: 'fault:v:0:110:0',
  status: 'open',
  severity: 'critical',
  title: 'Coolant temperature critically high',
  message: 'Stop.',
  occurrenceCount: 2,
  resolvedAt: null,
  resolvedBy: null,
  causeEndedAt: null,
  openedAt: '2026-11-20T01:00:00.000Z',
  ...fields,
});
const nothing = noDecisions;

describe('decideAlerts', () => {
  test('opens a new cause once, however often it is signalled', () => {
    expect(decideAlerts([signal(), signal()], [], now)).toEqual({ ...nothing, open: [signal()] });
  });

  test('leaves an unchanged alert alone, acknowledged or snoozed too', () => {
    for (const status of ['open', 'acknowledged', 'snoozed'] as const) {
      expect(decideAlerts([signal()], [known({ status })], now)).toEqual(nothing);
    }
  });

  test('counts a repeating cause on the same alert', () => {
    const repeated = signal({ occurrenceCount: 5 });
    expect(decideAlerts([repeated], [known()], now)).toEqual({ ...nothing, update: [{ id: 'a', signal: repeated }] });
  });

  test('resolves an alert whose cause is gone', () => {
    expect(decideAlerts([], [known({ status: 'acknowledged' })], now)).toEqual({ ...nothing, resolve: ['a'] });
  });

  test('reopens within a day, opens anew after it', () => {
    const ended = known({ status: 'resolved', resolvedAt: '2026-11-20T02:00:00.000Z' });
    expect(decideAlerts([signal()], [ended], now).reopen).toEqual([{ id: 'a', signal: signal() }]);
    const longAgo = { ...ended, resolvedAt: '2026-11-18T02:00:00.000Z' };
    expect(decideAlerts([signal()], [longAgo], now)).toEqual({ ...nothing, open: [signal()] });
  });

  test('a person’s word holds until it happens again or gets worse', () => {
    for (const settled of [
      known({ status: 'resolved', resolvedAt: '2026-11-20T11:00:00.000Z', resolvedBy: 'u', severity: 'major' }),
      known({ status: 'false_positive', severity: 'major' }),
    ]) {
      expect(decideAlerts([signal({ severity: 'major' })], [settled], now)).toEqual(nothing);
      const again = decideAlerts([signal({ severity: 'major', occurrenceCount: 3 })], [settled], now);
      expect(again.reopen.length + again.open.length).toBe(1);
      const worse = decideAlerts([signal({ severity: 'critical' })], [settled], now);
      expect(worse.reopen.length + worse.open.length).toBe(1);
    }
  });

  test('a person’s word ends with the cause: when it returns, the alert is back', () => {
    for (const status of ['resolved', 'false_positive'] as const) {
      const settled = known({ status, resolvedAt: '2026-11-20T11:00:00.000Z', resolvedBy: 'u' });
      expect(decideAlerts([], [settled], now)).toEqual({ ...nothing, causeEnded: ['a'] });
      const ended = { ...settled, causeEndedAt: '2026-11-20T11:30:00.000Z' };
      expect(decideAlerts([], [ended], now)).toEqual(nothing);
      expect(decideAlerts([signal()], [ended], now).reopen).toEqual([{ id: 'a', signal: signal() }]);
    }
  });

  test('of several alerts of a cause the live one counts, else the newest', () => {
    const old = known({
      id: 'old',
      status: 'resolved',
      causeEndedAt: '2026-11-01T00:00:00.000Z',
      openedAt: '2026-11-01T00:00:00.000Z',
    });
    expect(decideAlerts([signal()], [old, known()], now)).toEqual(nothing);
    expect(decideAlerts([signal()], [known(), old], now)).toEqual(nothing);
    expect(decideAlerts([signal({ occurrenceCount: 9 })], [known(), old], now).update).toMatchObject([{ id: 'a' }]);
  });

  test('property: carrying the decisions out leaves nothing to decide, and one live alert per cause', () => {
    const causes = fc.constantFrom('c1', 'c2', 'c3', 'c4');
    const anySignal = fc.record({
      cause: causes,
      severity: fc.constantFrom(...alertSeverities),
      occurrenceCount: fc.integer({ min: 1, max: 5 }),
    });
    const anyKnown = fc.record({
      cause: causes,
      status: fc.constantFrom(...alertStatuses),
      severity: fc.constantFrom(...alertSeverities),
      occurrenceCount: fc.integer({ min: 1, max: 5 }),
      resolvedBy: fc.constantFrom(null, 'u'),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(anySignal, { selector: (s) => s.cause }),
        fc.uniqueArray(anyKnown, { selector: (k) => k.cause }),
        (signals, alerts) => {
          const given = signals.map((fields) => signal(fields));
          let state = alerts.map((fields, index) =>
            known({
              ...fields,
              id: `k${index}`,
              resolvedAt: isLiveAlertStatus(fields.status) ? null : now.toISOString(),
            }),
          );
          const decided = decideAlerts(given, state, now);
          state = state.map((alert) => {
            const change = [...decided.update, ...decided.reopen].find(({ id }) => id === alert.id);
            if (change) {
              const reopened = decided.reopen.some(({ id }) => id === alert.id);
              return {
                ...alert,
                ...change.signal,
                status: reopened ? ('open' as const) : alert.status,
                causeEndedAt: null,
              };
            }
            return decided.resolve.includes(alert.id)
              ? {
                  ...alert,
                  status: 'resolved' as const,
                  resolvedAt: now.toISOString(),
                  resolvedBy: null,
                  causeEndedAt: now.toISOString(),
                }
              : decided.causeEnded.includes(alert.id)
                ? { ...alert, causeEndedAt: now.toISOString() }
                : alert;
          });
          const byCause = new Map(state.map((alert) => [alert.cause, alert]));
          decided.open.forEach((opened, index) => byCause.set(opened.cause, known({ ...opened, id: `n${index}` })));
          const after = [...byCause.values()];
          expect(decideAlerts(given, after, now)).toEqual(nothing);
          expect(new Set(decided.open.map((s) => s.cause)).size).toBe(decided.open.length);
        },
      ),
    );
  });
});

describe('signalsOfVehicle', () => {
  const vehicle = {
    id: 'v',
    unitNumber: '7',
    riskLevel: 'medium' as const,
    riskScore: 30,
    recommendedAction: 'next_service' as const,
    reasons: [],
  };
  const fault = {
    vehicleId: 'v',
    sourceAddress: 0,
    spn: 110,
    fmi: 0,
    severity: 'critical' as const,
    title: 'Coolant temperature critically high',
    meaning: 'Too hot.',
    advice: 'Stop.',
    occurrenceCount: 0,
  };

  test('a medium risk alone is quiet; high and critical speak', () => {
    expect(signalsOfVehicle(vehicle, [])).toEqual([]);
    expect(signalsOfVehicle({ ...vehicle, riskLevel: 'high' }, [])).toMatchObject([
      { cause: 'risk:v', severity: 'major' },
    ]);
    expect(signalsOfVehicle({ ...vehicle, riskLevel: 'critical' }, [])).toMatchObject([{ severity: 'critical' }]);
  });

  test('the same code from two controllers is two causes', () => {
    const causes = signalsOfVehicle(vehicle, [fault, { ...fault, sourceAddress: 61 }]).map((s) => s.cause);
    expect(new Set(causes).size).toBe(2);
  });
});
