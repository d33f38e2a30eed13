/**
 * What a room has taken goes on to the tracks: at once, several batches in one call, one call at a time, again after a
 * failure. What waits is in the room's log; nothing is kept here that a loss of memory would matter to.
 */
import type { AppendOutcome } from '../fleet-tracks/feed.ts';
import type { Outgoing, ReadingLog } from './reading-log.ts';

/** In one call at most. */
const mostEntriesPerCall = 512;
const mostBytesPerCall = 512 * 1024;

/** More must not wait: about two minutes of the busiest fleet, and what a recovery can count quickly. */
export const mostWaiting = { entries: 20_000, rows: 100_000, bytes: 16 * 1024 * 1024 } as const;

/**
 * Calls begin this far apart, unless much waits: the first batch after a quiet time goes at once, a stream of them goes
 * together. Each call is a commit of the tracks and costs as much as a hundred delivered frames; who reads the tracks waits
 * for what was taken (`settle`), and what happens at a geofence is told within seconds either way.
 */
export const gatherMs = 1_000;
/** Behind what is in memory alone, a call or a timer, stands the alarm: both may die with the object. */
const backupAfterMs = 5_000;

const firstRetryMs = 1_000;
const mostRetryMs = 30_000;
const busyRetrySeconds = 2;

export const retryAfterMs = (failures: number): number => Math.min(mostRetryMs, firstRetryMs * 2 ** (failures - 1));

export interface TrackOutboxPorts {
  append(readings: Uint8Array): Promise<AppendOutcome>;
  /** Runs the work like any entry of the room: with its log, and the alarm armed afterwards. */
  reenter(work: (outbox: TrackOutbox, nowMs: number) => void): void;
  /** Runs the work once, after so many milliseconds, if the object lives. */
  later(afterMs: number, work: () => void): void;
}

export class TrackOutbox {
  private readonly log: ReadingLog;
  private readonly ports: TrackOutboxPorts;
  private inFlight: Promise<void> | null = null;
  private lastCallMs = 0;
  private isGathering = false;
  private failures = 0;
  private retryAtMs = 0;
  /** Until then the tracks have asked not to be sent anything. */
  private busyUntilMs = 0;

  constructor(log: ReadingLog, ports: TrackOutboxPorts) {
    this.log = log;
    this.ports = ports;
  }

  /** In how many seconds a gateway should come again, when nothing more can be taken now; else null. */
  busyForSeconds(nowMs: number): number | null {
    const { entries, rows, bytes } = this.log.waiting;
    const isFull = entries >= mostWaiting.entries || rows >= mostWaiting.rows || bytes >= mostWaiting.bytes;
    if (nowMs < this.busyUntilMs) return Math.max(1, Math.ceil((this.busyUntilMs - nowMs) / 1_000));
    return isFull ? busyRetrySeconds : null;
  }

  /** When something is to be done though nobody comes (epoch milliseconds); null when the tracks have everything. */
  dueMs(nowMs: number): number | null {
    if (this.log.waiting.entries === 0) return null;
    return this.inFlight || this.isGathering ? nowMs + backupAfterMs : Math.max(nowMs, this.retryAtMs);
  }

  /** Sends what waits, unless a call is under way or a pause is kept. Never delays the caller. */
  pump(nowMs: number): void {
    const { entries, bytes } = this.log.waiting;
    if (this.inFlight || nowMs < this.retryAtMs || entries === 0) return;
    const gatherForMs = Math.min(gatherMs, this.lastCallMs + gatherMs - nowMs);
    if (gatherForMs > 0 && entries < mostEntriesPerCall && bytes < mostBytesPerCall) {
      this.gather(gatherForMs);
      return;
    }
    this.lastCallMs = nowMs;
    const outgoing = this.log.outgoing(mostEntriesPerCall, mostBytesPerCall);
    if (outgoing) this.inFlight = this.send(outgoing);
  }

  private gather(forMs: number): void {
    if (this.isGathering) return;
    this.isGathering = true;
    this.ports.later(forMs, () => {
      this.isGathering = false;
      this.enter((outbox, nowMs) => outbox.pump(nowMs));
    });
  }

  private enter(work: (outbox: TrackOutbox, nowMs: number) => void): void {
    try {
      this.ports.reenter(work);
    } catch (cause) {
      // What it would have noted is in the log: it is sent again by the alarm.
      console.error(JSON.stringify({ level: 'error', event: 'room_not_entered', cause: String(cause) }));
    }
  }

  /** Resolves once the tracks have everything written by now, or when `deadline` does. */
  async settle(deadline: Promise<unknown>): Promise<void> {
    const target = this.log.last;
    let isLate = false;
    const late = deadline.then(() => {
      isLate = true;
    });
    while (this.log.confirmed < target && !isLate) {
      if (!this.inFlight) {
        this.retryAtMs = 0;
        this.lastCallMs = 0;
        this.enter((outbox, nowMs) => outbox.pump(nowMs));
        if (!this.inFlight) return;
      }
      await Promise.race([this.inFlight, late]);
      if (this.failures > 0) await late;
    }
  }

  private async send(outgoing: Outgoing): Promise<void> {
    let outcome: AppendOutcome | null = null;
    try {
      outcome = await this.ports.append(outgoing.readings);
    } catch (cause) {
      console.error(JSON.stringify({ level: 'error', event: 'tracks_not_fed', cause: String(cause) }));
    }
    this.inFlight = null;
    this.enter((outbox, nowMs) => outbox.settleCall(outgoing, outcome, nowMs));
  }

  private settleCall(outgoing: Outgoing, outcome: AppendOutcome | null, nowMs: number): void {
    if (outcome?.kind === 'taken') {
      this.failures = 0;
      this.retryAtMs = 0;
      this.busyUntilMs = 0;
      this.log.confirm(outgoing);
      this.pump(nowMs);
      return;
    }
    this.failures += 1;
    const pauseMs = outcome ? outcome.retryAfterSeconds * 1_000 : retryAfterMs(this.failures);
    this.retryAtMs = nowMs + pauseMs;
    if (outcome) this.busyUntilMs = this.retryAtMs;
  }
}
