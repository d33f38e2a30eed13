/**
 * The peer `ws` on Node, in a process of its own: `POST /fan-out` makes one delta of the positions and sends it to every
 * socket. Says its port to its parent.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { WebSocketServer } from 'ws';

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const http = createServer((request, response) => {
  void textOf(request).then((text) => {
    const { seq, positions } = JSON.parse(text) as { seq: number; positions: unknown[] };
    const frame = JSON.stringify({ type: 'delta', seq, prev: seq - 1, vehicles: positions });
    for (const socket of sockets.clients) socket.send(frame);
    response.end(JSON.stringify({ sent: sockets.clients.size }));
  });
});
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
sockets.on('connection', (socket) => socket.send('{"type":"welcome"}'));
http.listen(0, '127.0.0.1', () => process.send?.(http.address()));
process.on('disconnect', () => process.exit(0));
