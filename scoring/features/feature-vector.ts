/** One vehicle at one time as a row of numbers for the trained models. */
import type { VehicleFeatures } from '#contracts/risk';
import { signalRanges, type SignalName } from '#contracts/telemetry';
import { ageDays, dayMs } from '../risk/ages.ts';
import { faultFeatures } from './fault-features.ts';
import { featureNames, type FeatureName } from './feature-list.ts';
import { isFresh, newestPerName, signalZScores } from './signal-z.ts';

/** A value inside what is possible, NaN (unknown) otherwise: absurd numbers are errors, not information. */
const within = (value: unknown, least: number, most: number): number =>
  typeof value === 'number' && value >= least && value <= most ? value : Number.NaN;

const mostMiles = 5_000_000;
const mostHours = 200_000;
const mostDays = 3650;
const daysPerYear = 365.25;
/** Below this an average over life says nothing. */
const hoursForAverage = 100;

const yearStartMs = (year: number): number => Date.UTC(year, 0, 1);

/** Years since the model year began; trucks are sold up to a year ahead of it. */
const ageYears = (year: number | null, nowMs: number): number => {
  const known = within(year, 1900, 2200);
  const age = (nowMs - yearStartMs(Math.floor(known))) / (daysPerYear * dayMs);
  return age >= -1.5 ? Math.min(60, Math.max(0, age)) : Number.NaN;
};

const usageFeatures = ({ vehicle, observedDays }: VehicleFeatures, nowMs: number) => {
  const odometerMiles = within(vehicle.odometerMiles, 0, mostMiles);
  const engineHours = within(vehicle.engineHours, 0, mostHours);
  return {
    milesPerDay: within(vehicle.milesPerDay, 0, 1500),
    hoursPerDay: within(vehicle.hoursPerDay, 0, 24),
    odometerMiles,
    engineHours,
    milesPerEngineHour: engineHours >= hoursForAverage ? within(odometerMiles / engineHours, 0, 90) : Number.NaN,
    ageYears: ageYears(vehicle.year, nowMs),
    observedDays: Math.min(mostDays, within(observedDays, 0, 100_000)),
  };
};

const maintenanceFeatures = ({ service }: VehicleFeatures, nowMs: number) => ({
  daysSinceService: Math.min(mostDays, ageDays(service.lastServiceAt, nowMs) ?? Number.NaN),
  milesSinceService: within(service.milesSinceService, 0, mostMiles),
  repairs365Days: within(service.repairs365Days, 0, 1000),
});

const signalFeatures = (features: VehicleFeatures, now: Date) => {
  const nowMs = now.getTime();
  const newest = newestPerName(features.signals).filter((signal) => isFresh(signal, nowMs));
  const scores = signalZScores(features, now);
  const valueOf = (name: SignalName): number =>
    within(newest.find((signal) => signal.name === name)?.value, signalRanges[name][0], signalRanges[name][1]);
  const zOf = (name: SignalName): number => scores.find((score) => score.signal === name)?.z ?? Number.NaN;
  const above = (z: number): number => Math.max(0, z);
  return {
    dpfSootPercent: valueOf('dpfSootPercent'),
    dpfSootZ: zOf('dpfSootPercent'),
    batteryLowZ: above(-zOf('batteryVolts')),
    oilPressureLowZ: above(-zOf('oilPressurePsi')),
    coolantHighZ: above(zOf('coolantTempF')),
    boostLowZ: above(-zOf('boostPsi')),
    fuelRateHighZ: zOf('fuelRateGph'),
    defLevelPercent: valueOf('defLevelPercent'),
    largestZ: scores.length === 0 ? Number.NaN : Math.max(...scores.map((score) => Math.abs(score.z))),
    driftingSignals: scores.length === 0 ? Number.NaN : scores.filter((score) => score.drift !== null).length,
  };
};

const seasonFeatures = (now: Date) => {
  const dayOfYear = (now.getTime() - yearStartMs(now.getUTCFullYear())) / dayMs;
  const angle = (2 * Math.PI * dayOfYear) / daysPerYear;
  return { seasonSin: Math.sin(angle), seasonCos: Math.cos(angle) };
};

/**
 * The features of `featureList`, in its order: finite numbers, NaN where unknown. Data never makes it throw: what is
 * unreadable or absurd counts as unknown. The order of faults, lamps and signals changes nothing.
 * @throws RangeError when `now` is no date.
 */
export const featureVector = (features: VehicleFeatures, now: Date): number[] => {
  const nowMs = now.getTime();
  if (!Number.isFinite(nowMs)) throw new RangeError('now is not a valid date');
  const values: Readonly<Record<FeatureName, number>> = {
    ...faultFeatures(features, nowMs),
    ...usageFeatures(features, nowMs),
    ...maintenanceFeatures(features, nowMs),
    ...signalFeatures(features, now),
    ...seasonFeatures(now),
  };
  return featureNames.map((name) => values[name]);
};
