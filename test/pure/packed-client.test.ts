/** docs/clients/packed-client.mjs, run as it stands against a server that speaks to it. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import type { LiveVehicle } from '#contracts/live';
import { packDelta, packSnapshot } from '#contracts/live-packed-writer';
import { factsOf } from '#test/durable-objects/random-world';

const id = (n: number) => `01940000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const numberOf = (vehicleId: string) => Number(vehicleId.slice(-4));
const vehicle = (n: number): LiveVehicle => {
  const { assignedDriverId: _driver, vin: _vin, ...facts } = factsOf('tenant', n, { id: id(n) });
  const reading = { lat: 39.7, lon: -104.9, heading: null, speedMph: 55.25, at: '2026-11-20T09:00:00.000Z' };
  return { ...facts, ...reading, status: 'moving' };
};
const nothing = { removed: [], alerts: [], alertsClosed: [] };

const hellos: unknown[] = [];
const acks: unknown[] = [];
const server = createServer((request, response) => {
  const port = (server.address() as AddressInfo).port;
  const data = request.url?.endsWith('/login') === true ? { accessToken: 'a' } : { url: `ws://127.0.0.1:${port}/live` };
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }));
});
const sockets = new WebSocketServer({ server });

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve())));
afterAll(() => {
  sockets.close();
  server.close();
});

function speakTo(socket: WebSocket): void {
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { type: string; seq?: number };
    if (message.type === 'ack') {
      acks.push(message.seq);
      if (message.seq === 6) socket.close(1000);
      return;
    }
    hellos.push(message);
    socket.send(
      '{"type":"welcome","protocol":1,"epoch":"e","seq":4,"tickMs":250,"serverTime":"2026-11-20T09:00:00.000Z"}',
    );
    const vehicles = Array.from({ length: 501 }, (_, n) => vehicle(n));
    for (const part of packSnapshot({ epoch: 'e', seq: 4 }, { vehicles, alerts: [] }, numberOf)) socket.send(part);
    const moved = { id: id(2), lat: 40, speedMph: null, at: '2020-01-01T00:00:00.000Z', status: 'stale' as const };
    const changed = { id: id(500), riskScore: 99.5, unitNumber: 'renamed' };
    socket.send(
      packDelta({ prev: 4, seq: 5, vehicles: [moved, changed], ...nothing, removed: [id(1)] }, numberOf) ?? '',
    );
    // A hole at the first time of telling: the client must say hello again.
    const prev = hellos.length === 1 ? 1 : 5;
    socket.send(
      packDelta({ prev, seq: 6, vehicles: [{ id: id(3), lon: -1.5 }, vehicle(777)], ...nothing }, numberOf) ?? '',
    );
  });
}

test('the packed client folds what it is sent, and asks again when there is a hole', async () => {
  sockets.on('connection', speakTo);
  const file = join(import.meta.dirname, '../../docs/clients/packed-client.mjs');
  const child = spawn(process.execPath, [file, `http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'e', 'p']);
  let output = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code, complaints).toBe(0);
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { seq: number; vehicles: number; changed: unknown });
  expect(lines.map(({ seq, vehicles, changed }) => [seq, vehicles, changed])).toEqual([
    [4, 501, 'everything'],
    [5, 500, ['U2', 'renamed']],
    [4, 501, 'everything'],
    [5, 500, ['U2', 'renamed']],
    [6, 501, ['U3', 'U777']],
  ]);
  expect(acks).toEqual([4, 5, 4, 5, 6]);
  expect(hellos).toHaveLength(2);
  expect(hellos[0]).toEqual({ type: 'hello', protocol: 1, encoding: 'packed' });
});
