/**
 * FleetRoom: the live picture of one tenant's fleet and the hub of its sockets. One object per tenant.
 *
 * A thin shell. What the picture is and how it changes: room-state.ts, room-feeds.ts. Who sees what of it: live-view.ts.
 * Sockets: sockets.ts. Every entry (request, socket frame, alarm, RPC) goes through `enter`, which loads what is missing,
 * works on memory without a pause, writes, sends, and arms the one alarm; so an object that was evicted a moment ago
 * behaves like one that never was, whichever entry comes first. Nothing here waits between reading and writing.
 */
import { DurableObject } from 'cloudflare:workers';
import { closeCode, liveLimits } from '#contracts/live';
import { isOneTooMany, parseFrame } from './client-frames.ts';
import type {
  DirtyReadings,
  FleetRoomRpc,
  LiveOverlay,
  RoomChange,
  RoomPrincipal,
  RoomReadings,
  RoomSeed,
  RoomStatus,
  Unwelcome,
} from './feed.ts';
import { nextAlarmMs, shouldRearm } from './next-alarm.ts';
import {
  applyChange,
  applySeed,
  closeTick,
  confirmCopiedBack,
  dropSource,
  isCopyBackDue,
  listDirtyReadings,
  maxLogEntries,
  overlayOf,
  pruneLog,
  recordReadings,
} from './room-feeds.ts';
import { ageStatuses, copyBackWithinMs, type RoomState } from './room-state.ts';
import { RoomStorage } from './room-storage.ts';
import { Sockets } from './sockets.ts';
import { hashOf, newSecret, Tickets, unwelcomeIn } from './tickets.ts';

export interface FleetRoomEnv {
  /** Asks the Worker to fetch this room's dirty readings: a room never touches D1. */
  LIVE_QUEUE: Queue<{ kind: 'copy_back'; tenantId: string }>;
}

interface Room {
  state: RoomState;
  storage: RoomStorage;
  tickets: Tickets;
  sockets: Sockets;
  lastTickMs: number;
}

/**
 * Ticks are coalesced to this distance. The first change after a quiet time goes out at once; the limit of 250 ms is for
 * rooms with a large audience, where each frame costs, and the short one keeps a change under 100 ms in all others.
 */
const tickGapMs = (sockets: number): number => (sockets > 100 ? liveLimits.tickMs : 80);

/** After a failure the room tries again soon, but not in a loop. */
const retryAfterFailureMs = 1_000;
const retryQueueAfterMs = 5_000;
const pruneEveryTicks = 64;
const ticklessLogEntries = 1_000;

export class FleetRoom extends DurableObject<FleetRoomEnv> implements FleetRoomRpc {
  private room: Room | null = null;
  private armedAtMs: number | null = null;

  constructor(ctx: DurableObjectState, env: FleetRoomEnv) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  /** The only HTTP request a room answers: a WebSocket upgrade with `?ticket=`. */
  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') return new Response(null, { status: 426 });
    const hash = await hashOf(new URL(request.url).searchParams.get('ticket') ?? '');
    const { 0: client, 1: server } = new WebSocketPair();
    this.enter(({ tickets, sockets }, nowMs) => {
      const principal = tickets.redeem(hash, nowMs);
      if (principal) {
        sockets.accept(server, principal, nowMs);
        return;
      }
      // Accepted only to be closed: a browser cannot read the status of a refused upgrade.
      server.accept();
      server.close(closeCode.unauthenticated, 'invalid ticket');
    });
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(ws: WebSocket, data: string | ArrayBuffer): Promise<void> {
    this.enter((room, nowMs) => {
      const { sockets, state } = room;
      const connection = sockets.find(ws);
      if (!connection) {
        ws.close(closeCode.restarting, 'connect again');
        return;
      }
      if (isOneTooMany(connection.rate, nowMs)) {
        sockets.close(connection, closeCode.tooManyFrames, 'more than 20 frames in a second');
        return;
      }
      const frame = parseFrame(data);
      if (frame.kind === 'ping') {
        ws.send('pong');
        return;
      }
      if (frame.kind === 'close') {
        sockets.close(connection, frame.code, frame.reason);
        return;
      }
      const { message } = frame;
      if (connection.helloByMs !== null && message.type !== 'hello') {
        sockets.close(connection, closeCode.badFrame, 'hello comes first');
        return;
      }
      if (message.type === 'ack') {
        const taken = sockets.acknowledge(connection, message.seq, state, nowMs);
        if (taken === 'beyond') sockets.close(connection, closeCode.badFrame, 'ack beyond the last seq');
        // As many as the server's own frames: a burst after a stall is no flood.
        if (taken === 'advances') connection.rate.frames -= 1;
        return;
      }
      // A picture handed out must be that of a tick, complete and numbered.
      this.tick(room, nowMs);
      if (message.type === 'hello') sockets.greet(connection, message, state, nowMs);
      else sockets.refilter(connection, message.filter, state, nowMs);
    });
  }

  override async webSocketClose(ws: WebSocket, code: number, reason: string): Promise<void> {
    this.enter(({ sockets }) => sockets.forget(ws));
    // Without an answer the client's own close would hang; 1005 and 1006 say that none was given and cannot be sent.
    ws.close(code === 1005 || code === 1006 ? 1000 : code, reason);
  }

  override async webSocketError(ws: WebSocket): Promise<void> {
    this.enter(({ sockets }) => sockets.forget(ws));
  }

  /** At least once, and perhaps early: does whatever is due and nothing else. */
  override async alarm(): Promise<void> {
    this.armedAtMs = null;
    const copyBackOf = this.enter((room, nowMs) => {
      const { state, sockets } = room;
      if (state.hasChanges && sockets.hasAudience) this.tick(room, nowMs);
      sockets.sweep(state, nowMs);
      return isCopyBackDue(state, nowMs, nowMs + copyBackWithinMs) ? state.ownTenantId : null;
    });
    if (copyBackOf === null) return;
    try {
      await this.env.LIVE_QUEUE.send({ kind: 'copy_back', tenantId: copyBackOf });
    } catch (cause) {
      console.error(JSON.stringify({ level: 'error', event: 'copy_back_not_queued', cause: String(cause) }));
      this.enter(({ state }, nowMs) => {
        if (state.copyBackDueMs === null) return;
        state.copyBackDueMs = nowMs + retryQueueAfterMs;
        state.unsaved.meta = true;
      });
    }
  }

  async applyChange(change: RoomChange): Promise<{ isSeeded: boolean }> {
    return this.enter(({ state }) => applyChange(state, change));
  }

  async seed(seed: RoomSeed): Promise<void> {
    this.enter(({ state }, nowMs) => applySeed(state, seed, nowMs));
  }

  async grantSources(sourceTenantIds: string[]): Promise<{ widened: number }> {
    return this.enter((room, nowMs) => {
      const { state, sockets, tickets } = room;
      const widened = tickets.grantTenants(sourceTenantIds);
      if (!sockets.lacksAny(sourceTenantIds)) return { widened };
      // Everyone holds what their old rights showed, up to this tick, before the new ones begin.
      this.tick(room, nowMs);
      return { widened: widened + sockets.grantTenants(sourceTenantIds, state, nowMs) };
    });
  }

  async dropSource(sourceTenantId: string): Promise<void> {
    this.enter((room, nowMs) => {
      dropSource(room.state, sourceTenantId);
      // Everyone sees it leave with the rights they had; after that nobody has any in it, should a late feed bring it back.
      this.tick(room, nowMs);
      if (sourceTenantId === room.state.ownTenantId) return;
      room.sockets.withdrawTenant(sourceTenantId, room.state);
      room.tickets.withdrawTenant(sourceTenantId);
    });
  }

  async recordReadings(batch: RoomReadings): Promise<{ recorded: number }> {
    return this.enter(({ state }, nowMs) => ({ recorded: recordReadings(state, batch, nowMs) }));
  }

  async overlay(vehicleIds: string[]): Promise<LiveOverlay[]> {
    return this.enter(({ state }, nowMs) => overlayOf(state, vehicleIds, nowMs));
  }

  async listDirtyReadings(limit: number): Promise<DirtyReadings> {
    return this.enter(({ state }) => listDirtyReadings(state, limit));
  }

  async confirmCopiedBack(mark: number): Promise<void> {
    this.enter(({ state }, nowMs) => confirmCopiedBack(state, mark, nowMs + copyBackWithinMs));
  }

  async issueTicket(principal: RoomPrincipal): Promise<{ ticket: string }> {
    const tenantId = this.enter(({ state }) => state.ownTenantId);
    const ticket = `${tenantId}.${newSecret()}`;
    const hash = await hashOf(ticket);
    this.enter(({ tickets }, nowMs) => tickets.issue(hash, principal, nowMs));
    return { ticket };
  }

  async close(unwelcome: Unwelcome): Promise<{ closed: number }> {
    return this.enter(({ sockets, tickets }, nowMs) => {
      const isUnwelcome = unwelcomeIn(unwelcome);
      tickets.rememberEnded(unwelcome.endedSessionIds ?? [], nowMs);
      tickets.voidWhere(isUnwelcome);
      return { closed: sockets.closeWhere(isUnwelcome, closeCode.sessionRevoked, 'signed out') };
    });
  }

  async status(): Promise<RoomStatus> {
    return this.enter(({ state, sockets }) => ({
      epoch: state.epoch,
      seq: state.seq,
      sockets: sockets.count,
      vehicles: state.vehicles.size,
      heardThrough: Object.fromEntries([...state.sources].map(([id, heard]) => [id, heard.heardThrough])),
    }));
  }

  private load(): Room {
    if (this.room) return this.room;
    const storage = new RoomStorage(this.ctx.storage);
    const tickets = new Tickets(this.ctx.storage);
    const state = storage.load(this.ctx.id.name ?? null, () => crypto.randomUUID());
    this.room = { state, storage, tickets, sockets: new Sockets(this.ctx, tickets), lastTickMs: 0 };
    return this.room;
  }

  /** The one door: see the head of this file. */
  private enter<T>(work: (room: Room, nowMs: number) => T): T {
    const nowMs = Date.now();
    const room = this.load();
    try {
      ageStatuses(room.state, nowMs);
      const result = work(room, nowMs);
      room.storage.save(room.state);
      const { state, sockets, lastTickMs } = room;
      const isDue = nowMs - lastTickMs >= tickGapMs(sockets.count) && sockets.hasAudience;
      // Without an audience changes gather in one tick, but not without end: only ended ticks can be forgotten.
      if ((state.hasChanges && isDue) || state.tick.left.size >= ticklessLogEntries) this.tick(room, nowMs);
      return result;
    } catch (cause) {
      // Memory may be ahead of storage now: what was written is the truth, and is loaded again.
      this.room = null;
      throw cause;
    } finally {
      this.rearm(nowMs);
    }
  }

  /** Numbers what has changed since the last tick and sends it. */
  private tick(room: Room, nowMs: number): void {
    const { state, storage, sockets } = room;
    const tick = closeTick(state);
    if (!tick) return;
    room.lastTickMs = nowMs;
    storage.save(state);
    sockets.broadcast(state, tick, nowMs);
    if (state.seq % pruneEveryTicks !== 0 && state.log.length <= maxLogEntries) return;
    const floor = pruneLog(state, liveLimits.resumeWindowDeltas);
    if (floor === null) return;
    storage.prune(floor);
    storage.save(state);
  }

  private rearm(nowMs: number): void {
    let wantedMs: number | null = nowMs + retryAfterFailureMs;
    if (this.room) {
      const { state, sockets, lastTickMs } = this.room;
      const isTickAwaited = state.hasChanges && sockets.hasAudience;
      const reasons = {
        tickMs: isTickAwaited ? lastTickMs + tickGapMs(sockets.count) : null,
        statusMs: state.statusDueMs,
        copyBackMs: state.copyBackDueMs,
        ...sockets.nextSweepMs(),
      };
      wantedMs = nextAlarmMs(reasons, nowMs);
    }
    if (!shouldRearm(this.armedAtMs, wantedMs)) return;
    this.armedAtMs = wantedMs;
    void this.ctx.storage.setAlarm(wantedMs);
  }
}
