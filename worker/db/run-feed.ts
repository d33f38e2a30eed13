/** Feeds of runs (sync, training), newest first. The cursor is the id of the last run shown. */
import { and, eq, lt, or, type SQL } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';

const cursorPattern = /^[0-9a-f-]{36}$/;

/** Worth looking up: it has the shape of an id. */
export const isRunCursor = (cursor: string): boolean => cursorPattern.test(cursor);

/** Runs after `from` in the feed, which is ordered by start and id, both falling; all of them when null. */
export const startedBefore = (
  runs: { id: SQLiteColumn; startedAt: SQLiteColumn },
  from: { id: string; startedAt: string } | null,
): SQL | undefined =>
  from === null
    ? undefined
    : or(lt(runs.startedAt, from.startedAt), and(eq(runs.startedAt, from.startedAt), lt(runs.id, from.id)));

/** A part of the feed, from one row more than it shows. */
export function feedPart<Row extends { id: string }>(
  rows: readonly Row[],
  limit: number,
): { rows: Row[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  return { rows: shown, nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null };
}
