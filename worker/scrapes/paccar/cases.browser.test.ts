/** The cases beside the vehicles' own pages, in a real Chromium: nothing that goes wrong there spoils the vehicles. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { portalAccounts, portalPassword } from '#simulators/portal/accounts';
import type { PersonaName, PersonaSettings } from '#simulators/portal/personas';
import { startSimulators, type Simulators } from '#simulators/start';
import { caseNumberOf } from '#simulators/world/faults/case-number';
import { localChromium } from '#test/platform/local-chromium';
import { politeTerms, realClock, type PortalTerms } from '../portal-terms.ts';
import type { CasesAreDue } from './read-cases.ts';
import { openSession, readVehicleDetails, readVehicleList, type DetailReading } from './reader.ts';

let outside: Simulators;
const chromium = localChromium();
const day = 86_400_000;
const most = 8;

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
const persona = (name: PersonaName, settings: Partial<PersonaSettings> = {}) =>
  control('PUT', '/accounts/blueridge', { persona: name, ...settings });
const fleetOf = (username: string) =>
  outside.world.trucksOf(portalAccounts.find((account) => account.username === username)?.fleetName ?? '');
const everybody: CasesAreDue = () => true;

async function read(
  username: string,
  options: { areDue?: CasesAreDue; terms?: Partial<PortalTerms>; saved?: string[] } = {},
): Promise<DetailReading> {
  const quick = { pauseMs: { min: 0, max: 0 }, pageTimeoutMs: 6_000, recogniseWithinMs: 1_000 };
  const around = {
    baseUrl: outside.portalUrl,
    terms: { ...politeTerms, ...quick, ...options.terms },
    clock: realClock,
    saveEvidence: async (_page: unknown, what: string) => (options.saved?.push(what), `kept/${what}.html`),
  };
  const access = { baseUrl: outside.portalUrl, username, password: portalPassword, totpSecret: null };
  return chromium.withContext(async (context) => {
    const session = await openSession(context, access, [], around);
    const { assets } = await readVehicleList(session);
    return readVehicleDetails(session, assets.slice(0, most), async () => undefined, options.areDue ?? everybody);
  });
}
const vinsOf = (details: DetailReading) => details.vehicles.map(({ vin }) => vin).sort();
const whole = (username: string) =>
  fleetOf(username)
    .slice(0, most)
    .map(({ vin }) => vin)
    .sort();

describe('the cases in a real browser', { timeout: 90_000 }, () => {
  it.each(['blueridge', 'highplains', 'cascade'])('are read as the shop filed them: %s', async (username) => {
    const details = await read(username);
    expect(details).toMatchObject({ failed: [], remaining: [], stopped: null, cases: { unread: 0, trouble: null } });
    const found = new Map(details.cases?.read.map(({ vin, cases }) => [vin, new Set(cases.map(({ number }) => number))])); // prettier-ignore
    const nowMs = outside.world.clock.realMs();
    for (const truck of fleetOf(username).slice(0, most)) {
      const told = outside.world.shopEvents(truck, nowMs - 360 * day, nowMs - 3 * day);
      expect(told.length).toBeGreaterThan(0);
      for (const event of told) expect(found.get(truck.vin)).toContain(caseNumberOf(truck.vin, event));
    }
  });

  it('are opened for those alone that are due', async () => {
    const [one] = fleetOf('blueridge');
    const before = outside.stats().portal.requestsByKind['cases'] ?? 0;
    const details = await read('blueridge', { areDue: (vin) => vin === one?.vin });
    expect(details.cases?.read.map(({ vin }) => vin)).toEqual([one?.vin]);
    expect(outside.stats().portal.requestsByKind['cases']).toBe(before + 1);
    await persona('no_cases');
    expect((await read('blueridge')).cases).toEqual({ read: [], unread: 0, trouble: null, isGivenUp: false });
    expect(outside.stats().portal.requestsByKind['cases']).toBe(before + 1);
    await persona('normal');
  });

  it('that nobody knows are given up after the first few, with the page kept, and every vehicle is read', async () => {
    await persona('cases_changed');
    const before = outside.stats().portal.requestsByKind['cases'] ?? 0;
    const saved: string[] = [];
    const details = await read('blueridge', { saved });
    expect(vinsOf(details)).toEqual(whole('blueridge'));
    expect(details).toMatchObject({ failed: [], remaining: [], stopped: null });
    expect(details.cases).toMatchObject({ read: [], isGivenUp: true, trouble: { code: 'MARKUP_CHANGED', evidenceKey: 'kept/cases.html' } }); // prettier-ignore
    expect((outside.stats().portal.requestsByKind['cases'] ?? 0) - before).toBeLessThanOrEqual(politeTerms.parallelPages); // prettier-ignore
    expect(new Set(saved)).toEqual(new Set(['cases']));
    await persona('normal');
  });

  it('refused with 429 end the step without a vehicle read twice or lost', async () => {
    await persona('rate_limited', { afterRequests: 14, retryAfterSeconds: 600 });
    const details = await read('blueridge');
    expect(details.stopped).toMatchObject({ code: 'RATE_LIMITED' });
    const all = [...vinsOf(details), ...details.remaining.map(({ vin }) => vin)].sort();
    expect(all).toEqual(whole('blueridge'));
    await persona('normal');
  });

  it('come with a session that ends in the middle', async () => {
    await persona('session_expires', { afterRequests: 9 });
    const details = await read('blueridge');
    expect(details).toMatchObject({ failed: [], remaining: [], stopped: null, cases: { unread: 0 } });
    expect(vinsOf(details)).toEqual(whole('blueridge'));
    expect(details.cases?.read).toHaveLength(most);
    await persona('normal');
  });
});
