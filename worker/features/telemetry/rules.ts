/** Pure: puts telemetry rows that were judged (contracts/telemetry-rows.ts) to their vehicles. */
import type { Rejection } from '#contracts/telemetry';
import { unknownVehicle, type JudgedRow } from '#contracts/telemetry-rows';

/** What rows may say about which vehicle they mean. */
interface NamesVehicle {
  vin?: string | undefined;
  vehicleId?: string | undefined;
}

export interface KnownVehicles {
  byVin: ReadonlyMap<string, string>;
  ids: ReadonlySet<string>;
}

/** Of which vehicle a row speaks; null for one that is not known. A row that names a vehicle twice must mean one vehicle. */
export function vehicleOf({ vin, vehicleId }: NamesVehicle, known: KnownVehicles): string | null {
  const byVin = vin === undefined ? undefined : known.byVin.get(vin);
  const byId = vehicleId !== undefined && known.ids.has(vehicleId) ? vehicleId : undefined;
  const agrees = vin === undefined || vehicleId === undefined || byVin === byId;
  return agrees ? (byId ?? byVin ?? null) : null;
}

/** Puts each row to its vehicle, or rejects it. */
export function placeRows<Row extends NamesVehicle>(
  judged: readonly JudgedRow<Row>[],
  known: KnownVehicles,
): { placed: { vehicleId: string; row: Row }[]; unknown: Rejection[] } {
  const placed: { vehicleId: string; row: Row }[] = [];
  const unknown: Rejection[] = [];
  for (const { index, row } of judged) {
    const vehicleId = vehicleOf(row, known);
    if (vehicleId !== null) placed.push({ vehicleId, row });
    else unknown.push(unknownVehicle(index));
  }
  return { placed, unknown };
}
