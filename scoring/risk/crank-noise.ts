/**
 * Known noise: while the starter turns, battery voltage dips and controllers report low supply voltage for a moment.
 * Such a code is ignored only when the engine speed seen at the same moment shows a cranking engine.
 */
import type { VehicleFeatures } from '#contracts/risk';
import { instantMs } from './ages.ts';

type FaultFeature = VehicleFeatures['faults'][number];
type Signal = VehicleFeatures['signals'][number];

/**
 * Only codes that are the mildest their SPN can send: ignoring one can then never make a worse code look better, which
 * keeps the score monotone (a test holds the catalogue to it).
 */
export const noiseSpns: readonly number[] = [158, 168, 444, 627];
export const noiseFmis: readonly number[] = [4, 17];

/** Names under which an engine speed signal may arrive. */
const engineSpeedNames: ReadonlySet<string> = new Set(['engineRpm', 'engineSpeedRpm', 'engineSpeed']);

/** A heavy diesel idles at 550–700 rpm and cranks at 100–250. */
const crankingBelowRpm = 450;
/** A crank lasts seconds; a voltage code older than this is not noise. */
const crankWindowMs = 60_000;

const isCrankingAt =
  (atMs: number) =>
  (signal: Signal): boolean => {
    const signalMs = instantMs(signal.at);
    return (
      engineSpeedNames.has(signal.name) &&
      signal.value > 0 &&
      signal.value < crankingBelowRpm &&
      signalMs !== null &&
      Math.abs(signalMs - atMs) <= crankWindowMs
    );
  };

/** True when this is a low supply voltage that lasted no longer than a crank and a cranking engine was seen then. */
export const isCrankNoise = (fault: FaultFeature, signals: readonly Signal[]): boolean => {
  if (!noiseSpns.includes(fault.spn) || !noiseFmis.includes(fault.fmi)) return false;
  const firstMs = instantMs(fault.firstSeenAt);
  const lastMs = instantMs(fault.lastSeenAt);
  if (firstMs === null || lastMs === null || lastMs - firstMs > crankWindowMs) return false;
  return signals.some(isCrankingAt(lastMs));
};
