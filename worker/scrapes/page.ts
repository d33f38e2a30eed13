/**
 * The part of a browser that portal steps use, as structural types: Browser Rendering's puppeteer and a locally
 * started Chromium both satisfy them, and a test may hand in neither.
 */

export interface PortalResponse {
  status(): number;
  headers(): Record<string, string>;
}

type Until = 'domcontentloaded';

export interface PortalPage {
  goto(url: string, options: { waitUntil: Until; timeout: number }): Promise<PortalResponse | null>;
  waitForNavigation(options: { waitUntil: Until; timeout: number }): Promise<PortalResponse | null>;
  waitForSelector(selector: string, options: { timeout: number }): Promise<unknown>;
  /** The page's HTML as it stands now, scripts' work included. */
  content(): Promise<string>;
  url(): string;
  type(selector: string, text: string): Promise<void>;
  /** Runs an expression in the page; only expressions written in our code. */
  evaluate(expression: string): Promise<unknown>;
  screenshot(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A cookie as a browser hands it out and takes it back. */
export interface PortalCookie {
  name: string;
  value: string;
  domain: string;
  path: string;
  /** Seconds since the epoch; -1 for a session cookie. */
  expires: number;
  httpOnly: boolean;
  secure: boolean;
}

/** One signed-out browser window of its own: nothing is shared between two tenants. */
export interface PortalContext {
  newPage(): Promise<PortalPage>;
  cookies(): Promise<PortalCookie[]>;
  setCookies(cookies: PortalCookie[]): Promise<void>;
}

/** Gives `work` a fresh context and closes the browser afterwards, whatever happens. */
export type WithPortalContext = <T>(work: (context: PortalContext) => Promise<T>) => Promise<T>;
