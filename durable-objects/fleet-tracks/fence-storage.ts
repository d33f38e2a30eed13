/** What the fence watch keeps in its object's SQLite: always written in bulk, within the owner's transaction. */
import { packFixes, packPage, unpackFixes, unpackPage, type HeldFence, type NumberedFix } from './fence-pages.ts';
import type { FenceEvent } from './feed.ts';

const schema = `
CREATE TABLE IF NOT EXISTS fence_meta (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL,
  last_mark INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS fence_pages (page INTEGER PRIMARY KEY, body BLOB NOT NULL);
-- Deleted by a change that is ahead of the version held: an older change that comes late must not bring them back.
CREATE TABLE IF NOT EXISTS fence_tombstones (id TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fence_visits (slot INTEGER, fence_id TEXT, entered_ms INTEGER NOT NULL,
  has_dwelled INTEGER NOT NULL, is_speeding INTEGER NOT NULL, PRIMARY KEY (slot, fence_id)) WITHOUT ROWID;
-- Newest fixes: the first rows hold every vehicle, those after them what came since.
CREATE TABLE IF NOT EXISTS fence_fixes (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS fence_events (mark INTEGER PRIMARY KEY, body TEXT NOT NULL);
`;

/** Id and fix. */
const bytesPerVehicle = 44;
/** Per row of fixes: far below the 2 MB a value may have. */
const vehiclesPerRow = 10_000;
/** Bytes of fixes that came since, past which all of them are written anew. */
const leastLogBytes = 65_536;
const mostLogRows = 256;
/** Rows per statement: some 200 bytes each. */
const rowsPerStatement = 2_000;

/** A visit as it is kept. */
export interface KeptVisit {
  /** The number of its vehicle. */
  slot: number;
  fenceId: string;
  enteredMs: number;
  hasDwelled: boolean;
  isSpeeding: boolean;
}

export interface FenceMeta {
  version: number;
  lastMark: number;
}

/** An event without its mark. */
export type EventBody = Omit<FenceEvent, 'mark'>;

export class FenceStorage {
  private readonly sql: SqlStorage;
  private nextSeq = 1;
  private logRows = 0;
  private logBytes = 0;

  constructor(sql: SqlStorage) {
    this.sql = sql;
    this.sql.exec(schema);
  }

  loadMeta(): FenceMeta {
    const [row] = this.sql
      .exec<{ version: number; last_mark: number }>('SELECT version, last_mark FROM fence_meta')
      .toArray();
    return row === undefined ? { version: 0, lastMark: 0 } : { version: row.version, lastMark: row.last_mark };
  }

  saveMeta({ version, lastMark }: FenceMeta): void {
    this.sql.exec('INSERT OR REPLACE INTO fence_meta VALUES (1, ?, ?)', version, lastMark);
  }

  loadFences(): HeldFence[] {
    const fences: HeldFence[] = [];
    const rows = this.sql.exec<{ page: number; body: ArrayBuffer }>('SELECT page, body FROM fence_pages');
    for (const { page, body } of rows) for (const fence of unpackPage(body, page)) fences.push(fence);
    return fences;
  }

  savePage(page: number, fences: readonly HeldFence[]): void {
    if (fences.length === 0) this.sql.exec('DELETE FROM fence_pages WHERE page = ?', page);
    else this.sql.exec('INSERT OR REPLACE INTO fence_pages VALUES (?, ?)', page, packPage(fences));
  }

  loadTombstones(): Map<string, number> {
    const rows = this.sql.exec<{ id: string; version: number }>('SELECT id, version FROM fence_tombstones').toArray();
    return new Map(rows.map(({ id, version }) => [id, version]));
  }

  saveTombstone(id: string, version: number): void {
    this.sql.exec('INSERT OR REPLACE INTO fence_tombstones VALUES (?, ?)', id, version);
  }

  dropTombstones(throughVersion: number): void {
    this.sql.exec('DELETE FROM fence_tombstones WHERE version <= ?', throughVersion);
  }

  loadVisits(): KeptVisit[] {
    // As one value: so many rows would cost more than what is in them.
    const { list } = this.sql
      .exec<{ list: string }>(
        `SELECT json_group_array(json_array(slot, fence_id, entered_ms, has_dwelled, is_speeding)) AS list
        FROM fence_visits`,
      )
      .one();
    return (JSON.parse(list) as [number, string, number, number, number][]).map(
      ([slot, fenceId, enteredMs, hasDwelled, isSpeeding]) => ({
        ...{ slot, fenceId, enteredMs },
        ...{ hasDwelled: hasDwelled === 1, isSpeeding: isSpeeding === 1 },
      }),
    );
  }

  /** What visits these vehicles have by now. */
  saveVisits(slots: readonly number[], visits: readonly KeptVisit[]): void {
    this.inParts(slots, 'DELETE FROM fence_visits WHERE slot IN (SELECT value FROM json_each(?))');
    this.inParts(
      visits.map((visit) => [
        ...[visit.slot, visit.fenceId, visit.enteredMs],
        ...[Number(visit.hasDwelled), Number(visit.isSpeeding)],
      ]),
      `INSERT INTO fence_visits SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)`,
    );
  }

  /** Keys of vehicles by their numbers, and their newest fixes; one that was forgotten has none. */
  loadFixes(): { keys: string[]; fixes: Map<number, NumberedFix> } {
    const keys: string[] = [];
    const newest = new Map<number, NumberedFix>();
    for (const { seq, body } of this.sql.exec<{ seq: number; body: ArrayBuffer }>(
      'SELECT seq, body FROM fence_fixes ORDER BY seq',
    )) {
      const { newKeys, fixes } = unpackFixes(body);
      for (const key of newKeys) keys.push(key);
      for (const fix of fixes) newest.set(fix.slot, fix);
      this.nextSeq = seq + 1;
      this.logRows += 1;
      this.logBytes += body.byteLength;
    }
    return { keys, fixes: newest };
  }

  /** Adds fixes that came; true when it is time for `replaceFixes`. */
  addFixes(newKeys: readonly string[], fixes: readonly NumberedFix[], vehicles: number): boolean {
    const body = packFixes(newKeys, fixes);
    this.sql.exec('INSERT INTO fence_fixes VALUES (?, ?)', this.nextSeq, body);
    this.nextSeq += 1;
    this.logRows += 1;
    this.logBytes += body.byteLength;
    return this.logRows > mostLogRows || this.logBytes > Math.max(leastLogBytes, vehicles * bytesPerVehicle * 3);
  }

  /** Writes all fixes anew: `keys` by the numbers of the vehicles. */
  replaceFixes(keys: readonly string[], fixes: readonly NumberedFix[]): void {
    this.sql.exec('DELETE FROM fence_fixes');
    this.logRows = 0;
    this.logBytes = 0;
    for (let from = 0; from < keys.length; from += vehiclesPerRow) {
      const to = from + vehiclesPerRow;
      const part = fixes.filter(({ slot }) => slot >= from && slot < to);
      this.addFixes(keys.slice(from, to), part, keys.length);
    }
  }

  /** Adds events with the marks that follow `lastMark`; answers the last of them. */
  addEvents(events: readonly EventBody[], lastMark: number): number {
    this.inParts(
      events.map((event, at) => [lastMark + 1 + at, event]),
      'INSERT INTO fence_events SELECT value ->> 0, value ->> 1 FROM json_each(?)',
    );
    return lastMark + events.length;
  }

  listEvents(limit: number): FenceEvent[] {
    return this.sql
      .exec<{ mark: number; body: string }>('SELECT mark, body FROM fence_events ORDER BY mark LIMIT ?', limit)
      .toArray()
      .map(({ mark, body }) => ({ mark, ...(JSON.parse(body) as EventBody) }));
  }

  confirmEvents(throughMark: number): void {
    this.sql.exec('DELETE FROM fence_events WHERE mark <= ?', throughMark);
  }

  hasEvents(): boolean {
    return this.sql.exec('SELECT 1 FROM fence_events LIMIT 1').toArray().length > 0;
  }

  private inParts(rows: readonly unknown[], statement: string): void {
    for (let from = 0; from < rows.length; from += rowsPerStatement) {
      this.sql.exec(statement, JSON.stringify(rows.slice(from, from + rowsPerStatement)));
    }
  }
}
