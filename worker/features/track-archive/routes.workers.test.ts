import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { trackDaySchema, type TrackDay } from '#contracts/positions';
import { auditLog, auditOutbox, trackDays } from '#worker/db/schema/index';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { call, db, link, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { askTrack, dayMs, fixesOf, midnight, nameOfDay, putFixes, trackDay } from '#test/workers/track-builders';
import { ageTracks } from '#worker/jobs/age-tracks';
import { moveTracks } from '#worker/jobs/move-tracks';
import { readArchive } from './read-archive.ts';
import { scopeForJob } from '../../http/tenant-scope.ts';

commonRouteTests('GET /track-days', {
  ...{ method: 'GET', permission: 'reports:read', takesBody: false, namesThing: false },
  path: () => '/track-days',
});
commonRouteTests('POST /track-restores', {
  ...{ method: 'POST', permission: 'settings:manage', takesBody: true, namesThing: false, callers: 'people' },
  path: () => '/track-restores',
});

const moveAll = { calls: 100_000, partsPerTurn: 1_000, tenants: 1_000, ms: 600_000 };
const archived = new Date(Date.now() + 400 * dayMs);

async function oldFleet(days = [41, 40]) {
  const fleet = await tenant();
  const { token } = await person(fleet, 'fleet_admin');
  const id = await truck(fleet);
  const starts = days.map(midnight);
  for (const start of starts) await putFixes(fleet, id, fixesOf(start, 20));
  await moveTracks(env, new Date(), moveAll);
  return { fleet, token, id, starts };
}

const listed = async (token: string, query = '') => {
  const answer = await call('GET', `/track-days${query}`, { token });
  expect(answer.status, answer.text).toBe(200);
  return answer.body as unknown as { data: TrackDay[]; meta: { total: number } };
};
const ask = (token: string, body: unknown, query = '') => call('POST', `/track-restores${query}`, { token, body });

describe('GET /track-days', () => {
  test('is a page of the days that have left, oldest first, and what becomes of them', async () => {
    const { token, starts } = await oldFleet([43, 42, 41, 40]);
    const { data, meta } = await listed(token);
    expect(meta.total).toBe(4);
    expect(data.map(({ day }) => day)).toEqual(starts.map(nameOfDay));
    for (const day of data) trackDaySchema.parse(day);
    expect(data[0]).toMatchObject({ state: 'stored', fixes: 20, archivedAt: null, restoredUntil: null });
    expect(data[0]?.deleteAfter.slice(0, 4)).toBe(String(new Date(starts[0] ?? 0).getUTCFullYear() + 8));
    const [second, third] = [nameOfDay(starts[1] ?? 0), nameOfDay(starts[2] ?? 0)];
    expect((await listed(token, `?from=${second}&to=${third}`)).data.map(({ day }) => day)).toEqual([second, third]);
    expect(await listed(token, '?pageSize=3&page=2')).toMatchObject({ data: [{ day: nameOfDay(starts[3] ?? 0) }] });
    expect(JSON.stringify(data)).not.toContain('tracks/');
  });

  test('shows nothing of a day that is only on its way', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    await db.insert(trackDays).values({
      ...{ tenantId: fleet.id, day: '2026-01-01', state: 'writing', files: [], fixes: 0, bytes: 0 },
      updatedAt: new Date().toISOString(),
    });
    expect(await listed(token)).toMatchObject({ data: [], meta: { total: 0 } });
  });

  test.each([
    'from=2026-02-31',
    'from=yesterday',
    'to=2026-11-20T00:00:00Z',
    'from=2026-11-20&to=2026-11-19',
    'page=0',
    'x=1',
  ])('?%s is 400', async (query) => {
    const { token } = await person(await tenant(), 'viewer');
    expect((await call('GET', `/track-days?${query}`, { token })).body.error.code).toBe('VALIDATION_FAILED');
  });

  test("is the own tenant's; a dealer's people see their own, the operator names one", async () => {
    const { fleet, token } = await oldFleet();
    const dealer = await tenant('dealer');
    await link(dealer, fleet);
    const { token: ofDealer } = await person(dealer, 'dealer_admin');
    const { token: operator } = await person(null, 'super_admin');
    expect((await listed(token)).meta.total).toBe(2);
    expect((await listed(ofDealer)).meta.total).toBe(0);
    expect((await listed(operator, `?tenantId=${fleet.id}`)).meta.total).toBe(2);
    for (const [path, caller] of [
      ['/track-days', ofDealer],
      ['/track-restores', ofDealer],
    ] as const) {
      const method = path === '/track-days' ? 'GET' : 'POST';
      const body = method === 'POST' ? { body: { from: '2026-01-01', to: '2026-01-02' } } : {};
      const answer = await call(method, `${path}?tenantId=${fleet.id}`, { token: caller, ...body });
      expect([answer.status, answer.body.error.code]).toEqual([404, 'NOT_FOUND']);
    }
    expect((await call('GET', '/track-days', { token: operator })).status).toBe(400);
  });
});

/** What was asked for, chained already or not yet. */
const auditOf = async (of: TestTenant) =>
  (await Promise.all([auditOutbox, auditLog].map((table) => db.select().from(table).where(eq(table.chain, of.id)))))
    .flat()
    .filter(({ action }) => action === 'track_days.restore');

describe('POST /track-restores', () => {
  const week = 7 * dayMs;
  test('begins at once: the days are readable soon, and listed as restored', async () => {
    const { fleet, token, id, starts } = await oldFleet();
    await ageTracks(env, archived);
    const [first = 0, second = 0] = starts;
    const days = { from: nameOfDay(first), to: nameOfDay(second) };
    const answer = await ask(token, days);
    expect(answer.status, answer.text).toBe(202);
    const { days: count, readableUntil } = answer.body.data as { days: number; readableUntil: string };
    expect(count).toBe(2);
    expect(Math.abs(Date.parse(readableUntil) - Date.now() - week)).toBeLessThan(60_000);
    await vi.waitFor(
      async () => expect((await listed(token)).data.map(({ state }) => state)).toEqual(['restored', 'restored']),
      { timeout: 15_000, interval: 200 },
    );
    expect((await listed(token)).data[0]?.restoredUntil).toBe(readableUntil);
    expect(await askTrack(id, token, { fromMs: first, toMs: second + dayMs })).toHaveLength(40);
    const [entry] = await auditOf(fleet);
    expect(entry).toMatchObject({ actorType: 'user', outcome: 'success' });
    expect(JSON.parse(entry?.after ?? '')).toEqual({ ...days, readableUntil });
  });

  test('has nothing to do for days that are not archived, and writes nothing down', async () => {
    const { fleet, token, starts } = await oldFleet();
    const days = { from: nameOfDay(starts[0] ?? 0), to: nameOfDay(starts[1] ?? 0) };
    for (const body of [days, { from: '2001-01-01', to: '2001-12-31' }]) {
      expect((await ask(token, body)).body.data).toEqual({ days: 0, readableUntil: null });
    }
    expect(await trackDay(fleet, starts[0] ?? 0)).toMatchObject({ state: 'stored', restoredUntil: null });
    expect(await auditOf(fleet)).toEqual([]);
  });

  test.each([
    [{ from: '2026-01-02', to: '2026-01-01' }, 'to'],
    [{ from: '2024-01-01', to: '2025-01-01' }, 'to'],
    [{ from: '2026-02-30', to: '2026-03-01' }, 'from'],
    [{ from: '2026-01-01' }, 'to'],
  ])('%j is 400', async (body, path) => {
    const { token } = await person(await tenant(), 'fleet_admin');
    const answer = await ask(token, body);
    expect(answer.body.error.code, answer.text).toBe('VALIDATION_FAILED');
    expect((answer.body.error.details as unknown as { issues: { path: string }[] }).issues[0]?.path).toBe(path);
  });

  test('a whole leap year is not too much', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    expect((await ask(token, { from: '2024-01-01', to: '2024-12-31' })).status).toBe(202);
  });
});

describe('a track of many days', () => {
  /** A sister that stands still before and after it in every file, so that no file can be passed by unread. */
  async function longFleet(days: number) {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const ids = [await truck(fleet), await truck(fleet), await truck(fleet)].sort() as [string, string, string];
    const starts = Array.from({ length: days }, (_, n) => midnight(31 + days - n));
    for (const id of [ids[0], ids[2]]) {
      await putFixes(
        fleet,
        id,
        starts.flatMap((start) => fixesOf(start, 2)),
      );
    }
    const ends = [...fixesOf(starts[0] ?? 0, 2), ...fixesOf(starts.at(-1) ?? 0, 3)];
    await putFixes(fleet, ids[1], ends);
    await moveTracks(env, new Date(), moveAll);
    return { fleet, token, starts, ids, ends, range: { fromMs: starts[0] ?? 0, toMs: Date.now() } };
  }

  test('is read in bounded parts, of which some may be empty; none is lost', { timeout: 120_000 }, async () => {
    const { fleet, token, starts, ids, ends, range } = await longFleet(100);
    let gets = 0;
    const bucket = new Proxy(env.ARTIFACTS, {
      get: (of, name) => {
        const value: unknown = Reflect.get(of, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (name === 'get') gets += 1;
          return Reflect.apply(value, of, args) as unknown;
        };
      },
    });
    const asked = { ...range, afterMs: Date.parse(ends[1]?.at ?? ''), limit: 100 };
    const place = { bucket, vehicle: { id: ids[1], tenantId: fleet.id }, spent: { files: 0 } };
    const part = await readArchive(scopeForJob(fleet.id), db, place, asked);
    expect(part).toMatchObject({ readings: [], hasMore: true });
    expect(gets).toBeLessThanOrEqual(70);
    expect(gets).toBeGreaterThanOrEqual(60);
    expect(place.spent.files).toBe(gets);
    expect(await askTrack(ids[1], token, range)).toEqual(ends);
    expect(await askTrack(ids[1], token, { ...range, limit: 1 })).toEqual(ends);
    const standing = starts.flatMap((start) => fixesOf(start, 2));
    expect(await askTrack(ids[0], token, range)).toEqual(standing);
    expect(await askTrack(ids[2], token, { ...range, limit: 90 })).toEqual(standing);
    const drawn = await call(
      'GET',
      `/vehicles/${ids[1]}/positions?simplify=1&from=${new Date(range.fromMs).toISOString()}`,
      {
        token,
      },
    );
    expect((drawn.body.data as unknown[]).length).toBeGreaterThan(1);
  });

  test("is nobody else's: neither another tenant's people nor a dealer whose link has ended", async () => {
    const { fleet, token, ids, ends, range } = await longFleet(2);
    expect(await askTrack(ids[1], token, range)).toEqual(ends);
    const stranger: TestTenant = await tenant();
    const place = { bucket: env.ARTIFACTS, vehicle: { id: ids[1], tenantId: fleet.id }, spent: { files: 0 } };
    const asked = { ...range, afterMs: null, limit: 10 };
    expect(await readArchive(scopeForJob(stranger.id), db, place, asked)).toEqual({ readings: [], hasMore: false });
    const { token: theirs } = await person(stranger, 'fleet_admin');
    expect((await call('GET', `/vehicles/${ids[1]}/positions`, { token: theirs })).status).toBe(404);
  });
});
