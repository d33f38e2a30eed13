/** What follows from events at the fences: which are kept, which alerts open and which end. Pure. */
import { geofenceEventKinds, type GeofenceEventKind } from '#contracts/geofences';
import { isLiveAlertStatus } from '#contracts/alerts';
import type { FenceEvent } from '#durable-objects/fleet-tracks/feed';
import { decideAlerts, type AlertSignal, type KnownAlert } from '../alerts/rules.ts';
import type { NumberedDecisions } from '../alerts/write.ts';

/** A fence as alerts speak of it. */
export interface FenceFacts {
  name: string;
  alertOnEntry: boolean;
  alertOnExit: boolean;
  dwellMinutes: number | null;
  speedLimitMph: number | null;
  isDeleted: boolean;
}

/** What is known of the things that events name; one that is missing was none of the tenant's. */
export interface EventContext {
  fences: ReadonlyMap<string, FenceFacts>;
  unitNumbers: ReadonlyMap<string, string>;
  /** The tenant wants alerts (settings.flags.alerts). */
  wantsAlerts: boolean;
}

export const fenceCause = (fenceId: string, vehicleId: string, what: 'entry' | 'exit' | 'dwell'): string =>
  `geofence:${fenceId}:${vehicleId}:${what}`;
export const speedCause = (fenceId: string, vehicleId: string): string => `speed:${fenceId}:${vehicleId}`;
/** Every cause of one fence begins with one of these, and what follows them ends before the other. */
export const causeRangesOf = (fenceId: string): [from: string, to: string][] => [
  [`geofence:${fenceId}:`, `geofence:${fenceId};`],
  [`speed:${fenceId}:`, `speed:${fenceId};`],
];

/** Events that people are shown; the others only end something. */
export const isKept = (event: FenceEvent): event is FenceEvent & { kind: GeofenceEventKind } =>
  (geofenceEventKinds as readonly string[]).includes(event.kind);

const inMinutes = (minutes: number): string => {
  if (minutes % 1440 === 0) return minutes === 1440 ? 'a day' : `${minutes / 1440} days`;
  if (minutes % 60 === 0) return minutes === 60 ? 'an hour' : `${minutes / 60} hours`;
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
};
const atMinute = (at: string): string => `${at.slice(0, 10)} at ${at.slice(11, 16)} UTC`;

/** The alert that an event raises; null when nobody wants to hear of it. */
function signalOf(event: FenceEvent, fence: FenceFacts, unitNumber: string): AlertSignal | null {
  const { geofenceId, vehicleId } = event;
  const unit = `Unit ${unitNumber}`;
  const shape = { severity: 'minor', type: 'geofence', vehicleId, occurrenceCount: 1 } as const;
  if (event.kind === 'entry' && fence.alertOnEntry) {
    return {
      ...shape,
      cause: fenceCause(geofenceId, vehicleId, 'entry'),
      title: `Entered ${fence.name}`,
      message: `${unit} entered ${fence.name} on ${atMinute(event.at)}.`,
    };
  }
  if (event.kind === 'exit' && fence.alertOnExit) {
    return {
      ...shape,
      cause: fenceCause(geofenceId, vehicleId, 'exit'),
      title: `Left ${fence.name}`,
      message: `${unit} left ${fence.name} on ${atMinute(event.at)}.`,
    };
  }
  if (event.kind === 'dwell' && fence.dwellMinutes !== null) {
    const long = inMinutes(fence.dwellMinutes);
    return {
      ...shape,
      cause: fenceCause(geofenceId, vehicleId, 'dwell'),
      title: `More than ${long} in ${fence.name}`,
      message: `${unit} has stayed in ${fence.name}: ${long} had passed on ${atMinute(event.at)}.`,
    };
  }
  if (event.kind === 'speeding' && fence.speedLimitMph !== null) {
    const speed = event.speedMph === null ? 'too fast' : `${Math.round(event.speedMph)} mph`;
    return {
      ...shape,
      type: 'speed',
      severity: 'major',
      cause: speedCause(geofenceId, vehicleId),
      title: `Speeding in ${fence.name}`,
      message: `${unit} drove ${speed} in ${fence.name} on ${atMinute(event.at)}; the limit is ${fence.speedLimitMph} mph.`,
    };
  }
  return null;
}

/** Causes that an event ends. */
function endedBy({ kind, geofenceId, vehicleId }: FenceEvent): string[] {
  const of = (what: 'entry' | 'exit' | 'dwell') => fenceCause(geofenceId, vehicleId, what);
  switch (kind) {
    case 'entry':
    case 'visit_began':
      return [of('exit')];
    case 'exit':
    case 'visit_ended':
      return [of('entry'), of('dwell'), speedCause(geofenceId, vehicleId)];
    case 'dwell_ended':
      return [of('dwell')];
    case 'speeding_ended':
      return [speedCause(geofenceId, vehicleId)];
    case 'dwell':
    case 'speeding':
      return [];
  }
}

/** What the events do to one cause, taken together. */
export interface CauseNews {
  cause: string;
  vehicleId: string;
  /** The last time it was raised; null when it only ended. */
  signal: AlertSignal | null;
  raised: number;
  /** It ended after it was last raised. */
  hasEnded: boolean;
}

/** Folds events, in their order, into news per cause. */
export function newsOf(events: readonly FenceEvent[], context: EventContext): CauseNews[] {
  const byCause = new Map<string, CauseNews>();
  for (const event of events) {
    const { vehicleId } = event;
    const fence = context.fences.get(event.geofenceId);
    const unitNumber = context.unitNumbers.get(vehicleId);
    if (fence === undefined || unitNumber === undefined) continue;
    for (const cause of endedBy(event)) {
      const known = byCause.get(cause) ?? { cause, vehicleId, signal: null, raised: 0, hasEnded: true };
      byCause.set(cause, { ...known, hasEnded: true });
    }
    const signal = context.wantsAlerts && !fence.isDeleted ? signalOf(event, fence, unitNumber) : null;
    if (signal === null) continue;
    const raised = (byCause.get(signal.cause)?.raised ?? 0) + 1;
    byCause.set(signal.cause, { cause: signal.cause, vehicleId, signal, raised, hasEnded: false });
  }
  return [...byCause.values()];
}

/**
 * Decides from the news and the alerts that are known for its causes. What was raised and ended again within the same
 * events opens and resolves: it happened, and can be read.
 */
export function decideFenceAlerts(
  news: readonly CauseNews[],
  known: readonly KnownAlert[],
  now: Date,
  newAlertId: () => string,
): NumberedDecisions {
  const countOf = new Map<string, number>();
  for (const { cause, occurrenceCount } of known) {
    countOf.set(cause, Math.max(countOf.get(cause) ?? 0, occurrenceCount));
  }
  const signals = news.flatMap(({ signal, raised }) =>
    signal === null ? [] : [{ ...signal, occurrenceCount: (countOf.get(signal.cause) ?? 0) + raised }],
  );
  const decided = decideAlerts(signals, known, now);
  const open = decided.open.map((signal) => ({ id: newAlertId(), ...signal }));
  const over = new Set(news.filter(({ signal, hasEnded }) => signal !== null && hasEnded).map(({ cause }) => cause));
  const closed = [
    ...open.filter(({ cause }) => over.has(cause)),
    ...[...decided.reopen, ...decided.update].filter(({ signal }) => over.has(signal.cause)),
  ].map(({ id }) => id);
  // A person's word on an alert whose cause has ended: it covers no later one.
  const settled = known.filter(({ cause, status, causeEndedAt }) => {
    return over.has(cause) && causeEndedAt === null && !isLiveAlertStatus(status);
  });
  return {
    open,
    update: decided.update,
    reopen: decided.reopen,
    resolve: [...decided.resolve, ...closed],
    causeEnded: [...decided.causeEnded, ...settled.map(({ id }) => id)],
  };
}
