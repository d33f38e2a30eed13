/**
 * The shell of a wall display as its service worker keeps it: page, scripts, styles and fonts of one build, all or nothing, so
 * that a screen comes up without a server. Pure but for what comes in as an effect; src/service-worker.ts wires it.
 */

/** What a browser's Cache offers, as far as it is used here. */
export interface ShellCache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<void>;
}
export interface ShellCaches {
  open(name: string): Promise<ShellCache>;
  keys(): Promise<string[]>;
  delete(name: string): Promise<boolean>;
}

export interface ShellEffects {
  caches: ShellCaches;
  /** Past every cache of the browser's own. */
  fetchFresh: (url: string) => Promise<Response>;
  fetch: (request: Request) => Promise<Response>;
}

export const shellPath = '/display';
/** Loads the page again when it has not come to life; in the kept page only. */
const watchScript = '/display-watch.js';
const cachePrefix = 'truckiq-display-';
const bootsCache = `${cachePrefix}boots`;
const bootsKey = '/display-boots';
/** So often a kept page may be opened without a sign of life before it is thrown away. */
const bootsAtMost = 2;
const fetchesAtOnce = 6;

const isPage = (response: Response): boolean => response.headers.get('content-type')?.includes('html') === true;

/** Good to be kept: whole, of this origin, and not the page that answers for every unknown path. */
const isGood = (response: Response): boolean => response.ok && response.type !== 'opaque' && !response.redirected;

/** What a page names with `src` and `href`, of this origin. */
const namedIn = (html: string): string[] =>
  [...html.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, path = '']) => path);
/** What the start script loads. */
const importedIn = (script: string): string[] =>
  [...script.matchAll(/["'](\/_app\/immutable\/[^"']+\.js)["']/g)].map(([, path = '']) => path);

export class Shell {
  readonly #name: string;
  readonly #files: readonly string[];
  readonly #effects: ShellEffects;

  /** `files`: the paths of everything that the display's page may ask for in this build. */
  constructor(version: string, files: readonly string[], effects: ShellEffects) {
    this.#name = `${cachePrefix}${version}`;
    this.#files = files;
    this.#effects = effects;
  }

  /**
   * Fetches everything of this build. @throws when anything is missing or belongs to another build: then the build before
   * stays in charge, and the next look for an update tries again.
   */
  async install(): Promise<void> {
    const { caches, fetchFresh } = this.#effects;
    const page = await fetchFresh(shellPath);
    if (!isGood(page) || !isPage(page)) throw new Error('the page did not come');
    const html = await page.text();
    const known = new Set(this.#files);
    const named = namedIn(html);
    const cache = await caches.open(this.#name);
    for (const path of named.filter((one) => one.includes('/immutable/start.'))) {
      const script = await fetchFresh(path);
      if (!isGood(script) || isPage(script)) throw new Error(`${path} did not come`);
      const text = await script.clone().text();
      const foreign = importedIn(text).find((one) => !known.has(one));
      // The server has moved on since this worker was built.
      if (foreign !== undefined) throw new Error(`${foreign} is of another build`);
      await cache.put(path, script);
      known.delete(path);
    }
    const rest = [...new Set([...known, watchScript, ...named.filter((path) => !path.includes('/immutable/start.'))])];
    await this.#fetchAll(cache, rest);
    const headers = new Headers(page.headers);
    headers.delete('content-encoding');
    headers.delete('content-length');
    const watched = html.replace('</head>', `<script src="${watchScript}" defer></script></head>`);
    // Last: a cache that holds the page holds everything.
    await cache.put(shellPath, new Response(watched, { headers }));
  }

  async #fetchAll(cache: ShellCache, paths: readonly string[]): Promise<void> {
    const waiting = [...paths];
    const others = await Promise.all((await this.#otherNames()).map((name) => this.#effects.caches.open(name)));
    const work = async (): Promise<void> => {
      for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
        await cache.put(path, await this.#fetchOne(path, others));
      }
    };
    await Promise.all(Array.from({ length: fetchesAtOnce }, work));
  }

  /** What carries its content in its name need not be fetched again for a new build. */
  async #fetchOne(path: string, others: readonly ShellCache[]): Promise<Response> {
    if (path.includes('/immutable/')) {
      for (const other of others) {
        const held = await other.match(path);
        if (held !== undefined && isGood(held) && !isPage(held)) return held;
      }
    }
    const response = await this.#effects.fetchFresh(path);
    if (!isGood(response) || isPage(response)) throw new Error(`${path} did not come`);
    return response;
  }

  async #otherNames(): Promise<string[]> {
    const names = await this.#effects.caches.keys();
    return names.filter((name) => name.startsWith(cachePrefix) && name !== this.#name && name !== bootsCache);
  }

  /** This build is in charge: what others left goes. */
  async activate(): Promise<void> {
    await Promise.all((await this.#otherNames()).map((name) => this.#effects.caches.delete(name)));
    await this.alive();
  }

  /** Whether a request is this worker's business: everything but the API and what tells of a new build. */
  static concerns(request: Pick<Request, 'method' | 'url'>, origin: string): boolean {
    const { origin: asked, pathname } = new URL(request.url);
    return (
      request.method === 'GET' && asked === origin && !pathname.startsWith('/api/') && pathname !== '/_app/version.json'
    );
  }

  /** The page: kept first, so that it fits its scripts; never a browser's own error page. */
  async page(request: Request): Promise<Response> {
    const { caches, fetch } = this.#effects;
    const kept = await this.#keptPage().catch(() => undefined);
    if (kept !== undefined) return kept;
    try {
      return await fetch(request);
    } catch {
      const cache = await caches.open(this.#name).catch(() => null);
      return (await cache?.match(shellPath)) ?? lastResort();
    }
  }

  /** undefined where there is none, and where the kept one has not come to life the last times. */
  async #keptPage(): Promise<Response | undefined> {
    const { caches } = this.#effects;
    const kept = await (await caches.open(this.#name)).match(shellPath);
    if (kept === undefined) return undefined;
    const boots = await caches.open(bootsCache);
    const opened = Number((await (await boots.match(bootsKey))?.text()) ?? 0);
    await boots.put(bootsKey, new Response(String(opened + 1)));
    return opened < bootsAtMost ? kept : undefined;
  }

  /** The page has come to life. */
  async alive(): Promise<void> {
    await (await this.#effects.caches.open(bootsCache)).put(bootsKey, new Response('0'));
  }

  /** A file: kept, or fetched and, when its name carries its content, kept from now on. */
  async file(request: Request): Promise<Response> {
    const { caches, fetch } = this.#effects;
    const { pathname } = new URL(request.url);
    const cache = await caches.open(this.#name).catch(() => null);
    const kept = await cache?.match(pathname).catch(() => undefined);
    if (kept !== undefined) return kept;
    const response = await fetch(request);
    if (pathname.includes('/immutable/') && isGood(response) && !isPage(response)) {
      await cache?.put(pathname, response.clone()).catch(() => undefined);
    }
    return response;
  }
}

/** Neither a kept page nor a server: says so, and tries again by itself. */
const lastResort = (): Response =>
  new Response(
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="15"><title>TruckIQ</title>' +
      '<body style="background:#0b1120;color:#eef2f8;font:4vh system-ui;display:grid;place-content:center;height:96vh;text-align:center">' +
      '<p>This screen cannot reach TruckIQ.<br>It tries again every 15 seconds.</p>',
    { status: 503, headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' } },
  );
