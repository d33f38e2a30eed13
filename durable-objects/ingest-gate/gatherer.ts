/**
 * Gathers batches that come at about the same time into one call, and gives each its own part of the answer. Holds a bounded
 * number of rows in memory and nothing else: a batch is answered for by the room or not at all.
 */
import type { IngestOutcome } from '../fleet-room/feed.ts';
import { countRows } from '../readings/packed-readings.ts';

export const gathering = {
  /** A batch waits for others at most so long. */
  withinMs: 25,
  /** A call carries about so many rows: what is gathered goes once it has them. */
  rowsPerCall: 5_000,
  /** Rows in memory, waiting or on their way; what comes beyond is told to come back. */
  maxRows: 50_000,
  /** Calls on their way at a time. In order: an object takes the calls of one caller as they were made. */
  maxCalls: 2,
  retryAfterSeconds: 1,
} as const;

interface Batch {
  rows: Uint8Array;
  count: number;
  resolve(outcome: IngestOutcome): void;
  reject(cause: unknown): void;
}

/** Where what was gathered goes: the tenant's room. */
export type Send = (rows: Uint8Array) => Promise<IngestOutcome>;

export class Gatherer {
  private readonly send: Send;
  private waiting: Batch[] = [];
  private waitingRows = 0;
  private heldRows = 0;
  private calls = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(send: Send) {
    this.send = send;
  }

  /** Rows in memory, for those who want to know how busy it is. */
  get rows(): number {
    return this.heldRows;
  }

  /** Resolves when the call that carried the batch has; rejects with it too. Throws on bytes that are no packed rows. */
  async add(rows: Uint8Array): Promise<IngestOutcome> {
    const count = countRows(rows);
    if (count === 0) return { kind: 'taken', unknown: [] };
    if (this.heldRows + count > gathering.maxRows) {
      return { kind: 'busy', retryAfterSeconds: gathering.retryAfterSeconds };
    }
    this.heldRows += count;
    this.waitingRows += count;
    return new Promise((resolve, reject) => {
      this.waiting.push({ rows, count, resolve, reject });
      if (this.waitingRows >= gathering.rowsPerCall) this.flush();
      else this.timer ??= setTimeout(() => this.flush(), gathering.withinMs);
    });
  }

  /** Sends what waits, unless enough is on its way: then it goes when one of those calls is back. */
  private flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    while (this.waiting.length > 0 && this.calls < gathering.maxCalls) void this.call(this.nextLoad());
  }

  /** The oldest batches that make one call: at least one, and no more rows than a call should carry. */
  private nextLoad(): Batch[] {
    let rows = 0;
    let end = 0;
    for (const { count } of this.waiting) {
      if (end > 0 && rows + count > gathering.rowsPerCall) break;
      rows += count;
      end += 1;
    }
    this.waitingRows -= rows;
    return this.waiting.splice(0, end);
  }

  private async call(batches: Batch[]): Promise<void> {
    this.calls += 1;
    try {
      const outcome = await this.send(concatenated(batches));
      if (outcome.kind === 'busy') for (const { resolve } of batches) resolve(outcome);
      else deal(batches, outcome.unknown);
    } catch (cause) {
      // Whether it was kept nobody knows: nobody is told yes.
      for (const { reject } of batches) reject(cause);
    } finally {
      this.calls -= 1;
      for (const { count } of batches) this.heldRows -= count;
      this.flush();
    }
  }
}

function concatenated(batches: readonly Batch[]): Uint8Array {
  const [only] = batches;
  if (only !== undefined && batches.length === 1) return only.rows;
  const whole = new Uint8Array(batches.reduce((bytes, { rows }) => bytes + rows.byteLength, 0));
  let at = 0;
  for (const { rows } of batches) {
    whole.set(rows, at);
    at += rows.byteLength;
  }
  return whole;
}

/** Gives each batch the unknown rows that are its own, by their index in it. The room names them in ascending order. */
function deal(batches: readonly Batch[], unknown: readonly number[]): void {
  let first = 0;
  let next = 0;
  for (const { count, resolve } of batches) {
    const own: number[] = [];
    for (; (unknown[next] ?? Infinity) < first + count; next += 1) own.push((unknown[next] as number) - first);
    resolve({ kind: 'taken', unknown: own });
    first += count;
  }
}
