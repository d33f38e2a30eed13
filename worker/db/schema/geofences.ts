/** Geofences and what vehicles did at their edges. */
import { index, integer, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { geofenceEventKinds, type GeofenceShape } from '#contracts/geofences';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';
import { users } from './users.ts';
import { vehicles } from './vehicles.ts';

export const geofences = sqliteTable(
  'geofences',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    name: text().notNull(),
    /** Corners of the shape, closing ones included; 1 for a circle. Before the shape, which may be long. */
    cornerCount: integer().notNull(),
    shape: text({ mode: 'json' }).$type<GeofenceShape>().notNull(),
    alertOnEntry: integer({ mode: 'boolean' }).notNull(),
    alertOnExit: integer({ mode: 'boolean' }).notNull(),
    dwellMinutes: integer(),
    speedLimitMph: real(),
    groupId: text(),
    createdBy: text().references(() => users.id),
    createdAt: time().notNull(),
    updatedAt: time().notNull(),
    /** A deleted fence keeps its row for the events that name it. */
    deletedAt: time(),
  },
  (table) => [
    // With the corners: all of a tenant are counted by the index alone.
    index('geofences_tenant_name').on(table.tenantId, table.deletedAt, table.name, table.cornerCount),
  ],
);

export const geofenceEvents = sqliteTable(
  'geofence_events',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    geofenceId: text()
      .notNull()
      .references(() => geofences.id),
    vehicleId: text()
      .notNull()
      .references(() => vehicles.id),
    kind: text({ enum: geofenceEventKinds }).notNull(),
    at: time().notNull(),
    lat: real().notNull(),
    lon: real().notNull(),
    speedMph: real(),
  },
  (table) => [
    // Taken over from the tenant's object at least once: the second time changes nothing.
    uniqueIndex('geofence_events_identity').on(table.geofenceId, table.vehicleId, table.kind, table.at),
    index('geofence_events_fence_at').on(table.geofenceId, table.at, table.id),
    index('geofence_events_vehicle_at').on(table.vehicleId, table.at),
    index('geofence_events_tenant_at').on(table.tenantId, table.at),
  ],
);
