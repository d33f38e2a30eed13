/**
 * Readers that trouble others: one of 200 that stops reading, and a thousand displays that come back in one moment (a power cut,
 * a deployment).
 */
import { percentile } from '../measurement.ts';
import { range, rowsByVin, tenantIdOf, vehicleIdOf, positionOf } from './fleet.ts';
import { Gateway, sleep, until } from './gateway.ts';
import { follow, largeFleet, openLargeRoom, type LargeRoom } from './large-fleet.ts';
import { exactly, type LineResult, type RunOptions } from './line.ts';
import { interleave, ratiosOf, requireSound, spreadOf } from './pairs.ts';
import { processorSeconds, residentMegabytes } from './processor-time.ts';
import { faultsOf, Reader, type ReaderOptions } from './reader.ts';
import { startProduct } from './runtime.ts';
import { liveLimits } from '#contracts/live';

const sockets = 200;
const displays = 1_000;
const displayFleet = 100;

/** What may lie unread for one reader: the window, and the merged deltas beyond it. */
const mostUnread = liveLimits.ackWindowTicks + liveLimits.slowReaderWindow;

/** A round in which the last reader reads nothing; answers the delays of the others and what lay waiting for it. */
async function followWithStalled(room: LargeRoom, from: number, steps: number) {
  const stalled = room.readers.at(-1);
  if (stalled === undefined) throw new Error('no readers');
  stalled.ws.pause();
  stalled.isMute = true;
  const others = { ...room, readers: room.readers.slice(0, -1) };
  const delays = await follow(others, largeFleet, from, steps);
  // What was sent to it comes now; it acknowledges nothing until that is counted.
  const before = { deltas: stalled.deltas, bytes: stalled.bytes };
  stalled.ws.resume();
  await sleep(400);
  const unread = { frames: stalled.deltas - before.deltas, bytes: stalled.bytes - before.bytes };
  stalled.isMute = false;
  stalled.say({ type: 'ack', seq: stalled.seq });
  const current = room.readers[0]?.seq ?? 0;
  await until(() => stalled.seq >= current, 7_000, 'the stalled reader to be current again');
  return { delays, unread };
}

export async function measureStalledReader({ isQuick, rounds, say }: RunOptions): Promise<LineResult> {
  const steps = isQuick ? 15 : 20;
  const product = await startProduct();
  const gateway = new Gateway(product.url);
  try {
    const room = await openLargeRoom(product, gateway, { place: 1, trucks: largeFleet, count: sockets });
    let next = 1;
    const from = (): number => {
      next += steps;
      return next - steps;
    };
    await follow(room, largeFleet, from(), steps);
    const memoryBefore = residentMegabytes(product.pid());
    const unread: { frames: number; bytes: number }[] = [];
    const p99 = await interleave(rounds, {
      without: async () => percentile(await follow(room, largeFleet, from(), steps), 0.99),
      beside: async () => {
        const round = await followWithStalled(room, from(), steps);
        unread.push(round.unread);
        return percentile(round.delays, 0.99);
      },
    });
    say(JSON.stringify({ p99, unread }));
    const anyOf = 'the others beside a stalled reader';
    const differences = p99.beside.map((ms, round) => ms - (p99.without[round] ?? Number.NaN));
    return {
      findings: [
        {
          ...{ promise: 'p99 of the others beside one that does not read', unit: '×', anyOf },
          ...{ spread: spreadOf(ratiosOf(p99.beside, p99.without)), limit: { relation: '≤', value: 1.2 } },
        },
        {
          ...{ promise: 'or later by', unit: 'ms', anyOf },
          ...{ spread: spreadOf(differences), limit: { relation: '≤', value: 10 } },
        },
        {
          ...{ promise: 'frames that lay unread for it, at most', unit: 'frames' },
          spread: exactly(Math.max(...unread.map(({ frames }) => frames))),
          limit: { relation: '≤', value: mostUnread },
        },
        { promise: 'p99 without it', spread: spreadOf(p99.without), unit: 'ms', limit: null },
        { promise: 'p99 beside it', spread: spreadOf(p99.beside), unit: 'ms', limit: null },
        {
          promise: 'bytes that lay unread',
          spread: spreadOf(unread.map(({ bytes }) => bytes)),
          unit: 'bytes',
          limit: null,
        },
        {
          ...{ promise: 'memory of the server, more than before', unit: 'MB', limit: null },
          spread: exactly(residentMegabytes(product.pid()) - memoryBefore),
        },
      ],
      notes: [
        `The large fleet's load, ${sockets} sockets; the stalled one reads nothing for ${steps / 5} s and is current again after.`,
      ],
    };
  } finally {
    gateway.close();
    await product.stop();
  }
}

export async function measureHerd({ isQuick, say }: RunOptions): Promise<LineResult> {
  const product = await startProduct();
  const gateway = new Gateway(product.url);
  // Displays share nothing: each has a connection of its own.
  const crowd = new Gateway(product.url, displays);
  try {
    const tenantId = tenantIdOf(1);
    const { key } = await gateway.plant(tenantId, 1, displayFleet);
    const tokens = await gateway.door<string[]>('displays', { tenantId, count: displays });
    let step = 0;
    const move = async (): Promise<void> => {
      step += 1;
      const body = { positions: rowsByVin(1, range(0, displayFleet), step, new Date().toISOString()) };
      await gateway.positions(key, JSON.stringify(body), displayFleet);
    };
    let refused = 0;
    const attempt = async (token: string, resumes?: Reader): Promise<Reader | null> => {
      const headers = { authorization: `Bearer ${token}` };
      // A connection that is not taken up, a socket that ends: a display tries again.
      const answer = await crowd.post('/api/v1/live/tickets', '', headers).catch(() => null);
      if (answer === null) return null;
      if (answer.status !== 200) throw new Error(`no ticket for a display: ${answer.status} ${answer.text}`);
      const { ticket } = (JSON.parse(answer.text) as { data: { ticket: string } }).data;
      const options: ReaderOptions = { encoding: 'json', isWhole: true, ackEvery: 4, tenantId };
      const reader = new Reader(product.url, ticket, resumes ? { ...options, resumes } : options);
      const ended = new Promise<null>((resolve) => reader.ws.once('close', () => resolve(null)));
      return Promise.race([reader.ready.then(() => reader), ended]);
    };
    const open = async (token: string, resumes?: Reader): Promise<Reader> => {
      for (let pauseMs = 250; pauseMs < 10_000; pauseMs *= 2) {
        const reader = await attempt(token, resumes);
        if (reader !== null) return reader;
        refused += 1;
        await sleep(pauseMs);
      }
      throw new Error('a display that is never let in');
    };
    await move();
    const opened: Reader[] = [];
    for (let from = 0; from < displays; from += 25) {
      opened.push(...(await Promise.all(tokens.slice(from, from + 25).map((token) => open(token)))));
    }
    let readers = opened;
    const seconds: number[] = [];
    const costs: number[] = [];
    for (let turn = 0; turn < (isQuick ? 1 : 3); turn += 1) {
      for (const reader of readers) reader.ws.terminate();
      await sleep(300);
      await move();
      const startedMs = performance.now();
      const spentBefore = processorSeconds(product.pid());
      const before = readers;
      readers = await Promise.all(tokens.map((token, n) => open(token, before[n])));
      const first = vehicleIdOf(tenantId, 0);
      const { lat } = positionOf(0, step, '');
      await until(() => readers.every((reader) => reader.vehicles.get(first)?.lat === lat), 30_000, 'all displays');
      seconds.push((performance.now() - startedMs) / 1000);
      costs.push(((processorSeconds(product.pid()) - spentBefore) / displays) * 1_000);
      const faults = faultsOf(readers);
      requireSound(faults.length === 0, faults.slice(0, 3).join('; '));
      for (const reader of readers) requireSound(reader.vehicles.size === displayFleet, 'a display without its trucks');
    }
    say(JSON.stringify(seconds));
    for (const reader of readers) reader.ws.terminate();
    return {
      findings: [
        {
          ...{ promise: `${displays} displays come back at once: all current after`, unit: 's' },
          ...{ spread: spreadOf(seconds), limit: { relation: '≤', value: 5 } },
        },
        { promise: 'processor time of a display that comes back', spread: spreadOf(costs), unit: 'ms', limit: null },
      ],
      notes: [
        'Each asks for a ticket with its own token on its own connection, opens the socket, says hello with what it held, and is ' +
          `counted when it shows what was reported while it was away. ${refused} attempts met a closed door and were made again.`,
      ],
    };
  } finally {
    gateway.close();
    crowd.close();
    await product.stop();
  }
}
