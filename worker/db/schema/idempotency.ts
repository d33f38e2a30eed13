/** Answers kept for Idempotency-Key: same key and body replays, other body is refused. */
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { time } from './columns.ts';

export const idempotencyKeys = sqliteTable(
  'idempotency_keys',
  {
    /** The user or key that sent it: two callers may use the same words. */
    ownerId: text().notNull(),
    key: text().notNull(),
    route: text().notNull(),
    bodyHash: text().notNull(),
    /** null while the first request is still running. */
    status: integer(),
    /** Sealed: the answer may hold a key that is shown once. */
    responseSealed: text(),
    createdAt: time().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.ownerId, table.route, table.key] }),
    index('idempotency_keys_created').on(table.createdAt),
  ],
);
