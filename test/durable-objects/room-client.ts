/** For tests inside workerd: a client of the live protocol that keeps what it was sent, and folds it. */
import type { DeltaMessage, ServerMessage, SnapshotMessage } from '#contracts/live';
import { PackedReader } from '#contracts/live-packed';
import type { FleetRoomStub } from '#durable-objects/stubs';
import type { RoomPrincipal } from '#durable-objects/fleet-room/feed';
import { FoldingClient } from './random-world.ts';

type MessageOf<T extends ServerMessage['type']> = Extract<ServerMessage, { type: T }>;

export class RoomClient {
  readonly picture = new FoldingClient();
  readonly messages: ServerMessage[] = [];
  readonly texts: string[] = [];
  /** Packed frames, as they came. */
  readonly packed: ArrayBuffer[] = [];
  /** Of the client's whole life: pass it on to who comes back as the same. */
  reader = new PackedReader();
  closed: { code: number; reason: string } | null = null;
  epoch = '';
  private readonly ws: WebSocket;
  private readonly isAcking: boolean;
  private parts: SnapshotMessage[] = [];
  private wake: () => void = () => {};

  constructor(ws: WebSocket, isAcking: boolean) {
    this.ws = ws;
    this.isAcking = isAcking;
    ws.binaryType = 'arraybuffer';
    ws.addEventListener('message', ({ data }) => this.take(data as string | ArrayBuffer));
    ws.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason };
      this.wake();
    });
    ws.accept();
  }

  send(message: unknown): void {
    this.ws.send(typeof message === 'string' || message instanceof ArrayBuffer ? message : JSON.stringify(message));
  }

  close(): void {
    this.ws.close(1000, 'done');
  }

  /** Waits until `isTrue` holds after some message or the close; rejects after `withinMs`. */
  async until(isTrue: () => boolean, withinMs = 3_000): Promise<void> {
    const endMs = Date.now() + withinMs;
    while (!isTrue()) {
      const leftMs = endMs - Date.now();
      if (leftMs <= 0) throw new Error(`not within ${withinMs} ms; got ${this.texts.join(' ').slice(0, 2_000)}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, Math.min(leftMs, 20));
      });
    }
  }

  of<T extends ServerMessage['type']>(type: T): MessageOf<T>[] {
    return this.messages.filter((message): message is MessageOf<T> => message.type === type);
  }

  async untilSnapshot(count = 1): Promise<void> {
    await this.until(() => this.of('snapshot').filter((part) => part.part === part.parts).length >= count);
  }

  async untilClosed(withinMs?: number): Promise<number> {
    await this.until(() => this.closed !== null, withinMs);
    return this.closed?.code ?? 0;
  }

  get deltas(): DeltaMessage[] {
    return this.of('delta');
  }

  private take(data: string | ArrayBuffer): void {
    if (typeof data === 'string') this.texts.push(data);
    else this.packed.push(data);
    if (data !== 'pong') {
      const message = typeof data === 'string' ? (JSON.parse(data) as ServerMessage) : this.reader.read(data);
      this.messages.push(message);
      if (message.type === 'welcome') this.epoch = message.epoch;
      if (message.type === 'snapshot') this.takeSnapshot(message);
      if (message.type === 'delta') {
        this.picture.fold(message.prev, message.seq, message);
        this.ack(message.seq);
      }
    }
    this.wake();
  }

  private takeSnapshot(part: SnapshotMessage): void {
    this.epoch = part.epoch;
    this.parts = part.part === 1 ? [part] : [...this.parts, part];
    if (part.part < part.parts) return;
    const vehicles = this.parts.flatMap((each) => each.vehicles);
    this.picture.take(part.seq, { vehicles, alerts: part.alerts });
    this.ack(part.seq);
  }

  /** What was on its way when the socket was closed still comes, and can no longer be answered. */
  private ack(seq: number): void {
    if (this.isAcking && this.ws.readyState === WebSocket.READY_STATE_OPEN) this.send({ type: 'ack', seq });
  }
}

/** Opens a socket with a ticket, without a hello. */
export async function openWith(
  room: FleetRoomStub,
  ticket: string,
  isAcking = true,
  path = '/live',
): Promise<RoomClient> {
  const url = `https://room.test/api/v1${path}?ticket=${ticket}`;
  const response = await room.fetch(new Request(url, { headers: { upgrade: 'websocket' } }));
  if (!response.webSocket) throw new Error(`no socket, status ${response.status}`);
  return new RoomClient(response.webSocket, isAcking);
}

/** Opens a socket and says hello. */
export async function connect(
  room: FleetRoomStub,
  principal: RoomPrincipal,
  hello: object = {},
  isAcking = true,
): Promise<RoomClient> {
  const client = await openWith(room, (await room.issueTicket(principal)).ticket, isAcking);
  client.send({ type: 'hello', protocol: 1, ...hello });
  return client;
}
