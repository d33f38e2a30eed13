/** What a portal reader is given: where, as whom, and how patient and polite to be. */

export interface PortalAccess {
  /** Origin and path prefix of the portal, without a trailing slash. */
  baseUrl: string;
  username: string;
  password: string;
  /** Base32 authenticator secret, when the tenant stored one. */
  totpSecret: string | null;
}

export interface PortalTerms {
  /** Longest wait for one page to answer. */
  pageTimeoutMs: number;
  /** How long a page that answered may take to show something known (scripts fill some lists late). */
  recogniseWithinMs: number;
  /** Pages read side by side. */
  parallelPages: number;
  /** Pause before each page, least and most; drawn evenly. */
  pauseMs: { min: number; max: number };
  /** A Retry-After up to this is waited for with the browser open; a longer one ends the step. */
  shortWaitMs: number;
  /** Waited when the portal says 429 without Retry-After. */
  defaultRetryAfterMs: number;
  /** A step that has read for this long hands back what it has; the next step goes on. */
  stepBudgetMs: number;
  /**
   * As above, for what was read, as bytes of JSON. A workflow keeps at most a mebibyte per step; vehicles that are being
   * read when this is reached, with a hundred cases each, still fit.
   */
  stepResultBytes: number;
  /** Failing pages in a row after which the portal itself is taken to be in trouble. */
  troubleAfterFailures: number;
}

/** Four pages at a time and a short breath before each: some 25 pages a second at the most, 100 vehicles in about ten seconds. */
export const politeTerms: PortalTerms = {
  pageTimeoutMs: 15_000,
  recogniseWithinMs: 5_000,
  parallelPages: 4,
  pauseMs: { min: 50, max: 150 },
  shortWaitMs: 10_000,
  defaultRetryAfterMs: 300_000,
  stepBudgetMs: 240_000,
  stepResultBytes: 400_000,
  troubleAfterFailures: 6,
};

/** Clock, chance and waiting, handed in so that tests hold them. */
export interface PortalClock {
  now(): number;
  random(): number;
  sleep(ms: number): Promise<void>;
}

export const realClock: PortalClock = {
  now: () => Date.now(),
  random: () => Math.random(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
