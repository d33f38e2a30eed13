/** Row → contract, by allow-list; and a fence as the tracks watch it. */
import type { Geofence, GeofenceEvent } from '#contracts/geofences';
import type { WatchedFence } from '#durable-objects/fleet-tracks/feed';
import type { geofenceEvents, geofences } from '../../db/schema/index.ts';

export type GeofenceRow = typeof geofences.$inferSelect;
export type GeofenceEventRow = typeof geofenceEvents.$inferSelect;

export const toGeofence = (row: GeofenceRow): Geofence => ({
  id: row.id,
  tenantId: row.tenantId,
  name: row.name,
  shape: row.shape,
  alertOnEntry: row.alertOnEntry,
  alertOnExit: row.alertOnExit,
  dwellMinutes: row.dwellMinutes,
  speedLimitMph: row.speedLimitMph,
  groupId: row.groupId,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
});

export const toGeofenceEvent = (row: GeofenceEventRow): GeofenceEvent => ({
  id: row.id,
  geofenceId: row.geofenceId,
  vehicleId: row.vehicleId,
  kind: row.kind,
  at: row.at,
  lat: row.lat,
  lon: row.lon,
  speedMph: row.speedMph,
});

export const toWatchedFence = (row: WatchedFence): WatchedFence => ({
  id: row.id,
  shape: row.shape,
  alertOnEntry: row.alertOnEntry,
  alertOnExit: row.alertOnExit,
  dwellMinutes: row.dwellMinutes,
  speedLimitMph: row.speedLimitMph,
});
