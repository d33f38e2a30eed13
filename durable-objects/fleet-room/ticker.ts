/**
 * When a room's changes go out. A one-shot timer runs only while a tick is due, or while something waits to be kept; a room
 * that is quiet has none and hibernates. The alarm stands behind the timer for the case that memory is lost in between.
 */
import { liveLimits } from '#contracts/live';

/**
 * Ticks are coalesced to this distance. The first change after a quiet time goes out at once; the limit of 250 ms is for
 * rooms with a large audience, where each frame costs, and the short one keeps a change under 100 ms in all others.
 */
const tickGapMs = (sockets: number): number => (sockets > 100 ? liveLimits.tickMs : 80);

/** Without an audience changes gather in one tick, but not without end: only ended ticks can be forgotten. */
const ticklessLogEntries = 1_000;

/** The alarm comes this long after the timer should have: late enough never to be the one that ticks. */
const backupAfterMs = 1_000;

/** A room counts as quiet after this long without a tick or an ack; what waits to be kept waits no longer than that. */
const quietAfterMs = 3_000;
const keepWithinMs = 15_000;

/** What the ticker needs to know of the room. */
export interface TickNeeds {
  hasChanges: boolean;
  /** Somebody waits for changes: sockets here, or rooms that subscribe. */
  isAwaited: boolean;
  sockets: number;
  /** Entries of the open tick that only its end lets the room forget. */
  openEntries: number;
  /** Something is in memory alone. */
  mustKeep: boolean;
}

export class Ticker {
  private readonly wake: () => void;
  private lastTickMs = 0;
  private lastBusyMs = 0;
  private unkeptSinceMs: number | null = null;
  private timer: { id: ReturnType<typeof setTimeout>; atMs: number } | null = null;

  /** `wake` is called when a timer fires; it must end in `arm`. */
  constructor(wake: () => void) {
    this.wake = wake;
  }

  isTickDue({ hasChanges, isAwaited, sockets, openEntries }: TickNeeds, nowMs: number): boolean {
    if (openEntries >= ticklessLogEntries) return true;
    return hasChanges && isAwaited && nowMs - this.lastTickMs >= tickGapMs(sockets);
  }

  noteTick(nowMs: number): void {
    this.lastTickMs = nowMs;
    this.lastBusyMs = nowMs;
  }

  noteBusy(nowMs: number): void {
    this.lastBusyMs = nowMs;
  }

  /** True when what is in memory alone must be written now. */
  isKeepingDue({ mustKeep }: TickNeeds, nowMs: number): boolean {
    if (!mustKeep) {
      this.unkeptSinceMs = null;
      return false;
    }
    this.unkeptSinceMs ??= nowMs;
    return nowMs - this.lastBusyMs >= quietAfterMs || nowMs - this.unkeptSinceMs >= keepWithinMs;
  }

  noteKept(): void {
    this.unkeptSinceMs = null;
  }

  /** True while a timer is set: whatever comes to be due is seen to when it fires. */
  get isArmed(): boolean {
    return this.timer !== null;
  }

  /** Sets the timer for the next thing due, if any is and none is set for as early. */
  arm(needs: TickNeeds, nowMs: number): void {
    let atMs: number | null = null;
    if (needs.hasChanges && needs.isAwaited) atMs = this.lastTickMs + tickGapMs(needs.sockets);
    else if (needs.mustKeep) {
      // A timer that comes early is set again: moving it with every frame would cost more.
      if (this.timer !== null) return;
      atMs = Math.max(nowMs, this.lastBusyMs) + quietAfterMs;
    }
    if (atMs === null || (this.timer !== null && this.timer.atMs <= atMs)) return;
    this.stop();
    const id = setTimeout(
      () => {
        this.timer = null;
        this.wake();
      },
      Math.max(0, atMs - nowMs),
    );
    this.timer = { id, atMs };
  }

  /** When the alarm must tick if the timer did not (epoch milliseconds); null when no tick is due. */
  backupMs({ hasChanges, isAwaited }: TickNeeds, nowMs: number): number | null {
    return hasChanges && isAwaited ? nowMs + backupAfterMs : null;
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer.id);
    this.timer = null;
  }
}
