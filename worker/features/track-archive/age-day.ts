/**
 * A day grows old: into the archive class, out of it for a week and back, and away for good. New objects come first, then the
 * row names them, then the old ones go; what a crash leaves between is swept.
 */
import { trailOfJob, type AuditTrail } from '../../audit/trail.ts';
import type { Database } from '../../db/client.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { copyTrackFile } from './objects.ts';
import { keysOf, type TrackDayRow } from './rules.ts';
import { changeTrackDay, deleteTrackDay } from './store.ts';

export interface AgeWork {
  db: Database;
  bucket: R2Bucket;
  now: Date;
  trail: AuditTrail;
}

export const ageWork = (db: Database, bucket: R2Bucket, now: Date): AgeWork => ({
  ...{ db, bucket, now },
  trail: trailOfJob(now),
});

/** Calls of D1 and R2 that a day takes at most: two for each file, one for the row, one for what goes. */
export const callsOf = (row: TrackDayRow): number => 2 * row.files.length + 2;

/** Into the archive class. False: somebody else has changed the day. */
export async function archiveDay(scope: TenantScope, work: AgeWork, row: TrackDayRow): Promise<boolean> {
  const { db, bucket, now, trail } = work;
  const files = [];
  for (const file of row.files) {
    files.push({ ...file, key: await copyTrackFile(bucket, row, file, 'InfrequentAccess') });
  }
  const change = { files, state: 'archived', archivedAt: now.toISOString(), restoredUntil: null } as const;
  return replace(work, row, files, () =>
    changeTrackDay(scope, db, row, change, now, { trail, action: 'track_day.archive' }),
  );
}

/** Copies of an archived day into ordinary storage, to be read until its time is over. */
export async function restoreDay(scope: TenantScope, work: AgeWork, row: TrackDayRow): Promise<boolean> {
  const { db, bucket, now, trail } = work;
  const files = [];
  for (const file of row.files) {
    files.push({ ...file, restoredKey: await copyTrackFile(bucket, row, file, 'Standard') });
  }
  const change = { files, state: 'restored' } as const;
  return replace(work, row, files, () =>
    changeTrackDay(scope, db, row, change, now, { trail, action: 'track_day.restored' }),
  );
}

/** A restored day back into the archive: its copies go. One that never came to be restored in time is only forgotten. */
export async function lockDay(scope: TenantScope, work: AgeWork, row: TrackDayRow): Promise<boolean> {
  const { db, now, trail } = work;
  const files = row.files.map(({ restoredKey: _copy, ...file }) => file);
  const change = { files, state: row.state === 'restored' ? 'archived' : row.state, restoredUntil: null } as const;
  return replace(work, row, files, () =>
    changeTrackDay(scope, db, row, change, now, { trail, action: 'track_day.lock' }),
  );
}

/** For good: the objects first, so that nothing of a day whose row is gone can be left. */
export async function deleteDay(scope: TenantScope, work: AgeWork, row: TrackDayRow): Promise<boolean> {
  const { db, bucket, trail } = work;
  await bucket.delete(keysOf(row));
  return deleteTrackDay(scope, db, row, { trail });
}

/** Once the row names the new files, whatever it named before and names no more goes; if it does not come to it, the new ones. */
async function replace(
  { bucket }: AgeWork,
  before: TrackDayRow,
  files: TrackDayRow['files'],
  commit: () => Promise<TrackDayRow | null>,
): Promise<boolean> {
  const [old, fresh] = [keysOf(before), keysOf({ files, moving: null })];
  const isChanged = (await commit()) !== null;
  const left = isChanged ? old.filter((key) => !fresh.includes(key)) : fresh.filter((key) => !old.includes(key));
  if (left.length > 0) await bucket.delete(left);
  return isChanged;
}
