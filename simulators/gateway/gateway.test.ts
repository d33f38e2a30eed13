import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  maxTelemetryRows,
  positionInputSchema,
  positionsInputSchema,
  signalInputSchema,
  signalsInputSchema,
  streamPositionsSchema,
  type PositionInput,
  type SignalInput,
} from '#contracts/telemetry';
import { createClock } from '../world/clock.ts';
import { WebSocketServer, type WebSocket as ServerSocket } from 'ws';
import { createWorld } from '../world/world.ts';
import { startGateway, trucksDue, type Gateway } from './gateway.ts';
import { StreamTransport } from './stream-transport.ts';
import { backOffMs, TelemetrySender } from './telemetry-sender.ts';

/** A small ingest API that refuses what the real one refuses. */
function ingestServer() {
  const received: PositionInput[] = [];
  let answer: (() => Response | null) | null = null;
  const validTokens = new Set(['good']);
  const signals: SignalInput[] = [];
  const signalBatches: number[] = [];
  let signalAnswer: (() => Response | null) | null = null;
  const app = new Hono();
  app.post('/api/v1/telemetry/signals', async (c) => {
    signalBatches.push(0);
    const special = signalAnswer?.() ?? null;
    if (special !== null) return special;
    const body = signalsInputSchema.parse(await c.req.json());
    signalBatches[signalBatches.length - 1] = body.signals.length;
    signals.push(...body.signals.map((row) => signalInputSchema.parse(row)));
    return c.json({ data: { accepted: body.signals.length, rejected: [] } }, 202);
  });
  app.post('/api/v1/telemetry/positions', async (c) => {
    const special = answer?.() ?? null;
    if (special !== null) return special;
    if (!validTokens.has((c.req.header('Authorization') ?? '').replace('Bearer ', '')))
      return c.json({ error: {} }, 401);
    if (c.req.header('Content-Type') !== 'application/json') return c.json({ error: {} }, 415);
    const body = positionsInputSchema.safeParse(await c.req.json().catch(() => null));
    if (!body.success) return c.json({ error: { message: 'refused' } }, 400);
    const rejected: unknown[] = [];
    body.data.positions.forEach((row, index) => {
      const parsed = positionInputSchema.safeParse(row);
      if (parsed.success) received.push(parsed.data);
      else rejected.push({ index, code: 'INVALID_FIELD', message: parsed.error.issues[0]?.message ?? '' });
    });
    return c.json({ data: { accepted: body.data.positions.length - rejected.length, rejected } }, 202);
  });
  let tickets = 0;
  app.post('/api/v1/telemetry/tickets', (c) => {
    if (!validTokens.has((c.req.header('Authorization') ?? '').replace('Bearer ', ''))) {
      return c.json({ error: {} }, 401);
    }
    tickets += 1;
    const address = server.address() as AddressInfo;
    return c.json({ data: { ticket: 't', expiresIn: 30, url: `ws://127.0.0.1:${address.port}/stream` } });
  });
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  const sockets = new WebSocketServer({ server: server as Server });
  let streamAnswer: (() => object | null) | null = null;
  sockets.on('connection', (socket: ServerSocket) => {
    socket.on('message', (data: Buffer) => {
      const frame = streamPositionsSchema.parse(JSON.parse(data.toString()));
      const special = streamAnswer?.() ?? null;
      if (special !== null) return void socket.send(JSON.stringify({ batch: frame.batch, ...special }));
      received.push(...frame.positions.map((row) => positionInputSchema.parse(row)));
      const { batch, positions } = frame;
      socket.send(JSON.stringify({ type: 'accepted', batch, accepted: positions.length, rejected: [] }));
    });
  });
  return {
    answerStreamWith: (next: (() => object | null) | null) => (streamAnswer = next),
    hangUp: (code: number) => sockets.clients.forEach((socket) => socket.close(code)),
    ticketsGiven: () => tickets,
    openStreams: () => sockets.clients.size,
    received,
    signals,
    signalBatches,
    answerSignalsWith: (next: (() => Response | null) | null) => (signalAnswer = next),
    validTokens,
    url: () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answerWith: (next: (() => Response | null) | null) => (answer = next),
    close: () => {
      sockets.clients.forEach((socket) => socket.terminate());
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

let api: ReturnType<typeof ingestServer>;
let gateway: Gateway | null = null;
beforeEach(async () => {
  api = ingestServer();
  await new Promise((resolve) => setTimeout(resolve, 20));
});
afterEach(async () => {
  gateway?.stop();
  gateway = null;
  await api.close();
});

const row = (minute: number): PositionInput => ({
  vin: '1XKYD49X1NJZZ0001',
  at: new Date(Date.UTC(2026, 10, 20, 0, minute)).toISOString(),
  lat: 40,
  lon: -100,
});
const minutes = () => api.received.map((position) => new Date(position.at).getUTCMinutes());

function sender(settings: { bufferRows?: number; apiBaseUrl?: string; tokens?: string[] } = {}, over = fetch) {
  const tokens = settings.tokens ?? ['good'];
  return new TelemetrySender<PositionInput>({
    kind: 'positions',
    apiBaseUrl: settings.apiBaseUrl ?? api.url(),
    tenantName: 'Blue Ridge Freight',
    getToken: (_, refused) =>
      Promise.resolve(tokens[refused === undefined ? 0 : tokens.indexOf(refused) + 1] ?? 'none'),
    bufferRows: settings.bufferRows ?? 100,
    fetch: over,
    random: () => 0.5,
    log: () => undefined,
  });
}

describe('telemetry sender', () => {
  it('keeps rows while the API cannot be reached and sends them later, oldest first', async () => {
    let isDown = true;
    api.answerWith(() => (isDown ? new Response('', { status: 503 }) : null));
    const out = sender();
    out.add([row(1), row(2)]);
    await out.flush(0);
    out.add([row(3)]);
    await out.flush(100);
    expect(out.stats).toMatchObject({
      buffered: 3,
      accepted: 0,
      requests: 1,
      failures: 1,
      lastError: 'the API answered 503',
    });
    isDown = false;
    await out.flush(10_000);
    expect(minutes()).toEqual([1, 2, 3]);
    expect(out.stats).toMatchObject({ buffered: 0, accepted: 3 });

    const nowhere = sender({ apiBaseUrl: 'http://127.0.0.1:9' });
    nowhere.add([row(1)]);
    await nowhere.flush(0);
    expect(nowhere.stats.lastError).toContain('cannot be reached');
    expect(nowhere.stats.buffered).toBe(1);
  });

  it('loses the oldest when its buffer is full, and says how many', async () => {
    const out = sender({ bufferRows: 3 });
    out.add([row(1), row(2), row(3), row(4), row(5)]);
    expect(out.stats).toMatchObject({ buffered: 3, dropped: 2 });
    await out.flush(0);
    expect(minutes()).toEqual([3, 4, 5]);
  });

  it('honours Retry-After to the millisecond', async () => {
    api.answerWith(() => new Response('{}', { status: 429, headers: { 'Retry-After': '7' } }));
    const out = sender();
    out.add([row(1)]);
    await out.flush(0);
    api.answerWith(null);
    await out.flush(6999);
    expect(api.received).toHaveLength(0);
    await out.flush(7000);
    expect(api.received).toHaveLength(1);
  });

  it('asks an API that does not know the route again in five minutes, and keeps nothing for it', async () => {
    api.answerWith(() => new Response('{}', { status: 404 }));
    const out = sender();
    out.add([row(1), row(2)]);
    await out.flush(0);
    expect(out.stats).toMatchObject({ buffered: 0, dropped: 2, requests: 1, failures: 1 });
    api.answerWith(null);
    out.add([row(3)]);
    await out.flush(5 * 60_000 - 1);
    expect(api.received).toHaveLength(0);
    await out.flush(5 * 60_000);
    expect(minutes()).toEqual([3]);
  });

  it('signs in again when its token is refused, and backs off when that does not help', async () => {
    const out = sender({ tokens: ['old', 'good'] });
    out.add([row(1)]);
    await out.flush(0);
    expect(out.stats).toMatchObject({ accepted: 1, requests: 2, failures: 0 });

    const hopeless = sender({ tokens: ['a', 'b', 'c'] });
    hopeless.add([row(1)]);
    for (let now = 0; now < 5; now += 1) await hopeless.flush(now);
    expect(hopeless.stats).toMatchObject({ accepted: 0, buffered: 1, requests: 2, failures: 1 });
  });

  it('gives up a batch the API will never take, and halves one that is too large', async () => {
    const out = sender();
    let isFirst = true;
    api.answerWith(() => {
      if (!isFirst) return null;
      isFirst = false;
      return new Response('{}', { status: 413 });
    });
    out.add([row(1), row(2), row(3)]);
    await out.flush(0);
    expect(minutes()).toEqual([1, 2, 3]);
    expect(out.stats.requests).toBe(3);
    api.answerWith(() => Response.json({ error: { message: 'no' } }, { status: 400 }));
    out.add([row(4)]);
    await out.flush(10);
    expect(out.stats).toMatchObject({ buffered: 0, dropped: 1 });
  });

  it('counts rows the API names as bad and does not send them again', async () => {
    const out = sender();
    out.add([row(1), { ...row(2), lat: 200 }, row(3)]);
    await out.flush(0);
    await out.flush(1);
    expect(out.stats).toMatchObject({ accepted: 2, rejected: 1, buffered: 0, requests: 1 });
  });

  it('sends one batch at a time and never more than a thousand rows', async () => {
    const out = sender({ bufferRows: 5000 });
    out.add(Array.from({ length: 2500 }, (_, index) => row(index)));
    await Promise.all([out.flush(0), out.flush(0), out.flush(0)]);
    expect(out.stats).toMatchObject({ requests: 3, accepted: 2500 });
  });

  it('backs off longer and longer, with jitter, up to half a minute', () => {
    expect([1, 2, 3, 20].map((failures) => backOffMs(failures, 1))).toEqual([500, 1000, 2000, 30_000]);
    expect(backOffMs(3, 0)).toBe(1000);
  });
});

describe('a sender over a stream', () => {
  const streaming = () => {
    const transport = new StreamTransport(api.url(), fetch);
    const out = sender({}, transport.fetch);
    return { out, transport };
  };

  it('sends over one socket, waits when it is told to, and opens another when it was hung up on', async () => {
    const { out, transport } = streaming();
    out.add([row(1)]);
    await out.flush(0);
    out.add([row(2)]);
    await out.flush(10);
    expect(minutes()).toEqual([1, 2]);
    expect([api.ticketsGiven(), out.stats.accepted]).toEqual([1, 2]);
    api.answerStreamWith(() => ({ type: 'busy', retryAfterSeconds: 7 }));
    out.add([row(3)]);
    await out.flush(20);
    api.answerStreamWith(null);
    await out.flush(7019);
    expect(minutes()).toEqual([1, 2]);
    await out.flush(7020);
    expect(minutes()).toEqual([1, 2, 3]);
    api.hangUp(1012);
    await expect.poll(() => api.openStreams()).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    out.add([row(4)]);
    await out.flush(60_000);
    expect(minutes()).toEqual([1, 2, 3, 4]);
    expect(api.ticketsGiven()).toBe(2);
    transport.close();
    await expect.poll(() => api.openStreams()).toBe(0);
  });

  it('keeps a batch that was not answered when the stream ended, and a refused key is refused', async () => {
    const { out, transport } = streaming();
    api.answerStreamWith(() => {
      api.hangUp(4410);
      return { type: 'later' };
    });
    out.add([row(1)]);
    await out.flush(0);
    expect(out.stats).toMatchObject({ buffered: 1, accepted: 0, failures: 1 });
    expect(out.stats.lastError).toContain('4410');
    api.answerStreamWith(null);
    await out.flush(60_000);
    expect(minutes()).toEqual([1]);
    api.validTokens.clear();
    api.hangUp(4410);
    await expect.poll(() => api.openStreams()).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    out.add([row(2)]);
    await out.flush(120_000);
    expect(out.stats.lastError).toBe('the API refuses the key');
    transport.close();
  });
});

describe('gateway', () => {
  it('gives every truck one turn per period, however the ticks fall', () => {
    for (const ticks of [
      [0, 10_000],
      [0, 700, 2100, 9999, 10_000],
      [3, 5003, 10_003],
    ]) {
      const turns = ticks.slice(1).flatMap((to, index) => trucksDue(40, 10_000, ticks[index] ?? 0, to));
      expect(turns.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index));
    }
  });

  it('reports every truck of every fleet, each fleet with its own sign-in, one refused fleet alone silent', async () => {
    const anchorMs = Date.now();
    const world = createWorld({ seed: 2026, clock: createClock({ anchorMs, speed: 1, now: Date.now }) });
    const asked = new Set<string>();
    gateway = startGateway({
      apiBaseUrl: api.url(),
      world,
      fleets: world.demoFleets,
      flushEveryMs: 25,
      sampleEveryMs: 400,
      getToken: (tenantName) => {
        asked.add(tenantName);
        return tenantName === 'Cascade Carriers' ? Promise.reject(new Error('locked')) : Promise.resolve('good');
      },
    });
    await expect.poll(() => new Set(api.received.map((position) => position.vin)).size, { timeout: 5000 }).toBe(65);
    expect(api.ticketsGiven()).toBe(0);
    await expect.poll(() => api.received.length, { timeout: 5000 }).toBeGreaterThan(130);
    expect([...asked]).toEqual(['Blue Ridge Freight', 'High Plains Logistics', 'Cascade Carriers']);
    const { tenants, sampled } = gateway.stats();
    expect(sampled).toBeGreaterThanOrEqual(80);
    expect(tenants.map((tenant) => tenant.rejected)).toEqual([0, 0, 0]);
    expect(tenants[2]).toMatchObject({ accepted: 0, lastError: 'Error: locked' });
    const perTruck = api.received.filter((position) => position.vin === api.received[0]?.vin);
    const times = perTruck.map((position) => Date.parse(position.at));
    expect(new Set(times).size).toBe(times.length);
  });

  it('streams when it is told to', async () => {
    const world = createWorld({ seed: 2026, clock: createClock({ anchorMs: Date.now(), speed: 1, now: Date.now }) });
    gateway = startGateway({
      apiBaseUrl: api.url(),
      world,
      fleets: world.demoFleets,
      streams: true,
      flushEveryMs: 25,
      sampleEveryMs: 400,
      getToken: () => Promise.resolve('good'),
    });
    await expect.poll(() => api.received.length, { timeout: 5000 }).toBeGreaterThan(200);
    expect(api.ticketsGiven()).toBeGreaterThan(0);
    expect(gateway.stats().tenants.map(({ failures }) => failures)).toEqual([0, 0, 0]);
    gateway.stop();
    await expect.poll(() => api.openStreams()).toBe(0);
  });

  const signalGateway = (signalsEveryMs: number, count: number): Gateway => {
    const world = createWorld({ seed: 2026, clock: createClock({ anchorMs: Date.now(), speed: 1, now: Date.now }) });
    const trucks = world.trucksOf(`bulk-${count}`);
    return startGateway({
      apiBaseUrl: api.url(),
      world,
      fleets: [{ name: 'Blue Ridge Freight', trucks }],
      flushEveryMs: 20,
      signalsEveryMs,
      getToken: () => Promise.resolve('good'),
    });
  };

  it('sends signals a sensor could show, of trucks whose engine runs and no others, a thousand rows at most', async () => {
    gateway = signalGateway(300, 200);
    await expect.poll(() => api.signals.length, { timeout: 5000 }).toBeGreaterThan(2500);
    await expect.poll(() => api.received.length, { timeout: 5000 }).toBeGreaterThanOrEqual(200);
    const running = new Set(api.received.filter((position) => position.ignition).map((position) => position.vin));
    const senders = new Set(api.signals.map((signal) => signal.vin));
    expect(running.size).toBeGreaterThan(50);
    expect(running.size).toBeLessThan(200);
    // A truck may start or stop between its position and its signals.
    expect([...senders].filter((vin) => !running.has(vin)).length).toBeLessThan(5);
    expect([...running].filter((vin) => !senders.has(vin)).length).toBeLessThan(5);
    expect(Math.max(...api.signalBatches)).toBeLessThanOrEqual(maxTelemetryRows);
    expect(new Set(api.signals.map(({ name }) => name)).size).toBe(11);
    const rows = api.signals.map(({ vin, at, name }) => `${vin} ${at} ${name}`);
    expect(new Set(rows).size).toBe(rows.length);
    expect(gateway.stats().signals.tenants[0]).toMatchObject({ rejected: 0, failures: 0 });
  });

  it('goes on with positions where signals are not known, and does not ask for them at every turn', async () => {
    api.answerSignalsWith(() => new Response('{}', { status: 404 }));
    gateway = signalGateway(50, 60);
    await expect.poll(() => api.received.length, { timeout: 5000 }).toBeGreaterThanOrEqual(60);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(api.signalBatches).toHaveLength(1);
    expect(gateway.stats().signals.tenants[0]).toMatchObject({ accepted: 0, lastError: 'the API answered 404' });
    expect(gateway.stats().tenants[0]).toMatchObject({ failures: 0 });
  });
});
