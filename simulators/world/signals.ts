/**
 * What a truck's sensors say. A reading follows from the load, the outside air and the truck's own ways, from noise, and
 * from troubles that are coming or there (faults/warnings.ts). Repeatable: everything is a function of truck and instant.
 */
import type { SignalName } from '#contracts/telemetry';
import type { Climate } from './cities.ts';
import { defLevelAt, defTankOf, longestForgottenMs, type DefTank, type ForgottenFillUp } from './def-level.ts';
import { positionAt, rotationOf } from './driving.ts';
import { episodesBetween } from './faults/episodes.ts';
import { truthOf } from './faults/truths.ts';
import { driftOf, driftShare, longestLeadDays, type Drift } from './faults/warnings.ts';
import { hashKeys, mixed, normalOf } from './random.ts';
import type { RosterTruck } from './roster.ts';
import { wholeShift } from './shift.ts';
import { dayNightF, dayTemperatureF, weatherHash } from './weather.ts';

export type SignalValues = Partial<Record<SignalName, number>>;

const dayMs = 86_400_000;

/** Per signal: place in the draws, spread between trucks, noise of a day's mean and of a single reading, in its unit. */
// prettier-ignore
const plan: Readonly<Record<SignalName, { index: number; truckSpread: number; dayNoise: number; noise: number; absent: number }>> = {
  coolantTempF: { index: 0, truckSpread: 2.2, dayNoise: 0.8, noise: 2, absent: 0 },
  oilTempF: { index: 1, truckSpread: 3, dayNoise: 1.2, noise: 2.5, absent: 0.12 },
  oilPressurePsi: { index: 2, truckSpread: 2.6, dayNoise: 0.8, noise: 1.6, absent: 0 },
  defLevelPercent: { index: 3, truckSpread: 0, dayNoise: 0.5, noise: 0.5, absent: 0.02 },
  dpfSootPercent: { index: 4, truckSpread: 6, dayNoise: 4.5, noise: 8, absent: 0.02 },
  batteryVolts: { index: 5, truckSpread: 0.09, dayNoise: 0.05, noise: 0.08, absent: 0 },
  engineLoadPercent: { index: 6, truckSpread: 5, dayNoise: 2.2, noise: 9, absent: 0 },
  boostPsi: { index: 7, truckSpread: 1.1, dayNoise: 0.5, noise: 1.5, absent: 0.06 },
  fuelRateGph: { index: 8, truckSpread: 0.35, dayNoise: 0.12, noise: 0.8, absent: 0.04 },
  ambientTempF: { index: 9, truckSpread: 0, dayNoise: 2, noise: 1.2, absent: 0.05 },
  engineRpm: { index: 10, truckSpread: 25, dayNoise: 9, noise: 60, absent: 0 },
};
const names = Object.keys(plan) as SignalName[];
/** Readings are rounded to this many units, about as fine as J1939 transmits them. */
// prettier-ignore
const steps: Readonly<Record<SignalName, number>> = {
  coolantTempF: 0.1, oilTempF: 0.1, oilPressurePsi: 0.1, defLevelPercent: 0.1, dpfSootPercent: 0.1, batteryVolts: 0.01,
  engineLoadPercent: 0.1, boostPsi: 0.1, fuelRateGph: 0.01, ambientTempF: 0.1, engineRpm: 1,
};

/** What each engine shows at the same work. */
// prettier-ignore
const engines: Readonly<Record<string, { coolantF: number; oilPsi: number; boostPsi: number; gph: number; rpm: number }>> = {
  'MX-13': { coolantF: 187, oilPsi: 42, boostPsi: 19, gph: 7, rpm: 1160 },
  'MX-11': { coolantF: 186, oilPsi: 44, boostPsi: 20.5, gph: 6.6, rpm: 1200 },
  X15: { coolantF: 191, oilPsi: 38, boostPsi: 21.5, gph: 7.2, rpm: 1140 },
  DD15: { coolantF: 189, oilPsi: 40, boostPsi: 22, gph: 7.1, rpm: 1120 },
  DD13: { coolantF: 188, oilPsi: 41, boostPsi: 21, gph: 6.8, rpm: 1180 },
};
const otherEngine = { coolantF: 188, oilPsi: 41, boostPsi: 20, gph: 7, rpm: 1160 };
const usualLoad = 52;

/** Pulls on the signals over a span of time. */
interface Span {
  fromMs: number;
  untilMs: number;
  drifts: readonly Drift[];
  forgotten: readonly ForgottenFillUp[];
}

interface Profile {
  hash: number;
  weather: number;
  climate: Climate;
  engine: (typeof engines)[string];
  /** How far this truck's reading is from the engine's usual one; NaN where it has no such sensor. */
  offsets: readonly number[];
  tank: DefTank;
  lookAheadMs: number;
  span: Span | null;
}

/** Only a memory of what the keys would give again; dropping it changes nothing. */
const profiles = new WeakMap<RosterTruck, Profile>();

function profileOf(truck: RosterTruck): Profile {
  const known = profiles.get(truck);
  if (known !== undefined) return known;
  const hash = hashKeys(truck.seed, truck.vin, 'signals');
  const { driver, climate } = truthOf(truck);
  const own = mixed(hash, 1);
  const lacks = mixed(hash, 2);
  const profile: Profile = {
    hash,
    weather: weatherHash(truck),
    climate,
    engine: engines[truck.engineModel] ?? otherEngine,
    offsets: names.map((name) => {
      const { index, truckSpread, absent } = plan[name];
      if (mixed(lacks, index) / 0x1_0000_0000 < absent) return NaN;
      const style = name === 'engineLoadPercent' ? { smooth: -3, ordinary: 0, rough: 4 }[driver] : 0;
      return truckSpread * normalOf(mixed(own, index)) + style;
    }),
    tank: defTankOf(mixed(hash, 3)),
    lookAheadMs: longestLeadDays * Math.max(1, wholeShift(truck.shift).signalLead) * dayMs,
    span: null,
  };
  profiles.set(truck, profile);
  return profile;
}

/** Days that are looked up at once. */
const spanMs = 64 * dayMs;

function spanOf(truck: RosterTruck, profile: Profile, worldMs: number): Span {
  const { span } = profile;
  if (span !== null && worldMs >= span.fromMs && worldMs < span.untilMs) return span;
  const fromMs = Math.floor(worldMs / spanMs) * spanMs;
  const untilMs = fromMs + spanMs;
  const ahead = Math.max(profile.lookAheadMs, longestForgottenMs);
  // A tank filled by the shop is told apart for one more filling.
  const episodes = episodesBetween(truck, fromMs - profile.tank.periodMs, untilMs + ahead);
  profile.span = {
    fromMs,
    untilMs,
    drifts: episodes.flatMap((episode) => {
      const drift = driftOf(episode, truck.shift);
      return drift !== null && drift.fromMs < untilMs && drift.untilMs > fromMs ? [drift] : [];
    }),
    forgotten: episodes
      .filter(({ course }) => course.key === 'def-runs-low')
      .map(({ course, stageStartsMs, repairedMs }) => ({
        onsetMs: stageStartsMs[0] ?? repairedMs,
        worstMs: stageStartsMs.at(-1) ?? repairedMs,
        repairedMs,
        depth: stageStartsMs.length / course.stages.length,
      })),
  };
  return profile.span;
}

/** Work and weather of a moment or a day. */
interface Conditions {
  load: number;
  rpm: number;
  ambientF: number;
}

/** Load and outside air of a whole day: loads differ by the week's freight and from day to day. */
function dayConditions(profile: Profile, day: number): Conditions {
  const freight = mixed(profile.hash, 4);
  const week = Math.floor((day + 3) / 7);
  const load =
    usualLoad +
    (profile.offsets[plan.engineLoadPercent.index] ?? 0) +
    1.8 * normalOf(mixed(freight, week)) +
    plan.engineLoadPercent.dayNoise * normalOf(mixed(freight, day + 0x100000));
  return {
    load,
    rpm: profile.engine.rpm + 3 * (load - usualLoad),
    // The truck is not at home all day: its own part on top of the region's weather.
    ambientF:
      dayTemperatureF(profile.climate, profile.weather, day) +
      plan.ambientTempF.dayNoise * normalOf(mixed(freight, day + 0x200000)),
  };
}

/** The gauges under given conditions without noise and troubles; linear, so that means of readings are readings of means. */
function gauge(name: SignalName, { engine }: Profile, { load, rpm, ambientF }: Conditions): number {
  const effort = load - usualLoad;
  const air = ambientF - 60;
  switch (name) {
    case 'coolantTempF':
      return engine.coolantF + 0.07 * effort + 0.05 * air;
    case 'oilTempF':
      return engine.coolantF + 19 + 0.22 * effort + 0.1 * air;
    case 'oilPressurePsi':
      return engine.oilPsi + 0.018 * (rpm - engine.rpm) - 0.02 * effort - 0.03 * air;
    case 'dpfSootPercent':
      return 46 - 0.25 * effort;
    case 'batteryVolts':
      return 14.08 - 0.003 * air;
    case 'engineLoadPercent':
      return load;
    case 'boostPsi':
      return engine.boostPsi + 0.5 * effort - 0.012 * air;
    case 'fuelRateGph':
      return engine.gph + 0.17 * effort;
    case 'ambientTempF':
      return ambientF;
    case 'engineRpm':
      return rpm;
    case 'defLevelPercent':
      return 0;
  }
}

// prettier-ignore
const limits: Readonly<Record<SignalName, readonly [low: number, high: number]>> = {
  coolantTempF: [-40, 260], oilTempF: [-40, 320], oilPressurePsi: [3, 90], defLevelPercent: [0, 100], dpfSootPercent: [2, 200],
  batteryVolts: [9, 16], engineLoadPercent: [0, 100], boostPsi: [0, 45], fuelRateGph: [0.3, 30], ambientTempF: [-50, 130], engineRpm: [550, 2300],
};

/** Readings at `worldMs` under the conditions; `noiseHash` names the noise, `noise` says which of the two spreads it has. */
function readings(
  profile: Profile,
  span: Span,
  worldMs: number,
  conditions: Conditions,
  noise: 'dayNoise' | 'noise',
  noiseHash: number,
): SignalValues {
  const values = new Float64Array(names.length);
  for (const [at, name] of names.entries()) {
    const offset = profile.offsets[at] ?? 0;
    // Load and outside air bring their own noise: everything else answers to it.
    const isCondition = name === 'engineLoadPercent' || name === 'ambientTempF';
    const own = isCondition ? 0 : plan[name][noise] * normalOf(mixed(noiseHash, at)) + offset;
    values[at] = gauge(name, profile, conditions) + own + (Number.isNaN(offset) ? NaN : 0);
  }
  values[plan.defLevelPercent.index] =
    (values[plan.defLevelPercent.index] ?? 0) + defLevelAt(profile.tank, span.forgotten, worldMs);
  for (const drift of span.drifts) {
    const share = driftShare(drift, worldMs);
    if (share === 0) continue;
    for (const [signal, move] of drift.moves) {
      const { index } = plan[signal];
      values[index] = (values[index] ?? 0) + move * share;
    }
  }
  const result: SignalValues = {};
  for (const [at, name] of names.entries()) {
    const value = values[at] ?? NaN;
    if (Number.isNaN(value)) continue;
    const [low, high] = limits[name];
    const perUnit = 1 / steps[name];
    result[name] = Math.round(Math.min(high, Math.max(low, value)) * perUnit) / perUnit;
  }
  return result;
}

/**
 * Means of a truck's signals over the time its engine ran on the UTC day that begins at `dayStartMs` (world time). A
 * signal whose sensor the truck lacks is absent. Cheapest when the days of one truck are asked for one after another.
 */
export function dailySignals(truck: RosterTruck, dayStartMs: number): SignalValues {
  const profile = profileOf(truck);
  const day = Math.floor(dayStartMs / dayMs);
  const noonMs = (day + 0.5) * dayMs;
  const span = spanOf(truck, profile, noonMs);
  return readings(profile, span, noonMs, dayConditions(profile, day), 'dayNoise', mixed(mixed(profile.hash, 5), day));
}

const idleLoad = 16;
const idleRpm = 680;
/** Share of a rotation's engine hours that the truck stands. */
const idleShares = new WeakMap<object, number>();

function idleShareOf(truck: RosterTruck): number {
  const rotation = rotationOf(truck);
  const known = idleShares.get(rotation);
  if (known !== undefined) return known;
  const standingMs = rotation.pieces
    .filter((piece) => piece.ignition && piece.startMph === 0 && piece.endMph === 0)
    .reduce((sum, piece) => sum + piece.durationMs, 0);
  const share = standingMs / (rotation.engineHours * 3_600_000);
  idleShares.set(rotation, share);
  return share;
}

export interface Motion {
  ignition: boolean;
  speedMph: number;
}

/**
 * Readings of a truck's sensors at an instant of world time; none while the ignition is off. `motion` says what the truck
 * does at that moment; without it, that of a world at the speed of real time whose anchor is the instant. Over a day the
 * readings' means are `dailySignals`, but for chance.
 */
export function signalsAt(truck: RosterTruck, worldMs: number, motion?: Motion): SignalValues {
  const { ignition, speedMph } = motion ?? positionAt(truck, worldMs, worldMs);
  if (!ignition) return {};
  const profile = profileOf(truck);
  const day = Math.floor(worldMs / dayMs);
  const minuteHash = mixed(mixed(profile.hash, 6), Math.floor(worldMs / 60_000));
  const mean = dayConditions(profile, day);
  const idleShare = Math.min(0.9, idleShareOf(truck));
  const isIdle = speedMph <= 3;
  // What the hours of idling take from the day's mean, the hours of driving bring back.
  const driven = (usual: number, idle: number) =>
    isIdle ? idle : usual + ((usual - idle) * idleShare) / (1 - idleShare);
  const conditions: Conditions = {
    load: Math.max(
      0,
      driven(mean.load, idleLoad) + (isIdle ? 1.5 : plan.engineLoadPercent.noise) * normalOf(mixed(minuteHash, 20)),
    ),
    rpm: driven(mean.rpm, idleRpm),
    ambientF: mean.ambientF + dayNightF(truck, worldMs) + plan.ambientTempF.noise * normalOf(mixed(minuteHash, 21)),
  };
  return readings(profile, spanOf(truck, profile, worldMs), worldMs, conditions, 'noise', minuteHash);
}
