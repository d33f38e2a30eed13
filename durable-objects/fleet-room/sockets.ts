/**
 * The room's sockets: who they are, what they hold, how fast they read. All of it survives hibernation: the small part
 * rides on each socket's attachment (16 KB at most), rights and filter are kept in SQLite under the connection's id.
 */
import { closeCode, liveLimits, type CloseCode, type HelloMessage, type LiveFilter } from '#contracts/live';
import {
  judgeReader,
  newWindow,
  nextJudgementMs,
  noteAck,
  noteDelta,
  noteSnapshot,
  noteUpToDate,
  type AckWindow,
} from './ack-window.ts';
import { noFrames, type FrameRate } from './client-frames.ts';
import type { RoomPrincipal } from './feed.ts';
import { changesSince, deltaFor, snapshotFor, viewerOf, type RoomFilter, type Viewer } from './live-view.ts';
import type { OpenTick, RoomState } from './room-state.ts';
import { deltaFrame, DeltaRound, epochFor, errorFrame, snapshotFrames, welcomeFrame } from './server-frames.ts';
import { lacksAny, without, withTenants, type Tickets } from './tickets.ts';

/** What survives with the socket. */
interface Attachment {
  id: string;
  /** Epoch milliseconds by which the client must say hello; null once it has. */
  helloByMs: number | null;
  window: AckWindow;
}

export interface Connection extends Attachment {
  readonly ws: WebSocket;
  principal: RoomPrincipal;
  viewer: Viewer;
  /** Nothing this viewer sees changed between what it was sent and this sequence number. Memory only. */
  heldThrough: number;
  readonly rate: FrameRate;
}

const openState = 1;

export class Sockets {
  private readonly ctx: DurableObjectState;
  private readonly tickets: Tickets;
  private readonly connections = new Map<WebSocket, Connection>();

  /** Finds the sockets that outlived the object's memory. */
  constructor(ctx: DurableObjectState, tickets: Tickets) {
    this.ctx = ctx;
    this.tickets = tickets;
    const known = tickets.loadConnections();
    for (const ws of ctx.getWebSockets()) {
      const attachment = ws.deserializeAttachment() as Attachment | null;
      const rights = attachment && known.get(attachment.id);
      if (ws.readyState !== openState) continue;
      if (!attachment || !rights) {
        // It would be sent nothing for ever and never know: better to have it connect again.
        ws.close(closeCode.restarting, 'connect again');
        continue;
      }
      known.delete(attachment.id);
      this.connections.set(ws, {
        ...attachment,
        ws,
        principal: rights.principal,
        viewer: viewerOf(rights.principal, rights.filter ?? {}),
        heldThrough: attachment.window.sentSeq,
        rate: noFrames(),
      });
    }
    // Connections that went while the object was away, with no event to say so.
    for (const id of known.keys()) tickets.forgetConnection(id);
  }

  get count(): number {
    return this.connections.size;
  }

  /** True when somebody has said hello and waits for changes. */
  get hasAudience(): boolean {
    for (const connection of this.connections.values()) if (connection.helloByMs === null) return true;
    return false;
  }

  find(ws: WebSocket): Connection | null {
    return this.connections.get(ws) ?? null;
  }

  /** Takes in a socket whose ticket was good; it has 10 s to say hello. */
  accept(ws: WebSocket, principal: RoomPrincipal, nowMs: number): void {
    this.ctx.acceptWebSocket(ws);
    const attachment = { id: crypto.randomUUID(), helloByMs: nowMs + liveLimits.helloWithinMs, window: newWindow() };
    const connection = { ...attachment, ws, principal, viewer: viewerOf(principal), heldThrough: 0, rate: noFrames() };
    this.connections.set(ws, connection);
    this.tickets.saveConnection(connection.id, principal, null);
    this.keep(connection);
  }

  /** Answers a hello: welcome, then one merged delta where the client can resume, else a snapshot. */
  greet(connection: Connection, hello: HelloMessage, state: RoomState, nowMs: number): void {
    if (!this.changeFilter(connection, hello.filter ?? {})) return;
    connection.helloByMs = null;
    const { window, viewer } = connection;
    if (judgeReader(window, nowMs) !== 'send') {
      window.owesSnapshot = true;
      this.keep(connection);
      return;
    }
    this.send(connection, welcomeFrame(state, viewer, nowMs));
    const { resume } = hello;
    const canResume =
      resume?.epoch === epochFor(state, viewer) && resume.seq <= state.seq && resume.seq >= state.resumeFloor;
    if (!canResume) {
      this.sendSnapshot(connection, state, nowMs);
      return;
    }
    const body = deltaFor(state, viewer, changesSince(state, resume.seq, null));
    this.send(connection, deltaFrame(resume.seq, state.seq, body));
    noteDelta(window, state.seq, nowMs);
    window.owesSnapshot = false;
    connection.heldThrough = state.seq;
    this.keep(connection);
  }

  /** Answers a filter frame: a fresh snapshot, at once or as soon as the reader has room for it. */
  refilter(connection: Connection, filter: LiveFilter, state: RoomState, nowMs: number): void {
    if (!this.changeFilter(connection, filter)) return;
    connection.window.owesSnapshot = true;
    this.serve(connection, state, new DeltaRound(state, null), nowMs);
  }

  /** Sets the filter; false, with an error frame, for one this room cannot judge: the old one then stays. */
  private changeFilter(connection: Connection, { groupId, ...filter }: LiveFilter): boolean {
    if (groupId !== undefined) {
      // Ignoring it would show more than was asked for.
      this.send(
        connection,
        errorFrame('VALIDATION_FAILED', 'filter.groupId: vehicle groups cannot be filtered by yet'),
      );
      return false;
    }
    connection.viewer = viewerOf(connection.principal, filter);
    this.tickets.saveConnection(connection.id, connection.principal, filter satisfies RoomFilter);
    return true;
  }

  /** Takes an ack; what has waited for it is sent at once unless a tick will bring it. */
  acknowledge(connection: Connection, seq: number, state: RoomState, nowMs: number): 'advances' | 'repeats' | 'beyond' {
    const { window } = connection;
    const taken = noteAck(window, seq, nowMs);
    if (taken !== 'advances') return taken;
    const isBehind = window.owesSnapshot || connection.heldThrough < state.seq;
    if (isBehind && !state.hasChanges) this.serve(connection, state, new DeltaRound(state, null), nowMs);
    else this.keep(connection);
    return taken;
  }

  /** Sends the tick just closed to everyone it concerns. */
  broadcast(state: RoomState, tick: OpenTick, nowMs: number): void {
    const round = new DeltaRound(state, tick);
    for (const connection of this.connections.values()) {
      if (connection.helloByMs === null) this.serve(connection, state, round, nowMs);
    }
  }

  /** Ends those who said no hello in time, and judges the slow readers that are due. */
  sweep(state: RoomState, nowMs: number): void {
    const round = new DeltaRound(state, null);
    for (const connection of this.connections.values()) {
      const { helloByMs } = connection;
      if (helloByMs !== null) {
        if (nowMs >= helloByMs) this.close(connection, closeCode.noHello, 'no hello within 10 s');
        continue;
      }
      const dueMs = nextJudgementMs(connection.window);
      if (dueMs !== null && nowMs >= dueMs && !state.hasChanges) this.serve(connection, state, round, nowMs);
    }
  }

  /** When `sweep` has something to do (epoch milliseconds); null when never. */
  nextSweepMs(): { helloMs: number | null; slowReaderMs: number | null } {
    let helloMs: number | null = null;
    let slowReaderMs: number | null = null;
    for (const { helloByMs, window } of this.connections.values()) {
      if (helloByMs !== null && (helloMs === null || helloByMs < helloMs)) helloMs = helloByMs;
      const dueMs = nextJudgementMs(window);
      if (dueMs !== null && (slowReaderMs === null || dueMs < slowReaderMs)) slowReaderMs = dueMs;
    }
    return { helloMs, slowReaderMs };
  }

  /** Takes a tenant out of everyone's rights. Who has not been sent its leaving yet is owed a whole snapshot. */
  withdrawTenant(tenantId: string, state: RoomState): void {
    const filters = this.tickets.loadConnections();
    for (const connection of this.connections.values()) {
      if (!connection.principal.tenantIds.includes(tenantId)) continue;
      this.changeRights(
        connection,
        without(connection.principal, tenantId),
        filters.get(connection.id)?.filter ?? null,
      );
      if (connection.helloByMs === null && connection.heldThrough < state.seq) connection.window.owesSnapshot = true;
      this.keep(connection);
    }
  }

  lacksAny(tenantIds: readonly string[]): boolean {
    for (const { principal } of this.connections.values()) if (lacksAny(principal, tenantIds)) return true;
    return false;
  }

  /**
   * Adds tenants to everyone's rights; answers how many lacked one. What the room holds of them already (a feed may have
   * been quicker) no delta would bring, so those viewers are sent a snapshot; what a seed brings later comes as a delta.
   */
  grantTenants(tenantIds: readonly string[], state: RoomState, nowMs: number): number {
    const filters = this.tickets.loadConnections();
    const round = new DeltaRound(state, null);
    let widened = 0;
    for (const connection of this.connections.values()) {
      if (!lacksAny(connection.principal, tenantIds)) continue;
      widened += 1;
      const isHeld = tenantIds.some((id) => state.sources.has(id) && !connection.principal.tenantIds.includes(id));
      const rights = withTenants(connection.principal, tenantIds);
      this.changeRights(connection, rights, filters.get(connection.id)?.filter ?? null);
      const owes = connection.helloByMs === null && (isHeld || connection.heldThrough < state.seq);
      if (owes) connection.window.owesSnapshot = true;
      this.keep(connection);
      if (owes) this.serve(connection, state, round, nowMs);
    }
    return widened;
  }

  private changeRights(connection: Connection, rights: RoomPrincipal, filter: RoomFilter | null): void {
    connection.principal = rights;
    connection.viewer = viewerOf(rights, filter ?? {});
    this.tickets.saveConnection(connection.id, rights, filter);
  }

  /** Ends every socket of these people; answers how many. */
  closeWhere(belongs: (principal: RoomPrincipal) => boolean, code: CloseCode, reason: string): number {
    let closed = 0;
    for (const connection of this.connections.values()) {
      if (!belongs(connection.principal)) continue;
      this.close(connection, code, reason);
      closed += 1;
    }
    return closed;
  }

  close(connection: Connection, code: CloseCode, reason: string): void {
    this.forget(connection.ws);
    try {
      connection.ws.close(code, reason);
    } catch {
      // Already gone: that is what was wanted.
    }
  }

  forget(ws: WebSocket): void {
    const connection = this.connections.get(ws);
    if (!connection) return;
    this.connections.delete(ws);
    this.tickets.forgetConnection(connection.id);
  }

  /** Sends one reader what it lacks, if it may be sent anything. The state has no changes beyond its last tick. */
  private serve(connection: Connection, state: RoomState, round: DeltaRound, nowMs: number): void {
    const { window, viewer, heldThrough } = connection;
    const verdict = judgeReader(window, nowMs);
    if (verdict === 'tooSlow') {
      this.close(connection, closeCode.tooSlow, 'no ack for 60 s');
      return;
    }
    if (verdict === 'wait') {
      this.keep(connection);
      return;
    }
    if (window.owesSnapshot || heldThrough < state.resumeFloor) {
      this.sendSnapshot(connection, state, nowMs);
      return;
    }
    const frame = round.frameFor(viewer, window.sentSeq, heldThrough);
    connection.heldThrough = state.seq;
    if (frame === null) {
      if (window.slowSinceMs === null) return;
      noteUpToDate(window);
    } else {
      this.send(connection, frame);
      noteDelta(window, state.seq, nowMs);
    }
    this.keep(connection);
  }

  private sendSnapshot(connection: Connection, state: RoomState, nowMs: number): void {
    const header = { epoch: epochFor(state, connection.viewer), seq: state.seq };
    for (const frame of snapshotFrames(header, snapshotFor(state, connection.viewer))) this.send(connection, frame);
    noteSnapshot(connection.window, state.seq, nowMs);
    connection.heldThrough = state.seq;
    this.keep(connection);
  }

  private send(connection: Connection, frame: string): void {
    try {
      connection.ws.send(frame);
    } catch {
      this.forget(connection.ws);
    }
  }

  private keep(connection: Connection): void {
    if (!this.connections.has(connection.ws)) return;
    const { id, helloByMs, window } = connection;
    connection.ws.serializeAttachment({ id, helloByMs, window } satisfies Attachment);
  }
}
