/**
 * kill -9 of workerd in the middle of acknowledged batches. One tenant is fed in order and undisturbed; a second gets the same
 * batches out of order, some of them twice, while workerd is killed again and again and each batch is sent until it is
 * acknowledged. In the end both must hold the same, in the room and in every truck's track. test/e2e runs a shorter one.
 */
import { isDeepStrictEqual } from 'node:util';
import { range, rowsByVin, tenantIdOf, vehicleIdOf } from './fleet.ts';
import { Gateway, sleep } from './gateway.ts';
import { exactly, type LineResult, type RunOptions } from './line.ts';
import { requireSound } from './pairs.ts';
import { Reader } from './reader.ts';
import { startMortal } from './mortal.ts';
import type { Reading } from '#contracts/telemetry';

const trucks = 200;
const rows = 10;
const batchesPerStep = trucks / rows;
const atOnce = 8;
/** A batch comes at most so many places too early or too late. */
const disorder = 64;
const twice = 0.05;

export interface KillPlan {
  batches: number;
  kills: number;
  seed: number;
}

export interface KillOutcome {
  /** What differs; empty when nothing does. */
  differences: string[];
  acknowledged: number;
  sentAgain: number;
  fixes: number;
  seconds: number;
  /** The longest time from a kill to the next acknowledged batch. */
  backWithinMs: number;
}

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Numbers of batches in the order in which they are sent: shuffled within windows, and some once more later. */
export function disturbedOrder(batches: number, seed: number): number[] {
  const random = generator(seed);
  const keyed = range(0, batches).flatMap((batch) => {
    const first = { batch, key: batch + random() * disorder };
    return random() < twice ? [first, { batch, key: first.key + random() * 4 * disorder }] : [first];
  });
  return keyed.sort((a, b) => a.key - b.key).map(({ batch }) => batch);
}

const bodyOf = (place: number, batch: number, startMs: number): string => {
  const step = Math.floor(batch / batchesPerStep);
  const from = (batch % batchesPerStep) * rows;
  return JSON.stringify({
    positions: rowsByVin(place, range(from, from + rows), step, new Date(startMs + step * 2_000).toISOString()),
  });
};

interface Sending {
  acknowledged: number;
  sentAgain: number;
}

/** Sends batches in the given order, each until it is acknowledged. */
async function sendAll(
  gateway: Gateway,
  key: string,
  order: readonly number[],
  bodyOfBatch: (batch: number) => string,
  onAck: (acknowledged: number) => void,
): Promise<Sending> {
  const sending: Sending = { acknowledged: 0, sentAgain: 0 };
  const headers = { authorization: `Bearer ${key}` };
  let next = 0;
  const work = async (): Promise<void> => {
    for (let batch = order[next++]; batch !== undefined; batch = order[next++]) {
      const body = bodyOfBatch(batch);
      for (let attempt = 0; ; attempt += 1) {
        requireSound(attempt < 2_000, `batch ${batch} is never acknowledged`);
        const answer = await gateway
          .post('/api/v1/telemetry/positions', body, headers)
          .catch(() => ({ status: 0, text: '', retryAfterSeconds: 0 }));
        if (answer.status === 202) {
          requireSound(answer.text.includes(`"accepted":${rows},`), `batch ${batch}: ${answer.text}`);
          break;
        }
        // Cut off, refused while it starts, or asked to wait: sent again. Anything else is a defect.
        const mayRetry = answer.status === 0 || answer.status === 429 || answer.status >= 500;
        requireSound(mayRetry, `batch ${batch}: ${answer.status} ${answer.text}`);
        sending.sentAgain += 1;
        await sleep(Math.max(25, answer.retryAfterSeconds * 1_000));
      }
      sending.acknowledged += 1;
      onAck(sending.acknowledged);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return sending;
}

interface Held {
  latest: { vehicleId: string; reading: Reading | null }[];
  tracks: Reading[][];
}

async function heldBy(gateway: Gateway, tenantId: string, from: number, to: number): Promise<Held> {
  await gateway.door('status', { tenantId });
  const latest = await gateway.door<Held['latest']>('latest', { tenantId, count: trucks });
  const tracks: Reading[][] = [];
  for (const place of range(0, trucks))
    tracks.push(await gateway.door<Reading[]>('track', { tenantId, place, from, to }));
  return { latest, tracks };
}

function differencesOf(undisturbed: Held, disturbed: Held): string[] {
  const differences: string[] = [];
  for (const truck of range(0, trucks)) {
    const [a, b] = [undisturbed.latest[truck]?.reading, disturbed.latest[truck]?.reading];
    if (!isDeepStrictEqual(a, b))
      differences.push(`truck ${truck} is at ${JSON.stringify(b)} and not ${JSON.stringify(a)}`);
    const [tracked, trackedThere] = [undisturbed.tracks[truck] ?? [], disturbed.tracks[truck] ?? []];
    if (!isDeepStrictEqual(tracked, trackedThere)) {
      differences.push(`truck ${truck} has a track of ${trackedThere.length} fixes and not of ${tracked.length}`);
    }
  }
  return differences;
}

/** A socket through all of it, resumed after each kill; in the end it must show what a fresh one shows. */
class Watcher {
  private reader: Reader | null = null;
  private readonly url: string;
  private readonly gateway: Gateway;
  private readonly tenantId: string;
  resumes = 0;

  constructor(url: string, gateway: Gateway, tenantId: string) {
    [this.url, this.gateway, this.tenantId] = [url, gateway, tenantId];
  }

  /** Comes (back) with what it holds. */
  async open(isFresh = false): Promise<Reader> {
    const [ticket = ''] = await this.gateway.tickets(this.tenantId, 1);
    const options = { encoding: 'json', isWhole: true, ackEvery: 1, tenantId: this.tenantId } as const;
    const held = isFresh ? null : this.reader;
    held?.ws.terminate();
    const reader = new Reader(this.url, ticket, held && held.seq >= 0 ? { ...options, resumes: held } : options);
    const isOpen = await Promise.race([reader.ready.then(() => true), sleep(5_000).then(() => false)]);
    requireSound(isOpen, 'a socket that gets no picture');
    if (isFresh) return reader;
    this.reader = reader;
    if (held !== null && reader.snapshots === 0) this.resumes += 1;
    return reader;
  }

  async differences(): Promise<string[]> {
    // Whatever was under way has come with its tick.
    await sleep(500);
    const mine = await this.open();
    const fresh = await this.open(true);
    await sleep(500);
    const faults = [...mine.faults, ...fresh.faults].filter((fault) => !fault.startsWith('socket:'));
    const isSame = isDeepStrictEqual(new Map([...mine.vehicles].sort()), new Map([...fresh.vehicles].sort()));
    const isWhole = fresh.vehicles.size === trucks;
    mine.ws.terminate();
    fresh.ws.terminate();
    return [
      ...faults,
      ...(isSame ? [] : ['what a resumed socket holds is not what a fresh one is shown']),
      ...(isWhole ? [] : [`a fresh socket is shown ${fresh.vehicles.size} trucks`]),
    ];
  }
}

/** Runs the plan on a product of its own. */
export async function surviveKills({ batches, kills, seed }: KillPlan, isPinned: boolean): Promise<KillOutcome> {
  const product = await startMortal(isPinned);
  const gateway = new Gateway(product.url, atOnce);
  const startedMs = performance.now();
  try {
    const [calm, disturbed] = [tenantIdOf(1), tenantIdOf(2)];
    const calmKey = (await gateway.plant(calm, 1, trucks)).key;
    const { key } = await gateway.plant(disturbed, 2, trucks);
    const baseMs = Date.now() - 24 * 3_600_000;
    const inOrder = range(0, batches);
    await sendAll(
      gateway,
      calmKey,
      inOrder,
      (batch) => bodyOf(1, batch, baseMs),
      () => undefined,
    );

    const watcher = new Watcher(product.url, gateway, disturbed);
    await watcher.open();
    const order = disturbedOrder(batches, seed);
    // Spread over the run, none at its very beginning or end.
    const killAt = range(0, kills).map((n) => Math.floor((order.length * (n + 0.6)) / (kills + 0.2)));
    let killedMs: number | null = null;
    let backWithinMs = 0;
    let comingBack: Promise<unknown> = Promise.resolve();
    const sending = await sendAll(
      gateway,
      key,
      order,
      (batch) => bodyOf(2, batch, baseMs),
      (acknowledged) => {
        const nowMs = performance.now();
        // What was answered before the kill may still be on its way.
        if (killedMs !== null && nowMs > killedMs + 250) {
          backWithinMs = Math.max(backWithinMs, nowMs - killedMs);
          killedMs = null;
          comingBack = comingBack.then(() => watcher.open());
          comingBack.catch(() => undefined);
        }
        if (!killAt.includes(acknowledged)) return;
        killedMs = performance.now();
        product.kill();
      },
    );
    await comingBack;
    const toMs = baseMs + Math.ceil(batches / batchesPerStep) * 2_000;
    const held = await heldBy(gateway, disturbed, baseMs, toMs);
    const wanted = await heldBy(gateway, calm, baseMs, toMs);
    const fixes = wanted.tracks.reduce((sum, { length }) => sum + length, 0);
    const differences = [
      ...differencesOf(wanted, held),
      ...(await watcher.differences()),
      // Held against the plan itself: two equal losses are no equality.
      ...(fixes === batches * rows ? [] : [`the undisturbed tracks hold ${fixes} of ${batches * rows} fixes`]),
      ...(held.latest[0]?.vehicleId === vehicleIdOf(disturbed, 0) ? [] : ['the room does not know its trucks']),
    ];
    return {
      differences,
      acknowledged: sending.acknowledged,
      sentAgain: sending.sentAgain,
      fixes,
      seconds: (performance.now() - startedMs) / 1000,
      backWithinMs,
    };
  } finally {
    gateway.close();
    await product.stop();
  }
}

export async function measureKill({ isQuick, say }: RunOptions): Promise<LineResult> {
  const plan = { batches: isQuick ? 1_000 : 10_000, kills: isQuick ? 2 : 5, seed: 4 };
  const outcome = await surviveKills(plan, true);
  say(JSON.stringify(outcome));
  return {
    findings: [
      {
        ...{ promise: 'differences to an undisturbed run, in state and history', unit: '' },
        ...{ spread: exactly(outcome.differences.length), limit: { relation: '≤', value: 0 } },
      },
      { promise: 'acknowledged batches', spread: exactly(outcome.acknowledged), unit: '', limit: null },
      { promise: 'fixes in the tracks', spread: exactly(outcome.fixes), unit: '', limit: null },
      { promise: 'sent again', spread: exactly(outcome.sentAgain), unit: '', limit: null },
      {
        promise: 'from a kill to the next acknowledged batch',
        spread: exactly(outcome.backWithinMs),
        unit: 'ms',
        limit: null,
      },
    ],
    notes: [
      `${plan.batches} batches of ${rows} rows, up to ${disorder} places out of order, ${twice * 100} % of them twice, ${atOnce} under way at a ` +
        `time, ${plan.kills} kills; the room's latest readings, every truck's track and a socket resumed after each kill are compared.`,
      ...outcome.differences.slice(0, 10),
    ],
  };
}
