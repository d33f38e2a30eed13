/** Tenants, the links between dealers and fleets, and the keys that seal a tenant's secrets. */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { TenantSettings } from '#contracts/tenants';
import { id, time } from './columns.ts';

export const tenants = sqliteTable('tenants', {
  id: id(),
  name: text().notNull(),
  kind: text({ enum: ['dealer', 'fleet'] }).notNull(),
  settings: text({ mode: 'json' }).$type<Partial<TenantSettings>>().notNull(),
  isActive: integer({ mode: 'boolean' }).notNull().default(true),
  /** Counts committed changes that the live room must hear of; raised in the same batch as the change. */
  changeCounter: integer().notNull().default(0),
  /** Gate objects in front of the live room, for tenants beyond some 300 telemetry requests a second; 0: none. */
  ingestGates: integer().notNull().default(0),
  /** Raised in the same batch as a change of geofences: tells the tenant's object that it must read them again. */
  geofenceVersion: integer().notNull().default(0),
  /** The version through which that object has said it knows everything; a sweep tells it the rest. */
  geofenceVersionTold: integer().notNull().default(0),
  /** The last event at the fences that was taken over from it, raised in the same batch as what the event led to. */
  fenceEventMark: integer().notNull().default(0),
  createdAt: time().notNull(),
  updatedAt: time().notNull(),
});

/** A fleet shares its vehicles with a dealer. Ended links stay as history; at most one lives per pair. */
export const dealerLinks = sqliteTable(
  'dealer_links',
  {
    id: id(),
    dealerTenantId: text()
      .notNull()
      .references(() => tenants.id),
    fleetTenantId: text()
      .notNull()
      .references(() => tenants.id),
    status: text({ enum: ['pending', 'active', 'ended'] }).notNull(),
    /** Which of the two asked; the other one accepts. */
    requestedByTenantId: text().references(() => tenants.id),
    createdAt: time().notNull(),
    acceptedAt: time(),
    endedAt: time(),
    endedByTenantId: text().references(() => tenants.id),
  },
  (table) => [
    uniqueIndex('dealer_links_live')
      .on(table.dealerTenantId, table.fleetTenantId)
      .where(sql`status <> 'ended'`),
    // Status first: the sweep reads every active link, a dealer's request only its own.
    index('dealer_links_status').on(table.status, table.dealerTenantId),
    index('dealer_links_fleet').on(table.fleetTenantId, table.status),
  ],
);

/** Data keys, wrapped by a Worker secret (AES-256-GCM): one owner per tenant, and `platform` for what no tenant owns. */
export const tenantKeys = sqliteTable(
  'tenant_keys',
  {
    /** A tenant's id or `platform`. */
    tenantId: text().notNull(),
    version: integer().notNull(),
    wrappedKey: text().notNull(),
    /** Fingerprint of the master key that wraps it; null for those made before it was noted. */
    masterKeyId: text(),
    createdAt: time().notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.version] })],
);
