/**
 * What a training hands from step to step and is larger than the result of a step may be (1 MiB): packed JSON in R2 under
 * `training/<tenant>/<run>/`, named by the step that wrote it. The step's result is where it lies and what it must be.
 */
import { toHex } from '../../encoding.ts';

/** Where a step has put its result. */
export interface StepFile {
  key: string;
  /** Hex SHA-256 of the JSON before it was packed. */
  digest: string;
}

export const stepFilesPrefix = 'training/';
const folderOf = (place: RunPlace): string => `${stepFilesPrefix}${place.tenantId}/${place.runId}/`;

export interface RunPlace {
  tenantId: string;
  runId: string;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/** Hex SHA-256 of a text in UTF-8. */
export const sha256OfText = (text: string): Promise<string> => sha256(Uint8Array.from(new TextEncoder().encode(text)));

const piped = (bytes: Uint8Array<ArrayBuffer>, through: CompressionStream | DecompressionStream) =>
  new Response(new Response(bytes).body?.pipeThrough(through)).arrayBuffer();

/** Writes a step's result; a step that runs again writes over its own. */
export async function putStepFile(bucket: R2Bucket, place: RunPlace, name: string, value: unknown): Promise<StepFile> {
  const json = Uint8Array.from(new TextEncoder().encode(JSON.stringify(value)));
  const key = `${folderOf(place)}${name}.json.gz`;
  await bucket.put(key, await piped(json, new CompressionStream('gzip')));
  return { key, digest: await sha256(json) };
}

/**
 * Reads what a step has put down. It is this code's own writing, checked by its digest; hence no schema.
 * @throws when it is gone or is not what the step had written.
 */
export async function readStepFile<T>(bucket: R2Bucket, { key, digest }: StepFile): Promise<T> {
  const object = await bucket.get(key);
  if (object === null) throw new Error(`${key} is gone`);
  const packed = new Uint8Array(await object.arrayBuffer());
  const json = new Uint8Array(await piped(packed, new DecompressionStream('gzip')));
  if ((await sha256(json)) !== digest) throw new Error(`${key} is not what its step had written`);
  return JSON.parse(new TextDecoder().decode(json)) as T;
}

/** Clears what a run has put down. Best effort: the nightly clean-up takes what is left. */
export async function deleteStepFiles(bucket: R2Bucket, place: RunPlace): Promise<void> {
  const { objects } = await bucket.list({ prefix: folderOf(place) });
  if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
}
