/** Rooms from before the write-ahead log kept each reading in a row of its own. The first load takes them over. */
import type { Reading } from '#contracts/telemetry';
import type { VehicleStatus } from '#contracts/vehicles';
import { statusUntil } from './journal-codec.ts';
import { asRow, rememberAgeing } from './room-readings.ts';
import type { RoomState } from './room-state.ts';

type OldRow = { vehicle_id: string; source: string; status: VehicleStatus; seq: number; mark: number; reading: string };

export const hasOldReadings = (sql: SqlStorage): boolean =>
  sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'readings'`).toArray().length > 0;

/**
 * Puts the readings of the former table into the state and drops the table. Facts of that time know no VIN: their sources
 * are marked as lagging, and the sweep seeds the room anew.
 */
export function adoptOldReadings(sql: SqlStorage, state: RoomState): void {
  for (const row of sql.exec<OldRow>('SELECT * FROM readings')) {
    const { source: sourceTenantId, status, seq, mark } = row;
    const { vehicleId, reading } = asRow({ ...(JSON.parse(row.reading) as Reading), vehicleId: row.vehicle_id });
    const atMs = Date.parse(reading.at);
    const statusUntilMs = statusUntil(reading, atMs, status);
    state.readings.set(vehicleId, { sourceTenantId, reading, atMs, status, statusUntilMs, seq, mark });
    state.nextMark = Math.max(state.nextMark, mark + 1);
  }
  rememberAgeing(state);
  sql.exec('DROP TABLE readings');
  for (const { facts } of state.vehicles.values()) {
    const heard = (facts as { vin?: string }).vin === undefined ? state.sources.get(facts.tenantId) : undefined;
    if (!heard || heard.heardThrough < 0) continue;
    heard.heardThrough = -1;
    state.unsaved.sources.add(facts.tenantId);
  }
}
