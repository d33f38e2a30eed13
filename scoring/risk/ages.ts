/** Ages of instants in feeds that may be wrong, and how to say them. */

export const dayMs = 86_400_000;
const hourMs = 3_600_000;
const minuteMs = 60_000;

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

const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;

/** "3 days", "5 hours", "20 minutes", "less than a minute". */
export const sayDuration = (days: number): string => {
  const ms = days * dayMs;
  if (ms >= dayMs) return counted(Math.floor(days), 'day');
  if (ms >= hourMs) return counted(Math.floor(ms / hourMs), 'hour');
  if (ms >= minuteMs) return counted(Math.floor(ms / minuteMs), 'minute');
  return 'less than a minute';
};

/** "once", "4 times". */
export const sayTimes = (count: number): string => (count === 1 ? 'once' : `${count} times`);
