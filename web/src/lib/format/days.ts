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

/** The instant of a wall time that is given as if it were UTC. */
const zonedMs = (utcMs: number, timeZone: string): number => {
  const guess = utcMs - offsetMs(utcMs, timeZone);
  // The clocks may change between the guess and that time.
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
  return utcMs === null ? null : new Date(zonedMs(utcMs, timeZone)).toISOString();
}

/** The last millisecond of a day in a zone; null when it is no day. */
export function dayEnd(day: string, timeZone: string): string | null {
  const utcMs = utcOf(day);
  return utcMs === null ? null : new Date(zonedMs(utcMs + dayMs, timeZone) - 1).toISOString();
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

const wallPattern = /^(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2})$/;

/** The instant at which the clocks of a zone show a wall time (`2026-11-20T09:11`); null when it is no time. */
export function wallInstant(wall: string, timeZone: string): string | null {
  const [, day = '', hour, minute] = wallPattern.exec(wall) ?? [];
  const utcMs = utcOf(day);
  if (utcMs === null || Number(hour) > 23 || Number(minute) > 59) return null;
  return new Date(zonedMs(utcMs + Number(hour) * 3_600_000 + Number(minute) * 60_000, timeZone)).toISOString();
}

/** What the clocks of a zone show at an instant, as a field of type "datetime-local" holds it. */
export const wallAt = (atMs: number, timeZone: string): string =>
  new Date(atMs + offsetMs(atMs, timeZone)).toISOString().slice(0, 16);
