/** The shop's cases from the portal's pages to service events, on real D1; only the browser is missing. */
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { portalAccounts, portalPassword } from '#simulators/portal/accounts';
import { caseNumberOf } from '#simulators/world/faults/case-number';
import type { RosterTruck } from '#simulators/world/roster';
import { db, tenant, truck, type TestTenant } from '#test/workers/harness';
import { plainPortal, portalOrigin, type PlainPortal } from '#test/workers/portal-without-browser';
import { predictionReviews, serviceEvents, syncRuns, vehicles } from '#worker/db/schema/index';
import { configOf } from '#worker/env';
import { scopeForJob } from '#worker/http/tenant-scope';
import { openVault } from '#worker/secrets/vault';
import type { Steps } from '../../durable-steps.ts';
import { politeTerms } from '../../scrapes/portal-terms.ts';
import { recordServiceEvents } from '../service-events/record.ts';
import { putCredentials } from './credentials-store.ts';
import { runPolicy } from './run-policy.ts';
import { runSync } from './run-sync.ts';
import { createRun } from './runs-store.ts';
import { createSyncWork } from './sync-work.ts';

const username = 'blueridge';
const minute = 60_000;
const day = 1_440 * minute;
const startMs = Date.parse('2026-11-20T09:00:00.000Z');
let nowMs: number;
let outside: PlainPortal;
let owner: TestTenant;
let fleet: readonly RosterTruck[];

beforeEach(async () => {
  nowMs = startMs;
  outside = plainPortal({ anchorMs: startMs - 30 * day, now: () => nowMs });
  owner = await tenant();
  fleet = outside.world.trucksOf(portalAccounts.find((one) => one.username === username)?.fleetName ?? '').slice(0, 12);
  const vault = await openVault(db, configOf(env), owner.id, new Date(nowMs));
  const input = { baseUrl: portalOrigin, username, password: portalPassword, consent: true as const };
  await putCredentials(scopeForJob(owner.id), db, vault, 'paccar', input, new Date(nowMs - minute).toISOString());
});

class Crash extends Error {}

/** One run, reading the first trucks of the list. With `crashAt` the machine dies after that step, and the run goes on. */
async function sync(crashAt: string | null = null) {
  const scope = scopeForJob(owner.id);
  const nowIso = new Date(nowMs).toISOString();
  const { row } = await createRun(scope, db, { provider: 'paccar', trigger: 'cron', nowIso });
  const clock = { now: () => nowMs, random: () => 0, sleep: async () => undefined };
  const terms = { ...politeTerms, pauseMs: { min: 0, max: 0 }, recogniseWithinMs: 0 };
  const params = { runId: row.id, tenantId: owner.id, provider: 'paccar', trigger: 'cron', startDelaySeconds: 0 } as const; // prettier-ignore
  const work = createSyncWork(env, params, { clock, terms, withContext: outside.withContext });
  const kept = new Map<string, string>();
  let dies = crashAt;
  const steps: Steps = {
    async do<T>(name: string, step: () => Promise<T>) {
      const known = kept.get(name);
      if (known !== undefined) return JSON.parse(known) as T;
      const value = (await step()) ?? null;
      if (name === dies) {
        dies = null;
        throw new Crash();
      }
      kept.set(name, JSON.stringify(value));
      return value as T;
    },
    sleep: async () => undefined,
  };
  const list = async () => {
    const whole = await work.list(null);
    if (!whole.ok) return whole;
    const vins = new Set(fleet.map(({ vin }) => vin));
    const assets = whole.value.assets.filter(({ vin }) => vins.has(vin));
    return { ok: true as const, value: { ...whole.value, assets, nextHref: null } };
  };
  const run = () => runSync(steps, { ...work, list }, runPolicy);
  if (crashAt !== null) await expect(run()).rejects.toThrow(Crash);
  await run();
  const [ended] = await db.select().from(syncRuns).where(eq(syncRuns.id, row.id));
  return ended;
}

const events = () => db.select().from(serviceEvents).where(eq(serviceEvents.tenantId, owner.id));
const numbers = async () => (await events()).map(({ externalId }) => externalId).sort();
const vehiclesNow = () => db.select().from(vehicles).where(eq(vehicles.tenantId, owner.id));
const casesOpened = () => outside.opened.filter((path) => path.endsWith('/cases'));
/** Numbers of what the shop had finished some days ago, and those that may still be open or have just been closed. */
const told = (untilMs: number) =>
  fleet.flatMap((one) =>
    outside.world.shopEvents(one, nowMs - 360 * day, untilMs).map((event) => caseNumberOf(one.vin, event)),
  );

describe('cases of the portal', () => {
  it('become service events, each once, and have their vehicles scored; counts stay what they are', async () => {
    const first = await sync();
    expect(first).toMatchObject({ status: 'succeeded', errorCode: null, counts: { vehiclesSeen: 12, vehiclesChanged: 0 } }); // prettier-ignore
    expect(casesOpened()).toHaveLength(12);
    const known = await events();
    expect(known.every(({ source, tenantId }) => source === 'portal' && tenantId === owner.id)).toBe(true);
    const found = new Set(known.map(({ externalId }) => externalId));
    const old = told(nowMs - 3 * day);
    expect(old.length).toBeGreaterThan(50);
    expect(old.filter((number) => !found.has(number))).toEqual([]);
    expect(new Set(known.map(({ kind }) => kind)).size).toBe(4);
    expect((await vehiclesNow()).every((row) => !row.isScoreDirty && row.riskScore !== null)).toBe(true);
    expect(await db.select().from(predictionReviews).where(eq(predictionReviews.tenantId, owner.id))).not.toEqual([]);

    // A quarter of an hour later hardly a vehicle is due, and nothing is told twice.
    outside.opened.length = 0;
    nowMs += 15 * minute;
    expect(await sync()).toMatchObject({ status: 'succeeded', counts: { vehiclesSeen: 12 } });
    expect(casesOpened().length).toBeLessThan(4);
    const later = await events();
    expect(later.slice(0, known.length).map(({ id }) => id).sort()).toEqual(known.map(({ id }) => id).sort());
    expect(new Set(later.map(({ externalId }) => externalId)).size).toBe(later.length);
  }); // prettier-ignore

  it('are all looked at again within a day, however many runs there are', async () => {
    await sync();
    outside.opened.length = 0;
    const active = (one: RosterTruck) =>
      new Set(outside.world.faults(one).flatMap(({ isActive, sourceAddress, spn, fmi }) => (isActive ? [`${sourceAddress}/${spn}/${fmi}`] : []))); // prettier-ignore
    let cleared = 0;
    for (let run = 1; run <= 8; run++) {
      const before = fleet.map(active);
      nowMs += 3 * 60 * minute;
      cleared += fleet.filter((one, at) => [...(before[at] ?? [])].some((key) => !active(one).has(key))).length;
      await sync();
    }
    expect(new Set(casesOpened()).size).toBe(12);
    // Once each, and besides only where a fault has gone meanwhile.
    expect(casesOpened().length).toBeLessThanOrEqual(12 + cleared);
  });

  it('are kept once when the step that keeps them runs again', async () => {
    const ended = await sync('keep cases 1');
    expect(ended?.status).toBe('succeeded');
    const found = await numbers();
    expect(found.length).toBeGreaterThan(50);
    expect(new Set(found).size).toBe(found.length);
    expect((await vehiclesNow()).every((row) => !row.isScoreDirty)).toBe(true);
  });

  it('known from a file under their number are not told again', async () => {
    const [one] = fleet;
    if (one === undefined) throw new Error('no truck');
    const vehicleId = await truck(owner, { vin: one.vin, unitNumber: one.unitNumber });
    const [event] = outside.world.shopEvents(one, nowMs - 300 * day, nowMs - 3 * day);
    if (event === undefined) throw new Error('no event');
    const externalId = caseNumberOf(one.vin, event);
    const file = { vehicleId, at: new Date(event.reportedMs).toISOString(), kind: event.kind, system: null, spn: null, fmi: null }; // prettier-ignore
    const imported = { ...file, description: 'from a file', odometerMiles: null, source: 'import' as const, externalId: externalId.toLowerCase() }; // prettier-ignore
    await recordServiceEvents(scopeForJob(owner.id), db, [imported], new Date(nowMs));
    await sync();
    const same = (await events()).filter((row) => row.externalId?.toUpperCase() === externalId);
    expect(same).toMatchObject([{ source: 'import', description: 'from a file' }]);
  });

  it('are looked at as soon as a fault has gone', async () => {
    const [one] = fleet;
    const code = { vin: one?.vin, spn: 110, fmi: 0, sourceAddress: 0 };
    await outside.control('POST', '/faults', { ...code, isActive: true });
    await sync();
    outside.opened.length = 0;
    nowMs += minute;
    await sync();
    const path = `/assets/${one?.vin}/cases`;
    expect(casesOpened()).not.toContain(path);
    await outside.control('POST', '/faults', { ...code, isActive: false });
    nowMs += minute;
    await sync();
    expect(casesOpened()).toContain(path);
  });
});

describe('a portal without them', () => {
  it('is asked for none', async () => {
    await outside.become(username, 'no_cases');
    expect(await sync()).toMatchObject({ status: 'succeeded', errorCode: null });
    expect(casesOpened()).toEqual([]);
    expect(await events()).toEqual([]);
  });

  it('or with pages nobody knows: the faults are read all the same, the page is kept once, the run says so', async () => {
    await outside.become(username, 'cases_changed');
    const ended = await sync();
    expect(ended).toMatchObject({ status: 'succeeded', errorCode: 'MARKUP_CHANGED', counts: { vehiclesSeen: 12 } });
    expect(ended?.errorMessage).toMatch(/^All faults were read, but not the shop's cases of \d vehicles: /);
    const key = `sync/${owner.id}/${ended?.id}/cases.html`;
    expect(ended?.errorMessage).toContain(`The page was kept as ${key}.`);
    const { objects } = await env.ARTIFACTS.list({ prefix: `sync/${owner.id}/` });
    expect(objects.map((object) => object.key).filter((name) => name.endsWith('.html'))).toEqual([key]);
    // Those that were on their way together, and then no more.
    expect(casesOpened().length).toBeLessThanOrEqual(politeTerms.parallelPages);
    expect((await vehiclesNow()).every(({ faultsReadAt }) => faultsReadAt !== null)).toBe(true);
    expect(await events()).toEqual([]);
    // Once the page is known again, so are the cases: within a day.
    await outside.become(username, 'normal');
    nowMs += day;
    expect(await sync()).toMatchObject({ status: 'succeeded', errorCode: null });
    expect((await events()).length).toBeGreaterThan(50);
  });
});
