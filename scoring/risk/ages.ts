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

/** "under an hour", "5 hours", "3 days": whole ones that have passed; null when the instant is unreadable. */
export const sayAge = (time: string | null | undefined, nowMs: number): string | null => {
  const days = ageDays(time, nowMs);
  if (days === null) return null;
  const hours = Math.floor(days * 24);
  if (hours < 1) return 'under an hour';
  if (hours < 48) return hours === 1 ? '1 hour' : `${hours} hours`;
  return `${Math.floor(days)} days`;
};

/** "once", "4 times". */
export const sayTimes = (count: number): string => (count === 1 ? 'once' : `${count} times`);
