/**
 * FleetRoom: the live picture of one tenant's fleet and the hub of its sockets. One object per tenant.
 *
 * A thin shell. What the picture is and how it changes: room-state.ts, room-reducer.ts. Who sees what of it: live-view.ts.
 * Sockets: door.ts (what comes in), fan-out.ts (what goes out), ticker.ts (when). Every entry (request, socket frame, timer,
 * alarm, RPC) goes through `enter`, which loads what is missing, works on memory without a pause, writes, sends, and arms
 * the timer and the one alarm; so an object that was evicted a moment ago behaves like one that never was, whichever entry
 * comes first. Nothing here waits between reading and writing.
 */
import { DurableObject } from 'cloudflare:workers';
import { closeCode, liveLimits, type CommandMessage } from '#contracts/live';
import { closeBack } from '../close-back.ts';
import { plainAckIn } from './client-frames.ts';
import { admit, hear } from './door.ts';
import type {
  DirtyReadings,
  DisplayState,
  FleetRoomRpc,
  IngestOutcome,
  LiveOverlay,
  MirroredReadings,
  RoomChange,
  RoomPrincipal,
  RoomReadings,
  RoomSeed,
  RoomStatus,
  Unwelcome,
} from './feed.ts';
import { nextAlarmMs, shouldRearm } from './next-alarm.ts';
import { unpackReadings } from '../readings/packed-readings.ts';
import { listDirtyReadings, maxLogEntries, overlayOf } from './room-feeds.ts';
import { loadRoom, needsOf, type FleetRoomEnv, type Room } from './room.ts';
import { reduce } from './room-reducer.ts';
import { Ticker } from './ticker.ts';
import { hashOf, newSecret, unwelcomeIn } from './tickets.ts';

/** After a failure the room tries again soon, but not in a loop. */
const retryAfterFailureMs = 1_000;
const retryQueueAfterMs = 5_000;
const pruneEveryTicks = 64;
/** So long a reader waits for the tracks to hold what was taken before. */
const settleWithinMs = 2_000;

export class FleetRoom extends DurableObject<FleetRoomEnv> implements FleetRoomRpc {
  private room: Room | null = null;
  private armedAtMs: number | null = null;
  private readonly ticker = new Ticker(() => this.wake());

  constructor(ctx: DurableObjectState, env: FleetRoomEnv) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  /** The only HTTP request a room answers: a WebSocket upgrade with `?ticket=`, for everything or for one truck. */
  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') return new Response(null, { status: 426 });
    const { pathname, searchParams } = new URL(request.url);
    const hash = await hashOf(searchParams.get('ticket') ?? '');
    const { 0: client, 1: server } = new WebSocketPair();
    this.enter((room, nowMs) => admit(room, server, hash, pathname, nowMs));
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(ws: WebSocket, data: string | ArrayBuffer): void {
    if (!this.takeAck(ws, data)) this.enter((room, nowMs) => hear(room, ws, data, nowMs));
  }

  /** The short way of most frames that come in: an ack that nothing waits for needs nothing but to be noted. */
  private takeAck(ws: WebSocket, data: string | ArrayBuffer): boolean {
    const { room } = this;
    const seq = room && plainAckIn(data);
    const connection = room?.sockets.find(ws);
    if (!room || seq === null || !connection) return false;
    const nowMs = Date.now();
    if (!room.fanOut.takeAck(connection, seq, room.state, nowMs)) return false;
    this.ticker.noteBusy(nowMs);
    if (!this.ticker.isArmed) this.ticker.arm(needsOf(room, nowMs), nowMs);
    return true;
  }

  override async webSocketClose(ws: WebSocket, code: number, reason: string): Promise<void> {
    this.enter(({ sockets }) => sockets.forget(ws));
    closeBack(ws, code, reason);
  }

  override async webSocketError(ws: WebSocket): Promise<void> {
    this.enter(({ sockets }) => sockets.forget(ws));
  }

  /** At least once, and perhaps early: does whatever is due and nothing else. */
  override async alarm(): Promise<void> {
    this.armedAtMs = null;
    const due = this.enter((room, nowMs) => {
      const { state, fanOut, displays } = room;
      const { hasChanges, isAwaited } = needsOf(room, nowMs);
      if (hasChanges && isAwaited) this.tick(room, nowMs);
      fanOut.sweep(state, nowMs);
      const isCopyDue = reduce(state, { kind: 'copyBack' }, nowMs);
      return { tenantId: state.ownTenantId, isCopyDue, displayNews: displays.sweep(nowMs) };
    });
    if (due.isCopyDue && !(await this.ask('copy_back', due.tenantId))) {
      this.enter(({ state }, nowMs) => {
        if (state.copyBackDueMs === null) return;
        state.copyBackDueMs = nowMs + retryQueueAfterMs;
        state.unsaved.meta = true;
      });
    }
    const { displayNews } = due;
    if (displayNews !== null && (await this.ask('display_health', due.tenantId))) {
      this.enter(({ displays }) => displays.noteTold(displayNews));
    }
  }

  /** Asks the Worker for something; false when that could not be said. */
  private async ask(kind: 'copy_back' | 'display_health', tenantId: string): Promise<boolean> {
    try {
      await this.env.LIVE_QUEUE.send({ kind, tenantId });
      return true;
    } catch (cause) {
      console.error(JSON.stringify({ level: 'error', event: `${kind}_not_queued`, cause: String(cause) }));
      return false;
    }
  }

  async applyChange(change: RoomChange): Promise<{ isSeeded: boolean }> {
    return this.enter(({ state }, nowMs) => reduce(state, { kind: 'change', change }, nowMs));
  }

  async seed(seed: RoomSeed): Promise<void> {
    this.enter(({ state }, nowMs) => reduce(state, { kind: 'seed', seed }, nowMs));
  }

  async grantSources(sourceTenantIds: string[]): Promise<{ widened: number }> {
    return this.enter((room, nowMs) => {
      const { state, fanOut, tickets } = room;
      const widened = tickets.grantTenants(sourceTenantIds);
      if (!fanOut.lacksAny(sourceTenantIds)) return { widened };
      // Everyone holds what their old rights showed, up to this tick, before the new ones begin.
      this.tick(room, nowMs);
      return { widened: widened + fanOut.grantTenants(sourceTenantIds, state, nowMs) };
    });
  }

  async dropSource(sourceTenantId: string): Promise<void> {
    this.enter((room, nowMs) => {
      reduce(room.state, { kind: 'dropSource', sourceTenantId }, nowMs);
      // Everyone sees it leave with the rights they had; after that nobody has any in it, should a late feed bring it back.
      this.tick(room, nowMs);
      if (sourceTenantId === room.state.ownTenantId) return;
      room.fanOut.withdrawTenant(sourceTenantId, room.state);
      room.tickets.withdrawTenant(sourceTenantId);
    });
  }

  async recordReadings(batch: RoomReadings): Promise<{ recorded: number }> {
    return this.enter(({ state }, nowMs) => ({ recorded: reduce(state, { kind: 'readings', batch }, nowMs) }));
  }

  async overlay(vehicleIds: string[]): Promise<LiveOverlay[]> {
    return this.enter(({ state }, nowMs) => overlayOf(state, vehicleIds, nowMs));
  }

  async listDirtyReadings(limit: number): Promise<DirtyReadings> {
    return this.enter(({ state }) => listDirtyReadings(state, limit));
  }

  async confirmCopiedBack(mark: number): Promise<void> {
    this.enter(({ state }, nowMs) => reduce(state, { kind: 'copiedBack', mark }, nowMs));
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

  async ingest(rows: Uint8Array): Promise<IngestOutcome> {
    return this.enter(({ state, links }, nowMs) => {
      const retryAfterSeconds = links.tracks.busyForSeconds(nowMs);
      if (retryAfterSeconds !== null) return { kind: 'busy', retryAfterSeconds };
      return { kind: 'taken', ...reduce(state, { kind: 'ingest', rows }, nowMs) };
    });
  }

  async settleTracks(): Promise<void> {
    await this.enter(({ links }) => links.tracks).settle(scheduler.wait(settleWithinMs));
  }

  async subscribe(subscriberTenantId: string, isRenewal = false): Promise<MirroredReadings> {
    return this.enter(({ state, links }, nowMs) => ({
      sourceTenantId: state.ownTenantId,
      readings: links.subscribers.add(state, subscriberTenantId, isRenewal, nowMs),
    }));
  }

  async unsubscribe(subscriberTenantId: string): Promise<void> {
    this.enter(({ links }) => links.subscribers.remove(subscriberTenantId));
  }

  async mirror({ sourceTenantId, readings }: MirroredReadings): Promise<{ isWanted: boolean }> {
    return this.enter(({ state, sockets }, nowMs) => {
      if (!sockets.hasAudience) return { isWanted: false };
      const rows = unpackReadings(readings);
      return { isWanted: reduce(state, { kind: 'mirror', sourceTenantId, rows }, nowMs) !== null };
    });
  }

  async redeemStreamTicket(ticketHash: string): Promise<RoomPrincipal | null> {
    return this.enter(({ tickets }, nowMs) => tickets.redeem(ticketHash, 'stream', nowMs));
  }

  async displayStates(): Promise<DisplayState[]> {
    return this.enter(({ displays, sockets }) => displays.states(sockets.connectedDisplays()));
  }

  async sendCommand(displayId: string, command: Omit<CommandMessage, 'type'>): Promise<{ isDelivered: boolean }> {
    return this.enter(({ fanOut }) => ({ isDelivered: fanOut.command(displayId, command) }));
  }

  async closeDisplay(displayId: string): Promise<void> {
    this.enter(({ displays, sockets, tickets }, nowMs) => {
      const isUnpaired = ({ kind, userId }: RoomPrincipal) => kind === 'display' && userId === displayId;
      // A display's session is the display: a ticket that is being made for it right now is void, too.
      tickets.rememberEnded([displayId], nowMs);
      tickets.voidWhere(isUnpaired);
      sockets.closeWhere(isUnpaired, closeCode.displayUnpaired, 'unpaired');
      displays.forget(displayId);
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

  /** The one door: see the head of this file. */
  private enter<T>(work: (room: Room, nowMs: number) => T): T {
    const nowMs = Date.now();
    this.room ??= loadRoom(this.ctx, this.env, (inside) => this.enter(inside));
    const { room, ticker } = this;
    const { state, storage, sockets, fanOut, links } = room;
    try {
      reduce(state, { kind: 'age' }, nowMs);
      fanOut.heal(state, nowMs);
      const result = work(room, nowMs);
      storage.save(state);
      if (ticker.isTickDue(needsOf(room, nowMs), nowMs)) this.tick(room, nowMs);
      if (ticker.isKeepingDue(needsOf(room, nowMs), nowMs)) this.keep(room);
      links.afterEntry(state, sockets.hasAudience, nowMs);
      return result;
    } catch (cause) {
      // Memory may be ahead of storage now: what was written is the truth, and is loaded again. What sockets were sent stays.
      this.room = null;
      sockets.keepEach();
      throw cause;
    } finally {
      this.rearm(nowMs);
    }
  }

  /** The timer has fired. */
  private wake(): void {
    try {
      this.enter(() => undefined);
    } catch (cause) {
      // Nobody waits for an answer; the alarm tries again.
      console.error(JSON.stringify({ level: 'error', event: 'tick_failed', cause: String(cause) }));
    }
  }

  /** Numbers what has changed since the last tick and sends it. */
  private tick(room: Room, nowMs: number): void {
    const { state, storage, fanOut, links } = room;
    const tick = reduce(state, { kind: 'tick' }, nowMs);
    if (!tick) return;
    this.ticker.noteTick(nowMs);
    storage.save(state);
    fanOut.broadcast(state, tick, nowMs);
    links.afterTick(state, tick, nowMs);
    if (state.seq % pruneEveryTicks !== 0 && state.log.length <= maxLogEntries) return;
    const floor = reduce(state, { kind: 'prune', windowDeltas: liveLimits.resumeWindowDeltas }, nowMs);
    if (floor === null) return;
    storage.prune(floor);
    storage.save(state);
  }

  /** Writes what was in memory alone: the room falls quiet, or has not done so for long. */
  private keep({ state, storage, sockets, fanOut, displays }: Room): void {
    sockets.keepAll(state.seq);
    storage.readings.keep();
    displays.save();
    fanOut.forgetFrames();
    this.ticker.noteKept();
  }

  private rearm(nowMs: number): void {
    let wantedMs: number | null = nowMs + retryAfterFailureMs;
    if (this.room) {
      const { state, fanOut, displays, links } = this.room;
      const needs = needsOf(this.room, nowMs);
      this.ticker.arm(needs, nowMs);
      const reasons = {
        tickMs: this.ticker.backupMs(needs, nowMs),
        statusMs: state.statusDueMs,
        copyBackMs: state.copyBackDueMs,
        displayMs: displays.nextDueMs,
        ...fanOut.nextSweepMs(),
        ...links.dueMs(nowMs),
      };
      wantedMs = nextAlarmMs(reasons, nowMs);
    }
    if (!shouldRearm(this.armedAtMs, wantedMs)) return;
    this.armedAtMs = wantedMs;
    void this.ctx.storage.setAlarm(wantedMs);
  }
}
