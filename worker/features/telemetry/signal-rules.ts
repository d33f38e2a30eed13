/**
 * Pure: readings of signals folded into one row per vehicle, signal and UTC day. At most one reading a minute counts, the
 * first that arrives; a batch that comes twice changes nothing. Whatever the order in which minutes arrive, the row ends
 * up the same to the bit: sums are of whole ten-thousandths, which doubles add exactly.
 */
import { signalInputSchema, type Rejection, type SignalInput, type SignalName } from '#contracts/telemetry';
import { judgeRows, type JudgedRow } from '#contracts/telemetry-rows';
import { fromBase64, toBase64 } from '../../encoding.ts';

const dayMs = 86_400_000;
const minutesPerDay = 1_440;
/** Parts of a signal's unit that are kept; finer than any sensor of a truck. */
const partsPerUnit = 10_000;

/** Older readings are refused: the days they belong to are no longer kept. */
export const oldestReadingDays = 400;
/** Days older than this are closed every night: they lose the list of their minutes, and nothing changes them any more. */
export const openDays = 31;

export interface SignalReading {
  vehicleId: string;
  name: SignalName;
  /** RFC 3339 in UTC, as `toISOString` writes it. */
  at: string;
  value: number;
}

/** One row of `signal_days`. */
export interface SignalDay {
  vehicleId: string;
  name: string;
  /** `2026-11-20`. */
  day: string;
  readings: number;
  mean: number;
  min: number;
  max: number;
  lastValue: number;
  lastAt: string;
  minutes: string | null;
  version: number;
}

export const judgeSignals = (
  rows: readonly unknown[],
  now: Date,
): { judged: JudgedRow<SignalInput>[]; rejected: Rejection[] } => {
  const { judged, rejected } = judgeRows<SignalInput>(rows, signalInputSchema, now);
  const oldestMs = now.getTime() - oldestReadingDays * dayMs;
  const young: JudgedRow<SignalInput>[] = [];
  for (const one of judged) {
    if (Date.parse(one.row.at) >= oldestMs) young.push(one);
    else {
      const message = `at lies more than ${oldestReadingDays} days back`;
      rejected.push({ index: one.index, code: 'INVALID_TIME', message });
    }
  }
  return { judged: young, rejected };
};

export const dayOf = (at: string): string => at.slice(0, 10);

/** What names a rollup. */
export const keyOf = ({ vehicleId, name, day }: Pick<SignalDay, 'vehicleId' | 'name' | 'day'>): string =>
  `${vehicleId} ${name} ${day}`;

/** Readings by the rollup they belong to, in the order they came. */
export const readingsByDay = (readings: readonly SignalReading[]): Map<string, SignalReading[]> =>
  Map.groupBy(readings, ({ vehicleId, name, at }) => keyOf({ vehicleId, name, day: dayOf(at) }));

const inParts = (value: number): number => Math.round(value * partsPerUnit);

/** Which readings of one day count: the first of every minute that has none yet. Marks them in `minutes`. */
function firstOfTheirMinutes(readings: readonly SignalReading[], minutes: Uint8Array): SignalReading[] {
  return readings.filter(({ at }) => {
    const minute = Math.floor((Date.parse(at) % dayMs) / 60_000);
    const byte = minute >>> 3;
    const bit = 1 << (minute & 7);
    if (((minutes[byte] ?? 0) & bit) !== 0) return false;
    minutes[byte] = (minutes[byte] ?? 0) | bit;
    return true;
  });
}

/**
 * The rollup with these readings of its own day added, or null when they change nothing: every minute counted already, or
 * the day closed. `known` null: there is none yet. `version` rises by one.
 */
export function addReadings(known: SignalDay | null, readings: readonly SignalReading[]): SignalDay | null {
  const [any] = readings;
  if (any === undefined || known?.minutes === null) return null;
  const minutes = known === null ? new Uint8Array(minutesPerDay / 8) : fromBase64(known.minutes);
  const counted = firstOfTheirMinutes(readings, minutes);
  const [first] = counted;
  if (first === undefined) return null;
  const parts = counted.map(({ value }) => inParts(value));
  const values = parts.map((part) => part / partsPerUnit);
  const total = (known?.readings ?? 0) + counted.length;
  const knownSum = known === null ? 0 : inParts(known.mean * known.readings);
  const sum = parts.reduce((all, part) => all + part, knownSum);
  let lastAt = known?.lastAt ?? '';
  let lastValue = known?.lastValue ?? 0;
  counted.forEach(({ at }, index) => {
    if (at <= lastAt) return;
    lastAt = at;
    lastValue = values[index] as number;
  });
  return {
    vehicleId: any.vehicleId,
    name: any.name,
    day: dayOf(any.at),
    readings: total,
    mean: sum / total / partsPerUnit,
    min: Math.min(known?.min ?? Infinity, ...values),
    max: Math.max(known?.max ?? -Infinity, ...values),
    lastValue,
    lastAt,
    minutes: toBase64(minutes),
    version: (known?.version ?? 0) + 1,
  };
}
