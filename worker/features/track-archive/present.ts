/** Row → contract, an allow-list: keys and digests of objects are nobody's business. */
import type { TrackDay } from '#contracts/positions';
import { deleteAfterOf, type TrackDayRow } from './rules.ts';

/** A day of which something has left the object at hand. */
export const toTrackDay = (row: TrackDayRow): TrackDay => ({
  day: row.day,
  state: row.state === 'writing' ? 'stored' : row.state,
  fixes: row.fixes,
  bytes: row.bytes,
  storedAt: row.storedAt ?? row.updatedAt,
  archivedAt: row.archivedAt,
  restoredUntil: row.restoredUntil,
  deleteAfter: deleteAfterOf(row.day),
});
