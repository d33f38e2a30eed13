/**
 * A day on its way to R2. Its first part freezes it: a row of `moves` names the last chunk that goes and where each part
 * begins, so that a part asked for again is the same bytes, whatever has come since. What comes late stays behind and
 * becomes a day of its own. Each function is one slice.
 */
import { packedRowBytes, writeRow, type Fix } from '../readings/packed-steps.ts';
import { writeUuid } from '../readings/packed-readings.ts';
import { bucketsPerDay, dayNumberOf, firstBucketOf, trackOf } from './buckets.ts';
import { byArrival, compactionLimits, fixesOf, type Tracks } from './compaction.ts';
import type { ChunkHead, TracksStorage } from './tracks-storage.ts';

/** A part is at most so many fixes: 15 MB of rows, half of what a call may carry. */
export const partFixes = 300_000;

/** Where a part begins: at a bucket of a vehicle. Nearly always the vehicle's first. */
export type Start = readonly [vehicleId: string, bucket: number];

export interface Move {
  day: number;
  throughChunk: number;
  isDropping: boolean;
  /** Null: the day is frozen, and its parts have not been planned. */
  starts: Start[] | null;
}

export const moveOf = (storage: TracksStorage, day: number): Move | null => {
  const found = storage.moves().find((move) => move.day === day);
  return found ? { ...found, starts: found.starts === '' ? null : (JSON.parse(found.starts) as Start[]) } : null;
};

/** Days of which something is held that is not on its way out, oldest first. */
export function daysHeld(storage: TracksStorage): number[] {
  const dropping = new Map(
    storage
      .moves()
      .filter((move) => move.isDropping)
      .map((move) => [move.day, move.throughChunk]),
  );
  const days = new Set<number>();
  for (const { bucket, lastChunkNo } of storage.buckets()) {
    const day = dayNumberOf(bucket);
    if (lastChunkNo > (dropping.get(day) ?? 0)) days.add(day);
  }
  return [...days].sort((a, b) => a - b);
}

export const freezeDay = (storage: TracksStorage, day: number): void => storage.addMove(day, storage.lastChunkNo(), '');

const frozenHeads = (storage: TracksStorage, vehicleNo: number, move: Move): ChunkHead[] => {
  const first = firstBucketOf(move.day);
  const heads = storage.heads(vehicleNo, first, first + bucketsPerDay - 1);
  return heads.filter((head) => head.chunkNo <= move.throughChunk);
};

type VehicleRow = { no: number; id: string };
const vehiclesFrom = (storage: TracksStorage, id: string, limit: number): VehicleRow[] =>
  storage.sql.exec<VehicleRow>('SELECT no, id FROM vehicles WHERE id >= ? ORDER BY id LIMIT ?', id, limit).toArray();

/** Plans the parts of a frozen day, some vehicles a call. */
export class PartPlan {
  readonly starts: Start[] = [];
  private nextId = '';
  private inPart = 0;
  private readonly limit: number;

  constructor(limit = partFixes) {
    this.limit = limit;
  }

  /** False: the plan is complete. */
  slice(storage: TracksStorage, move: Move): boolean {
    const vehicles = vehiclesFrom(storage, this.nextId, compactionLimits.sliceVehicles);
    for (const { no, id } of vehicles) this.add(id, frozenHeads(storage, no, move));
    const last = vehicles.at(-1);
    // A space sorts after the end of the id and before any longer one.
    if (last) this.nextId = `${last.id} `;
    return last !== undefined;
  }

  /** Vehicles in order of their ids, each with its chunks by bucket. */
  add(id: string, heads: readonly Pick<ChunkHead, 'bucket' | 'fixes'>[]): void {
    const byBucket = new Map<number, number>();
    for (const { bucket, fixes } of heads) byBucket.set(bucket, (byBucket.get(bucket) ?? 0) + fixes);
    const [first] = byBucket.keys();
    if (first === undefined) return;
    const all = [...byBucket.values()].reduce((sum, fixes) => sum + fixes, 0);
    if (this.starts.length === 0 || this.inPart + all > this.limit) this.begin(id, first);
    for (const [bucket, fixes] of byBucket) {
      // One vehicle alone is too much: it is cut between its buckets.
      if (this.inPart > 0 && this.inPart + fixes > this.limit) this.begin(id, bucket);
      this.inPart += fixes;
    }
  }

  private begin(id: string, bucket: number): void {
    this.starts.push([id, bucket]);
    this.inPart = 0;
  }
}

export const savePlan = (storage: TracksStorage, day: number, starts: readonly Start[]): void => {
  storage.sql.exec('UPDATE moves SET starts = ? WHERE day = ?', JSON.stringify(starts), day);
};

/** Packs one part of a frozen day, some fixes a call. */
export class PartReader {
  private readonly move: Move;
  private readonly end: Start | null;
  private bytes = new Uint8Array(packedRowBytes * 1_024);
  private view = new DataView(this.bytes.buffer);
  private at = 0;
  private nextId: string;
  private nextBucket: number;

  constructor(move: Move, part: number) {
    const from = move.starts?.[part];
    if (!from) throw new RangeError('no such part');
    this.move = move;
    this.end = move.starts?.[part + 1] ?? null;
    [this.nextId, this.nextBucket] = from;
  }

  /** False: the part is complete. */
  slice({ storage }: Tracks): boolean {
    let fixesLeft: number = compactionLimits.sliceFixes;
    const vehicles = vehiclesFrom(storage, this.nextId, 50);
    const afterDay = firstBucketOf(this.move.day) + bucketsPerDay;
    for (const { no, id } of vehicles) {
      const endBucket = this.end !== null && id === this.end[0] ? this.end[1] : afterDay;
      if (this.end !== null && id > this.end[0]) return false;
      if (id !== this.nextId) [this.nextId, this.nextBucket] = [id, afterDay - bucketsPerDay];
      const heads = frozenHeads(storage, no, this.move);
      for (; this.nextBucket < endBucket; this.nextBucket += 1) {
        if (fixesLeft <= 0) return true;
        fixesLeft -= this.pack(
          storage,
          id,
          heads.filter(({ bucket }) => bucket === this.nextBucket),
        );
      }
      if (endBucket < afterDay) return false;
      this.nextId = `${id} `;
    }
    return vehicles.length > 0;
  }

  private pack(storage: TracksStorage, id: string, heads: ChunkHead[]): number {
    const track = trackOf(heads.sort(byArrival).flatMap((head) => fixesOf(storage, head.chunkNo) ?? []));
    const idBytes = new Uint8Array(16);
    writeUuid(idBytes, 0, id);
    for (const fix of track) this.write(idBytes, fix);
    return track.length;
  }

  private write(id: Uint8Array, fix: Fix): void {
    if (this.at + packedRowBytes > this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    writeRow(this.bytes, this.view, this.at, id, fix);
    this.at += packedRowBytes;
  }

  done(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }
}

/** A slice of dropping days that are safe in R2. False: none is left to drop. */
export function dropSlice({ storage }: Tracks): boolean {
  const move = storage.moves().find(({ isDropping }) => isDropping);
  if (!move) return false;
  const first = firstBucketOf(move.day);
  // Vehicles are few and the search in each is by the index: walking those that are done costs little.
  const chunks = storage.sql
    .exec<{ no: number; bytes: number }>(
      `SELECT c.chunk_no AS no, length(c.data) AS bytes FROM vehicles v CROSS JOIN chunks c
       ON c.vehicle_no = v.no AND c.bucket BETWEEN ? AND ? WHERE c.chunk_no <= ? LIMIT ?`,
      ...[first, first + bucketsPerDay - 1, move.throughChunk, compactionLimits.sliceDeletes],
    )
    .toArray();
  if (chunks.length === 0) storage.endMove(move.day, move.throughChunk);
  storage.dropChunks(chunks.map(({ no, bytes }) => ({ chunkNo: no, bytes })));
  storage.saveProgress({});
  return true;
}
