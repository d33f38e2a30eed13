/** Points and words of what is unusual. The component as a whole makes at most `anomalyMax` points. */
import { outlierZ } from '../anomaly/robust-z.ts';
import { sayAge } from './ages.ts';
import {
  burstSignal,
  surpriseThreshold,
  twoDecimals,
  type FaultBurst,
  type JointOddity,
  type Oddities,
  type Oddity,
} from './find-anomalies.ts';
import type { Weights } from './models.ts';
import { discountByRank, toShares, toUnits, trimTo, type Reason, type Share } from './points.ts';

const basePoints = 3;
const pointsPerZ = 1.5;
const driftPoints = 4;
/** What a score of 1, the oddest there is, adds to an odd combination. */
const jointRange = 6;
/** The codes themselves make points already. */
const burstPoints = 2;
const pointsPerSurprise = 1;

/** Units as signal names end in them, and as people write them. */
const units: ReadonlyMap<string, string> = new Map([
  ['kpa', ' kPa'],
  ['psi', ' psi'],
  ['f', ' °F'],
  ['c', ' °C'],
  ['volts', ' V'],
  ['rpm', ' rpm'],
  ['mph', ' mph'],
  ['gph', ' gal/h'],
  ['percent', ' %'],
]);

const abbreviations: ReadonlyMap<string, string> = new Map([
  ['def', 'DEF'],
  ['dpf', 'DPF'],
]);

/** "coolantTempF" → name "Coolant temp", unit " °F". */
const sayName = (name: string): { name: string; unit: string } => {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_\-\s]+/g, ' ')
    .toLowerCase()
    .trim()
    .split(' ');
  const unit = words.length > 1 ? units.get(words.at(-1) ?? '') : undefined;
  const text = (unit === undefined ? words : words.slice(0, -1))
    .map((word) => abbreviations.get(word) ?? word)
    .join(' ');
  return { name: text === '' ? 'Signal' : text.charAt(0).toUpperCase() + text.slice(1), unit: unit ?? '' };
};

const saySignal = ({ anomaly, basis, drift }: Oddity, nowMs: number): string => {
  const { name, unit } = sayName(anomaly.signal);
  const whose = basis === 'own' ? 'on this truck' : 'on trucks of this model';
  const normal = `${name} is ${twoDecimals(anomaly.value)}${unit}, normally about ${twoDecimals(anomaly.expected)}${unit} ${whose}`;
  if (drift === null) return normal;
  const age = sayAge(drift.since, nowMs);
  return `${normal}, drifting ${drift.direction}${age === null ? '' : ` for ${age}`}`;
};

const signalReason = (oddity: Oddity, weights: Weights, nowMs: number): Reason => {
  const far = oddity.isOutlier ? basePoints + pointsPerZ * (Math.abs(oddity.anomaly.zScore) - outlierZ) : 0;
  const points = Math.max(far, oddity.drift === null ? 0 : driftPoints);
  return {
    factor: `anomaly.${oddity.anomaly.signal}`,
    units: toUnits(Math.min(weights.anomalyMax, points)),
    text: saySignal(oddity, nowMs),
    evidence: { ...oddity.anomaly, baseline: oddity.basis, drift: oddity.drift?.direction ?? null },
    keep: true,
  };
};

const jointReason = ({ score, threshold, signals }: JointOddity, weights: Weights): Reason => {
  const names = signals.map(({ signal }, at) => {
    const { name } = sayName(signal);
    return at === 0 || abbreviations.has(name.slice(0, 3).toLowerCase())
      ? name
      : name.charAt(0).toLowerCase() + name.slice(1);
  });
  const share = threshold < 1 ? (score - threshold) / (1 - threshold) : 0;
  return {
    factor: 'anomaly.combination',
    units: toUnits(Math.min(weights.anomalyMax, basePoints + jointRange * share)),
    text: `Unusual combination of signals, most of all ${names.join(', ')}`,
    evidence: {
      score: twoDecimals(score),
      threshold: twoDecimals(threshold),
      signals: signals.map(({ signal, value, expected, z }) => ({ signal, value, expected, zScore: twoDecimals(z) })),
    },
    keep: true,
  };
};

const burstReason = ({ anomaly, expected, surprise }: FaultBurst, weights: Weights, isOwn: boolean): Reason => ({
  factor: `anomaly.${burstSignal}`,
  units: toUnits(Math.min(weights.anomalyMax, burstPoints + pointsPerSurprise * (surprise - surpriseThreshold))),
  text: `${anomaly.value} fault codes opened in the last 30 days; about ${twoDecimals(expected)} are usual ${isOwn ? 'in this fleet' : 'on comparable trucks'}`,
  evidence: { ...anomaly, surprise: twoDecimals(surprise) },
  keep: true,
});

/** Shares of the anomaly component: every reason names its signal. `isOwn`: the model was learned from the truck's own fleet. */
export const anomalyShares = (
  { signals, joint, faults }: Oddities,
  weights: Weights,
  { isOwn, nowMs }: { isOwn: boolean; nowMs: number },
): Share[] => {
  const reasons = signals.map((oddity) => signalReason(oddity, weights, nowMs));
  if (joint !== null) reasons.push(jointReason(joint, weights));
  if (faults !== null) reasons.push(burstReason(faults, weights, isOwn));
  return trimTo(toShares(discountByRank(reasons)), Math.round(Math.min(100, weights.anomalyMax) * 10));
};
