/**
 * Pure: the trivial baseline that predictions are held against. It says one and the same chance to every vehicle: what the
 * tenant's own failure rate over the year before gives, as if failures came by pure chance (exponential lifetimes).
 */
import { accuracyHorizonDays } from '#contracts/scoring';
import { clampChance } from './rules.ts';

const dayMs = 86_400_000;
const windowDays = 365;
/** A fleet nobody knows yet: one failure in so many days of a truck. Weighs as much as that one failure. */
const unknownFleetDays = 120;

/** Vehicles by the day from which their failures are known; failures by the day they happened (`2026-11-20`). */
export interface FailureHistory {
  starts: readonly { day: string; vehicles: number }[];
  failures: readonly { day: string; failures: number }[];
}

const dayNumber = (day: string): number => Math.floor(Date.parse(day) / dayMs);

/** Failures per vehicle and day, as known at the beginning of each day from the year before it; in the days' order. */
export function failureRatesBefore(days: readonly string[], history: FailureHistory): number[] {
  const starts = history.starts.map(({ day, vehicles }) => ({ at: dayNumber(day), vehicles }));
  const failures = history.failures.map((one) => ({ at: dayNumber(one.day), failures: one.failures }));
  return days.map((day) => {
    const until = dayNumber(day);
    const from = until - windowDays;
    let vehicleDays = 0;
    for (const { at, vehicles } of starts) vehicleDays += Math.max(0, until - Math.max(from, at)) * vehicles;
    let seen = 0;
    for (const one of failures) if (one.at >= from && one.at < until) seen += one.failures;
    return (seen + 1) / (vehicleDays + unknownFleetDays);
  });
}

/** What the baseline says to everybody on one day for one horizon, with what each outcome costs it. */
export interface BaselineChance {
  day: string;
  horizonDays: number;
  chance: number;
  /** Log loss of a vehicle that failed, and of one that did not. */
  lossFailed: number;
  lossSurvived: number;
}

/** The baseline of each of these days and every horizon. */
export function baselineChances(days: readonly string[], history: FailureHistory): BaselineChance[] {
  const rates = failureRatesBefore(days, history);
  return days.flatMap((day, index) =>
    accuracyHorizonDays.map((horizonDays) => {
      const chance = clampChance(-Math.expm1(-(rates[index] as number) * horizonDays));
      return { day, horizonDays, chance, lossFailed: -Math.log(chance), lossSurvived: -Math.log(1 - chance) };
    }),
  );
}

/** Every UTC day from the one to the other, both included. */
export function daysBetween(from: string, to: string): string[] {
  const days: string[] = [];
  for (let ms = Date.parse(from); ms <= Date.parse(to); ms += dayMs) days.push(new Date(ms).toISOString().slice(0, 10));
  return days;
}
