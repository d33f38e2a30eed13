import { beforeEach, describe, expect, it } from 'vitest';
import { createClock } from '../world/clock.ts';
import { createWorld, type World } from '../world/world.ts';
import { portalAccounts } from './accounts.ts';
import { createPortal, type Portal } from './portal.ts';
import { Visitor } from './visitor.ts';

const anchorMs = Date.UTC(2026, 10, 20);
let nowMs: number;
let world: World;
let portal: Portal;
let visitor: Visitor;
let remoteAddress: string | null;

beforeEach(() => {
  nowMs = anchorMs;
  remoteAddress = '127.0.0.1';
  world = createWorld({ seed: 2026, clock: createClock({ anchorMs, speed: 60, now: () => nowMs }) });
  portal = createPortal({
    world,
    accounts: portalAccounts,
    now: () => nowMs,
    remoteAddressOf: () => remoteAddress,
    requestsPerSecond: 10,
  });
  visitor = new Visitor(portal);
});

describe('sign-in', () => {
  it('shows nothing without a session', async () => {
    for (const path of ['/dashboard', '/assets', '/assets/1XKYD49X1NJZZ0001', '/policies', '/login/verify']) {
      const response = await visitor.ask(path);
      expect([path, response.status, response.headers.get('Location')]).toEqual([path, 302, '/login']);
    }
    visitor.cookies.set('TTSESSION', 'made-up');
    expect((await visitor.ask('/assets')).headers.get('Location')).toBe('/login?expired=1');
  });

  it('refuses a form without its token, with another token, sent twice, or from elsewhere', async () => {
    const fields = { auth_key: 'blueridge', password: 'Portal-Demo-2026!' };
    await visitor.text('/login');
    expect((await visitor.post('/login', fields)).status).toBe(403);
    await visitor.text('/login');
    expect((await visitor.post('/login', { ...fields, _csrf: 'guess' })).status).toBe(403);
    const token = /_csrf"\s+value="([^"]+)/.exec(await visitor.text('/login'))?.[1] ?? '';
    const form = visitor.cookies.get('TTFORM') ?? '';
    const foreign = await visitor.post('/login', { ...fields, _csrf: token }, { Origin: 'http://evil.example' });
    expect(foreign.status).toBe(403);
    visitor.cookies.set('TTFORM', form);
    expect((await visitor.post('/login', { ...fields, _csrf: token }, { Origin: 'http://portal.test' })).status).toBe(
      302,
    );
    visitor.cookies.clear();
    visitor.cookies.set('TTFORM', form);
    expect((await visitor.post('/login', { ...fields, _csrf: token })).status).toBe(403);
  });

  it('says so when user name or password are wrong', async () => {
    for (const [name, password] of [
      ['blueridge', 'nope'],
      ['nobody', 'Portal-Demo-2026!'],
    ] as const) {
      const response = await visitor.signIn(name, password);
      expect(response.status).toBe(200);
      expect(await response.text()).toMatch(/class="alert alert-danger"[^>]*>\s*Invalid user name or password/);
    }
    expect(visitor.cookies.has('TTSESSION')).toBe(false);
    expect(portal.counters().wrongLogins).toBe(2);
  });

  it('has the form the product looks for, and lands on the dashboard', async () => {
    const page = await visitor.text('/login');
    for (const part of ['id="auth_key"', 'type="password"', 'type="submit"']) expect(page).toContain(part);
    const response = await visitor.signIn('blueridge');
    expect([response.status, response.headers.get('Location')]).toEqual([302, '/dashboard']);
    expect(await visitor.text('/dashboard')).toContain('Blue Ridge Freight');
    expect((await visitor.ask('/login')).headers.get('Location')).toBe('/dashboard');
    expect((await visitor.ask('/')).headers.get('Location')).toBe('/dashboard');
  });

  it('ends a session after a day and on signing out', async () => {
    await visitor.signIn('blueridge');
    nowMs += 24 * 3_600_000 - 1;
    expect((await visitor.ask('/assets')).status).toBe(200);
    nowMs += 1;
    expect((await visitor.ask('/assets')).headers.get('Location')).toBe('/login?expired=1');
    await visitor.signIn('blueridge');
    const cookie = visitor.cookies.get('TTSESSION') ?? '';
    await visitor.ask('/logout');
    visitor.cookies.set('TTSESSION', cookie);
    expect((await visitor.ask('/assets')).status).toBe(302);
  });
});

describe('strictness', () => {
  beforeEach(() => visitor.signIn('blueridge'));

  it('answers 405 to methods a page does not have', async () => {
    for (const [path, method] of [
      ['/assets', 'POST'],
      ['/dashboard', 'DELETE'],
      ['/login', 'PUT'],
      ['/assets/x/diagnostics', 'POST'],
    ] as const) {
      const response = await visitor.ask(path, { method });
      expect([path, response.status]).toEqual([path, 405]);
      expect(response.headers.get('Allow')).toContain('GET');
    }
    expect((await visitor.ask('/assets', { method: 'HEAD' })).status).toBe(200);
  });

  it('answers 404 to pages and trucks that are not there, and to trucks of another company', async () => {
    const foreign = world.trucksOf('Cascade Carriers')[0]?.vin ?? '';
    for (const path of [
      '/nothing',
      '/assets?page=0',
      '/assets?page=2',
      '/assets?page=x',
      `/assets/${foreign}`,
      `/assets/${foreign}/diagnostics`,
    ]) {
      expect([path, (await visitor.ask(path)).status]).toEqual([path, 404]);
    }
  });

  it('answers 429 above its pace, per session, for one second', async () => {
    nowMs += 1000;
    const statuses: number[] = [];
    for (let count = 0; count < 12; count += 1) statuses.push((await visitor.ask('/dashboard')).status);
    expect(statuses).toEqual([...Array<number>(10).fill(200), 429, 429]);
    expect((await visitor.ask('/dashboard')).headers.get('Retry-After')).toBe('1');
    const other = new Visitor(portal);
    await other.signIn('blueridge');
    expect((await other.ask('/dashboard')).status).toBe(200);
    nowMs += 1000;
    expect((await visitor.ask('/dashboard')).status).toBe(200);
  });
});

describe('pages', () => {
  const truckOf = (fleetName: string, needsFaults: boolean) => {
    const truck = world.trucksOf(fleetName).find((candidate) => world.faults(candidate).length > 0 === needsFaults);
    if (truck === undefined) throw new Error('no such truck');
    return truck;
  };

  it('lists a fleet in pages of 50 with a next link until the last', async () => {
    await visitor.signIn('bulk-100');
    const first = await visitor.text('/assets');
    expect(first.match(/<tr>/g)).toHaveLength(51);
    expect(first).toContain('<a class="next" rel="next" href="/assets?page=2">');
    const second = await visitor.text('/assets?page=2');
    expect(second).not.toContain('rel="next"');
    expect(second).toContain('rel="prev"');
    const vins = `${first}${second}`.match(/href="\/assets\/[A-Z0-9]{17}"/g) ?? [];
    expect(new Set(vins).size).toBe(100);
  });

  it('prints the facts of a truck', async () => {
    await visitor.signIn('blueridge');
    const truck = truckOf('Blue Ridge Freight', true);
    const page = await visitor.text(`/assets/${truck.vin}`);
    const odometer = world.position(truck).odometerMiles.toLocaleString('en-US', { minimumFractionDigits: 1 });
    for (const text of [
      `${odometer} mi`,
      truck.engineModel,
      `/assets/${truck.vin}/diagnostics`,
      'Last Location',
      'datetime="2026-11-20T00:00',
    ]) {
      expect(page).toContain(text);
    }
  });

  it('prints every fault with its pair, state, count and controller', async () => {
    await visitor.signIn('blueridge');
    const truck = truckOf('Blue Ridge Freight', true);
    const text = (await visitor.text(`/assets/${truck.vin}/diagnostics`)).replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
    for (const fault of world.faults(truck)) {
      const state = fault.isActive ? 'Active' : 'Inactive';
      expect(text).toMatch(
        new RegExp(
          `SPN: ${fault.spn} FMI: ${fault.fmi} .{3,80} SA: ${fault.sourceAddress} Lamps: .{1,60} ${state} ${fault.occurrenceCount} occurrence`,
        ),
      );
    }
    const quiet = await visitor.text(`/assets/${truckOf('Blue Ridge Freight', false).vin}/diagnostics`);
    expect(quiet).toContain('class="no-faults"');
    expect(quiet).not.toContain('class="fault-list"');
  });

  it('builds the list in the browser for some, whose markup holds none of it', async () => {
    await visitor.signIn('highplains');
    const truck = truckOf('High Plains Logistics', true);
    const page = await visitor.text(`/assets/${truck.vin}/diagnostics`);
    expect(page).not.toMatch(/class="(dtc-table|fault-list|no-faults)"/);
    const data = /id="fault-data">([^<]+)</.exec(page)?.[1] ?? '';
    expect(JSON.parse(data)).toMatchObject({ layout: 'dtc_table' });
  });

  it('has another list and no source addresses for others', async () => {
    await visitor.signIn('cascade');
    expect(await visitor.text('/assets')).toContain('class="asset-list"');
    const page = await visitor.text(`/assets/${truckOf('Cascade Carriers', true).vin}/diagnostics`);
    expect(page).toMatch(/<tr class="(active|inactive)">/);
    expect(page).not.toContain('SA: ');
  });

  it('gives byte-identical pages while the world is frozen, and others once it goes on', async () => {
    await visitor.signIn('blueridge');
    await visitor.control('PUT', '/clock', { frozen: true });
    const paths = [
      '/dashboard',
      '/assets',
      ...world
        .trucksOf('Blue Ridge Freight')
        .slice(0, 4)
        .flatMap(({ vin }) => [`/assets/${vin}`, `/assets/${vin}/diagnostics`]),
    ];
    const round = async () => {
      const pages: string[] = [];
      for (const path of paths) {
        nowMs += 120_000;
        pages.push(await visitor.text(path));
      }
      return pages;
    };
    const first = await round();
    expect(await round()).toEqual(first);
    await visitor.control('PUT', '/clock', { frozen: false });
    expect(await round()).not.toEqual(first);
  });
});

describe('control', () => {
  it('is refused from other machines, from unknown places and from pages in a browser', async () => {
    for (const address of ['10.0.0.7', null]) {
      remoteAddress = address;
      expect((await visitor.control('GET', '/state')).status).toBe(403);
    }
    remoteAddress = '127.0.0.1';
    expect((await visitor.ask('/_control/state', { headers: { Origin: 'http://portal.test' } })).status).toBe(403);
    expect((await visitor.control('GET', '/state')).status).toBe(200);
  });

  it('refuses what it does not understand', async () => {
    const vin = world.trucksOf('Blue Ridge Freight')[0]?.vin ?? '';
    const refused: [string, string, unknown, number][] = [
      ['PUT', '/accounts/nobody', { persona: 'normal' }, 404],
      ['PUT', '/accounts/blueridge', { persona: 'friendly' }, 400],
      ['PUT', '/accounts/blueridge', { persona: 'normal', colour: 'red' }, 400],
      ['POST', '/faults', { vin, spn: 524_288, fmi: 0, isActive: true }, 400],
      ['POST', '/faults', { vin: '1XKYD49X1NJZZ9999', spn: 100, fmi: 1, isActive: true }, 404],
      ['PUT', '/clock', {}, 400],
      ['PUT', '/clock', undefined, 400],
      ['GET', '/else', undefined, 404],
    ];
    for (const [method, path, body, status] of refused) {
      expect([path, (await visitor.control(method, path, body)).status]).toEqual([path, status]);
    }
  });

  it('lays a fault over the world and takes it away again', async () => {
    await visitor.signIn('blueridge');
    const vin = world.trucksOf('Blue Ridge Freight')[0]?.vin ?? '';
    const before = await visitor.text(`/assets/${vin}/diagnostics`);
    const fault = {
      vin,
      spn: 4321,
      fmi: 5,
      sourceAddress: 61,
      description: 'Test Part Open',
      isActive: true,
      occurrenceCount: 3,
    };
    expect((await visitor.control('POST', '/faults', fault)).status).toBe(201);
    const during = (await visitor.text(`/assets/${vin}/diagnostics`)).replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
    expect(during).toContain('SPN: 4321 FMI: 5 Test Part Open SA: 61 Lamps: — Active 3 occurrences');
    await visitor.control('POST', '/faults', { ...fault, isActive: false });
    expect(await visitor.text(`/assets/${vin}/diagnostics`)).toMatch(
      /fault-row inactive">\s*<span class="fault-code">SPN: 4321/,
    );
    expect(await (await visitor.control('DELETE', '/faults')).json()).toEqual({ cleared: 1 });
    expect(await visitor.text(`/assets/${vin}/diagnostics`)).toBe(before);
  });

  it('counts requests by kind, answers by status, sign-ins and the most at once', async () => {
    await visitor.signIn('blueridge');
    await Promise.all(['/assets', '/assets', '/dashboard'].map((path) => visitor.ask(path)));
    const stats: unknown = await (await visitor.control('GET', '/stats')).json();
    expect(stats).toMatchObject({
      requestsByKind: { login: 2, assets: 2, dashboard: 1 },
      logins: 1,
      concurrentNow: 0,
      sessions: 1,
    });
    expect(stats).toHaveProperty('maxConcurrent', 3);
    await visitor.control('DELETE', '/stats');
    expect(portal.counters().requestsByKind).toEqual({});
  });
});
