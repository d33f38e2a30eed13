/** What each signal is for anomaly detection: what it follows, how finely it is known, which way it may drift. */
import type { SignalName } from '#contracts/telemetry';

export interface SignalRule {
  /**
   * condition: what the truck was asked to do, no sign of its health, hence no baseline. refilled: falls and is filled up
   * again, so that the middle of its values means nothing. health: everything else.
   */
  kind: 'health' | 'condition' | 'refilled';
  /** Signals whose day means explain a part of this one's; what is left is compared. */
  follows: readonly SignalName[];
  /**
   * No spread (MAD, in the signal's unit) smaller than this is believed: rounding and the choice of minutes differ by as
   * much. A sensor that always said the same would otherwise make any other reading infinitely odd.
   */
  leastMad: number;
  /** up: less than usual is only better, so that a low value is as expected and no drift. */
  harmful: 'both' | 'up';
}

const health = (follows: readonly SignalName[], leastMad: number, harmful: 'both' | 'up' = 'both'): SignalRule => ({
  kind: 'health',
  follows,
  leastMad,
  harmful,
});
const condition: SignalRule = { kind: 'condition', follows: [], leastMad: 1, harmful: 'both' };

/** Load and outside air move every temperature and pressure of an engine; speed moves what its pumps deliver. */
export const signalRules: Readonly<Record<SignalName, SignalRule>> = {
  coolantTempF: health(['engineLoadPercent', 'ambientTempF'], 0.5),
  oilTempF: health(['engineLoadPercent', 'ambientTempF'], 0.5),
  oilPressurePsi: health(['engineRpm', 'engineLoadPercent', 'ambientTempF'], 0.3),
  defLevelPercent: { kind: 'refilled', follows: [], leastMad: 1, harmful: 'both' },
  dpfSootPercent: health(['engineLoadPercent'], 1, 'up'),
  batteryVolts: health(['ambientTempF'], 0.03),
  engineLoadPercent: condition,
  boostPsi: health(['engineLoadPercent', 'ambientTempF'], 0.25),
  fuelRateGph: health(['engineLoadPercent', 'engineRpm'], 0.05),
  ambientTempF: condition,
  engineRpm: condition,
};
