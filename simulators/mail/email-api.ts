/**
 * Resend's `POST /emails`, stricter than the original: whatever it might one day refuse is refused here. Errors look like
 * the original's (https://resend.com/docs/api-reference/errors).
 */
import { createHash } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { v7 } from 'uuid';
import { z } from 'zod';
import type { Mailbox } from './mailbox.ts';
import type { MailCounters, Mood } from './moods.ts';

/** The key a local platform signs in with; it opens nothing but this simulator. */
export const localApiKey = 're_local';

const maxBodyBytes = 512 * 1024;
const maxRecipients = 50;

const addressPattern = /^[^\s<>@,;:"'()[\]\\]+@[^\s<>@,;:"'()[\]\\]+\.[^\s<>@,;:"'()[\]\\.]+$/;
const addressSchema = z.string().max(320).regex(addressPattern);
const senderSchema = z
  .string()
  .max(400)
  .refine((text) => {
    const named = /^[^<>\r\n]*<([^<>]+)>$/.exec(text);
    return addressPattern.test(named?.[1] ?? text);
  }, 'must be an address or "Name <address>"');
const lineSchema = z.string().regex(/^[^\p{Cc}]*$/u, 'must be one line');

const emailSchema = z
  .strictObject({
    from: senderSchema,
    to: z.union([addressSchema, z.array(addressSchema).min(1).max(maxRecipients)]),
    subject: lineSchema.min(1).max(998),
    html: z.string().min(1).optional(),
    text: z.string().min(1).optional(),
    reply_to: addressSchema.optional(),
    headers: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/), lineSchema.max(998)).optional(),
    tags: z.array(z.strictObject({ name: z.string(), value: z.string() })).optional(),
  })
  .refine(({ html, text }) => html !== undefined || text !== undefined, 'html or text is required');

type ErrorStatus = 400 | 401 | 403 | 405 | 409 | 413 | 415 | 422 | 429 | 500;

const refuse = (c: Context, statusCode: ErrorStatus, name: string, message: string) =>
  c.json({ statusCode, name, message }, statusCode);

export interface EmailApiOptions {
  mailbox: Mailbox;
  /** Epoch milliseconds. */
  now: () => number;
  /** The mood for one more request; counts it. */
  nextMood: () => Mood;
  counters: () => MailCounters;
  apiKey: string;
  requestsPerSecond: number;
  /** Resolves never; ends with the request. */
  hang: (signal: AbortSignal) => Promise<void>;
}

/** The API as an app. */
export function emailApi(options: EmailApiOptions): Hono {
  const { mailbox, now } = options;
  const answered = new Map<string, { digest: string; id: string }>();
  let window = { second: 0, count: 0 };
  const app = new Hono();

  const isTooOften = (): boolean => {
    const second = Math.floor(now() / 1000);
    window = window.second === second ? { second, count: window.count + 1 } : { second, count: 1 };
    return window.count > options.requestsPerSecond;
  };

  const tooMany = (c: Context, seconds: number) => {
    c.header('Retry-After', String(seconds));
    return refuse(c, 429, 'rate_limit_exceeded', 'Too many requests. Slow down and try again.');
  };

  app.use('/emails', async (c, next) => {
    const counters = options.counters();
    counters.requests += 1;
    await next();
    counters.answersByStatus[c.res.status] = (counters.answersByStatus[c.res.status] ?? 0) + 1;
  });

  app.post('/emails', async (c) => {
    // Read to its end before any refusal, or the connection is lost with the answer.
    const raw = await c.req.raw.arrayBuffer();
    const mood = options.nextMood();
    if (mood.mood === 'hangs') await options.hang(c.req.raw.signal);
    if (mood.mood === 'down') return c.html('<h1>503 Service Unavailable</h1>', 503);
    if (mood.mood === 'garbage') return c.html('<h1>Welcome to the hotel’s network</h1>', 200);
    if (mood.mood === 'rate_limited') return tooMany(c, mood.retryAfterSeconds);

    const authorization = c.req.header('authorization');
    if (authorization === undefined) {
      return refuse(c, 401, 'missing_api_key', 'Missing API key in the authorization header.');
    }
    if (authorization !== `Bearer ${options.apiKey}` || mood.mood === 'refuses_key') {
      return refuse(c, 401, 'invalid_api_key', 'API key is invalid.');
    }
    if (isTooOften()) return tooMany(c, 1);
    if (!/^application\/json(?:\s*;|$)/i.test(c.req.header('content-type') ?? '')) {
      return refuse(c, 415, 'validation_error', 'The content type must be application/json.');
    }
    if (raw.byteLength > maxBodyBytes) return refuse(c, 413, 'validation_error', 'The message is too large.');
    const key = c.req.header('idempotency-key');
    if (key !== undefined && (key.length < 1 || key.length > 256)) {
      return refuse(c, 400, 'invalid_idempotency_key', 'The key must be between 1-256 chars.');
    }

    let body: unknown;
    try {
      body = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(raw));
    } catch {
      return refuse(c, 400, 'validation_error', 'The body is not JSON.');
    }
    const parsed = emailSchema.safeParse(body);
    if (!parsed.success) return refuseEmail(c, body, parsed.error);
    if (mood.mood === 'rejects') return refuse(c, 422, 'validation_error', 'This message is refused.');

    const digest = createHash('sha256').update(JSON.stringify(parsed.data)).digest('hex');
    const known = key === undefined ? undefined : answered.get(key);
    if (known !== undefined) {
      if (known.digest !== digest) {
        return refuse(c, 409, 'invalid_idempotent_request', 'Same idempotency key used with a different payload.');
      }
      options.counters().replayed += 1;
      return c.json({ id: known.id });
    }
    const { to, subject, text, html } = parsed.data;
    const id = v7();
    mailbox.add({
      id,
      to: Array.isArray(to) ? to.join(', ') : to,
      subject,
      text: text ?? '',
      html: html ?? '',
      at: new Date(now()).toISOString(),
    });
    options.counters().accepted += 1;
    if (key !== undefined) answered.set(key, { digest, id });
    if (mood.mood === 'loses_answer') return c.html('<h1>502 Bad Gateway</h1>', 502 as 500);
    return c.json({ id });
  });

  app.all('/emails', (c) => refuse(c, 405, 'method_not_allowed', 'Method is not allowed for the requested path.'));
  return app;
}

function refuseEmail(c: Context, body: unknown, error: z.ZodError) {
  const required = ['from', 'to', 'subject'];
  const given = typeof body === 'object' && body !== null ? Object.keys(body) : [];
  const missing = required.find((field) => !given.includes(field));
  if (missing !== undefined) return refuse(c, 422, 'missing_required_field', `Missing \`${missing}\` field.`);
  const [issue] = error.issues;
  if (issue?.path[0] === 'from') return refuse(c, 422, 'invalid_from_address', 'Invalid `from` field.');
  return refuse(c, 422, 'validation_error', `Invalid \`${issue?.path.join('.') ?? ''}\`: ${issue?.message ?? ''}`);
}
