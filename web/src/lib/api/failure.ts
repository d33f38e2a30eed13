/** What went wrong with a request, in one sentence a person can act on. */
import type { ErrorBody, ErrorCode } from '#contracts/errors';
import { formatSpan } from '../format/time.ts';

/** NETWORK: no answer at all. MALFORMED: an answer that is not ours (a proxy's page). */
export type FailureCode = ErrorCode | 'NETWORK' | 'MALFORMED';

/** A failed request. `message` is fit to be shown; `requestId` finds it in the logs. */
export class ApiFailure extends Error {
  readonly code: FailureCode;
  readonly status: number;
  readonly requestId: string | null;
  readonly details: unknown;
  readonly retryAfterSeconds: number | null;

  constructor(init: {
    code: FailureCode;
    status: number;
    message: string;
    requestId?: string | null;
    details?: unknown;
    retryAfterSeconds?: number | null;
  }) {
    super(init.message);
    this.name = 'ApiFailure';
    this.code = init.code;
    this.status = init.status;
    this.requestId = init.requestId ?? null;
    this.details = init.details;
    this.retryAfterSeconds = init.retryAfterSeconds ?? null;
  }

  /** True when trying the same request again may help. */
  get retryable(): boolean {
    return this.code === 'NETWORK' || this.status === 429 || this.status >= 500;
  }
}

const isErrorBody = (body: unknown): body is ErrorBody =>
  typeof body === 'object' &&
  body !== null &&
  'error' in body &&
  typeof body.error === 'object' &&
  body.error !== null &&
  'code' in body.error &&
  'message' in body.error;

/** `Retry-After` in seconds; null when absent or not a number. */
export function retryAfterSeconds(headers: Headers): number | null {
  const seconds = Number(headers.get('Retry-After') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

/** The sentence for a code; the API's own message where it says more than we could. */
export function sentenceFor(code: FailureCode, apiMessage: string, waitSeconds: number | null): string {
  const wait = waitSeconds === null ? null : formatSpan(waitSeconds * 1000);
  switch (code) {
    case 'INVALID_CREDENTIALS':
      return 'That e-mail and password do not belong together.';
    case 'MFA_INVALID':
      return 'That code is not right, or it has been used already.';
    case 'ACCOUNT_LOCKED':
      return 'This account is locked after too many wrong tries.';
    case 'RATE_LIMITED':
      return wait === null ? 'Too many requests at once.' : `Too many requests at once. Try again in ${wait}.`;
    case 'FORBIDDEN':
      return 'Your role does not allow this.';
    case 'NOT_FOUND':
      return 'This no longer exists, or you may not see it.';
    case 'NETWORK':
      return 'TruckIQ cannot be reached. Check the connection.';
    case 'MALFORMED':
      return 'The server gave an answer that could not be read.';
    case 'INTERNAL':
    case 'UPSTREAM_FAILED':
    case 'UNAVAILABLE':
      return 'The server could not answer just now.';
    case 'UNAUTHENTICATED':
    case 'TOKEN_EXPIRED':
    case 'TOKEN_REVOKED':
    case 'TOKEN_REUSED':
    case 'USER_TOKENS_REVOKED':
      return 'Your session has ended. Sign in again.';
    default:
      return apiMessage;
  }
}

/** A refused answer (its status and parsed body) as an ApiFailure. */
export function failureFrom(response: Response, body: unknown): ApiFailure {
  const waitSeconds = retryAfterSeconds(response.headers);
  if (!isErrorBody(body)) {
    return new ApiFailure({
      code: 'MALFORMED',
      status: response.status,
      message: sentenceFor('MALFORMED', '', null),
      requestId: response.headers.get('X-Request-Id'),
      retryAfterSeconds: waitSeconds,
    });
  }
  const { code, message, requestId, details } = body.error;
  return new ApiFailure({
    code,
    status: response.status,
    message: sentenceFor(code, message, waitSeconds),
    requestId,
    details,
    retryAfterSeconds: waitSeconds,
  });
}

/** No answer arrived. */
export const networkFailure = (): ApiFailure =>
  new ApiFailure({ code: 'NETWORK', status: 0, message: sentenceFor('NETWORK', '', null) });

/** Anything thrown, as an ApiFailure: what screens keep and show. */
export const toFailure = (thrown: unknown): ApiFailure =>
  thrown instanceof ApiFailure
    ? thrown
    : new ApiFailure({ code: 'MALFORMED', status: 0, message: sentenceFor('MALFORMED', '', null) });
