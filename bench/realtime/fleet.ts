/** The trucks of the benchmark and how they move. Pure: the same numbers give the same fleet and the same bytes. */

/** One row of `POST /telemetry/positions`. */
export interface PositionRow {
  vin?: string;
  vehicleId?: string;
  at: string;
  lat: number;
  lon: number;
  speedMph: number;
  heading: number;
  odometerMiles: number;
  engineHours: number;
  fuelPercent: number;
  ignition: boolean;
}

/** The id of tenant number `place` of a run. */
export const tenantIdOf = (place: number): string => `01900000-0000-7000-8b00-${place.toString(16).padStart(12, '0')}`;
export const vehicleIdOf = (tenantId: string, truck: number): string =>
  `01900000-0000-7${tenantId.slice(-3)}-8c00-${truck.toString(16).padStart(12, '0')}`;
export const vinOf = (place: number, truck: number): string =>
  `1XKYD${String(place).padStart(4, '0')}RJ${String(truck).padStart(6, '0')}`;

/** Whole steps of 1e-7 degrees, so that what is sent is exactly what is kept. */
const degrees = (value: number): number => Math.round(value * 1e7) / 1e7;

/** Where truck `truck` is at its `step`-th report: it goes about 65 mph on a road of its own, so each step moves it. */
export function positionOf(truck: number, step: number, at: string): PositionRow {
  const heading = (truck * 37 + step) % 360;
  return {
    at,
    lat: degrees(30 + (truck % 100) * 0.12 + step * 0.000_052_3 + truck * 0.000_001_7),
    lon: degrees(-118 + Math.floor(truck / 100) * 0.6 + step * 0.000_061_9),
    speedMph: 50 + ((truck + step) % 200) / 10,
    heading,
    odometerMiles: 100_000 + truck + Math.floor(step / 10) / 10,
    engineHours: 4_000 + truck + Math.floor(step / 18) / 1000,
    fuelPercent: 20 + ((truck + Math.floor(step / 300)) % 80),
    ignition: true,
  };
}

/** Rows for a gateway that names its trucks by VIN. */
export const rowsByVin = (place: number, trucks: readonly number[], step: number, at: string): PositionRow[] =>
  trucks.map((truck) => ({ vin: vinOf(place, truck), ...positionOf(truck, step, at) }));

/** Rows that name their trucks by id. */
export const rowsById = (tenantId: string, trucks: readonly number[], step: number, at: string): PositionRow[] =>
  trucks.map((truck) => ({ vehicleId: vehicleIdOf(tenantId, truck), ...positionOf(truck, step, at) }));

export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);
