/**
 * Readings as bytes: what travels between Worker, gates, room and tracks, and what the room writes down before it answers.
 * A row is 49 bytes where its JSON has some 200, and costs no parsing of text. Pure.
 *
 * Little-endian. Each row: kind (1 byte: 1 a vehicle id, 2 a VIN, 3 both), 16 bytes of the id's UUID when it has one,
 * 17 bytes of the VIN in ASCII when it has one, then 32 bytes: time (float64, epoch milliseconds), lat and lon (int32),
 * odometer and engine hours (uint32), speed, heading and fuel (uint16), ignition (uint8: 0 off, 1 on), one byte of zero. Numbers
 * are whole steps of contracts/reading-scales.ts; all bits set means null.
 */
import { fromSteps, toSteps, type readingScales } from '#contracts/reading-scales';
import type { Reading } from '#contracts/telemetry';

/** A row as a gateway names its vehicle: by id, by VIN, or both (which must then mean the same one). */
export interface NamedReading {
  vehicleId: string | null;
  vin: string | null;
  reading: Reading;
}

/** A row of a vehicle that is known. */
export interface VehicleReadingRow {
  vehicleId: string;
  reading: Reading;
  /** The reading's time in epoch milliseconds, where somebody knows it: parsing the text costs more than most else. */
  atMs?: number;
}

export const idBytes = 16;
const vinBytes = 17;
export const bodyBytes = 32;
const hasId = 1;
const hasVin = 2;
const nullU16 = 0xffff;
const nullU32 = 0xffff_ffff;
const nullU8 = 0xff;

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The value of each hexadecimal digit by its character code. */
const digitOf = Array.from({ length: 128 }, (_, code) => Number.parseInt(String.fromCharCode(code), 16));

/** Writes the 16 bytes of a UUID; throws on what is none. */
export function writeUuid(bytes: Uint8Array, at: number, id: string): void {
  let from = 0;
  for (let n = 0; n < idBytes; n += 1) {
    if (id.charCodeAt(from) === 45) from += 1;
    // What lies beyond the table, or is no digit, makes NaN.
    const byte = (digitOf[id.charCodeAt(from)] ?? NaN) * 16 + (digitOf[id.charCodeAt(from + 1)] ?? NaN);
    if (Number.isNaN(byte)) throw new TypeError(`not a UUID: ${id}`);
    bytes[at + n] = byte;
    from += 2;
  }
}

/** The UUID whose 16 bytes stand at `at`, in lower case. */
export function readUuid(bytes: Uint8Array, at: number): string {
  let text = '';
  for (let n = 0; n < idBytes; n += 1) {
    if (n === 4 || n === 6 || n === 8 || n === 10) text += '-';
    text += hexOf[bytes[at + n] as number];
  }
  return text;
}

function readVin(bytes: Uint8Array, at: number): string {
  let vin = '';
  for (let n = 0; n < vinBytes; n += 1) vin += String.fromCharCode(bytes[at + n] as number);
  return vin;
}

const scaledOr = (field: keyof typeof readingScales, value: number | null, none: number): number =>
  value === null ? none : Math.min(none - 1, toSteps(field, value));
const unscaledOr = (field: keyof typeof readingScales, steps: number, none: number): number | null =>
  steps === none ? null : fromSteps(field, steps);

/** Writes the 32 bytes of a reading. */
export function writeBody(view: DataView, at: number, reading: Reading): void {
  view.setFloat64(at, Date.parse(reading.at), true);
  view.setInt32(at + 8, toSteps('lat', reading.lat), true);
  view.setInt32(at + 12, toSteps('lon', reading.lon), true);
  view.setUint32(at + 16, scaledOr('odometerMiles', reading.odometerMiles, nullU32), true);
  view.setUint32(at + 20, scaledOr('engineHours', reading.engineHours, nullU32), true);
  view.setUint16(at + 24, scaledOr('speedMph', reading.speedMph, nullU16), true);
  view.setUint16(at + 26, scaledOr('heading', reading.heading, nullU16), true);
  view.setUint16(at + 28, scaledOr('fuelPercent', reading.fuelPercent, nullU16), true);
  view.setUint8(at + 30, reading.ignition === null ? nullU8 : Number(reading.ignition));
}

const dayMs = 86_400_000;
/** The first instant whose year has five digits. */
const endOfTimeMs = 253_402_300_800_000;
const twoDigits = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'));
const threeDigits = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(3, '0'));
let lastDay = { day: -1, text: '' };

/** As `Date.toISOString` writes it, at a fifth of its price: mostly the day is the one of the row before. */
export function isoOf(ms: number): string {
  if (!Number.isInteger(ms) || ms < 0 || ms >= endOfTimeMs) return new Date(ms).toISOString();
  const day = Math.floor(ms / dayMs);
  if (day !== lastDay.day) lastDay = { day, text: new Date(day * dayMs).toISOString().slice(0, 11) };
  const inDayMs = ms - day * dayMs;
  const seconds = Math.floor(inDayMs / 1_000);
  const hour = twoDigits[Math.floor(seconds / 3_600)] as string;
  const minute = twoDigits[Math.floor(seconds / 60) % 60] as string;
  return `${lastDay.text}${hour}:${minute}:${twoDigits[seconds % 60] as string}.${threeDigits[inDayMs % 1_000] as string}Z`;
}

/** The reading whose 32 bytes stand at `at`. */
export function readBody(view: DataView, at: number): Reading {
  const ignition = view.getUint8(at + 30);
  return {
    at: isoOf(view.getFloat64(at, true)),
    lat: fromSteps('lat', view.getInt32(at + 8, true)),
    lon: fromSteps('lon', view.getInt32(at + 12, true)),
    speedMph: unscaledOr('speedMph', view.getUint16(at + 24, true), nullU16),
    heading: unscaledOr('heading', view.getUint16(at + 26, true), nullU16),
    odometerMiles: unscaledOr('odometerMiles', view.getUint32(at + 16, true), nullU32),
    engineHours: unscaledOr('engineHours', view.getUint32(at + 20, true), nullU32),
    fuelPercent: unscaledOr('fuelPercent', view.getUint16(at + 28, true), nullU16),
    ignition: ignition === nullU8 ? null : ignition === 1,
  };
}

/** Packs rows. The readings must be as kept (`asKept`): what is finer than its steps is rounded. */
export function packRows(rows: readonly NamedReading[]): Uint8Array {
  let size = 0;
  for (const { vehicleId, vin } of rows) {
    size += 1 + bodyBytes + (vehicleId === null ? 0 : idBytes) + (vin === null ? 0 : vinBytes);
  }
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { vehicleId, vin, reading } of rows) {
    bytes[at] = (vehicleId === null ? 0 : hasId) | (vin === null ? 0 : hasVin);
    at += 1;
    if (vehicleId !== null) {
      writeUuid(bytes, at, vehicleId);
      at += idBytes;
    }
    if (vin !== null) {
      if (vin.length !== vinBytes) throw new TypeError(`not a VIN: ${vin}`);
      for (let n = 0; n < vinBytes; n += 1) bytes[at + n] = vin.charCodeAt(n);
      at += vinBytes;
    }
    writeBody(view, at, reading);
    at += bodyBytes;
  }
  return bytes;
}

/** Packs rows of known vehicles. */
export const packReadings = (rows: readonly VehicleReadingRow[]): Uint8Array =>
  packRows(rows.map(({ vehicleId, reading }) => ({ vehicleId, vin: null, reading })));

/** How many rows were packed; throws on bytes that are no rows. */
export function countRows(bytes: Uint8Array): number {
  let rows = 0;
  for (let at = 0; at < bytes.length; rows += 1) {
    const kind = bytes[at] as number;
    at += 1 + bodyBytes + (kind & hasId ? idBytes : 0) + (kind & hasVin ? vinBytes : 0);
    if (kind < 1 || kind > 3 || at > bytes.length) throw new TypeError('not packed readings');
  }
  return rows;
}

/** The rows that were packed; throws on bytes that are no rows. */
export function unpackRows(bytes: Uint8Array): NamedReading[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows: NamedReading[] = [];
  let at = 0;
  while (at < bytes.length) {
    const kind = bytes[at] as number;
    at += 1;
    const size = bodyBytes + (kind & hasId ? idBytes : 0) + (kind & hasVin ? vinBytes : 0);
    if (kind < 1 || kind > 3 || at + size > bytes.length) throw new TypeError('not packed readings');
    let vehicleId: string | null = null;
    let vin: string | null = null;
    if (kind & hasId) {
      vehicleId = readUuid(bytes, at);
      at += idBytes;
    }
    if (kind & hasVin) {
      vin = readVin(bytes, at);
      at += vinBytes;
    }
    rows.push({ vehicleId, vin, reading: readBody(view, at) });
    at += bodyBytes;
  }
  return rows;
}

/** The rows of known vehicles that were packed; throws on bytes that are none. */
export const unpackReadings = (bytes: Uint8Array): VehicleReadingRow[] =>
  unpackRows(bytes).map(({ vehicleId, reading }) => {
    if (vehicleId === null) throw new TypeError('a packed reading without a vehicle');
    return { vehicleId, reading };
  });

/** Rows whose vehicles are known, and the same in bytes; and the places of those whose vehicle is not. */
export interface PlacedRows {
  placed: VehicleReadingRow[];
  packed: Uint8Array;
  unknown: number[];
}

/**
 * Puts packed rows to their vehicles: `idOf` says which one a row names, or null. Throws on bytes that are no rows. What
 * is known is not packed anew but copied.
 */
export function placeRows(
  bytes: Uint8Array,
  idOf: (vehicleId: string | null, vin: string | null) => string | null,
): PlacedRows {
  const placed: VehicleReadingRow[] = [];
  const unknown: number[] = [];
  const packed = new Uint8Array(countRows(bytes) * (1 + idBytes + bodyBytes));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let to = 0;
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const kind = bytes[at] as number;
    const idAt = at + 1;
    const vinAt = idAt + (kind & hasId ? idBytes : 0);
    const bodyAt = vinAt + (kind & hasVin ? vinBytes : 0);
    at = bodyAt + bodyBytes;
    const named = kind & hasId ? readUuid(bytes, idAt) : null;
    const vehicleId = idOf(named, kind & hasVin ? readVin(bytes, vinAt) : null);
    if (vehicleId === null) {
      unknown.push(index);
      continue;
    }
    placed.push({ vehicleId, reading: readBody(view, bodyAt), atMs: view.getFloat64(bodyAt, true) });
    packed[to] = hasId;
    if (named === vehicleId) packed.set(bytes.subarray(idAt, vinAt), to + 1);
    else writeUuid(packed, to + 1, vehicleId);
    to += 1 + idBytes;
    packed.set(bytes.subarray(bodyAt, at), to);
    to += bodyBytes;
  }
  return { placed, packed: packed.subarray(0, to), unknown };
}
