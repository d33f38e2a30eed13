/**
 * The way in: batches of 100 by POST with an API key, judged, made durable, put into the picture, into the tracks and past the
 * geofences, while sockets watch; beside a bare Worker and object that parse the JSON and set a Map. As many as the server
 * takes from eight connections at once. And the same batches over the WebSocket stream.
 */
import { WebSocket } from 'ws';
import { range, rowsByVin, tenantIdOf, vehicleIdOf, positionOf } from './fleet.ts';
import { Gateway, sleep, until } from './gateway.ts';
import type { LineResult, RunOptions } from './line.ts';
import { interleave, ratiosOf, requireSound, spreadOf } from './pairs.ts';
import type { Planted } from './product/plant.ts';
import { processorSeconds } from './processor-time.ts';
import { faultsOf, openReaders } from './reader.ts';
import { startBareObjects, startProduct, type Runtime } from './runtime.ts';

const trucks = 5_000;
const batchRows = 100;
const batchesPerStep = trucks / batchRows;
const atOnce = 8;
const watching = 10;
const fences = 500;

interface Sent {
  positions: number;
  seconds: number;
  busy: number;
}

/** A batch: its trucks report their `step`-th position, each step three seconds after the one before. */
function batchOf(place: number, batch: number, startMs: number): string {
  const step = Math.floor(batch / batchesPerStep);
  const from = (batch % batchesPerStep) * batchRows;
  const at = new Date(startMs + step * 3_000).toISOString();
  return JSON.stringify({ positions: rowsByVin(place, range(from, from + batchRows), step, at) });
}

/** Sends batches from `next()` for so long, each again where the server is busy; every one that was begun is finished. */
async function sendFor(
  seconds: number,
  next: () => number,
  send: (batch: number) => Promise<{ isBusy: boolean; waitMs: number }>,
): Promise<Sent> {
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1_000;
  const sent = { positions: 0, busy: 0 };
  const work = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const batch = next();
      for (;;) {
        const { isBusy, waitMs } = await send(batch);
        if (!isBusy) break;
        sent.busy += 1;
        await sleep(waitMs);
      }
      sent.positions += batchRows;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { ...sent, seconds: (performance.now() - startedMs) / 1000 };
}

/** Round fences of 1 to 5 miles all over the country that the trucks drive through. */
async function drawFences(gateway: Gateway, { adminToken }: Planted, count: number): Promise<void> {
  for (const n of range(0, count)) {
    const center = [-118 + (n % 50) * 0.6, 30 + Math.floor(n / 50) * 1.2];
    const body = {
      ...{ name: `Yard ${n}`, alertOnEntry: false, alertOnExit: false, dwellMinutes: null, speedLimitMph: null },
      ...{ groupId: null, shape: { type: 'Circle', center, radiusMeters: 1_600 + (n % 5) * 1_600 } },
    };
    const headers = { authorization: `Bearer ${adminToken}` };
    const { status, text } = await gateway.post('/api/v1/geofences', JSON.stringify(body), headers);
    if (status !== 201) throw new Error(`no geofence: ${status} ${text}`);
  }
}

/** A gateway's stream: a batch goes out, its `accepted` comes back. */
class Stream {
  private readonly waiting = new Map<number, (answer: { isBusy: boolean; waitMs: number }) => void>();
  private readonly ws: WebSocket;
  readonly opened: Promise<void>;

  constructor(url: string, ticket: string) {
    this.ws = new WebSocket(`${url.replace('http', 'ws')}/api/v1/telemetry/stream?ticket=${ticket}`, {
      perMessageDeflate: false,
    });
    this.opened = new Promise((resolve, reject) => {
      this.ws.once('open', resolve);
      this.ws.once('error', reject);
      this.ws.once('close', (code, reason) => reject(new Error(`the stream was closed: ${code} ${reason.toString()}`)));
    });
    this.ws.on('message', (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as {
        type: string;
        batch: number;
        accepted?: number;
        retryAfterSeconds?: number;
      };
      requireSound(answer.type === 'busy' || answer.accepted === batchRows, `the stream said ${data.toString()}`);
      this.waiting.get(answer.batch)?.({
        isBusy: answer.type === 'busy',
        waitMs: (answer.retryAfterSeconds ?? 0) * 1_000,
      });
    });
  }

  send(batch: number, body: string): Promise<{ isBusy: boolean; waitMs: number }> {
    return new Promise((resolve) => {
      this.waiting.set(batch, resolve);
      this.ws.send(`{"type":"positions","batch":${batch},${body.slice(1)}`);
    });
  }

  close(): void {
    this.ws.close();
  }
}

interface TrackStatus {
  room: { vehicles: number };
  tracks: { vehicles: number };
}

/** Every truck must be where its last batch put it, and the tracks must hold each report of those looked at. */
async function requireAllHeld(gateway: Gateway, tenantId: string, batches: number, startMs: number): Promise<void> {
  await gateway.door<TrackStatus>('status', { tenantId });
  const latest = await gateway.door<{ reading: { lat: number } | null }[]>('latest', { tenantId, count: trucks });
  requireSound(latest.length === trucks, `${latest.length} trucks are known`);
  for (const [truck, { reading }] of latest.entries()) {
    const place = Math.floor(truck / batchRows);
    const step = Math.floor((batches - 1 - place) / batchesPerStep);
    requireSound(reading?.lat === positionOf(truck, step, '').lat, `truck ${truck} is not at its step ${step}`);
  }
  for (const truck of [0, 777, 4_999]) {
    const step = Math.floor((batches - 1 - Math.floor(truck / batchRows)) / batchesPerStep);
    const range = { from: startMs, to: startMs + (step + 1) * 3_000 };
    const track = await gateway.door<unknown[]>('track', { tenantId, place: truck, ...range });
    requireSound(track.length === step + 1, `the track of ${truck} has ${track.length} of ${step + 1} reports`);
  }
}

export async function measureIngest({ isQuick, rounds, say }: RunOptions): Promise<LineResult> {
  const seconds = isQuick ? 1.5 : 3;
  const [product, bare] = [await startProduct(), await startBareObjects()];
  const [gateway, toBare] = [new Gateway(product.url, atOnce), new Gateway(bare.url, atOnce)];
  try {
    const tenantId = tenantIdOf(1);
    const planted = await gateway.plant(tenantId, 1, trucks);
    await drawFences(gateway, planted, isQuick ? 50 : fences);
    const readers = await openReaders(product.url, await gateway.tickets(tenantId, watching), (at) => ({
      ...{ encoding: 'packed', isWhole: at === 0, ackEvery: 4, tenantId },
    }));
    // Long enough ago that no step lies ahead of the clock.
    const startMs = Date.now() - 6 * 3_600_000;
    let batches = 0;
    const next = () => (batches += 1) - 1;
    const headers = { authorization: `Bearer ${planted.key}` };
    const post = async (batch: number) => {
      const body = batchOf(1, batch, startMs);
      const { status, text, retryAfterSeconds } = await gateway.post('/api/v1/telemetry/positions', body, headers);
      if (status === 429) return { isBusy: true, waitMs: retryAfterSeconds * 1_000 };
      requireSound(status === 202 && text.includes(`"accepted":${batchRows},`), `${status} ${text.slice(0, 300)}`);
      return { isBusy: false, waitMs: 0 };
    };
    let bareBatches = 0;
    const toMap = async (batch: number) => {
      const { status } = await toBare.post('/object/map/ingest', batchOf(1, batch, startMs));
      requireSound(status === 202, `the bare object answered ${status}`);
      return { isBusy: false, waitMs: 0 };
    };
    let busy = 0;
    const cost = new Map<Runtime, number[]>([
      [product, []],
      [bare, []],
    ]);
    const measured = async (runtime: Runtime, work: () => Promise<Sent>): Promise<number> => {
      const before = processorSeconds(runtime.pid());
      const sent = await work();
      busy += sent.busy;
      cost.get(runtime)?.push(((processorSeconds(runtime.pid()) - before) / sent.positions) * 1e6);
      return sent.positions / sent.seconds;
    };
    const run: Record<'product' | 'bare', () => Promise<number>> = {
      product: () => measured(product, () => sendFor(seconds, next, post)),
      bare: () => measured(bare, () => sendFor(seconds, () => (bareBatches += 1) - 1, toMap)),
    };
    await run.product();
    await run.bare();
    for (const kept of cost.values()) kept.length = 0;
    const rates = await interleave(rounds, run);
    const [ofProduct, ofBareObject] = [[...(cost.get(product) ?? [])], [...(cost.get(bare) ?? [])]];
    say(JSON.stringify({ rates, ofProduct, ofBareObject }));

    const stream = await openStream(gateway, product.url, planted);
    const streamRates: number[] = [];
    for (let round = 0; stream !== null && round < rounds; round += 1) {
      const over = (batch: number) => stream.send(batch, batchOf(1, batch, startMs));
      streamRates.push(await measured(product, () => sendFor(seconds, next, over)));
    }
    stream?.close();
    const faults = faultsOf(readers);
    requireSound(faults.length === 0, faults.slice(0, 3).join('; '));
    await requireAllHeld(gateway, tenantId, batches, startMs);
    const first = readers[0];
    const wanted = positionOf(0, Math.floor((batches - 1) / batchesPerStep), '').lat;
    await until(() => first?.vehicles.get(vehicleIdOf(tenantId, 0))?.lat === wanted, 5_000, 'the watched picture');
    const atLeast = (value: number) => ({ relation: '≥', value }) as const;
    const ofBare = rates.bare.slice(0, streamRates.length);
    return {
      findings: [
        {
          ...{ promise: 'positions per second, beside a bare object that sets a Map', unit: '×' },
          ...{ spread: spreadOf(ratiosOf(rates.product, rates.bare)), limit: atLeast(0.25) },
        },
        { promise: 'positions per second', spread: spreadOf(rates.product), unit: '/s', limit: atLeast(10_000) },
        { promise: 'bare object', spread: spreadOf(rates.bare), unit: '/s', limit: null },
        { promise: 'WebSocket stream', spread: spreadOf(streamRates), unit: '/s', limit: atLeast(10_000) },
        {
          ...{ promise: 'WebSocket stream, beside the bare object', unit: '×' },
          ...{ spread: spreadOf(ratiosOf(streamRates, ofBare)), limit: atLeast(0.25) },
        },
        {
          ...{ promise: 'positions per second of processor time, beside the bare object', unit: '×' },
          ...{ spread: spreadOf(ratiosOf(ofBareObject, ofProduct)), limit: atLeast(0.25) },
        },
        { promise: 'processor time of a position', spread: spreadOf(ofProduct), unit: 'µs', limit: null },
        {
          promise: 'processor time of a position, bare object',
          spread: spreadOf(ofBareObject),
          unit: 'µs',
          limit: null,
        },
      ],
      notes: [
        `${trucks} trucks, ${fences} geofences, ${watching} packed sockets, ${atOnce} requests at a time for ${seconds} s a round; server and ` +
          `load have one core each. ${busy} batches were answered 429 or busy and sent again; the pauses count.`,
        'Afterwards every truck stood where its last accepted batch had put it, and tracks held every report of those looked at.',
      ],
    };
  } finally {
    gateway.close();
    toBare.close();
    await Promise.all([product.stop(), bare.stop()]);
  }
}

async function openStream(gateway: Gateway, url: string, { key }: Planted): Promise<Stream> {
  const { status, text } = await gateway.post('/api/v1/telemetry/tickets', '', { authorization: `Bearer ${key}` });
  if (status !== 200) throw new Error(`no ticket for a stream: ${status} ${text}`);
  const stream = new Stream(url, (JSON.parse(text) as { data: { ticket: string } }).data.ticket);
  await stream.opened;
  return stream;
}
