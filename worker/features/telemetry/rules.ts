/** Pure: judges telemetry rows one by one. */
import type { z } from 'zod';
import { maxFutureMs, positionInputSchema, type PositionInput, type Rejection } from '#contracts/telemetry';

/** A well-formed row and its index in the batch. */
export interface JudgedRow<Row> {
  index: number;
  row: Row;
}

/** Which rejection a failed field stands for. */
function rejectionOf(index: number, issues: readonly { path: PropertyKey[]; message: string }[]): Rejection {
  const [first] = issues;
  const field = String(first?.path[0] ?? '');
  const message = field === '' ? (first?.message ?? 'is not a reading') : `${field} ${first?.message ?? 'is wrong'}`;
  if (field === 'lat' || field === 'lon') return { index, code: 'INVALID_POSITION', message };
  if (field === 'at') return { index, code: 'INVALID_TIME', message };
  return { index, code: 'INVALID_FIELD', message };
}

/** Splits rows into well-formed ones and rejections that name their index in the batch. */
export function judgeRows<Row extends { at: string }>(
  rows: readonly unknown[],
  schema: z.ZodType<Row>,
  now: Date,
): { judged: JudgedRow<Row>[]; rejected: Rejection[] } {
  const judged: JudgedRow<Row>[] = [];
  const rejected: Rejection[] = [];
  rows.forEach((row, index) => {
    const parsed = schema.safeParse(row);
    if (!parsed.success) rejected.push(rejectionOf(index, parsed.error.issues));
    else if (Date.parse(parsed.data.at) - now.getTime() > maxFutureMs) {
      rejected.push({ index, code: 'IN_THE_FUTURE', message: 'at lies more than 10 minutes ahead' });
    } else judged.push({ index, row: parsed.data });
  });
  return { judged, rejected };
}

export const judgePositions = (rows: readonly unknown[], now: Date) =>
  judgeRows<PositionInput>(rows, positionInputSchema, now);

/** What rows may say about which vehicle they mean. */
interface NamesVehicle {
  vin?: string | undefined;
  vehicleId?: string | undefined;
}

export interface KnownVehicles {
  byVin: ReadonlyMap<string, string>;
  ids: ReadonlySet<string>;
}

/** Puts each row to its vehicle, or rejects it. A row that names a vehicle twice must mean one vehicle. */
export function placeRows<Row extends NamesVehicle>(
  judged: readonly JudgedRow<Row>[],
  known: KnownVehicles,
): { placed: { vehicleId: string; row: Row }[]; unknown: Rejection[] } {
  const placed: { vehicleId: string; row: Row }[] = [];
  const unknown: Rejection[] = [];
  for (const { index, row } of judged) {
    const byVin = row.vin === undefined ? undefined : known.byVin.get(row.vin);
    const byId = row.vehicleId !== undefined && known.ids.has(row.vehicleId) ? row.vehicleId : undefined;
    const agrees = row.vin === undefined || row.vehicleId === undefined || byVin === byId;
    const vehicleId = agrees ? (byId ?? byVin) : undefined;
    if (vehicleId !== undefined) placed.push({ vehicleId, row });
    else unknown.push({ index, code: 'UNKNOWN_VEHICLE', message: 'no such vehicle in this organisation' });
  }
  return { placed, unknown };
}
