/** What is read of a fence's events, and the sweep that tells tracks of fences they have not heard of. */
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import type { GeofenceEvent } from '#contracts/geofences';
import { tracksOf } from '#durable-objects/stubs';
import { geofenceEvents, geofences, tenants, vehicles } from '#worker/db/schema/index';
import { newId } from '#worker/ids';
import { tellLaggingTracks } from '#worker/jobs/tell-fences';
import { geofence, squareShape } from '#test/workers/fence-builders';
import { call, db, person, tenant, truck, type TestTenant } from '#test/workers/harness';

const watched = (of: TestTenant) => tracksOf(env.FLEET_TRACKS, of.id).status();
const versions = async (of: TestTenant) => {
  const [row] = await db.select().from(tenants).where(eq(tenants.id, of.id));
  return [row?.geofenceVersion, row?.geofenceVersionTold];
};

describe('events', () => {
  async function happened(owner: TestTenant, geofenceId: string, vehicleId: string, minute: number, fields = {}) {
    const at = new Date(Date.parse('2026-11-20T10:00:00Z') + minute * 60_000).toISOString();
    await db.insert(geofenceEvents).values({
      ...{ id: newId(), tenantId: owner.id, geofenceId, vehicleId, kind: 'entry', at, lat: 40, lon: -105 },
      ...fields,
    });
    return at;
  }
  const feed = async (token: string, path: string) =>
    (await call('GET', path, { token })).body as unknown as {
      data: GeofenceEvent[];
      meta: { nextCursor: string | null };
    };

  test('are a feed, newest first, that can be narrowed', async () => {
    const owner = await tenant();
    const { token } = await person(owner, 'viewer');
    const [fence, other] = [await geofence(owner), await geofence(owner)];
    const [one, two] = [await truck(owner), await truck(owner)];
    const times: string[] = [];
    for (let minute = 0; minute < 6; minute += 1) {
      const kind = minute % 2 === 0 ? 'entry' : 'exit';
      times.unshift(await happened(owner, fence, minute < 4 ? one : two, minute, { kind, speedMph: minute }));
    }
    // Two of the same instant.
    times.unshift(await happened(owner, fence, one, 5, { kind: 'dwell' }));
    await happened(owner, other, one, 9);
    const path = `/geofences/${fence}/events`;
    const walked: GeofenceEvent[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Awaited<ReturnType<typeof feed>> = await feed(
        token,
        `${path}?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      walked.push(...page.data);
      cursor = page.meta.nextCursor;
    }
    expect(walked.map(({ at }) => at)).toEqual(times);
    expect(new Set(walked.map(({ id }) => id)).size).toBe(7);
    const found = async (query: string) => (await feed(token, `${path}?${query}`)).data.length;
    expect(await found('kind=exit')).toBe(3);
    expect(await found(`vehicleId=${two}`)).toBe(2);
    expect(await found('from=2026-11-20T10:01:00Z&to=2026-11-20T10:03:00Z')).toBe(3);
    for (const query of ['cursor=x', `cursor=${newId()}`, 'kind=lunch', 'limit=101', 'from=now', 'page=1']) {
      expect((await call('GET', `${path}?${query}`, { token })).status, query).toBe(400);
    }
  });

  test('a driver sees what the assigned vehicle did', async () => {
    const owner = await tenant();
    const fence = await geofence(owner);
    const { token, userId } = await person(owner, 'driver');
    const [mine, other] = [await truck(owner, { assignedDriverId: userId }), await truck(owner)];
    await happened(owner, fence, mine, 1);
    await happened(owner, fence, other, 2);
    const { data } = await feed(token, `/geofences/${fence}/events`);
    expect(data.map(({ vehicleId }) => vehicleId)).toEqual([mine]);
    await db.update(vehicles).set({ assignedDriverId: null }).where(eq(vehicles.id, mine));
    expect((await feed(token, `/geofences/${fence}/events`)).data).toEqual([]);
  });
});

describe('the sweep', () => {
  test('tells tracks that lag of every fence, in parts, and then has nothing to do', async () => {
    const owner = await tenant();
    for (let n = 0; n < 7; n += 1) {
      await geofence(owner, { cornerCount: 2_000, shape: squareShape(-105 + n) });
    }
    await geofence(owner, { deletedAt: new Date().toISOString() });
    await db.update(tenants).set({ geofenceVersion: 9 }).where(eq(tenants.id, owner.id));
    expect(await watched(owner)).toMatchObject({ fences: 0, fenceVersion: 0 });
    expect(await tellLaggingTracks(env)).toEqual({ told: expect.any(Number), failed: 0 });
    expect(await watched(owner)).toMatchObject({ fences: 7, fenceVersion: 9 });
    expect(await versions(owner)).toEqual([9, 9]);
    expect(await tellLaggingTracks(env)).toEqual({ told: 0, failed: 0 });
    await db.update(geofences).set({ deletedAt: new Date().toISOString() }).where(eq(geofences.tenantId, owner.id));
    await db.update(tenants).set({ geofenceVersion: 10 }).where(eq(tenants.id, owner.id));
    await tellLaggingTracks(env);
    expect(await watched(owner)).toMatchObject({ fences: 0, fenceVersion: 10 });
  });
});
