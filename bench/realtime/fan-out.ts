/**
 * What a delivered frame costs: 200 sockets, frames of 1 KB, four contenders taken in turn, all alive the whole time. Each gets
 * the same positions by POST at the pace of the room's ticks; each makes one JSON delta of them and sends it to all.
 * The room does besides what it is for: it keeps the readings safe, forwards them to the tracks, and judges acks.
 */
import { Gateway, sleep, until } from './gateway.ts';
import { range, rowsById, tenantIdOf, vehicleIdOf, type PositionRow } from './fleet.ts';
import { exactly, type LineResult, type RunOptions } from './line.ts';
import { interleave, ratiosOf, requireSound, spreadOf } from './pairs.ts';
import { startNodePeer } from './peers/node-peer.ts';
import { openPeerReaders, type PeerReader } from './peers/peer-reader.ts';
import { processorSeconds, statSeconds } from './processor-time.ts';
import { faultsOf, openReaders, type Reader } from './reader.ts';
import { startBareObjects, startProduct } from './runtime.ts';

const sockets = 200;
/** A little more than the longest tick of a room, so that each POST has a tick of its own. */
const paceMs = 260;
/** As seldom as the protocol allows with a margin: the window is ten. */
const ackEvery = 8;
const fleet = 100;
/** So many moving trucks make a JSON delta of a little more than 1 KB. */
const movingInJson = 7;
/** As many as move at once in the large fleet of 5,000. */
const movingPacked = 1_000;

/** Something that fans positions out, and what came of it. */
interface Contender {
  post: (rows: readonly PositionRow[], tenantId: string) => Promise<unknown>;
  frames: () => number;
  pid: () => number;
  faults: () => string[];
}

interface Segment {
  frames: number;
  seconds: number;
  statSeconds: number;
}

let step = 0;
/** The last step that each room was fed. */
const lastStepOf = new Map<string, number>();

/** So many ticks in a row; every socket must have each of them before the next. */
async function segment(of: Contender, tenantId: string, moving: number, ticks: number, each = 1): Promise<Segment> {
  // One before, so that what follows meets a warm server.
  const tick = async (): Promise<void> => {
    step += 1;
    const startedMs = performance.now();
    const expected = of.frames() + sockets * each;
    await of.post(rowsById(tenantId, range(0, moving), step, new Date().toISOString()), tenantId);
    await until(() => of.frames() >= expected, 5_000, `${expected} frames; there are ${of.frames()}`);
    await sleep(paceMs - (performance.now() - startedMs));
    requireSound(of.frames() === expected, `${of.frames() - expected} frames too many`);
  };
  await tick();
  const before = { frames: of.frames(), seconds: processorSeconds(of.pid()), stat: statSeconds(of.pid()) };
  for (let n = 0; n < ticks; n += 1) await tick();
  requireSound(of.faults().length === 0, of.faults().slice(0, 3).join('; '));
  return {
    frames: of.frames() - before.frames,
    seconds: processorSeconds(of.pid()) - before.seconds,
    statSeconds: statSeconds(of.pid()) - before.stat,
  };
}

const framesOf = (readers: readonly Reader[]): number => readers.reduce((sum, { deltas }) => sum + deltas, 0);
const peerFramesOf = (readers: readonly PeerReader[]): number => readers.reduce((sum, { frames }) => sum + frames, 0);
const peerFaults = (readers: readonly PeerReader[]): string[] => readers.flatMap(({ faults }) => faults);

/** Every reader that decodes must hold where the trucks were last said to be. */
function requireFinalState(readers: readonly Reader[], tenantId: string, moving: number): void {
  const wanted = rowsById(tenantId, range(0, moving), lastStepOf.get(tenantId) ?? 0, '');
  for (const reader of readers) {
    for (const [truck, { lat, lon }] of wanted.entries()) {
      const held = reader.vehicles.get(vehicleIdOf(tenantId, truck));
      requireSound(held?.lat === lat && held.lon === lon, `a wrong final state of truck ${truck}`);
    }
  }
}

export async function measureFanOut({ isQuick, rounds, say }: RunOptions): Promise<LineResult> {
  const ticks = isQuick ? 4 : 8;
  const product = await startProduct();
  const bare = await startBareObjects();
  const ws = await startNodePeer('ws-server');
  const socketIo = await startNodePeer('socket-io-server');
  const gateways = [product, bare, ws, socketIo].map(({ url }) => new Gateway(url));
  const [toProduct, toBare, toWs, toSocketIo] = gateways as [Gateway, Gateway, Gateway, Gateway];
  try {
    const [json, packed] = [tenantIdOf(1), tenantIdOf(2)];
    await toProduct.plant(json, 1, fleet);
    await toProduct.plant(packed, 2, movingPacked);
    const open = async (tenantId: string, encoding: 'json' | 'packed') =>
      openReaders(product.url, await toProduct.tickets(tenantId, sockets), (place) => ({
        ...{ encoding, tenantId, ackEvery, isWhole: place < 4 },
      }));
    const jsonReaders = await open(json, 'json');
    const packedReaders = await open(packed, 'packed');
    const bareReaders = await openPeerReaders(`${bare.url}/object/fan-out`, sockets, { speech: 'json' });
    const wsReaders = await openPeerReaders(ws.url, sockets, { speech: 'json' });
    const path = '/socket.io/?EIO=4&transport=websocket';
    const socketIoReaders = await openPeerReaders(`${socketIo.url}${path}`, sockets, { speech: 'socket.io' });

    const feed = (rows: readonly PositionRow[], tenantId: string) => {
      lastStepOf.set(tenantId, step);
      return toProduct.door('feed', { tenantId, positions: rows });
    };
    const room = (readers: Reader[]): Contender => ({
      ...{ post: feed, frames: () => framesOf(readers), pid: product.pid, faults: () => faultsOf(readers) },
    });
    const peer = (readers: PeerReader[], to: Gateway, at: string, pid: () => number): Contender => ({
      post: (positions) => to.post(at, JSON.stringify({ seq: step, positions })),
      ...{ frames: () => peerFramesOf(readers), pid, faults: () => peerFaults(readers) },
    });
    const ofSocketIo = (at: string) => peer(socketIoReaders, toSocketIo, at, () => socketIo.pid);
    const total = { seconds: 0, stat: 0 };
    const perFrame = async (of: Contender, moving: number, tenantId = json): Promise<number> => {
      const { frames, seconds, statSeconds } = await segment(of, tenantId, moving, ticks);
      total.seconds += seconds;
      total.stat += statSeconds;
      return (seconds / frames) * 1e6;
    };
    const costs = await interleave(rounds, {
      room: () => perFrame(room(jsonReaders), movingInJson),
      bare: () => perFrame(peer(bareReaders, toBare, '/object/fan-out/fan-out', bare.pid), movingInJson),
      ws: () =>
        perFrame(
          peer(wsReaders, toWs, '/fan-out', () => ws.pid),
          movingInJson,
        ),
      socketIo: () => perFrame(ofSocketIo('/fan-out'), movingInJson),
    });
    requireFinalState(jsonReaders.slice(0, 4), json, movingInJson);
    const jsonBytes = jsonReaders[0] === undefined ? 0 : jsonReaders[0].deltaBytes / jsonReaders[0].deltas;
    say(`frames of ${jsonBytes.toFixed(0)} bytes: ${JSON.stringify(costs)}`);

    const packedBefore = packedReaders[0]?.deltaBytes ?? 0;
    const countBefore = packedReaders[0]?.deltas ?? 0;
    const updates = await interleave(rounds, {
      room: async () => (await perFrame(room(packedReaders), movingPacked, packed)) / movingPacked,
      each: async () => {
        const { frames, seconds } = await segment(ofSocketIo('/each'), packed, movingPacked, 1, movingPacked);
        return (seconds / frames) * 1e6;
      },
    });
    requireFinalState(packedReaders.slice(0, 4), packed, movingPacked);
    const packedBytes =
      ((packedReaders[0]?.deltaBytes ?? 0) - packedBefore) / ((packedReaders[0]?.deltas ?? 0) - countBefore);

    const limit = (value: number) => ({ relation: '≤', value }) as const;
    const ratio = (promise: string, product: number[], peerCosts: number[], most: number | null) => ({
      ...{ promise, spread: spreadOf(ratiosOf(product, peerCosts)), unit: '×' },
      limit: most === null ? null : limit(most),
    });
    const cost = (promise: string, values: number[]) => ({
      ...{ promise, spread: spreadOf(values), unit: 'µs', limit: null },
    });
    return {
      findings: [
        ratio('processor time per delivered frame, beside a bare Durable Object', costs.room, costs.bare, 1.25),
        ratio('processor time per delivered frame, beside ws', costs.room, costs.ws, 1.3),
        ratio('processor time per delivered frame, beside socket.io', costs.room, costs.socketIo, 1),
        ratio(
          'processor time per delivered vehicle update (1,000 a tick), beside socket.io sending each',
          updates.room,
          updates.each,
          0.1,
        ),
        ratio(
          'the same with the room’s JSON frames of 1 KB',
          costs.room.map((each) => each / movingInJson),
          updates.each,
          null,
        ),
        ratio('the bare Durable Object itself, beside ws', costs.bare, costs.ws, null),
        cost('room, a frame', costs.room),
        cost('bare Durable Object, a frame', costs.bare),
        cost('ws, a frame', costs.ws),
        cost('socket.io, a frame', costs.socketIo),
        cost('room, an update (packed)', updates.room),
        cost('socket.io, an update by itself', updates.each),
        { promise: 'JSON frame', spread: exactly(jsonBytes), unit: 'bytes', limit: null },
        { promise: 'packed frame', spread: exactly(packedBytes), unit: 'bytes', limit: null },
      ],
      notes: [
        `${sockets} sockets, ${ticks} ticks of ${paceMs} ms a round; ${movingInJson} trucks move in a JSON frame, ${movingPacked} in a ` +
          `packed one; every ${ackEvery}th delta is acknowledged. The room is fed by RPC (the way of a gate), and what it does ` +
          'beside sending is in its number: write-ahead log, tracks, acks.',
        `Processor time is the threads’ run time; utime + stime of the same rounds: ${(total.stat / total.seconds).toFixed(3)} × it.`,
      ],
    };
  } finally {
    for (const gateway of gateways) gateway.close();
    await Promise.all([product.stop(), bare.stop()]);
    ws.stop();
    socketIo.stop();
  }
}
