/**
 * Reads request bodies whole, within a limit, before anything answers: an answer in the middle of a half-read body
 * breaks the connection for the next request.
 */
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from './context.ts';
import { AppError } from './errors.ts';

export const megabyte = 1_000_000;
/** Past this a body is not even drained: the connection is worth less than the bandwidth. */
const drainUpToBytes = 64 * megabyte;

const jsonTypes = /^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i;

async function readWithin(body: ReadableStream<Uint8Array>, limitBytes: number): Promise<Uint8Array | 'too_large'> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size <= limitBytes) chunks.push(value);
    else if (size > drainUpToBytes) {
      await reader.cancel();
      break;
    }
  }
  if (size > limitBytes) return 'too_large';
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/**
 * Body gate for JSON routes: 413 past `limitBytes`, 415 for another media type, 400 INVALID_JSON for what does not
 * parse or is not UTF-8. An empty body counts as none.
 */
export const jsonBody = (limitBytes: number = megabyte) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const { raw } = c.req;
    if (raw.method === 'GET' || raw.method === 'HEAD' || raw.body === null) return next();
    const bytes = await readWithin(raw.body, limitBytes);
    if (bytes === 'too_large') {
      throw new AppError('PAYLOAD_TOO_LARGE', `The body is larger than ${limitBytes / megabyte} MB.`);
    }
    const headers = new Headers(raw.headers);
    if (bytes.byteLength === 0) headers.delete('content-type');
    else if (!jsonTypes.test(headers.get('content-type') ?? '')) {
      throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json.');
    } else {
      try {
        JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes));
      } catch (cause) {
        throw new AppError('INVALID_JSON', 'The request body is not valid JSON.', { cause });
      }
    }
    c.req.raw = new Request(raw.url, {
      method: raw.method,
      headers,
      body: bytes.byteLength === 0 ? null : bytes,
      ...(raw.cf === undefined ? {} : { cf: raw.cf }),
    });
    return next();
  });
