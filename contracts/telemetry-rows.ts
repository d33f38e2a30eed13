/**
 * Pure: judges telemetry rows one by one, for the Worker (POST) and the gates (streams) alike. Good rows go on, bad rows are
 * named by their index in the batch.
 *
 * The schemas are the law. A gateway sends thousands of ordinary positions a second, so those are recognised by hand
 * (`plainPosition`); whatever is not plainly right is put before the schema. A property test holds the two together.
 */
import type { z } from 'zod';
import { idPattern } from './primitives.ts';
import { maxFutureMs, positionInputSchema, type PositionInput, type Reading, type Rejection } from './telemetry.ts';
import { vinPattern } from './vehicles.ts';

/** A well-formed row and its index in the batch. */
export interface JudgedRow<Row> {
  index: number;
  row: Row;
}

export interface Judgement<Row> {
  judged: JudgedRow<Row>[];
  rejected: Rejection[];
}

/** No truck had a gateway before: such a time is a clock that was never set. */
const earliestMs = Date.UTC(2000, 0, 1);

/** Which rejection a failed field stands for. */
function rejectionOf(index: number, issues: readonly { path: PropertyKey[]; message: string }[]): Rejection {
  const [first] = issues;
  const field = String(first?.path[0] ?? '');
  const message = field === '' ? (first?.message ?? 'is not a reading') : `${field} ${first?.message ?? 'is wrong'}`;
  if (field === 'lat' || field === 'lon') return { index, code: 'INVALID_POSITION', message };
  if (field === 'at') return { index, code: 'INVALID_TIME', message };
  return { index, code: 'INVALID_FIELD', message };
}

/** What speaks against the time of a well-formed row, or null. */
function timeRejection(index: number, atMs: number, nowMs: number): Rejection | null {
  if (atMs - nowMs > maxFutureMs) {
    return { index, code: 'IN_THE_FUTURE', message: 'at lies more than 10 minutes ahead' };
  }
  return atMs < earliestMs ? { index, code: 'INVALID_TIME', message: 'at lies before the year 2000' } : null;
}

/** Judges rows of any kind. `plain` recognises rows that are plainly right; null puts a row before the schema. */
export function judgeRows<Row extends { at: string }>(
  rows: readonly unknown[],
  schema: z.ZodType<Row>,
  now: Date,
  plain: (row: unknown) => Row | null = () => null,
): Judgement<Row> {
  const nowMs = now.getTime();
  const judged: JudgedRow<Row>[] = [];
  const rejected: Rejection[] = [];
  for (const [index, raw] of rows.entries()) {
    let row = plain(raw);
    if (row === null) {
      const parsed = schema.safeParse(raw);
      if (!parsed.success) {
        rejected.push(rejectionOf(index, parsed.error.issues));
        continue;
      }
      row = parsed.data;
    }
    const untimely = timeRejection(index, Date.parse(row.at), nowMs);
    if (untimely === null) judged.push({ index, row });
    else rejected.push(untimely);
  }
  return { judged, rejected };
}

export const judgePositions = (rows: readonly unknown[], now: Date): Judgement<PositionInput> =>
  judgeRows<PositionInput>(rows, positionInputSchema, now, plainPosition);

type Fields = Partial<Record<keyof PositionInput, unknown>>;

const isWithin = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && value >= min && value <= max;
const isWithinOrNone = (value: unknown, max: number): value is number | null | undefined =>
  value === undefined || value === null || isWithin(value, 0, max);
const isOptional = (value: unknown, pattern: RegExp): value is string | undefined =>
  value === undefined || (typeof value === 'string' && pattern.test(value));

/** `2026-11-20T09:11:24Z`, with or without a fraction of up to milliseconds. */
const plainTime =
  /^[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?Z$/;

/** The time as it is kept (UTC, with milliseconds), of text that is plainly one; null of anything else. */
function plainTimeOf(text: unknown): string | null {
  if (typeof text !== 'string' || !plainTime.test(text)) return null;
  // Days that not every month has are the schema's to judge.
  if (text.charCodeAt(8) > 50 || (text.charCodeAt(8) === 50 && text.charCodeAt(9) === 57)) {
    const at = new Date(text);
    return Number.isNaN(at.getTime()) || at.getUTCDate() !== Number(text.slice(8, 10)) ? null : at.toISOString();
  }
  if (text.length === 24) return text;
  return `${text.slice(0, 19)}.${text.slice(20, -1).padEnd(3, '0')}Z`;
}

/** The row as the schema would give it, when that is plain to see; null when the schema must be asked. */
export function plainPosition(raw: unknown): PositionInput | null {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return null;
  const row: Fields = raw;
  const { vin, vehicleId, lat, lon, speedMph, heading } = row;
  const { odometerMiles, engineHours, fuelPercent, ignition } = row;
  if (!isOptional(vin, vinPattern) || !isOptional(vehicleId, idPattern)) return null;
  if (vin === undefined && vehicleId === undefined) return null;
  if (!isWithin(lat, -90, 90) || !isWithin(lon, -180, 180)) return null;
  if (!isWithinOrNone(speedMph, 200) || !isWithinOrNone(heading, 360)) return null;
  if (!isWithinOrNone(odometerMiles, 10_000_000) || !isWithinOrNone(engineHours, 1_000_000)) return null;
  if (!isWithinOrNone(fuelPercent, 100)) return null;
  if (ignition !== undefined && ignition !== null && typeof ignition !== 'boolean') return null;
  const at = plainTimeOf(row.at);
  if (at === null) return null;
  return { vin, vehicleId, at, lat, lon, speedMph, heading, odometerMiles, engineHours, fuelPercent, ignition };
}

/** The rejection of a row whose vehicle the tenant does not have, another tenant's included. */
export const unknownVehicle = (index: number): Rejection => ({
  index,
  code: 'UNKNOWN_VEHICLE',
  message: 'no such vehicle in this organisation',
});

/** What a row says of its vehicle, null where it says nothing. */
export const readingOf = (row: PositionInput): Reading => ({
  at: row.at,
  lat: row.lat,
  lon: row.lon,
  speedMph: row.speedMph ?? null,
  heading: row.heading ?? null,
  odometerMiles: row.odometerMiles ?? null,
  engineHours: row.engineHours ?? null,
  fuelPercent: row.fuelPercent ?? null,
  ignition: row.ignition ?? null,
});
