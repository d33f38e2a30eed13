/** A browser that cannot be had is our own trouble; one that is lost at work is told apart from it. */
import { expect, it } from 'vitest';
import { withBrowser } from './browser.ts';

it.each(['Unable to create new browser: code: 429: message: Rate limit exceeded', 'connect ECONNREFUSED', 'timeout'])(
  'a launch that ends in "%s" asked nothing of the portal',
  async (message) => {
    const work = withBrowser(
      () => Promise.reject(new Error(message)),
      () => Promise.reject(new Error('must not be reached')),
    );
    await expect(work).rejects.toMatchObject({ code: 'BROWSER_LOST', isNoBrowser: true, retryAfterMs: null });
  },
);
