/** What the server says: the protocol's messages as JSON text. Pure. */
import {
  liveLimits,
  liveProtocolVersion,
  type DeltaMessage,
  type LiveAlert,
  type LiveVehicle,
  type ServerMessage,
  type SnapshotMessage,
} from '#contracts/live';
import { changesSince, deltaFor, isEmptyDelta, type ChangesSince, type DeltaBody, type Viewer } from './live-view.ts';
import type { OpenTick, RoomState } from './room-state.ts';

const frameOf = (message: ServerMessage): string => JSON.stringify(message);

/** Names the room's history and the viewer's rights and filter: only who comes back as the same viewer may resume. */
export const epochFor = (state: RoomState, viewer: Viewer): string => `${state.epoch}.${viewer.digest}`;

export const welcomeFrame = (state: RoomState, viewer: Viewer, nowMs: number): string =>
  frameOf({
    type: 'welcome',
    protocol: liveProtocolVersion,
    epoch: epochFor(state, viewer),
    seq: state.seq,
    tickMs: liveLimits.tickMs,
    serverTime: new Date(nowMs).toISOString(),
  });

export const errorFrame = (code: string, message: string): string => frameOf({ type: 'error', code, message });

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

/** Computes and serialises each delta of one round once, for all viewers who see the same and hold the same. */
export class DeltaRound {
  private readonly state: RoomState;
  private readonly tick: OpenTick | null;
  private readonly changes = new Map<number, ChangesSince>();
  private readonly frames = new Map<string, string | null>();

  /** `tick` is the one just closed, or null outside a tick. The state must have no changes beyond its last tick. */
  constructor(state: RoomState, tick: OpenTick | null) {
    this.state = state;
    this.tick = tick;
  }

  /**
   * The delta for a viewer who holds `sentSeq` and for whom nothing changed up to `heldThrough`; null when nothing has
   * changed since either.
   */
  frameFor(viewer: Viewer, sentSeq: number, heldThrough: number): string | null {
    if (heldThrough >= this.state.seq) return null;
    const group = `${sentSeq}.${heldThrough}.${viewer.key}`;
    const known = this.frames.get(group);
    if (known !== undefined) return known;
    let changes = this.changes.get(heldThrough);
    if (!changes) {
      changes = changesSince(this.state, heldThrough, this.tick);
      this.changes.set(heldThrough, changes);
    }
    const body = deltaFor(this.state, viewer, changes);
    const frame = isEmptyDelta(body) ? null : deltaFrame(sentSeq, this.state.seq, body);
    this.frames.set(group, frame);
    return frame;
  }
}
