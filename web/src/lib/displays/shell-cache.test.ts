import { beforeEach, describe, expect, it } from 'vitest';
import { Shell, type ShellCache, type ShellCaches } from './shell-cache.ts';

const origin = 'https://truckiq.example';
const html = (build: string): string =>
  `<html><head><link rel="icon" href="/favicon.svg" /><script src="/theme.js"></script></head>` +
  `<body><script src="/_app/immutable/start.${build}.js"></script></body></html>`;

/** A server with one build, and the browser's caches. */
class World implements ShellCaches {
  readonly held = new Map<string, Map<string, Response>>();
  readonly asked: string[] = [];
  build = 'one';
  isUp = true;
  missing = new Set<string>();

  keys(): Promise<string[]> {
    return Promise.resolve([...this.held.keys()]);
  }
  delete(name: string): Promise<boolean> {
    return Promise.resolve(this.held.delete(name));
  }
  open(name: string): Promise<ShellCache> {
    const entries = this.held.get(name) ?? new Map<string, Response>();
    this.held.set(name, entries);
    return Promise.resolve({
      match: (url) => Promise.resolve(entries.get(url)?.clone()),
      put: (url, response) => {
        entries.set(url, response);
        return Promise.resolve();
      },
    });
  }
  fetch = (url: string): Promise<Response> => {
    const path = url.replace(origin, '');
    this.asked.push(path);
    if (!this.isUp) return Promise.reject(new TypeError('Failed to fetch'));
    if (path === '/display' || this.missing.has(path)) return Promise.resolve(this.#page());
    if (path.includes('/immutable/start.')) {
      const script = path === `/_app/immutable/start.${this.build}.js`;
      return Promise.resolve(
        script ? this.#file(`import("/_app/immutable/entry/app.${this.build}.js")`) : this.#page(),
      );
    }
    return Promise.resolve(this.#file(path));
  };
  #page(): Response {
    return new Response(html(this.build), { headers: { 'content-type': 'text/html', 'content-encoding': 'br' } });
  }
  #file(text: string): Response {
    return new Response(text, { headers: { 'content-type': 'text/javascript' } });
  }
  shell(build = this.build): Shell {
    const files = [`/_app/immutable/entry/app.${build}.js`, '/_app/immutable/assets/inter.woff2'];
    return new Shell(build, files, {
      caches: this,
      fetchFresh: this.fetch,
      fetch: (request) => this.fetch(request.url),
    });
  }
  kept(build = this.build): string[] {
    return [...(this.held.get(`truckiq-display-${build}`)?.keys() ?? [])].sort();
  }
}
const navigation = new Request(`${origin}/display`);
const boots = (world: World) => world.held.get('truckiq-display-boots')?.get('/display-boots')?.clone().text();

let world: World;
let shell: Shell;
beforeEach(async () => {
  world = new World();
  shell = world.shell();
  await shell.install();
  await shell.activate();
});

describe('the shell of a display', () => {
  it('is kept whole: the page, what it names, what its build may load', async () => {
    expect(world.kept()).toEqual([
      '/_app/immutable/assets/inter.woff2',
      '/_app/immutable/entry/app.one.js',
      '/_app/immutable/start.one.js',
      '/display',
      '/display-watch.js',
      '/favicon.svg',
      '/theme.js',
    ]);
    const page = await shell.page(navigation);
    expect(page.headers.has('content-encoding')).toBe(false);
    expect(await page.text()).toContain('<script src="/display-watch.js" defer></script></head>');
  });

  it('comes up without a server', async () => {
    world.isUp = false;
    expect(await (await shell.page(navigation)).text()).toContain('start.one.js');
    const file = await shell.file(new Request(`${origin}/_app/immutable/entry/app.one.js`));
    expect(await file.text()).toBe('/_app/immutable/entry/app.one.js');
  });

  it('never answers for the API, for what tells of a new build, for other origins, for anything but reading', () => {
    const concerns = (url: string, method = 'GET') => Shell.concerns({ url, method }, origin);
    expect(concerns(`${origin}/display`)).toBe(true);
    expect(concerns(`${origin}/theme.js`)).toBe(true);
    expect(concerns(`${origin}/api/v1/displays/me`)).toBe(false);
    expect(concerns(`${origin}/_app/version.json`)).toBe(false);
    expect(concerns(`${origin}/display`, 'POST')).toBe(false);
    expect(concerns('https://elsewhere.example/x.js')).toBe(false);
  });

  it('takes on a new build whole, without fetching again what has not changed, and drops the old one', async () => {
    world.build = 'two';
    world.asked.length = 0;
    const next = world.shell();
    await next.install();
    // Until it is in charge the old one still stands.
    expect(await (await shell.page(navigation)).text()).toContain('start.one.js');
    expect(world.asked).not.toContain('/_app/immutable/assets/inter.woff2');
    await next.activate();
    expect((await world.keys()).sort()).toEqual(['truckiq-display-boots', 'truckiq-display-two']);
    expect(await (await next.page(navigation)).text()).toContain('start.two.js');
  });

  it('refuses half a build: one whose server has moved on, or that answers a file with the page', async () => {
    const stale = world.shell('zero');
    await expect(stale.install()).rejects.toThrow('another build');
    world.missing.add('/theme.js');
    await expect(world.shell('one').install()).rejects.toThrow('/theme.js');
    expect(world.kept('zero')).not.toContain('/display');
  });

  it('asks the server when the kept page has twice not come to life, and still falls back to it', async () => {
    await shell.page(navigation);
    await shell.page(navigation);
    world.asked.length = 0;
    await shell.page(navigation);
    expect(world.asked).toEqual(['/display']);
    world.isUp = false;
    expect(await (await shell.page(navigation)).text()).toContain('start.one.js');
    await shell.alive();
    expect(await boots(world)).toBe('0');
    world.asked.length = 0;
    await shell.page(navigation);
    expect(world.asked).toEqual([]);
  });

  it('says so, and tries again by itself, when there is neither a kept page nor a server', async () => {
    world.held.clear();
    world.isUp = false;
    const page = await shell.page(navigation);
    expect(page.status).toBe(503);
    expect(await page.text()).toContain('http-equiv="refresh"');
  });

  it('fetches what is missing, and keeps it only when it is what it claims to be', async () => {
    const path = '/_app/immutable/chunks/late.js';
    await shell.file(new Request(origin + path));
    expect(world.kept()).toContain(path);
    world.missing.add('/_app/immutable/chunks/gone.js');
    await shell.file(new Request(`${origin}/_app/immutable/chunks/gone.js`));
    expect(world.kept()).not.toContain('/_app/immutable/chunks/gone.js');
  });
});
