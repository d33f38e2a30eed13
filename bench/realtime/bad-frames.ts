/**
 * Hundreds of kinds of bad frames against a live server while healthy sockets are served: each is answered by the close code
 * that the protocol names, nothing is thrown, and nobody else notices. test/e2e runs it too.
 */
import { WebSocket } from 'ws';
import { closeCode } from '#contracts/live';
import { badFrames, type BadFrame } from './bad-frame-kinds.ts';
import { range, rowsByVin, tenantIdOf } from './fleet.ts';
import { headText } from './frames.ts';
import { Gateway, sleep } from './gateway.ts';
import { exactly, type LineResult, type RunOptions } from './line.ts';
import { faultsOf, openReaders, type Reader } from './reader.ts';
import { startProduct } from './runtime.ts';

const healthy = 20;
const trucks = 100;
const answersWithinMs = 5_000;
const atOnce = 20;

export interface BadFramesOutcome {
  kinds: number;
  /** What was answered otherwise than the protocol says. */
  wrong: string[];
  /** What the log has of errors. */
  exceptions: string[];
  /** What healthy sockets noticed. */
  disturbed: string[];
  /** The longest a healthy socket waited for a tick, in milliseconds. */
  longestWaitMs: number;
}

/** The server's close frame is its word; how long it then leaves the connection open is not looked at. */
const socketOptions = { perMessageDeflate: false, closeTimeout: 300 };

/** Says the bad frame; answers how the socket ended, or 'open'. */
async function answerTo(url: string, ticket: string, { say, isAfterHello }: BadFrame): Promise<number | 'open'> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live?ticket=${ticket}`, socketOptions);
  let code: number | null = null;
  let lastSeq = 0;
  socket.on('close', (said) => (code = said));
  socket.on('error', () => undefined);
  socket.on('message', (data: Buffer) => {
    lastSeq = Number(/"seq":(\d+)/.exec(headText(data, 200))?.[1] ?? lastSeq);
  });
  await new Promise((resolve) => socket.once('open', resolve));
  if (isAfterHello) {
    const greeted = new Promise((resolve) => socket.once('message', resolve));
    socket.send('{"type":"hello","protocol":1}');
    await greeted;
    await sleep(50);
  }
  say(socket, lastSeq);
  // A frame that is allowed is known by the answer to a ping after it: nothing closed the socket before.
  let isAnswered = false;
  socket.on('message', (data: Buffer) => {
    if (data.toString() === 'pong') isAnswered = true;
  });
  if (socket.readyState === WebSocket.OPEN) socket.send('ping');
  const endMs = performance.now() + answersWithinMs;
  let openSinceMs: number | null = null;
  while (code === null && performance.now() < endMs) {
    if (isAnswered) openSinceMs ??= performance.now();
    // Auto-answered before the object has judged the frame: it is given time to.
    if (openSinceMs !== null && performance.now() - openSinceMs > 400) break;
    await sleep(5);
  }
  socket.terminate();
  return code ?? 'open';
}

/** Ticks for the healthy ones until told to stop; each must come to everyone. */
function keepServing(gateway: Gateway, keys: readonly { key: string; place: number }[]) {
  let isOver = false;
  const served = (async () => {
    for (let step = 1; !isOver; step += 1) {
      for (const { key, place } of keys) {
        const body = JSON.stringify({ positions: rowsByVin(place, range(0, 10), step, new Date().toISOString()) });
        await gateway.positions(key, body, 10);
      }
      await sleep(200);
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await served;
    },
  };
}

export async function sayBadFrames(kinds: readonly BadFrame[], isPinned: boolean): Promise<BadFramesOutcome> {
  const product = await startProduct({ isPinned });
  const gateway = new Gateway(product.url);
  try {
    const [attacked, neighbour] = [tenantIdOf(1), tenantIdOf(2)];
    const keys = [];
    for (const [at, tenantId] of [attacked, neighbour].entries()) {
      keys.push({ key: (await gateway.plant(tenantId, at + 1, trucks)).key, place: at + 1 });
    }
    let longestWaitMs = 0;
    const open = async (tenantId: string): Promise<Reader[]> =>
      openReaders(product.url, await gateway.tickets(tenantId, healthy / 2), () => {
        let lastMs = performance.now();
        return {
          ...{ encoding: 'json', isWhole: true, ackEvery: 4, tenantId },
          onTick: (_seq, atMs, delta) => {
            if (delta !== null) longestWaitMs = Math.max(longestWaitMs, atMs - lastMs);
            lastMs = atMs;
          },
        };
      });
    const readers = [...(await open(attacked)), ...(await open(neighbour))];
    const serving = keepServing(gateway, keys);
    await sleep(600);
    longestWaitMs = 0;
    const logged = product.logs.length;
    const wrong: string[] = [];
    for (let from = 0; from < kinds.length; from += atOnce) {
      const some = kinds.slice(from, from + atOnce);
      const tickets = await gateway.tickets(attacked, some.length);
      await Promise.all(
        some.map(async (kind, n) => {
          const answer = await answerTo(product.url, tickets[n] ?? '', kind);
          if (!kind.expected.includes(answer)) {
            wrong.push(`${kind.name}: answered ${answer}, and not ${kind.expected.join(' or ')}`);
          }
        }),
      );
    }
    // The one that says nothing at all.
    const [ticket = ''] = await gateway.tickets(attacked, 1);
    const silent = new WebSocket(`${product.url.replace('http', 'ws')}/api/v1/live?ticket=${ticket}`, socketOptions);
    const said = await Promise.race([
      new Promise<number>((resolve) => silent.once('close', resolve)),
      sleep(12_000).then(() => 0),
    ]);
    if (said !== closeCode.noHello) wrong.push(`no hello at all: answered ${said}`);
    await serving.stop();
    await sleep(300);
    const exceptions = product.logs
      .slice(logged)
      .filter((line) => /^error|uncaught|exception|"level":"error"/i.test(line))
      .map((line) => line.slice(0, 300));
    const disturbed = faultsOf(readers);
    const lagging = readers.filter(({ seq }, n) => seq !== readers[n < healthy / 2 ? 0 : healthy / 2]?.seq).length;
    if (lagging > 0) disturbed.push(`${lagging} healthy sockets are behind the others`);
    return { kinds: kinds.length + 1, wrong, exceptions, disturbed, longestWaitMs };
  } finally {
    gateway.close();
    await product.stop();
  }
}

export async function measureBadFrames({ say }: RunOptions): Promise<LineResult> {
  const outcome = await sayBadFrames(badFrames(), true);
  say(JSON.stringify(outcome));
  const none = (promise: string, found: readonly string[]) => ({
    ...{ promise, unit: '', spread: exactly(found.length) },
    limit: { relation: '≤', value: 0 } as const,
  });
  return {
    findings: [
      none('answered otherwise than documented', outcome.wrong),
      none('errors in the log', outcome.exceptions),
      none('gaps, closes and foreign trucks of healthy sockets', outcome.disturbed),
      {
        promise: 'kinds of bad frames',
        spread: exactly(outcome.kinds),
        unit: '',
        limit: { relation: '≥', value: 200 },
      },
      {
        ...{ promise: 'longest wait of a healthy socket for its next tick', unit: 'ms' },
        ...{ spread: exactly(outcome.longestWaitMs), limit: { relation: '≤', value: 1_000 } },
      },
    ],
    notes: [
      `${healthy} healthy sockets in the attacked room and in another, with a tick every 200 ms or so, while ${atOnce} sockets at a time say ` +
        'something bad (bench/realtime/bad-frame-kinds.ts).',
      ...[...outcome.wrong, ...outcome.exceptions, ...outcome.disturbed].slice(0, 20),
    ],
  };
}
