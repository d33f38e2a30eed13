/** What an account sees of the world: which trucks are listed, what their pages say, how their faults are grouped. */
import type { Lamps } from '#contracts/faults';
import { faultKey } from '../world/faults/fault-state.ts';
import type { RosterTruck } from '../world/roster.ts';
import { nearestCity } from '../world/routes.ts';
import type { World } from '../world/world.ts';
import { hostileText } from './hostile-text.ts';
import { personaOf, type AccountState, type FaultOverride } from './portal-state.ts';

export interface ListedAsset {
  vin: string;
  unit: string;
  /** "2023 Kenworth T680". */
  vehicle: string;
  status: string;
  customer: string;
}

export interface AssetPage extends ListedAsset {
  year: number;
  make: string;
  model: string;
  engineMake: string;
  engineModel: string;
  odometerMiles: number;
  engineHours: number;
  lat: number;
  lon: number;
  near: string;
  reportedMs: number;
  /** Whether the account sees the shop's cases. */
  hasCases: boolean;
}

export interface PrintedCode {
  spn: number;
  fmi: number;
  sourceAddress: number;
  name: string;
}

/** One row of the diagnostics page; several codes stand in one where the portal groups them. */
export interface FaultRow {
  codes: readonly PrintedCode[];
  isActive: boolean;
  occurrenceCount: number;
  lamps: Lamps;
}

/** Minute the trucks last reported at, as the portal prints no seconds. */
const minuteMs = 60_000;
/** Trucks of a hostile fleet whose texts are hostile. */
const hostileTrucks = 9;

/** Trucks the account lists, in list order. */
export function listedTrucks(world: World, state: AccountState): readonly RosterTruck[] {
  const trucks = world.trucksOf(state.account.fleetName);
  const { fleet } = personaOf(state);
  if (fleet === 'empty') return [];
  // Fewer than half, whatever the number.
  if (fleet === 'half') return trucks.slice(0, Math.max(0, Math.ceil(trucks.length / 2) - 1));
  return trucks;
}

export function findTruck(world: World, state: AccountState, vin: string): RosterTruck | null {
  return listedTrucks(world, state).find((truck) => truck.vin === vin) ?? null;
}

/** True for the trucks of a hostile account whose texts are hostile. */
export function isHostile(state: AccountState, truck: RosterTruck): boolean {
  return personaOf(state).hasHostileText === true && truck.index < hostileTrucks;
}

interface PlainFault extends PrintedCode {
  isActive: boolean;
  occurrenceCount: number;
  lamps: Lamps;
}

const noLamps: Lamps = { malfunction: false, redStop: false, amberWarning: false, protect: false };

/** The truck's faults with the overrides laid over them: an override of a known code replaces it. */
function faultsOf(
  world: World,
  state: AccountState,
  truck: RosterTruck,
  overrides: readonly FaultOverride[],
): PlainFault[] {
  const faults = new Map<string, PlainFault>();
  for (const { spn, fmi, sourceAddress, description, isActive, occurrenceCount, lamps } of world.faults(truck)) {
    const fault = { spn, fmi, sourceAddress, name: description, isActive, occurrenceCount, lamps };
    faults.set(faultKey(fault), fault);
  }
  for (const override of overrides) {
    if (override.vin !== truck.vin) continue;
    const known = faults.get(faultKey(override));
    faults.set(faultKey(override), {
      spn: override.spn,
      fmi: override.fmi,
      sourceAddress: override.sourceAddress,
      name: override.description ?? known?.name ?? `SPN ${override.spn}`,
      isActive: override.isActive,
      occurrenceCount: override.occurrenceCount,
      lamps: override.lamps ?? known?.lamps ?? noLamps,
    });
  }
  if (isHostile(state, truck)) {
    const loud = { spn: 111, fmi: 18, sourceAddress: 0, name: '', isActive: true, occurrenceCount: 2, lamps: noLamps };
    if (faults.size === 0) faults.set(faultKey(loud), loud);
    return [...faults.values()].map((fault, at) => ({ ...fault, name: hostileText(truck.index + at) }));
  }
  return [...faults.values()];
}

/** Rows of a truck's diagnostics page, active ones first. */
export function faultRows(
  world: World,
  state: AccountState,
  truck: RosterTruck,
  overrides: readonly FaultOverride[],
): FaultRow[] {
  const faults = faultsOf(world, state, truck, overrides).sort((a, b) => Number(b.isActive) - Number(a.isActive));
  const rowOf = (group: readonly PlainFault[]): FaultRow => ({
    codes: group.map(({ spn, fmi, sourceAddress, name }) => ({ spn, fmi, sourceAddress, name })),
    isActive: group.some((fault) => fault.isActive),
    occurrenceCount: Math.max(...group.map((fault) => fault.occurrenceCount)),
    lamps: {
      malfunction: group.some((fault) => fault.lamps.malfunction),
      redStop: group.some((fault) => fault.lamps.redStop),
      amberWarning: group.some((fault) => fault.lamps.amberWarning),
      protect: group.some((fault) => fault.lamps.protect),
    },
  });
  if (personaOf(state).hasMultiPairRows !== true) return faults.map((fault) => rowOf([fault]));
  // Grouped by controller, as the portal does for some subscriptions: three codes to a row at most.
  const rows: FaultRow[] = [];
  for (const isActive of [true, false]) {
    const alike = faults.filter((fault) => fault.isActive === isActive);
    for (const address of new Set(alike.map((fault) => fault.sourceAddress))) {
      const ofOne = alike.filter((fault) => fault.sourceAddress === address);
      for (let at = 0; at < ofOne.length; at += 3) rows.push(rowOf(ofOne.slice(at, at + 3)));
    }
  }
  return rows;
}

/** A truck's line in the list. */
export function listedAsset(world: World, state: AccountState, truck: RosterTruck): ListedAsset {
  const isStopped = world.faults(truck).some((fault) => fault.isActive && fault.lamps.redStop);
  const hostile = isHostile(state, truck);
  return {
    vin: truck.vin,
    unit: hostile ? hostileText(truck.index) : truck.unitNumber,
    vehicle: `${truck.year} ${truck.make} ${hostile ? hostileText(truck.index + 1) : truck.model}`,
    status: isStopped ? 'Needs Service' : 'Active',
    customer: state.account.fleetName,
  };
}

/** Everything on a truck's own page. */
export function assetPage(world: World, state: AccountState, truck: RosterTruck): AssetPage {
  const position = world.position(truck);
  const city = nearestCity(position);
  return {
    ...listedAsset(world, state, truck),
    year: truck.year,
    make: truck.make,
    model: truck.model,
    engineMake: truck.engineMake,
    engineModel: truck.engineModel,
    odometerMiles: position.odometerMiles,
    engineHours: position.engineHours,
    lat: position.lat,
    lon: position.lon,
    near: `${city.name}, ${city.state}`,
    reportedMs: Math.floor(world.clock.realMs() / minuteMs) * minuteMs,
    hasCases: personaOf(state).cases !== 'absent',
  };
}
