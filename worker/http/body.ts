/**
 * Reads request bodies whole, within a limit, before anything answers: an answer in the middle of a half-read body
 * breaks the connection for the next request.
 */
import { createMiddleware } from 'hono/factory';
import { gunzipSync, inflateSync } from 'node:zlib';
import { readWithin } from '../read-within.ts';
import type { AppEnv } from './context.ts';
import { AppError } from './errors.ts';

export const megabyte = 1_000_000;
/** Past this a body is not even drained: the connection is worth less than the bandwidth. */
const drainUpToBytes = 64 * megabyte;

const plainJsonType = /^application\/json\s*(?:;|$)/i;
const jsonTypes = /^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i;
const ndjsonTypes = /^application\/x-ndjson\s*(?:;|$)/i;

/** Reads what nobody wanted of a request's body, so that the connection can serve the next request. */
export async function drain(request: Request): Promise<void> {
  if (request.body === null || request.bodyUsed) return;
  try {
    await readWithin(request.body, 0, drainUpToBytes);
  } catch {
    // It broke off: there is no next request to spare.
  }
}

/** What packing adds at most to what cannot be made smaller, generously. */
const packingBytes = 4_096;

/**
 * Unpacks a body, up to the limit and not a byte further: a bomb costs no more memory than an honest body. Throws on what is
 * cut short or damaged.
 */
async function unpackWithin(
  body: ReadableStream<Uint8Array>,
  unpack: typeof gunzipSync,
  limitBytes: number,
): Promise<Uint8Array<ArrayBuffer> | 'too_large'> {
  const packed = await readWithin(body, limitBytes + packingBytes, drainUpToBytes);
  if (packed === 'too_large' || packed.byteLength === 0) return packed;
  try {
    return unpack(packed, { maxOutputLength: limitBytes });
  } catch (cause) {
    if (cause instanceof RangeError) return 'too_large';
    throw cause;
  }
}

/** True of a body that says how long it is, and that it is not too long: HTTP ends it there, so it may be read in one go. */
function isShort(request: Request, limitBytes: number): boolean {
  const length = request.headers.get('content-length');
  return length !== null && /^\d{1,9}$/.test(length) && Number(length) <= limitBytes;
}

/**
 * A request's body as the client meant it, unpacked when it says that it is packed; `too_large` when there is more of it than
 * the limit, which counts unpacked bytes. Reads it to its end in either case. Throws an AppError for what broke off or is not
 * what its headers say.
 */
export async function readBody(
  request: Request,
  body: ReadableStream<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array<ArrayBuffer> | 'too_large'> {
  const encoding = (request.headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'deflate') {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the body plain, or with Content-Encoding gzip or deflate.');
  }
  try {
    if (encoding === 'identity' && isShort(request, limitBytes)) {
      const bytes = new Uint8Array(await request.arrayBuffer());
      return bytes.byteLength > limitBytes ? 'too_large' : bytes;
    }
    if (encoding === 'identity') return await readWithin(body, limitBytes, drainUpToBytes);
    return await unpackWithin(body, encoding === 'gzip' ? gunzipSync : inflateSync, limitBytes);
  } catch (cause) {
    throw new AppError('VALIDATION_FAILED', 'The body broke off or is not what its headers say.', { cause });
  }
}

/** No list is that long: lines past it are counted and not read. */
const mostLines = 10_000;

/** `{"<listName>": […]}` out of one JSON value a line; a line that does not parse stays in as its text, to be named. */
function fromNdjson(text: string, listName: string): unknown {
  const rows = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index): unknown => {
      if (index >= mostLines) return line;
      try {
        return JSON.parse(line);
      } catch {
        return line;
      }
    });
  return { [listName]: rows };
}

/** The request without its body, which has been read, as one of another media type (null: of none). */
function withType(raw: Request, type: string | null): Request {
  const headers = new Headers(raw.headers);
  headers.delete('content-encoding');
  headers.delete('content-length');
  headers.delete('content-type');
  if (type !== null) headers.set('content-type', type);
  return new Request(raw.url, { method: raw.method, headers, ...(raw.cf === undefined ? {} : { cf: raw.cf }) });
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
    const bytes = await readBody(raw, raw.body, limitBytes);
    if (bytes === 'too_large') {
      throw new AppError('PAYLOAD_TOO_LARGE', `The body is larger than ${limitBytes / megabyte} MB.`);
    }
    if (bytes.byteLength === 0) {
      c.req.raw = withType(raw, null);
      return next();
    }
    const type = raw.headers.get('content-type') ?? '';
    const isNdjson = ndjsonList !== undefined && ndjsonTypes.test(type);
    if (!isNdjson && !jsonTypes.test(type)) {
      throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json.');
    }
    let text: string;
    let value: unknown;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
      value = isNdjson ? fromNdjson(text, ndjsonList) : JSON.parse(text);
    } catch (cause) {
      throw new AppError('INVALID_JSON', 'The request body is not valid JSON.', { cause });
    }
    if (!plainJsonType.test(type)) c.req.raw = withType(raw, 'application/json');
    // Parsed once: whoever asks for the body is given this.
    c.req.text = () => Promise.resolve(text);
    c.req.json = <T>() => Promise.resolve(value as T);
    return next();
  });
