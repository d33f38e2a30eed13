/** Opening one portal page: what its answer means, and waiting until it shows something known. */
import { isSignInForm } from './classify.ts';
import { ScrapeError, retryAfterMsOf } from '../errors.ts';
import type { SaveEvidence } from '../evidence.ts';
import type { MarkupChanged } from '../html.ts';
import type { PortalPage, PortalResponse } from '../page.ts';
import type { PortalClock, PortalTerms } from '../portal-terms.ts';

export interface Surroundings {
  baseUrl: string;
  terms: PortalTerms;
  clock: PortalClock;
  saveEvidence: SaveEvidence;
}

/** `/assets` under the portal's address; an address that is already whole is left alone. */
export const addressOf = (baseUrl: string, path: string): string =>
  /^https?:\/\//i.test(path) ? path : `${baseUrl.replace(/\/+$/, '')}${path}`;

/** Throws when the portal asks for patience or is in trouble; other statuses are the caller's to judge. */
export function refuseTrouble(response: PortalResponse | null, clock: PortalClock): void {
  const status = response?.status() ?? 200;
  if (status === 429) {
    const retryAfterMs = retryAfterMsOf(response?.headers()['retry-after'], clock.now());
    throw new ScrapeError('RATE_LIMITED', 'The portal asked us to slow down (429).', { retryAfterMs });
  }
  if (status >= 500) throw new ScrapeError('UPSTREAM_FAILED', `The portal answered with an error (${status}).`);
}

/** Opens a page of data. The sign-in form in its place means that the session has ended. */
export async function visit(page: PortalPage, path: string, around: Surroundings): Promise<void> {
  const response = await page.goto(addressOf(around.baseUrl, path), {
    waitUntil: 'domcontentloaded',
    timeout: around.terms.pageTimeoutMs,
  });
  refuseTrouble(response, around.clock);
  const status = response?.status() ?? 200;
  if (status === 401 || status === 403 || isSignInForm(await page.content(), page.url())) {
    throw new ScrapeError('SESSION_EXPIRED', 'The portal ended the session.');
  }
  if (status >= 400) throw new ScrapeError('UPSTREAM_FAILED', `The portal does not have this page (${status}).`);
}

/**
 * Reads the open page until `extract` recognises it. A page that never does is kept as evidence and fails loudly:
 * nothing may be concluded from a page that was not understood.
 */
export async function recognise<T extends { kind: string }>(
  page: PortalPage,
  what: string,
  extract: (html: string) => T | MarkupChanged,
  around: Surroundings,
): Promise<T> {
  const deadline = around.clock.now() + around.terms.recogniseWithinMs;
  for (;;) {
    const result = extract(await page.content());
    if (!isMarkupChanged(result)) return result;
    if (around.clock.now() >= deadline) {
      const error = new ScrapeError(
        'MARKUP_CHANGED',
        `The portal's ${what} page was not recognised: ${result.reason}.`,
      );
      error.evidenceKey = await around.saveEvidence(page, what);
      throw error;
    }
    await around.clock.sleep(Math.min(200, around.terms.recogniseWithinMs));
  }
}

const isMarkupChanged = <T extends { kind: string }>(result: T | MarkupChanged): result is MarkupChanged =>
  result.kind === 'markup_changed';
