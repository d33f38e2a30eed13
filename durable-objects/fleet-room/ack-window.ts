/**
 * How fast one socket may be sent to, judged by what it has acknowledged. Pure, and small enough for an attachment.
 *
 * workerd does not say how much a socket still buffers, so the reader's acks are the only measure of a slow one: past a
 * window of unacknowledged frames it gets nothing, then single merged deltas, then its end.
 */
import { liveLimits } from '#contracts/live';

export interface AckWindow {
  /** The sequence number the client holds once it has read everything it was sent. */
  sentSeq: number;
  /** Sequence numbers of deltas sent and not acknowledged, ascending. */
  unacked: number[];
  /** Snapshots sent since the last ack that covered one: a filter changed in a loop must not fill memory either. */
  unackedSnapshots: number;
  snapshotSeq: number;
  lastSentMs: number;
  /** Since when something waits for this reader without an ack; null while it keeps up. */
  slowSinceMs: number | null;
  /** The next frame must be a whole snapshot (its filter or its rights changed while nothing could be sent). */
  owesSnapshot: boolean;
}

export const newWindow = (): AckWindow => ({
  sentSeq: 0,
  unacked: [],
  unackedSnapshots: 0,
  snapshotSeq: 0,
  lastSentMs: 0,
  slowSinceMs: null,
  owesSnapshot: false,
});

const isFull = (window: AckWindow): boolean =>
  window.unacked.length >= liveLimits.ackWindowTicks || window.unackedSnapshots >= liveLimits.ackWindowTicks;

/** Merged deltas a reader got beyond its full window. */
const sentBeyond = (window: AckWindow): number =>
  Math.max(window.unacked.length - liveLimits.ackWindowTicks, window.unackedSnapshots - liveLimits.ackWindowTicks);

/**
 * Something waits for this reader: may it be sent now? `tooSlow` ends the socket (4430). Notes since when it waits.
 */
export function judgeReader(window: AckWindow, nowMs: number): 'send' | 'wait' | 'tooSlow' {
  if (!isFull(window)) return 'send';
  window.slowSinceMs ??= nowMs;
  if (nowMs - window.slowSinceMs >= liveLimits.tooSlowAfterMs) return 'tooSlow';
  const mayTakeOne = sentBeyond(window) < liveLimits.slowReaderWindow;
  return mayTakeOne && nowMs - window.lastSentMs >= liveLimits.slowReaderEveryMs ? 'send' : 'wait';
}

/** When a waiting reader must be judged again (epoch milliseconds); null when nothing waits for it. */
export function nextJudgementMs(window: AckWindow): number | null {
  if (window.slowSinceMs === null) return null;
  const endMs = window.slowSinceMs + liveLimits.tooSlowAfterMs;
  if (sentBeyond(window) >= liveLimits.slowReaderWindow) return endMs;
  return Math.min(endMs, window.lastSentMs + liveLimits.slowReaderEveryMs);
}

export function noteDelta(window: AckWindow, seq: number, nowMs: number): void {
  window.sentSeq = seq;
  window.unacked.push(seq);
  window.lastSentMs = nowMs;
}

/** A snapshot replaces everything the client held, so earlier deltas need no ack any more. */
export function noteSnapshot(window: AckWindow, seq: number, nowMs: number): void {
  window.sentSeq = seq;
  window.unacked = [];
  window.unackedSnapshots += 1;
  window.snapshotSeq = seq;
  window.lastSentMs = nowMs;
  window.owesSnapshot = false;
}

/** Nothing waits for this reader any more. */
export function noteUpToDate(window: AckWindow): void {
  window.slowSinceMs = null;
}

/**
 * Takes an ack. `advances` when it acknowledges something for the first time: such acks answer what the server sent and
 * are as many as it chose; `beyond` names a sequence number this client was never sent (4400).
 */
export function noteAck(window: AckWindow, seq: number, nowMs: number): 'advances' | 'repeats' | 'beyond' {
  if (seq > window.sentSeq) return 'beyond';
  const { unacked } = window;
  let covered = 0;
  while (covered < unacked.length && (unacked[covered] ?? 0) <= seq) covered += 1;
  const coversSnapshot = window.unackedSnapshots > 0 && seq >= window.snapshotSeq;
  if (covered === 0 && !coversSnapshot) return 'repeats';
  if (covered === unacked.length) unacked.length = 0;
  else unacked.splice(0, covered);
  if (coversSnapshot) window.unackedSnapshots = 0;
  if (!isFull(window)) window.slowSinceMs = null;
  else if (window.slowSinceMs !== null) window.slowSinceMs = nowMs;
  return 'advances';
}
