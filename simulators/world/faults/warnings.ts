/**
 * What moves before a trouble shows its first code. A course that is not listed comes without any warning; of the listed
 * ones, some troubles do too. A signal drifts from the beginning of the lead to the onset, goes on while the trouble
 * grows, and is back at once after the repair.
 */
import type { SignalName } from '#contracts/telemetry';
import { between, unit } from '../random.ts';
import { wholeShift, type WorldShift } from '../shift.ts';
import type { Episode } from './episodes.ts';

/** Signals that drift; the DEF level has a course of its own (see def-level.ts). */
export type DriftingSignal = Exclude<SignalName, 'ambientTempF' | 'defLevelPercent'>;

export interface Warning {
  /** Days from the first sign to the onset; each trouble draws its own. */
  leadDays: readonly [low: number, high: number];
  /** Share of troubles that give a sign at all. */
  chance: number;
  /** How far each signal has moved at the onset, in the signal's unit. */
  moves: Partial<Readonly<Record<DriftingSignal, number>>>;
}

/** By the course's key. */
// prettier-ignore
export const warnings: Readonly<Record<string, Warning>> = {
  'dpf-plugging': { leadDays: [4, 12], chance: 0.9, moves: { dpfSootPercent: 45, fuelRateGph: 0.25 } },
  'dpf-ash': { leadDays: [12, 20], chance: 0.9, moves: { dpfSootPercent: 14 } },
  'egr-sticking': { leadDays: [5, 14], chance: 0.75, moves: { dpfSootPercent: 12, boostPsi: 1.6 } },
  'oil-pressure-loss': { leadDays: [7, 20], chance: 0.9, moves: { oilPressurePsi: -11, oilTempF: 7 } },
  'crankcase-breather': { leadDays: [8, 18], chance: 0.7, moves: { oilTempF: 9, oilPressurePsi: -2 } },
  'injector-failing': { leadDays: [5, 15], chance: 0.75, moves: { fuelRateGph: 0.7, dpfSootPercent: 8 } },
  'coolant-leak': { leadDays: [4, 14], chance: 0.85, moves: { coolantTempF: 8 } },
  overheating: { leadDays: [3, 10], chance: 0.85, moves: { coolantTempF: 13, oilTempF: 9 } },
  'fan-clutch': { leadDays: [4, 10], chance: 0.6, moves: { coolantTempF: 7 } },
  'fuel-filter': { leadDays: [6, 16], chance: 0.75, moves: { engineLoadPercent: 5, boostPsi: -1.5 } },
  'high-pressure-pump': { leadDays: [5, 14], chance: 0.7, moves: { fuelRateGph: 0.45, engineLoadPercent: 4 } },
  'air-filter': { leadDays: [10, 20], chance: 0.85, moves: { boostPsi: -2.8, fuelRateGph: 0.25 } },
  'turbo-actuator': { leadDays: [4, 12], chance: 0.8, moves: { boostPsi: -4.2, fuelRateGph: 0.3 } },
  'charge-air-cooler': { leadDays: [5, 15], chance: 0.85, moves: { boostPsi: -3.6, coolantTempF: 3 } },
  'alternator-fading': { leadDays: [4, 15], chance: 0.85, moves: { batteryVolts: -0.9 } },
  'weak-batteries': { leadDays: [5, 18], chance: 0.8, moves: { batteryVolts: -0.45 } },
  'clutch-wear': { leadDays: [8, 20], chance: 0.6, moves: { engineRpm: 45, fuelRateGph: 0.2 } },
  'gearbox-hot': { leadDays: [3, 8], chance: 0.4, moves: { engineLoadPercent: 4 } },
};

export const longestLeadDays = Math.max(...Object.values(warnings).map(({ leadDays }) => leadDays[1]));

/** One trouble's pull on the signals. */
export interface Drift {
  fromMs: number;
  onsetMs: number;
  /** Start of the last stage it reached. */
  worstMs: number;
  untilMs: number;
  moves: readonly (readonly [signal: DriftingSignal, fullMove: number])[];
}

const dayMs = 86_400_000;

/** The drift of an episode, or null when it gives no sign. */
export function driftOf(episode: Episode, shift?: WorldShift): Drift | null {
  const warning = warnings[episode.course.key];
  const [onsetMs] = episode.stageStartsMs;
  if (warning === undefined || onsetMs === undefined) return null;
  const { signalLead, signalStrength } = wholeShift(shift);
  const { keys } = episode;
  if (signalStrength === 0 || unit(...keys, 'warns') >= warning.chance) return null;
  const strength = between(0.6, 1.3, ...keys, 'strength') * signalStrength;
  return {
    fromMs: onsetMs - between(...warning.leadDays, ...keys, 'lead') * dayMs * signalLead,
    onsetMs,
    worstMs: episode.stageStartsMs.at(-1) ?? onsetMs,
    untilMs: episode.repairedMs,
    moves: (Object.entries(warning.moves) as [DriftingSignal, number][]).map(([signal, move]) => [
      signal,
      move * strength,
    ]),
  };
}

/** Growth after the onset: a trouble at its worst moves a signal this much further. */
const worstFactor = 1.35;

/** Share of the full move at an instant: 0 before, rising ever faster to 1 at the onset, on to the worst, 0 after repair. */
export function driftShare(drift: Drift, worldMs: number): number {
  if (worldMs <= drift.fromMs || worldMs >= drift.untilMs) return 0;
  if (worldMs < drift.onsetMs) {
    const part = (worldMs - drift.fromMs) / (drift.onsetMs - drift.fromMs);
    return part * Math.sqrt(part);
  }
  if (worldMs >= drift.worstMs) return drift.worstMs > drift.onsetMs ? worstFactor : 1;
  return 1 + ((worstFactor - 1) * (worldMs - drift.onsetMs)) / (drift.worstMs - drift.onsetMs);
}
