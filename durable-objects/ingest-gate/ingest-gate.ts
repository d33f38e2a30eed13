/**
 * IngestGate: gathers what gateways bring and hands it to the tenant's room in few calls, and holds the sockets of those that
 * stream. Several objects per tenant, named `<tenantId>/<number>`.
 *
 * It keeps nothing on disk but an alarm. What it has answered for is in the room; when it dies, whoever waited for an answer
 * hears none and sends again, which changes nothing if the room had it already.
 */
import { DurableObject } from 'cloudflare:workers';
import { closeCode } from '#contracts/live';
import type { PositionInput, Rejection, StreamServerMessage } from '#contracts/telemetry';
import { judgePositions, unknownVehicle, type JudgedRow } from '#contracts/telemetry-rows';
import { closeBack } from '../close-back.ts';
import type { FleetRoomRpc, IngestOutcome, RoomPrincipal, Unwelcome } from '../fleet-room/feed.ts';
import { hashOf, unwelcomeIn } from '../fleet-room/tickets.ts';
import { packPositions } from '../readings/pack-positions.ts';
import { packRows, unpackRows } from '../readings/packed-readings.ts';
import { roomOf } from '../stubs.ts';
import { isOverloaded } from '../overloaded.ts';
import type { IngestGateRpc, UnknownRowsRpc } from './feed.ts';
import { Gatherer, gathering } from './gatherer.ts';
import { parseStreamFrame } from './stream-frames.ts';
import { endMsOf, Streams } from './streams.ts';

export interface IngestGateEnv {
  FLEET_ROOM: DurableObjectNamespace;
}

/** Who read of this gate before it was retired has come here by then. */
const onTheirWayMs = 10_000;

const again = { code: closeCode.restarting, reason: 'connect again' } as const;

export class IngestGate extends DurableObject<IngestGateEnv> implements IngestGateRpc {
  private readonly streams: Streams;
  private readonly gatherer: Gatherer;
  /** Of each ticket that is being redeemed, who has become unwelcome meanwhile. */
  private readonly redeeming = new Set<Unwelcome[]>();
  private retiredUntilMs = 0;

  constructor(ctx: DurableObjectState, env: IngestGateEnv) {
    super(ctx, env);
    this.streams = new Streams(ctx);
    this.gatherer = new Gatherer((rows) => this.toRoom(rows));
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  async ingest(tenantId: string, rows: Uint8Array): Promise<IngestOutcome> {
    if (tenantId !== this.tenantId) throw new Error('this gate is another tenant’s');
    return this.gatherer.add(rows);
  }

  /** The only HTTP request a gate answers: a WebSocket upgrade with `?ticket=`. */
  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') return new Response(null, { status: 426 });
    const { 0: client, 1: server } = new WebSocketPair();
    const isRetired = Date.now() < this.retiredUntilMs;
    const welcome = isRetired ? again : await this.redeem(new URL(request.url).searchParams.get('ticket') ?? '');
    if ('principal' in welcome) this.streams.accept(server, welcome.principal);
    else {
      // Accepted only to be closed: a client may not be able to read the status of a refused upgrade.
      server.accept();
      server.close(welcome.code, welcome.reason);
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  override async webSocketMessage(ws: WebSocket, data: string | ArrayBuffer): Promise<void> {
    // Frames that were on their way when it was closed.
    if (ws.readyState !== WebSocket.READY_STATE_OPEN) return;
    const frame = parseStreamFrame(data);
    if (frame.kind === 'ping') ws.send('pong');
    else if (frame.kind === 'close') ws.close(frame.code, frame.reason);
    else if (this.streams.isFull(ws)) this.streams.refuse(ws, frame.batch, gathering.retryAfterSeconds, Date.now());
    else this.streams.answer(ws, this.take(frame.batch, frame.positions));
  }

  override async webSocketClose(ws: WebSocket, code: number, reason: string): Promise<void> {
    closeBack(ws, code, reason);
  }

  async close(unwelcome: Unwelcome): Promise<{ closed: number }> {
    for (const heard of this.redeeming) heard.push(unwelcome);
    return { closed: this.streams.closeUnwelcome(unwelcome) };
  }

  async retire(): Promise<{ closed: number }> {
    this.retiredUntilMs = Date.now() + onTheirWayMs;
    return { closed: this.streams.closeAll(again.code, again.reason) };
  }

  /** A key has run out. */
  override async alarm(): Promise<void> {
    this.streams.closeExpired(Date.now());
    const nextMs = this.streams.nextEndMs();
    if (nextMs < Infinity) await this.ctx.storage.setAlarm(nextMs);
  }

  private get tenantId(): string {
    return this.ctx.id.name?.split('/')[0] ?? '';
  }

  private get room(): FleetRoomRpc {
    return roomOf(this.env.FLEET_ROOM, this.tenantId);
  }

  private async toRoom(rows: Uint8Array): Promise<IngestOutcome> {
    try {
      return await this.room.ingest(rows);
    } catch (cause) {
      if (isOverloaded(cause)) return { kind: 'busy', retryAfterSeconds: gathering.retryAfterSeconds };
      throw cause;
    }
  }

  /** Uses up a ticket. The end of a session is told to the room first and then to the gates: one of the two hears in time. */
  private async redeem(ticket: string): Promise<{ principal: RoomPrincipal } | { code: number; reason: string }> {
    const heard: Unwelcome[] = [];
    this.redeeming.add(heard);
    try {
      const principal = await this.room.redeemStreamTicket(await hashOf(ticket));
      if (principal === null) return { code: closeCode.unauthenticated, reason: 'invalid ticket' };
      const endMs = endMsOf(principal);
      if (endMs <= Date.now()) return { code: closeCode.unauthenticated, reason: 'the key has expired' };
      if (endMs < Infinity) {
        const armedMs = await this.ctx.storage.getAlarm();
        if (armedMs === null || armedMs > endMs) await this.ctx.storage.setAlarm(endMs);
      }
      if (heard.some((unwelcome) => unwelcomeIn(unwelcome)(principal))) {
        return { code: closeCode.sessionRevoked, reason: 'signed out' };
      }
      return { principal };
    } finally {
      this.redeeming.delete(heard);
    }
  }

  /** What is answered to a batch. Never rejects: what failed is to be sent again. */
  private async take(batch: number, rows: readonly unknown[]): Promise<StreamServerMessage> {
    const { judged, rejected } = judgePositions(rows, new Date());
    let unknown: Rejection[] | { retryAfterSeconds: number };
    try {
      unknown = await this.place(judged);
    } catch (cause) {
      const tenantId = this.tenantId;
      console.error(JSON.stringify({ level: 'error', event: 'stream_batch_failed', tenantId, cause: String(cause) }));
      unknown = { retryAfterSeconds: gathering.retryAfterSeconds };
    }
    if (!Array.isArray(unknown)) return { type: 'busy', batch, ...unknown };
    return {
      type: 'accepted',
      batch,
      accepted: judged.length - unknown.length,
      rejected: [...rejected, ...unknown].sort((a, b) => a.index - b.index),
    };
  }

  /** Hands judged rows to the room; what the room does not know the Worker is asked for. Answers what is nobody's. */
  private async place(
    judged: readonly JudgedRow<PositionInput>[],
  ): Promise<Rejection[] | { retryAfterSeconds: number }> {
    const packed = packPositions(judged);
    const outcome = await this.gatherer.add(packed);
    if (outcome.kind === 'busy') return { retryAfterSeconds: outcome.retryAfterSeconds };
    const { unknown } = outcome;
    if (unknown.length === 0) return [];
    const all = unpackRows(packed);
    const placed = await this.worker.place(this.tenantId, packRows(unknown.flatMap((at) => all[at] ?? [])));
    if (placed.kind === 'busy') return { retryAfterSeconds: placed.retryAfterSeconds };
    return placed.unknown.flatMap((at) => {
      const index = judged[unknown[at] ?? -1]?.index;
      return index === undefined ? [] : unknownVehicle(index);
    });
  }

  /** The Worker this object belongs to. */
  private get worker(): UnknownRowsRpc {
    const { exports } = this.ctx as unknown as { exports: { UnknownRows: UnknownRowsRpc } };
    return exports.UnknownRows;
  }
}
