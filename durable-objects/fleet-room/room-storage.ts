/**
 * A room's SQLite: the picture, so that the object may lose its memory at any moment. Facts and alerts row by row, in bulk:
 * one statement per table and thousand rows with json_each; row by row costs twenty times as much. Readings change all the
 * time and go through the log of reading-log.ts.
 */
import type { LiveAlert } from '#contracts/live';
import type { VehicleFacts } from './feed.ts';
import { adoptOldReadings, hasOldReadings } from './old-readings.ts';
import { ReadingLog } from './reading-log.ts';
import {
  emptyRoom,
  noOpenTick,
  nothingUnsaved,
  type LeftEntry,
  type RoomState,
  type VehicleScope,
} from './room-state.ts';

const schema = `
CREATE TABLE IF NOT EXISTS room (
  only INTEGER PRIMARY KEY CHECK (only = 1), tenant_id TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
  resume_floor INTEGER NOT NULL, next_mark INTEGER NOT NULL, confirmed_mark INTEGER NOT NULL, copy_back_due_ms INTEGER);
CREATE TABLE IF NOT EXISTS sources (id TEXT PRIMARY KEY, heard_through INTEGER NOT NULL, ahead TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vehicles (
  id TEXT PRIMARY KEY, version INTEGER NOT NULL, created_seq INTEGER NOT NULL, facts_seq INTEGER NOT NULL,
  facts TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alerts (
  id TEXT PRIMARY KEY, version INTEGER NOT NULL, created_seq INTEGER NOT NULL, seq INTEGER NOT NULL,
  alert TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tombstones (id TEXT PRIMARY KEY, source TEXT NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS left_log (
  seq INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, created_seq INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (seq, id)) WITHOUT ROWID;
`;

/** A row's body of facts is about 350 bytes: a thousand stay far below the 2 MB a value may have. */
const rowsPerStatement = 1_000;

const upserts = {
  sources: `INSERT INTO sources (id, heard_through, ahead)
    SELECT value ->> 0, value ->> 1, value -> 2 FROM json_each(?) WHERE true
    ON CONFLICT (id) DO UPDATE SET heard_through = excluded.heard_through, ahead = excluded.ahead`,
  vehicles: `INSERT INTO vehicles (id, version, created_seq, facts_seq, facts)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value -> 4 FROM json_each(?) WHERE true
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, created_seq = excluded.created_seq,
      facts_seq = excluded.facts_seq, facts = excluded.facts`,
  alerts: `INSERT INTO alerts (id, version, created_seq, seq, alert)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value -> 4 FROM json_each(?) WHERE true
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, created_seq = excluded.created_seq, seq = excluded.seq,
      alert = excluded.alert`,
  tombstones: `INSERT INTO tombstones (id, source, version)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true
    ON CONFLICT (id) DO UPDATE SET source = excluded.source, version = excluded.version`,
  // Of several entries of one tick and id the first counts.
  left_log: `INSERT OR IGNORE INTO left_log (seq, id, kind, created_seq, body)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value -> 4 FROM json_each(?)`,
} as const;

const deletes = {
  sources: 'DELETE FROM sources WHERE id IN (SELECT value FROM json_each(?))',
  vehicles: 'DELETE FROM vehicles WHERE id IN (SELECT value FROM json_each(?))',
  alerts: 'DELETE FROM alerts WHERE id IN (SELECT value FROM json_each(?))',
  tombstones: 'DELETE FROM tombstones WHERE id IN (SELECT value FROM json_each(?))',
} as const;

const bodyOf = {
  vehicles: { body: 'facts', seq: 'facts_seq' },
  alerts: { body: 'alert', seq: 'seq' },
} as const;

export class RoomStorage {
  readonly readings: ReadingLog;
  private readonly storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.storage = storage;
    storage.sql.exec(schema);
    this.readings = new ReadingLog(storage);
  }

  /** Reads the whole room; makes an empty one of a new epoch when there is none. `tenantId` is null when not known. */
  load(tenantId: string | null, newEpoch: () => string): RoomState {
    const { sql } = this.storage;
    const [row] = sql
      .exec<{
        tenant_id: string;
        epoch: string;
        seq: number;
        resume_floor: number;
        next_mark: number;
        confirmed_mark: number;
        copy_back_due_ms: number | null;
      }>('SELECT * FROM room')
      .toArray();
    if (!row) {
      if (tenantId === null) throw new Error('a room is addressed by the id of its tenant');
      const fresh = emptyRoom(tenantId, newEpoch());
      this.saveRoom(fresh);
      return fresh;
    }
    const state = emptyRoom(row.tenant_id, row.epoch);
    state.seq = row.seq;
    state.resumeFloor = row.resume_floor;
    state.nextMark = row.next_mark;
    state.confirmedMark = row.confirmed_mark;
    state.copyBackDueMs = row.copy_back_due_ms;
    this.loadEntities(state);
    this.readings.load(state);
    if (hasOldReadings(this.storage.sql)) {
      this.storage.transactionSync(() => {
        adoptOldReadings(this.storage.sql, state);
        this.readings.writeAllParts(state);
      });
    }
    // Whatever carries a later number was changed after the last tick and is still owed to the sockets.
    state.hasChanges =
      state.log.some((entry) => entry.seq > state.seq) ||
      [...state.vehicles.values()].some((entry) => entry.factsSeq > state.seq) ||
      [...state.readings.values(), ...state.alerts.values()].some((entry) => entry.seq > state.seq);
    state.tick = noOpenTick(false);
    for (const entry of state.log) if (entry.seq > state.seq) state.tick.left.add(entry.id);
    return state;
  }

  private loadEntities(state: RoomState): void {
    const { sql } = this.storage;
    for (const row of sql.exec<{ id: string; heard_through: number; ahead: string }>('SELECT * FROM sources')) {
      state.sources.set(row.id, {
        heardThrough: row.heard_through,
        ahead: new Set(JSON.parse(row.ahead) as number[]),
      });
    }
    for (const [facts, version, createdSeq, factsSeq] of this.bodies<VehicleFacts>('vehicles')) {
      state.vehicles.set(facts.id, { facts, version, createdSeq, factsSeq });
    }
    for (const [alert, version, createdSeq, seq] of this.bodies<LiveAlert>('alerts')) {
      state.alerts.set(alert.id, { alert, version, createdSeq, seq });
    }
    for (const row of sql.exec<{ id: string; source: string; version: number }>('SELECT * FROM tombstones')) {
      state.tombstones.set(row.id, { sourceTenantId: row.source, version: row.version });
    }
    type LeftRow = { seq: number; id: string; kind: string; created_seq: number; body: string };
    for (const row of sql.exec<LeftRow>('SELECT * FROM left_log ORDER BY seq')) state.log.push(toLeftEntry(row));
  }

  /**
   * The rows of a table as [body, version, created_seq, and the tick of the last change]. A thousand at a time come as one
   * text, parsed at once: row by row a large fleet takes twice as long to wake.
   */
  private *bodies<T>(table: 'vehicles' | 'alerts'): Generator<readonly [T, number, number, number]> {
    const { body, seq } = bodyOf[table];
    for (let after = ''; ;) {
      const page = this.storage.sql
        .exec<{ bodies: string | null; numbers: string | null; last: string | null }>(
          `SELECT group_concat(${body}) AS bodies, group_concat(version || ',' || created_seq || ',' || ${seq}) AS numbers,
            max(id) AS last FROM (SELECT * FROM ${table} WHERE id > ? ORDER BY id LIMIT ${rowsPerStatement})`,
          after,
        )
        .one();
      if (page.bodies === null || page.last === null) return;
      const bodies = JSON.parse(`[${page.bodies}]`) as T[];
      const numbers = JSON.parse(`[${page.numbers}]`) as number[];
      for (const [n, one] of bodies.entries()) {
        yield [one, numbers[3 * n] as number, numbers[3 * n + 1] as number, numbers[3 * n + 2] as number];
      }
      if (bodies.length < rowsPerStatement) return;
      after = page.last;
    }
  }

  /** Writes what changed since the last call, all or nothing. Durable before anything the object sends leaves it. */
  save(state: RoomState): void {
    const { unsaved } = state;
    const { journal, log, meta } = unsaved;
    const rows =
      unsaved.vehicles.size + unsaved.alerts.size + unsaved.tombstones.size + unsaved.sources.size + log.length;
    if (rows === 0 && journal.length === 0) {
      if (!meta) return;
      this.saveRoom(state);
    } else this.storage.transactionSync(() => this.write(state));
    state.unsaved = nothingUnsaved();
  }

  private write(state: RoomState): void {
    const { unsaved } = state;
    this.writeRows('sources', unsaved.sources, (id) => {
      const heard = state.sources.get(id);
      return heard && [id, heard.heardThrough, [...heard.ahead]];
    });
    this.writeRows('vehicles', unsaved.vehicles, (id) => {
      const entry = state.vehicles.get(id);
      return entry && [id, entry.version, entry.createdSeq, entry.factsSeq, entry.facts];
    });
    this.writeRows('alerts', unsaved.alerts, (id) => {
      const entry = state.alerts.get(id);
      return entry && [id, entry.version, entry.createdSeq, entry.seq, entry.alert];
    });
    this.writeRows('tombstones', unsaved.tombstones, (id) => {
      const tombstone = state.tombstones.get(id);
      return tombstone && [id, tombstone.sourceTenantId, tombstone.version];
    });
    this.insert(
      upserts.left_log,
      unsaved.log.map((entry) => {
        const body = entry.kind === 'vehicle' ? entry.scope : { tenantId: entry.tenantId, vehicleId: entry.vehicleId };
        return [entry.seq, entry.id, entry.kind, entry.createdSeq, body];
      }),
    );
    this.readings.append(state);
    this.readings.writeParts(state);
    if (unsaved.meta) this.saveRoom(state);
  }

  /** Deletes log entries up to and including tick `floor`. */
  prune(floor: number): void {
    this.storage.sql.exec('DELETE FROM left_log WHERE seq <= ?', floor);
  }

  private writeRows(
    table: keyof typeof deletes,
    ids: ReadonlySet<string>,
    rowOf: (id: string) => readonly unknown[] | undefined,
  ): void {
    if (ids.size === 0) return;
    const rows: (readonly unknown[])[] = [];
    const gone: string[] = [];
    for (const id of ids) {
      const row = rowOf(id);
      if (row) rows.push(row);
      else gone.push(id);
    }
    this.insert(upserts[table], rows);
    this.insert(deletes[table], gone);
  }

  private insert(statement: string, rows: readonly unknown[]): void {
    for (let from = 0; from < rows.length; from += rowsPerStatement) {
      this.storage.sql.exec(statement, JSON.stringify(rows.slice(from, from + rowsPerStatement)));
    }
  }

  private saveRoom(state: RoomState): void {
    this.storage.sql.exec(
      'INSERT OR REPLACE INTO room VALUES (1, ?, ?, ?, ?, ?, ?, ?)',
      state.ownTenantId,
      state.epoch,
      state.seq,
      state.resumeFloor,
      state.nextMark,
      state.confirmedMark,
      state.copyBackDueMs,
    );
  }
}

function toLeftEntry(row: { seq: number; id: string; kind: string; created_seq: number; body: string }): LeftEntry {
  const { seq, id, created_seq: createdSeq } = row;
  if (row.kind === 'vehicle') {
    return { seq, kind: 'vehicle', id, createdSeq, scope: JSON.parse(row.body) as VehicleScope };
  }
  const { tenantId, vehicleId } = JSON.parse(row.body) as { tenantId: string; vehicleId: string | null };
  return { seq, kind: 'alert', id, createdSeq, tenantId, vehicleId };
}
