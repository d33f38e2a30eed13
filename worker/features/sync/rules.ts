/**
 * Pure: what D1 knows and what the source says → exactly what must be written. Running it again on the outcome yields
 * nothing, which is what makes a repeated step and a run without news cheap and harmless.
 */
import type { FaultSeverity, Lamps, VehicleSystem } from '#contracts/faults';
import type { ObservedFault, ObservedVehicle } from '#contracts/sync';

export interface VehicleFacts {
  unitNumber: string;
  year: number | null;
  make: string | null;
  model: string | null;
  engineMake: string | null;
  engineModel: string | null;
  odometerMiles: number | null;
  engineHours: number | null;
}

export interface KnownVehicle extends VehicleFacts {
  id: string;
  vin: string;
  /** When the whole fault list was last read; an active fault was last seen then, or at its own later time. */
  faultsReadAt: string | null;
}

export interface FaultState {
  description: string;
  system: VehicleSystem;
  severity: FaultSeverity;
  /** The portal or telemetry says so. */
  isActive: boolean;
  isPortalActive: boolean;
  lastSeenAt: string;
  clearedAt: string | null;
  occurrenceCount: number;
  reopenCount: number;
  lamps: Lamps | null;
}

export interface FaultIdentity {
  sourceAddress: number;
  spn: number;
  fmi: number;
}

export interface KnownFault extends FaultIdentity, FaultState {
  id: string;
  vehicleId: string;
  firstSeenAt: string;
  /** Telemetry reports it, and will say when it is gone: the portal clears only what it reported itself. */
  isTelemetryActive: boolean;
}

export interface FaultWrite extends FaultState {
  id: string;
  vehicleId: string;
}

/** Our words for a code; `description` null when only the source's own can help. */
export type DescribeFault = (
  spn: number,
  fmi: number,
) => { description: string | null; system: VehicleSystem; severity: FaultSeverity };

export interface DiffCounts {
  vehiclesCreated: number;
  vehiclesChanged: number;
  faultsOpened: number;
  faultsCleared: number;
}

export interface SyncDiff {
  inserts: (VehicleFacts & { vin: string })[];
  /** Vehicles whose own facts moved. */
  updates: (VehicleFacts & { id: string })[];
  faultInserts: (FaultIdentity & FaultState & { vin: string; firstSeenAt: string })[];
  /** Still active (or still history) with something new to say. */
  faultUpdates: FaultWrite[];
  faultClears: FaultWrite[];
  reopened: FaultWrite[];
  /** Every known vehicle with any change above. */
  changedVehicleIds: string[];
  /** Those whose change says something of their condition: a meter that ran on is no reason for a new prediction. */
  rescoreVehicleIds: string[];
  unchanged: number;
  counts: DiffCounts;
}

/** An odometer or hour meter this far below the known one was replaced; a smaller step back is a misread. */
const replacedMeterRatio = 0.5;

const keyOf = (fault: FaultIdentity): string => `${fault.sourceAddress}/${fault.spn}/${fault.fmi}`;

/**
 * Compares what was read at `observedAt` with what is known of the same vehicles. A fault is cleared only where the
 * vehicle's list was read whole and `mayClear`; what another source saw after `observedAt` is left alone.
 */
export function diffSync(
  existing: { vehicles: readonly KnownVehicle[]; faults: readonly KnownFault[] },
  observed: readonly ObservedVehicle[],
  observedAt: string,
  options: { describe: DescribeFault; mayClear: boolean },
): SyncDiff {
  const vehicleByVin = new Map(existing.vehicles.map((vehicle) => [vehicle.vin, vehicle]));
  const faultsByVehicle = Map.groupBy(existing.faults, (fault) => fault.vehicleId);
  const diff: SyncDiff = {
    inserts: [],
    updates: [],
    faultInserts: [],
    faultUpdates: [],
    faultClears: [],
    reopened: [],
    changedVehicleIds: [],
    rescoreVehicleIds: [],
    unchanged: 0,
    counts: { vehiclesCreated: 0, vehiclesChanged: 0, faultsOpened: 0, faultsCleared: 0 },
  };
  const seen = new Set<string>();
  for (const vehicle of observed) {
    if (seen.has(vehicle.vin)) continue;
    seen.add(vehicle.vin);
    const known = vehicleByVin.get(vehicle.vin);
    if (known === undefined) {
      diff.inserts.push({ vin: vehicle.vin, ...mergeFacts(null, vehicle) });
      for (const fault of uniqueFaults(vehicle.faults ?? []))
        insertFault(diff, vehicle.vin, fault, observedAt, options);
      continue;
    }
    const writesBefore = faultWrites(diff);
    const facts = mergeFacts(known, vehicle);
    const movedFacts = factNames.filter((name) => facts[name] !== known[name]);
    if (movedFacts.length > 0) diff.updates.push({ id: known.id, ...facts });
    if (vehicle.faults !== null) {
      diffFaults(diff, known, faultsByVehicle.get(known.id) ?? [], uniqueFaults(vehicle.faults), observedAt, options);
    }
    const hasFaultNews = faultWrites(diff) > writesBefore;
    if (movedFacts.length > 0 || hasFaultNews) diff.changedVehicleIds.push(known.id);
    else diff.unchanged += 1;
    if (hasFaultNews || movedFacts.some((name) => !meterNames.has(name))) diff.rescoreVehicleIds.push(known.id);
  }
  diff.counts = {
    vehiclesCreated: diff.inserts.length,
    vehiclesChanged: diff.changedVehicleIds.length,
    faultsOpened: diff.faultInserts.filter((fault) => fault.isActive).length + diff.reopened.length,
    faultsCleared: diff.faultClears.length,
  };
  return diff;
}

const factNames = [
  'unitNumber',
  'year',
  'make',
  'model',
  'engineMake',
  'engineModel',
  'odometerMiles',
  'engineHours',
] as const satisfies readonly (keyof VehicleFacts)[];

const meterNames: ReadonlySet<string> = new Set(['odometerMiles', 'engineHours'] satisfies (keyof VehicleFacts)[]);

const faultWrites = (diff: SyncDiff): number =>
  diff.faultInserts.length + diff.faultUpdates.length + diff.faultClears.length + diff.reopened.length;

/** What the source does not know never overwrites what is known. */
function mergeFacts(known: KnownVehicle | null, observed: ObservedVehicle): VehicleFacts {
  return {
    unitNumber: observed.unitNumber || known?.unitNumber || observed.vin.slice(-8),
    year: observed.year ?? known?.year ?? null,
    make: observed.make ?? known?.make ?? null,
    model: observed.model ?? known?.model ?? null,
    engineMake: observed.engineMake ?? known?.engineMake ?? null,
    engineModel: observed.engineModel ?? known?.engineModel ?? null,
    odometerMiles: nextMeter(known?.odometerMiles ?? null, observed.odometerMiles),
    engineHours: nextMeter(known?.engineHours ?? null, observed.engineHours),
  };
}

/** Meters only rise, except when the unit behind them was replaced. */
export function nextMeter(known: number | null, observed: number | null): number | null {
  if (observed === null) return known;
  if (known === null || observed >= known) return observed;
  return observed < known * replacedMeterRatio ? observed : known;
}

function uniqueFaults(faults: readonly ObservedFault[]): ObservedFault[] {
  const byKey = new Map<string, ObservedFault>();
  for (const fault of faults) {
    const first = byKey.get(keyOf(fault));
    if (first === undefined || (!first.isActive && fault.isActive)) byKey.set(keyOf(fault), fault);
  }
  return [...byKey.values()];
}

function wordsOf(fault: ObservedFault, known: KnownFault | null, describe: DescribeFault) {
  const ours = describe(fault.spn, fault.fmi);
  return {
    description: ours.description ?? fault.description ?? known?.description ?? `SPN ${fault.spn} FMI ${fault.fmi}`,
    system: ours.system,
    severity: ours.severity,
  };
}

function insertFault(
  diff: SyncDiff,
  vin: string,
  fault: ObservedFault,
  observedAt: string,
  { describe }: { describe: DescribeFault },
): void {
  const { spn, fmi, sourceAddress } = fault;
  diff.faultInserts.push({
    vin,
    ...{ sourceAddress, spn, fmi },
    ...wordsOf(fault, null, describe),
    isActive: fault.isActive,
    isPortalActive: fault.isActive,
    firstSeenAt: observedAt,
    lastSeenAt: observedAt,
    // Met as history: when it really cleared is not known, only that it is no longer active.
    clearedAt: fault.isActive ? null : observedAt,
    occurrenceCount: fault.occurrenceCount ?? 1,
    reopenCount: 0,
    lamps: fault.lamps,
  });
}

function diffFaults(
  diff: SyncDiff,
  vehicle: KnownVehicle,
  known: readonly KnownFault[],
  observed: readonly ObservedFault[],
  observedAt: string,
  options: { describe: DescribeFault; mayClear: boolean },
): void {
  const observedByKey = new Map(observed.map((fault) => [keyOf(fault), fault]));
  const knownKeys = new Set<string>();
  for (const fault of known) {
    knownKeys.add(keyOf(fault));
    if (isNewerThan(fault, observedAt)) continue;
    const seen = observedByKey.get(keyOf(fault));
    if (seen?.isActive) {
      if (fault.isActive) updateFault(diff, fault, seen, observedAt, options.describe);
      else diff.reopened.push(reopen(fault, seen, observedAt, options.describe));
    } else if (fault.isPortalActive && options.mayClear) {
      // The time it was last seen is written now: once it is history, nothing else tells.
      const lastSeenAt = later(fault.lastSeenAt, vehicle.faultsReadAt);
      const gone = { ...writeOf(fault), isPortalActive: false, lastSeenAt };
      if (fault.isTelemetryActive) diff.faultUpdates.push(gone);
      else diff.faultClears.push({ ...gone, isActive: false, clearedAt: observedAt });
    }
  }
  for (const fault of observed) {
    if (!knownKeys.has(keyOf(fault))) insertFault(diff, vehicle.vin, fault, observedAt, options);
  }
}

/** Another source has said something of this fault since the page was read. */
const isNewerThan = (fault: KnownFault, observedAt: string): boolean =>
  fault.lastSeenAt > observedAt || (fault.clearedAt !== null && fault.clearedAt > observedAt);

const later = (a: string, b: string | null): string => (b !== null && b > a ? b : a);

const writeOf = ({ id, vehicleId, ...fault }: KnownFault): FaultWrite => ({
  id,
  vehicleId,
  description: fault.description,
  system: fault.system,
  severity: fault.severity,
  isActive: fault.isActive,
  isPortalActive: fault.isPortalActive,
  lastSeenAt: fault.lastSeenAt,
  clearedAt: fault.clearedAt,
  occurrenceCount: fault.occurrenceCount,
  reopenCount: fault.reopenCount,
  lamps: fault.lamps,
});

const sameLamps = (a: Lamps | null, b: Lamps | null): boolean =>
  a === b ||
  (a !== null &&
    b !== null &&
    a.malfunction === b.malfunction &&
    a.redStop === b.redStop &&
    a.amberWarning === b.amberWarning &&
    a.protect === b.protect);

/** Still active: written only when it says something new; that it was seen again stands on the vehicle. */
function updateFault(
  diff: SyncDiff,
  known: KnownFault,
  seen: ObservedFault,
  observedAt: string,
  describe: DescribeFault,
): void {
  const words = wordsOf(seen, known, describe);
  const lamps = seen.lamps ?? known.lamps;
  // A controller that was reset counts from zero again; what happened before still happened.
  const occurrenceCount = Math.max(known.occurrenceCount, seen.occurrenceCount ?? 0);
  const isSame =
    words.description === known.description &&
    words.system === known.system &&
    words.severity === known.severity &&
    occurrenceCount === known.occurrenceCount &&
    known.isPortalActive &&
    sameLamps(lamps, known.lamps);
  if (isSame) return;
  const seenNow = { ...words, occurrenceCount, lamps, isPortalActive: true, lastSeenAt: observedAt };
  diff.faultUpdates.push({ ...writeOf(known), ...seenNow });
}

/** The same fault is back: one more reopening of the old row, whose first sighting stays. */
function reopen(known: KnownFault, seen: ObservedFault, observedAt: string, describe: DescribeFault): FaultWrite {
  return {
    ...writeOf(known),
    ...wordsOf(seen, known, describe),
    isActive: true,
    isPortalActive: true,
    lastSeenAt: observedAt,
    clearedAt: null,
    reopenCount: known.reopenCount + 1,
    occurrenceCount: Math.max(known.occurrenceCount + 1, seen.occurrenceCount ?? 0),
    lamps: seen.lamps ?? known.lamps,
  };
}

/** Fewer than half of what was there: more likely a half-loaded list than a fleet sold overnight. */
export const isSuspicious = (vehiclesSeen: number, vehiclesBefore: number): boolean =>
  vehiclesBefore > 0 && vehiclesSeen * 2 < vehiclesBefore;
