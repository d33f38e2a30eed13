/** Signals of vehicles: daily rollups of what gateways send, and the baselines made of them. */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { VehicleFeatures } from '#contracts/risk';
import { time } from './columns.ts';
import { tenants } from './tenants.ts';
import { vehicles } from './vehicles.ts';

/** One row per vehicle, signal and UTC day. */
export const signalDays = sqliteTable(
  'signal_days',
  {
    vehicleId: text()
      .notNull()
      .references(() => vehicles.id),
    name: text().notNull(),
    /** `2026-11-20`. */
    day: text().notNull(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    readings: integer().notNull(),
    mean: real().notNull(),
    min: real().notNull(),
    max: real().notNull(),
    lastValue: real().notNull(),
    lastAt: time().notNull(),
    /**
     * Which minutes of the day have been counted, 1,440 bits in base64: a batch that comes twice changes nothing. Null
     * once the day is closed: whatever comes for it then changes nothing.
     */
    minutes: text(),
    /** Rises with every write; a writer who has read an older one starts over. */
    version: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.vehicleId, table.name, table.day] }),
    index('signal_days_tenant_day').on(table.tenantId, table.day),
    index('signal_days_open')
      .on(table.day)
      .where(sql`minutes is not null`),
  ],
);

/** Per vehicle its signals as scoring takes them: newest value, baseline, drift. Recomputed from the rollups. */
export const signalStates = sqliteTable(
  'signal_states',
  {
    vehicleId: text()
      .primaryKey()
      .references(() => vehicles.id),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    signals: text({ mode: 'json' }).$type<VehicleFeatures['signals']>().notNull(),
    /** When it was last computed; null: never. */
    computedAt: time(),
    /** How often readings have come in since; 0: it is up to date. */
    changes: integer().notNull().default(0),
  },
  (table) => [
    index('signal_states_tenant').on(table.tenantId, table.computedAt),
    // Whoever has waited longest comes first.
    index('signal_states_stale').on(sql`(changes > 0)`, table.computedAt),
  ],
);
