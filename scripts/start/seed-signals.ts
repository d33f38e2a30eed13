/** A truck's signals as the product would have rolled them up day by day: the world's readings, one row per signal and day. */
import type { SignalName } from '#contracts/telemetry';
import { positionAt, rotationOf } from '#simulators/world/driving';
import type { RosterTruck } from '#simulators/world/roster';
import { dailySignals, signalsAt, type SignalValues } from '#simulators/world/signals';
import type { SignalDay, SignalReading } from '#worker/features/telemetry/signal-rules';
import { addReadings, readingsByDay } from '#worker/features/telemetry/signal-rules';
import { demoVehicleId } from './seed-ids.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** Highest and lowest of a day are looked for this often. */
const extremesEveryMs = 180 * minuteMs;
/** The day that is not over yet is read this often. */
const todayEveryMs = 2 * minuteMs;

const entriesOf = (values: SignalValues) => Object.entries(values) as [SignalName, number][];

/** Minutes of an average day with the ignition on: the gateway reads once in each. */
function readingsPerDay(truck: RosterTruck): number {
  const rotation = rotationOf(truck);
  return Math.round((1440 * rotation.engineHours * 60 * minuteMs) / rotation.periodMs);
}

/** What the truck's sensors say at an instant of a world whose clock runs with real time. */
const readAt = (truck: RosterTruck, anchorMs: number, ms: number): SignalValues =>
  signalsAt(truck, ms, positionAt(truck, anchorMs, ms));

/** One whole day: its means, and the extremes and last values of readings through the day. */
function wholeDay(truck: RosterTruck, anchorMs: number, dayStartMs: number, readings: number): SignalDay[] {
  const samples: { at: string; values: SignalValues }[] = [];
  for (let ms = dayStartMs + extremesEveryMs / 2; ms < dayStartMs + dayMs; ms += extremesEveryMs) {
    samples.push({ at: new Date(ms).toISOString(), values: readAt(truck, anchorMs, ms) });
  }
  const vehicleId = demoVehicleId(truck.vin);
  const day = new Date(dayStartMs).toISOString().slice(0, 10);
  return entriesOf(dailySignals(truck, dayStartMs)).map(([name, mean]) => {
    const known = samples.flatMap(({ at, values }) => {
      const value = values[name];
      return value === undefined ? [] : [{ at, value }];
    });
    const last = known.at(-1) ?? { at: new Date(dayStartMs + dayMs / 2).toISOString(), value: mean };
    const values = [mean, ...known.map(({ value }) => value)];
    return {
      vehicleId,
      name,
      day,
      readings,
      mean,
      min: Math.min(...values),
      max: Math.max(...values),
      lastValue: last.value,
      lastAt: last.at,
      // A closed day: what was read then is all there is.
      minutes: null,
      version: 1,
    };
  });
}

/** The day of the anchor, as far as it has come, by the product's own folding: further readings join these. */
function dayUntilAnchor(truck: RosterTruck, anchorMs: number): SignalDay[] {
  const vehicleId = demoVehicleId(truck.vin);
  const readings: SignalReading[] = [];
  for (let ms = Math.floor(anchorMs / dayMs) * dayMs; ms < anchorMs; ms += todayEveryMs) {
    const at = new Date(ms).toISOString();
    for (const [name, value] of entriesOf(readAt(truck, anchorMs, ms))) readings.push({ vehicleId, name, at, value });
  }
  return [...readingsByDay(readings).values()].flatMap((rows) => addReadings(null, rows) ?? []);
}

/** Rollups of the days from that of `fromMs` until the anchor, oldest first. */
export function pastSignalDays(truck: RosterTruck, fromMs: number, anchorMs: number): SignalDay[] {
  const readings = readingsPerDay(truck);
  const days: SignalDay[] = [];
  const todayMs = Math.floor(anchorMs / dayMs) * dayMs;
  for (let dayStartMs = Math.floor(fromMs / dayMs) * dayMs; dayStartMs < todayMs; dayStartMs += dayMs) {
    days.push(...wholeDay(truck, anchorMs, dayStartMs, readings));
  }
  return [...days, ...dayUntilAnchor(truck, anchorMs)];
}

export interface SignalMean {
  name: string;
  day: string;
  mean: number;
  readings: number;
  lastAt: string;
}

/** Only what baselines are made of, for as many days as there are: cheap. */
export function pastSignalMeans(truck: RosterTruck, fromMs: number, untilMs: number): SignalMean[][] {
  const readings = readingsPerDay(truck);
  const days: SignalMean[][] = [];
  for (let dayStartMs = Math.floor(fromMs / dayMs) * dayMs; dayStartMs + dayMs <= untilMs; dayStartMs += dayMs) {
    const day = new Date(dayStartMs).toISOString().slice(0, 10);
    const lastAt = new Date(dayStartMs + dayMs - minuteMs).toISOString();
    days.push(
      entriesOf(dailySignals(truck, dayStartMs)).map(([name, mean]) => ({ name, day, mean, readings, lastAt })),
    );
  }
  return days;
}
