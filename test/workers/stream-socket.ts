/** A streaming gateway inside workerd: a ticket, a socket, and everything it has heard. */
import { exports } from 'cloudflare:workers';
import { expect } from 'vitest';
import { streamServerMessageSchema, streamTicketSchema, type StreamServerMessage } from '#contracts/telemetry';
import { call, origin } from './harness.ts';

export interface StreamSocket {
  socket: WebSocket;
  heard: StreamServerMessage[];
  closed: Promise<number>;
  /** Sends a batch as the given number. */
  send(batch: number, positions: unknown[]): void;
  /** Resolves with what was answered to so many batches. */
  answers(count: number): Promise<StreamServerMessage[]>;
}

export async function streamTicket(token: string, query = ''): Promise<string> {
  const answer = await call('POST', `/telemetry/tickets${query}`, { token });
  expect(answer.status, answer.text).toBe(200);
  return streamTicketSchema.parse(answer.body.data).ticket;
}

/** Opens a stream with a ticket; the socket may be closed at once, which `closed` then tells. */
export async function openStream(ticket: string, headers: Record<string, string> = {}): Promise<StreamSocket> {
  const request = new Request(`${origin}/api/v1/telemetry/stream?ticket=${ticket}`, {
    headers: { upgrade: 'websocket', ...headers },
  });
  const { webSocket, status } = await exports.default.fetch(request);
  if (webSocket === null) throw new Error(`no socket: ${status}`);
  const heard: StreamServerMessage[] = [];
  const closed = new Promise<number>((resolve) => webSocket.addEventListener('close', ({ code }) => resolve(code)));
  webSocket.addEventListener('message', ({ data }) => {
    if (data !== 'pong') heard.push(streamServerMessageSchema.parse(JSON.parse(String(data))));
  });
  webSocket.accept();
  return {
    socket: webSocket,
    heard,
    closed,
    send: (batch, positions) => webSocket.send(JSON.stringify({ type: 'positions', batch, positions })),
    async answers(count) {
      await expect.poll(() => heard.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count);
      return heard.slice(0, count);
    },
  };
}
