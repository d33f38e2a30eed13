/**
 * One vehicle's track out of all the places where its fixes are kept. Each source answers with its earliest fixes after a
 * point; here they are merged. Of two fixes with one time that of the earlier source counts, because the first that came
 * stays for good.
 */
import { trackRetention } from '#contracts/positions';
import { roomOf, tracksOf } from '#durable-objects/stubs';
import type { Database } from '../../db/client.ts';
import type { Env } from '../../env.ts';
import { AppError } from '../../http/errors.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { readArchive } from '../track-archive/read-archive.ts';
import { mergePages, type TrackPart, type TrackSource, type TrackStretch } from './merge-pages.ts';

/** A vehicle that has been found in the scope, and what it takes to ask for it. */
export interface TrackContext {
  scope: ReadScope;
  env: Env;
  db: Database;
  vehicle: { id: string; tenantId: string };
  /** Files that have been read in R2 for this request. */
  spent: { files: number };
}

/** What is held at hand: the last 30 days, and what came late and has not left yet. */
const atHand =
  ({ env, vehicle }: TrackContext): TrackSource =>
  async (stretch) => {
    try {
      return await tracksOf(env.FLEET_TRACKS, vehicle.tenantId).read({ vehicleId: vehicle.id, ...stretch });
    } catch (cause) {
      throw new AppError('UNAVAILABLE', 'The track does not answer right now. Try again in a moment.', { cause });
    }
  };

/** What is younger has certainly not left for R2: a day less than it stays, for clocks that differ. */
const alwaysAtHandMs = (trackRetention.hotDays - 1) * 86_400_000;

/** What has left for R2. */
const inArchive =
  ({ scope, env, db, vehicle, spent }: TrackContext): TrackSource =>
  (stretch) =>
    readArchive(scope, db, { bucket: env.ARTIFACTS, vehicle, spent }, stretch);

/**
 * The earliest fixes of a stretch of a vehicle's track, at most `limit`, oldest first; `hasMore` may come with fewer, and
 * even with none: read on after `endOf`. The vehicle has been found in the scope.
 */
export async function readTrack(
  scope: ReadScope,
  env: Env,
  db: Database,
  vehicle: { id: string; tenantId: string },
  stretch: TrackStretch,
  spent = { files: 0 },
): Promise<TrackPart> {
  const context = { scope, env, db, vehicle, spent };
  // One after the other: a day is in R2 before it leaves what is at hand. Asked the other way round, one that moves
  // in between would be seen in neither.
  const held = await atHand(context)(stretch);
  if ((stretch.afterMs ?? stretch.fromMs) > Date.now() - alwaysAtHandMs) return held;
  const moved = await inArchive(context)(stretch);
  // What has left for R2 came first.
  return mergePages([moved, held], stretch.limit);
}

/** Waits until what the tenant's room has taken is in its tracks. A room that does not answer is no reason not to read. */
export async function settle(env: Env, tenantId: string): Promise<void> {
  try {
    await roomOf(env.FLEET_ROOM, tenantId).settleTracks();
  } catch (cause) {
    logFailure('tracks_not_settled', cause, { tenantId });
  }
}
