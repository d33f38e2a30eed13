/** Resend as the mail channel: one POST per message, no SDK. */
import type { Notifier, NotifierError, NotifierResult, OutgoingMessage } from '../../mail/notifier.ts';
import { resendErrorSchema, resendSentSchema, type ResendEmailPayload, type ResendErrorName } from './payload.ts';

export interface ResendOptions {
  /** Origin of the API, without a trailing slash. */
  apiUrl: string;
  apiKey: string;
  /** `Name <address>` of a verified domain. */
  from: string;
  /** For the whole exchange, body included. */
  timeoutMs?: number;
  fetch?: (request: Request) => Promise<Response>;
}

const defaultTimeoutMs = 10_000;

const toPayload = (from: string, message: OutgoingMessage): ResendEmailPayload => ({
  from,
  to: [message.to],
  subject: message.subject,
  html: message.html,
  text: message.text,
  // The first keeps out-of-office robots quiet, the second keeps mail clients from folding unrelated messages together.
  headers: { 'Auto-Submitted': 'auto-generated', 'X-Entity-Ref-ID': message.id },
});

/** Seconds of a Retry-After header in either form (RFC 9110 §10.2.3); null when absent or senseless. */
export function parseRetryAfter(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header.trim());
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - nowMs) / 1000));
}

/** What an answer that is not a success means for us. */
export function toNotifierResult(
  status: number,
  name: ResendErrorName | null,
  retryAfterSeconds: number | null,
): NotifierResult {
  const error = (kind: NotifierError['kind']): NotifierError => ({ kind, status, code: name, retryAfterSeconds });
  // An earlier try with this id was taken, only worded differently (a new release, another time zone): it is on its way.
  if (status === 409 && name === 'invalid_idempotent_request') return { kind: 'sent', providerId: null };
  if (status === 401 || status === 403) return error('auth');
  if (status === 429) return error('rate_limited');
  if (status === 408 || status === 425 || name === 'concurrent_idempotent_requests') return error('unavailable');
  if (status >= 400 && status < 500) return error('rejected');
  return error('unavailable');
}

const unavailable = (code: string, status: number | null = null): NotifierError => ({
  kind: 'unavailable',
  status,
  code,
  retryAfterSeconds: null,
});

/** Mail through Resend's REST API. */
export function resendNotifier(options: ResendOptions): Notifier {
  const { apiUrl, apiKey, from, timeoutMs = defaultTimeoutMs } = options;
  const fetchOnce = options.fetch ?? ((request: Request) => fetch(request));
  return {
    async send(message) {
      try {
        const response = await fetchOnce(
          new Request(`${apiUrl}/emails`, {
            method: 'POST',
            headers: {
              authorization: `Bearer ${apiKey}`,
              'content-type': 'application/json',
              'idempotency-key': message.id,
              'user-agent': 'truckiq',
            },
            body: JSON.stringify(toPayload(from, message)),
            // The key must not follow a redirection.
            redirect: 'manual',
            signal: AbortSignal.timeout(timeoutMs),
          }),
        );
        const body: unknown = await response.json().catch((cause: unknown) => {
          if (cause instanceof SyntaxError) return null;
          throw cause;
        });
        if (response.ok) {
          const sent = resendSentSchema.safeParse(body);
          // Asking again is safe: the id is remembered.
          return sent.success
            ? { kind: 'sent', providerId: sent.data.id }
            : unavailable('bad_payload', response.status);
        }
        const name = resendErrorSchema.safeParse(body).data?.name ?? null;
        return toNotifierResult(
          response.status,
          name,
          parseRetryAfter(response.headers.get('retry-after'), Date.now()),
        );
      } catch (cause) {
        const isTimeout = cause instanceof DOMException && cause.name === 'TimeoutError';
        return unavailable(isTimeout ? 'timeout' : 'network');
      }
    },
  };
}
