/** What the platform itself keeps: the keys that sign access tokens, and mail on its way out. */
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { id, time } from './columns.ts';

/** ES256 key pairs; the public half stays in the key set until the last token signed with it has expired. */
export const signingKeys = sqliteTable('signing_keys', {
  kid: text().primaryKey(),
  publicJwk: text().notNull(),
  /** Sealed with the platform's data key. */
  privateSealed: text().notNull(),
  createdAt: time().notNull(),
  /** Published before it signs, so that every cache knows it by then. */
  signsFrom: time().notNull(),
  expiresAt: time().notNull(),
});

/** Mail written in the same batch as what caused it; sent after, retried by the sweep. */
export const mailOutbox = sqliteTable(
  'mail_outbox',
  {
    id: id(),
    /** The tenant it concerns; null for the platform's own. */
    tenantId: text(),
    template: text().notNull(),
    /** Sealed {to, data}: it may hold a link that signs somebody in. Emptied once sent or given up. */
    messageSealed: text(),
    status: text({ enum: ['queued', 'sent', 'failed'] }).notNull(),
    attempts: integer().notNull().default(0),
    nextAttemptAt: time().notNull(),
    /** After this the link inside is worthless. */
    expiresAt: time().notNull(),
    lastError: text(),
    createdAt: time().notNull(),
    sentAt: time(),
  },
  (table) => [index('mail_outbox_due').on(table.status, table.nextAttemptAt)],
);
