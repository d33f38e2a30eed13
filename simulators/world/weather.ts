/** Outside air where a truck works: the season of its home's climate, weather that lasts some days, day and night. */
import { cities, type Climate } from './cities.ts';
import { hashKeys, mixed, normalOf } from './random.ts';
import type { RosterTruck } from './roster.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** Yearly mean and half the swing between January and July, °F: the order of NOAA's normals for such places. */
const seasons: Readonly<Record<Climate, readonly [meanF: number, swingF: number]>> = {
  hot: [71, 18],
  mild: [56, 21],
  wet: [53, 13],
  cold: [46, 26],
};
/** A spell of weather lasts about this many days. */
const spellDays = 4;
const spellDeviationF = 7;
/** Half the difference between the afternoon and the hours before dawn. */
const dayNightSwingF = 9;
const yearDays = 365.25;
/** The year's warmest day: 20 July. */
const warmestDay = 200;

/** 1 January 1970 began a year: day numbers modulo the year's length are days of the year to within a day. */
const seasonAt = (day: number): number => Math.cos((2 * Math.PI * (day - warmestDay)) / yearDays);

/** Names the weather around a truck's home; trucks of one home share it. */
export const weatherHash = (truck: RosterTruck): number => hashKeys(truck.seed, truck.homeCity, 'weather');

/** Mean temperature, °F, of the day (days since 1970) in the truck's region. */
export function dayTemperatureF(climate: Climate, weather: number, day: number): number {
  const [meanF, swingF] = seasons[climate];
  const spell = Math.floor(day / spellDays);
  const share = day / spellDays - spell;
  const before = normalOf(mixed(weather, spell));
  const after = normalOf(mixed(weather, spell + 1));
  // Straight from knot to knot loses variance in between; a quarter circle keeps it.
  const turn = (share * Math.PI) / 2;
  const spellF = spellDeviationF * (before * Math.cos(turn) + after * Math.sin(turn));
  return meanF + swingF * seasonAt(day) + spellF;
}

/** How much warmer than the day's mean it is now, °F: zero over 24 hours, warmest at three in the afternoon there. */
export function dayNightF(truck: RosterTruck, worldMs: number): number {
  const localHour = ((worldMs % dayMs) / hourMs + cities[truck.homeCity].lon / 15 + 24) % 24;
  return dayNightSwingF * Math.cos((2 * Math.PI * (localHour - 15)) / 24);
}
