/** The portal steps in a real Chromium against the portal simulator: every persona a portal has been seen in. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { portalAccounts, portalPassword } from '#simulators/portal/accounts';
import type { PersonaName, PersonaSettings } from '#simulators/portal/personas';
import { startSimulators, type Simulators } from '#simulators/start';
import { totpCode } from './totp.ts';
import { openSession, readVehicleDetails, readVehicleList, type DetailReading, type ListReading } from './reader.ts';
import { ScrapeError, type ScrapeFailure } from '../errors.ts';
import type { SaveEvidence } from '../evidence.ts';
import { localChromium } from '#test/platform/local-chromium';
import type { PortalCookie } from '../page.ts';
import { politeTerms, realClock, type PortalTerms } from '../portal-terms.ts';

let outside: Simulators;
const chromium = localChromium();

beforeAll(async () => {
  outside = await startSimulators({
    portalPort: 0,
    apiBaseUrl: 'http://127.0.0.1:1',
    seed: 7,
    anchorMs: Date.parse('2026-11-01T00:00:00Z'),
    speed: 1,
    gateway: false,
    log: () => undefined,
  });
  await control('PUT', '/clock', { frozen: true });
}, 60_000);

afterAll(async () => {
  chromium.stop();
  await outside.stop();
});

async function control(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await fetch(`${outside.portalUrl}/_control${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`control ${path}: ${answer.status} ${await answer.text()}`);
}
const persona = (username: string, name: PersonaName, settings: Partial<PersonaSettings> = {}) =>
  control('PUT', `/accounts/${username}`, { persona: name, ...settings });

/** Vehicles whose own pages are read where their number does not matter. */
const usual = 8;
const quick: Partial<PortalTerms> = { pauseMs: { min: 0, max: 0 }, pageTimeoutMs: 6_000, recogniseWithinMs: 2_000 };

interface Read {
  list: ListReading;
  details: DetailReading;
  newCookies: PortalCookie[] | null;
}

interface ReadOptions {
  password?: string;
  totpSecret?: string;
  cookies?: PortalCookie[];
  terms?: Partial<PortalTerms>;
  saveEvidence?: SaveEvidence;
  onProgress?: () => Promise<void>;
  /** Vehicles of which the own pages are read. */
  most?: number;
}

async function read(username: string, options: ReadOptions = {}): Promise<Read> {
  const { password = portalPassword, totpSecret = null, cookies = [], most = usual } = options;
  const around = {
    baseUrl: outside.portalUrl,
    terms: { ...politeTerms, ...quick, ...options.terms },
    clock: realClock,
    saveEvidence: options.saveEvidence ?? (async () => null),
  };
  return chromium.withContext(async (context) => {
    const session = await openSession(
      context,
      { baseUrl: outside.portalUrl, username, password, totpSecret },
      cookies,
      around,
    );
    const list = await readVehicleList(session);
    const details = await readVehicleDetails(
      session,
      list.assets.slice(0, most),
      options.onProgress ?? (async () => undefined),
    );
    return { list, details, newCookies: session.newCookies };
  });
}

async function failureOf(reading: Promise<unknown>): Promise<ScrapeFailure> {
  const error: unknown = await reading.then(() => null).catch((thrown: unknown) => thrown);
  if (!(error instanceof ScrapeError)) throw new Error(`expected a ScrapeError, got ${String(error)}`);
  return error.toFailure();
}

const fleetOf = (username: string) =>
  outside.world.trucksOf(portalAccounts.find((account) => account.username === username)?.fleetName ?? '');

/** What the world says of the trucks, in the shape the reader gives. */
function truth(username: string, most: number, printsSourceAddress = true) {
  return fleetOf(username)
    .slice(0, most)
    .map((truck) => ({
      vin: truck.vin,
      faults: outside.world
        .faults(truck)
        .map(({ spn, fmi, sourceAddress, isActive, occurrenceCount }) =>
          [printsSourceAddress ? sourceAddress : 0, spn, fmi, isActive, occurrenceCount].join('/'),
        )
        .sort(),
    }))
    .sort((a, b) => a.vin.localeCompare(b.vin));
}
const found = (details: DetailReading) =>
  details.vehicles
    .map(({ vin, faults }) => ({
      vin,
      faults: (faults ?? [])
        .map(({ spn, fmi, sourceAddress, isActive, occurrenceCount }) =>
          [sourceAddress, spn, fmi, isActive, occurrenceCount].join('/'),
        )
        .sort(),
    }))
    .sort((a, b) => a.vin.localeCompare(b.vin));

describe('the portal in a real browser', { timeout: 90_000 }, () => {
  it('reads list, vehicles and faults as they are, and uses its session again', async () => {
    const first = await read('blueridge', { most: 16 });
    const fleet = fleetOf('blueridge');
    expect(first.list.assets.map((asset) => asset.vin)).toEqual(fleet.map((truck) => truck.vin));
    expect(first.list.assets[0]).toMatchObject({
      unitNumber: fleet[0]?.unitNumber,
      year: fleet[0]?.year,
      make: fleet[0]?.make,
      model: fleet[0]?.model,
    });
    expect(first.details).toMatchObject({ failed: [], remaining: [], stopped: null });
    expect(found(first.details)).toEqual(truth('blueridge', 16));
    expect(found(first.details).some((vehicle) => vehicle.faults.length > 0)).toBe(true);
    for (const vehicle of first.details.vehicles) {
      expect(vehicle.odometerMiles).toBeGreaterThan(0);
      expect(vehicle.engineHours).toBeGreaterThan(0);
      expect(vehicle.engineModel).not.toBeNull();
      expect(vehicle.position).not.toBeNull();
    }
    const loginsBefore = outside.stats().portal.logins;
    const second = await read('blueridge', { cookies: first.newCookies ?? [] });
    expect(second.newCookies).toBeNull();
    expect(outside.stats().portal.logins).toBe(loginsBefore);
    expect(outside.stats().portal.maxConcurrent).toBeLessThanOrEqual(4);
  });

  it('reads lists that a script builds, tables, cards, moved columns and several codes in a row', async () => {
    expect(found((await read('highplains')).details)).toEqual(truth('highplains', usual));
    const cards = await read('cascade');
    expect(cards.list.assets[0]).toMatchObject({
      unitNumber: fleetOf('cascade')[0]?.unitNumber,
      make: fleetOf('cascade')[0]?.make,
    });
    expect(found(cards.details).map((vehicle) => vehicle.vin)).toEqual(
      truth('cascade', usual).map((vehicle) => vehicle.vin),
    );
    for (const name of ['shuffled_columns', 'asset_list', 'multi_pair_rows'] as const) {
      await persona('blueridge', name);
      const { list, details } = await read('blueridge');
      expect(list.assets[0]?.unitNumber).toBe(fleetOf('blueridge')[0]?.unitNumber);
      // A row of several codes prints one count for all of them; identity and state are each code's own.
      const ids = (rows: { vin: string; faults: string[] }[]) =>
        rows.map((row) => ({
          ...row,
          faults: row.faults.map((fault) => fault.split('/').slice(0, 4).join('/')).sort(),
        }));
      expect(ids(found(details))).toEqual(ids(truth('blueridge', usual)));
    }
    await persona('blueridge', 'normal');
  });

  it('follows the pages of a long list', async () => {
    const { list } = await read('bulk-500', { most: 0 });
    expect(list.assets).toHaveLength(500);
    expect(list.nextHref).toBeNull();
  });

  it('accepts the policies, and answers the one-time code where a secret is stored', async () => {
    await persona('blueridge', 'policies');
    expect((await read('blueridge', { most: 1 })).details.vehicles).toHaveLength(1);
    await persona('blueridge', 'mfa');
    expect((await failureOf(read('blueridge', { most: 1 }))).code).toBe('MFA_REQUIRED');
    const totpSecret = portalAccounts.find((account) => account.username === 'blueridge')?.totpSecret ?? '';
    expect(await totpCode(totpSecret, Date.now())).toMatch(/^\d{6}$/);
    expect((await read('blueridge', { most: 1, totpSecret })).details.vehicles).toHaveLength(1);
    await persona('blueridge', 'normal');
  });

  it('says in the portal’s own words that the password is wrong', async () => {
    const failure = await failureOf(read('blueridge', { password: 'wrong' }));
    expect(failure.code).toBe('LOGIN_FAILED');
    expect(failure.message).toMatch(/^The portal refused the sign-in: \S+ \S+/);
    expect(failure.message).not.toContain('wrong ');
  });

  it('fails loudly on changed markup, with the page kept', async () => {
    await persona('blueridge', 'markup_changed');
    const kept: string[] = [];
    const failure = await failureOf(
      read('blueridge', {
        saveEvidence: async (page, what) => {
          kept.push(await page.content());
          expect((await page.screenshot()).byteLength).toBeGreaterThan(1_000);
          return `sync/t/r/${what}.html`;
        },
      }),
    );
    expect(failure).toMatchObject({ code: 'MARKUP_CHANGED', evidenceKey: 'sync/t/r/vehicle list.html' });
    expect(kept[0]).toContain('reimagined');
    await persona('blueridge', 'normal');
  });

  it('gives up on a page that hangs, and reads the others', async () => {
    await persona('blueridge', 'hang');
    const { details } = await read('blueridge', { terms: { pageTimeoutMs: 1_500 } });
    expect(details.vehicles).toHaveLength(usual - 1);
    expect(details.failed).toMatchObject([
      { asset: { vin: fleetOf('blueridge')[0]?.vin }, failure: { code: 'TIMED_OUT' } },
    ]);
    await persona('blueridge', 'hang_login');
    expect((await failureOf(read('blueridge', { terms: { pageTimeoutMs: 1_500 } }))).code).toBe('TIMED_OUT');
    await persona('blueridge', 'normal');
  });

  it('signs in again when the session ends in the middle', async () => {
    await persona('blueridge', 'session_expires', { afterRequests: 9 });
    // Many times: pages on their way when the session ends must not spoil the form of the new sign-in.
    const { details, newCookies } = await read('blueridge', { most: 40 });
    expect(details).toMatchObject({ failed: [], remaining: [], stopped: null });
    expect(found(details)).toEqual(truth('blueridge', 40));
    expect(newCookies).not.toBeNull();
    await persona('blueridge', 'session_expires', { afterRequests: 1 });
    expect((await failureOf(read('blueridge'))).code).toBe('SESSION_EXPIRED');
    await persona('blueridge', 'normal');
  });

  it('waits out a short 429 and hands back what it has on a long one', async () => {
    await persona('blueridge', 'rate_limited', { afterRequests: 12, retryAfterSeconds: 1 });
    const patient = await read('blueridge');
    expect(found(patient.details)).toEqual(truth('blueridge', usual));
    await persona('blueridge', 'rate_limited', { afterRequests: 12, retryAfterSeconds: 600 });
    const { details } = await read('blueridge');
    expect(details.stopped).toMatchObject({ code: 'RATE_LIMITED' });
    expect(details.stopped?.retryAfterMs).toBeGreaterThan(590_000);
    expect(details.vehicles.length + details.remaining.length).toBe(usual);
    expect(details.remaining.length).toBeGreaterThan(0);
    await persona('blueridge', 'normal');
  });

  it('names the vehicles behind an error page and reads the rest', async () => {
    await persona('blueridge', 'server_error', { afterRequests: 8 });
    const { details } = await read('blueridge');
    expect(details.failed).toMatchObject([{ failure: { code: 'UPSTREAM_FAILED' } }]);
    expect(details.vehicles).toHaveLength(usual - 1);
    await persona('blueridge', 'normal');
  });

  it('hands back what it has read when the browser is killed', async () => {
    let progress = 0;
    const startedMs = Date.now();
    const { details } = await read('blueridge', {
      most: 40,
      onProgress: async () => {
        progress += 1;
        if (progress === 8) chromium.kill();
      },
    });
    expect(details.stopped?.code).toBe('BROWSER_LOST');
    expect(details.vehicles.length).toBeGreaterThanOrEqual(8);
    expect(details.vehicles.length + details.remaining.length).toBe(40);
    expect(Date.now() - startedMs).toBeLessThan(20_000);
  });

  it('keeps hostile text as bounded data', async () => {
    await persona('blueridge', 'hostile_text');
    const { list, details } = await read('blueridge');
    for (const asset of list.assets) {
      expect(asset.unitNumber.length).toBeLessThanOrEqual(40);
      expect(`${asset.unitNumber}${asset.model}`).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
    const codes = (rows: { vin: string; faults: string[] }[]) => rows.map((row) => row.faults.length);
    expect(details.failed).toEqual([]);
    // What a description says is never read as a further code.
    expect(codes(found(details))).toEqual(codes(truth('blueridge', usual)).map((count) => Math.max(count, 1)));
    const descriptions = details.vehicles.flatMap((vehicle) =>
      (vehicle.faults ?? []).map((fault) => fault.description ?? ''),
    );
    expect(descriptions.some((text) => text.includes('<script>'))).toBe(true);
    for (const text of descriptions) expect(text.length).toBeLessThanOrEqual(200);
    await persona('blueridge', 'normal');
  });

  it('reads an empty fleet as empty', async () => {
    await persona('blueridge', 'empty_fleet');
    expect((await read('blueridge')).list.assets).toEqual([]);
    await persona('blueridge', 'normal');
  });
});
