/**
 * A day leaves the object at hand for R2. Its parts are written one by one, and each is written down with its row before the
 * next is asked for; with the last one they become readable, and only then does the object let go. Killed anywhere, the next
 * turn goes on from the row: what was written down is not written again, what was not is nobody's and is swept.
 */
import type { FleetTracksRpc } from '#durable-objects/fleet-tracks/feed';
import type { Database } from '../../db/client.ts';
import type { TrackMove } from '../../db/schema/tracks.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { putTrackFile } from './objects.ts';
import { totalsOf, type TrackDayRow } from './rules.ts';
import { changeTrackDay, deleteTrackDay, requireTrackDay } from './store.ts';
import { writeTrackFile } from './write-parquet.ts';

export interface MoveWork {
  scope: TenantScope;
  db: Database;
  bucket: R2Bucket;
  tracks: FleetTracksRpc;
  now: Date;
}

export interface MovedDay {
  parts: number;
  fixes: number;
  /** Of D1, R2 and the object. */
  calls: number;
  /** False: parts are left for another turn. */
  isDone: boolean;
}

/** Reading a part, writing it, reading it back, writing it down. */
export const callsPerPart = 4;
/** The row, letting go, and finishing the row. */
export const callsPerDay = 3;
const mostRaces = 5;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Moves a day, at most so many parts of it now. */
export async function moveDay(work: MoveWork, day: string, mostParts: number): Promise<MovedDay> {
  const { scope, db, tracks, now } = work;
  const done: MovedDay = { parts: 0, fixes: 0, calls: 1, isDone: false };
  for (let races = 0; races <= mostRaces; races += 1) {
    let row: TrackDayRow | null = await requireTrackDay(scope, db, day, now);
    while (row !== null) {
      if (row.moving?.isStored === true) {
        const { parts, move } = row.moving;
        done.calls += 2;
        await tracks.dropDay(day, parts, move);
        if (await finish(work, row)) return { ...done, isDone: true };
        break;
      }
      if (done.parts >= mostParts) return done;
      done.calls += 1;
      const next = await nextStep(work, row);
      if (next === 'nothing') {
        done.calls += 1;
        if (await finish(work, row)) return { ...done, isDone: true };
        break;
      }
      done.parts += 1;
      done.fixes += next.fixes;
      done.calls += callsPerPart - 1;
      row = await changeTrackDay(scope, db, row, next.change, now);
    }
    // Somebody else was faster: what the row says now counts.
    done.calls += 1;
  }
  return done;
}

/** The row without a move; none at all when the day has no files. */
async function finish({ scope, db, now }: MoveWork, row: TrackDayRow): Promise<boolean> {
  if (row.files.length === 0) return deleteTrackDay(scope, db, row);
  return row.moving === null || (await changeTrackDay(scope, db, row, { moving: null }, now)) !== null;
}

interface Step {
  change: Partial<TrackDayRow>;
  fixes: number;
}

/** What the row becomes with the next part; `nothing` when the object holds nothing of this day. */
async function nextStep(work: MoveWork, row: TrackDayRow): Promise<Step | 'nothing'> {
  const { scope, bucket, tracks, now } = work;
  const { day, moving } = row;
  const number = moving?.parts ?? 0;
  const part = await tracks.readDayPart(day, number);
  if (part.move === undefined) {
    if (moving === null) return 'nothing';
    // The object knows nothing of what was begun: what has been written of it is all there is.
    return { change: stored(row, moving, now), fixes: 0 };
  }
  // Another freezing than the one that was begun: from its beginning.
  if (moving !== null && moving.move !== part.move) return { change: { moving: null }, fixes: 0 };
  const content = await writeTrackFile(part.readings, pause);
  const files = [...(moving?.files ?? [])];
  if (content !== null) {
    // A day that is in the archive gets what comes late there too; a younger one grows old with the rest.
    const storageClass = row.state === 'archived' || row.state === 'restored' ? 'InfrequentAccess' : 'Standard';
    const place = { tenantId: scope.tenantId, day, part: row.files.length + files.length };
    files.push(await putTrackFile(bucket, place, content, storageClass));
  }
  const progress: TrackMove = { move: part.move, parts: number + 1, files, isStored: false };
  const change = part.hasMore ? { moving: progress } : stored(row, progress, now);
  return { change, fixes: content?.fixes ?? 0 };
}

/** The row with everything of the move among its files. */
function stored(row: TrackDayRow, moving: TrackMove, now: Date): Partial<TrackDayRow> {
  const files = [...row.files, ...moving.files];
  return {
    ...{ files, ...totalsOf(files), moving: { ...moving, isStored: true } },
    state: row.state === 'writing' && files.length > 0 ? 'stored' : row.state,
    storedAt: row.storedAt ?? now.toISOString(),
  };
}
