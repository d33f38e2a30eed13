/** Wall displays and the codes by which they are paired. */
import { sql } from 'drizzle-orm';
import { index, integer, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { displayLayouts } from '#contracts/displays';
import { id, time } from './columns.ts';
import { tenants } from './tenants.ts';
import { users } from './users.ts';

export const displays = sqliteTable(
  'displays',
  {
    id: id(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    name: text().notNull(),
    locationName: text().notNull(),
    layout: text({ enum: displayLayouts }).notNull(),
    /** SHA-256 of the display's token; null between claim and the screen's next question. */
    tokenHash: text(),
    isAsleep: integer({ mode: 'boolean' }).notNull().default(false),
    /** Copied from the room, which hears the heartbeats; may lag by some minutes. */
    lastHeartbeatAt: time(),
    build: text(),
    uptimeSeconds: real(),
    viewport: text(),
    lastError: text(),
    createdBy: text().references(() => users.id),
    createdAt: time().notNull(),
    updatedAt: time().notNull(),
    /** Unpaired. */
    deletedAt: time(),
  },
  (table) => [
    index('displays_tenant').on(table.tenantId, table.deletedAt, table.name),
    uniqueIndex('displays_token')
      .on(table.tokenHash)
      .where(sql`token_hash is not null`),
  ],
);

export const displayCodes = sqliteTable(
  'display_codes',
  {
    /** SHA-256 of the device code. */
    deviceCodeHash: text().primaryKey(),
    userCode: text().notNull(),
    /** `used`: the token has been handed out. */
    status: text({ enum: ['pending', 'claimed', 'denied', 'used'] }).notNull(),
    displayId: text().references(() => displays.id),
    /** Seconds between two questions; grows with each that comes too early. */
    intervalSeconds: integer().notNull(),
    lastAskedAt: time(),
    createdAt: time().notNull(),
    expiresAt: time().notNull(),
  },
  (table) => [
    uniqueIndex('display_codes_pending')
      .on(table.userCode)
      .where(sql`status = 'pending'`),
    index('display_codes_expires').on(table.expiresAt),
  ],
);
