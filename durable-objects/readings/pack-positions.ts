/** Judged rows of a gateway as the bytes that travel to the room. Pure. */
import type { PositionInput } from '#contracts/telemetry';
import { readingOf, type JudgedRow } from '#contracts/telemetry-rows';
import { packRows } from './packed-readings.ts';

/** Packed rows in their order; packing rounds them to the steps in which readings are kept. */
export const packPositions = (judged: readonly JudgedRow<PositionInput>[]): Uint8Array =>
  packRows(
    judged.map(({ row }) => ({ vehicleId: row.vehicleId ?? null, vin: row.vin ?? null, reading: readingOf(row) })),
  );
