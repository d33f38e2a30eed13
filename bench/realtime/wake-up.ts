/** The first message after a sleep: rooms of 5,000 trucks that the runtime has put to sleep, sockets open, beside the same warm. */
import { percentile } from '../measurement.ts';
import { range, rowsById, tenantIdOf } from './fleet.ts';
import { Gateway, sleep, until } from './gateway.ts';
import { largeFleet } from './large-fleet.ts';
import type { LineResult, RunOptions } from './line.ts';
import { requireSound, spreadOf } from './pairs.ts';
import { faultsOf, openReaders, type Reader } from './reader.ts';
import { startProduct } from './runtime.ts';

interface Slice {
  object: string;
  entry: string;
  calls: number;
}

export async function measureWakeUp({ isQuick, rounds, say }: RunOptions): Promise<LineResult> {
  const product = await startProduct({ bindings: { TIMED_SLICES: 'true' } });
  const gateway = new Gateway(product.url);
  try {
    const rooms: { tenantId: string; reader: Reader }[] = [];
    for (const place of range(1, rounds + 1)) {
      const tenantId = tenantIdOf(place);
      await gateway.plant(tenantId, place, largeFleet);
      const [reader] = await openReaders(product.url, await gateway.tickets(tenantId, 1), () => ({
        ...{ encoding: 'packed', isWhole: true, ackEvery: 1, tenantId },
      }));
      if (reader === undefined) throw new Error('no reader');
      rooms.push({ tenantId, reader });
    }
    let step = 0;
    const feed = async ({ tenantId }: { tenantId: string }, trucks: number): Promise<void> => {
      step += 1;
      const at = new Date().toISOString();
      for (const from of range(0, Math.ceil(trucks / 1000))) {
        const some = range(from * 1000, Math.min(trucks, (from + 1) * 1000));
        await gateway.door('feed', { tenantId, positions: rowsById(tenantId, some, step, at) });
      }
    };
    for (const room of rooms) await feed(room, largeFleet);
    // The socket's own word: a hello with what it holds is answered by a welcome and one delta.
    const bySocket = async ({ reader }: { reader: Reader }): Promise<number> => {
      const before = reader.frames;
      const startedMs = performance.now();
      reader.say({ type: 'hello', protocol: 1, encoding: 'packed', resume: { epoch: reader.epoch, seq: reader.seq } });
      await until(() => reader.frames > before, 10_000, 'an answer after the sleep');
      return reader.lastFrameMs - startedMs;
    };
    // A reading that comes in: from its sending to the frame that brings it.
    const byFeed = async (room: { tenantId: string; reader: Reader }): Promise<number> => {
      const before = room.reader.deltas;
      const startedMs = performance.now();
      await feed(room, 1);
      await until(() => room.reader.deltas > before, 10_000, 'a frame after the sleep');
      return room.reader.lastFrameMs - startedMs;
    };
    const lateBy: Record<'socket' | 'feed', { cold: number[]; warm: number[] }> = {
      socket: { cold: [], warm: [] },
      feed: { cold: [], warm: [] },
    };
    for (const [kind, ask] of [
      ['socket', bySocket],
      ['feed', byFeed],
    ] as const) {
      for (const room of rooms) await feed(room, 1);
      // By itself where there is time for it: ten idle seconds, and what the room still had to do before.
      await sleep(isQuick ? 1_000 : 13_000);
      await gateway.door<Slice[]>('slices', {});
      for (const room of rooms) {
        // Sleeping already, most likely; nobody measures a room that only should be.
        await product.evict('FleetRoom', room.tenantId);
        lateBy[kind].cold.push(await ask(room));
        const births = (await gateway.door<Slice[]>('slices', {})).filter(
          ({ object, entry }) => object === `room ${room.tenantId}` && entry === 'constructor',
        );
        requireSound(births.length === 1, 'the room was never away');
        await sleep(300);
        const warm: number[] = [];
        for (let n = 0; n < 3; n += 1) {
          warm.push(await ask(room));
          await sleep(300);
        }
        lateBy[kind].warm.push(percentile(warm, 0.5));
      }
    }
    const faults = faultsOf(rooms.map(({ reader }) => reader));
    requireSound(faults.length === 0, faults.slice(0, 3).join('; '));
    say(JSON.stringify(lateBy));
    const findingsOf = (words: string, { cold, warm }: { cold: number[]; warm: number[] }) => [
      {
        ...{ promise: `${words}: first after the sleep, more than warm`, unit: 'ms' },
        spread: spreadOf(cold.map((ms, n) => ms - (warm[n] ?? Number.NaN))),
        limit: { relation: '≤', value: 50 } as const,
      },
      { promise: `${words}: after the sleep`, spread: spreadOf(cold), unit: 'ms', limit: null },
      { promise: `${words}: warm`, spread: spreadOf(warm), unit: 'ms', limit: null },
    ];
    return {
      findings: [
        ...findingsOf('a hello of an open socket → its answer', lateBy.socket),
        ...findingsOf('a reading → its frame', lateBy.feed),
      ],
      notes: [
        `${rounds} rooms of ${largeFleet} trucks, each with readings of all and one packed socket; they sleep of themselves after ten ` +
          'idle seconds, and the runtime is told to evict each once more before it is asked. That its constructor ran again is checked.',
      ],
    };
  } finally {
    gateway.close();
    await product.stop();
  }
}
