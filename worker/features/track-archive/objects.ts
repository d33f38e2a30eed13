/**
 * Files of tracks in R2. Nothing is believed because it was sent: what has been written is read back, what is copied is
 * checked on its way, what is read must be of the size and digest that its row names.
 */
import { parquetMetadataAsync, type AsyncBuffer, type FileMetaData } from 'hyparquet';
import { toHex } from '../../encoding.ts';
import type { TrackFile } from '../../db/schema/tracks.ts';
import { newId } from '../../ids.ts';
import { trackFileKey } from './rules.ts';
import type { TrackFileContent } from './write-parquet.ts';

/** Of one file that is gone, or is not what was written. */
export class TrackFileDamaged extends Error {
  override readonly name = 'TrackFileDamaged';
  constructor(key: string, what: string) {
    super(`${key}: ${what}`);
  }
}

export type StorageClass = 'Standard' | 'InfrequentAccess';

const sha256 = async (bytes: ArrayBuffer | Uint8Array<ArrayBuffer>): Promise<string> =>
  toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

interface Place {
  tenantId: string;
  day: string;
  part: number;
}

const contentType = 'application/vnd.apache.parquet';

/** Writes a file and reads it back: three calls of R2 at most. */
export async function putTrackFile(
  bucket: R2Bucket,
  place: Place,
  content: TrackFileContent,
  storageClass: StorageClass,
): Promise<TrackFile> {
  const { bytes, ...rest } = content;
  const digest = await sha256(bytes);
  const key = trackFileKey({ ...place, sha256: digest, writingId: newId() });
  await bucket.put(key, bytes, { sha256: digest, storageClass, httpMetadata: { contentType } });
  const back = await bucket.get(key);
  if (back === null) throw new TrackFileDamaged(key, 'is not there after it was written');
  if ((await sha256(await back.arrayBuffer())) !== digest) throw new TrackFileDamaged(key, 'came back otherwise');
  return { key, bytes: bytes.length, sha256: digest, ...rest };
}

/** Copies a file under a new key into another class; R2 refuses what does not have its digest. Two calls. */
export async function copyTrackFile(
  bucket: R2Bucket,
  place: Omit<Place, 'part'>,
  file: TrackFile,
  storageClass: StorageClass,
): Promise<string> {
  const object = await bucket.get(file.key);
  if (object === null) throw new TrackFileDamaged(file.key, 'is gone');
  const bytes = await object.arrayBuffer();
  if (bytes.byteLength !== file.bytes || (await sha256(bytes)) !== file.sha256) {
    throw new TrackFileDamaged(file.key, 'is not what was written');
  }
  const part = Number(/\/(\d{4})-[^/]*$/.exec(file.key)?.[1] ?? 0);
  const key = trackFileKey({ ...place, part, sha256: file.sha256, writingId: newId() });
  await bucket.put(key, bytes, { sha256: file.sha256, storageClass, httpMetadata: { contentType } });
  return key;
}

/** A file up to this size is read at once. */
const wholeFileBytes = 256 * 1024;
/** Holds the footer of a file of 300,000 fixes. */
const footerBytes = 64 * 1024;

export interface OpenTrackFile {
  key: string;
  buffer: AsyncBuffer;
  metadata: FileMetaData;
}

/** Opens a file to be read in parts: one call of R2, and one more for each part. Small ones are read whole, and checked whole. */
export async function openTrackFile(bucket: R2Bucket, key: string, file: TrackFile): Promise<OpenTrackFile> {
  const get = async (options?: R2GetOptions): Promise<ArrayBuffer> => {
    const object = await bucket.get(key, options);
    if (object === null) throw new TrackFileDamaged(key, 'is gone');
    const digest = object.checksums.sha256;
    const isOurs =
      object.size === file.bytes && (digest === undefined || toHex(new Uint8Array(digest)) === file.sha256);
    if (!isOurs) {
      await object.body.cancel();
      throw new TrackFileDamaged(key, 'is not what was written');
    }
    return object.arrayBuffer();
  };
  let slice: AsyncBuffer['slice'];
  if (file.bytes <= wholeFileBytes) {
    const whole = await get();
    if ((await sha256(whole)) !== file.sha256) throw new TrackFileDamaged(key, 'is not what was written');
    slice = (start, end) => whole.slice(start, end);
  } else {
    slice = (start, end = file.bytes) => get({ range: { offset: start, length: end - start } });
  }
  const buffer: AsyncBuffer = { byteLength: file.bytes, slice };
  try {
    const metadata = await parquetMetadataAsync(buffer, { initialFetchSize: footerBytes, geoparquet: false });
    return { key, buffer, metadata };
  } catch (cause) {
    throw cause instanceof TrackFileDamaged ? cause : new TrackFileDamaged(key, `has no footer: ${String(cause)}`);
  }
}
