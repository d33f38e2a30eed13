/** Turns whatever was thrown into the one error shape. */
import type { ErrorHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { AppContext, AppEnv } from './context.ts';
import { logFailure } from '../log.ts';
import { AppError } from './errors.ts';

function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  // The only HTTPException the app itself can meet is hono's malformed-JSON refusal.
  if (thrown instanceof HTTPException && thrown.status < 500) {
    return new AppError('INVALID_JSON', 'The request body is not valid JSON.', { cause: thrown });
  }
  return new AppError('INTERNAL', 'Something went wrong on our side. The request id helps us find it.', {
    cause: thrown,
  });
}

/** Writes the answer; the cause is logged, never sent. */
export function answerWithError(c: AppContext, thrown: unknown): Response {
  const error = toAppError(thrown);
  if (error.status >= 500) {
    logFailure('failure', error.options.cause ?? error, {
      requestId: c.get('requestId'),
      path: c.req.path,
      code: error.code,
    });
  }
  if (error.options.retryAfterSeconds !== undefined) {
    c.header('Retry-After', String(Math.max(1, Math.ceil(error.options.retryAfterSeconds))));
  }
  return c.json(error.toBody(c.get('requestId')), error.status);
}

export const onError: ErrorHandler<AppEnv> = (thrown, c) => answerWithError(c, thrown);
