/**
 * A vehicle's track out of R2. D1 says which files may hold it, their footers say where; of each only that is read. A call
 * reads a bounded number of files: then it says how far it has looked.
 */
import type { Reading } from '#contracts/telemetry';
import type { Database } from '../../db/client.ts';
import type { TrackFile } from '../../db/schema/tracks.ts';
import { AppError } from '../../http/errors.ts';
import type { ReadScope } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { openTrackFile, TrackFileDamaged } from './objects.ts';
import { readVehicle, type FileStretch } from './read-parquet.ts';
import { dayOf, endOfDayMs, readableKeyOf } from './rules.ts';
import { findVehicleDays } from './store.ts';

/** Days read at the same time, more of them while there is nothing in them; a Worker has six connections. */
const mostDaysAtOnce = 6;
/** Files of one call: three calls of R2 each at most. */
export const filesPerCall = 60;
/** Days looked up in one call: of a large tenant some kilobytes of JSON each. */
const daysPerCall = 60;
const daysNamed = 400;

export interface ArchiveStretch {
  fromMs: number;
  toMs: number;
  afterMs: number | null;
  limit: number;
}

/** The earliest fixes of a stretch. */
export interface ArchivePage {
  readings: Reading[];
  hasMore: boolean;
  /** Where more follow: everything up to here has been shown, perhaps without a single reading. */
  throughMs?: number;
}

interface ArchivedVehicle {
  bucket: R2Bucket;
  vehicle: { id: string; tenantId: string };
  /** Counts the files that were read. */
  spent: { files: number };
}

/** Why a stretch cannot be read: some of its days are locked away. */
function lockedError(locked: readonly { day: string; isComing: boolean }[]): AppError {
  const days = locked.map(({ day }) => day);
  const [first, last] = [days[0] ?? '', days.at(-1) ?? ''];
  const isComing = locked.every((day) => day.isComing);
  const message = isComing
    ? `${days.length} days from ${first} to ${last} are being restored from the archive. Ask again in some minutes.`
    : `${days.length} days from ${first} to ${last} lie in the archive. POST /api/v1/track-restores {"from": "${first}", "to": "${last}"} makes them readable for a week; or ask for other days.`;
  return new AppError('CONFLICT', message, { details: { days: days.slice(0, daysNamed) } });
}

/** First-come: of fixes with one time that of the earlier file. */
function mergeFiles(perFile: readonly Reading[][], limit: number): Reading[] {
  const [only, ...others] = perFile;
  if (only === undefined || others.length === 0) return only ?? [];
  const byTime = new Map<string, Reading>();
  for (const readings of perFile) {
    for (const reading of readings) if (!byTime.has(reading.at)) byTime.set(reading.at, reading);
  }
  return [...byTime.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).slice(0, limit);
}

async function readDay(bucket: R2Bucket, files: readonly TrackFile[], stretch: FileStretch): Promise<Reading[]> {
  const perFile = [];
  for (const file of files) {
    const opened = await openTrackFile(bucket, readableKeyOf(file), file);
    perFile.push(await readVehicle(opened, stretch));
  }
  return mergeFiles(perFile, stretch.limit);
}

/**
 * The earliest fixes of a stretch of a vehicle's track that lie in R2, oldest first.
 * @throws AppError CONFLICT when days of it are locked away, UNAVAILABLE when a file is gone or damaged: never less than
 * there is.
 */
export async function readArchive(
  scope: ReadScope,
  db: Database,
  place: ArchivedVehicle,
  stretch: ArchiveStretch,
): Promise<ArchivePage> {
  const { vehicle } = place;
  const read = () => readOnce(scope, db, place, stretch);
  try {
    // Between the row and its file the day may have been put elsewhere: the row knows by now.
    return await read().catch((cause: unknown) => {
      if (cause instanceof TrackFileDamaged) return read();
      throw cause;
    });
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    logFailure('track_file_unreadable', cause, { tenantId: vehicle.tenantId, vehicleId: vehicle.id });
    const message =
      'A part of this track cannot be read from storage right now. It has been reported; other days can be.';
    throw new AppError('UNAVAILABLE', message, { cause });
  }
}

async function readOnce(
  scope: ReadScope,
  db: Database,
  { bucket, vehicle, spent }: ArchivedVehicle,
  { fromMs, toMs, afterMs, limit }: ArchiveStretch,
): Promise<ArchivePage> {
  const firstMs = Math.max(fromMs, (afterMs ?? -Infinity) + 1);
  if (firstMs > toMs) return { readings: [], hasMore: false };
  const asked = { tenantId: vehicle.tenantId, vehicleId: vehicle.id, from: dayOf(firstMs), to: dayOf(toMs) };
  const { days, hasMore, locked } = await findVehicleDays(scope, db, asked, daysPerCall);
  if (locked.length > 0) throw lockedError(locked);

  const readings: Reading[] = [];
  let filesRead = 0;
  let atOnce = 1;
  for (let next = 0; next < days.length; atOnce = Math.min(mostDaysAtOnce, atOnce * 2)) {
    const turn = days.slice(next, next + atOnce);
    const left = limit + 1 - readings.length;
    const found = await Promise.all(
      turn.map(({ files }) => readDay(bucket, files, { vehicleId: vehicle.id, fromMs: firstMs, toMs, limit: left })),
    );
    readings.push(...found.flat());
    next += turn.length;
    const filesOfTurn = turn.reduce((sum, { files }) => sum + files.length, 0);
    filesRead += filesOfTurn;
    spent.files += filesOfTurn;
    if (readings.length > limit) return cut(readings, limit);
    const isSpent = filesRead >= filesPerCall && next < days.length;
    const last = turn.at(-1);
    if (last !== undefined && (isSpent || (hasMore && next >= days.length))) {
      return { readings, hasMore: true, throughMs: endOfDayMs(last.day) };
    }
  }
  return { readings, hasMore: false };
}

function cut(readings: readonly Reading[], limit: number): ArchivePage {
  const shown = readings.slice(0, limit);
  return { readings: shown, hasMore: true, throughMs: Date.parse(shown.at(-1)?.at ?? '') };
}
