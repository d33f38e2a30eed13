/**
 * How many bytes a fix takes in a sealed chunk, on the simulated world's driving: as it is (smooth, in the round units of a
 * good gateway) and as an unkind receiver would tell it (seconds that wander, 2.5 m of noise, every digit that is kept).
 */
import { asKept } from '#contracts/reading-scales';
import { toFix, type Fix } from '#durable-objects/readings/packed-steps';
import { bucketMs } from '#durable-objects/fleet-tracks/buckets';
import { decodeChunk, encodeChunk } from '#durable-objects/fleet-tracks/track-codec';
import { positionAt } from '../../simulators/world/driving.ts';
import { unit } from '../../simulators/world/random.ts';
import { bulkRoster, type RosterTruck } from '../../simulators/world/roster.ts';

export interface BytesPerFix {
  fixes: number;
  /** Of the chunks of a quarter of a day, as they are sealed. */
  sealed: number;
  /** Of an hour's chunks, as they come out of the intake. */
  open: number;
}

const hourMs = 3_600_000;
const noiseMetres = 2.5;
const metresPerDegree = 111_195;

/** A bell-shaped number with deviation 1, named by its keys. */
const bell = (...keys: (string | number)[]): number =>
  ([1, 2, 3, 4].reduce((sum, part) => sum + unit(...keys, part), 0) - 2) * Math.sqrt(3);

/** A truck's fixes, one every `everyMs`. */
export function drivenFixes(
  truck: RosterTruck,
  { startMs, count, everyMs, isNoisy }: { startMs: number; count: number; everyMs: number; isNoisy: boolean },
): Fix[] {
  return Array.from({ length: count }, (_, n) => {
    const dueMs = startMs + n * everyMs;
    if (!isNoisy) return toFix(asKept({ at: new Date(dueMs).toISOString(), ...positionAt(truck, startMs, dueMs) }));
    const atMs = dueMs + Math.floor(unit(truck.vin, dueMs, 'beat') * 1_000);
    const { lat, lon, speedMph, heading, ...rest } = positionAt(truck, startMs, atMs);
    const noise = (what: string) => bell(truck.vin, dueMs, what);
    const isMoving = speedMph > 3;
    const place = {
      lat: lat + (noise('lat') * noiseMetres) / metresPerDegree,
      lon: lon + (noise('lon') * noiseMetres) / (metresPerDegree * Math.cos((lat * Math.PI) / 180)),
      speedMph: isMoving ? Math.max(0, speedMph + noise('speed')) : speedMph,
      heading: isMoving ? (heading + noise('heading') * 2 + 360) % 360 : heading,
    };
    return toFix(asKept({ at: new Date(atMs).toISOString(), ...place, ...rest }));
  });
}

/** A day of some trucks, one fix every 30 s. Throws when a chunk does not come back as it went in. */
export function measureBytesPerFix(options: { trucks: number; isNoisy: boolean; seed: number }): BytesPerFix {
  const startMs = Date.UTC(2026, 10, 10);
  const everyMs = 30_000;
  const sizes = { fixes: 0, sealed: 0, open: 0 };
  for (const truck of bulkRoster(options.trucks, options.seed)) {
    for (let quarter = 0; quarter < 4; quarter += 1) {
      const drive = { startMs: startMs + quarter * bucketMs, count: bucketMs / everyMs, everyMs };
      const fixes = drivenFixes(truck, { ...drive, isNoisy: options.isNoisy });
      const sealed = encodeChunk(fixes, { deflate: true });
      if (JSON.stringify(decodeChunk(sealed)) !== JSON.stringify(fixes))
        throw new Error('a chunk has changed its fixes');
      sizes.fixes += fixes.length;
      sizes.sealed += sealed.length;
      const perHour = hourMs / everyMs;
      for (let from = 0; from < fixes.length; from += perHour) {
        sizes.open += encodeChunk(fixes.slice(from, from + perHour), { deflate: false }).length;
      }
    }
  }
  const { fixes } = sizes;
  return { fixes, sealed: sizes.sealed / fixes, open: sizes.open / fixes };
}

/** Thirty days of 5,000 trucks with a fix every 30 s, in gigabytes (10⁹). */
export const monthGigabytes = (bytesPerFix: number): number => (30 * 2_880 * 5_000 * bytesPerFix) / 1e9;
