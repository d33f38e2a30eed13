/** Vehicles and their faults. (tenant, vin) is unique, never vin alone. */
import { sql } from 'drizzle-orm';
import { index, integer, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { faultSeverities, vehicleSystems, type Lamps } from '#contracts/faults';
import { recommendedActions, riskLevels } from '#contracts/risk';
import { vehicleStatuses } from '#contracts/vehicles';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';
import { users } from './users.ts';

export const vehicles = sqliteTable(
  'vehicles',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    vin: text().notNull(),
    unitNumber: text().notNull(),
    year: integer(),
    make: text(),
    model: text(),
    engineMake: text(),
    engineModel: text(),
    odometerMiles: real(),
    engineHours: real(),
    healthScore: real(),
    riskScore: real(),
    riskLevel: text({ enum: riskLevels }),
    recommendedAction: text({ enum: recommendedActions }),
    activeFaultCount: integer().notNull().default(0),
    openAlertCount: integer().notNull().default(0),
    assignedDriverId: text().references(() => users.id),
    /** Copied back from the live room in bulk; the room is the record. */
    status: text({ enum: vehicleStatuses }).notNull().default('offline'),
    lastLat: real(),
    lastLon: real(),
    lastSpeedMph: real(),
    lastHeading: real(),
    lastFuelPercent: real(),
    lastIgnition: integer({ mode: 'boolean' }),
    lastReadingAt: time(),
    firstSeenAt: time().notNull(),
    lastSyncAt: time(),
    /**
     * When the vehicle's whole fault list was last read. An active fault was last seen at the later of this and its own
     * `lastSeenAt`, so that a run without news writes one bulk update instead of one row per fault.
     */
    faultsReadAt: time(),
    /**
     * Set in the same batch as a change that scoring must hear of, with `updatedAt` moved on (db/score-mark.ts); cleared in
     * the batch that keeps the prediction.
     */
    isScoreDirty: integer({ mode: 'boolean' }).notNull().default(false),
    updatedAt: time().notNull(),
  },
  (table) => [
    uniqueIndex('vehicles_tenant_vin').on(table.tenantId, table.vin),
    index('vehicles_tenant_unit').on(table.tenantId, table.unitNumber),
    index('vehicles_tenant_risk').on(table.tenantId, table.riskScore),
    index('vehicles_tenant_health').on(table.tenantId, table.healthScore),
    index('vehicles_tenant_status').on(table.tenantId, table.status),
    index('vehicles_tenant_place').on(table.tenantId, table.lastLat, table.lastLon),
    index('vehicles_tenant_updated').on(table.tenantId, table.updatedAt),
    index('vehicles_score_dirty')
      .on(table.tenantId)
      .where(sql`is_score_dirty = 1`),
    index('vehicles_driver')
      .on(table.assignedDriverId)
      .where(sql`assigned_driver_id is not null`),
  ],
);

export const faults = sqliteTable(
  'faults',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    vehicleId: text()
      .notNull()
      .references(() => vehicles.id),
    sourceAddress: integer().notNull(),
    spn: integer().notNull(),
    fmi: integer().notNull(),
    description: text().notNull(),
    system: text({ enum: vehicleSystems }).notNull(),
    severity: text({ enum: faultSeverities }).notNull(),
    /** True while the portal or telemetry says so. */
    isActive: integer({ mode: 'boolean' }).notNull(),
    /** Each source clears only what it reported itself. */
    isPortalActive: integer({ mode: 'boolean' }).notNull().default(false),
    isTelemetryActive: integer({ mode: 'boolean' }).notNull().default(false),
    /** The time of telemetry's newest word on it; an older one changes nothing. */
    telemetryAt: time(),
    firstSeenAt: time().notNull(),
    lastSeenAt: time().notNull(),
    clearedAt: time(),
    occurrenceCount: integer().notNull(),
    reopenCount: integer().notNull().default(0),
    lamps: text({ mode: 'json' }).$type<Lamps>(),
  },
  (table) => [
    uniqueIndex('faults_identity').on(table.vehicleId, table.sourceAddress, table.spn, table.fmi),
    index('faults_tenant_active').on(table.tenantId, table.isActive),
    index('faults_vehicle_active').on(table.vehicleId, table.isActive, table.lastSeenAt),
  ],
);
