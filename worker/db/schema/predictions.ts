/** Every scoring of every vehicle is kept, to be held against what happened. */
import { index, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { riskLevels, type VehicleScore } from '#contracts/risk';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';
import { vehicles } from './vehicles.ts';

export const predictions = sqliteTable(
  'predictions',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    vehicleId: text()
      .notNull()
      .references(() => vehicles.id),
    createdAt: time().notNull(),
    modelVersion: text().notNull(),
    riskScore: real().notNull(),
    riskLevel: text({ enum: riskLevels }).notNull(),
    /** The whole result as scoring returned it. */
    score: text({ mode: 'json' }).$type<VehicleScore>().notNull(),
  },
  (table) => [
    index('predictions_vehicle_created').on(table.vehicleId, table.createdAt),
    index('predictions_tenant_created').on(table.tenantId, table.createdAt),
  ],
);
