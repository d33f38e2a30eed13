/** What became of a truck after a moment: the ground truth that models learn from and are judged by. */
import type { ServiceEventKind } from '#contracts/service-events';
import { demand } from '../trees/demand.ts';

export const dayMs = 86_400_000;

export interface Outcome {
  /** Days from the moment to the failure, or to where sight of it ends. */
  days: number;
  event: 0 | 1;
  /** The first repair or breakdown. */
  failedAt: string | null;
  /** Preventive work that came before any failure; null when simply nothing has happened yet. */
  censoredAt: string | null;
}

/** Epoch milliseconds; throws a RangeError for what names no instant. */
export const timeOfInstant = (time: string, name: string): number => {
  const ms = Date.parse(time);
  demand(Number.isFinite(ms), `${name} is not a time: ${time}`);
  return ms;
};

/** A failure, or preventive work that hides it. */
export interface LifetimeEnd {
  ms: number;
  isFailure: boolean;
}

/** Failures and preventive work in the order of time, a failure first where both fall on one instant; inspections change nothing. */
export const lifetimeEnds = (events: readonly { at: string; kind: ServiceEventKind }[]): LifetimeEnd[] =>
  events
    .map(({ at, kind }) => ({ ms: timeOfInstant(at, 'event.at'), isFailure: kind !== 'preventive', kind }))
    .filter(({ kind }) => kind !== 'inspection')
    .map(({ ms, isFailure }) => ({ ms, isFailure }))
    .sort((a, b) => a.ms - b.ms || Number(b.isFailure) - Number(a.isFailure));

/** The first end after `fromMs` and up to `untilMs`; null when sight ends before one. */
export const firstEnd = (ends: readonly LifetimeEnd[], fromMs: number, untilMs: number): LifetimeEnd | null => {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] as LifetimeEnd).ms <= fromMs) low = middle + 1;
    else high = middle;
  }
  const end = ends[low];
  return end === undefined || end.ms > untilMs ? null : end;
};

/**
 * The first repair or breakdown after `at` and up to `until` is a failure; preventive work before it ends the sight of
 * this lifetime (both at one instant: it failed); an inspection changes nothing; otherwise sight ends at `until`. What
 * happened at `at` itself belongs to the time before. Events may come in any order.
 * @throws RangeError for times that are none.
 */
export const outcomeAfter = (
  at: string,
  events: readonly { at: string; kind: ServiceEventKind }[],
  until: string,
): Outcome => {
  const fromMs = timeOfInstant(at, 'at');
  const untilMs = Math.max(fromMs, timeOfInstant(until, 'until'));
  const end = firstEnd(lifetimeEnds(events), fromMs, untilMs);
  const days = ((end?.ms ?? untilMs) - fromMs) / dayMs;
  if (end === null) return { days, event: 0, failedAt: null, censoredAt: null };
  const endedAt = new Date(end.ms).toISOString();
  return end.isFailure
    ? { days, event: 1, failedAt: endedAt, censoredAt: null }
    : { days, event: 0, failedAt: null, censoredAt: endedAt };
};
