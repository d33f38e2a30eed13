/**
 * The journal and the snapshots of the readings as bytes. Pure.
 *
 * A journal entry's body is packed readings (durable-objects/readings) or vehicle ids of 16 bytes each. A snapshot comes in
 * parts, each with the vehicles whose ids end in one hexadecimal digit: a part is written in one go, the parts one after
 * the other, and each says up to which journal entry it holds everything (reading-log.ts).
 *
 * A part, little-endian: number of source tenants (uint16), their ids (16 bytes each), then per vehicle: its id (16), the
 * reading (32, as packed), source (uint16, place in that list), status (uint8), tick and mark (float64 each).
 */
import { statusSpan } from '#contracts/vehicle-status';
import type { Reading } from '#contracts/telemetry';
import type { VehicleStatus } from '#contracts/vehicles';
import {
  bodyBytes,
  idBytes,
  packReadings,
  readBody,
  readUuid,
  writeBody,
  writeUuid,
  type VehicleReadingRow,
} from '../readings/packed-readings.ts';
import { scanPacked } from '../readings/packed-steps.ts';
import type { JournalEntry, ReadingEntry, RoomState } from './room-state.ts';

/** A journal entry as a row of SQLite. */
export interface JournalRow {
  id: number;
  kind: number;
  /** Of 'known' readings alone. */
  source: string | null;
  seq: number;
  nowMs: number;
  mark: number;
  /** How many rows or ids the body holds. */
  count: number;
  body: Uint8Array;
}

/** Places of the kinds are written down: append only. */
const kinds = ['taken', 'known', 'aged', 'removed'] as const;
export const takenKind = kinds.indexOf('taken');
const statuses: readonly VehicleStatus[] = ['moving', 'idle', 'stopped', 'stale', 'offline'];

function packIds(ids: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * idBytes);
  ids.forEach((id, n) => writeUuid(bytes, n * idBytes, id));
  return bytes;
}

/** The entry as it is written down under `id`. */
export function toJournalRow(id: number, entry: JournalEntry): JournalRow {
  const { kind, seq, nowMs, mark } = entry;
  const head = { id, kind: kinds.indexOf(kind), seq, nowMs, mark };
  if (kind === 'taken' || kind === 'known') {
    const body = (kind === 'taken' ? entry.packed : null) ?? packReadings(entry.rows);
    return { ...head, source: kind === 'known' ? entry.sourceTenantId : null, count: entry.rows.length, body };
  }
  return { ...head, source: null, count: entry.vehicleIds.length, body: packIds(entry.vehicleIds) };
}

/** In so many parts the readings are written down. */
export const snapshotParts = 16;

/** The part of a vehicle: its id's last hexadecimal digit. */
export function partOf(vehicleId: string): number {
  const code = vehicleId.charCodeAt(vehicleId.length - 1);
  return (code > 57 ? code - 87 : code) & 15;
}

/** What is to be done again of an entry: its rows or ids, each with its place in it. */
export type OwedEntry = { seq: number; nowMs: number; mark: number; count: number } & (
  | { kind: 'taken'; rows: (VehicleReadingRow & { place: number })[] }
  | { kind: 'known'; sourceTenantId: string; rows: (VehicleReadingRow & { place: number })[] }
  | { kind: 'aged'; ids: { vehicleId: string; place: number }[] }
  | { kind: 'removed'; ids: { vehicleId: string; place: number }[] }
);

/**
 * The entry that was written down, with what belongs to the parts that are owed it; throws on what is no entry. What a part
 * holds already is not even unpacked.
 */
export function owedOf(row: JournalRow, isOwed: (part: number) => boolean): OwedEntry {
  const { kind, source, seq, nowMs, mark, count, body } = row;
  const head = { seq, nowMs, mark, count };
  const name = kinds[kind];
  const isOwedAt = (at: number) => isOwed((body[at + idBytes - 1] as number) & (snapshotParts - 1));
  if (name === 'aged' || name === 'removed') {
    const ids = [];
    for (let place = 0; place < body.length / idBytes; place += 1) {
      if (isOwedAt(place * idBytes)) ids.push({ vehicleId: readUuid(body, place * idBytes), place });
    }
    return { ...head, kind: name, ids };
  }
  const rows: (VehicleReadingRow & { place: number })[] = [];
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let place = 0;
  const scan = scanPacked(body, (idAt, bodyAt) => {
    if (isOwedAt(idAt)) {
      const atMs = view.getFloat64(bodyAt, true);
      rows.push({ vehicleId: readUuid(body, idAt), reading: readBody(view, bodyAt), atMs, place });
    }
    place += 1;
  });
  const isWhole = scan.nameless === 0 && scan.unreadableBytes === 0 && scan.rows === count;
  if (isWhole && name === 'taken') return { ...head, kind: name, rows };
  if (isWhole && name === 'known' && source !== null) return { ...head, kind: name, sourceTenantId: source, rows };
  throw new TypeError('not a journal entry');
}

const tailBytes = 2 + 1 + 8 + 8;
const entryBytes = idBytes + bodyBytes + tailBytes;

/** The readings of one part. */
export function packPart(state: RoomState, part: number): Uint8Array {
  const held: [string, ReadingEntry][] = [];
  const sources = new Map<string, number>();
  for (const [vehicleId, entry] of state.readings) {
    if (partOf(vehicleId) !== part) continue;
    held.push([vehicleId, entry]);
    if (!sources.has(entry.sourceTenantId)) sources.set(entry.sourceTenantId, sources.size);
  }
  const headBytes = 2 + sources.size * idBytes;
  const bytes = new Uint8Array(headBytes + held.length * entryBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, sources.size, true);
  for (const [tenantId, n] of sources) writeUuid(bytes, 2 + n * idBytes, tenantId);
  let at = headBytes;
  for (const [vehicleId, { reading, sourceTenantId, status, seq, mark }] of held) {
    writeUuid(bytes, at, vehicleId);
    writeBody(view, at + idBytes, reading);
    const tail = at + idBytes + bodyBytes;
    view.setUint16(tail, sources.get(sourceTenantId) ?? 0, true);
    bytes[tail + 2] = statuses.indexOf(status);
    view.setFloat64(tail + 3, seq, true);
    view.setFloat64(tail + 11, mark, true);
    at += entryBytes;
  }
  return bytes;
}

/** When the status changes next: as of the status, so that a change that fell due while the room slept is made up for. */
export function statusUntil(reading: Reading, atMs: number, status: VehicleStatus): number | null {
  if (status === 'offline') return null;
  const { untilMs } = statusSpan(reading, atMs, atMs);
  return status === 'stale' && untilMs !== null ? statusSpan(reading, atMs, untilMs).untilMs : untilMs;
}

/** Puts the readings of a part into the state. */
export function unpackPart(state: RoomState, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sources = Array.from({ length: view.getUint16(0, true) }, (_, n) => readUuid(bytes, 2 + n * idBytes));
  for (let at = 2 + sources.length * idBytes; at < bytes.length; at += entryBytes) {
    const tail = at + idBytes + bodyBytes;
    const reading = readBody(view, at + idBytes);
    const atMs = view.getFloat64(at + idBytes, true);
    const status = statuses[bytes[tail + 2] as number];
    const sourceTenantId = sources[view.getUint16(tail, true)];
    if (status === undefined || sourceTenantId === undefined) throw new TypeError('not a part of a snapshot');
    state.readings.set(readUuid(bytes, at), {
      sourceTenantId,
      reading,
      atMs,
      status,
      statusUntilMs: statusUntil(reading, atMs, status),
      seq: view.getFloat64(tail + 3, true),
      mark: view.getFloat64(tail + 11, true),
    });
  }
}
