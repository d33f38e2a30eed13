/**
 * A room's SQLite: the picture, row by row, so that the object may lose its memory at any moment.
 * Writes go in bulk, one statement per table and thousand rows with json_each; row by row costs twenty times as much.
 */
import type { LiveAlert } from '#contracts/live';
import type { Reading } from '#contracts/telemetry';
import { nextStatusChangeMs } from '#contracts/vehicle-status';
import type { VehicleStatus } from '#contracts/vehicles';
import type { VehicleFacts } from './feed.ts';
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
CREATE TABLE IF NOT EXISTS readings (
  vehicle_id TEXT PRIMARY KEY, source TEXT NOT NULL, status TEXT NOT NULL, seq INTEGER NOT NULL, mark INTEGER NOT NULL,
  reading TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alerts (
  id TEXT PRIMARY KEY, version INTEGER NOT NULL, created_seq INTEGER NOT NULL, seq INTEGER NOT NULL,
  alert TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tombstones (id TEXT PRIMARY KEY, source TEXT NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS left_log (
  seq INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, created_seq INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (seq, id)) WITHOUT ROWID;
`;

/** A row's body of facts is about 350 bytes: a thousand stay far below the 2 MB a bound value may have. */
const rowsPerStatement = 1_000;

const upserts = {
  sources: `INSERT INTO sources (id, heard_through, ahead)
    SELECT value ->> 0, value ->> 1, value -> 2 FROM json_each(?) WHERE true
    ON CONFLICT (id) DO UPDATE SET heard_through = excluded.heard_through, ahead = excluded.ahead`,
  vehicles: `INSERT INTO vehicles (id, version, created_seq, facts_seq, facts)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value -> 4 FROM json_each(?) WHERE true
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, created_seq = excluded.created_seq,
      facts_seq = excluded.facts_seq, facts = excluded.facts`,
  readings: `INSERT INTO readings (vehicle_id, source, status, seq, mark, reading)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value -> 5 FROM json_each(?) WHERE true
    ON CONFLICT (vehicle_id) DO UPDATE SET source = excluded.source, status = excluded.status, seq = excluded.seq,
      mark = excluded.mark, reading = excluded.reading`,
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
  readings: 'DELETE FROM readings WHERE vehicle_id IN (SELECT value FROM json_each(?))',
  alerts: 'DELETE FROM alerts WHERE id IN (SELECT value FROM json_each(?))',
  tombstones: 'DELETE FROM tombstones WHERE id IN (SELECT value FROM json_each(?))',
} as const;

export class RoomStorage {
  private readonly storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.storage = storage;
    storage.sql.exec(schema);
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
    type VehicleRow = { id: string; version: number; created_seq: number; facts_seq: number; facts: string };
    for (const row of sql.exec<VehicleRow>('SELECT * FROM vehicles')) {
      const facts = JSON.parse(row.facts) as VehicleFacts;
      const { version, created_seq: createdSeq, facts_seq: factsSeq } = row;
      state.vehicles.set(row.id, { facts, version, createdSeq, factsSeq });
    }
    type ReadingRow = {
      vehicle_id: string;
      source: string;
      status: VehicleStatus;
      seq: number;
      mark: number;
      reading: string;
    };
    for (const row of sql.exec<ReadingRow>('SELECT * FROM readings')) {
      const reading = JSON.parse(row.reading) as Reading;
      const { source: sourceTenantId, status, seq, mark } = row;
      // As of the reading itself, so that a change of status that fell due while the room slept is made up for.
      const statusUntilMs = status === 'offline' ? null : nextStatusChangeMs(reading, statusSinceMs(reading, status));
      state.readings.set(row.vehicle_id, { sourceTenantId, reading, status, statusUntilMs, seq, mark });
      state.nextMark = Math.max(state.nextMark, mark + 1);
      if (statusUntilMs !== null && (state.statusDueMs === null || statusUntilMs < state.statusDueMs)) {
        state.statusDueMs = statusUntilMs;
      }
    }
    type AlertRow = { id: string; version: number; created_seq: number; seq: number; alert: string };
    for (const row of sql.exec<AlertRow>('SELECT * FROM alerts')) {
      const alert = JSON.parse(row.alert) as LiveAlert;
      state.alerts.set(row.id, { alert, version: row.version, createdSeq: row.created_seq, seq: row.seq });
    }
    for (const row of sql.exec<{ id: string; source: string; version: number }>('SELECT * FROM tombstones')) {
      state.tombstones.set(row.id, { sourceTenantId: row.source, version: row.version });
    }
    type LeftRow = { seq: number; id: string; kind: string; created_seq: number; body: string };
    for (const row of sql.exec<LeftRow>('SELECT * FROM left_log ORDER BY seq')) state.log.push(toLeftEntry(row));
  }

  /** Writes what changed since the last call, all or nothing. Durable before anything the object sends leaves it. */
  save(state: RoomState): void {
    const { unsaved } = state;
    this.storage.transactionSync(() => {
      this.write('sources', unsaved.sources, (id) => {
        const heard = state.sources.get(id);
        return heard && [id, heard.heardThrough, [...heard.ahead]];
      });
      this.write('vehicles', unsaved.vehicles, (id) => {
        const entry = state.vehicles.get(id);
        return entry && [id, entry.version, entry.createdSeq, entry.factsSeq, entry.facts];
      });
      this.write('readings', unsaved.readings, (id) => {
        const held = state.readings.get(id);
        return held && [id, held.sourceTenantId, held.status, held.seq, held.mark, held.reading];
      });
      this.write('alerts', unsaved.alerts, (id) => {
        const entry = state.alerts.get(id);
        return entry && [id, entry.version, entry.createdSeq, entry.seq, entry.alert];
      });
      this.write('tombstones', unsaved.tombstones, (id) => {
        const tombstone = state.tombstones.get(id);
        return tombstone && [id, tombstone.sourceTenantId, tombstone.version];
      });
      this.insert(
        upserts.left_log,
        unsaved.log.map((entry) => {
          const body =
            entry.kind === 'vehicle' ? entry.scope : { tenantId: entry.tenantId, vehicleId: entry.vehicleId };
          return [entry.seq, entry.id, entry.kind, entry.createdSeq, body];
        }),
      );
      if (unsaved.meta) this.saveRoom(state);
    });
    state.unsaved = nothingUnsaved();
  }

  /** Deletes log entries up to and including tick `floor`. */
  prune(floor: number): void {
    this.storage.sql.exec('DELETE FROM left_log WHERE seq <= ?', floor);
  }

  private write(
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

/** An instant at which the reading had this status by age: its own time, or that of its first ageing. */
function statusSinceMs(reading: Reading, status: VehicleStatus): number {
  const atMs = Date.parse(reading.at);
  return status === 'stale' ? (nextStatusChangeMs(reading, atMs) ?? atMs) : atMs;
}

function toLeftEntry(row: { seq: number; id: string; kind: string; created_seq: number; body: string }): LeftEntry {
  const { seq, id, created_seq: createdSeq } = row;
  if (row.kind === 'vehicle') {
    return { seq, kind: 'vehicle', id, createdSeq, scope: JSON.parse(row.body) as VehicleScope };
  }
  const { tenantId, vehicleId } = JSON.parse(row.body) as { tenantId: string; vehicleId: string | null };
  return { seq, kind: 'alert', id, createdSeq, tenantId, vehicleId };
}
