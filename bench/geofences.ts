/**
 * `node bench/geofences.ts`: the geofence index beside the same work done by hand with flatbush and point-in-polygon-hao,
 * and beside asking every fence. 5,000 fences of an ordinary mix; points all over the country, half of them near fences.
 * Targets: hits identical to brute force on a million points; at least 0.7 times the speed of the plain libraries in the
 * same run; no synchronous slice over 25 ms. Times are processor time.
 */
import Flatbush from 'flatbush';
import pointInPolygon from 'point-in-polygon-hao';
import type { GeofenceShape } from '../contracts/geofences.ts';
import {
  packFixes,
  packPage,
  toHeldFence,
  unpackFixes,
  unpackPage,
} from '../durable-objects/fleet-tracks/fence-pages.ts';
import { metersBetween, metersPerDegree } from '../durable-objects/geofences/earth.ts';
import { FenceIndex } from '../durable-objects/geofences/fence-index.ts';
import { toFenceShape } from '../durable-objects/geofences/fence-shape.ts';
import { follow, type Course, type RuledFence } from '../durable-objects/geofences/visits.ts';
import { randomSource } from '../scoring/trees/random.ts';
import { percentile, type Measurement } from './measurement.ts';

const fenceCount = 5_000;
const pointCount = 1_000_000;
const speedPoints = 200_000;
const pairs = 11;

type Ring = [number, number][];
interface Drawn {
  id: string;
  shape: GeofenceShape;
}
interface Place {
  lat: number;
  lon: number;
}

const { next: random } = randomSource(20_261_120);
const between = (min: number, max: number): number => min + random() * (max - min);

/** A ring of uneven corners around a place; `size` in degrees. */
function blob({ lat, lon }: Place, size: number, corners: number): Ring {
  const ring = Array.from({ length: corners }, (_, n): [number, number] => {
    const angle = (2 * Math.PI * n) / corners;
    const radius = size * between(0.7, 1);
    return [lon + radius * Math.cos(angle), lat + radius * Math.sin(angle)];
  });
  return [...ring, ring[0] as [number, number]];
}

/** Yards of some hundred metres, towns, a few states; a fifth are circles, a tenth have holes, a tenth several parts. */
function drawFence(number: number): Drawn & { centre: Place } {
  const centre = { lat: between(26, 48), lon: between(-122, -70) };
  const size = random() < 0.9 ? between(0.002, 0.02) : between(0.05, 0.8);
  const corners = Math.round(between(5, 60));
  const id = `0194f1e0-0000-7000-8000-${String(number).padStart(12, '0')}`;
  const draw = (): GeofenceShape => {
    const kind = number % 10;
    if (kind < 2) return { type: 'Circle', center: [centre.lon, centre.lat], radiusMeters: size * metersPerDegree };
    const outer = blob(centre, size, corners);
    if (kind === 2) return { type: 'Polygon', coordinates: [outer, blob(centre, size / 3, 12)] };
    if (kind > 3) return { type: 'Polygon', coordinates: [outer] };
    const beside = { lat: centre.lat, lon: centre.lon + 3 * size };
    return { type: 'MultiPolygon', coordinates: [[outer], [blob(beside, size, corners)]] };
  };
  return { id, shape: draw(), centre };
}

const boxOf = (shape: GeofenceShape): [number, number, number, number] => {
  if (shape.type === 'Circle') {
    const height = shape.radiusMeters / metersPerDegree + 1e-6;
    const width = height / Math.cos((Math.abs(shape.center[1]) + height) * (Math.PI / 180));
    const [lon, lat] = shape.center;
    return [lon - width, lat - height, lon + width, lat + height];
  }
  const corners = (shape.type === 'Polygon' ? [shape.coordinates] : shape.coordinates).flat(2);
  const [lons, lats] = [corners.map(([lon]) => lon), corners.map(([, lat]) => lat)];
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
};

/** Whether a shape holds a place, by the libraries alone. */
function holds(shape: GeofenceShape, { lat, lon }: Place): boolean {
  if (shape.type === 'Circle') return metersBetween(shape.center[1], shape.center[0], lat, lon) <= shape.radiusMeters;
  if (shape.type === 'Polygon') return pointInPolygon([lon, lat], shape.coordinates) !== false;
  return shape.coordinates.some((polygon) => pointInPolygon([lon, lat], polygon) !== false);
}

/** Of this thread alone: what compiles and collects beside it holds nobody up. */
const milliseconds = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** Processor time of the work, milliseconds. */
function timed(work: () => void): number {
  const start = milliseconds();
  work();
  return milliseconds() - start;
}

const median = (samples: readonly number[]): number => percentile(samples, 0.5);

/** Longest of some runs, once warm: what a synchronous slice may come to. */
function longest(work: () => void, runs = 9): number {
  work();
  return Math.max(...Array.from({ length: runs }, () => timed(work)));
}

/** Everything about the index, as `npm run bench` shows it. Throws when a single hit differs: then nothing else counts. */
export function measureGeofences(): Measurement[] {
  const drawn = Array.from({ length: fenceCount }, (_, number) => drawFence(number));
  const places = Array.from({ length: pointCount }, (_, number): Place => {
    if (number % 2 === 0) return { lat: between(25, 49), lon: between(-124, -68) };
    const { centre } = drawn[Math.floor(random() * fenceCount)] as (typeof drawn)[number];
    return { lat: centre.lat + between(-0.03, 0.03), lon: centre.lon + between(-0.03, 0.03) };
  });
  const fences = drawn.map(({ id, shape }): RuledFence => {
    return { id, shape: toFenceShape(shape), dwellMinutes: 30, speedLimitMph: 25 };
  });
  const index = new FenceIndex(fences);

  // — the same hits ————————————————————————————————————————————————————————————————
  const boxes = drawn.map(({ shape }) => boxOf(shape));
  let hits = 0;
  for (const [number, place] of places.entries()) {
    const { lat, lon } = place;
    const found = new Set(index.locate(lat, lon));
    // Boxes spare the arithmetic, not the asking; every thousandth place goes without them.
    const skipsBoxes = number % 1_000 === 0;
    let asked = 0;
    for (let at = 0; at < fenceCount; at += 1) {
      const [west, south, east, north] = boxes[at] as [number, number, number, number];
      if (!skipsBoxes && (lon < west || lon > east || lat < south || lat > north)) continue;
      const { id, shape } = drawn[at] as Drawn;
      if (!holds(shape, place)) continue;
      asked += 1;
      if (!found.has(id)) throw new Error(`${id} holds ${lat}, ${lon}, and was not found`);
    }
    if (asked !== found.size) throw new Error(`at ${lat}, ${lon}: ${found.size} found, ${asked} hold it`);
    hits += asked;
  }

  // — the same speed ———————————————————————————————————————————————————————————————
  const tree = new Flatbush(fenceCount);
  for (const box of boxes) tree.add(...box);
  tree.finish();
  const sample = places.slice(0, speedPoints);
  let sum = 0;
  const plain = (): void => {
    for (const place of sample) {
      const found = tree.search(place.lon, place.lat, place.lon, place.lat);
      sum += found.filter((at) => holds((drawn[at] as Drawn).shape, place)).map((at) => (drawn[at] as Drawn).id).length;
    }
  };
  const own = (): void => {
    for (const { lat, lon } of sample) sum += index.locate(lat, lon).length;
  };
  plain();
  own();
  const ratios: number[] = [];
  const ownTimes: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    // Whoever is first changes, so that neither has the warmer caches.
    const inTurn = pair % 2 === 0 ? [plain, own] : [own, plain];
    const times = new Map(inTurn.map((work) => [work, timed(work)]));
    ownTimes.push(times.get(own) ?? Number.NaN);
    ratios.push((times.get(plain) ?? Number.NaN) / (times.get(own) ?? Number.NaN));
  }
  if (sum === 0) throw new Error('nothing was found');

  // — slices ———————————————————————————————————————————————————————————————————————
  const build = longest(() => void new FenceIndex(fences));
  const pages: ArrayBuffer[] = [];
  for (let from = 0; from < fenceCount; from += 128) {
    const held = drawn
      .slice(from, from + 128)
      .map(({ id, shape }) =>
        toHeldFence({ id, shape, alertOnEntry: false, alertOnExit: false, dwellMinutes: 30, speedLimitMph: 25 }, 1, 1),
      );
    pages.push(packPage(held).buffer as ArrayBuffer);
  }
  const fixes = places.slice(0, 5_000).map((place, slot) => ({ slot, atMs: 1.7e12 + slot, heardMs: 1.7e12, ...place }));
  const keys = fixes.map(({ slot }) => `${String(slot).padStart(8, '0')}`);
  const keptFixes = packFixes(keys, fixes).buffer as ArrayBuffer;
  const wake = longest(() => {
    const held = pages.flatMap((page, number) => unpackPage(page, number));
    unpackFixes(keptFixes);
    void new FenceIndex(held);
  });
  const courses: (Course<RuledFence> | null)[] = places.slice(0, 5_000).map(() => null);
  let atMs = Date.UTC(2026, 10, 20);
  const round = (): void => {
    atMs += 30_000;
    for (let truck = 0; truck < courses.length; truck += 1) {
      const before = courses[truck];
      const place = before ?? (places[truck] as Place);
      const fix = { atMs, lat: place.lat + 0.003, lon: place.lon + 0.002, speedMph: 55 };
      const course = follow(before ?? null, fix, index, () => (sum += 1));
      if (course !== false) courses[truck] = course;
    }
  };
  const judged = longest(round, 21);

  return [
    {
      name: `geofences: hits unlike brute force on ${pointCount} points (${hits} hits)`,
      value: 0,
      unit: '',
      target: { relation: '<', value: 1 },
    },
    {
      name: 'geofences: speed beside flatbush + point-in-polygon-hao',
      value: median(ratios),
      unit: '×',
      target: { relation: '>', value: 0.7 },
    },
    { name: 'geofences: points a second', value: (speedPoints / median(ownTimes)) * 1000, unit: '/s', target: null },
    {
      name: `geofences: building the index of ${fenceCount}, longest`,
      value: build,
      unit: 'ms',
      target: { relation: '<', value: 25 },
    },
    {
      name: `geofences: waking up with ${fenceCount} fences and 5,000 vehicles, longest`,
      value: wake,
      unit: 'ms',
      target: { relation: '<', value: 25 },
    },
    {
      name: 'geofences: judging a fix of each of 5,000 vehicles, longest',
      value: judged,
      unit: 'ms',
      target: { relation: '<', value: 25 },
    },
  ];
}

if (import.meta.main) {
  for (const { name, value, unit, target } of measureGeofences()) {
    console.log(
      `${name}: ${value.toFixed(value < 10 ? 2 : 0)} ${unit}${target ? ` (${target.relation} ${target.value})` : ''}`,
    );
  }
}
