/** Chances and remaining lives as people read them. Pure. A chance is a number from 0 to 1, a life is in days. */
import { formatCount, plural } from './units.ts';

/** Beyond this nothing is said of a remaining life but that it is longer. */
export const longestLifeDays = 3650;
const daysPerMonth = 365.25 / 12;

/** "28 %". What rounds to nothing or to certainty is said as such: no forecast is ever 0 or 100. */
export function formatChance(chance: number): string {
  const percent = Math.round(chance * 100);
  if (percent < 1) return '<1 %';
  return percent > 99 ? '>99 %' : `${percent} %`;
}

/** A rate that was counted, not forecast: 0 and 100 are said as they are. "7 %", "7.5 %" below ten. */
export function formatRate(rate: number): string {
  const percent = rate * 100;
  const rounded = percent < 10 ? Math.round(percent * 10) / 10 : Math.round(percent);
  return `${rounded} %`;
}

/** Below so many percent, as they are shown. */
const chanceWords: readonly (readonly [below: number, word: string])[] = [
  [1, 'very unlikely'],
  [10, 'unlikely'],
  [33, 'possible'],
  [66, 'about even'],
  [90, 'likely'],
];
/** The same word for the same chance everywhere. The steps are those of weather and climate forecasts, shortened. */
export const chanceWord = (chance: number): string =>
  chanceWords.find(([below]) => Math.round(chance * 100) < below)?.[1] ?? 'very likely';

/** The chance as a count of trucks, which people judge better than percent: "about 3 in 10 such trucks". */
export function chanceInTrucks(chance: number): string {
  if (chance < 0.005) return 'fewer than 1 in 200 such trucks';
  if (chance >= 0.95) return 'nearly all such trucks';
  if (chance >= 0.15) {
    const tenths = Math.round(chance * 10);
    return tenths === 5 ? 'about half of such trucks' : `about ${tenths} in 10 such trucks`;
  }
  const one = 1 / chance;
  const nice = one < 20 ? Math.round(one) : Math.round(one / 5) * 5;
  return `about 1 in ${formatCount(nice)} such trucks`;
}

type LifeUnit = 'day' | 'month' | 'year';
const unitOf = (days: number): LifeUnit => (days < 60 ? 'day' : days < 730 ? 'month' : 'year');
const inUnit = (days: number, unit: LifeUnit): string => {
  if (unit === 'day') return formatCount(Math.round(days));
  if (unit === 'month') return formatCount(Math.round(days / daysPerMonth));
  return String(Math.round((days / 365.25) * 10) / 10);
};

/** A life in its own unit: "12 days", "5 months", "3.2 years", "over 10 years". */
export function formatLife(days: number): string {
  if (days >= longestLifeDays) return 'over 10 years';
  if (days < 1) return 'under a day';
  const unit = unitOf(days);
  if (unit === 'year') return `${inUnit(days, unit)} years`;
  return plural(unit === 'day' ? Math.round(days) : Math.round(days / daysPerMonth), unit);
}

/** "12–48 days", "3–14 months", "20 days to 8 months": one unit where both ends have it. */
export function formatLifeRange(from: number, to: number): string {
  if (formatLife(from) === formatLife(to)) return formatLife(from);
  const unit = unitOf(from);
  if (from < 1 || to >= longestLifeDays || unit !== unitOf(to)) return `${formatLife(from)} to ${formatLife(to)}`;
  return `${inUnit(from, unit)}–${inUnit(to, unit)} ${unit}s`;
}

/** Where a life stands between a day (0) and ten years (1) on an axis of equal ratios. */
export const lifePosition = (days: number): number =>
  Math.min(1, Math.max(0, Math.log(Math.max(1, days)) / Math.log(longestLifeDays)));

/** The marks of that axis. */
export const lifeMarks: readonly { days: number; word: string }[] = [
  { days: 1, word: '1 day' },
  { days: 7, word: '1 week' },
  { days: 30, word: '1 month' },
  { days: 90, word: '3 months' },
  { days: 365, word: '1 year' },
  { days: longestLifeDays, word: '10 years' },
];

/**
 * Wilson's 95 % interval of a rate seen in `n` cases: what the true rate may be. The whole range for no case at all.
 * (Wilson 1927; Brown, Cai and DasGupta 2001 recommend it for small n.)
 */
export function rateInterval(rate: number, n: number): { from: number; to: number } {
  if (n <= 0) return { from: 0, to: 1 };
  const z = 1.959964;
  const middle = rate + (z * z) / (2 * n);
  const half = z * Math.sqrt((rate * (1 - rate)) / n + (z * z) / (4 * n * n));
  const scale = 1 + (z * z) / n;
  return { from: Math.max(0, (middle - half) / scale), to: Math.min(1, (middle + half) / scale) };
}
