/**
 * One object has one alarm, and a room waits for several things. Pure: the earliest of them.
 */

/** Epoch milliseconds at which each thing is due; null when nothing of the kind is awaited. */
export interface AlarmReasons {
  /** A while after the edge of the running tick, when changes wait for it: the timer has ticked by then. */
  tickMs: number | null;
  /** A vehicle goes stale or offline by age. */
  statusMs: number | null;
  /** A socket has not said hello in time. */
  helloMs: number | null;
  /** A slow reader is due a merged delta, or its end. */
  slowReaderMs: number | null;
  /** Readings wait to be copied back to D1. */
  copyBackMs: number | null;
  /** A display has fallen silent, or the Worker has not been told of one. */
  displayMs: number | null;
  /** Readings wait to be sent to the tracks. */
  tracksMs: number | null;
  /** Rooms that watch this one wait to be sent something again. */
  subscribersMs: number | null;
  /** A subscription to a customer's room is to be made or renewed. */
  mirrorsMs: number | null;
}

/** The earliest reason, never in the past; null when the room may sleep. */
export function nextAlarmMs(reasons: AlarmReasons, nowMs: number): number | null {
  let earliest: number | null = null;
  for (const due of Object.values(reasons) as (number | null)[]) {
    if (due !== null && (earliest === null || due < earliest)) earliest = due;
  }
  return earliest === null ? null : Math.max(earliest, nowMs);
}

/**
 * What to do with the alarm that is armed. An alarm that fires early is harmless (it re-arms), and every change of it is
 * a write, so it is only ever moved forward.
 */
export const shouldRearm = (armedAtMs: number | null, wantedMs: number | null): wantedMs is number =>
  wantedMs !== null && (armedAtMs === null || wantedMs < armedAtMs);
