/** Whatever way a stream of events is cut, the alerts end alike; and what is told in parts fits its calls. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FenceEvent } from '#durable-objects/fleet-tracks/feed';
import type { KnownAlert } from '../alerts/rules.ts';
import { decideFenceAlerts, newsOf, type EventContext } from './event-rules.ts';
import { inParts } from './rules.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const yard = {
  name: 'Yard',
  alertOnEntry: true,
  alertOnExit: true,
  dwellMinutes: 90,
  speedLimitMph: 15,
  isDeleted: false,
};
const context: EventContext = {
  fences: new Map([['f', yard]]),
  unitNumbers: new Map([['v', '7']]),
  wantsAlerts: true,
};
const event = (mark: number, kind: FenceEvent['kind']): FenceEvent => ({
  ...{ mark, kind, geofenceId: 'f', vehicleId: 'v', at: now.toISOString(), lat: 40, lon: -105, speedMph: 31 },
});

/** Alerts as the database would hold them after the events, taken over in these parts. */
function alertsAfter(parts: readonly (readonly FenceEvent[])[]): KnownAlert[] {
  const alerts = new Map<string, KnownAlert>();
  let ids = 0;
  for (const events of parts) {
    const news = newsOf(events, context);
    const causes = new Set(news.map(({ cause }) => cause));
    const known = [...alerts.values()].filter(({ cause }) => causes.has(cause));
    const decided = decideFenceAlerts(news, known, now, () => String((ids += 1)));
    for (const { id, cause, severity, title, message, occurrenceCount } of decided.open) {
      alerts.set(id, {
        ...{ id, cause, severity, title, message, occurrenceCount, status: 'open', openedAt: now.toISOString() },
        ...{ resolvedAt: null, resolvedBy: null, causeEndedAt: null },
      });
    }
    for (const { id, signal } of [...decided.reopen, ...decided.update]) {
      const alert = alerts.get(id);
      if (alert === undefined) throw new Error('an alert that nobody knows');
      Object.assign(alert, {
        status: 'open',
        resolvedAt: null,
        causeEndedAt: null,
        occurrenceCount: signal.occurrenceCount,
      });
    }
    for (const id of decided.resolve) {
      Object.assign(alerts.get(id) ?? {}, {
        status: 'resolved',
        resolvedAt: now.toISOString(),
        causeEndedAt: now.toISOString(),
      });
    }
  }
  return [...alerts.values()];
}

const kinds = [
  ...(['entry', 'exit', 'dwell', 'speeding'] as const),
  ...(['dwell_ended', 'speeding_ended', 'visit_began', 'visit_ended'] as const),
];

describe('alerts from events', () => {
  it('end alike however the events are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...kinds), { maxLength: 30 }),
        fc.array(fc.nat(30), { maxLength: 6 }),
        (list, cuts) => {
          const events = list.map((kind, mark) => event(mark, kind));
          const edges = [0, ...cuts.filter((cut) => cut < events.length).sort((a, b) => a - b), events.length];
          const parts = edges.slice(1).map((to, at) => events.slice(edges[at], to));
          const plain = (alerts: KnownAlert[]) =>
            alerts.map(({ cause, status, occurrenceCount }) => `${cause} ${status} ${occurrenceCount}`).sort();
          expect(plain(alertsAfter(parts))).toEqual(plain(alertsAfter([events])));
        },
      ),
    );
  });

  it('say who, where and how much', () => {
    const words = newsOf([event(1, 'entry'), event(2, 'exit'), event(3, 'dwell'), event(4, 'speeding')], context).map(
      ({ signal }) => [signal?.title, signal?.message],
    );
    const at = '2026-11-20 at 12:00 UTC';
    expect(words).toEqual(
      expect.arrayContaining([
        ['Entered Yard', `Unit 7 entered Yard on ${at}.`],
        ['Left Yard', `Unit 7 left Yard on ${at}.`],
        ['More than 90 minutes in Yard', `Unit 7 has stayed in Yard: 90 minutes had passed on ${at}.`],
        ['Speeding in Yard', `Unit 7 drove 31 mph in Yard on ${at}; the limit is 15 mph.`],
      ]),
    );
  });

  it('open for nothing that nobody asked for, and still end', () => {
    const quiet = { ...yard, alertOnEntry: false, alertOnExit: false, dwellMinutes: null, speedLimitMph: null };
    for (const one of [
      { ...context, fences: new Map([['f', quiet]]) },
      { ...context, fences: new Map([['f', { ...yard, isDeleted: true }]]) },
      { ...context, wantsAlerts: false },
    ]) {
      const news = newsOf(
        kinds.map((kind, mark) => event(mark, kind)),
        one,
      );
      expect(news.filter(({ signal }) => signal !== null)).toEqual([]);
      expect(news.length).toBe(4);
    }
    expect(newsOf([event(1, 'entry')], { ...context, unitNumbers: new Map() })).toEqual([]);
  });
});

describe('fences in parts', () => {
  it('come in their order, none lost, each part within its bounds or a single fence', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 10_000 }), { maxLength: 900 }), (corners) => {
        const fences = corners.map((cornerCount, at) => ({ id: String(at), cornerCount }));
        const parts = inParts(fences);
        expect(parts.flat()).toEqual(fences.map(({ id }) => id));
        for (const part of parts) {
          const sum = part.reduce((all, id) => all + (corners[Number(id)] ?? 0), 0);
          expect(part.length === 1 || (part.length <= 200 && sum <= 5_000)).toBe(true);
        }
      }),
    );
  });
});
