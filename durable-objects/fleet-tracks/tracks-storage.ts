/**
 * The tracks' SQLite. `intake` is what was taken, as it came; `chunks` is what became of it; the rest says how far the work
 * has come, so that the object may lose its memory between any two slices. Everything here is called inside a transaction
 * of the object, or only reads.
 */
import { bucketEndMs, firstBucketOf, bucketsPerDay } from './buckets.ts';

const schema = `
CREATE TABLE IF NOT EXISTS progress (
  only INTEGER PRIMARY KEY CHECK (only = 1), compacted_seq INTEGER NOT NULL, round_seq INTEGER, round_vehicle INTEGER NOT NULL,
  round_done INTEGER NOT NULL, seal_bucket INTEGER, seal_vehicle INTEGER NOT NULL, chunks INTEGER NOT NULL,
  chunk_bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS intake (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, taken_ms INTEGER NOT NULL, fixes INTEGER NOT NULL, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS vehicles (no INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS gone (no INTEGER PRIMARY KEY, id TEXT NOT NULL, through_seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS chunks (
  chunk_no INTEGER PRIMARY KEY AUTOINCREMENT, vehicle_no INTEGER NOT NULL, bucket INTEGER NOT NULL, sealed_from INTEGER,
  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, fixes INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS chunks_place ON chunks (vehicle_no, bucket);
CREATE TABLE IF NOT EXISTS buckets (bucket INTEGER PRIMARY KEY, seal_after_ms INTEGER, last_chunk_no INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS moves (
  day INTEGER PRIMARY KEY, through_chunk INTEGER NOT NULL, is_dropping INTEGER NOT NULL, starts TEXT NOT NULL);
`;

export interface Progress {
  /** Everything taken up to here is in chunks. */
  compactedSeq: number;
  /** A round of compaction is under way, over rows up to here; null when none is. */
  roundSeq: number | null;
  /** The vehicle the round has come to, and how many of its fixes it has done. Those before it are done. */
  roundVehicle: number;
  roundDone: number;
  /** The bucket whose chunks are being sealed, and the vehicle that this has come to; null when none is. */
  sealBucket: number | null;
  sealVehicle: number;
  chunks: number;
  chunkBytes: number;
}

/** All of a chunk but its data. */
export interface ChunkHead {
  chunkNo: number;
  bucket: number;
  isSealed: boolean;
  /** Orders the chunks of a bucket by the arrival of their fixes: a sealed one stands where the first it was made of stood. */
  arrival: number;
  firstMs: number;
  lastMs: number;
  fixes: number;
  bytes: number;
}

export interface NewChunk {
  vehicleNo: number;
  bucket: number;
  /** The arrival of the first chunk that this one replaces; null for fixes out of the intake. */
  sealedFrom: number | null;
  firstMs: number;
  lastMs: number;
  fixes: number;
  data: Uint8Array;
}

/** A closed quarter of a day gets so long for its stragglers; a sealed one to which something came late, so much longer. */
const sealAfterEndMs = 2 * 3_600_000;
const sealAgainAfterMs = 6 * 3_600_000;

export class TracksStorage {
  readonly sql: SqlStorage;
  progress: Progress;

  constructor(sql: SqlStorage) {
    this.sql = sql;
    sql.exec(schema);
    sql.exec('INSERT OR IGNORE INTO progress VALUES (1, 0, NULL, 0, 0, NULL, 0, 0, 0)');
    const row = sql.exec<Record<string, number | null>>('SELECT * FROM progress').one();
    this.progress = {
      compactedSeq: row['compacted_seq'] as number,
      roundSeq: row['round_seq'] as number | null,
      roundVehicle: row['round_vehicle'] as number,
      roundDone: row['round_done'] as number,
      sealBucket: row['seal_bucket'] as number | null,
      sealVehicle: row['seal_vehicle'] as number,
      chunks: row['chunks'] as number,
      chunkBytes: row['chunk_bytes'] as number,
    };
  }

  saveProgress(patch: Partial<Progress>): void {
    Object.assign(this.progress, patch);
    const { progress } = this;
    this.sql.exec(
      'INSERT OR REPLACE INTO progress VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[progress.compactedSeq, progress.roundSeq, progress.roundVehicle, progress.roundDone],
      ...[progress.sealBucket, progress.sealVehicle, progress.chunks, progress.chunkBytes],
    );
  }

  // — intake ——————————————————————————————————————————————————————————————————————
  addIntake(bytes: Uint8Array, fixes: number, nowMs: number): number {
    const { sql } = this;
    sql.exec('INSERT INTO intake (taken_ms, fixes, bytes) VALUES (?, ?, ?)', nowMs, fixes, bytes);
    return sql.exec<{ seq: number }>('SELECT last_insert_rowid() AS seq').one().seq;
  }

  /** What waits, from the rows themselves. */
  waiting(): { fixes: number; oldestMs: number | null; lastSeq: number } {
    const { compactedSeq } = this.progress;
    const row = this.sql
      .exec<{ fixes: number | null; oldest: number | null; last: number | null }>(
        'SELECT sum(fixes) AS fixes, min(taken_ms) AS oldest, max(seq) AS last FROM intake WHERE seq > ?',
        compactedSeq,
      )
      .one();
    return { fixes: row.fixes ?? 0, oldestMs: row.oldest, lastSeq: row.last ?? compactedSeq };
  }

  /** The next rows after `seq`, as many as hold about so many fixes; empty at the end. */
  intakeAfter(seq: number, fixes: number): { seq: number; bytes: Uint8Array }[] {
    const rows: { seq: number; bytes: Uint8Array }[] = [];
    let sum = 0;
    type Row = { seq: number; fixes: number; bytes: ArrayBuffer };
    for (const row of this.sql.exec<Row>('SELECT seq, fixes, bytes FROM intake WHERE seq > ? ORDER BY seq', seq)) {
      rows.push({ seq: row.seq, bytes: new Uint8Array(row.bytes) });
      sum += row.fixes;
      if (sum >= fixes || rows.length >= 1_000) break;
    }
    return rows;
  }

  /** Deletes some rows whose fixes are in chunks; true while more are left. */
  sweepIntake(limit: number): boolean {
    const done = this.sql.exec(
      'DELETE FROM intake WHERE seq IN (SELECT seq FROM intake WHERE seq <= ? ORDER BY seq LIMIT ?)',
      ...[this.progress.compactedSeq, limit],
    );
    return done.rowsWritten > 0 && this.hasUsedIntake();
  }

  /** Rows are left whose fixes are in chunks. */
  hasUsedIntake(): boolean {
    const { compactedSeq } = this.progress;
    return this.sql.exec('SELECT 1 FROM intake WHERE seq <= ? LIMIT 1', compactedSeq).toArray().length > 0;
  }

  // — vehicles ————————————————————————————————————————————————————————————————————
  /** Numbers of all vehicles that are known, by id. */
  vehicles(): { no: number; id: string }[] {
    return this.sql.exec<{ no: number; id: string }>('SELECT no, id FROM vehicles').toArray();
  }

  addVehicle(id: string): number {
    return this.sql.exec<{ no: number }>('INSERT INTO vehicles (id) VALUES (?) RETURNING no', id).one().no;
  }

  /** Vehicles that were forgotten, with the last intake row that may still hold fixes of theirs. */
  gone(): { no: number; id: string; throughSeq: number }[] {
    type Row = { no: number; id: string; through_seq: number };
    return this.sql
      .exec<Row>('SELECT no, id, through_seq FROM gone ORDER BY no')
      .toArray()
      .map(({ no, id, through_seq: throughSeq }) => ({ no, id, throughSeq }));
  }

  forgetVehicle(no: number, id: string, throughSeq: number): void {
    this.sql.exec('DELETE FROM vehicles WHERE no = ?', no);
    this.sql.exec('INSERT INTO gone VALUES (?, ?, ?)', no, id, throughSeq);
  }

  // — chunks ——————————————————————————————————————————————————————————————————————
  /** Counts it in `progress`, which the caller saves. */
  addChunk(chunk: NewChunk, nowMs: number): void {
    const { vehicleNo, bucket, sealedFrom, firstMs, lastMs, fixes, data } = chunk;
    this.sql.exec(
      'INSERT INTO chunks (vehicle_no, bucket, sealed_from, first_ms, last_ms, fixes, data) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[vehicleNo, bucket, sealedFrom, firstMs, lastMs, fixes, data],
    );
    this.progress.chunks += 1;
    this.progress.chunkBytes += data.length;
    // A bucket's first chunk lets it wait for its end; one that was sealed already waits for more to come late.
    this.sql.exec(
      `INSERT INTO buckets VALUES (?1, ?2, last_insert_rowid()) ON CONFLICT (bucket) DO UPDATE SET
         seal_after_ms = coalesce(seal_after_ms, ?3), last_chunk_no = excluded.last_chunk_no`,
      ...[bucket, bucketEndMs(bucket) + sealAfterEndMs, sealedFrom === null ? nowMs + sealAgainAfterMs : null],
    );
  }

  /** Counts them off in `progress`, which the caller saves. */
  dropChunks(chunks: readonly { chunkNo: number; bytes: number }[]): void {
    if (chunks.length === 0) return;
    const numbers = JSON.stringify(chunks.map((chunk) => chunk.chunkNo));
    this.sql.exec('DELETE FROM chunks WHERE chunk_no IN (SELECT value FROM json_each(?))', numbers);
    this.progress.chunks -= chunks.length;
    for (const chunk of chunks) this.progress.chunkBytes -= chunk.bytes;
  }

  /** A vehicle's chunks of some buckets without their data, by bucket. */
  heads(vehicleNo: number, fromBucket: number, toBucket: number): ChunkHead[] {
    type Row = {
      no: number;
      bucket: number;
      sealed_from: number | null;
      first: number;
      last: number;
      fixes: number;
      bytes: number;
    };
    return this.sql
      .exec<Row>(
        `SELECT chunk_no AS no, bucket, sealed_from, first_ms AS first, last_ms AS last, fixes, length(data) AS bytes
         FROM chunks WHERE vehicle_no = ? AND bucket BETWEEN ? AND ? ORDER BY bucket`,
        ...[vehicleNo, fromBucket, toBucket],
      )
      .toArray()
      .map(({ no, bucket, sealed_from: from, first, last, fixes, bytes }) => {
        const [isSealed, arrival] = [from !== null, from ?? no];
        return { chunkNo: no, bucket, isSealed, arrival, firstMs: first, lastMs: last, fixes, bytes };
      });
  }

  /** The latest bucket before this one, not before `sinceBucket`, in which the vehicle has a chunk. */
  bucketBefore(vehicleNo: number, bucket: number, sinceBucket: number): number | null {
    return this.sql
      .exec<{ bucket: number | null }>(
        'SELECT max(bucket) AS bucket FROM chunks WHERE vehicle_no = ? AND bucket >= ? AND bucket < ?',
        ...[vehicleNo, sinceBucket, bucket],
      )
      .one().bucket;
  }

  dataOf(chunkNo: number): Uint8Array {
    const [row] = this.sql.exec<{ data: ArrayBuffer }>('SELECT data FROM chunks WHERE chunk_no = ?', chunkNo).toArray();
    return new Uint8Array(row?.data ?? new ArrayBuffer(0));
  }

  /** Some of a vehicle's chunks. */
  someChunks(vehicleNo: number, limit: number): { chunkNo: number; bytes: number }[] {
    return this.sql
      .exec<{ no: number; bytes: number }>(
        'SELECT chunk_no AS no, length(data) AS bytes FROM chunks WHERE vehicle_no = ? LIMIT ?',
        ...[vehicleNo, limit],
      )
      .toArray()
      .map(({ no, bytes }) => ({ chunkNo: no, bytes }));
  }

  /** The number of the last chunk that was written, whether or not it is still there. */
  lastChunkNo(): number {
    return this.sql.exec<{ no: number | null }>('SELECT max(last_chunk_no) AS no FROM buckets').one().no ?? 0;
  }

  // — sealing and days ——————————————————————————————————————————————————————————————
  /** The bucket whose chunks are to be sealed first, if any. Days on the move stay as they are. */
  nextSeal(): { bucket: number; atMs: number } | null {
    const [row] = this.sql
      .exec<{ bucket: number; at: number }>(
        `SELECT bucket, seal_after_ms AS at FROM buckets WHERE seal_after_ms IS NOT NULL
           AND (bucket >> 2) NOT IN (SELECT day FROM moves) ORDER BY seal_after_ms, bucket LIMIT 1`,
      )
      .toArray();
    return row ? { bucket: row.bucket, atMs: row.at } : null;
  }

  bucketSealed(bucket: number): void {
    this.sql.exec('UPDATE buckets SET seal_after_ms = NULL WHERE bucket = ?', bucket);
  }

  buckets(): { bucket: number; lastChunkNo: number }[] {
    return this.sql
      .exec<{ bucket: number; last: number }>('SELECT bucket, last_chunk_no AS last FROM buckets ORDER BY bucket')
      .toArray()
      .map(({ bucket, last }) => ({ bucket, lastChunkNo: last }));
  }

  /** Days that are being moved out, with the last chunk that goes and where each part begins. */
  moves(): { day: number; throughChunk: number; isDropping: boolean; starts: string }[] {
    type Row = { day: number; through_chunk: number; is_dropping: number; starts: string };
    return this.sql
      .exec<Row>('SELECT * FROM moves ORDER BY day')
      .toArray()
      .map((row) => ({
        day: row.day,
        throughChunk: row.through_chunk,
        isDropping: row.is_dropping === 1,
        starts: row.starts,
      }));
  }

  addMove(day: number, throughChunk: number, starts: string): void {
    this.sql.exec('INSERT INTO moves VALUES (?, ?, 0, ?)', day, throughChunk, starts);
  }

  startDropping(day: number): void {
    this.sql.exec('UPDATE moves SET is_dropping = 1 WHERE day = ?', day);
  }

  /** All that was moved is gone; what came meanwhile stays a day of its own. */
  endMove(day: number, throughChunk: number): void {
    const first = firstBucketOf(day);
    this.sql.exec('DELETE FROM moves WHERE day = ?', day);
    this.sql.exec(
      'DELETE FROM buckets WHERE bucket BETWEEN ? AND ? AND last_chunk_no <= ?',
      ...[first, first + bucketsPerDay - 1, throughChunk],
    );
  }
}
