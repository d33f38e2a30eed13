/**
 * Model artefacts in R2, named by what they hold: the same bytes under the same name, written once, checked whenever they
 * are read, kept parsed in the isolate's memory.
 */
import { modelArtefactSchema, type ModelArtefact } from '#contracts/scoring-models';
import { toHex } from '../../encoding.ts';

/** Where an artefact lies, and the hex SHA-256 of its bytes. */
export interface ArtefactPlace {
  key: string;
  digest: string;
}

export interface PackedArtefact {
  digest: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** The artefact is missing, damaged or none: asking again does not help. */
export class UnusableArtefact extends Error {
  override readonly name = 'UnusableArtefact';
}

/** Parsed artefacts take a few megabytes each; an isolate has 128. */
const mostRemembered = 8;
const remembered = new Map<string, ModelArtefact>();

function remember(digest: string, artefact: ModelArtefact): ModelArtefact {
  remembered.delete(digest);
  remembered.set(digest, artefact);
  const [oldest] = remembered.keys();
  if (remembered.size > mostRemembered && oldest !== undefined) remembered.delete(oldest);
  return artefact;
}

const digestOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

/** The bytes an artefact is stored as: its JSON in UTF-8. */
export async function packArtefact(artefact: ModelArtefact): Promise<PackedArtefact> {
  const bytes = Uint8Array.from(new TextEncoder().encode(JSON.stringify(artefact)));
  return { bytes, digest: await digestOf(bytes) };
}

/** Where the artefact of this digest lies; `owner` is a tenant's id, or `prior` for what comes with the product. */
export const artefactKey = (owner: string, digest: string): string => `models/${owner}/${digest}.json`;

/** Stores the artefact unless it is there already. */
export async function putArtefact(bucket: R2Bucket, owner: string, packed: PackedArtefact): Promise<ArtefactPlace> {
  const key = artefactKey(owner, packed.digest);
  if ((await bucket.head(key)) === null) {
    await bucket.put(key, packed.bytes, { httpMetadata: { contentType: 'application/json' } });
  }
  return { key, digest: packed.digest };
}

function parseArtefact(key: string, bytes: Uint8Array): ModelArtefact {
  try {
    return modelArtefactSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new UnusableArtefact(`the model artefact ${key} is none`, { cause });
  }
}

/**
 * The artefact at this place, parsed.
 * @throws UnusableArtefact when it is missing, is not the bytes of its digest, or is no artefact; whatever R2 throws when
 * it does not answer
 */
export async function readArtefact(bucket: R2Bucket, { key, digest }: ArtefactPlace): Promise<ModelArtefact> {
  const known = remembered.get(digest);
  if (known !== undefined) return remember(digest, known);
  const object = await bucket.get(key);
  if (object === null) throw new UnusableArtefact(`the model artefact ${key} is missing`);
  const bytes = new Uint8Array(await object.arrayBuffer());
  if ((await digestOf(bytes)) !== digest)
    throw new UnusableArtefact(`the model artefact ${key} is not what was stored`);
  return remember(digest, parseArtefact(key, bytes));
}
