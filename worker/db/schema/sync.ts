/** Portal and API credentials (sealed), and the log of runs. */
import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { syncErrorCodes, syncProviders, syncRunStatuses, type SyncCounts } from '#contracts/sync';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';

export const syncCredentials = sqliteTable(
  'sync_credentials',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    provider: text({ enum: syncProviders }).notNull(),
    baseUrl: text(),
    username: text(),
    /** Sealed (worker/secrets): AES-256-GCM under the tenant's data key, bound to tenant, row and field. */
    passwordSealed: text(),
    totpSecretSealed: text(),
    apiTokenSealed: text(),
    /** Sealed cookies of the last signed-in session, reused while the portal honours them. */
    sessionSealed: text(),
    isActive: integer({ mode: 'boolean' }).notNull().default(true),
    consentedAt: time().notNull(),
    createdAt: time().notNull(),
    updatedAt: time().notNull(),
  },
  (table) => [uniqueIndex('sync_credentials_tenant_provider').on(table.tenantId, table.provider)],
);

export const syncRuns = sqliteTable(
  'sync_logs',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    provider: text({ enum: syncProviders }).notNull(),
    status: text({ enum: syncRunStatuses }).notNull(),
    trigger: text({ enum: ['cron', 'manual', 'webhook'] }).notNull(),
    startedAt: time().notNull(),
    /** Raised by every step; the sweep revives a run whose heartbeat stopped. */
    heartbeatAt: time().notNull(),
    finishedAt: time(),
    counts: text({ mode: 'json' }).$type<SyncCounts>().notNull(),
    errorCode: text({ enum: syncErrorCodes }),
    errorMessage: text(),
  },
  (table) => [
    // One run at a time per tenant and provider, whatever races to start one.
    uniqueIndex('sync_logs_live')
      .on(table.tenantId, table.provider)
      .where(sql`status in ('queued', 'running')`),
    index('sync_logs_tenant_started').on(table.tenantId, table.startedAt),
    index('sync_logs_status_heartbeat').on(table.status, table.heartbeatAt),
  ],
);
