/**
 * A real browser for portal steps: started through the Browser Rendering binding, one context per use, pictures and
 * films not loaded, always closed.
 */
import puppeteer, { type Browser, type BrowserContext, type HTTPRequest, type Page } from '@cloudflare/puppeteer';
import { noBrowser, ScrapeError, toScrapeError } from './errors.ts';
import type { PortalContext, PortalCookie, PortalPage, WithPortalContext } from './page.ts';

/** What a portal page looks like does not matter to the reader; what it weighs does. */
const unloaded: ReadonlySet<string> = new Set([
  'image',
  'media',
  'font',
  'stylesheet',
  'manifest',
  'texttrack',
  'other',
]);
/** Closing a browser that hangs must not hang the step. */
const closeWithinMs = 5_000;
/** Time for the work to notice a lost browser by itself. */
const graceAfterLossMs = 4_000;
/** Longest time to get a browser at all. */
const launchWithinMs = 30_000;

/** Browser Rendering behind the `BROWSER` binding. */
export const renderingBrowser =
  (binding: Fetcher): WithPortalContext =>
  (work) =>
    withBrowser(() => puppeteer.launch(binding), work);

/** Starts a browser with `launch`, runs `work` in a context of its own, closes everything. */
export async function withBrowser<T>(
  launch: () => Promise<Browser>,
  work: (context: PortalContext) => Promise<T>,
): Promise<T> {
  let browser: Browser;
  try {
    browser = await within(launchWithinMs, launch(), () => new Error('no browser in time'));
  } catch (error) {
    // Whatever the reason: nothing has been asked of the portal yet.
    throw noBrowser(error);
  }
  // A killed browser shows only at the next call, and a call in flight may never come back: some time after its end
  // the work is ended too. Until then the work may hand back what it has read.
  let onLost: (error: ScrapeError) => void = () => undefined;
  const lost = new Promise<never>((_, reject) => (onLost = reject));
  lost.catch(() => undefined);
  let graceTimer: ReturnType<typeof setTimeout> | undefined;
  browser.on('disconnected', () => {
    const error = new ScrapeError('BROWSER_LOST', 'The browser went away in the middle of the run.');
    graceTimer = setTimeout(() => onLost(error), graceAfterLossMs);
  });
  try {
    const context = await browser.createBrowserContext();
    return await Promise.race([work(portalContext(context)), lost]);
  } catch (error) {
    throw toScrapeError(error);
  } finally {
    clearTimeout(graceTimer);
    await within(closeWithinMs, browser.close(), () => new Error('closing took too long')).catch(() => undefined);
  }
}

function portalContext(context: BrowserContext): PortalContext {
  // Cookies are asked of a page; one is kept for that, because the others come and go.
  let cookiePage: Promise<Page> | null = null;
  const anyPage = (): Promise<Page> => (cookiePage ??= context.newPage());
  return {
    async newPage(): Promise<PortalPage> {
      const page = await context.newPage();
      await page.setRequestInterception(true);
      page.on('request', (request) => void filterRequest(request));
      // A dialog would stop the page for ever.
      page.on('dialog', (dialog) => void dialog.dismiss().catch(() => undefined));
      return page;
    },
    async cookies(): Promise<PortalCookie[]> {
      const session = await (await anyPage()).createCDPSession();
      const { cookies } = await session.send('Network.getAllCookies');
      await session.detach();
      return cookies.map(({ name, value, domain, path, expires, httpOnly, secure }) => ({
        name,
        value,
        domain,
        path,
        expires,
        httpOnly,
        secure,
      }));
    },
    async setCookies(cookies: PortalCookie[]): Promise<void> {
      if (cookies.length > 0) await (await anyPage()).setCookie(...cookies);
    },
  };
}

async function filterRequest(request: HTTPRequest): Promise<void> {
  const isWeb = /^(?:https?|data|blob):/i.test(request.url());
  try {
    if (!isWeb || unloaded.has(request.resourceType())) await request.abort();
    else await request.continue();
  } catch {
    // The page went away while its request was being judged; whoever waits for the page hears of it.
  }
}

/** Settles with `promise`, or rejects after `ms`. */
export async function within<T>(ms: number, promise: Promise<T>, late: () => Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
