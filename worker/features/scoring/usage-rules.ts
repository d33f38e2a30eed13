/** How much a truck is used a day, from what its meters showed at various times. Pure. */

/** What a meter (odometer, engine hours) showed, and when. */
export interface MeterPoint {
  at: string;
  value: number;
}

const dayMs = 86_400_000;
/** Shorter spans say how last week was, not how the truck is used. */
const leastSpanDays = 7;
/** The span is as long as the points allow, but no longer: use changes. */
const longestSpanDays = 180;
/** Where no point lies within that span, an older one is better than nothing. */
const oldestStartDays = 400;
/** A meter that nobody has read for this long says nothing of today. */
const oldestEndDays = 60;
/** A team of drivers makes 1,200 miles a day; whatever is more is a misread meter. */
export const mostMilesPerDay = 1500;
export const mostHoursPerDay = 24;

/**
 * What the meter rises by a day, rounded to a tenth. Points may come in any order; before a fall (another meter, another
 * truck) they count no longer. Null when unknown: too few or too old points, or a rate above `most`.
 */
export function ratePerDay(points: readonly MeterPoint[], most: number, now: Date): number | null {
  const read = points
    .map(({ at, value }) => ({ atMs: Date.parse(at), value }))
    .filter(({ atMs, value }) => atMs <= now.getTime() && Number.isFinite(value) && value >= 0)
    .sort((a, b) => b.atMs - a.atMs || b.value - a.value);
  const [end] = read;
  if (end === undefined || now.getTime() - end.atMs > oldestEndDays * dayMs) return null;
  const fallsAt = read.findIndex(({ value }, at) => value > (read[at - 1]?.value ?? Infinity));
  const rising = fallsAt === -1 ? read : read.slice(0, fallsAt);
  const spanOf = ({ atMs }: { atMs: number }): number => (end.atMs - atMs) / dayMs;
  const usable = rising.filter((point) => spanOf(point) >= leastSpanDays && spanOf(point) <= oldestStartDays);
  const start = usable.findLast((point) => spanOf(point) <= longestSpanDays) ?? usable[0];
  if (start === undefined) return null;
  const rate = (end.value - start.value) / spanOf(start);
  return rate <= most ? Math.round(rate * 10) / 10 : null;
}
