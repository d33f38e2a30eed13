/**
 * How finely a reading is kept, everywhere alike: in the live room, in tracks, in packed frames. A reading is rounded once,
 * when it comes in; from then on every place that keeps it as whole numbers keeps it exactly.
 */
import type { Reading } from './telemetry.ts';

/** Steps per unit of each field. */
export const readingScales = {
  /** 1.1 cm. */
  lat: 1e7,
  lon: 1e7,
  speedMph: 100,
  heading: 100,
  fuelPercent: 100,
  odometerMiles: 100,
  engineHours: 1000,
} as const;
type Scaled = keyof typeof readingScales;

/** The value in whole steps. There is one zero: whole numbers as bytes know no other. */
export const toSteps = (field: Scaled, value: number): number => Math.round(value * readingScales[field]) + 0;
/** The value of so many steps: the double nearest to it, so that `fromSteps(toSteps(v))` is one and the same from then on. */
export const fromSteps = (field: Scaled, steps: number): number => steps / readingScales[field];

const rounded = (field: Scaled, value: number): number => fromSteps(field, toSteps(field, value));
const roundedOrNull = (field: Scaled, value: number | null): number | null =>
  value === null ? null : rounded(field, value);

/** The reading as it is kept. Doing it again changes nothing. */
export const asKept = (reading: Reading): Reading => ({
  at: reading.at,
  lat: rounded('lat', reading.lat),
  lon: rounded('lon', reading.lon),
  speedMph: roundedOrNull('speedMph', reading.speedMph),
  heading: roundedOrNull('heading', reading.heading),
  odometerMiles: roundedOrNull('odometerMiles', reading.odometerMiles),
  engineHours: roundedOrNull('engineHours', reading.engineHours),
  fuelPercent: roundedOrNull('fuelPercent', reading.fuelPercent),
  ignition: reading.ignition,
});
