/** A live client inside workerd: a ticket, a socket, and everything it has heard. */
import { exports } from 'cloudflare:workers';
import { expect } from 'vitest';
import type { DeltaMessage, ServerMessage, SnapshotMessage } from '#contracts/live';
import { call, origin } from './harness.ts';

export interface LiveSocket {
  socket: WebSocket;
  messages: ServerMessage[];
  closed: Promise<number>;
}

/** Opens a socket and says hello; `tokenOrTicket` is a person's token unless `isTicket`. Resolves with the first snapshot. */
export async function connect(
  tokenOrTicket: string,
  query = '',
  { isTicket = false }: { isTicket?: boolean } = {},
): Promise<LiveSocket> {
  const ticket = isTicket
    ? tokenOrTicket
    : ((await call('POST', `/live/tickets${query}`, { token: tokenOrTicket })).body.data as { ticket: string }).ticket;
  const request = new Request(`${origin}/api/v1/live?ticket=${ticket}`, { headers: { upgrade: 'websocket' } });
  const { webSocket, status } = await exports.default.fetch(request);
  if (webSocket === null) throw new Error(`no socket: ${status}`);
  const messages: ServerMessage[] = [];
  const closed = new Promise<number>((resolve) => webSocket.addEventListener('close', ({ code }) => resolve(code)));
  webSocket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as ServerMessage;
    messages.push(message);
    // What was on its way when the test closed the socket still comes, and can no longer be answered.
    const isOpen = webSocket.readyState === WebSocket.READY_STATE_OPEN;
    if (isOpen && (message.type === 'delta' || message.type === 'snapshot')) {
      webSocket.send(JSON.stringify({ type: 'ack', seq: message.seq }));
    }
  });
  webSocket.accept();
  webSocket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
  await expect.poll(() => messages.map(({ type }) => type)).toContain('snapshot');
  return { socket: webSocket, messages, closed };
}

export const snapshots = ({ messages }: LiveSocket): SnapshotMessage[] =>
  messages.filter((message): message is SnapshotMessage => message.type === 'snapshot');
export const deltas = ({ messages }: LiveSocket): DeltaMessage[] =>
  messages.filter((message): message is DeltaMessage => message.type === 'delta');
