/**
 * Which committed changes of one source tenant a room has heard: all up to `heardThrough`, and some beyond a gap.
 * Pure. A gap that never fills is what the Worker's sweep sees as a lagging room.
 */

export interface HeardCounters {
  /** Every change up to and including this count has been heard. */
  heardThrough: number;
  /** Counts heard beyond the first gap. */
  ahead: Set<number>;
}

/**
 * Past this many counts beyond a gap further ones are not remembered. Forgetting is safe: the room then looks as if it
 * lags, and a reseed repairs what was never broken.
 */
export const maxCountersAhead = 10_000;

export const heardUpTo = (counter: number): HeardCounters => ({ heardThrough: counter, ahead: new Set() });

export const hasHeard = (heard: HeardCounters, counter: number): boolean =>
  counter <= heard.heardThrough || heard.ahead.has(counter);

function closeGaps(heard: HeardCounters): void {
  while (heard.ahead.delete(heard.heardThrough + 1)) heard.heardThrough += 1;
}

/** Marks single counts as heard, in any order; a duplicate changes nothing. */
export function hear(heard: HeardCounters, counters: readonly number[]): void {
  for (const counter of counters) {
    if (counter === heard.heardThrough + 1) {
      heard.heardThrough = counter;
      closeGaps(heard);
    } else if (counter > heard.heardThrough && heard.ahead.size < maxCountersAhead) {
      heard.ahead.add(counter);
    }
  }
}

/** Marks everything up to `counter` as heard, as a seed does. Never goes back. */
export function hearThrough(heard: HeardCounters, counter: number): void {
  if (counter <= heard.heardThrough) return;
  heard.heardThrough = counter;
  for (const ahead of heard.ahead) if (ahead <= counter) heard.ahead.delete(ahead);
  closeGaps(heard);
}
