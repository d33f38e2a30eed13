/** Entity tags of single resources: sent on GET, honoured as If-None-Match (304) and, before a change, as If-Match (412). */
import { etag } from 'hono/etag';
import { toHex } from '../encoding.ts';
import type { AppContext } from './context.ts';
import { AppError } from './errors.ts';

const digest = (bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> => crypto.subtle.digest('SHA-1', bytes);

/** GET middleware: tags the answer with a digest of its body; 304 keeps the headers that every answer has. */
export const entityTag = () =>
  etag({
    generateDigest: (body) => digest(Uint8Array.from(body)),
    retainedHeaders: [
      ...['cache-control', 'content-location', 'date', 'etag', 'expires', 'vary'],
      ...['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
    ],
  });

/** The strong tag of a body `{data}`. */
export async function tagOf(data: unknown): Promise<string> {
  const bytes = new Uint8Array(await digest(Uint8Array.from(new TextEncoder().encode(JSON.stringify({ data })))));
  return `"${toHex(bytes)}"`;
}

export const hasChanged = (): AppError =>
  new AppError('PRECONDITION_FAILED', 'It has changed since you read it. Read it again.');

/** Throws PRECONDITION_FAILED when the client names a state (If-Match) that the resource, as a GET shows it, is not in. */
export async function requireMatch(c: AppContext, current: unknown): Promise<void> {
  const wanted = c.req.header('if-match');
  if (wanted === undefined || wanted.trim() === '*') return;
  // A weak tag promises too little to change something by it.
  const tags = wanted.split(',').map((tag) => tag.trim());
  if (!tags.includes(await tagOf(current))) {
    throw hasChanged();
  }
}
