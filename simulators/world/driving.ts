/** Where a truck is and what its gauges say, as a pure function of the truck and the instant. */
import { buildRotation, type Piece, type Rotation } from './schedule.ts';
import { unit } from './random.ts';
import type { RosterTruck } from './roster.ts';
import { lastNotAbove, pointAlong, yardOffset } from './routes.ts';

export interface TruckPosition {
  lat: number;
  lon: number;
  speedMph: number;
  /** Degrees, 0 = north; a standing truck keeps the heading it arrived with. */
  heading: number;
  ignition: boolean;
  odometerMiles: number;
  engineHours: number;
  fuelPercent: number;
}

const hourMs = 3_600_000;
const rotations = new Map<string, Rotation>();

/** The rotation a truck repeats for ever; built on first use and remembered. */
export function rotationOf(truck: RosterTruck): Rotation {
  const keys = [truck.seed, truck.rotationKey, truck.homeCity, truck.crew, 'rotation'] as const;
  const name = keys.join('/');
  const known = rotations.get(name);
  if (known !== undefined) return known;
  const rotation = buildRotation({
    home: truck.homeCity,
    crew: truck.crew,
    offset: yardOffset(...keys, 'yard'),
    keys,
  });
  rotations.set(name, rotation);
  return rotation;
}

interface Travelled {
  cycle: number;
  piece: Piece;
  /** Share of the piece that has passed, 0–1. */
  share: number;
  milesIntoRotation: number;
  hoursIntoRotation: number;
}

function travelledBy(rotation: Rotation, elapsedMs: number): Travelled {
  const cycle = Math.floor(elapsedMs / rotation.periodMs);
  const phaseMs = elapsedMs - cycle * rotation.periodMs;
  const piece = rotation.pieces[lastNotAbove(rotation.startTimesMs, phaseMs)];
  if (piece === undefined) throw new RangeError('a rotation needs pieces');
  const intoMs = Math.min(piece.durationMs, phaseMs - piece.startMs);
  const share = intoMs / piece.durationMs;
  const mphNow = piece.startMph + (piece.endMph - piece.startMph) * share;
  return {
    cycle,
    piece,
    share,
    milesIntoRotation: piece.startMiles + ((piece.startMph + mphNow) / 2) * (intoMs / hourMs),
    hoursIntoRotation: piece.startHours + (piece.ignition ? intoMs / hourMs : 0),
  };
}

const round = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits;

/**
 * What a meter shows that shows `base` at the anchor, so much further (or, below 0, earlier). The further back, the less a
 * truck was driven a day: today's pace would have begun below 0 for a truck that is young or changed hands.
 */
const meterAfter = (base: number, since: number): number =>
  since >= 0 ? base + since : base * Math.exp(since / Math.max(1, base));

/**
 * Position and gauges at a real instant (epoch milliseconds). At the anchor the odometer and engine hours are the
 * roster's; before it they are lower, never below 0. Miles, mph, hours, percent.
 */
export function positionAt(truck: RosterTruck, anchorMs: number, realMs: number): TruckPosition {
  const rotation = rotationOf(truck);
  // Trucks of a fleet are spread evenly over their rotations, so that some always drive and some always rest.
  const spread = (truck.index + unit(truck.seed, truck.vin, 'phase')) / Math.max(1, truck.fleetSize);
  const offsetMs = spread * rotation.periodMs;
  const atAnchor = travelledBy(rotation, offsetMs);
  const now = travelledBy(rotation, offsetMs + (realMs - anchorMs));
  const milesOf = (travelled: Travelled) => travelled.cycle * rotation.miles + travelled.milesIntoRotation;
  const hoursOf = (travelled: Travelled) => travelled.cycle * rotation.engineHours + travelled.hoursIntoRotation;
  const { piece, share } = now;
  const place = pointAlong(rotation.line, now.milesIntoRotation);
  return {
    lat: round(place.lat, 6),
    lon: round(place.lon, 6),
    speedMph: round(piece.startMph + (piece.endMph - piece.startMph) * share, 1),
    heading: round(place.heading, 0) % 360,
    ignition: piece.ignition,
    odometerMiles: round(meterAfter(truck.baseOdometerMiles, milesOf(now) - milesOf(atAnchor)), 1),
    engineHours: round(meterAfter(truck.baseEngineHours, hoursOf(now) - hoursOf(atAnchor)), 1),
    fuelPercent: round(piece.startFuel + (piece.endFuel - piece.startFuel) * share, 1),
  };
}

/** What a truck has on the odometer when the dealer hands it over. */
const deliveredWithMiles = 100;
/** Nobody asks what was further back. */
const longestAgoMs = 3 * 365 * 24 * hourMs;

/**
 * When the truck was delivered new (epoch milliseconds, real time): before that it was in no fleet and no shop. Three years
 * before the anchor for all that are older.
 */
export function deliveredMs(truck: RosterTruck, anchorMs: number): number {
  const isDelivered = (ms: number) => positionAt(truck, anchorMs, ms).odometerMiles >= deliveredWithMiles;
  let before = anchorMs - longestAgoMs;
  if (isDelivered(before)) return before;
  let after = anchorMs;
  while (after - before > 60_000) {
    const middle = Math.floor((before + after) / 2);
    if (isDelivered(middle)) after = middle;
    else before = middle;
  }
  return after;
}
