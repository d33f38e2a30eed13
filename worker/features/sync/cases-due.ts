/**
 * When a vehicle's cases are worth a page: once a day, each vehicle at its own moment so that every run reads a few, and
 * right when one of its faults is gone, which is what a finished repair looks like. Pure.
 */
import type { ObservedFault } from '#contracts/sync';

/** What a run goes by. The same on every attempt. */
export interface CasesPlan {
  /** When the last good run began; null when there is none, and then every vehicle is due. */
  since: string | null;
  /** When this run began. */
  until: string;
}

/** Identity of a fault within its vehicle. */
export type FaultKey = Pick<ObservedFault, 'sourceAddress' | 'spn' | 'fmi'>;

const dayMs = 86_400_000;

/** FNV-1a, 32 bits: spreads the vehicles over the day, the same on every machine. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** True when the vehicle's moment of some day lies after `since` and not after `until`. */
export function isDailyMoment(vin: string, { since, until }: CasesPlan): boolean {
  if (since === null) return true;
  const momentMs = (hashOf(vin) / 2 ** 32) * dayMs;
  const daysUpTo = (time: string) => Math.floor((Date.parse(time) - momentMs) / dayMs);
  return daysUpTo(until) > daysUpTo(since);
}

/** True when one of the faults that were active is gone, or no longer is. */
export function hasCleared(wereActive: readonly FaultKey[], now: readonly ObservedFault[]): boolean {
  const keyOf = ({ sourceAddress, spn, fmi }: FaultKey) => `${sourceAddress}/${spn}/${fmi}`;
  const active = new Set(now.filter(({ isActive }) => isActive).map(keyOf));
  return wereActive.some((fault) => !active.has(keyOf(fault)));
}
