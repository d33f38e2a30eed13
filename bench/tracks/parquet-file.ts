/**
 * What a day of trucks takes as Parquet, beside the chunks in which it stood before, and how long it takes to write and to
 * find one truck in it again.
 */
import { parquetMetadataAsync } from 'hyparquet';
import { writeUuid } from '#durable-objects/readings/packed-readings';
import { packedRowBytes, writeRow } from '#durable-objects/readings/packed-steps';
import { readVehicle } from '#worker/features/track-archive/read-parquet';
import { writeTrackFile, type TrackFileContent } from '#worker/features/track-archive/write-parquet';
import { bulkRoster } from '../../simulators/world/roster.ts';
import { drivenFixes } from './bytes-per-fix.ts';

export interface ParquetFigures {
  fixes: number;
  fileBytes: number;
  bytesPerFix: number;
  rowGroups: number;
  footerBytes: number;
  writeMs: number;
  /** The most that stood in memory beside the packed rows, garbage included. */
  peakMegabytes: number;
  /** Finding one truck's day: bytes fetched, and how long it took. */
  readBytes: number;
  readMs: number;
}

const vehicleId = (n: number): string => `01940000-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** A part of a day as FleetTracks hands it out: these trucks, a fix every 30 s. */
export function packedDay({ trucks, isNoisy, seed }: { trucks: number; isNoisy: boolean; seed: number }): Uint8Array {
  const perTruck = 2_880;
  const bytes = new Uint8Array(trucks * perTruck * packedRowBytes);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [n, truck] of bulkRoster(trucks, seed).entries()) {
    const id = new Uint8Array(16);
    writeUuid(id, 0, vehicleId(n));
    const drive = { startMs: Date.UTC(2026, 10, 10), count: perTruck, everyMs: 30_000, isNoisy };
    for (const fix of drivenFixes(truck, drive)) {
      writeRow(bytes, view, at, id, fix);
      at += packedRowBytes;
    }
  }
  return bytes;
}

const megabytesInUse = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
};

export async function measureParquet(options: {
  trucks: number;
  isNoisy: boolean;
  seed: number;
}): Promise<ParquetFigures & { content: TrackFileContent }> {
  const packed = packedDay(options);
  const before = megabytesInUse();
  let peak = 0;
  const startedMs = performance.now();
  const content = await writeTrackFile(packed, async () => {
    peak = Math.max(peak, megabytesInUse() - before);
  });
  const writeMs = performance.now() - startedMs;
  if (content === null) throw new Error('nothing was written');
  const { bytes, fixes } = content;
  let readBytes = 0;
  const buffer = {
    byteLength: bytes.length,
    slice: (start: number, end: number = bytes.length) => {
      readBytes += end - start;
      return bytes.buffer.slice(start, end);
    },
  };
  const readStartedMs = performance.now();
  const metadata = await parquetMetadataAsync(buffer, { initialFetchSize: 65_536, geoparquet: false });
  const stretch = { vehicleId: vehicleId(options.trucks >> 1), fromMs: -8e15, toMs: 8e15, limit: 1e9 };
  const found = await readVehicle({ key: 'bench', buffer, metadata }, stretch);
  const readMs = performance.now() - readStartedMs;
  if (found.length !== 2_880) throw new Error(`${found.length} fixes were found`);
  return {
    ...{ content, fixes, fileBytes: bytes.length, bytesPerFix: bytes.length / fixes, writeMs, peakMegabytes: peak },
    ...{ rowGroups: metadata.row_groups.length, footerBytes: metadata.metadata_length, readBytes, readMs },
  };
}
