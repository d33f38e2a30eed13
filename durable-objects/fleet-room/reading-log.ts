/**
 * The write-ahead log of the readings in a room's SQLite: one row per batch, written before the batch is answered for. It is
 * two things at once. With the snapshot's parts (snapshot-plan.ts) it brings the readings back after the object lost its
 * memory; and it is the outbox to the tracks. A row goes when every part holds it and the tracks have confirmed it.
 */
import { packPart, takenKind, toJournalRow, type JournalRow } from './journal-codec.ts';
import type { RoomState } from './room-state.ts';
import {
  heldByAll,
  newPlan,
  noteEntry,
  recover,
  takeDueParts,
  takeOldestParts,
  type SnapshotPlan,
  type StoredPart,
} from './snapshot-plan.ts';

const schema = `
CREATE TABLE IF NOT EXISTS reading_log (
  id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, source TEXT, seq INTEGER NOT NULL, now_ms INTEGER NOT NULL,
  mark INTEGER NOT NULL, count INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS reading_parts (
  part INTEGER PRIMARY KEY, through INTEGER NOT NULL, next_mark INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tracks_hold (only INTEGER PRIMARY KEY CHECK (only = 1), through INTEGER NOT NULL);
`;

/** What the tracks have not confirmed. */
export interface Backlog {
  entries: number;
  rows: number;
  bytes: number;
}

/** The oldest unconfirmed rows: what is to be appended, and the entry that is confirmed by it. */
export interface Outgoing {
  after: number;
  through: number;
  readings: Uint8Array;
  backlog: Backlog;
}

const none: Backlog = { entries: 0, rows: 0, bytes: 0 };

type LogRow = [number, number, string | null, number, number, number, number, ArrayBuffer];
const toRow = ([id, kind, source, seq, nowMs, mark, count, body]: LogRow): JournalRow => ({
  ...{ id, kind, source, seq, nowMs, mark, count },
  body: new Uint8Array(body),
});

export class ReadingLog {
  private readonly sql: SqlStorage;
  private plan: SnapshotPlan = newPlan();
  private lastId = 0;
  private prunedThrough = 0;
  private tracksThrough = 0;
  private isTracksThroughKept = true;
  private backlog: Backlog = none;

  constructor(storage: DurableObjectStorage) {
    this.sql = storage.sql;
    this.sql.exec(schema);
  }

  /** Puts the readings into a state that holds none. */
  load(state: RoomState): void {
    const parts = [...this.sql.exec('SELECT * FROM reading_parts').raw()].map((row): StoredPart => {
      const [part, through, nextMark, body] = row as [number, number, number, ArrayBuffer];
      return { part, through, nextMark, body: new Uint8Array(body) };
    });
    const [tracks] = this.sql.exec<{ through: number }>('SELECT through FROM tracks_hold').toArray();
    this.tracksThrough = tracks?.through ?? 0;
    for (const { part, through } of parts) this.plan.through[part] = through;
    const from = heldByAll(this.plan);
    const rows = this.sql.exec('SELECT * FROM reading_log WHERE id > ? ORDER BY id', from).raw();
    recover(
      state,
      this.plan,
      parts,
      [...rows].map((row) => toRow(row as LogRow)),
    );
    const [last] = this.sql.exec<{ id: number | null }>('SELECT max(id) AS id FROM reading_log').toArray();
    // Entries that are gone were held by all parts and by the tracks: no number is ever given twice.
    this.lastId = Math.max(last?.id ?? 0, this.tracksThrough, ...this.plan.through);
    const [waiting] = this.sql
      .exec<Record<keyof Backlog, number | null>>(
        `SELECT count(*) AS entries, sum(count) AS rows, sum(length(body)) AS bytes FROM reading_log
         WHERE id > ? AND kind = ${takenKind}`,
        this.tracksThrough,
      )
      .toArray();
    this.backlog = { entries: waiting?.entries ?? 0, rows: waiting?.rows ?? 0, bytes: waiting?.bytes ?? 0 };
  }

  /** Writes down what befell the readings. */
  append(state: RoomState): void {
    if (state.unsaved.journal.length > 0) this.keep();
    for (const entry of state.unsaved.journal) {
      this.lastId += 1;
      const row = toJournalRow(this.lastId, entry);
      this.sql.exec(
        'INSERT INTO reading_log VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        row.id,
        row.kind,
        row.source,
        row.seq,
        row.nowMs,
        row.mark,
        row.count,
        row.body,
      );
      noteEntry(this.plan, row.count);
      if (row.kind !== takenKind) continue;
      const { entries, rows, bytes } = this.backlog;
      this.backlog = { entries: entries + 1, rows: rows + row.count, bytes: bytes + row.body.length };
    }
  }

  /** Writes the parts that are due. */
  writeParts(state: RoomState): void {
    this.write(state, takeDueParts(this.plan, this.lastId, state.readings.size));
  }

  /** Writes every part: what the readings are does not rest on the log any more. */
  writeAllParts(state: RoomState): void {
    this.write(state, takeOldestParts(this.plan, this.lastId, Infinity));
  }

  private write(state: RoomState, parts: readonly number[]): void {
    for (const part of parts) {
      const body = packPart(state, part);
      this.sql.exec(
        'INSERT OR REPLACE INTO reading_parts VALUES (?, ?, ?, ?)',
        part,
        this.lastId,
        state.nextMark,
        body,
      );
    }
    if (parts.length > 0) this.prune();
  }

  private prune(): void {
    this.tracksThrough = this.confirmed;
    const through = Math.min(heldByAll(this.plan), this.tracksThrough);
    if (through <= this.prunedThrough) return;
    this.sql.exec('DELETE FROM reading_log WHERE id <= ?', through);
    this.keepTracksThrough();
    this.prunedThrough = through;
  }

  private keepTracksThrough(): void {
    this.sql.exec('INSERT OR REPLACE INTO tracks_hold VALUES (1, ?)', this.tracksThrough);
    this.isTracksThroughKept = true;
  }

  get waiting(): Backlog {
    return this.backlog;
  }

  /** The last entry written. */
  get last(): number {
    return this.lastId;
  }

  /** Up to which entry the tracks have everything. */
  get confirmed(): number {
    return this.backlog.entries === 0 ? this.lastId : this.tracksThrough;
  }

  /** What is to be sent next, of `maxEntries` and about `maxBytes` at most; null when the tracks have everything. */
  outgoing(maxEntries: number, maxBytes: number): Outgoing | null {
    if (this.backlog.entries === 0) return null;
    const bodies: Uint8Array[] = [];
    const backlog = { ...none };
    let through = 0;
    const rows = this.sql
      .exec(
        `SELECT id, count, body FROM reading_log WHERE id > ? AND kind = ${takenKind} ORDER BY id LIMIT ?`,
        this.tracksThrough,
        maxEntries,
      )
      .raw();
    for (const row of rows) {
      const [id, count, body] = row as [number, number, ArrayBuffer];
      if (backlog.entries > 0 && backlog.bytes + body.byteLength > maxBytes) break;
      through = id;
      bodies.push(new Uint8Array(body));
      backlog.entries += 1;
      backlog.rows += count;
      backlog.bytes += body.byteLength;
    }
    const readings = new Uint8Array(backlog.bytes);
    let at = 0;
    for (const body of bodies) {
      readings.set(body, at);
      at += body.length;
    }
    return { after: this.tracksThrough, through, readings, backlog };
  }

  /**
   * The tracks have them. Written down together with the next entry, or when the room falls quiet: a write of its own would
   * cost as much as the entry, and what is sent again changes nothing.
   */
  confirm({ after, through, backlog }: Outgoing): void {
    // The answer to a call from before the room was loaded again: what it covers is sent once more.
    if (after !== this.tracksThrough) return;
    this.tracksThrough = through;
    const { entries, rows, bytes } = this.backlog;
    this.backlog = { entries: entries - backlog.entries, rows: rows - backlog.rows, bytes: bytes - backlog.bytes };
    if (this.backlog.entries === 0) this.isTracksThroughKept = false;
  }

  /** True while only memory knows what the tracks have confirmed. */
  get mustKeep(): boolean {
    return !this.isTracksThroughKept;
  }

  keep(): void {
    if (!this.isTracksThroughKept) this.keepTracksThrough();
  }
}
