/** What really happened to a vehicle in a shop or beside the road. */
import { index, integer, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { vehicleSystems } from '#contracts/faults';
import { serviceEventKinds, serviceEventSources } from '#contracts/service-events';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';
import { vehicles } from './vehicles.ts';

export const serviceEvents = sqliteTable(
  'service_events',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    vehicleId: text()
      .notNull()
      .references(() => vehicles.id),
    at: time().notNull(),
    kind: text({ enum: serviceEventKinds }).notNull(),
    system: text({ enum: vehicleSystems }),
    spn: integer(),
    fmi: integer(),
    description: text().notNull(),
    odometerMiles: real(),
    source: text({ enum: serviceEventSources }).notNull(),
    /** The case or order number of where it came from. */
    externalId: text(),
    /** What makes it the same event when it arrives again: its external id, else a digest of what it says. */
    fingerprint: text().notNull(),
    createdAt: time().notNull(),
  },
  (table) => [
    uniqueIndex('service_events_identity').on(table.vehicleId, table.fingerprint),
    index('service_events_vehicle_at').on(table.vehicleId, table.at),
    index('service_events_tenant_at').on(table.tenantId, table.at),
  ],
);
