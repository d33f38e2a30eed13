/** A dealer's room that watches its customers' rooms, and the rooms that are watched. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { asKept } from '#contracts/reading-scales';
import {
  changeOf,
  fallQuiet,
  loseMemory,
  newRoom,
  readingOf,
  seedOf,
  truck,
  uuid,
  who,
} from '#test/durable-objects/room-builders';
import { connect } from '#test/durable-objects/room-client';
import { packReadings, packRows } from '../readings/packed-readings.ts';
import type { FleetRoom } from './fleet-room.ts';

type MadeRoom = ReturnType<typeof newRoom>;

const positionOf = (n: number, lat: number, atMs = Date.now()) => {
  const { vehicleId, ...reading } = readingOf(uuid(n), atMs, { lat });
  return packRows([{ vehicleId, vin: null, reading: asKept(reading) }]);
};

let numbers = 0;
/** A customer with one truck, linked to a dealer. */
async function linkedRooms() {
  const [dealer, customer] = [newRoom(), newRoom()];
  numbers += 1;
  const n = 200_000 + numbers;
  const trucks = seedOf(customer.tenantId, [truck(customer.tenantId, n)]);
  await Promise.all([customer.room.seed(trucks), dealer.room.seed(trucks)]);
  await dealer.room.seed(seedOf(dealer.tenantId, []));
  const watch = async () => {
    const client = await connect(dealer.room, who([dealer.tenantId, customer.tenantId]));
    await client.untilSnapshot();
    return client;
  };
  return { dealer, customer, n, id: uuid(n), watch };
}

const subscribersOf = ({ stub }: MadeRoom) =>
  runInDurableObject(stub, (_, { storage }) =>
    storage.sql.exec<{ tenant_id: string }>('SELECT tenant_id FROM subscribers').toArray(),
  );
const isSubscribed = (made: MadeRoom) => async () => (await subscribersOf(made)).length === 1;

describe('a dealer who watches', () => {
  it('sees at once what is known, and each position soon after it was taken', async () => {
    const { customer, n, id, watch } = await linkedRooms();
    await customer.room.ingest(positionOf(n, 41, Date.now() - 5_000));
    const client = await watch();
    await client.until(() => client.picture.vehicles.get(id)?.lat === 41);
    for (const lat of [42, 43, 44]) {
      const postedMs = Date.now();
      await customer.room.ingest(positionOf(n, lat));
      await client.until(() => client.picture.vehicles.get(id)?.lat === lat, 1_000 + Date.now() - postedMs);
    }
    expect(client.picture.vehicles.get(id)?.status).toBe('moving');
  });

  it('is forgotten when nobody watches any more, and found again', async () => {
    const { dealer, customer, n, id, watch } = await linkedRooms();
    const client = await watch();
    await expect.poll(isSubscribed(customer)).toBe(true);
    client.close();
    await expect.poll(isSubscribed(customer)).toBe(false);
    await customer.room.ingest(positionOf(n, 45));
    const readings = packReadings([{ vehicleId: id, reading: readingOf(id, Date.now()) }]);
    expect(await dealer.room.mirror({ sourceTenantId: customer.tenantId, readings })).toEqual({ isWanted: false });
    const again = await watch();
    await again.until(() => again.picture.vehicles.get(id)?.lat === 45);
  });

  it('loses the trucks with the link, and nothing of them comes any more', async () => {
    const { dealer, customer, n, id, watch } = await linkedRooms();
    const client = await watch();
    await customer.room.ingest(positionOf(n, 41));
    await client.until(() => client.picture.vehicles.get(id)?.lat === 41);
    await dealer.room.dropSource(customer.tenantId);
    await client.until(() => !client.picture.vehicles.has(id));
    await expect.poll(isSubscribed(customer)).toBe(false);
    await customer.room.ingest(positionOf(n, 42));
    const readings = packReadings([{ vehicleId: id, reading: readingOf(id, Date.now()) }]);
    const late = { sourceTenantId: customer.tenantId, readings };
    expect(await dealer.room.mirror(late)).toEqual({ isWanted: false });
    expect(await dealer.room.overlay([id])).toEqual([]);
    // Linked again, everything is known again.
    await dealer.room.grantSources([customer.tenantId]);
    await dealer.room.seed(seedOf(customer.tenantId, [truck(customer.tenantId, n)]));
    await client.until(() => client.picture.vehicles.get(id)?.lat === 42);
  });

  it('cannot be told of trucks that are not the teller’s', async () => {
    const { dealer, customer, id, watch } = await linkedRooms();
    const own = uuid(300_001);
    await dealer.room.applyChange(changeOf(dealer.tenantId, 11, { vehicles: [truck(dealer.tenantId, 300_001)] }));
    await watch();
    const rows = [own, id].map((vehicleId) => ({ vehicleId, reading: readingOf(vehicleId, Date.now(), { lat: 1 }) }));
    const readings = packReadings(rows);
    expect(await dealer.room.mirror({ sourceTenantId: uuid(400_000), readings })).toEqual({ isWanted: false });
    expect(await dealer.room.mirror({ sourceTenantId: customer.tenantId, readings })).toEqual({ isWanted: true });
    const lats = (await dealer.room.overlay([own, id])).map(({ reading }) => reading?.lat);
    expect(lats).toEqual([undefined, 1]);
  });

  it('sees trucks go stale that say nothing more', async () => {
    const { customer, n, id, watch } = await linkedRooms();
    const client = await watch();
    await customer.room.ingest(positionOf(n, 41, Date.now() - 15 * 60_000 + 1_000));
    await client.until(() => client.picture.vehicles.get(id)?.status === 'moving');
    await client.until(() => client.picture.vehicles.get(id)?.status === 'stale');
  });
});

describe('a subscription', () => {
  it('outlives the memory of the room that is watched', async () => {
    const { customer, n, id, watch } = await linkedRooms();
    const client = await watch();
    await customer.room.ingest(positionOf(n, 41));
    await client.until(() => client.picture.vehicles.get(id)?.lat === 41);
    await fallQuiet(customer.stub);
    await evictDurableObject(customer.stub);
    await customer.room.ingest(positionOf(n, 42));
    await client.until(() => client.picture.vehicles.get(id)?.lat === 42);
  });

  it('outlives the memory of the room that watches, and what it knew', async () => {
    const { dealer, customer, n, id, watch } = await linkedRooms();
    const client = await watch();
    await customer.room.ingest(positionOf(n, 41));
    await client.until(() => client.picture.vehicles.get(id)?.lat === 41);
    await loseMemory(dealer.stub);
    expect(await dealer.room.overlay([id])).toMatchObject([{ reading: { lat: 41 } }]);
    await customer.room.ingest(positionOf(n, 42));
    await client.until(() => client.picture.vehicles.get(id)?.lat === 42);
    expect(await subscribersOf(customer)).toEqual([{ tenant_id: dealer.tenantId }]);
  });

  it('lapses after a minute without being renewed; the alarm of the room that watches renews it', async () => {
    const { dealer, customer, n, id, watch } = await linkedRooms();
    const client = await watch();
    await expect.poll(isSubscribed(customer)).toBe(true);
    await runInDurableObject(customer.stub, (instance: FleetRoom, { storage }) => {
      storage.sql.exec('UPDATE subscribers SET until_ms = ?', Date.now());
      Object.assign(instance, { room: null });
    });
    await customer.room.ingest(positionOf(n, 41));
    expect(await subscribersOf(customer)).toEqual([]);
    await runInDurableObject(dealer.stub, async (instance: FleetRoom, { storage }) => {
      expect(await storage.getAlarm()).toBeLessThanOrEqual(Date.now() + 45_000);
      const mirrors = instance['room']?.links['mirrors'];
      for (const subscription of mirrors?.['held'].values() ?? []) subscription.dueMs = 0;
      if (mirrors) mirrors['nextMs'] = 0;
    });
    await runDurableObjectAlarm(dealer.stub);
    // It had lapsed: all that was missed comes with it.
    await client.until(() => client.picture.vehicles.get(id)?.lat === 41);
    await customer.room.ingest(positionOf(n, 42));
    await client.until(() => client.picture.vehicles.get(id)?.lat === 42);
  });

  it('is asked for again when the room that is watched fails', async () => {
    const { dealer, customer, n, id } = await linkedRooms();
    await runInDurableObject(dealer.stub, (instance: FleetRoom) => {
      const links = instance['room']?.links;
      const ports = links?.['mirrors']['ports'];
      const works = ports?.subscribe;
      if (!ports || !works) throw new Error('the room has no memory');
      ports.subscribe = () => {
        ports.subscribe = works;
        return Promise.reject(new Error('the room is away'));
      };
    });
    await customer.room.ingest(positionOf(n, 41));
    const client = await connect(dealer.room, who([dealer.tenantId, customer.tenantId]));
    await client.until(() => client.picture.vehicles.get(id)?.lat === 41, 5_000);
  });

  it('renewed brings nothing twice; asked for anew, it brings everything', async () => {
    const { dealer, customer, n, watch } = await linkedRooms();
    await customer.room.ingest(positionOf(n, 41));
    await watch();
    await expect.poll(isSubscribed(customer)).toBe(true);
    const ask = async (isRenewal: boolean) =>
      (await customer.room.subscribe(dealer.tenantId, isRenewal)).readings.length > 0;
    expect([await ask(true), await ask(false), await ask(true)]).toEqual([false, true, false]);
  });

  it('merges what changes while a call is under way, and sends again what did not arrive', async () => {
    const { customer, n, id, watch } = await linkedRooms();
    const client = await watch();
    await expect.poll(isSubscribed(customer)).toBe(true);
    const calls: number[] = [];
    await runInDurableObject(customer.stub, async (instance: FleetRoom) => {
      const ports = instance['room']?.links.subscribers['ports'];
      if (!ports) throw new Error('the room has no memory');
      const works = ports.mirror;
      let isFirst = true;
      ports.mirror = async (to, readings) => {
        calls.push(readings.length);
        if (!isFirst) return works(to, readings);
        isFirst = false;
        await scheduler.wait(400);
        throw new Error('the call was lost');
      };
    });
    for (const lat of [41, 42, 43]) {
      await customer.room.ingest(positionOf(n, lat));
      await scheduler.wait(100);
    }
    await client.until(() => client.picture.vehicles.get(id)?.lat === 43, 5_000);
    expect(calls).toHaveLength(2);
    expect(new Set(calls).size).toBe(1);
  });

  it.each([
    ['asked for anew', false],
    ['renewed', true],
  ])('%s while a call is under way, is not ended by its late answer', async (_how, isRenewal) => {
    const { dealer, customer, n } = await linkedRooms();
    await customer.room.subscribe(dealer.tenantId);
    let answer: (isWanted: boolean) => void = () => {};
    let calls = 0;
    await runInDurableObject(customer.stub, (instance: FleetRoom) => {
      const ports = instance['room']?.links.subscribers['ports'];
      if (!ports) throw new Error('the room has no memory');
      ports.mirror = () =>
        new Promise((resolve) => {
          calls += 1;
          answer = (isWanted) => resolve({ isWanted });
        });
    });
    await customer.room.ingest(positionOf(n, 41));
    await expect.poll(() => calls).toBe(1);
    // Nobody watched when it was asked; by the time of the answer somebody does.
    await customer.room.subscribe(dealer.tenantId, isRenewal);
    await runInDurableObject(customer.stub, () => answer(false));
    await scheduler.wait(20);
    expect(await subscribersOf(customer)).toEqual([{ tenant_id: dealer.tenantId }]);
    await customer.room.ingest(positionOf(n, 42));
    await expect.poll(() => calls).toBeGreaterThan(1);
    await runInDurableObject(customer.stub, () => answer(false));
    await expect.poll(() => subscribersOf(customer)).toEqual([]);
  });
});
