/**
 * From intake to chunks, and from chunks to sealed ones, in slices: each call is one short piece of work inside one
 * transaction of the object, which also writes down how far it came. A slice that fails leaves nothing behind.
 *
 * The clock stands still while an object computes, so slices are bounded by counts, not by time.
 */
import type { Fix } from '../readings/packed-steps.ts';
import { bucketOf, dayNumberOf, trackOf } from './buckets.ts';
import type { Intake } from './intake.ts';
import { decodeChunk, encodeChunk, lastInChunk } from './track-codec.ts';
import type { ChunkHead, TracksStorage } from './tracks-storage.ts';

export interface Tracks {
  storage: TracksStorage;
  intake: Intake;
  /** Vehicles that the running round has still to do, the next one last; null when not known. */
  queue: number[] | null;
}

export const compactionLimits = {
  /** A round begins once so many fixes wait… */
  roundFixes: 250_000,
  /** …or the oldest has waited so long: the longer, the fewer rows are written. */
  roundAfterMs: 60 * 60_000,
  /** Of one slice. */
  sliceFixes: 4_000,
  sliceChunks: 150,
  sliceVehicles: 300,
  sliceDeletes: 300,
  /** Chunks are merged up to this size. */
  sealedFixes: 4_000,
  /** A sealed bucket keeps so few late chunks as they are. */
  sideChunks: 3,
} as const;

export function report(event: string, fields: object): void {
  console.error(JSON.stringify({ level: 'error', event, ...fields }));
}

/** The fixes of a chunk; a damaged one is reported and counts as empty, so that it hides nothing but itself. */
export function fixesOf(storage: TracksStorage, chunkNo: number): Fix[] | null {
  const fixes = decodeChunk(storage.dataOf(chunkNo));
  if (fixes === null) report('track_chunk_damaged', { chunkNo });
  return fixes;
}

/** The last fix of a chunk at or before an instant; null when there is none, or when it is damaged. */
export function lastFixOf(storage: TracksStorage, chunkNo: number, atMs: number): Fix | null {
  const fix = lastInChunk(storage.dataOf(chunkNo), atMs);
  if (fix !== 'damaged') return fix;
  report('track_chunk_damaged', { chunkNo });
  return null;
}

export const byArrival = (a: ChunkHead, b: ChunkHead): number => a.arrival - b.arrival;

function byBucket(fixes: readonly Fix[]): Map<number, Fix[]> {
  const buckets = new Map<number, Fix[]>();
  for (const fix of fixes) {
    const bucket = bucketOf(fix.atMs);
    const known = buckets.get(bucket);
    if (known) known.push(fix);
    else buckets.set(bucket, [fix]);
  }
  return buckets;
}

/** Fixes from the front that lie in at most so many buckets. */
function withinBuckets(fixes: Fix[], limit: number): Fix[] {
  const seen = new Set<number>();
  const end = fixes.findIndex((fix) => seen.add(bucketOf(fix.atMs)).size > limit);
  return end === -1 ? fixes : fixes.slice(0, end);
}

/** A slice of compaction; begins a round when none is under way. False: nothing waits. */
export function compactSlice(tracks: Tracks, nowMs: number): boolean {
  const { storage, intake } = tracks;
  const { progress } = storage;
  if (progress.roundSeq === null) {
    const seq = intake.stretch(compactionLimits.roundFixes);
    if (seq === null) return false;
    tracks.queue = null;
    storage.saveProgress({ roundSeq: seq, roundVehicle: 0, roundDone: 0 });
  }
  const roundSeq = progress.roundSeq as number;
  const queue = (tracks.queue ??= intake.vehicleNumbers().sort((a, b) => b - a));
  let fixesLeft: number = compactionLimits.sliceFixes;
  let chunksLeft: number = compactionLimits.sliceChunks;
  while (fixesLeft > 0 && chunksLeft > 0) {
    const vehicleNo = queue.at(-1);
    if (vehicleNo === undefined) {
      storage.saveProgress({ compactedSeq: roundSeq, roundSeq: null, roundVehicle: 0, roundDone: 0 });
      intake.dropThrough(roundSeq);
      tracks.queue = null;
      return true;
    }
    const fixes = withinBuckets(intake.first(vehicleNo, roundSeq, fixesLeft), chunksLeft);
    if (fixes.length === 0) {
      queue.pop();
      continue;
    }
    for (const [bucket, arrived] of byBucket(fixes)) {
      writeChunk(storage, { vehicleNo, bucket, sealedFrom: null, track: trackOf(arrived) }, nowMs);
      chunksLeft -= 1;
    }
    intake.forgetFirst(vehicleNo, fixes.length);
    fixesLeft -= fixes.length;
    progress.roundDone = (progress.roundVehicle === vehicleNo ? progress.roundDone : 0) + fixes.length;
    progress.roundVehicle = vehicleNo;
  }
  storage.saveProgress({});
  return true;
}

interface ChunkPlan {
  vehicleNo: number;
  bucket: number;
  sealedFrom: number | null;
  track: readonly Fix[];
}

function writeChunk(storage: TracksStorage, plan: ChunkPlan, nowMs: number): void {
  const { track, ...place } = plan;
  const [first, last] = [track[0], track.at(-1)];
  if (!first || !last) return;
  const data = encodeChunk(track, { deflate: plan.sealedFrom !== null });
  storage.addChunk({ ...place, firstMs: first.atMs, lastMs: last.atMs, fixes: track.length, data }, nowMs);
}

/** Unsealed chunks of one vehicle and bucket that are to become one, in order of arrival; empty when there is no need. */
function mergeable(heads: readonly ChunkHead[]): ChunkHead[] {
  const open = heads.filter((head) => !head.isSealed).sort(byArrival);
  if (open.length < heads.length && open.length <= compactionLimits.sideChunks) return [];
  const chosen: ChunkHead[] = [];
  let fixes = 0;
  for (const head of open) {
    fixes += head.fixes;
    if (chosen.length > 0 && fixes > compactionLimits.sealedFixes) break;
    chosen.push(head);
  }
  return chosen;
}

/**
 * A slice of sealing: the chunks of a bucket that has ended become one a vehicle, deflated. Sealed ones are never written
 * again. False: no bucket is due.
 */
export function sealSlice({ storage }: Tracks, nowMs: number): boolean {
  const { progress, sql } = storage;
  const onTheMove = storage.moves().map((move) => move.day);
  if (progress.sealBucket !== null && onTheMove.includes(dayNumberOf(progress.sealBucket))) {
    storage.saveProgress({ sealBucket: null, sealVehicle: 0 });
  }
  if (progress.sealBucket === null) {
    const next = storage.nextSeal();
    if (next === null || next.atMs > nowMs) return false;
    progress.sealBucket = next.bucket;
    progress.sealVehicle = 0;
  }
  const bucket = progress.sealBucket;
  const vehicles = sql
    .exec<{ no: number }>(
      'SELECT no FROM vehicles WHERE no > ? ORDER BY no LIMIT ?',
      ...[progress.sealVehicle, compactionLimits.sliceVehicles],
    )
    .toArray();
  let fixesLeft: number = compactionLimits.sliceFixes;
  for (const { no: vehicleNo } of vehicles) {
    let isDone = false;
    while (!isDone && fixesLeft > 0) {
      const merged = sealOnce(storage, vehicleNo, bucket, nowMs);
      isDone = merged === 0;
      fixesLeft -= merged;
    }
    if (!isDone) break;
    progress.sealVehicle = vehicleNo;
  }
  if (vehicles.length === 0) {
    storage.bucketSealed(bucket);
    progress.sealBucket = null;
    progress.sealVehicle = 0;
  }
  storage.saveProgress({});
  return true;
}

/** Merges what may become one chunk; answers how many fixes that was, 0 when there was nothing to do. */
function sealOnce(storage: TracksStorage, vehicleNo: number, bucket: number, nowMs: number): number {
  const heads = mergeable(storage.heads(vehicleNo, bucket, bucket));
  const [first] = heads;
  if (!first) return 0;
  const parts = heads.flatMap((head) => {
    const fixes = fixesOf(storage, head.chunkNo);
    return fixes === null ? [] : [{ head, fixes }];
  });
  // Damaged ones stay where they are: somebody may want to look at them. With them alone there is nothing to do.
  if (parts.length === 0) return 0;
  const track = trackOf(parts.flatMap((part) => part.fixes));
  const sealedFrom = parts[0]?.head.arrival ?? first.arrival;
  storage.dropChunks(parts.map((part) => part.head));
  writeChunk(storage, { vehicleNo, bucket, sealedFrom, track }, nowMs);
  return Math.max(
    1,
    parts.reduce((sum, part) => sum + part.fixes.length, 0),
  );
}

/** A slice of forgetting vehicles that are gone. False: none is left to be forgotten. */
export function forgetSlice({ storage }: Tracks): boolean {
  for (const { no, throughSeq } of storage.gone()) {
    const chunks = storage.someChunks(no, compactionLimits.sliceDeletes);
    if (chunks.length > 0) {
      storage.dropChunks(chunks);
      storage.saveProgress({});
      return true;
    }
    // Its fixes in the intake are skipped by this row until the last of them has left.
    if (throughSeq > storage.progress.compactedSeq) continue;
    storage.sql.exec('DELETE FROM gone WHERE no = ?', no);
    return true;
  }
  return false;
}
