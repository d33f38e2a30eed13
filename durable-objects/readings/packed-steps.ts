/**
 * Packed readings (packed-readings.ts) read and written without making readings of them: whole steps of
 * contracts/reading-scales.ts in, whole steps out. For what handles millions of them. Pure.
 */
import { fromSteps, toSteps } from '#contracts/reading-scales';
import type { Reading } from '#contracts/telemetry';
import { readUuid } from './packed-readings.ts';

/** A reading in whole steps; `none` where it is unknown. */
export interface Fix {
  /** Epoch milliseconds. */
  atMs: number;
  lat: number;
  lon: number;
  odometerMiles: number;
  engineHours: number;
  speedMph: number;
  heading: number;
  fuelPercent: number;
  /** 0 off, 1 on. */
  ignition: number;
}

/** Nothing that is measured is negative but latitude and longitude, which are always known. */
export const none = -1;

const idBytes = 16;
const vinBytes = 17;
const bodyBytes = 32;
/** A row of a vehicle that is named by its id. */
export const packedRowBytes = 1 + idBytes + bodyBytes;

/** Where the row at `at` ends, or null when there is no whole row. `bodyAt - idBytes` is its id when it has no VIN. */
function rowEnd(bytes: Uint8Array, at: number): number | null {
  const kind = bytes[at] ?? 0;
  if (kind < 1 || kind > 3) return null;
  const end = at + 1 + bodyBytes + (kind & 1 ? idBytes : 0) + (kind & 2 ? vinBytes : 0);
  return end > bytes.length ? null : end;
}

export interface PackedScan {
  /** Rows of known vehicles. */
  rows: number;
  /** Rows with a VIN alone. */
  nameless: number;
  /** Bytes at the end that are no rows. */
  unreadableBytes: number;
}

/**
 * Calls `onRow` with the place of the id and of the body of every row that has an id, in their order. Never throws: what
 * is no row ends the walk and is counted.
 */
export function scanPacked(bytes: Uint8Array, onRow?: (idAt: number, bodyAt: number) => void): PackedScan {
  const scan: PackedScan = { rows: 0, nameless: 0, unreadableBytes: 0 };
  let at = 0;
  while (at < bytes.length) {
    const end = rowEnd(bytes, at);
    if (end === null) {
      scan.unreadableBytes = bytes.length - at;
      break;
    }
    if ((bytes[at] as number) & 1) {
      scan.rows += 1;
      onRow?.(at + 1, end - bodyBytes);
    } else scan.nameless += 1;
    at = end;
  }
  return scan;
}

/** Splits packed rows between rows, so that no part is larger than `maxBytes`. One part when they fit. */
export function splitPacked(bytes: Uint8Array, maxBytes: number): Uint8Array[] {
  if (bytes.length <= maxBytes) return [bytes];
  const parts: Uint8Array[] = [];
  let from = 0;
  let at = 0;
  while (at < bytes.length) {
    const end = rowEnd(bytes, at) ?? bytes.length;
    if (end - from > maxBytes && at > from) {
      parts.push(bytes.subarray(from, at));
      from = at;
    }
    at = end;
  }
  parts.push(bytes.subarray(from));
  return parts;
}

/** Sixteen bytes as a short string: the cheapest key of a Map. */
export function idKey(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(
    ((bytes[at] as number) << 8) | (bytes[at + 1] as number),
    ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number),
    ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number),
    ((bytes[at + 6] as number) << 8) | (bytes[at + 7] as number),
    ((bytes[at + 8] as number) << 8) | (bytes[at + 9] as number),
    ((bytes[at + 10] as number) << 8) | (bytes[at + 11] as number),
    ((bytes[at + 12] as number) << 8) | (bytes[at + 13] as number),
    ((bytes[at + 14] as number) << 8) | (bytes[at + 15] as number),
  );
}

/** The UUID of a key. */
export function idOfKey(key: string): string {
  const bytes = new Uint8Array(idBytes);
  for (let n = 0; n < 8; n += 1) {
    const pair = key.charCodeAt(n);
    bytes[2 * n] = pair >> 8;
    bytes[2 * n + 1] = pair & 0xff;
  }
  return readUuid(bytes, 0);
}

const knownOr = (value: number, nothing: number): number => (value === nothing ? none : value);
const orNothing = (value: number, nothing: number): number => (value === none ? nothing : value);

/** The time of the body at `at`, epoch milliseconds. */
export const timeAt = (view: DataView, at: number): number => view.getFloat64(at, true);

/** The fix whose body stands at `at`. */
export const readFix = (view: DataView, at: number): Fix => ({
  atMs: view.getFloat64(at, true),
  lat: view.getInt32(at + 8, true),
  lon: view.getInt32(at + 12, true),
  odometerMiles: knownOr(view.getUint32(at + 16, true), 0xffff_ffff),
  engineHours: knownOr(view.getUint32(at + 20, true), 0xffff_ffff),
  speedMph: knownOr(view.getUint16(at + 24, true), 0xffff),
  heading: knownOr(view.getUint16(at + 26, true), 0xffff),
  fuelPercent: knownOr(view.getUint16(at + 28, true), 0xffff),
  ignition: knownOr(view.getUint8(at + 30), 0xff),
});

/** Writes a whole row of `packedRowBytes` at `at`. */
export function writeRow(bytes: Uint8Array, view: DataView, at: number, id: Uint8Array, fix: Fix): void {
  bytes[at] = 1;
  bytes.set(id, at + 1);
  const body = at + 1 + idBytes;
  view.setFloat64(body, fix.atMs, true);
  view.setInt32(body + 8, fix.lat, true);
  view.setInt32(body + 12, fix.lon, true);
  view.setUint32(body + 16, orNothing(fix.odometerMiles, 0xffff_ffff), true);
  view.setUint32(body + 20, orNothing(fix.engineHours, 0xffff_ffff), true);
  view.setUint16(body + 24, orNothing(fix.speedMph, 0xffff), true);
  view.setUint16(body + 26, orNothing(fix.heading, 0xffff), true);
  view.setUint16(body + 28, orNothing(fix.fuelPercent, 0xffff), true);
  view.setUint8(body + 30, orNothing(fix.ignition, 0xff));
}

type Scaled = Parameters<typeof fromSteps>[0];
const unitsOf = (field: Scaled, steps: number): number | null => (steps === none ? null : fromSteps(field, steps));
const stepsOf = (field: Scaled, value: number | null): number => (value === null ? none : toSteps(field, value));

export const toReading = (fix: Fix): Reading => ({
  at: new Date(fix.atMs).toISOString(),
  lat: fromSteps('lat', fix.lat),
  lon: fromSteps('lon', fix.lon),
  speedMph: unitsOf('speedMph', fix.speedMph),
  heading: unitsOf('heading', fix.heading),
  odometerMiles: unitsOf('odometerMiles', fix.odometerMiles),
  engineHours: unitsOf('engineHours', fix.engineHours),
  fuelPercent: unitsOf('fuelPercent', fix.fuelPercent),
  ignition: fix.ignition === none ? null : fix.ignition === 1,
});

/** The steps of a reading as it is kept (`asKept`). */
export const toFix = (reading: Reading): Fix => ({
  atMs: Date.parse(reading.at),
  lat: toSteps('lat', reading.lat),
  lon: toSteps('lon', reading.lon),
  odometerMiles: stepsOf('odometerMiles', reading.odometerMiles),
  engineHours: stepsOf('engineHours', reading.engineHours),
  speedMph: stepsOf('speedMph', reading.speedMph),
  heading: stepsOf('heading', reading.heading),
  fuelPercent: stepsOf('fuelPercent', reading.fuelPercent),
  ignition: reading.ignition === null ? none : Number(reading.ignition),
});
