/** Days of tracks that have left a tenant's object for R2, and what DM1s have said. */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { time } from './columns.ts';
import { tenants } from './tenants.ts';
import { vehicles } from './vehicles.ts';

/** A Parquet object of one day: fixes of some vehicles, sorted by vehicle and time. */
export interface TrackFile {
  key: string;
  bytes: number;
  fixes: number;
  /** SHA-256 of the object, hex. */
  sha256: string;
  /** Both included: no other vehicle is in it. */
  firstVehicleId: string;
  lastVehicleId: string;
  /** A copy in ordinary storage while the day is restored. */
  restoredKey?: string;
}

/** Parts of a day on their way from the object at hand. */
export interface TrackMove {
  /** Which freezing of the day it is; a later one has a larger number. */
  move: number;
  /** So many parts have been read; parts in which nothing was left made no file. */
  parts: number;
  files: TrackFile[];
  /** All parts are among the day's files; the object has still to be told to let go of them. */
  isStored: boolean;
}

export const trackDays = sqliteTable(
  'track_days',
  {
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    /** UTC, `2026-11-20`. */
    day: text().notNull(),
    /** `writing`: nothing can be read yet, the object still holds the day. */
    state: text({ enum: ['writing', 'stored', 'archived', 'restored'] }).notNull(),
    /** In the order of their parts; late readings come as further files. */
    files: text({ mode: 'json' }).$type<TrackFile[]>().notNull(),
    fixes: integer().notNull(),
    bytes: integer().notNull(),
    moving: text({ mode: 'json' }).$type<TrackMove>(),
    storedAt: time(),
    archivedAt: time(),
    /** Of an archived day: it is to be restored, and will be readable until then. */
    restoredUntil: time(),
    updatedAt: time().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.day] }),
    index('track_days_state').on(table.state, table.day),
    index('track_days_restored')
      .on(table.restoredUntil)
      .where(sql`restored_until is not null`),
  ],
);

/** Whose turn it is to have the days moved that have grown old. */
export const trackTurns = sqliteTable('track_turns', {
  tenantId: text()
    .primaryKey()
    .references(() => tenants.id),
  /** UTC: every day before this one has left the object at hand. Empty before the first time. */
  settledBefore: text().notNull(),
  /** The last turn; who waits longest is next. */
  askedAt: time().notNull(),
});

/** The newest DM1 of each controller: an older one that comes late does not bring its faults back. */
export const dm1States = sqliteTable(
  'dm1_states',
  {
    vehicleId: text()
      .notNull()
      .references(() => vehicles.id),
    sourceAddress: integer().notNull(),
    tenantId: text()
      .notNull()
      .references(() => tenants.id),
    at: time().notNull(),
  },
  (table) => [primaryKey({ columns: [table.vehicleId, table.sourceAddress] })],
);
