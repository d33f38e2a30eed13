/** A large tenant's seed in parts makes the same picture as one in a piece, whatever is committed in between. */
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { expect, test } from 'vitest';
import type { RoomSeed } from '#durable-objects/fleet-room/feed';
import { roomOf } from '#durable-objects/stubs';
import { alert, db, tenant, truck } from '#test/workers/harness';
import { tenants, vehicles } from '#worker/db/schema/index';
import { newId } from '#worker/ids';
import { readSeeds } from './facts.ts';
import { bumpChangeCounter, publishChange, seedRoom } from './publish.ts';

async function partsOf(tenantId: string, partRows?: number): Promise<RoomSeed[]> {
  const seeds: RoomSeed[] = [];
  for await (const seed of readSeeds(db, tenantId, partRows)) seeds.push(seed);
  return seeds;
}

async function largeFleet(trucks: number, alerts: number) {
  const fleet = await tenant();
  const ids: string[] = [];
  for (let n = 0; n < trucks; n += 1) ids.push(await truck(fleet));
  for (let n = 0; n < alerts; n += 1) await alert(fleet, ids[n] ?? '');
  return { fleet, ids };
}

const heard = async (tenantId: string) => (await roomOf(env.FLEET_ROOM, tenantId).status()).heardThrough[tenantId];
const shownOf = async (tenantId: string, ids: string[]) =>
  (await roomOf(env.FLEET_ROOM, tenantId).overlay(ids)).map(({ vehicleId }) => vehicleId).toSorted();

test('a small tenant is seeded in one piece, a tenant that is gone not at all', async () => {
  const { fleet, ids } = await largeFleet(3, 3);
  const seeds = await partsOf(fleet.id, 3);
  expect(seeds).toHaveLength(1);
  expect(seeds[0]).not.toHaveProperty('part');
  expect(seeds[0]?.vehicles.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  expect(await partsOf(newId())).toEqual([]);
});

test('a large one in parts that name everything once, and every id there can be', async () => {
  const { fleet, ids } = await largeFleet(5, 3);
  const seeds = await partsOf(fleet.id, 2);
  expect(seeds.map(({ vehicles: some, alerts }) => [some.length, alerts.length])).toEqual([
    ...[
      [2, 0],
      [2, 0],
      [1, 0],
    ],
    ...[
      [0, 2],
      [0, 1],
    ],
  ]);
  expect(seeds.flatMap((seed) => seed.vehicles.map(({ id }) => id))).toEqual(ids.toSorted());
  const sorted = ids.toSorted();
  expect(seeds.slice(0, 3).map(({ part }) => part?.vehicles)).toEqual([
    { after: null, through: sorted[1] },
    { after: sorted[1], through: sorted[3] },
    { after: sorted[3], through: null },
  ]);
  expect(seeds.map(({ part }) => part?.completes)).toEqual([null, null, null, null, seeds[0]?.counter]);
  // Without any alert the last part is empty, and completes the seed all the same.
  const silent = await largeFleet(3, 0);
  expect((await partsOf(silent.fleet.id, 2)).at(-1)).toMatchObject({ alerts: [], part: { completes: 0 } });
});

test('what is committed between the parts is in the picture, however it gets there', async () => {
  const { fleet, ids } = await largeFleet(5, 0);
  await alert(fleet, ids.at(-1) ?? '');
  const room = roomOf(env.FLEET_ROOM, fleet.id);
  const [gone = '', ...rest] = ids.toSorted();
  let added = '';
  let parts = 0;
  for await (const seed of readSeeds(db, fleet.id, 2)) {
    await room.seed(seed);
    parts += 1;
    if (parts < 4) expect(await heard(fleet.id)).toBe(-1);
    if (parts !== 1) continue;
    await db.batch([db.delete(vehicles).where(eq(vehicles.id, gone)), bumpChangeCounter(db, fleet.id)]);
    const [row] = await db.select().from(tenants).where(eq(tenants.id, fleet.id));
    const counters = [row?.changeCounter ?? 0];
    const news = { tenantId: fleet.id, counters, alertIds: [] };
    await publishChange(env, db, { ...news, vehicleIds: [], removedVehicleIds: [gone] });
    added = await truck(fleet);
    await db.batch([bumpChangeCounter(db, fleet.id)]);
    const [after] = await db.select().from(tenants).where(eq(tenants.id, fleet.id));
    await publishChange(env, db, { ...news, counters: [after?.changeCounter ?? 0], vehicleIds: [added] });
  }
  const [row] = await db.select().from(tenants).where(eq(tenants.id, fleet.id));
  expect(await heard(fleet.id)).toBe(row?.changeCounter);
  expect(await shownOf(fleet.id, [...ids, added])).toEqual([...rest, added].toSorted());
});

test('a seed that was cut off leaves a room that lags, and the next one mends it', async () => {
  const { fleet, ids } = await largeFleet(3, 0);
  for await (const seed of readSeeds(db, fleet.id, 2)) {
    await roomOf(env.FLEET_ROOM, fleet.id).seed(seed);
    break;
  }
  expect(await heard(fleet.id)).toBe(-1);
  await seedRoom(env, db, fleet.id, fleet.id);
  expect(await heard(fleet.id)).toBe(0);
  expect(await shownOf(fleet.id, ids)).toEqual(ids.toSorted());
});
