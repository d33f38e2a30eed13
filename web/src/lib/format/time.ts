/** Times and ages as people read them. Pure: the present is always a parameter. */

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * A span of milliseconds in one unit: "8 s", "4 min", "3 h", "2 d". Past a day it is rounded to the nearest, so that what
 * was made for 90 days a moment ago has 90 left. A span below zero (clocks differ) counts as zero.
 */
export function formatSpan(spanMs: number): string {
  const span = Math.max(0, spanMs);
  if (span < minuteMs) return `${Math.floor(span / secondMs)} s`;
  if (span < hourMs) return `${Math.floor(span / minuteMs)} min`;
  if (span < dayMs) return `${Math.floor(span / hourMs)} h`;
  const hours = Math.round(span / hourMs);
  return hours < 48 ? `${hours} h` : `${Math.round(span / dayMs)} d`;
}

/** How long ago an instant was: "just now" under 5 s, then "8 s ago" and so on. null: "never". */
export function formatAge(at: string | null, nowMs: number): string {
  if (at === null) return 'never';
  const ageMs = nowMs - Date.parse(at);
  return ageMs < 5 * secondMs ? 'just now' : `${formatSpan(ageMs)} ago`;
}

/** The exact instant for a tooltip: "2026-11-20 09:11:24 UTC". */
export const formatUtc = (at: string): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

const formats = new Map<string, Intl.DateTimeFormat>();
function formatIn(timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${timeZone}|${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { ...options, timeZone });
    formats.set(key, format);
  }
  return format;
}

const yearOf = (atMs: number, timeZone: string): string => formatIn(timeZone, { year: 'numeric' }).format(atMs);

/** Month and day, and the year where it would be missed: it is another one, or the date lies most of a year away. */
function dateOptions(atMs: number, nowMs: number, timeZone: string): Intl.DateTimeFormatOptions {
  const isFar = Math.abs(atMs - nowMs) > 300 * dayMs || yearOf(atMs, timeZone) !== yearOf(nowMs, timeZone);
  return { month: 'short', day: 'numeric', ...(isFar ? { year: 'numeric' } : {}) };
}

/** Date and time in the tenant's zone: "Nov 20, 02:11"; with the year where it is not this one: "Nov 20, 2025, 02:11". */
export function formatDateTime(at: string, timeZone: string, nowMs: number): string {
  const atMs = Date.parse(at);
  const date = dateOptions(atMs, nowMs, timeZone);
  return formatIn(timeZone, { ...date, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(atMs);
}

/** A wall clock: "02:11". */
export const formatClock = (nowMs: number, timeZone: string): string =>
  formatIn(timeZone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(new Date(nowMs));

/** A wall calendar: "Friday, November 20". */
export const formatDay = (nowMs: number, timeZone: string): string =>
  formatIn(timeZone, { weekday: 'long', month: 'long', day: 'numeric' }).format(new Date(nowMs));

/** The same where there is little room: "Fri, Nov 20". */
export const formatShortDay = (nowMs: number, timeZone: string): string =>
  formatIn(timeZone, { weekday: 'short', month: 'short', day: 'numeric' }).format(new Date(nowMs));

/** Since when, short: the clock time when it began within 20 hours, else the date: "02:11", "Nov 18". */
export function formatSince(at: string, nowMs: number, timeZone: string): string {
  const atMs = Date.parse(at);
  return nowMs - atMs < 20 * hourMs
    ? formatClock(atMs, timeZone)
    : formatIn(timeZone, dateOptions(atMs, nowMs, timeZone)).format(atMs);
}
