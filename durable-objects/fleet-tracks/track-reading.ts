/**
 * Reads tracks: chunks, side chunks and what waits in the intake, merged. Of two fixes with one time the first that came
 * counts: within a bucket chunks are ordered by arrival, and the intake came after all of them. Reads only.
 */
import { toReading, type Fix } from '../readings/packed-steps.ts';
import { bucketOf, trackOf } from './buckets.ts';
import { byArrival, fixesOf, lastFixOf, type Tracks } from './compaction.ts';
import type { TrackPage, TrackRange } from './feed.ts';
import type { ChunkHead, TracksStorage } from './tracks-storage.ts';

/** The stretch of heads from `at` on that overlap each other in time: what must be merged together. */
function overlapping(heads: readonly ChunkHead[], at: number): ChunkHead[] {
  const stretch: ChunkHead[] = [];
  let lastMs = -Infinity;
  for (let n = at; n < heads.length; n += 1) {
    const head = heads[n] as ChunkHead;
    if (stretch.length > 0 && head.firstMs > lastMs) break;
    stretch.push(head);
    lastMs = Math.max(lastMs, head.lastMs);
  }
  return stretch;
}

/** Up to `limit` fixes of a vehicle with fromMs ≤ time ≤ toMs, oldest first, and whether more follow. */
export function readTrack(
  { storage, intake }: Tracks,
  vehicleNo: number,
  range: { fromMs: number; toMs: number; limit: number },
): { fixes: Fix[]; hasMore: boolean } {
  const { fromMs, toMs, limit } = range;
  if (fromMs > toMs) return { fixes: [], hasMore: false };
  const heads = storage
    .heads(vehicleNo, bucketOf(fromMs), bucketOf(toMs))
    .filter((head) => head.lastMs >= fromMs && head.firstMs <= toMs)
    .sort((a, b) => a.firstMs - b.firstMs);
  const waiting = trackOf(intake.between(vehicleNo, fromMs, toMs));
  const fixes: Fix[] = [];
  let [nextHead, nextWaiting] = [0, 0];
  while (fixes.length <= limit && (nextHead < heads.length || nextWaiting < waiting.length)) {
    const stretch = overlapping(heads, nextHead);
    nextHead += stretch.length;
    // What lies before the next stretch can be told for good.
    const untilMs = heads[nextHead]?.firstMs ?? Infinity;
    const arrived = stretch.sort(byArrival).flatMap((head) => fixesOf(storage, head.chunkNo) ?? []);
    for (; nextWaiting < waiting.length; nextWaiting += 1) {
      const fix = waiting[nextWaiting] as Fix;
      if (fix.atMs >= untilMs) break;
      arrived.push(fix);
    }
    for (const fix of trackOf(arrived)) if (fix.atMs >= fromMs && fix.atMs <= toMs) fixes.push(fix);
  }
  return { fixes: fixes.slice(0, limit), hasMore: fixes.length > limit };
}

export function readPage(tracks: Tracks, vehicleNo: number, range: TrackRange): TrackPage {
  const fromMs = range.afterMs === null ? range.fromMs : Math.max(range.fromMs, range.afterMs + 1);
  const { fixes, hasMore } = readTrack(tracks, vehicleNo, { fromMs, toMs: range.toMs, limit: range.limit });
  return { readings: fixes.map(toReading), hasMore };
}

/** A vehicle's latest fix with sinceMs ≤ time ≤ atMs. Opens no more chunks than it must. */
export function latestFix(
  { storage, intake }: Tracks,
  vehicleNo: number,
  { sinceMs, atMs }: { sinceMs: number; atMs: number },
): Fix | null {
  let best = intake.latest(vehicleNo, sinceMs, atMs);
  const sinceBucket = bucketOf(sinceMs);
  let bucket: number | null = bucketOf(atMs);
  while (bucket !== null && bucket >= sinceBucket) {
    best = latestOf(storage, storage.heads(vehicleNo, bucket, bucket), { sinceMs, atMs, best });
    if (best !== null && bucketOf(best.atMs) >= bucket) return best;
    bucket = storage.bucketBefore(vehicleNo, bucket, sinceBucket);
  }
  return best;
}

/** The latest fix of one bucket's chunks, or `best`, which is out of the intake and came after all of them. */
function latestOf(
  storage: TracksStorage,
  heads: readonly ChunkHead[],
  range: { sinceMs: number; atMs: number; best: Fix | null },
): Fix | null {
  const { sinceMs, atMs } = range;
  let { best } = range;
  let bestArrival = Infinity;
  const reaches = heads.filter((head) => head.firstMs <= atMs && head.lastMs >= sinceMs);
  // The one that goes on longest first: most often it alone is opened.
  for (const head of reaches.sort((a, b) => b.lastMs - a.lastMs || a.arrival - b.arrival)) {
    if (best !== null && Math.min(head.lastMs, atMs) < best.atMs) continue;
    const fix = lastFixOf(storage, head.chunkNo, atMs);
    if (fix === null || fix.atMs < sinceMs) continue;
    const isFirst = best === null || fix.atMs > best.atMs || (fix.atMs === best.atMs && head.arrival < bestArrival);
    if (!isFirst) continue;
    best = fix;
    bestArrival = head.arrival;
  }
  return best;
}
