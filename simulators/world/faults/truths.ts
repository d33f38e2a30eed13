/**
 * What is true of a truck and known to nobody outside the world: how worn each part is, how it is driven, what weather
 * it works in. The product has to find its effects in what trucks and shops report.
 */
import { cities, type Climate } from '../cities.ts';
import { logNormal, unit } from '../random.ts';
import type { RosterTruck } from '../roster.ts';
import { wholeShift, type WorldShift } from '../shift.ts';
import { parts, type Course, type Part } from './course.ts';

export interface HiddenTruth {
  /** Hazard multiplier per part, median 1 on a truck of average age. */
  wear: Readonly<Record<Part, number>>;
  driver: 'smooth' | 'ordinary' | 'rough';
  climate: Climate;
  /** Laws of the world the truck lives in. */
  shift: Required<WorldShift>;
}

const driverHazard = { smooth: 0.7, ordinary: 1, rough: 1.7 } as const;
/** How much more often heat and cold troubles strike where they are at home. */
const climateHazard: Readonly<Record<'heat' | 'cold', Readonly<Record<Climate, number>>>> = {
  heat: { hot: 1.8, mild: 1, wet: 0.8, cold: 0.6 },
  cold: { cold: 1.8, mild: 1, wet: 0.8, hot: 0.4 },
};
const averageOdometerMiles = 350_000;

/** The hidden truth of a truck: same truck, same truth. */
export function truthOf(truck: RosterTruck): HiddenTruth {
  const keys = [truck.seed, truck.vin, 'truth'] as const;
  const age = Math.pow((truck.baseOdometerMiles + 40_000) / averageOdometerMiles, 0.45);
  const draw = unit(...keys, 'driver');
  const shift = wholeShift(truck.shift);
  const spread = 0.5 * shift.wearSpread;
  return {
    wear: Object.fromEntries(parts.map((part) => [part, age * logNormal(spread, ...keys, part)])) as Record<
      Part,
      number
    >,
    driver: draw < 0.25 ? 'smooth' : draw < 0.8 ? 'ordinary' : 'rough',
    climate: cities[truck.homeCity].climate,
    shift,
  };
}

/**
 * Courses say how often a part that is driven hard troubles; all of them together would send a truck to the shop every ten
 * days. At this pace an ordinary truck has about eight repairs a year and one breakdown.
 */
const ordinaryPace = 0.2;

/** How many times faster than on an average truck this course comes round. */
export function hazardOf(truth: HiddenTruth, course: Course): number {
  const { shift } = truth;
  const driver = 1 + (Math.pow(driverHazard[truth.driver], shift.driverEffect) - 1) * (course.driverWeight ?? 0);
  const climate =
    course.season === undefined ? 1 : Math.pow(climateHazard[course.season][truth.climate], shift.climateEffect);
  return ordinaryPace * truth.wear[course.part] * driver * climate * shift.rate * (shift.partRates[course.part] ?? 1);
}

const dayMs = 86_400_000;

/** Share (0.25–1) of a seasonal course's onsets that happen at this time of the year; 1 for courses of all seasons. */
export function seasonShare(course: Course, worldMs: number): number {
  if (course.season === undefined) return 1;
  const dayOfYear = (worldMs - Date.UTC(new Date(worldMs).getUTCFullYear(), 0, 1)) / dayMs;
  const peakDay = course.season === 'heat' ? 200 : 17;
  return 0.625 + 0.375 * Math.cos((2 * Math.PI * (dayOfYear - peakDay)) / 365.25);
}
