/** How long a key still works, in words. Pure. */
import type { ApiKey } from '#contracts/api-keys';
import type { StateLook } from '../format/states.ts';
import { formatSpan } from '../format/time.ts';
import { plural } from '../format/units.ts';

const dayMs = 86_400_000;
/** From here on a key is named at the top of the page. */
export const expiringSoonDays = 14;

export type KeyExpiry = 'fine' | 'soon' | 'expired';

export function expiryOf({ expiresAt }: Pick<ApiKey, 'expiresAt'>, nowMs: number): KeyExpiry {
  const leftMs = Date.parse(expiresAt) - nowMs;
  if (leftMs <= 0) return 'expired';
  return leftMs <= expiringSoonDays * dayMs ? 'soon' : 'fine';
}

/** How long a key still works: to the nearest day, "90 days"; what is nearer to one day by the hour, "30 h". */
export function timeLeft(leftMs: number): string {
  const days = Math.round(leftMs / dayMs);
  return days < 2 ? formatSpan(leftMs) : plural(days, 'day');
}

export const expiryLooks: Readonly<Record<KeyExpiry, StateLook>> = {
  fine: { word: 'Works', shape: 'circle', tone: 'low' },
  soon: { word: 'Expires soon', shape: 'diamond', tone: 'medium' },
  expired: { word: 'Expired', shape: 'cross', tone: 'stale' },
};
