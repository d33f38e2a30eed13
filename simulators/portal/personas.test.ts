import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClock } from '../world/clock.ts';
import { createWorld, type World } from '../world/world.ts';
import { portalAccounts } from './accounts.ts';
import { hostileTexts } from './hostile-text.ts';
import { createPortal, type Portal } from './portal.ts';
import { totpCode } from './totp.ts';
import { Visitor } from './visitor.ts';

const anchorMs = Date.UTC(2026, 10, 20);
let nowMs: number;
let world: World;
let portal: Portal;
let visitor: Visitor;

beforeEach(() => {
  nowMs = anchorMs;
  world = createWorld({ seed: 2026, clock: createClock({ anchorMs, speed: 1, now: () => nowMs }) });
  portal = createPortal({ world, accounts: portalAccounts, now: () => nowMs, remoteAddressOf: () => '127.0.0.1' });
  visitor = new Visitor(portal);
});
afterEach(() => portal.release());

const become = (persona: string, settings: Record<string, unknown> = {}) =>
  visitor.control('PUT', '/accounts/blueridge', { persona, ...settings });
const statuses = async (count: number, path = '/assets') => {
  const found: number[] = [];
  for (let index = 0; index < count; index += 1) found.push((await visitor.ask(path)).status);
  return found;
};
const firstVin = () => world.trucksOf('Blue Ridge Freight')[0]?.vin ?? '';
const secret = () => portalAccounts.find((account) => account.username === 'blueridge')?.totpSecret ?? '';

describe('personas of the way in', () => {
  it('policies: shows nothing before they are accepted, and asks once', async () => {
    await become('policies');
    expect((await visitor.signIn('blueridge')).headers.get('Location')).toBe('/policies');
    expect((await visitor.ask('/assets')).headers.get('Location')).toBe('/policies');
    expect(await visitor.text('/policies')).toContain('Policies &amp; Agreements');
    expect(await (await visitor.send('/policies', {})).text()).toContain('alert-danger');
    expect((await visitor.post('/policies', { accept: 'yes' })).status).toBe(403);
    expect((await visitor.send('/policies', { accept: 'yes' })).headers.get('Location')).toBe('/dashboard');
    expect((await visitor.ask('/assets')).status).toBe(200);
    visitor.cookies.clear();
    expect((await visitor.signIn('blueridge')).headers.get('Location')).toBe('/dashboard');
  });

  it('mfa: wants the right code, once, and gives up after five wrong ones', async () => {
    await become('mfa');
    expect((await visitor.signIn('blueridge')).headers.get('Location')).toBe('/login/verify');
    expect((await visitor.ask('/assets')).headers.get('Location')).toBe('/login/verify');
    expect(await visitor.text('/login/verify')).toMatch(/name="code"[^>]*placeholder="6-digit code"/s);
    const code = totpCode(secret(), nowMs);
    const wrong = code === '000000' ? '000001' : '000000';
    expect(await (await visitor.send('/login/verify', { code: wrong })).text()).toContain('alert-danger');
    expect((await visitor.send('/login/verify', { code: totpCode(secret(), nowMs - 90_000) })).status).toBe(200);
    expect((await visitor.send('/login/verify', { code })).headers.get('Location')).toBe('/dashboard');
    expect((await visitor.ask('/assets')).status).toBe(200);

    visitor.cookies.clear();
    await visitor.signIn('blueridge');
    expect(await (await visitor.send('/login/verify', { code })).text()).toContain('not valid');
    for (let tries = 0; tries < 3; tries += 1) await visitor.send('/login/verify', { code: wrong });
    expect((await visitor.send('/login/verify', { code: wrong })).headers.get('Location')).toBe('/login?expired=1');
    expect((await visitor.ask('/login/verify')).headers.get('Location')).toBe('/login');
  });

  it('hang_login: never answers until the client gives up or the portal closes', async () => {
    await become('hang_login');
    let answered = false;
    const answer = visitor.signIn('blueridge').then(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(answered).toBe(false);
    portal.release();
    await answer;
  });
});

describe('personas of a bad day', () => {
  it('rate_limited: 429 with Retry-After until it has passed, then as many pages again', async () => {
    await become('rate_limited', { afterRequests: 2, retryAfterSeconds: 3 });
    await visitor.signIn('blueridge');
    expect(await statuses(4)).toEqual([200, 200, 429, 429]);
    expect((await visitor.ask('/assets')).headers.get('Retry-After')).toBe('3');
    nowMs += 2500;
    expect((await visitor.ask('/assets')).headers.get('Retry-After')).toBe('1');
    nowMs += 500;
    expect(await statuses(3)).toEqual([200, 200, 429]);
  });

  it('server_error: fails once after so many pages, or again and again', async () => {
    await become('server_error', { afterRequests: 2 });
    await visitor.signIn('blueridge');
    expect(await statuses(7)).toEqual([200, 200, 500, 200, 200, 200, 200]);
    await become('server_error', { afterRequests: 1, isRepeated: true });
    await visitor.signIn('blueridge');
    expect(await statuses(5)).toEqual([200, 500, 200, 500, 200]);
    await become('server_error', { afterRequests: 0, isRepeated: true });
    await visitor.signIn('blueridge');
    expect(await statuses(3)).toEqual([500, 500, 500]);
  });

  it('session_expires: the session dies after so many pages, and the next one too', async () => {
    await become('session_expires', { afterRequests: 3 });
    for (let round = 0; round < 2; round += 1) {
      await visitor.signIn('blueridge');
      expect(await statuses(4)).toEqual([200, 200, 200, 302]);
      expect(visitor.cookies.has('TTSESSION')).toBe(false);
    }
  });

  it('hang: one diagnostics page never answers, the others do', async () => {
    const hangVin = world.trucksOf('Blue Ridge Freight')[2]?.vin;
    await become('hang', { hangVin });
    await visitor.signIn('blueridge');
    expect((await visitor.ask(`/assets/${firstVin()}/diagnostics`)).status).toBe(200);
    const giveUp = new AbortController();
    let answered = false;
    const answer = visitor
      .ask(`/assets/${hangVin}/diagnostics`, { signal: giveUp.signal })
      .then(() => (answered = true))
      .catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(answered).toBe(false);
    expect(portal.counters().concurrentNow).toBe(1);
    giveUp.abort();
    portal.release();
    await answer;
    expect(portal.counters().concurrentNow).toBe(0);
  });

  it('slow: takes its time', async () => {
    await become('slow', { latencyMs: 80 });
    await visitor.signIn('blueridge');
    const startedMs = performance.now();
    await visitor.ask('/assets');
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(75);
  });
});

describe('personas of other pages', () => {
  it('markup_changed: nothing on any page is what it was', async () => {
    await become('markup_changed');
    await visitor.signIn('blueridge');
    for (const path of ['/assets', `/assets/${firstVin()}`, `/assets/${firstVin()}/diagnostics`]) {
      const [, page = ''] = (await visitor.text(path)).split('</style>');
      expect(page).toContain('Your fleet, reimagined');
      expect(page).not.toMatch(/<table|asset-list|fault-|dtc-|no-faults|<dl|1XK/);
    }
  });

  it('asset_list and shuffled_columns: the same trucks in another form', async () => {
    const vinsIn = (page: string) => (page.match(/href="\/assets\/[A-Z0-9]{17}"/g) ?? []).sort();
    await visitor.signIn('blueridge');
    const vins = vinsIn(await visitor.text('/assets'));
    expect(vins).toHaveLength(40);
    await become('asset_list');
    await visitor.signIn('blueridge');
    const list = await visitor.text('/assets');
    expect(list).toContain('class="asset-list"');
    expect(list).not.toContain('<table');
    expect(vinsIn(list)).toEqual(vins);
    await become('shuffled_columns');
    await visitor.signIn('blueridge');
    const table = await visitor.text('/assets');
    expect([...table.matchAll(/<th scope="col">([^<]+)</g)].map((match) => match[1])).toEqual([
      'Status',
      'Customer',
      'Year / Make / Model',
      'VIN',
      'Unit Number',
    ]);
    expect(vinsIn(table)).toEqual(vins);
  });

  it('half_fleet and empty_fleet: fewer than half, and none', async () => {
    await become('half_fleet');
    await visitor.signIn('blueridge');
    expect((await visitor.text('/assets')).match(/href="\/assets\/[A-Z0-9]{17}"/g)).toHaveLength(19);
    await become('empty_fleet');
    await visitor.signIn('blueridge');
    const page = await visitor.text('/assets');
    expect(page).toContain('<th scope="col">VIN</th>');
    expect(page).not.toMatch(/href="\/assets\/[A-Z0-9]{17}"/);
  });

  it('hostile_text: arrives as text, never as markup', async () => {
    await become('hostile_text');
    await visitor.signIn('blueridge');
    const pages = [await visitor.text('/assets')];
    for (const truck of world.trucksOf('Blue Ridge Freight').slice(0, 9)) {
      pages.push(await visitor.text(`/assets/${truck.vin}`), await visitor.text(`/assets/${truck.vin}/diagnostics`));
    }
    const all = pages.join('\n');
    expect(all).not.toMatch(/<img|<script>document/);
    expect(all).toContain('&lt;img src=x onerror=');
    expect(all).toContain('=HYPERLINK(');
    expect(all).toContain('{{7*7}}');
    expect(all).toContain('\u202E');
    expect(all).toContain('N'.repeat(5000));
    expect(hostileTexts.length).toBeGreaterThanOrEqual(9);
  });

  it('hostile_text: cannot end the embedded data of a scripted page', async () => {
    await visitor.control('PUT', '/accounts/highplains', { persona: 'hostile_text' });
    await visitor.signIn('highplains');
    for (const truck of world.trucksOf('High Plains Logistics').slice(0, 9)) {
      const page = await visitor.text(`/assets/${truck.vin}/diagnostics`);
      expect(page.match(/<\/script>/g)).toHaveLength(2);
      const data: unknown = JSON.parse(/id="fault-data">([^<]*)<\/script>/.exec(page)?.[1] ?? '');
      expect(data).toHaveProperty('rows');
    }
  });

  it('multi_pair_rows: several pairs in a row, none lost', async () => {
    await become('multi_pair_rows');
    await visitor.signIn('blueridge');
    let widest = 0;
    for (const truck of world.trucksOf('Blue Ridge Freight')) {
      nowMs += 1000;
      const page = await visitor.text(`/assets/${truck.vin}/diagnostics`);
      const pairs = [...page.matchAll(/SPN: (\d+) FMI: (\d+)/g)].map((match) => `${match[1]}/${match[2]}`).sort();
      expect(pairs).toEqual(
        world
          .faults(truck)
          .map((fault) => `${fault.spn}/${fault.fmi}`)
          .sort(),
      );
      for (const row of page.split('fault-row ').slice(1)) widest = Math.max(widest, row.match(/SPN: /g)?.length ?? 0);
    }
    expect(widest).toBeGreaterThan(1);
  });
});
