/** Pure: keys, days and how long what is kept where. Days are UTC, `2026-11-20`. */
import { trackRetention } from '#contracts/positions';
import type { TrackFile, trackDays } from '../../db/schema/tracks.ts';

export type TrackDayRow = typeof trackDays.$inferSelect;

const dayMs = 86_400_000;

/** The day of an instant. Before the year 0 and after 9999, where no reading can be, the nearest one that has four digits. */
export function dayOf(ms: number): string {
  const year = new Date(ms).getUTCFullYear();
  if (!(year >= 0)) return '0000-01-01';
  return year > 9_999 ? '9999-12-31' : new Date(ms).toISOString().slice(0, 10);
}

/** The last millisecond of a day. */
export const endOfDayMs = (day: string): number => Date.parse(day) + dayMs - 1;

/** The same day so many years later; the 29th of February becomes the 1st of March. */
function yearsLater(day: string, years: number): string {
  const at = new Date(day);
  at.setUTCFullYear(at.getUTCFullYear() + years);
  return at.toISOString().slice(0, 10);
}

/** What is older than `hotDays` leaves the object at hand: every day before this one. */
export const movedBefore = (now: Date): string => dayOf(now.getTime() - trackRetention.hotDays * dayMs);

/** Every day before this one belongs into the archive class. */
export const archivedBefore = (now: Date): string => dayOf(now.getTime() - trackRetention.coldDays * dayMs);

/** When a day is deleted for good. */
export const deleteAfterOf = (day: string): string => `${yearsLater(day, trackRetention.archiveYears)}T00:00:00.000Z`;

/** Every day before this one is to be deleted. */
export const deletedBefore = (now: Date): string => yearsLater(dayOf(now.getTime()), -trackRetention.archiveYears);

export const trackFilesPrefix = 'tracks/';

/**
 * Where a file lies. Every writing has a key of its own, so that an object, once written, is never written again: what no
 * row names is nobody's for good.
 */
export const trackFileKey = (file: {
  tenantId: string;
  day: string;
  part: number;
  sha256: string;
  writingId: string;
}): string =>
  `${trackFilesPrefix}${file.tenantId}/${file.day.replaceAll('-', '/')}/` +
  `${String(file.part).padStart(4, '0')}-${file.sha256.slice(0, 16)}-${file.writingId.slice(-12)}.parquet`;

const keyPattern = /^tracks\/([^/]+)\/(\d{4})\/(\d\d)\/(\d\d)\/[^/]+$/;

/** The tenant and the day of a key; null when it is none of ours. */
export function placeOfKey(key: string): { tenantId: string; day: string } | null {
  const [, tenantId, year, month, day] = keyPattern.exec(key) ?? [];
  return tenantId === undefined ? null : { tenantId, day: `${year}-${month}-${day}` };
}

/** Every object that a row names: its files, their restored copies, and what is on its way. */
export const keysOf = (row: Pick<TrackDayRow, 'files' | 'moving'>): string[] =>
  [...row.files, ...(row.moving?.files ?? [])].flatMap(({ key, restoredKey }) =>
    restoredKey === undefined ? [key] : [key, restoredKey],
  );

/** Where a file is read while its day is not locked away. */
export const readableKeyOf = (file: TrackFile): string => file.restoredKey ?? file.key;

export const totalsOf = (files: readonly TrackFile[]): { fixes: number; bytes: number } => ({
  fixes: files.reduce((sum, { fixes }) => sum + fixes, 0),
  bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
});
