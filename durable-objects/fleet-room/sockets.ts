/**
 * The room's sockets: who is there, and what of them survives hibernation. What they are sent: fan-out.ts.
 *
 * The small part rides on each socket's attachment, rights and filter are kept in SQLite under the connection's id. Writing
 * an attachment costs as much as sending a frame, so what changes with every frame is written before the room falls quiet
 * (`keepAll`), together with the tick it belongs to. A room that lost its memory before that finds a later tick than was
 * kept, and does not trust the attachments: those sockets are sent a whole snapshot.
 */
import { closeCode, liveLimits, type CloseCode } from '#contracts/live';
import { newWindow } from './ack-window.ts';
import { noFrames } from './client-frames.ts';
import { Audiences, type Attachment, type Connection, type Encoding } from './connection.ts';
import type { RoomPrincipal } from './feed.ts';
import { viewerOf, type RoomFilter } from './live-view.ts';
import type { Frame } from './server-frames.ts';
import type { SocketPrincipal, Tickets } from './tickets.ts';

const openState = 1;

export class Sockets {
  private readonly ctx: DurableObjectState;
  private readonly tickets: Tickets;
  private readonly audiences = new Audiences();
  private readonly connections = new Map<WebSocket, Connection>();
  /** Those who have not said hello; the first to come is the first to be due. */
  private readonly silent = new Set<Connection>();
  private keptSeq: number;
  private hasDirty = false;

  /** Finds the sockets that outlived the object's memory; `seq` is the room's last tick. */
  constructor(ctx: DurableObjectState, tickets: Tickets, seq: number) {
    this.ctx = ctx;
    this.tickets = tickets;
    this.keptSeq = tickets.keptThrough();
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
        filter: rights.filter,
        audience: this.audiences.of(viewerOf(rights.principal, rights.filter ?? {}), attachment.encoding),
        heldThrough: attachment.window.sentSeq,
        rate: noFrames(),
        greeting: null,
        isDirty: false,
        isStale: attachment.helloByMs === null && this.keptSeq !== seq,
      });
    }
    const silent = [...this.connections.values()].filter(({ helloByMs }) => helloByMs !== null);
    for (const connection of silent.sort((a, b) => (a.helloByMs ?? 0) - (b.helloByMs ?? 0))) {
      this.silent.add(connection);
    }
    // Connections that went while the object was away, with no event to say so.
    for (const id of known.keys()) tickets.forgetConnection(id);
  }

  get count(): number {
    return this.connections.size;
  }

  /** True when somebody has said hello and waits for changes. */
  get hasAudience(): boolean {
    return this.connections.size > this.silent.size;
  }

  get all(): Iterable<Connection> {
    return this.connections.values();
  }

  find(ws: WebSocket): Connection | null {
    return this.connections.get(ws) ?? null;
  }

  /** Displays with an open socket. */
  connectedDisplays(): Set<string> {
    const ids = new Set<string>();
    for (const { principal } of this.connections.values()) if (principal.kind === 'display') ids.add(principal.userId);
    return ids;
  }

  /** Takes in a socket whose ticket was good; it has 10 s to say hello. */
  accept(ws: WebSocket, principal: SocketPrincipal, nowMs: number): void {
    this.ctx.acceptWebSocket(ws);
    const connection: Connection = {
      id: crypto.randomUUID(),
      helloByMs: nowMs + liveLimits.helloWithinMs,
      encoding: 'json',
      window: newWindow(),
      ws,
      principal,
      filter: null,
      audience: this.audiences.of(viewerOf(principal), 'json'),
      heldThrough: 0,
      rate: noFrames(),
      greeting: null,
      isDirty: false,
      isStale: false,
    };
    this.connections.set(ws, connection);
    this.silent.add(connection);
    this.tickets.saveConnection(connection.id, principal, null);
    this.keep(connection);
  }

  noteHello(connection: Connection, encoding: Encoding): void {
    connection.helloByMs = null;
    this.silent.delete(connection);
    connection.encoding = encoding;
    connection.audience = this.audiences.of(connection.audience.viewer, encoding);
  }

  /** Sets rights and filter, in memory and in SQLite. */
  setRights(connection: Connection, principal: SocketPrincipal, filter: RoomFilter | null): void {
    // Most filters are none, and said again with every hello.
    const kept = filter !== null && Object.keys(filter).length > 0 ? filter : null;
    if (principal === connection.principal && kept === null && connection.filter === null) return;
    connection.principal = principal;
    connection.filter = kept;
    connection.audience = this.audiences.of(viewerOf(principal, kept ?? {}), connection.encoding);
    this.audiences.prune(this.all);
    this.tickets.saveConnection(connection.id, principal, kept);
  }

  /** When the next of those who have said nothing must go (epoch milliseconds); null when all have spoken. */
  get helloDueMs(): number | null {
    for (const { helloByMs } of this.silent) return helloByMs;
    return null;
  }

  /** Ends those who said no hello in time. */
  closeSilent(nowMs: number): void {
    for (const connection of this.silent) {
      if (nowMs < (connection.helloByMs ?? 0)) return;
      this.close(connection, closeCode.noHello, 'no hello within 10 s');
    }
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
    this.silent.delete(connection);
    this.tickets.forgetConnection(connection.id);
  }

  send(connection: Connection, frame: Frame): void {
    try {
      connection.ws.send(frame);
    } catch {
      this.forget(connection.ws);
    }
  }

  /** What is kept may wait until the room falls quiet. */
  keepLater(connection: Connection): void {
    connection.isDirty = true;
    this.hasDirty = true;
  }

  keep(connection: Connection): void {
    if (!this.connections.has(connection.ws)) return;
    const { id, helloByMs, encoding, window } = connection;
    connection.ws.serializeAttachment({ id, helloByMs, encoding, window } satisfies Attachment);
    connection.isDirty = false;
  }

  /** True when memory knows something of these sockets that would be lost with it. */
  mustKeep(seq: number): boolean {
    return this.connections.size > 0 && (this.hasDirty || this.keptSeq !== seq);
  }

  /** Writes every attachment that is behind, without a word on the tick. */
  keepEach(): void {
    for (const connection of this.connections.values()) if (connection.isDirty) this.keep(connection);
    this.hasDirty = false;
  }

  /** Keeps everything as of tick `seq`, up to which everyone has been served. */
  keepAll(seq: number): void {
    this.keepEach();
    if (this.keptSeq === seq) return;
    this.tickets.noteKeptThrough(seq);
    this.keptSeq = seq;
  }
}
