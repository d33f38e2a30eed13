/** Who owns which trucks: the fleets as they stand at the anchor. */
import type { CityKey } from './cities.ts';
import { demoTenants } from './demo.ts';
import { between, hashKeys, pick, unit } from './random.ts';
import type { WorldShift } from './shift.ts';
import { syntheticVin } from './vin.ts';

export interface RosterTruck {
  vin: string;
  unitNumber: string;
  year: number;
  make: string;
  model: string;
  engineMake: string;
  engineModel: string;
  /** Miles on the odometer at the anchor. */
  baseOdometerMiles: number;
  /** Engine hours at the anchor. */
  baseEngineHours: number;
  homeCity: CityKey;
  /** A team swaps drivers and keeps rolling; a solo driver rests ten hours. */
  crew: 'solo' | 'team';
  /** Trucks with one key, home and crew repeat one rotation: a large roster shares a few to stay small in memory. */
  rotationKey: string;
  /** Place in the fleet and the fleet's size: spreads the trucks over their rotations. */
  index: number;
  fleetSize: number;
  fleetName: string;
  /** Which seed this truck was drawn from; everything hidden about it follows. */
  seed: number;
  /** Set for a truck of another world. */
  shift?: WorldShift;
}

export interface RosterTenant {
  name: string;
  trucks: readonly RosterTruck[];
}

interface ModelLine {
  wmi: string;
  descriptor: string;
  plant: string;
  make: string;
  model: string;
  engines: readonly (readonly [make: string, model: string])[];
  weight: number;
}

const paccarEngines = [
  ['PACCAR', 'MX-13'],
  ['PACCAR', 'MX-13'],
  ['PACCAR', 'MX-11'],
  ['Cummins', 'X15'],
] as const;

/** Mostly PACCAR makes, as a PACCAR portal shows; a few others that mixed fleets enrol. */
// prettier-ignore
const modelLines: readonly ModelLine[] = [
  { wmi: '1XK', descriptor: 'YD49X', plant: 'J', make: 'Kenworth', model: 'T680', engines: paccarEngines, weight: 40 },
  { wmi: '2XK', descriptor: 'YD49X', plant: 'R', make: 'Kenworth', model: 'T680', engines: paccarEngines, weight: 10 },
  { wmi: '1XK', descriptor: 'DD40X', plant: 'J', make: 'Kenworth', model: 'W990', engines: [['PACCAR', 'MX-13'], ['Cummins', 'X15']], weight: 8 },
  { wmi: '1XK', descriptor: 'ZD40X', plant: 'J', make: 'Kenworth', model: 'T880', engines: [['PACCAR', 'MX-13'], ['Cummins', 'X15']], weight: 7 },
  { wmi: '1XP', descriptor: 'BD49X', plant: 'D', make: 'Peterbilt', model: '579', engines: paccarEngines, weight: 20 },
  { wmi: '1XP', descriptor: 'XD49X', plant: 'D', make: 'Peterbilt', model: '389', engines: [['Cummins', 'X15']], weight: 5 },
  { wmi: '1FU', descriptor: 'JHHDR', plant: 'L', make: 'Freightliner', model: 'Cascadia', engines: [['Detroit', 'DD15'], ['Cummins', 'X15']], weight: 7 },
  { wmi: '3AK', descriptor: 'JHHDR', plant: 'S', make: 'Freightliner', model: 'Cascadia', engines: [['Detroit', 'DD13']], weight: 3 },
];

/** Age in years at the anchor is counted from here; the fleets were bought over the seven years before. */
const newestModelYear = 2026;

function modelLineOf(seed: number, fleetName: string, index: number): ModelLine {
  const total = modelLines.reduce((sum, line) => sum + line.weight, 0);
  let left = unit(seed, fleetName, index, 'model') * total;
  for (const line of modelLines) {
    left -= line.weight;
    if (left < 0) return line;
  }
  throw new RangeError('model lines have no weight');
}

interface FleetPlan {
  name: string;
  count: number;
  unitNumberOf: (index: number) => string;
  homeCities: readonly CityKey[];
  /** How many rotations each home has, or null when every truck has its own. */
  sharedRotations: number | null;
  /** Letters and first number of the serials, so that no two fleets share a VIN. */
  series: (index: number) => { series: string; serial: number };
  shift?: WorldShift | undefined;
}

function fleetTrucks(seed: number, plan: FleetPlan): RosterTruck[] {
  return Array.from({ length: plan.count }, (_, index) => {
    const keys = [seed, plan.name, index] as const;
    const line = modelLineOf(seed, plan.name, index);
    const [engineMake, engineModel] = pick(line.engines, ...keys, 'engine');
    const ageYears = Math.floor(Math.pow(unit(...keys, 'age'), 1.3) * 8);
    const year = newestModelYear - ageYears;
    const milesPerYear = between(88_000, 121_000, ...keys, 'use');
    const odometer = Math.round((ageYears + between(0.25, 0.95, ...keys, 'months')) * milesPerYear * 10) / 10;
    const milesPerEngineHour = between(38, 47, ...keys, 'pace');
    const { wmi, descriptor, plant } = line;
    const vin = syntheticVin({ wmi, descriptor, year, plant, ...plan.series(index) });
    return {
      vin,
      unitNumber: plan.unitNumberOf(index),
      year,
      make: line.make,
      model: line.model,
      engineMake,
      engineModel,
      baseOdometerMiles: odometer,
      baseEngineHours: Math.round((odometer / milesPerEngineHour) * 10) / 10,
      homeCity: pick(plan.homeCities, ...keys, 'home'),
      // Nearly half run with two drivers: so that at any hour of any day most of the fleet is on the road.
      crew: hashKeys(...keys, 'crew') % 100 < 45 ? 'team' : 'solo',
      rotationKey: plan.sharedRotations === null ? vin : `shared ${index % plan.sharedRotations}`,
      index,
      fleetSize: plan.count,
      seed,
      fleetName: plan.name,
      ...(plan.shift === undefined ? {} : { shift: plan.shift }),
    };
  });
}

/** The four demo tenants in the order of `demoTenants`; the dealer owns no trucks. Same seed, same trucks. */
export function demoRoster(seed: number): RosterTenant[] {
  let serial = 0;
  return demoTenants.map((tenant) => {
    const first = serial;
    serial += tenant.truckCount;
    return {
      name: tenant.name,
      trucks: fleetTrucks(seed, {
        name: tenant.name,
        count: tenant.truckCount,
        unitNumberOf: (index) => `${tenant.unitPrefix}${tenant.firstUnit + index}`,
        homeCities: tenant.homeCities,
        sharedRotations: null,
        series: (index) => ({ series: 'ZZ', serial: first + index + 1 }),
      }),
    };
  });
}

const bulkHomes: readonly CityKey[] = [
  'DFW',
  'ATL',
  'CHI',
  'IND',
  'MEM',
  'PHX',
  'SLC',
  'MSP',
  'CMH',
  'STL',
  'OKC',
  'LAX',
];

/**
 * `count` trucks for measuring (up to 40,000). A smaller roster is the beginning of a larger one, but for the fleet
 * size its trucks know. With `shift` they live in another world.
 */
export function bulkRoster(count: number, seed = 1, shift?: WorldShift): RosterTruck[] {
  if (!Number.isInteger(count) || count < 0 || count > 40_000) throw new RangeError('count must be 0 to 40,000');
  return fleetTrucks(seed, {
    name: 'bulk',
    count,
    unitNumberOf: (index) => `T${String(index + 1).padStart(5, '0')}`,
    homeCities: bulkHomes,
    sharedRotations: 8,
    series: (index) => ({ series: `Z${'YXWV'[Math.floor(index / 10_000)] ?? 'Y'}`, serial: index % 10_000 }),
    shift,
  });
}
