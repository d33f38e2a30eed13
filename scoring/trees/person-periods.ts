/**
 * Survival data as one row per subject and period at risk: the discrete-time hazard model (Singer & Willett 1993; Tutz &
 * Schmid 2016). A hazard is the chance to fail in a period for who reached it; logistic loss on these rows is the
 * model's likelihood.
 *
 * Periods end at event times chosen by rank. Who is observed through only part of a period counts in it by the share
 * of its events that fell into that part, so that with one period per event time the curve without columns is exactly
 * Kaplan–Meier: a censoring tied with an event was still at risk, one before it was not.
 */
import { binOf, quantileEdges } from './binning.ts';

export interface PersonPeriods {
  /** Ends of the periods, ascending; the last is the last event. */
  periodEnds: number[];
  /** Per row: whose it is (place in `order`), which period, whether it ended in the event, its weight. */
  subject: Int32Array;
  period: Uint8Array;
  event: Float64Array;
  weight: Float64Array;
  /** Rows of subject s: from firstRow[s] to firstRow[s + 1]. */
  firstRow: Int32Array;
}

/** Share of the period's sorted event times at or before `time`. */
const shareThrough = (events: readonly number[], time: number): number => {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle] as number) <= time) low = middle + 1;
    else high = middle;
  }
  return low / events.length;
};

/**
 * Expands subjects, in `order`. Events count at their exact time: a subject who enters at `entry` is at risk for events
 * strictly after it. There must be at least one event.
 */
export const personPeriods = (
  time: readonly number[],
  event: readonly number[],
  entry: readonly number[] | undefined,
  order: Int32Array,
  periods: number,
): PersonPeriods => {
  const eventTimes = Float64Array.from(time.filter((_, row) => event[row] === 1)).sort();
  const edges = quantileEdges(eventTimes, periods);
  const inPeriod: number[][] = Array.from({ length: edges.length + 1 }, () => []);
  for (const at of eventTimes) inPeriod[binOf(at, edges)]?.push(at);

  const subject: number[] = [];
  const period: number[] = [];
  const events: number[] = [];
  const weight: number[] = [];
  const firstRow = new Int32Array(order.length + 1);
  order.forEach((row, place) => {
    firstRow[place] = subject.length;
    const end = time[row] as number;
    const start = entry === undefined ? -1 : (entry[row] as number);
    const failed = event[row] === 1;
    const firstPeriod = entry === undefined ? 0 : binOf(start, edges);
    const lastPeriod = binOf(end, edges);
    for (let at = firstPeriod; at <= lastPeriod; at += 1) {
      const isLast = at === lastPeriod;
      const fails = failed && isLast;
      let share = 1;
      if (!fails && isLast) share = shareThrough(inPeriod[at] as number[], end);
      if (!fails && at === firstPeriod && entry !== undefined) share -= shareThrough(inPeriod[at] as number[], start);
      if (share <= 0) continue;
      subject.push(place);
      period.push(at);
      events.push(fails ? 1 : 0);
      weight.push(share);
    }
  });
  firstRow[order.length] = subject.length;
  return {
    periodEnds: [...edges, eventTimes[eventTimes.length - 1] as number],
    subject: Int32Array.from(subject),
    period: Uint8Array.from(period),
    event: Float64Array.from(events),
    weight: Float64Array.from(weight),
    firstRow,
  };
};
