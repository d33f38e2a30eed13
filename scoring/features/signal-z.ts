/** Signals against their ordinary values: one robust z-score per signal, from its own baseline or its model's. */
import type { VehicleFeatures } from '#contracts/risk';
import type { AnomalyModel } from '#contracts/scoring-models';
import { baselineZ } from '../anomaly/robust-z.ts';
import { ageDays, dayMs } from '../risk/ages.ts';

type Signal = VehicleFeatures['signals'][number];
export type ModelBaseline = AnomalyModel['modelBaselines'][number];

/** An old reading is no news. */
const freshDays = 7;
/** Beyond this a deviation is a broken sensor or a broken feed; it grows no further. */
export const largestZ = 99;

export interface SignalZ {
  signal: string;
  value: number;
  /** Median of the baseline. */
  expected: number;
  /** (value − median) / (1.4826 × MAD), within ±99. */
  z: number;
  /** Baseline of this truck, or of its make and model because its own is too young. */
  basis: 'own' | 'model';
  /** When it was read; never after `now`. */
  at: string;
  drift: NonNullable<Signal['drift']> | null;
}

/** The newest reading of each signal; of two at one instant the one that sorts first, whatever their order. */
export const newestPerName = (signals: readonly Signal[]): Signal[] => {
  const newest = new Map<string, Signal>();
  for (const signal of signals) {
    const known = newest.get(signal.name);
    if (known === undefined) {
      newest.set(signal.name, signal);
      continue;
    }
    const later = (Date.parse(signal.at) || 0) - (Date.parse(known.at) || 0);
    if (later > 0 || (later === 0 && JSON.stringify(signal) < JSON.stringify(known))) newest.set(signal.name, signal);
  }
  return [...newest.values()];
};

/** True while a reading says something of today. */
export const isFresh = (signal: Signal, nowMs: number): boolean => {
  const age = ageDays(signal.at, nowMs);
  return age !== null && age <= freshDays;
};

/**
 * The z-score of every signal with a fresh reading and a usable baseline (n ≥ 20, MAD > 0), by name in ascending order.
 * `baselines` are those of the truck's make and model, used where its own is too young; none unless given.
 */
export const signalZScores = (
  features: VehicleFeatures,
  now: Date,
  baselines: readonly ModelBaseline[] = [],
): SignalZ[] => {
  const nowMs = now.getTime();
  const { make, model } = features.vehicle;
  return newestPerName(features.signals)
    .flatMap((signal) => {
      if (!isFresh(signal, nowMs)) return [];
      const ownZ = baselineZ(signal);
      const shared =
        ownZ === null
          ? baselines.find((one) => one.signal === signal.name && one.make === make && one.model === model)
          : undefined;
      const z =
        shared === undefined
          ? ownZ
          : baselineZ({ value: signal.value, baselineMedian: shared.median, baselineMad: shared.mad, n: shared.n });
      if (z === null) return [];
      const isOwn = shared === undefined;
      const ageMs = (ageDays(signal.at, nowMs) as number) * dayMs;
      return [
        {
          signal: signal.name,
          value: signal.value,
          expected: (isOwn ? signal.baselineMedian : shared.median) as number,
          z: Math.max(-largestZ, Math.min(largestZ, z)),
          basis: isOwn ? ('own' as const) : ('model' as const),
          at: new Date(nowMs - ageMs).toISOString(),
          drift: isOwn ? (signal.drift ?? null) : null,
        },
      ];
    })
    .sort((a, b) => (a.signal < b.signal ? -1 : 1));
};

/**
 * One row for the isolation forest: z-scores within ±10 in the order of `forestSignals`, 0 where a signal is unknown.
 * Training and serving both build their rows here.
 */
export const jointSignalRow = (scores: readonly SignalZ[], forestSignals: readonly string[]): number[] =>
  forestSignals.map((name) => {
    const z = scores.find((score) => score.signal === name)?.z ?? 0;
    return Math.max(-10, Math.min(10, z));
  });
