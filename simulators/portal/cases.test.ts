/** The cases the portal shows: the world's shop, filed; and that the product reads them back as they are. */
import { beforeEach, describe, expect, it } from 'vitest';
import { extractAsset } from '#worker/scrapes/paccar/extract-asset';
import { extractCases, type CasesPage } from '#worker/scrapes/paccar/extract-cases';
import { createClock } from '../world/clock.ts';
import { caseNumberOf } from '../world/faults/case-number.ts';
import type { RosterTruck } from '../world/roster.ts';
import { createWorld, type ReportedShopEvent, type World } from '../world/world.ts';
import { portalAccounts } from './accounts.ts';
import { createPortal } from './portal.ts';
import { Visitor } from './visitor.ts';

const anchorMs = Date.UTC(2026, 10, 20);
const day = 86_400_000;
const minute = 60_000;
let nowMs: number;
let world: World;
let visitor: Visitor;

beforeEach(() => {
  nowMs = anchorMs;
  world = createWorld({ seed: 2026, clock: createClock({ anchorMs, speed: 1, now: () => nowMs }) });
  const options = { world, accounts: portalAccounts, now: () => nowMs, remoteAddressOf: () => '127.0.0.1' };
  visitor = new Visitor(createPortal({ ...options, requestsPerSecond: 10_000 }));
});

const fleetOf = (username: string) => world.trucksOf(portalAccounts.find((one) => one.username === username)?.fleetName ?? ''); // prettier-ignore
const pageOf = (truck: RosterTruck) => visitor.text(`/assets/${truck.vin}/cases`);
async function casesOf(truck: RosterTruck): Promise<CasesPage['cases']> {
  const page = extractCases(await pageOf(truck));
  if (page.kind !== 'cases') throw new Error(page.reason);
  return page.cases;
}
const become = (persona: string, username = 'blueridge') =>
  visitor.control('PUT', `/accounts/${username}`, { persona });

/** What the shop has told of by now, as the product is to read it: to the minute. */
const told = (truck: RosterTruck, isClosed: (event: ReportedShopEvent) => boolean = () => true) =>
  world
    .shopEvents(truck, nowMs - 360 * day, nowMs)
    .filter(isClosed)
    .map((event) => ({
      number: caseNumberOf(truck.vin, event),
      kind: event.kind,
      at: new Date(Math.floor(event.reportedMs / minute) * minute).toISOString(),
      spn: event.spn,
      fmi: event.fmi,
      system: event.system,
      description: event.description,
      odometerMiles: Math.round(event.odometerMiles),
    }));
/** A case a few days old is closed in any case. */
const isOld = ({ reportedMs }: ReportedShopEvent) => reportedMs < nowMs - 3 * day;

describe('the cases of a truck', () => {
  it.each([
    ['blueridge', 'normal'],
    ['cascade', 'normal'],
    ['blueridge', 'asset_list'],
    ['blueridge', 'shuffled_columns'],
  ])('are read back as the shop has told them: %s as %s', async (username, persona) => {
    await become(persona, username);
    await visitor.signIn(username);
    const kinds = new Set<string>();
    for (const truck of fleetOf(username).slice(0, 12)) {
      const read = new Map((await casesOf(truck)).map((one) => [one.number, one]));
      for (const event of told(truck, isOld)) {
        kinds.add(event.kind);
        expect(read.get(event.number), `${truck.vin} ${event.number}`).toEqual(event);
      }
      // And nothing besides: what is read and not that old has been told, too.
      const all = new Set(told(truck, () => true).map(({ number }) => number));
      const oldest = new Date(nowMs - 360 * day).toISOString();
      for (const { number, at } of read.values()) if (at > oldest) expect(all).toContain(number);
    }
    expect([...kinds].sort()).toEqual(['breakdown', 'inspection', 'preventive', 'repair']);
  });

  it('are open until the work is done, and then have the same number', async () => {
    await visitor.signIn('blueridge');
    const open = await (async () => {
      for (let days = 0; days < 60; days += 1, nowMs += day / 2) {
        // A session lasts a day.
        await visitor.signIn('blueridge');
        for (const truck of fleetOf('blueridge').slice(0, 20)) {
          const page = await pageOf(truck);
          const row = /<tr class="case-row">\s*<td>(C-\d{4}-\d{8})<\/td>\s*<td>(\w+)<\/td>\s*<td>Open<\/td>/.exec(page);
          if (row !== null) return { truck, number: row[1], kind: row[2] };
        }
      }
      throw new Error('no case was ever open');
    })();
    const numbers = async () => (await casesOf(open.truck)).map(({ number }) => number);
    expect(await numbers()).not.toContain(open.number);
    nowMs += 2 * day;
    await visitor.signIn('blueridge');
    expect(await numbers()).toContain(open.number);
  });

  it('are linked where there are any to see, and absent where the subscription has none', async () => {
    await visitor.signIn('blueridge');
    const [truck] = fleetOf('blueridge');
    if (truck === undefined) throw new Error('no truck');
    const linked = async () => {
      const asset = extractAsset(await visitor.text(`/assets/${truck.vin}`), truck.vin);
      return asset.kind === 'asset' && asset.hasCases;
    };
    expect(await linked()).toBe(true);
    expect((await visitor.ask(`/assets/${truck.vin}/cases`, { method: 'POST' })).status).toBe(405);
    expect((await visitor.ask(`/assets/${fleetOf('cascade')[0]?.vin}/cases`)).status).toBe(404);
    await become('no_cases');
    await visitor.signIn('blueridge');
    expect(await linked()).toBe(false);
    expect((await visitor.ask(`/assets/${truck.vin}/cases`)).status).toBe(404);
    for (const persona of ['cases_changed', 'markup_changed']) {
      await become(persona);
      await visitor.signIn('blueridge');
      expect(extractCases(await pageOf(truck)).kind).toBe('markup_changed');
    }
    visitor.cookies.clear();
    expect((await visitor.ask(`/assets/${truck.vin}/cases`)).headers.get('Location')).toBe('/login');
  });

  it('keep hostile text as bounded data, and their own facts', async () => {
    await become('hostile_text');
    await visitor.signIn('blueridge');
    for (const truck of fleetOf('blueridge').slice(0, 9)) {
      const read = new Map((await casesOf(truck)).map((one) => [one.number, one]));
      for (const event of told(truck, isOld)) {
        const { description: _description, ...facts } = event;
        const found = read.get(event.number);
        expect(found).toMatchObject(facts);
        expect(found?.description.length).toBeLessThanOrEqual(500);
        expect(found?.description).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }
    }
  });
});
