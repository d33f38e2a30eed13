/**
 * What is unusual about a vehicle's signals: values far from their baseline, slow drifts, odd combinations, and more new
 * fault codes than chance explains. Every anomaly names its signal.
 */
import type { VehicleFeatures, VehicleScore } from '#contracts/risk';
import type { AnomalyModel } from '#contracts/scoring-models';
import { faultRateDays, faultRateSurprise, leastObservedDays } from '../anomaly/fault-rate.ts';
import { anomalyScore } from '../anomaly/isolation-forest.ts';
import { outlierZ } from '../anomaly/robust-z.ts';
import { countOpened30Days } from '../features/fault-features.ts';
import { jointSignalRow, largestZ, signalZScores, type SignalZ } from '../features/signal-z.ts';
import { dayMs, instantMs } from './ages.ts';

export type Anomaly = VehicleScore['anomalies'][number];

export interface Oddity {
  anomaly: Anomaly;
  basis: SignalZ['basis'];
  /** Beyond the outlier threshold. */
  isOutlier: boolean;
  drift: SignalZ['drift'];
}

/** Signals that are odd together: the score, the model's threshold, and who is to blame, most responsible first. */
export interface JointOddity {
  score: number;
  threshold: number;
  signals: SignalZ[];
}

export interface FaultBurst {
  anomaly: Anomaly;
  expected: number;
  /** −log10 of the chance of so many, if nothing changed. */
  surprise: number;
}

export interface Oddities {
  signals: Oddity[];
  joint: JointOddity | null;
  faults: FaultBurst | null;
}

/** One chance in a hundred. */
export const surpriseThreshold = 2;
export const burstSignal = 'faultsOpened30Days';
const blamedAtMost = 3;

/** Beyond this a double has no second decimal. */
export const twoDecimals = (value: number): number => (Math.abs(value) < 1e12 ? Math.round(value * 100) / 100 : value);

const anomalyOf = (score: SignalZ, since: string): Anomaly => ({
  signal: score.signal,
  value: score.value,
  expected: score.expected,
  zScore: twoDecimals(score.z),
  since,
});

const driftSince = (drift: SignalZ['drift'], nowMs: number): string | null => {
  const ms = instantMs(drift?.since);
  return ms === null ? null : new Date(Math.min(ms, nowMs)).toISOString();
};

const oddityOf = (score: SignalZ, nowMs: number): Oddity | null => {
  const isOutlier = Math.abs(score.z) >= outlierZ;
  if (!isOutlier && score.drift === null) return null;
  const since = driftSince(score.drift, nowMs) ?? score.at;
  return { anomaly: anomalyOf(score, since), basis: score.basis, isOutlier, drift: score.drift };
};

/** How much of the oddness goes away when one signal is put back to its ordinary value. */
const jointOddity = (scores: readonly SignalZ[], model: AnomalyModel): JointOddity | null => {
  const { forest, forestSignals, forestThreshold } = model;
  if (forest === null || forest.columns !== forestSignals.length) return null;
  const taking = scores.filter((score) => forestSignals.includes(score.signal) && score.z !== 0);
  // One odd signal is an outlier of its own, not an odd combination.
  if (taking.length < 2) return null;
  const [whole = 0] = anomalyScore(forest, [jointSignalRow(scores, forestSignals)]);
  if (!(whole > forestThreshold)) return null;
  const without = anomalyScore(
    forest,
    taking.map((one) =>
      jointSignalRow(
        scores.filter((score) => score !== one),
        forestSignals,
      ),
    ),
  );
  const signals = taking
    .map((score, at) => ({ score, blame: whole - (without[at] as number) }))
    .filter(({ blame }) => blame > 0)
    .sort((a, b) => b.blame - a.blame || (a.score.signal < b.score.signal ? -1 : 1))
    .slice(0, blamedAtMost)
    .map(({ score }) => score);
  return signals.length === 0 ? null : { score: whole, threshold: forestThreshold, signals };
};

/**
 * More codes opened in 30 days than the fleet's Gamma–Poisson rate explains. The truck's own older codes do not sharpen
 * the expectation: one more of them would make today's look ordinary, and one more fault must never lower the risk.
 */
const faultBurst = (features: VehicleFeatures, model: AnomalyModel, nowMs: number): FaultBurst | null => {
  const prior = model.faultRate;
  const { observedDays } = features;
  if (prior === null || observedDays === null || !(observedDays >= leastObservedDays)) return null;
  const count = countOpened30Days(features, nowMs);
  if (count === 0) return null;
  const { expected, surprise } = faultRateSurprise({
    count,
    days: faultRateDays,
    history: { count: 0, days: 0 },
    prior,
  });
  if (surprise < surpriseThreshold) return null;
  // Negative binomial: its variance is the mean times one plus the exposure over the prior's rate.
  const deviation = Math.sqrt(expected * (1 + faultRateDays / prior.rate));
  const z = deviation > 0 ? (count - expected) / deviation : largestZ;
  return {
    anomaly: {
      signal: burstSignal,
      value: count,
      expected: twoDecimals(expected),
      zScore: twoDecimals(Math.min(largestZ, z)),
      since: new Date(nowMs - faultRateDays * dayMs).toISOString(),
    },
    expected,
    surprise,
  };
};

/** Everything odd, signals strangest first. Without a model only the truck's own baselines speak. */
export const findOddities = (features: VehicleFeatures, model: AnomalyModel | null, now: Date): Oddities => {
  const nowMs = now.getTime();
  const scores = signalZScores(features, now, model?.modelBaselines);
  return {
    signals: scores
      .map((score) => oddityOf(score, nowMs))
      .filter((oddity) => oddity !== null)
      .sort(
        (a, b) =>
          Math.abs(b.anomaly.zScore) - Math.abs(a.anomaly.zScore) || (a.anomaly.signal < b.anomaly.signal ? -1 : 1),
      ),
    joint: model === null ? null : jointOddity(scores, model),
    faults: model === null ? null : faultBurst(features, model, nowMs),
  };
};

/** The list of a score: each signal once, strangest first. */
export const anomaliesOf = ({ signals, joint, faults }: Oddities): Anomaly[] => {
  const named = signals.map(({ anomaly }) => anomaly);
  const blamed = joint?.signals[0];
  if (blamed !== undefined && !named.some((anomaly) => anomaly.signal === blamed.signal)) {
    named.push(anomalyOf(blamed, blamed.at));
  }
  if (faults !== null) named.push(faults.anomaly);
  return named.sort((a, b) => Math.abs(b.zScore) - Math.abs(a.zScore) || (a.signal < b.signal ? -1 : 1));
};
