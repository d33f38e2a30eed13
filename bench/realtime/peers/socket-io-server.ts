/**
 * The peer socket.io, in a process of its own, websocket transport alone: `POST /fan-out` emits one delta of the positions,
 * `POST /each` emits every position by itself. Says its port to its parent.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { Server } from 'socket.io';

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const http = createServer((request, response) => {
  // The polling transport is off, so everything that is no upgrade is ours.
  if (request.method !== 'POST') return;
  void textOf(request).then((text) => {
    const { seq, positions } = JSON.parse(text) as { seq: number; positions: unknown[] };
    if (request.url === '/each') for (const position of positions) io.emit('update', position);
    else io.emit('delta', { type: 'delta', seq, prev: seq - 1, vehicles: positions });
    response.end(JSON.stringify({ sent: io.engine.clientsCount }));
  });
});
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });
http.listen(0, '127.0.0.1', () => process.send?.(http.address()));
process.on('disconnect', () => process.exit(0));
