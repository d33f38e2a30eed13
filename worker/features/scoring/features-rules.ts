/** From what D1 holds of one vehicle to what scoring takes. Pure. */
import type { Lamps } from '#contracts/faults';
import type { VehicleFeatures } from '#contracts/risk';
import { mostHoursPerDay, mostMilesPerDay, ratePerDay, type MeterPoint } from './usage-rules.ts';

const dayMs = 86_400_000;

export interface VehicleFacts {
  make: string | null;
  model: string | null;
  year: number | null;
  odometerMiles: number | null;
  engineHours: number | null;
  firstSeenAt: string;
  lastSyncAt: string | null;
  lastReadingAt: string | null;
  faultsReadAt: string | null;
}

export type FaultFacts = VehicleFeatures['faults'][number] & { lamps: Lamps | null };

/** What is known of a vehicle's time in shops; null of a vehicle of which nothing was ever recorded. */
export interface ServiceFacts {
  firstAt: string;
  /** The newest preventive work, and the odometer it was done at. */
  lastServiceAt: string | null;
  lastServiceMiles: number | null;
  repairs365Days: number;
  odometers: readonly MeterPoint[];
}

/** Meters as an earlier prediction has kept them. */
export interface MeterFacts {
  at: string;
  odometerMiles: number | null;
  engineHours: number | null;
}

export interface FeatureRows {
  vehicle: VehicleFacts;
  faults: readonly FaultFacts[];
  signals: VehicleFeatures['signals'];
  service: ServiceFacts | null;
  /** True when the tenant keeps records of its shop: then a vehicle without any was not in one. */
  hasServiceRecords: boolean;
  earlier: MeterFacts | null;
}

const later = (a: string | null, b: string | null): string | null => (a === null ? b : b === null ? a : a > b ? a : b);

const toTenth = (value: number): number => Math.round(value * 10) / 10;

/** When the meters of the vehicle's row were last read; null when nobody ever did. */
const meterReadAt = ({ lastSyncAt, lastReadingAt }: VehicleFacts): string | null => later(lastSyncAt, lastReadingAt);

function pointsOf(rows: FeatureRows, meter: 'odometerMiles' | 'engineHours'): MeterPoint[] {
  const { vehicle, earlier } = rows;
  const at = meterReadAt(vehicle);
  const current = vehicle[meter];
  const before = earlier?.[meter] ?? null;
  return [
    ...(at === null || current === null ? [] : [{ at, value: current }]),
    ...(earlier === null || before === null ? [] : [{ at: earlier.at, value: before }]),
    ...(meter === 'odometerMiles' ? (rows.service?.odometers ?? []) : []),
  ];
}

/** Driven since the newest preventive work: by the odometer where both are known, else by the days and the usual miles. */
function milesSinceService(rows: FeatureRows, milesPerDay: number | null, now: Date): number | null {
  const { service, vehicle } = rows;
  if (service === null || service.lastServiceAt === null) return null;
  const { lastServiceMiles, lastServiceAt } = service;
  if (lastServiceMiles !== null && vehicle.odometerMiles !== null && vehicle.odometerMiles >= lastServiceMiles) {
    return toTenth(vehicle.odometerMiles - lastServiceMiles);
  }
  const days = (now.getTime() - Date.parse(lastServiceAt)) / dayMs;
  return milesPerDay === null || !(days >= 0) ? null : toTenth(milesPerDay * days);
}

function observedDays({ vehicle, service }: FeatureRows, now: Date): number {
  const since = service !== null && service.firstAt < vehicle.firstSeenAt ? service.firstAt : vehicle.firstSeenAt;
  return toTenth(Math.max(0, (now.getTime() - Date.parse(since)) / dayMs));
}

/**
 * What is known of one vehicle at `now`, null where unknown. "Service" is preventive work: a repair renews no oil.
 * An active fault was last seen when its vehicle's whole list was last read, or itself later.
 */
export function toFeatures(rows: FeatureRows, now: Date): VehicleFeatures {
  const { vehicle, service, hasServiceRecords } = rows;
  const seenAt = ({ isActive, lastSeenAt }: FaultFacts): string =>
    isActive && vehicle.faultsReadAt !== null && vehicle.faultsReadAt > lastSeenAt ? vehicle.faultsReadAt : lastSeenAt;
  const milesPerDay = ratePerDay(pointsOf(rows, 'odometerMiles'), mostMilesPerDay, now);
  const hoursPerDay = ratePerDay(pointsOf(rows, 'engineHours'), mostHoursPerDay, now);
  return {
    vehicle: {
      make: vehicle.make,
      model: vehicle.model,
      year: vehicle.year,
      odometerMiles: vehicle.odometerMiles,
      engineHours: vehicle.engineHours,
      milesPerDay,
      hoursPerDay,
    },
    faults: rows.faults.map(({ lamps: _lamps, ...fault }) => ({
      ...fault,
      lastSeenAt: seenAt({ ...fault, lamps: null }),
    })),
    lamps: rows.faults.flatMap((fault) =>
      fault.isActive && fault.lamps !== null
        ? [{ ...fault.lamps, sourceAddress: fault.sourceAddress, at: seenAt(fault) }]
        : [],
    ),
    signals: rows.signals,
    service: {
      lastServiceAt: service?.lastServiceAt ?? null,
      milesSinceService: milesSinceService(rows, milesPerDay, now),
      repairs365Days: service?.repairs365Days ?? (hasServiceRecords ? 0 : null),
    },
    observedDays: observedDays(rows, now),
  };
}
