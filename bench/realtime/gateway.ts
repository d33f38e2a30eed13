/** The load on the way in: HTTP on kept connections, as a gateway would post; and the doors of the benchmark's Worker. */
import { Agent, request, type IncomingMessage } from 'node:http';
import type { Planted } from './product/plant.ts';

export interface HttpAnswer {
  status: number;
  text: string;
  retryAfterSeconds: number;
}

const read = (response: IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => resolve(Buffer.concat(chunks).toString()));
    response.on('error', reject);
  });

/** Posts to one server over at most `connections` kept connections. */
export class Gateway {
  private readonly agent: Agent;
  private readonly target: URL;

  constructor(url: string, connections = 8) {
    this.target = new URL(url);
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  post(path: string, body: Buffer | string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          ...{ host: this.target.hostname, port: this.target.port, path, method: 'POST', agent: this.agent },
          headers: {
            'content-type': 'application/json',
            'content-length': String(Buffer.byteLength(body)),
            ...headers,
          },
        },
        (response) => {
          read(response).then(
            (text) =>
              resolve({
                status: response.statusCode ?? 0,
                text,
                retryAfterSeconds: Number(response.headers['retry-after'] ?? 0),
              }),
            reject,
          );
        },
      );
      outgoing.on('error', (cause: Error & { code?: string }) => {
        // The server had just closed a connection that was idle: nothing was read of this request.
        if (outgoing.reusedSocket && cause.code === 'ECONNRESET') this.post(path, body, headers).then(resolve, reject);
        else reject(cause);
      });
      outgoing.end(body);
    });
  }

  /** `POST /telemetry/positions` with a key; throws on anything but 202 with every row taken. */
  async positions(key: string, body: Buffer | string, rows: number): Promise<void> {
    const { status, text } = await this.post('/api/v1/telemetry/positions', body, { authorization: `Bearer ${key}` });
    if (status !== 202 || !text.includes(`"accepted":${rows},`)) throw new Error(`not taken: ${status} ${text}`);
  }

  /** Goes through a door of the benchmark's Worker. */
  async door<T>(name: string, body: unknown): Promise<T> {
    const { status, text } = await this.post(`/bench/${name}`, JSON.stringify(body));
    if (status !== 200) throw new Error(`${name}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  plant = (tenantId: string, place: number, vehicles: number): Promise<Planted> =>
    this.door('plant', { tenantId, place, vehicles });

  tickets = (tenantId: string, count: number, kind: 'user' | 'display' = 'user'): Promise<string[]> =>
    this.door('tickets', { tenantId, count, kind });

  close(): void {
    this.agent.destroy();
  }
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));

/** Waits until something holds, looking often; throws with `what` when it does not in time. */
export async function until(isTrue: () => boolean, withinMs: number, what: string): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(2);
  }
}
