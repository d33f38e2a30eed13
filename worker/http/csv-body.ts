/** The body gate of routes that take a file of comma-separated values. */
import { createMiddleware } from 'hono/factory';
import { megabyte, readBody } from './body.ts';
import type { AppEnv } from './context.ts';
import { AppError } from './errors.ts';

const csvTypes = /^(?:text|application)\/csv\s*(?:;|$)/i;

/** What a file that is no text begins with, and what to do about it. */
function notText(bytes: Uint8Array): string | null {
  const [a, b, c, d] = bytes;
  const asCsv = 'In the spreadsheet choose "Save as" and "CSV UTF-8".';
  if (a === 0x50 && b === 0x4b && c === 0x03 && d === 0x04) return `This is a spreadsheet or an archive. ${asCsv}`;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) return `The file is UTF-16. ${asCsv}`;
  const nul = bytes.indexOf(0);
  return nul < 0 ? null : `There is a NUL byte at position ${nul + 1}: this is no text. ${asCsv}`;
}

/**
 * Reads a CSV body whole: 413 past the limit, 415 for another media type, 400 for what is no UTF-8 text. Behind it
 * `c.req.text()` is the file, without the mark that some programs put before it.
 */
export const csvBody = ({ limitBytes }: { limitBytes: number }) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const { raw } = c.req;
    const bytes = raw.body === null ? new Uint8Array() : await readBody(raw, raw.body, limitBytes);
    if (bytes === 'too_large') {
      throw new AppError('PAYLOAD_TOO_LARGE', `The file is larger than ${limitBytes / megabyte} MB.`);
    }
    if (!csvTypes.test(raw.headers.get('content-type') ?? '')) {
      throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the file as text/csv.');
    }
    const refusal = notText(bytes);
    if (refusal !== null) throw new AppError('VALIDATION_FAILED', refusal);
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
    } catch (cause) {
      const message = 'The file is not UTF-8. In the spreadsheet choose "Save as" and "CSV UTF-8".';
      throw new AppError('VALIDATION_FAILED', message, { cause });
    }
    const headers = new Headers(raw.headers);
    headers.delete('content-encoding');
    headers.delete('content-length');
    headers.set('content-type', 'text/csv');
    c.req.raw = new Request(raw.url, {
      method: raw.method,
      headers,
      body: text === '' ? null : text,
      ...(raw.cf === undefined ? {} : { cf: raw.cf }),
    });
    return next();
  });
