/**
 * What the server says, as frames: JSON text, or packed bytes for those who asked for them. Pure but for the numbers of
 * vehicles. Everything is computed and serialised once per audience, whoever and however many ask.
 */
import {
  liveLimits,
  liveProtocolVersion,
  type CommandMessage,
  type DeltaMessage,
  type LiveAlert,
  type LiveVehicle,
  type ServerMessage,
  type SnapshotMessage,
} from '#contracts/live';
import { packDelta, packSnapshot, type NumberOf } from '#contracts/live-packed-writer';
import type { Audience } from './connection.ts';
import { changesSince, deltaFor, isEmptyDelta, snapshotFor, type ChangesSince, type DeltaBody } from './live-view.ts';
import type { OpenTick, RoomState } from './room-state.ts';

export type Frame = string | Uint8Array;

const frameOf = (message: ServerMessage): string => JSON.stringify(message);

/**
 * Names the room's history, the viewer's rights and filter, and the encoding: only who comes back as the same viewer may
 * resume, and who holds no numbers of vehicles must not be sent deltas that name them so.
 */
export const epochFor = (state: RoomState, { viewer, encoding }: Audience): string =>
  `${state.epoch}.${viewer.digest}${encoding === 'packed' ? '.p' : ''}`;

export const welcomeFrame = (state: RoomState, audience: Audience, nowMs: number): string =>
  frameOf({
    type: 'welcome',
    protocol: liveProtocolVersion,
    epoch: epochFor(state, audience),
    seq: state.seq,
    tickMs: liveLimits.tickMs,
    serverTime: new Date(nowMs).toISOString(),
  });

export const errorFrame = (code: string, message: string): string => frameOf({ type: 'error', code, message });

export const commandFrame = (command: Omit<CommandMessage, 'type'>): string => frameOf({ type: 'command', ...command });

/** A snapshot in parts of at most 500 vehicles; alerts come with the last. There is always at least one part. */
export function snapshotFrames(
  header: Pick<SnapshotMessage, 'epoch' | 'seq'>,
  { vehicles, alerts }: { vehicles: LiveVehicle[]; alerts: LiveAlert[] },
): string[] {
  const size = liveLimits.snapshotPartVehicles;
  const parts = Math.max(1, Math.ceil(vehicles.length / size));
  return Array.from({ length: parts }, (_, at) =>
    frameOf({
      type: 'snapshot',
      ...header,
      part: at + 1,
      parts,
      vehicles: vehicles.slice(at * size, (at + 1) * size),
      alerts: at + 1 === parts ? alerts : [],
    }),
  );
}

export const deltaFrame = (prev: number, seq: number, body: DeltaBody): string =>
  frameOf({ type: 'delta', seq, prev, ...body } satisfies DeltaMessage);

interface MadeDelta {
  sentSeq: number;
  heldThrough: number;
  /** Null: nothing this viewer sees has changed. `tooLarge`: no frame can hold it, a snapshot in parts can. */
  frame: Frame | 'tooLarge' | null;
}

/** The frames of one tick, each made once. */
export class FramesOfTick {
  readonly seq: number;
  private readonly state: RoomState;
  private readonly tick: OpenTick | null;
  private readonly numberOf: NumberOf;
  private readonly changes = new Map<number, ChangesSince>();
  private readonly deltas = new Map<Audience, MadeDelta[]>();
  private readonly snapshots = new Map<Audience, Frame[]>();

  /** `tick` is the one just closed, or null when it is not known any more. */
  constructor(state: RoomState, tick: OpenTick | null, numberOf: NumberOf) {
    this.state = state;
    this.tick = tick;
    this.numberOf = numberOf;
    this.seq = state.seq;
  }

  /**
   * The delta for a viewer who holds `sentSeq` and for whom nothing changed up to `heldThrough`; null when nothing has
   * changed since either. The state must have no changes beyond its last tick.
   */
  deltaFor(audience: Audience, sentSeq: number, heldThrough: number): Frame | 'tooLarge' | null {
    if (heldThrough >= this.seq) return null;
    const made = this.deltas.get(audience) ?? [];
    for (const known of made) {
      if (known.heldThrough === heldThrough && known.sentSeq === sentSeq) return known.frame;
    }
    const body = deltaFor(this.state, audience.viewer, this.changesSince(heldThrough));
    const frame = isEmptyDelta(body) ? null : this.frameOf(audience, sentSeq, body);
    made.push({ sentSeq, heldThrough, frame });
    this.deltas.set(audience, made);
    return frame;
  }

  /** As `deltaFor`, for one who comes back holding `seq`: even when it is empty. */
  resumeFor(audience: Audience, seq: number): Frame | 'tooLarge' {
    const nothing: DeltaBody = { vehicles: [], removed: [], alerts: [], alertsClosed: [] };
    return this.deltaFor(audience, seq, seq) ?? this.frameOf(audience, seq, nothing);
  }

  /** Everything the viewer sees. The state must have no changes beyond its last tick. */
  snapshotFor(audience: Audience): readonly Frame[] {
    let frames = this.snapshots.get(audience);
    if (!frames) {
      const header = { epoch: epochFor(this.state, audience), seq: this.seq };
      const picture = snapshotFor(this.state, audience.viewer);
      frames =
        audience.encoding === 'packed' ? packSnapshot(header, picture, this.numberOf) : snapshotFrames(header, picture);
      this.snapshots.set(audience, frames);
    }
    return frames;
  }

  private frameOf({ encoding }: Audience, prev: number, body: DeltaBody): Frame | 'tooLarge' {
    if (encoding === 'json') return deltaFrame(prev, this.seq, body);
    return packDelta({ prev, seq: this.seq, ...body }, this.numberOf) ?? 'tooLarge';
  }

  private changesSince(prev: number): ChangesSince {
    let changes = this.changes.get(prev);
    if (!changes) {
      changes = changesSince(this.state, prev, this.tick);
      this.changes.set(prev, changes);
    }
    return changes;
  }
}
