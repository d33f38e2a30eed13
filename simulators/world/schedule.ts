/**
 * A truck's rotation: out from home over a few customers and back, as pieces of constant acceleration. The whole
 * rotation repeats, so where a truck is at any instant needs no simulation from the start.
 */
import type { CityKey } from './cities.ts';
import { between, pick, unit } from './random.ts';
import { destinationsFrom, polylineThrough, type Point, type Polyline } from './routes.ts';

/** Constant acceleration over a stretch of time; everything "start" holds at `startMs` within the rotation. */
export interface Piece {
  startMs: number;
  durationMs: number;
  startMiles: number;
  startMph: number;
  endMph: number;
  ignition: boolean;
  /** Engine hours since the rotation began. */
  startHours: number;
  /** Percent of the tanks. */
  startFuel: number;
  endFuel: number;
}

export interface Rotation {
  line: Polyline;
  pieces: readonly Piece[];
  startTimesMs: readonly number[];
  periodMs: number;
  miles: number;
  engineHours: number;
}

export interface RotationPlan {
  home: CityKey;
  crew: 'solo' | 'team';
  offset: Point;
  keys: readonly (string | number)[];
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** A loaded tractor gains and loses about this much speed per second on the way up and down. */
const mphPerSecond = 0.6;
/** 240 gallons at 6.6 miles per gallon. */
const percentPerMile = 100 / (240 * 6.6);
const percentPerIdleHour = (0.8 / 240) * 100;
const fullTank = 98;
/** 49 CFR 395.3: half an hour off after at most 8 h at the wheel, ten hours off after at most 11 h. Kept with a margin. */
const breakAfterMs = 7 * hourMs;
const restAfterMs = 10.6 * hourMs;

/** Writes pieces one after another, keeping time, distance, fuel and hours continuous. */
class PieceWriter {
  readonly pieces: Piece[] = [];
  private atMs = 0;
  private miles = 0;
  private hours = 0;
  private fuel = fullTank;
  mph = 0;

  get fuelPercent(): number {
    return this.fuel;
  }
  get startMiles(): number {
    return this.miles;
  }
  get elapsedMs(): number {
    return this.atMs;
  }
  get engineHours(): number {
    return this.hours;
  }

  /** Goes from the present speed to `endMph` in `durationMs`; with `fuelAfter` the tanks are filled meanwhile. */
  add(durationMs: number, endMph: number, ignition: boolean, fuelAfter?: number): number {
    if (durationMs <= 0) return 0;
    const hours = durationMs / hourMs;
    const distance = ((this.mph + endMph) / 2) * hours;
    const burnt = distance > 0 ? distance * percentPerMile : ignition ? hours * percentPerIdleHour : 0;
    const endFuel = fuelAfter ?? Math.max(2, this.fuel - burnt);
    this.pieces.push({
      startMs: this.atMs,
      durationMs,
      startMiles: this.miles,
      startMph: this.mph,
      endMph,
      ignition,
      startHours: this.hours,
      startFuel: this.fuel,
      endFuel,
    });
    this.atMs += durationMs;
    this.miles += distance;
    if (ignition) this.hours += hours;
    this.fuel = endFuel;
    this.mph = endMph;
    return durationMs;
  }

  /** Covers exactly `distance` miles at about `mph`, standing at the end when `stops`. Returns the time it took. */
  drive(distance: number, mph: number, stops: boolean): number {
    const before = this.atMs;
    const rampHours = (from: number, to: number) => Math.abs(to - from) / mphPerSecond / 3600;
    const rampMiles = (from: number, to: number) => ((from + to) / 2) * rampHours(from, to);
    let cruise = mph;
    // Too short to reach the speed: settle for one that fits.
    while (cruise > 6 && rampMiles(this.mph, cruise) + (stops ? rampMiles(cruise, 0) : 0) > distance * 0.95)
      cruise -= 2;
    const up = rampMiles(this.mph, cruise);
    const down = stops ? rampMiles(cruise, 0) : 0;
    this.add(rampHours(this.mph, cruise) * hourMs, cruise, true);
    this.add(((distance - up - down) / cruise) * hourMs, cruise, true);
    if (stops) this.add(rampHours(cruise, 0) * hourMs, 0, true);
    return this.atMs - before;
  }
}

/** Stretches of one leg: slow streets at both ends, highway between, now and then a jam. */
function stretchesOf(legMiles: number, keys: readonly (string | number)[]): { miles: number; mph: number }[] {
  const street = (name: string): { miles: number; mph: number }[] => [
    { miles: between(1.5, 2.5, ...keys, name, 'street'), mph: between(22, 34, ...keys, name, 'street mph') },
    { miles: between(3, 5, ...keys, name, 'arterial'), mph: between(38, 50, ...keys, name, 'arterial mph') },
  ];
  const out = street('out');
  const into = street('in').reverse();
  const highwayMiles = legMiles - [...out, ...into].reduce((sum, { miles }) => sum + miles, 0);
  const count = Math.max(1, Math.round(highwayMiles / between(12, 18, ...keys, 'stretch')));
  const highway = Array.from({ length: count }, (_, index) => ({
    miles: highwayMiles / count,
    mph: unit(...keys, index, 'jam') < 0.03 ? between(14, 28, ...keys, index) : between(57, 68, ...keys, index, 'mph'),
  }));
  return [...out, ...highway, ...into];
}

/**
 * Builds a rotation from its plan: same plan, same rotation. A solo driver takes a break and a ten-hour rest when the
 * hours-of-service clock says so; a team swaps seats. Tanks are filled before they run low and again at home.
 */
export function buildRotation(plan: RotationPlan): Rotation {
  const { home, crew, keys } = plan;
  const reachable = destinationsFrom(home, 140, crew === 'team' ? 1150 : 620);
  const customers: CityKey[] = [];
  const wanted = 2 + Math.floor(unit(...keys, 'customers') * 2);
  for (let index = 0; customers.length < wanted; index += 1) {
    const candidate = pick(reachable, ...keys, 'customer', index);
    if (candidate !== customers.at(-1)) customers.push(candidate);
  }
  const stops: CityKey[] = [home, ...customers, home];
  const { line, stopMiles } = polylineThrough(stops, plan.offset);
  const writer = new PieceWriter();
  let atWheelMs = 0;
  let sinceBreakMs = 0;

  const rest = (name: string) => {
    writer.add(12 * minuteMs, 0, true);
    writer.add(between(3.5, 4.5, ...keys, name, 'sleep') * hourMs, 0, false);
    // The bunk heater or cooler: many drivers let the engine run for a while at night.
    writer.add(between(10, 50, ...keys, name, 'idle') * minuteMs, 0, true);
    writer.add(between(4.6, 5.1, ...keys, name, 'sleep again') * hourMs, 0, false);
    writer.add(15 * minuteMs, 0, true);
    atWheelMs = 0;
    sinceBreakMs = 0;
  };
  const shortBreak = (name: string) => {
    writer.add(4 * minuteMs, 0, true);
    writer.add(between(26, 34, ...keys, name) * minuteMs, 0, unit(...keys, name, 'idle') < 0.4);
    writer.add(2 * minuteMs, 0, true);
    sinceBreakMs = 0;
  };
  const fuelUp = (name: string) => {
    writer.add(between(14, 22, ...keys, name) * minuteMs, 0, false, fullTank);
    writer.add(5 * minuteMs, 0, true);
  };

  for (let leg = 1; leg < stops.length; leg += 1) {
    const legMiles = (stopMiles[leg] ?? 0) - (stopMiles[leg - 1] ?? 0);
    const stretches = stretchesOf(legMiles, [...keys, 'leg', leg]);
    stretches.forEach((stretch, index) => {
      const name = `${leg}/${index}`;
      const isLast = index === stretches.length - 1;
      // A stop comes at the end of a stretch, so the one after it has to fit before the next stop as well.
      const aheadMs = [stretch, stretches[index + 1]].reduce(
        (sum, ahead) => sum + (ahead === undefined ? 0 : (ahead.miles / ahead.mph) * hourMs),
        0,
      );
      const needsFuel = writer.fuelPercent < 32;
      const needsBreak = sinceBreakMs + aheadMs > breakAfterMs;
      const needsRest = crew === 'solo' && atWheelMs + aheadMs > restAfterMs;
      const light = !isLast && stretch.mph < 52 && unit(...keys, name, 'light') < 0.5;
      const tookMs = writer.drive(stretch.miles, stretch.mph, isLast || needsFuel || needsBreak || needsRest || light);
      atWheelMs += tookMs;
      sinceBreakMs += tookMs;
      if (isLast) return;
      if (needsFuel) fuelUp(name);
      if (needsRest) rest(name);
      else if (needsBreak) shortBreak(name);
      else if (light && writer.mph === 0 && !needsFuel)
        writer.add(between(25, 80, ...keys, name, 'red') * 1000, 0, true);
    });
    const name = `dock ${leg}`;
    writer.add(between(4, 9, ...keys, name, 'check in') * minuteMs, 0, true);
    if (leg < stops.length - 1) {
      // Mostly drop and hook; a live unload takes longer.
      const isLive = unit(...keys, name, 'live') < 0.3;
      writer.add(between(isLive ? 50 : 18, isLive ? 110 : 40, ...keys, name) * minuteMs, 0, false);
      writer.add(6 * minuteMs, 0, true);
      sinceBreakMs = 0;
    }
  }
  fuelUp('home');
  if (crew === 'solo') rest('home');
  else writer.add(between(35, 80, ...keys, 'turn') * minuteMs, 0, false);
  // The last piece ends full and standing, as the first begins.
  writer.add(2 * minuteMs, 0, true, fullTank);
  return {
    line,
    pieces: writer.pieces,
    startTimesMs: writer.pieces.map((piece) => piece.startMs),
    periodMs: writer.elapsedMs,
    miles: writer.startMiles,
    engineHours: writer.engineHours,
  };
}
