/**
 * A truck's codes as the product would know them had it read the portal every quarter of an hour: the world's faults at
 * each instant at which something changes, through the product's own comparison.
 */
import type { ObservedFault, ObservedVehicle } from '#contracts/sync';
import { faultChangesBetween, faultsWithin } from '#simulators/world/faults/fault-state';
import type { RosterTruck } from '#simulators/world/roster';
import { faultWords } from '#worker/features/sync/fault-words';
import { diffSync, type KnownFault, type KnownVehicle } from '#worker/features/sync/rules';
import { demoVehicleId, fixedId } from './seed-ids.ts';

const minuteMs = 60_000;
/** How often a fleet's portal is read. */
export const syncEveryMs = 15 * minuteMs;
/** Counts rise while nothing else changes: looked at this often while a code is active. */
const countedEveryMs = 6 * 60 * minuteMs;

/** The first reading of the portal at or after an instant. */
export const nextSyncMs = (ms: number): number => Math.ceil(ms / syncEveryMs) * syncEveryMs;

/** The last reading of the portal at or before an instant. */
export const lastSyncMs = (ms: number): number => Math.floor(ms / syncEveryMs) * syncEveryMs;

export interface FaultsThen {
  atMs: number;
  faults: readonly KnownFault[];
}

export interface PastFaultsOptions {
  fromMs: number;
  untilMs: number;
  /** A portal that prints no source addresses: everything is the engine's. */
  printsSourceAddress: boolean;
  /** Instants, rising, at which the state is wanted besides. */
  landmarksMs: readonly number[];
}

/** Codes known at each landmark and, as the last entry, at `untilMs`. */
export function pastFaults(truck: RosterTruck, options: PastFaultsOptions): FaultsThen[] {
  const { fromMs, untilMs, printsSourceAddress } = options;
  const faultsAt = faultsWithin(truck, fromMs, untilMs);
  const changes = faultChangesBetween(truck, fromMs, untilMs).map(nextSyncMs);
  const readings = [...new Set([nextSyncMs(fromMs), ...changes])].filter((ms) => ms <= untilMs).sort((a, b) => a - b);
  const known = new Map<string, KnownFault>();
  const states: FaultsThen[] = [];
  const wanted = [...options.landmarksMs, untilMs];
  const keepUntil = (ms: number): void => {
    for (let next = wanted[0]; next !== undefined && next < ms; next = wanted[0]) {
      states.push({ atMs: next, faults: [...known.values()] });
      wanted.shift();
    }
  };
  const read = (ms: number): void => {
    keepUntil(ms);
    applyReading(truck, known, faultsAt(ms), ms, printsSourceAddress);
  };
  readings.forEach((ms, index) => {
    read(ms);
    const nextMs = Math.min(readings[index + 1] ?? Infinity, untilMs);
    for (let between = ms + countedEveryMs; between < nextMs; between += countedEveryMs) {
      if (![...known.values()].some((fault) => fault.isActive)) break;
      read(between);
    }
  });
  keepUntil(Infinity);
  return states;
}

const keyOf = ({ sourceAddress, spn, fmi }: Pick<KnownFault, 'sourceAddress' | 'spn' | 'fmi'>): string =>
  `${sourceAddress}/${spn}/${fmi}`;

const words = new Map<string, ReturnType<typeof faultWords>>();

/** The same few codes come up tens of thousands of times. */
const rememberedWords: typeof faultWords = (spn, fmi) => {
  const key = `${spn}/${fmi}`;
  const found = words.get(key) ?? faultWords(spn, fmi);
  words.set(key, found);
  return found;
};

/** One reading of the truck's page: what is known afterwards. */
function applyReading(
  truck: RosterTruck,
  known: Map<string, KnownFault>,
  listed: ReturnType<ReturnType<typeof faultsWithin>>,
  ms: number,
  printsSourceAddress: boolean,
): void {
  const vehicleId = demoVehicleId(truck.vin);
  const { vin, unitNumber, year, make, model, engineMake, engineModel } = truck;
  const facts = { vin, unitNumber, year, make, model, engineMake, engineModel, odometerMiles: null, engineHours: null };
  const vehicle: KnownVehicle = { ...facts, id: vehicleId, faultsReadAt: new Date(ms - syncEveryMs).toISOString() };
  const faults = listed.map((fault): ObservedFault => ({
    spn: fault.spn,
    fmi: fault.fmi,
    sourceAddress: printsSourceAddress ? fault.sourceAddress : 0,
    description: fault.description,
    isActive: fault.isActive,
    occurrenceCount: fault.occurrenceCount,
    lamps: fault.lamps,
  }));
  const observed: ObservedVehicle = { ...facts, faults, position: null };
  const at = new Date(ms).toISOString();
  // Codes that are neither active nor listed stay as they are.
  const listedKeys = new Set(faults.map(keyOf));
  const touched = [...known.values()].filter((fault) => fault.isActive || listedKeys.has(keyOf(fault)));
  const existing = { vehicles: [vehicle], faults: touched };
  const diff = diffSync(existing, [observed], at, { describe: rememberedWords, mayClear: true });
  for (const { vin: _vin, ...fault } of diff.faultInserts) {
    const id = fixedId(`fault:${vin}:${keyOf(fault)}`, ms);
    known.set(keyOf(fault), { ...fault, id, vehicleId, isTelemetryActive: false });
  }
  for (const write of [...diff.faultUpdates, ...diff.faultClears, ...diff.reopened]) {
    const before = touched.find((fault) => fault.id === write.id);
    if (before !== undefined) known.set(keyOf(before), { ...before, ...write });
  }
}
