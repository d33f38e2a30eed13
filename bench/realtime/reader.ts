/**
 * A reader of live sockets for the benchmark: says hello, acknowledges every so many deltas, holds the chain of `prev` and
 * `seq` together, and knows when each tick came. Either it reads every frame whole and folds the picture, or it reads the
 * header alone, as cheaply as a load generator must.
 */
import { WebSocket } from 'ws';
import type { DeltaMessage, LiveVehicle, ServerMessage } from '#contracts/live';
import { PackedReader } from '#contracts/live-packed';
import { exactBytes, headerOf, headText, type FrameHeader } from './frames.ts';

export interface ReaderOptions {
  encoding: 'json' | 'packed';
  isWhole: boolean;
  /** Acknowledges every so manieth delta; the protocol asks for every tenth at least. */
  ackEvery: number;
  /** No truck of anybody else may ever be seen. */
  tenantId: string;
  /** Hears of each delta and complete snapshot as it comes. */
  onTick?: (seq: number, atMs: number, delta: DeltaMessage | null) => void;
  /** Comes back with the picture of a reader that is closed. */
  resumes?: Reader;
}

export class Reader {
  readonly vehicles = new Map<string, LiveVehicle>();
  epoch = '';
  seq = -1;
  deltas = 0;
  frames = 0;
  lastFrameMs = 0;
  snapshots = 0;
  /** Of every frame since the socket opened. */
  bytes = 0;
  deltaBytes = 0;
  snapshotBytes = 0;
  updates = 0;
  /** Acknowledges nothing while this is set. */
  isMute = false;
  closed: { code: number; reason: string } | null = null;
  /** What must not have happened: gaps, foreign trucks, frames that nobody understands. */
  readonly faults: string[] = [];
  readonly ws: WebSocket;
  private readonly options: ReaderOptions;
  private packed = new PackedReader();
  private unacked: number;
  private resolveReady: () => void = () => undefined;
  /** Resolves with the first complete snapshot, or with the delta that answers a resume. */
  readonly ready = new Promise<void>((resolve) => (this.resolveReady = resolve));

  constructor(url: string, ticket: string, options: ReaderOptions, place = 0) {
    this.options = options;
    // Not all at once: readers acknowledge each in their own rhythm.
    this.unacked = place % options.ackEvery;
    if (options.resumes) {
      this.seq = options.resumes.seq;
      this.packed = new PackedReader(options.resumes.packed.numbers);
      for (const [id, vehicle] of options.resumes.vehicles) this.vehicles.set(id, vehicle);
    }
    this.ws = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live?ticket=${ticket}`, {
      perMessageDeflate: false,
      maxPayload: 64 * 1024 * 1024,
    });
    this.ws.on('open', () => this.hello());
    this.ws.on('message', (data: Buffer, isBinary: boolean) => this.take(data, isBinary));
    this.ws.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.ws.on('error', (cause) => this.faults.push(`socket: ${cause.message}`));
  }

  private hello(): void {
    const { encoding, resumes } = this.options;
    const resume = resumes && { epoch: resumes.epoch, seq: resumes.seq };
    this.say({ type: 'hello', protocol: 1, encoding, ...(resume === undefined ? {} : { resume }) });
  }

  say(message: unknown): void {
    this.ws.send(JSON.stringify(message));
  }

  private take(data: Buffer, isBinary: boolean): void {
    const atMs = performance.now();
    this.bytes += data.length;
    this.frames += 1;
    this.lastFrameMs = atMs;
    const header = headerOf(data, isBinary);
    if (header === null) {
      this.faults.push(`a frame of no known kind: ${headText(data, 80)}`);
      return;
    }
    if (header.kind === 'welcome') this.epoch = header.epoch;
    else if (header.kind === 'snapshot') this.takeSnapshot(header, data, isBinary, atMs);
    else if (header.kind === 'delta') this.takeDelta(header, data, isBinary, atMs);
    else if (header.kind === 'error') this.faults.push(data.toString());
  }

  private whole(data: Buffer, isBinary: boolean): ServerMessage {
    return isBinary ? this.packed.read(exactBytes(data)) : (JSON.parse(data.toString()) as ServerMessage);
  }

  private takeSnapshot(header: FrameHeader & { kind: 'snapshot' }, data: Buffer, isBinary: boolean, atMs: number) {
    this.snapshotBytes += data.length;
    if (this.options.isWhole) {
      const message = this.whole(data, isBinary);
      if (message.type !== 'snapshot') throw new Error('the header lied');
      if (header.part === 1) this.vehicles.clear();
      for (const vehicle of message.vehicles) this.fold(vehicle);
    }
    if (header.part < header.parts) return;
    this.snapshots += 1;
    this.seq = header.seq;
    this.ack(true);
    this.resolveReady();
    this.options.onTick?.(header.seq, atMs, null);
  }

  private takeDelta(header: FrameHeader & { kind: 'delta' }, data: Buffer, isBinary: boolean, atMs: number) {
    if (header.prev !== this.seq) this.faults.push(`a gap: held ${this.seq}, was told ${header.prev}→${header.seq}`);
    this.seq = header.seq;
    this.deltas += 1;
    this.deltaBytes += data.length;
    let delta: DeltaMessage | null = null;
    if (this.options.isWhole) {
      const message = this.whole(data, isBinary);
      if (message.type !== 'delta') throw new Error('the header lied');
      delta = message;
      for (const vehicle of message.vehicles) this.fold(vehicle);
      for (const id of message.removed) this.vehicles.delete(id);
      this.updates += message.vehicles.length;
    }
    this.options.onTick?.(header.seq, atMs, delta);
    this.ack(false);
    this.resolveReady();
  }

  private fold(vehicle: Partial<LiveVehicle> & { id: string }): void {
    const known = this.vehicles.get(vehicle.id);
    // All fields or a change of what is held.
    const whole = { ...known, ...vehicle } as LiveVehicle;
    if (whole.tenantId !== this.options.tenantId) this.faults.push(`a foreign truck: ${JSON.stringify(vehicle)}`);
    this.vehicles.set(vehicle.id, whole);
  }

  private ack(isNow: boolean): void {
    this.unacked += 1;
    if (this.isMute || (!isNow && this.unacked < this.options.ackEvery)) return;
    this.unacked = 0;
    this.say({ type: 'ack', seq: this.seq });
  }

  close(): void {
    this.ws.close();
  }
}

/** Opens a reader for each ticket, some at a time, and waits until all hold the picture. */
export async function openReaders(
  url: string,
  tickets: readonly string[],
  optionsOf: (place: number) => ReaderOptions,
): Promise<Reader[]> {
  const readers: Reader[] = [];
  for (let from = 0; from < tickets.length; from += 20) {
    const some = tickets
      .slice(from, from + 20)
      .map((ticket, n) => new Reader(url, ticket, optionsOf(from + n), from + n));
    readers.push(...some);
    const late = new Promise<never>((_, reject) =>
      setTimeout(
        () => reject(new Error(`no picture: ${JSON.stringify(some[0]?.faults)} ${some[0]?.closed?.code}`)),
        20_000,
      ),
    );
    await Promise.race([Promise.all(some.map((reader) => reader.ready)), late]);
  }
  return readers;
}

/** What went wrong with any of them; empty when nothing did. */
export const faultsOf = (readers: readonly Reader[]): string[] =>
  readers.flatMap(({ faults, closed }) => [
    ...faults,
    ...(closed === null ? [] : [`closed with ${closed.code} ${closed.reason}`]),
  ]);
