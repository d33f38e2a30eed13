/** Alerts. The partial unique index is what makes "one open alert per cause" true under any race. */
import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { alertSeverities, alertStatuses, alertTypes } from '#contracts/alerts';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';
import { users } from './users.ts';
import { vehicles } from './vehicles.ts';

export const alerts = sqliteTable(
  'alerts',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    vehicleId: text().references(() => vehicles.id),
    type: text({ enum: alertTypes }).notNull(),
    severity: text({ enum: alertSeverities }).notNull(),
    status: text({ enum: alertStatuses }).notNull(),
    title: text().notNull(),
    message: text().notNull(),
    cause: text().notNull(),
    occurrenceCount: integer().notNull(),
    openedAt: time().notNull(),
    lastSeenAt: time().notNull(),
    acknowledgedAt: time(),
    acknowledgedBy: text().references(() => users.id),
    acknowledgeComment: text(),
    resolvedAt: time(),
    /** When the cause stopped holding. Until then a person's "resolved" or "false positive" keeps covering it. */
    causeEndedAt: time(),
    resolvedBy: text().references(() => users.id),
    resolveComment: text(),
    snoozedUntil: time(),
    assigneeId: text().references(() => users.id),
    dueAt: time(),
    updatedAt: time().notNull(),
  },
  (table) => [
    uniqueIndex('alerts_live_cause')
      .on(table.tenantId, table.cause)
      .where(sql`status in ('open', 'acknowledged', 'snoozed')`),
    index('alerts_tenant_status').on(table.tenantId, table.status, table.openedAt),
    index('alerts_tenant_opened').on(table.tenantId, table.openedAt),
    index('alerts_tenant_holding')
      .on(table.tenantId, table.vehicleId)
      .where(sql`cause_ended_at is null`),
    index('alerts_tenant_updated').on(table.tenantId, table.updatedAt),
    index('alerts_tenant_cause').on(table.tenantId, table.cause, table.openedAt),
    index('alerts_vehicle').on(table.vehicleId, table.status),
  ],
);
