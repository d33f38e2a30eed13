/**
 * Reads request bodies whole, within a limit, before anything answers: an answer in the middle of a half-read body
 * breaks the connection for the next request.
 */
import { createMiddleware } from 'hono/factory';
import { readWithin } from '../read-within.ts';
import type { AppEnv } from './context.ts';
import { AppError } from './errors.ts';

export const megabyte = 1_000_000;
/** Past this a body is not even drained: the connection is worth less than the bandwidth. */
const drainUpToBytes = 64 * megabyte;

const jsonTypes = /^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i;
const ndjsonTypes = /^application\/x-ndjson\s*(?:;|$)/i;

export const unreadable = (cause: unknown): AppError =>
  new AppError('VALIDATION_FAILED', 'The body broke off or is not what its headers say.', { cause });

/** A request's body within a limit, or `too_large` once all of it has been drained. */
export const readBody = (body: ReadableStream<Uint8Array>, limitBytes: number) =>
  readWithin(body, limitBytes, drainUpToBytes);

/** Reads what nobody wanted of a request's body, so that the connection can serve the next request. */
export async function drain(request: Request): Promise<void> {
  if (request.body === null || request.bodyUsed) return;
  try {
    await readBody(request.body, 0);
  } catch {
    // It broke off: there is no next request to spare.
  }
}

/** The body as the client meant it: unpacked when it says that it is packed. The limit counts unpacked bytes. */
export function unpacked(request: Request, body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const encoding = (request.headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the body plain, or with Content-Encoding gzip or deflate.');
  }
  return body.pipeThrough(new DecompressionStream(encoding));
}

/** `{"<listName>": […]}` out of one JSON value a line; a line that does not parse stays in as its text, to be named. */
function fromNdjson(text: string, listName: string): unknown {
  const rows = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line): unknown => {
      try {
        return JSON.parse(line);
      } catch {
        return line;
      }
    });
  return { [listName]: rows };
}

export interface JsonBodyOptions {
  limitBytes?: number;
  /** Accepts application/x-ndjson as well; its lines become this list. */
  ndjsonList?: string;
}

/**
 * Body gate for JSON routes: 413 past the limit, 415 for another media type, 400 INVALID_JSON for what does not parse or
 * is not UTF-8. An empty body counts as none.
 */
export const jsonBody = ({ limitBytes = megabyte, ndjsonList }: JsonBodyOptions = {}) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const { raw } = c.req;
    if (raw.method === 'GET' || raw.method === 'HEAD' || raw.body === null) return next();
    let bytes: Uint8Array | 'too_large';
    try {
      bytes = await readBody(unpacked(raw, raw.body), limitBytes);
    } catch (cause) {
      throw cause instanceof AppError ? cause : unreadable(cause);
    }
    if (bytes === 'too_large') {
      throw new AppError('PAYLOAD_TOO_LARGE', `The body is larger than ${limitBytes / megabyte} MB.`);
    }
    const headers = new Headers(raw.headers);
    headers.delete('content-encoding');
    headers.delete('content-length');
    let body: string | null = null;
    if (bytes.byteLength === 0) headers.delete('content-type');
    else {
      const type = headers.get('content-type') ?? '';
      const isNdjson = ndjsonList !== undefined && ndjsonTypes.test(type);
      if (!isNdjson && !jsonTypes.test(type)) {
        throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json.');
      }
      try {
        const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
        if (isNdjson) body = JSON.stringify(fromNdjson(text, ndjsonList));
        else {
          JSON.parse(text);
          body = text;
        }
      } catch (cause) {
        throw new AppError('INVALID_JSON', 'The request body is not valid JSON.', { cause });
      }
      headers.set('content-type', 'application/json');
    }
    c.req.raw = new Request(raw.url, {
      method: raw.method,
      headers,
      body,
      ...(raw.cf === undefined ? {} : { cf: raw.cf }),
    });
    return next();
  });
