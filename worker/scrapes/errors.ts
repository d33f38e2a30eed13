/** Why reading a portal failed: one code of the contract, and what is known of when trying again can help. */
import type { SyncErrorCode } from '#contracts/sync';

/** A failure as plain data, small enough to be a workflow step's result. */
export interface ScrapeFailure {
  code: SyncErrorCode;
  message: string;
  /** From the portal's Retry-After, milliseconds. */
  retryAfterMs: number | null;
  /** R2 key of the saved page, when one was saved. */
  evidenceKey: string | null;
  /** No browser could be had: our own capacity, and nothing the portal did or should be spared for. */
  isNoBrowser: boolean;
}

export class ScrapeError extends Error {
  override readonly name = 'ScrapeError';
  readonly code: SyncErrorCode;
  readonly retryAfterMs: number | null;
  readonly isNoBrowser: boolean;
  evidenceKey: string | null = null;
  constructor(
    code: SyncErrorCode,
    message: string,
    options: { retryAfterMs?: number | null; isNoBrowser?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.isNoBrowser = options.isNoBrowser ?? false;
  }

  toFailure(): ScrapeFailure {
    return {
      code: this.code,
      message: this.message,
      retryAfterMs: this.retryAfterMs,
      evidenceKey: this.evidenceKey,
      isNoBrowser: this.isNoBrowser,
    };
  }
}

/** The browser service refused, or did not answer in time: too many browsers at once, or none left for today. */
export const noBrowser = (cause?: unknown): ScrapeError =>
  new ScrapeError(
    'BROWSER_LOST',
    'No browser was free to read the portal with: this is our own limit, the portal was not asked.',
    { isNoBrowser: true, cause },
  );

/** What puppeteer says when the browser, its connection or a frame is gone; it has no error class for most of them. */
const lostBrowser =
  /target closed|session closed|detached frame|frame was detached|browser has disconnected|connection closed|websocket|navigating frame was detached|not attached to an active page|page has been closed|browser has been closed|protocol error|no target with given id|unable to connect to existing session/i;
const brokenNetwork = /net::ERR_(?!ABORTED)[A-Z_]+/;

/** Turns anything thrown while driving the browser into a ScrapeError. */
export function toScrapeError(error: unknown): ScrapeError {
  if (error instanceof ScrapeError) return error;
  const name = error instanceof Error ? error.name : '';
  const text = error instanceof Error ? error.message : String(error);
  if (/unable to create new browser/i.test(text)) return noBrowser(error);
  if (name === 'TimeoutError' || /timed? ?out|timeout/i.test(text)) {
    return new ScrapeError('TIMED_OUT', 'The portal did not answer in time.', { cause: error });
  }
  const network = brokenNetwork.exec(text)?.[0];
  if (network) {
    return new ScrapeError('UPSTREAM_FAILED', `The portal could not be reached (${network}).`, { cause: error });
  }
  if (name === 'TargetCloseError' || lostBrowser.test(text)) {
    return new ScrapeError('BROWSER_LOST', 'The browser went away in the middle of the run.', { cause: error });
  }
  return new ScrapeError('UPSTREAM_FAILED', 'Reading the portal failed unexpectedly.', { cause: error });
}

/** Retry-After in seconds or as a date → milliseconds; null when absent or unreadable. */
export function retryAfterMsOf(header: string | null | undefined, nowMs: number): number | null {
  const text = header?.trim() ?? '';
  if (/^\d{1,7}$/.test(text)) return Number(text) * 1000;
  // Only a real HTTP date: `Date.parse` would make one of nearly anything.
  const at = /^[A-Z][a-z]{2,8}, /.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
