/** Which lamps hold now: they belong to the message of a source address, and the newest message of each counts. */
import type { VehicleFeatures } from '#contracts/risk';
import { instantMs } from './ages.ts';

export type LampFeature = VehicleFeatures['lamps'][number];

/**
 * Of each source the newest message. Messages whose time cannot be read are kept beside it, because a lit lamp must not
 * be lost to a bad clock.
 */
export const currentLamps = (lamps: readonly LampFeature[]): LampFeature[] => {
  const newestMs = new Map<number, number>();
  for (const lamp of lamps) {
    const ms = instantMs(lamp.at);
    if (ms === null) continue;
    newestMs.set(lamp.sourceAddress, Math.max(ms, newestMs.get(lamp.sourceAddress) ?? ms));
  }
  return lamps.filter((lamp) => {
    const ms = instantMs(lamp.at);
    return ms === null || ms === newestMs.get(lamp.sourceAddress);
  });
};

/** True when any source has the red stop lamp lit. */
export const isRedStopLit = (lamps: readonly LampFeature[]): boolean =>
  currentLamps(lamps).some((lamp) => lamp.redStop);
