/**
 * Signals far from the vehicle's own baseline. Only baselines that came with the features are used: median and median
 * absolute deviation over enough readings; the robust z-score is (value − median) / (1.4826 × MAD).
 */
import type { VehicleFeatures, VehicleScore } from '#contracts/risk';
import { ageDays } from './ages.ts';
import type { Weights } from './models.ts';
import { toUnits, type Reason } from './points.ts';

type Signal = VehicleFeatures['signals'][number];
export type Anomaly = VehicleScore['anomalies'][number];

/** Scales a MAD to the standard deviation of a normal distribution. */
const madToSigma = 1.4826;
/** Fewer readings make no baseline. */
const readingsNeeded = 20;
/** Iglewicz and Hoaglin's threshold for a robust outlier. */
const outlierZ = 3.5;
const maxZ = 99;
/** An old reading is no news. */
const freshDays = 7;
const basePoints = 3;
const pointsPerZ = 1.5;

/** Beyond this a double has no second decimal. */
const twoDecimals = (value: number): number => (Math.abs(value) < 1e12 ? Math.round(value * 100) / 100 : value);

/** Units as signal names end in them, and as people write them. */
const units: Readonly<Record<string, string>> = {
  kpa: ' kPa',
  psi: ' psi',
  f: ' °F',
  c: ' °C',
  volts: ' V',
  rpm: ' rpm',
  mph: ' mph',
  percent: ' %',
};

/** "coolantTempF" → name "Coolant temp", unit " °F". */
const sayName = (name: string): { name: string; unit: string } => {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_\-\s]+/g, ' ')
    .toLowerCase()
    .trim()
    .split(' ');
  const unit = words.length > 1 ? units[words.at(-1) ?? ''] : undefined;
  const text = (unit === undefined ? words : words.slice(0, -1)).join(' ');
  return { name: text === '' ? 'Signal' : text.charAt(0).toUpperCase() + text.slice(1), unit: unit ?? '' };
};

const say = ({ signal, value, expected }: Anomaly): string => {
  const { name, unit } = sayName(signal);
  return `${name} is ${twoDecimals(value)}${unit}, normally about ${twoDecimals(expected)}${unit} on this truck`;
};

const anomalyOf = (signal: Signal, nowMs: number): Anomaly | null => {
  const { baselineMedian: median, baselineMad: mad } = signal;
  if (median === null || mad === null || !(mad > 0) || !(signal.n >= readingsNeeded)) return null;
  if (!Number.isFinite(signal.value) || !Number.isFinite(median) || !Number.isFinite(mad)) return null;
  const age = ageDays(signal.at, nowMs);
  if (age === null || age > freshDays) return null;
  const z = (signal.value - median) / (madToSigma * mad);
  if (!(Math.abs(z) >= outlierZ)) return null;
  return {
    signal: signal.name,
    value: signal.value,
    expected: median,
    zScore: twoDecimals(Math.max(-maxZ, Math.min(maxZ, z))),
    since: new Date(nowMs - age * 86_400_000).toISOString(),
  };
};

/** The newest reading of each signal. */
const newestPerName = (signals: readonly Signal[]): Signal[] => {
  const newest = new Map<string, Signal>();
  for (const signal of signals) {
    const known = newest.get(signal.name);
    if (known === undefined || Date.parse(signal.at) > Date.parse(known.at)) newest.set(signal.name, signal);
  }
  return [...newest.values()];
};

/** Anomalies, strangest first. */
export const findAnomalies = (signals: readonly Signal[], nowMs: number): Anomaly[] =>
  newestPerName(signals)
    .map((signal) => anomalyOf(signal, nowMs))
    .filter((anomaly) => anomaly !== null)
    .sort((a, b) => Math.abs(b.zScore) - Math.abs(a.zScore) || (a.signal < b.signal ? -1 : 1));

/** Reasons of the anomaly component: every anomaly names its signal. */
export const anomalyReasons = (anomalies: readonly Anomaly[], weights: Weights): Reason[] =>
  anomalies.map((anomaly) => ({
    factor: `anomaly.${anomaly.signal}`,
    units: toUnits(Math.min(weights.anomalyMax, basePoints + pointsPerZ * (Math.abs(anomaly.zScore) - outlierZ))),
    text: say(anomaly),
    evidence: { ...anomaly },
    keep: true,
  }));
