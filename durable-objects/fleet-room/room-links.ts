/**
 * What a room has to do with other objects: the tracks it feeds, the rooms that watch it, the rooms it watches. All of it
 * happens after an entry, beside it; none of it can fail an entry or hold one up.
 */
import type { AppendOutcome } from '../fleet-tracks/feed.ts';
import type { MirroredReadings } from './feed.ts';
import { Mirrors } from './mirrors.ts';
import type { ReadingLog } from './reading-log.ts';
import { reduce } from './room-reducer.ts';
import type { OpenTick, RoomState } from './room-state.ts';
import { Subscribers } from './subscribers.ts';
import { TrackOutbox } from './track-outbox.ts';
import { unpackReadings } from '../readings/packed-readings.ts';

/** The calls to other objects. */
export interface LinkPorts {
  append(readings: Uint8Array): Promise<AppendOutcome>;
  mirror(subscriberTenantId: string, readings: Uint8Array): Promise<{ isWanted: boolean }>;
  subscribe(sourceTenantId: string, isRenewal: boolean): Promise<MirroredReadings>;
  unsubscribe(sourceTenantId: string): Promise<void>;
  chance(): number;
  /** Runs work through the room's one door. */
  reenter(work: (room: { state: RoomState; links: RoomLinks }, nowMs: number) => void): void;
}

export class RoomLinks {
  readonly tracks: TrackOutbox;
  readonly subscribers: Subscribers;
  private readonly mirrors: Mirrors;

  constructor(storage: DurableObjectStorage, log: ReadingLog, ports: LinkPorts) {
    this.tracks = new TrackOutbox(log, {
      // Asynchronous here, so that not even a call that cannot be made fails the entry it is made from.
      append: async (readings) => ports.append(readings),
      reenter: (work) => ports.reenter(({ links }, nowMs) => work(links.tracks, nowMs)),
      later: (afterMs, work) => void setTimeout(work, afterMs),
    });
    this.subscribers = new Subscribers(storage, {
      mirror: async (tenantId, readings) => ports.mirror(tenantId, readings),
      reenter: (work) => ports.reenter(({ links, state }, nowMs) => work(links.subscribers, state, nowMs)),
    });
    this.mirrors = new Mirrors({
      subscribe: async (tenantId, isRenewal) => ports.subscribe(tenantId, isRenewal),
      unsubscribe: async (tenantId) => ports.unsubscribe(tenantId),
      chance: () => ports.chance(),
      reenter: (work) =>
        ports.reenter(({ links, state }, nowMs) =>
          work(links.mirrors, nowMs, ({ sourceTenantId, readings }) => {
            reduce(state, { kind: 'mirror', sourceTenantId, rows: unpackReadings(readings) }, nowMs);
          }),
        ),
    });
  }

  /** After every entry, once what it changed is written. */
  afterEntry(state: RoomState, hasAudience: boolean, nowMs: number): void {
    this.tracks.pump(nowMs);
    this.mirrors.keep(state, hasAudience, nowMs);
    if (this.subscribers.dueMs(nowMs) === nowMs) this.subscribers.pump(state, nowMs);
  }

  /** After every tick. */
  afterTick(state: RoomState, tick: OpenTick, nowMs: number): void {
    if (!this.subscribers.isAwaited(nowMs)) return;
    this.subscribers.note(tick.vehicleIds);
    this.subscribers.pump(state, nowMs);
  }

  /** Other rooms wait for this one's ticks. */
  isAwaited(nowMs: number): boolean {
    return this.subscribers.isAwaited(nowMs);
  }

  /** When the alarm has to come (epoch milliseconds), for each thing. */
  dueMs(nowMs: number): { tracksMs: number | null; subscribersMs: number | null; mirrorsMs: number | null } {
    return {
      tracksMs: this.tracks.dueMs(nowMs),
      subscribersMs: this.subscribers.dueMs(nowMs),
      mirrorsMs: this.mirrors.dueMs,
    };
  }
}
