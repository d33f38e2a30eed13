/**
 * A Durable Object that does the least: what the product is held against. Its types are stripped and the rest is run as it
 * stands; nothing is bundled.
 *   POST /object/<name>/fan-out  makes one delta of the positions and sends it to every socket at once
 *   POST /object/<name>/fill     keeps bytes; every `tick` ms at most the first `bytes` of them go to every socket, as they are
 *   POST /object/<name>/ingest   parses positions and puts each into a Map
 *   GET  /object/<name>          with an upgrade: a socket
 */
import { DurableObject } from 'cloudflare:workers';

export class Bare extends DurableObject {
  /** Again after a sleep: memory goes with it, sockets stay. */
  private sockets = this.ctx.getWebSockets();
  private readonly latest = new Map<string, unknown>();
  private isDue = false;
  private waiting = new Uint8Array();
  private lastTickMs = 0;

  override async fetch(): Promise<Response> {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    this.sockets.push(server);
    server.send('{"type":"welcome"}');
    return new Response(null, { status: 101, webSocket: client });
  }

  async fanOut(text: string): Promise<object> {
    const { seq, positions } = JSON.parse(text) as { seq: number; positions: unknown[] };
    const frame = JSON.stringify({ type: 'delta', seq, prev: seq - 1, vehicles: positions });
    for (const socket of this.sockets) socket.send(frame);
    return { sent: this.sockets.length };
  }

  /** Coalesced to the same ticks as the product: the first after a quiet time goes at once. */
  async fill(bytes: ArrayBuffer, seq: number, tickMs: number, frameBytes: number): Promise<object> {
    // A frame of exactly that size; its first four bytes name the latest request that it answers.
    this.waiting = new Uint8Array(frameBytes);
    this.waiting.set(new Uint8Array(bytes).subarray(0, frameBytes));
    new DataView(this.waiting.buffer).setUint32(0, seq, true);
    if (this.isDue) return { seq };
    const waitMs = this.lastTickMs + tickMs - Date.now();
    if (waitMs <= 0) this.tick();
    else {
      this.isDue = true;
      setTimeout(() => this.tick(), waitMs);
    }
    return { seq };
  }

  private tick(): void {
    this.isDue = false;
    this.lastTickMs = Date.now();
    for (const socket of this.sockets) socket.send(this.waiting);
  }

  async ingest(text: string): Promise<object> {
    const { positions } = JSON.parse(text) as { positions: { vin: string }[] };
    for (const position of positions) this.latest.set(position.vin, position);
    return { accepted: positions.length };
  }

  async held(): Promise<unknown[]> {
    return [...this.latest.values()];
  }

  override webSocketMessage(): void {
    // Nobody says anything here.
  }

  override webSocketClose(socket: WebSocket): void {
    this.sockets = this.sockets.filter((each) => each !== socket);
  }
}

export default {
  async fetch(request: Request, env: { OBJECTS: DurableObjectNamespace<Bare> }): Promise<Response> {
    const url = new URL(request.url);
    const [, , name = '', what] = url.pathname.split('/');
    const object = env.OBJECTS.get(env.OBJECTS.idFromName(name));
    if (request.headers.get('upgrade') !== null) return object.fetch(request);
    switch (what) {
      case 'fan-out':
        return Response.json(await object.fanOut(await request.text()));
      case 'fill':
        return Response.json(
          await object.fill(
            await request.arrayBuffer(),
            Number(url.searchParams.get('seq')),
            Number(url.searchParams.get('tick')),
            Number(url.searchParams.get('bytes')),
          ),
        );
      case 'ingest':
        return Response.json(await object.ingest(await request.text()), { status: 202 });
      case 'held':
        return Response.json(await object.held());
      default:
        return new Response(null, { status: 404 });
    }
  },
};
