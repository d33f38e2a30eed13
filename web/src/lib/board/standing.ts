/** Whether a board may count as current, and what its banner says when it may not. Pure. */
import { formatDateTime, formatSpan } from '../format/time.ts';
import type { LiveState } from '../live/connection.ts';

/** Heard within this long a board counts as current; the server is pinged every 15 s. */
const currentWithinMs = 40_000;

export type Standing = 'empty' | 'current' | 'catching_up' | 'old';

/**
 * `current`: the server was heard just now. `catching_up`: the line is away for a moment. `old`: nobody may take it for the
 * present, whatever the socket says.
 */
export function standingOf(asOfMs: number | null, state: LiveState, nowMs: number): Standing {
  if (asOfMs === null) return 'empty';
  if (nowMs - asOfMs >= currentWithinMs || state.kind === 'offline' || state.kind === 'ended') return 'old';
  return state.kind === 'live' ? 'current' : 'catching_up';
}

/** From when the board is, with its date; `trouble` is why, when more is known than that the line is away. */
export function bannerWords(asOfMs: number, nowMs: number, timeZone: string, trouble: string | null): string {
  const at = formatDateTime(new Date(asOfMs).toISOString(), timeZone, nowMs);
  const words = `Not live since ${at} (${formatSpan(nowMs - asOfMs)}). This is the last known picture.`;
  return trouble === null ? words : `${words} ${trouble}`;
}
