/**
 * Positions over a WebSocket instead of POSTs, behind the same face: a `fetch` whose answers a sender judges as it judges any
 * other. One socket per key; a batch is answered by 202 as the server answered it, by 429 when it was busy.
 */
import { oneOf } from '#contracts/primitives';
import { streamServerMessageSchema, streamTicketSchema, type StreamServerMessage } from '#contracts/telemetry';

interface Stream {
  socket: WebSocket;
  waiting: Map<number, { resolve(message: StreamServerMessage): void; reject(cause: Error): void }>;
}

const openWithinMs = 15_000;

export class StreamTransport {
  private readonly apiBaseUrl: string;
  private readonly ownFetch: typeof fetch;
  private readonly streams = new Map<string, Stream>();
  private batch = 0;

  constructor(apiBaseUrl: string, ownFetch: typeof fetch) {
    this.apiBaseUrl = apiBaseUrl;
    this.ownFetch = ownFetch;
  }

  /** In place of `fetch` for `POST /telemetry/positions`. Rejects when the stream breaks off or the signal says so. */
  readonly fetch: typeof fetch = async (_url, init) => {
    const authorization = new Headers(init?.headers).get('Authorization') ?? '';
    const stream = this.streams.get(authorization) ?? (await this.open(authorization));
    if (!('socket' in stream)) return stream;
    const message = await this.send(stream, String(init?.body), init?.signal ?? null);
    if (message.type === 'busy') {
      return new Response('{}', { status: 429, headers: { 'Retry-After': String(message.retryAfterSeconds) } });
    }
    const { accepted, rejected } = message;
    return Response.json({ data: { accepted, rejected } }, { status: 202 });
  };

  close(): void {
    for (const { socket } of this.streams.values()) socket.close();
    this.streams.clear();
  }

  /** A stream for whoever may have one; the answer that refuses the ticket for others. */
  private async open(authorization: string): Promise<Stream | Response> {
    const answer = await this.ownFetch(`${this.apiBaseUrl}/api/v1/telemetry/tickets`, {
      method: 'POST',
      headers: { Authorization: authorization },
      signal: AbortSignal.timeout(openWithinMs),
    });
    if (!answer.ok) return answer;
    const { url } = oneOf(streamTicketSchema).parse(await answer.json()).data;
    const socket = new WebSocket(url);
    const stream: Stream = { socket, waiting: new Map() };
    const ended = (reason: string): void => {
      if (this.streams.get(authorization) === stream) this.streams.delete(authorization);
      for (const { reject } of stream.waiting.values()) reject(new Error(reason));
      stream.waiting.clear();
    };
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error('the stream cannot be opened')));
      socket.addEventListener('close', ({ code }) => {
        ended(`the stream was closed with ${code}`);
        reject(new Error(`the stream was closed with ${code}`));
      });
    });
    socket.addEventListener('message', ({ data }) => {
      const message = streamServerMessageSchema.safeParse(JSON.parse(String(data)));
      if (!message.success) return;
      stream.waiting.get(message.data.batch)?.resolve(message.data);
      stream.waiting.delete(message.data.batch);
    });
    this.streams.set(authorization, stream);
    return stream;
  }

  /** `body` is that of a POST: `{"positions":[…]}`. */
  private send(stream: Stream, body: string, signal: AbortSignal | null): Promise<StreamServerMessage> {
    this.batch += 1;
    const batch = this.batch;
    return new Promise((resolve, reject) => {
      stream.waiting.set(batch, { resolve, reject });
      // Nobody knows what became of it: a new stream, and the batch again.
      signal?.addEventListener('abort', () => stream.socket.close(), { once: true });
      stream.socket.send(`{"type":"positions","batch":${batch},${body.slice(1)}`);
    });
  }
}
