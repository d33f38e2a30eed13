/** Calendar days in a time zone, as fields of type "date" hold them (`2026-11-20`), and the instants they stand for. */

const dayPattern = /^(\d{4})-(\d{2})-(\d{2})$/;
const dayMs = 86_400_000;

/** How far a zone's wall clock is ahead of UTC at an instant, in milliseconds. */
function offsetMs(atMs: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(atMs);
  const of = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((part) => part.type === type)?.value ?? 0);
  const wallMs = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return wallMs - Math.floor(atMs / 1000) * 1000;
}

const midnightMs = (utcMs: number, timeZone: string): number => {
  const guess = utcMs - offsetMs(utcMs, timeZone);
  // The clocks may change between the guess and midnight.
  return utcMs - offsetMs(guess, timeZone);
};

/** A day that exists, as milliseconds of its midnight in UTC; null for anything else. */
function utcOf(day: string): number | null {
  const [, year, month, date] = dayPattern.exec(day) ?? [];
  if (year === undefined) return null;
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(date));
  return new Date(ms).toISOString().startsWith(day) ? ms : null;
}

/** The first instant of a day in a zone; null when it is no day. */
export function dayStart(day: string, timeZone: string): string | null {
  const utcMs = utcOf(day);
  return utcMs === null ? null : new Date(midnightMs(utcMs, timeZone)).toISOString();
}

/** The last millisecond of a day in a zone; null when it is no day. */
export function dayEnd(day: string, timeZone: string): string | null {
  const utcMs = utcOf(day);
  return utcMs === null ? null : new Date(midnightMs(utcMs + dayMs, timeZone) - 1).toISOString();
}

/** The day that it is somewhere at an instant. */
export const dayAt = (atMs: number, timeZone: string): string =>
  new Date(atMs + offsetMs(atMs, timeZone)).toISOString().slice(0, 10);

/** A day so many days later (or, below zero, earlier). */
export const dayPlus = (day: string, days: number): string =>
  new Date((utcOf(day) ?? 0) + days * dayMs).toISOString().slice(0, 10);

/** "Nov 20, 2026". */
export const formatYearDay = (at: string, timeZone: string): string =>
  new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: 'short', day: 'numeric' }).format(new Date(at));
