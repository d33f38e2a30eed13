/** The registry of trained models, and the runs that train them. The artefacts themselves lie in R2. */
import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { modelStatuses, trainingRunStatuses, type ModelLineage, type TrainingRun } from '#contracts/scoring';
import type { ModelQuality } from '#contracts/scoring-models';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';

export const scoringModels = sqliteTable(
  'scoring_models',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    version: text().notNull(),
    status: text({ enum: modelStatuses }).notNull(),
    /** Why it was chosen or not, in words. */
    reason: text().notNull(),
    lineage: text({ mode: 'json' }).$type<ModelLineage>().notNull(),
    quality: text({ mode: 'json' }).$type<ModelQuality>().notNull(),
    artefactKey: text().notNull(),
    artefactDigest: text().notNull(),
    artefactBytes: integer().notNull(),
    createdAt: time().notNull(),
    activatedAt: time(),
    retiredAt: time(),
  },
  (table) => [
    uniqueIndex('scoring_models_active')
      .on(table.tenantId)
      .where(sql`status = 'active'`),
    uniqueIndex('scoring_models_version').on(table.tenantId, table.version),
    index('scoring_models_tenant_created').on(table.tenantId, table.createdAt),
  ],
);

export const trainingRuns = sqliteTable(
  'training_runs',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    status: text({ enum: trainingRunStatuses }).notNull(),
    trigger: text({ enum: ['cron', 'manual'] }).notNull(),
    startedAt: time().notNull(),
    finishedAt: time(),
    /** Last sign of life; a live run that is silent for too long is revived. */
    heartbeatAt: time().notNull(),
    progress: text({ mode: 'json' }).$type<TrainingRun['progress']>().notNull(),
    outcome: text({ mode: 'json' }).$type<TrainingRun['outcome']>(),
    error: text(),
  },
  (table) => [
    uniqueIndex('training_runs_live')
      .on(table.tenantId)
      .where(sql`status in ('queued', 'running')`),
    index('training_runs_tenant_started').on(table.tenantId, table.startedAt),
    index('training_runs_status').on(table.status, table.heartbeatAt),
  ],
);
