/** Quarter days (UTC), by which chunks are kept, and how fixes of several sources become one track. Pure. */
import type { Fix } from '../readings/packed-steps.ts';

export const bucketMs = 6 * 3_600_000;
export const bucketsPerDay = 4;
const dayMs = 86_400_000;

export const bucketOf = (atMs: number): number => Math.floor(atMs / bucketMs);
export const bucketEndMs = (bucket: number): number => (bucket + 1) * bucketMs;

/** Days counted from 1970. */
export const dayNumberOf = (bucket: number): number => Math.floor(bucket / bucketsPerDay);
export const firstBucketOf = (dayNumber: number): number => dayNumber * bucketsPerDay;

/** `2026-11-20` of a day's number. */
export const dayName = (dayNumber: number): string => {
  const time = new Date(dayNumber * dayMs).toISOString();
  return time.slice(0, time.indexOf('T'));
};

/** The number of a day; throws on what is no day. */
export function dayNumber(day: string): number {
  const atMs = Date.parse(`${day}T00:00:00.000Z`);
  if (Number.isNaN(atMs)) throw new TypeError(`not a day: ${day}`);
  return atMs / dayMs;
}

/** In order of time already, no time twice. */
function isTrack(fixes: readonly Fix[]): boolean {
  for (let n = 1; n < fixes.length; n += 1) {
    if ((fixes[n] as Fix).atMs <= (fixes[n - 1] as Fix).atMs) return false;
  }
  return true;
}

/**
 * Fixes of one vehicle in order of arrival → its track: oldest first, and of several with one time the first that came.
 * Doing it in parts changes nothing: track(a ++ b) = track(track(a) ++ b).
 */
export function trackOf(arrived: readonly Fix[]): readonly Fix[] {
  if (isTrack(arrived)) return arrived;
  // Sorting is stable: of equal times the earlier arrival stays in front.
  const sorted = arrived.toSorted((a, b) => a.atMs - b.atMs);
  return sorted.filter((fix, n) => n === 0 || fix.atMs !== (sorted[n - 1] as Fix).atMs);
}
