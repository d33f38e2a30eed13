/**
 * Everything that can happen to a room's picture, in one place: `reduce(state, event, now)` → answer. Pure: no I/O and no
 * clock; time is a parameter. The state is changed in place (a fleet of 5,000 is not copied for one truck), and the patch
 * that storage has to write gathers in `state.unsaved`.
 *
 * Two laws, held by room-reducer.test.ts and snapshot-plan.test.ts: events that come twice, late or out of order end in the same picture as once and
 * in order; and what is written down, read back at any moment, is the state as it was, to the last number.
 */
import type { VehicleReadingRow } from '../readings/packed-readings.ts';
import type { RoomChange, RoomReadings, RoomSeed } from './feed.ts';
import {
  applyChange,
  applySeed,
  closeTick,
  confirmCopiedBack,
  dropSource,
  ingest,
  isCopyBackDue,
  mirrorReadings,
  pruneLog,
  recordReadings,
} from './room-feeds.ts';
import { ageStatuses, copyBackWithinMs } from './room-readings.ts';
import type { OpenTick, RoomState } from './room-state.ts';

/** What an event brings. */
interface Events {
  /** A committed change of one source tenant. */
  change: { change: RoomChange };
  /** Everything, or a part of everything, of one source tenant. */
  seed: { seed: RoomSeed };
  /** Rows from gateways, packed. */
  ingest: { rows: Uint8Array };
  /** Readings from the Worker, of vehicles it has looked up. */
  readings: { batch: RoomReadings };
  /** What a linked customer's room says. */
  mirror: { sourceTenantId: string; rows: readonly VehicleReadingRow[] };
  /** The end of a link. */
  dropSource: { sourceTenantId: string };
  /** Time has passed. */
  age: object;
  /** What has changed since the last tick gets its number. */
  tick: object;
  /** Is D1 to be asked to copy readings? */
  copyBack: object;
  /** D1 holds what was listed with this mark. */
  copiedBack: { mark: number };
  /** What only a resume from before the window needs may go. */
  prune: { windowDeltas: number };
}

/** What is answered. */
interface Answers {
  change: { isSeeded: boolean };
  seed: undefined;
  /** Places of rows that name no vehicle of the room's own. */
  ingest: { unknown: number[] };
  /** How many became the latest of their vehicle. */
  readings: number;
  /** As for `readings`; null when that tenant is not shown here. */
  mirror: number | null;
  dropSource: undefined;
  age: undefined;
  /** Null: nothing had changed. */
  tick: OpenTick | null;
  copyBack: boolean;
  copiedBack: undefined;
  /** The new floor of the log, or null when it did not move. */
  prune: number | null;
}

export type RoomEventKind = keyof Events;
export type RoomEventOf<K extends RoomEventKind> = { kind: K } & Events[K];
export type RoomEvent = { [K in RoomEventKind]: RoomEventOf<K> }[RoomEventKind];

const reducers: { [K in RoomEventKind]: (state: RoomState, event: Events[K], nowMs: number) => Answers[K] } = {
  change: (state, { change }) => applyChange(state, change),
  seed: (state, { seed }, nowMs) => void applySeed(state, seed, nowMs),
  ingest: (state, { rows }, nowMs) => ingest(state, rows, nowMs),
  readings: (state, { batch }, nowMs) => recordReadings(state, batch, nowMs),
  mirror: (state, { sourceTenantId, rows }, nowMs) => mirrorReadings(state, sourceTenantId, rows, nowMs),
  dropSource: (state, { sourceTenantId }) => void dropSource(state, sourceTenantId),
  age: (state, _event, nowMs) => void ageStatuses(state, nowMs),
  tick: (state) => closeTick(state),
  copyBack: (state, _event, nowMs) => isCopyBackDue(state, nowMs, nowMs + copyBackWithinMs),
  copiedBack: (state, { mark }, nowMs) => void confirmCopiedBack(state, mark, nowMs + copyBackWithinMs),
  prune: (state, { windowDeltas }) => pruneLog(state, windowDeltas),
};

/** Does to the state what the event says, at `nowMs` (epoch milliseconds). Throws on a feed that names a foreign row. */
export function reduce<K extends RoomEventKind>(state: RoomState, event: RoomEventOf<K>, nowMs: number): Answers[K] {
  return reducers[event.kind](state, event, nowMs);
}
