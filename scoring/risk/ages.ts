/** Ages of instants in feeds that may be wrong, and how to say them. */

export const dayMs = 86_400_000;

/** Epoch milliseconds of a time string; null when it names no instant. */
export const instantMs = (time: string | null | undefined): number | null => {
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isFinite(ms) ? ms : null;
};

/** Days since an instant, 0 when it lies in the future (clocks of trucks run ahead), null when it is unreadable. */
export const ageDays = (time: string | null | undefined, nowMs: number): number | null => {
  const ms = instantMs(time);
  return ms === null ? null : Math.max(0, (nowMs - ms) / dayMs);
};

const instantFormat = new Intl.DateTimeFormat('en-US', {
  timeZone: 'UTC',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

/** "Nov 17, 09:00 UTC": a reason is read long after it was written, when "3 days ago" has stopped being true. */
export const sayInstant = (time: string | null | undefined): string | null => {
  const ms = instantMs(time);
  return ms === null ? null : `${instantFormat.format(ms)} UTC`;
};

/** "once", "4 times". */
export const sayTimes = (count: number): string => (count === 1 ? 'once' : `${count} times`);
