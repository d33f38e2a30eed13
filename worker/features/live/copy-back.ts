/** Copies latest readings from a room back to D1 in bulk, for filters and sorting; the room stays the record. */
import { roomOf } from '#durable-objects/stubs';
import type { Env } from '../../env.ts';

/** Rows per round; one JSON parameter of about 250 bytes a row stays far below D1's statement size. */
const roundSize = 2_000;

const copyBackSql = `
UPDATE vehicles SET
  status = r.value ->> 'status',
  last_lat = r.value ->> 'lat',
  last_lon = r.value ->> 'lon',
  last_speed_mph = r.value ->> 'speedMph',
  last_heading = r.value ->> 'heading',
  last_fuel_percent = r.value ->> 'fuelPercent',
  last_ignition = r.value ->> 'ignition',
  last_reading_at = r.value ->> 'at',
  -- Meters only rise, and what neither side knows stays unknown: max() of a null is null.
  odometer_miles = coalesce(max(odometer_miles, r.value ->> 'odometerMiles'), r.value ->> 'odometerMiles', odometer_miles),
  engine_hours = coalesce(max(engine_hours, r.value ->> 'engineHours'), r.value ->> 'engineHours', engine_hours)
FROM json_each(?1) AS r
WHERE vehicles.id = r.value ->> 'vehicleId' AND +vehicles.tenant_id = ?2
  AND (vehicles.last_reading_at IS NULL OR vehicles.last_reading_at <= r.value ->> 'at')`;

/**
 * Empties a room's list of readings that D1 has not seen. Idempotent: an older reading never overwrites a newer one.
 * @unscoped the room asks for it, and names its own tenant
 */
export async function copyBackReadings(env: Env, tenantId: string): Promise<{ copied: number }> {
  const room = roomOf(env.FLEET_ROOM, tenantId);
  let copied = 0;
  for (;;) {
    const dirty = await room.listDirtyReadings(roundSize);
    if (dirty.readings.length > 0) {
      await env.DB.prepare(copyBackSql).bind(JSON.stringify(dirty.readings), tenantId).run();
      copied += dirty.readings.length;
      await room.confirmCopiedBack(dirty.mark);
    }
    if (dirty.readings.length < roundSize) return { copied };
  }
}
