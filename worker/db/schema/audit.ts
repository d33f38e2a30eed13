/**
 * The audit log. A change and its entry are committed in one batch (`audit_outbox`); the chain then takes the entry over
 * into `audit_log`, numbered and hashed. Triggers refuse every update and delete of `audit_log`.
 */
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { auditActorTypes, auditOutcomes } from '#contracts/audit';
import { id, time } from './columns.ts';

const entryColumns = () => ({
  id: id(),
  /** The tenant's id, or `platform` for what concerns no tenant. */
  chain: text().notNull(),
  at: time().notNull(),
  actorType: text({ enum: auditActorTypes }).notNull(),
  actorId: text(),
  /** noun.verb, e.g. `user.suspend`. */
  action: text().notNull(),
  resourceType: text().notNull(),
  resourceId: text(),
  outcome: text({ enum: auditOutcomes }).notNull(),
  ip: text(),
  userAgent: text(),
  requestId: text(),
  /** JSON text without secrets, exactly as it was hashed. */
  before: text(),
  after: text(),
});

export const auditOutbox = sqliteTable('audit_outbox', entryColumns(), (table) => [
  index('audit_outbox_chain').on(table.chain, table.id),
]);

export const auditLog = sqliteTable(
  'audit_log',
  {
    ...entryColumns(),
    /** 1, 2, 3 … within its chain. */
    seq: integer().notNull(),
    prevHash: text().notNull(),
    hash: text().notNull(),
  },
  (table) => [uniqueIndex('audit_log_chain_seq').on(table.chain, table.seq)],
);
