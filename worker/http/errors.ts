/** One error class, one body shape. No stack or vendor text ever reaches a client. */
import { errorStatus, type ErrorBody, type ErrorCode, type ErrorStatus } from '#contracts/errors';

export interface AppErrorOptions {
  details?: unknown;
  retryAfterSeconds?: number;
  /** Logged, never sent. */
  cause?: unknown;
}

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly options: AppErrorOptions;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.options = options;
  }

  get status(): ErrorStatus {
    return errorStatus[this.code];
  }

  toBody(requestId: string): ErrorBody {
    const { details } = this.options;
    return {
      error: { code: this.code, message: this.message, requestId, ...(details === undefined ? {} : { details }) },
    };
  }
}

/** The same answer for an id that never existed and for another tenant's. */
export const notFound = (what: string): AppError => new AppError('NOT_FOUND', `No such ${what}.`);

/** A feed's cursor that names nothing of the caller's. */
export const unknownCursor = (): AppError =>
  new AppError('VALIDATION_FAILED', 'cursor: is not one of ours.', {
    details: { issues: [{ path: 'cursor', message: 'is not one of ours' }] },
  });
