/**
 * What the room's sockets are sent, and when: each reader at its own pace, each frame made once for all who see the same.
 * A picture is handed out only as of a tick: who asks between two is answered by the next, so that a thousand screens that
 * come back at once cost one tick and one serialisation.
 */
import { closeCode, type CommandMessage, type HelloMessage, type LiveFilter } from '#contracts/live';
import { judgeReader, nextJudgementMs, noteAck, noteDelta, noteSnapshot, noteUpToDate } from './ack-window.ts';
import { isOneTooMany, wouldBeOneTooMany } from './client-frames.ts';
import type { Connection } from './connection.ts';
import type { RoomFilter } from './live-view.ts';
import type { OpenTick, RoomState } from './room-state.ts';
import { commandFrame, epochFor, errorFrame, FramesOfTick, welcomeFrame, type Frame } from './server-frames.ts';
import type { Sockets } from './sockets.ts';
import { lacksAny, without, withTenants } from './tickets.ts';
import type { VehicleNumbers } from './vehicle-numbers.ts';

export class FanOut {
  private readonly sockets: Sockets;
  private readonly numbers: VehicleNumbers;
  private frames: FramesOfTick | null = null;
  /** Not later than the first slow reader is due; may be early. */
  private slowDueMs: number | null = null;
  private hasStale = false;

  constructor(sockets: Sockets, numbers: VehicleNumbers) {
    this.sockets = sockets;
    this.numbers = numbers;
    for (const connection of sockets.all) {
      this.noteSlow(connection);
      this.hasStale ||= connection.isStale;
    }
  }

  /** Answers a hello: welcome, then one merged delta where the client can resume, else a snapshot. */
  greet(connection: Connection, hello: HelloMessage, state: RoomState, nowMs: number): void {
    if (!this.changeFilter(connection, hello.filter ?? {})) return;
    this.sockets.noteHello(connection, hello.encoding ?? 'json');
    const { window } = connection;
    if (judgeReader(window, nowMs) !== 'send') {
      window.owesSnapshot = true;
      this.noteSlow(connection);
      this.sockets.keep(connection);
      return;
    }
    connection.greeting = { resume: hello.resume };
    if (!state.hasChanges) this.serve(connection, state, nowMs);
  }

  /** Answers a filter frame: a fresh snapshot, as soon as there is a tick to show and room for it. */
  refilter(connection: Connection, filter: LiveFilter, state: RoomState, nowMs: number): void {
    if (!this.changeFilter(connection, filter)) return;
    connection.window.owesSnapshot = true;
    this.sockets.keep(connection);
    if (!state.hasChanges) this.serve(connection, state, nowMs);
  }

  /** Sets the filter; false, with an error frame, for one this room cannot judge: the old one then stays. */
  private changeFilter(connection: Connection, { groupId, ...filter }: LiveFilter): boolean {
    if (groupId !== undefined) {
      // Ignoring it would show more than was asked for.
      const words = 'filter.groupId: vehicle groups cannot be filtered by yet';
      this.sockets.send(connection, errorFrame('VALIDATION_FAILED', words));
      return false;
    }
    this.sockets.setRights(connection, connection.principal, filter satisfies RoomFilter);
    return true;
  }

  /**
   * The short way of nearly every ack: true when it was taken and nothing else is to be done. False leaves everything as
   * it was, for the long way to judge.
   */
  takeAck(connection: Connection, seq: number, state: RoomState, nowMs: number): boolean {
    const { window, rate } = connection;
    const isPlain =
      connection.helloByMs === null &&
      connection.greeting === null &&
      !connection.isStale &&
      !window.owesSnapshot &&
      window.slowSinceMs === null &&
      seq <= window.sentSeq &&
      connection.heldThrough >= state.seq &&
      !wouldBeOneTooMany(rate, nowMs);
    if (!isPlain) return false;
    isOneTooMany(rate, nowMs);
    if (noteAck(window, seq, nowMs) === 'advances') rate.frames -= 1;
    this.sockets.keepLater(connection);
    return true;
  }

  /** Takes an ack; what has waited for it is sent at once unless a tick will bring it. */
  acknowledge(connection: Connection, seq: number, state: RoomState, nowMs: number): 'advances' | 'repeats' | 'beyond' {
    const { window } = connection;
    // Of a frame that was sent before memory was lost: the snapshot that is due makes it moot.
    if (connection.isStale && seq > window.sentSeq && seq <= state.seq) return 'advances';
    const wasSlow = window.slowSinceMs !== null;
    const taken = noteAck(window, seq, nowMs);
    if (taken !== 'advances') return taken;
    if (wasSlow) this.sockets.keep(connection);
    else this.sockets.keepLater(connection);
    const isBehind = window.owesSnapshot || connection.heldThrough < state.seq;
    if (isBehind && !state.hasChanges) this.serve(connection, state, nowMs);
    return taken;
  }

  /** Sends the tick just closed to everyone it concerns. */
  broadcast(state: RoomState, tick: OpenTick, nowMs: number): void {
    this.frames = new FramesOfTick(state, tick, this.numbers.of);
    for (const connection of this.sockets.all) {
      if (connection.helloByMs === null) this.serve(connection, state, nowMs);
    }
    this.hasStale = false;
  }

  /** Serves those of whom it is not known what they hold. */
  heal(state: RoomState, nowMs: number): void {
    if (!this.hasStale || state.hasChanges) return;
    this.hasStale = false;
    for (const connection of this.sockets.all) if (connection.isStale) this.serve(connection, state, nowMs);
  }

  /** Ends those who said no hello in time, and judges the slow readers that are due. */
  sweep(state: RoomState, nowMs: number): void {
    this.sockets.closeSilent(nowMs);
    if (this.slowDueMs === null || nowMs < this.slowDueMs) return;
    // Found anew even when there is nobody to serve: the time of a reader who has gone would stay due for ever.
    this.slowDueMs = null;
    for (const connection of this.sockets.all) {
      if (connection.helloByMs !== null) continue;
      const dueMs = nextJudgementMs(connection.window);
      if (dueMs !== null && nowMs >= dueMs && !state.hasChanges) this.serve(connection, state, nowMs);
      this.noteSlow(connection);
    }
  }

  /** When `sweep` has something to do (epoch milliseconds); null when never. */
  nextSweepMs(): { helloMs: number | null; slowReaderMs: number | null } {
    return { helloMs: this.sockets.helloDueMs, slowReaderMs: this.slowDueMs };
  }

  /** Gives back memory that only saves time while the room is busy. */
  forgetFrames(): void {
    this.frames = null;
  }

  /** Sends a command to the sockets of a display; false when it has none. */
  command(displayId: string, command: Omit<CommandMessage, 'type'>): boolean {
    let isDelivered = false;
    for (const connection of this.sockets.all) {
      const { principal, helloByMs } = connection;
      if (principal.kind !== 'display' || principal.userId !== displayId || helloByMs !== null) continue;
      this.sockets.send(connection, commandFrame(command));
      isDelivered = true;
    }
    return isDelivered;
  }

  /** Takes a tenant out of everyone's rights. Who has not been sent its leaving yet is owed a whole snapshot. */
  withdrawTenant(tenantId: string, state: RoomState): void {
    for (const connection of this.sockets.all) {
      if (!connection.principal.tenantIds.includes(tenantId)) continue;
      const rights = without(connection.principal, tenantId);
      this.sockets.setRights(connection, rights, connection.filter);
      if (connection.helloByMs === null && connection.heldThrough < state.seq) connection.window.owesSnapshot = true;
      this.sockets.keep(connection);
    }
  }

  lacksAny(tenantIds: readonly string[]): boolean {
    for (const { principal } of this.sockets.all) if (lacksAny(principal, tenantIds)) return true;
    return false;
  }

  /**
   * Adds tenants to everyone's rights; answers how many lacked one. What the room holds of them already (a feed may have
   * been quicker) no delta would bring, so those viewers are sent a snapshot; what a seed brings later comes as a delta.
   */
  grantTenants(tenantIds: readonly string[], state: RoomState, nowMs: number): number {
    let widened = 0;
    for (const connection of this.sockets.all) {
      if (!lacksAny(connection.principal, tenantIds)) continue;
      widened += 1;
      const isHeld = tenantIds.some((id) => state.sources.has(id) && !connection.principal.tenantIds.includes(id));
      const rights = withTenants(connection.principal, tenantIds);
      this.sockets.setRights(connection, rights, connection.filter);
      const owes = connection.helloByMs === null && (isHeld || connection.heldThrough < state.seq);
      if (owes) connection.window.owesSnapshot = true;
      this.sockets.keep(connection);
      if (owes) this.serve(connection, state, nowMs);
    }
    return widened;
  }

  /** Sends one reader what it lacks, if it may be sent anything. The state has no changes beyond its last tick. */
  private serve(connection: Connection, state: RoomState, nowMs: number): void {
    if (connection.greeting !== null) {
      this.answerHello(connection, connection.greeting, state, nowMs);
      return;
    }
    const { window } = connection;
    const wasSlow = window.slowSinceMs !== null;
    const verdict = judgeReader(window, nowMs);
    if (verdict === 'tooSlow') {
      this.sockets.close(connection, closeCode.tooSlow, 'no ack for 60 s');
      return;
    }
    if (verdict === 'wait') {
      if (wasSlow) return;
      this.noteSlow(connection);
      this.sockets.keep(connection);
      return;
    }
    if (window.owesSnapshot || connection.isStale || connection.heldThrough < state.resumeFloor) {
      this.sendSnapshot(connection, state, nowMs);
      return;
    }
    const frame = this.framesOf(state).deltaFor(connection.audience, window.sentSeq, connection.heldThrough);
    if (frame === 'tooLarge') {
      this.sendSnapshot(connection, state, nowMs);
      return;
    }
    connection.heldThrough = state.seq;
    if (frame === null) {
      if (!wasSlow) return;
      noteUpToDate(window);
    } else {
      this.send(connection, frame);
      noteDelta(window, state.seq, nowMs);
    }
    this.noteSlow(connection);
    if (wasSlow) this.sockets.keep(connection);
    else this.sockets.keepLater(connection);
  }

  private answerHello(
    connection: Connection,
    { resume }: Pick<HelloMessage, 'resume'>,
    state: RoomState,
    nowMs: number,
  ): void {
    connection.greeting = null;
    const { window, audience } = connection;
    this.send(connection, welcomeFrame(state, audience, nowMs));
    const canResume =
      resume?.epoch === epochFor(state, audience) && resume.seq <= state.seq && resume.seq >= state.resumeFloor;
    const frame = canResume ? this.framesOf(state).resumeFor(audience, resume.seq) : 'tooLarge';
    if (frame === 'tooLarge') {
      this.sendSnapshot(connection, state, nowMs);
      return;
    }
    this.send(connection, frame);
    noteDelta(window, state.seq, nowMs);
    window.owesSnapshot = false;
    connection.isStale = false;
    connection.heldThrough = state.seq;
    this.sockets.keep(connection);
  }

  private sendSnapshot(connection: Connection, state: RoomState, nowMs: number): void {
    for (const frame of this.framesOf(state).snapshotFor(connection.audience)) this.send(connection, frame);
    noteSnapshot(connection.window, state.seq, nowMs);
    connection.heldThrough = state.seq;
    connection.isStale = false;
    this.noteSlow(connection);
    this.sockets.keep(connection);
  }

  private framesOf(state: RoomState): FramesOfTick {
    if (this.frames?.seq !== state.seq) this.frames = new FramesOfTick(state, null, this.numbers.of);
    return this.frames;
  }

  private send(connection: Connection, frame: Frame): void {
    if (typeof frame !== 'string') this.numbers.save();
    this.sockets.send(connection, frame);
  }

  private noteSlow({ window }: Connection): void {
    const dueMs = nextJudgementMs(window);
    if (dueMs !== null && (this.slowDueMs === null || dueMs < this.slowDueMs)) this.slowDueMs = dueMs;
  }
}
