/**
 * The mark by which scoring finds a vehicle that changed. Whoever sets it moves `updated_at` on in the same statement:
 * scoring writes only over the row that it has read, so a change under its hands keeps the mark and is scored again.
 */
import { sql, type SQL } from 'drizzle-orm';

/** A vehicle's `updated_at` after a change at `nowIso`: always later than before, even when the clock is not. */
export const movedOn = (nowIso: string): SQL => sql`CASE WHEN vehicles.updated_at < ${nowIso} THEN ${nowIso}
  ELSE strftime('%Y-%m-%dT%H:%M:%fZ', vehicles.updated_at, '+0.001 seconds') END`;

/** The SET list that marks vehicles for scoring. */
export const markedForScoring = (nowIso: string): SQL => sql`is_score_dirty = 1, updated_at = ${movedOn(nowIso)}`;
