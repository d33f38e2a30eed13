/** What is ordinary for a fleet's trucks: joint oddness of their signals, how often faults open, baselines per model. */
import type { VehicleFeatures } from '#contracts/risk';
import type { AnomalyModel } from '#contracts/scoring-models';
import { signalNames } from '#contracts/telemetry';
import { faultRateDays, fitFaultRatePrior, leastObservedDays } from '../anomaly/fault-rate.ts';
import { anomalyScore, fitIsolationForest } from '../anomaly/isolation-forest.ts';
import { baselineZ, median } from '../anomaly/robust-z.ts';
import { jointSignalRow, newestPerName } from '../features/signal-z.ts';
import type { VehicleSignals } from './training-types.ts';

const forestTrees = 50;
const forestSample = 64;
/** Fewer vehicles do not say which combinations are ordinary. */
const rowsForForest = 40;
const signalsForForest = 3;
/** One of a hundred ordinary rows may be called odd. */
const thresholdShare = 0.99;
const vehiclesForBaseline = 3;
const digits = 6;

const round = (value: number): number => Number(value.toPrecision(digits));

type Signal = VehicleFeatures['signals'][number];

/** Robust z against the truck's own baseline; null without a usable one. */
const zOf = (signal: Signal): number | null => {
  const z = baselineZ(signal);
  return z !== null && Number.isFinite(z) ? z : null;
};

const fitForest = (
  vehicles: readonly VehicleSignals[],
  seed: number,
): Pick<AnomalyModel, 'forest' | 'forestSignals' | 'forestThreshold'> => {
  const known = vehicles.map(({ signals }) =>
    newestPerName(signals).flatMap((signal) => {
      const z = zOf(signal);
      return z === null ? [] : [{ name: signal.name, z }];
    }),
  );
  const seen = new Set(known.flat().map(({ name }) => name));
  const forestSignals = signalNames.filter((name) => seen.has(name));
  const rows = known
    .filter((scores) => scores.length >= signalsForForest)
    .map((scores) =>
      jointSignalRow(
        scores.map(({ name, z }) => ({
          signal: name,
          z,
          value: 0,
          expected: 0,
          basis: 'own' as const,
          at: '',
          drift: null,
        })),
        forestSignals,
      ),
    );
  if (rows.length < rowsForForest) return { forest: null, forestSignals: [], forestThreshold: 1 };
  const forest = fitIsolationForest({ x: rows, trees: forestTrees, sampleSize: forestSample, seed });
  if ('kind' in forest) return { forest: null, forestSignals: [], forestThreshold: 1 };
  const stored = {
    ...forest,
    values: forest.values.map((value, node) => (forest.nodes[node] === -1 ? round(value) : value)),
  };
  const scores = anomalyScore(stored, rows).sort((a, b) => a - b);
  const threshold = scores[Math.min(scores.length - 1, Math.floor(thresholdShare * scores.length))] as number;
  return { forest: stored, forestSignals: [...forestSignals], forestThreshold: round(threshold) };
};

/** Per make, model and signal: the middle of the trucks' medians, and a spread that holds within and between trucks. */
const modelBaselines = (vehicles: readonly VehicleSignals[]): AnomalyModel['modelBaselines'] => {
  const groups = new Map<string, { make: string; model: string; signal: string; of: Signal[] }>();
  for (const { make, model, signals } of vehicles) {
    if (make === null || model === null) continue;
    for (const signal of newestPerName(signals)) {
      if (zOf(signal) === null) continue;
      const key = JSON.stringify([make, model, signal.name]);
      const group = groups.get(key) ?? { make, model, signal: signal.name, of: [] };
      group.of.push(signal);
      groups.set(key, group);
    }
  }
  return [...groups.entries()]
    .filter(([, { of }]) => of.length >= vehiclesForBaseline)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, { make, model, signal, of }]) => {
      const medians = of.map(({ baselineMedian }) => baselineMedian as number);
      const center = median(medians);
      const within = median(of.map(({ baselineMad }) => baselineMad as number));
      const between = median(medians.map((value) => Math.abs(value - center)));
      const mad = Math.hypot(within, between);
      const n = of.reduce((sum, one) => sum + Math.floor(one.n), 0);
      return mad > 0 && Number.isFinite(mad) && Number.isSafeInteger(n)
        ? [{ make, model, signal, median: round(center), mad: round(mad), n }]
        : [];
    });
};

/**
 * Learns what is ordinary. Parts that the data do not carry are null or empty: a forest takes 40 vehicles with three signals
 * each, a fault rate two vehicles watched for 60 days and a fault, a baseline three trucks of one make and model. The order of the vehicles
 * changes nothing. Unreadable signals and counts are left out.
 */
export const fitAnomalyModel = (vehicles: readonly VehicleSignals[], seed: number): AnomalyModel => {
  const counts = vehicles
    .filter(({ observedDays }) => observedDays >= leastObservedDays)
    .map(({ faultsOpened }) => faultsOpened)
    .filter((count) => count >= 0 && Number.isFinite(count))
    .sort((a, b) => a - b);
  const faultRate = fitFaultRatePrior({ counts, days: counts.map(() => faultRateDays) });
  return {
    format: 'anomaly-1',
    ...fitForest(vehicles, seed),
    faultRate: 'kind' in faultRate ? null : { shape: round(faultRate.shape), rate: round(faultRate.rate) },
    modelBaselines: modelBaselines(vehicles),
  };
};
