/** Packed sockets beside JSON ones, and the socket of one truck. */
import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { closeCode } from '#contracts/live';
import { readPackedHeader } from '#contracts/live-packed';
import { alertOf } from '#test/durable-objects/random-world';
import { changeOf, fallQuiet, newRoom, readingOf, seedOf, truck, uuid, who } from '#test/durable-objects/room-builders';
import { connect, openWith, type RoomClient } from '#test/durable-objects/room-client';

const shown = (client: RoomClient) => [...client.picture.vehicles.keys()].sort();

/** A room of `count` trucks with a JSON and a packed client. */
async function bothEncodings(count: number) {
  const { tenantId, room, stub } = newRoom();
  const vehicles = Array.from({ length: count }, (_, n) => truck(tenantId, n));
  await room.seed(seedOf(tenantId, vehicles, { alerts: [alertOf(tenantId, 1, { vehicleId: uuid(1) })] }));
  const json = await connect(room, who([tenantId]));
  const packed = await connect(room, who([tenantId]), { encoding: 'packed' });
  await Promise.all([json.untilSnapshot(), packed.untilSnapshot()]);
  const move = (n: number, patch = {}) =>
    room.recordReadings({ sourceTenantId: tenantId, readings: [readingOf(uuid(n), Date.now(), patch)] });
  return { tenantId, room, stub, json, packed, move };
}

describe('a packed socket', () => {
  it('is sent binary snapshots and deltas that say what the text ones say; everything else stays text', async () => {
    const { tenantId, room, json, packed, move } = await bothEncodings(1_100);
    expect(packed.texts.map((text) => (JSON.parse(text) as { type: string }).type)).toEqual(['welcome']);
    expect(packed.packed.map((frame) => readPackedHeader(frame).counts.vehicles)).toEqual([500, 500, 100]);
    expect(packed.picture).toEqual(json.picture);
    await move(1, { lat: 12.345_678_9 });
    await room.applyChange(changeOf(tenantId, 11, { vehicles: [truck(tenantId, 2, { riskScore: 88.25 })] }));
    await room.applyChange(
      changeOf(tenantId, 12, {
        removedVehicleIds: [uuid(3)],
        vehicles: [truck(tenantId, 5_000)],
        alerts: [alertOf(tenantId, 1, { vehicleId: uuid(1), status: 'resolved' })],
      }),
    );
    for (const client of [json, packed]) {
      await client.until(() => client.picture.vehicles.has(uuid(5_000)));
      expect(client.picture.vehicles.get(uuid(1))?.lat).toBe(12.345_678_9);
      expect(client.picture.alerts.size).toBe(0);
    }
    expect(packed.picture).toEqual(json.picture);
    packed.send({ type: 'filter', filter: { groupId: uuid(9) } });
    await packed.until(() => packed.of('error').length === 1);
    expect(json.packed).toEqual([]);
  });

  it('goes on with the numbers it holds, through an eviction and on another socket', async () => {
    const { tenantId, room, stub, packed, move } = await bothEncodings(3);
    await fallQuiet(stub);
    await evictDurableObject(stub);
    // Gone and come back within one tick: for the client nothing happened, and its number must still be good.
    await room.applyChange(changeOf(tenantId, 11, { removedVehicleIds: [uuid(1)] }));
    await room.applyChange(changeOf(tenantId, 12, { vehicles: [truck(tenantId, 1), truck(tenantId, 7)] }));
    await move(1);
    await packed.until(
      () => packed.picture.vehicles.get(uuid(1))?.status === 'moving' && packed.picture.vehicles.has(uuid(7)),
    );
    const resume = { epoch: packed.epoch, seq: packed.picture.seq };
    packed.close();
    await move(2);
    const back = await openWith(room, (await room.issueTicket(who([tenantId]))).ticket);
    back.reader = packed.reader;
    back.picture.take(packed.picture.seq, { vehicles: [...packed.picture.vehicles.values()], alerts: [] });
    back.send({ type: 'hello', protocol: 1, encoding: 'packed', resume });
    await back.until(() => back.deltas.length === 1);
    expect(back.of('snapshot')).toEqual([]);
    expect(back.picture.vehicles.get(uuid(2))?.status).toBe('moving');
    expect(readPackedHeader(back.packed[0] as ArrayBuffer).counts.vehicles).toBe(1);
  });

  it('cannot resume as a text one, nor the other way round', async () => {
    const { tenantId, room, json, packed } = await bothEncodings(1);
    expect(packed.epoch).not.toBe(json.epoch);
    for (const [one, encoding] of [
      [packed, 'json'],
      [json, 'packed'],
    ] as const) {
      const resume = { epoch: one.epoch, seq: one.picture.seq };
      const other = await connect(room, who([tenantId]), { encoding, resume });
      await other.untilSnapshot();
      expect(other.deltas).toEqual([]);
    }
  });

  it('may become one, or a text one again, by saying hello again', async () => {
    const { json, move } = await bothEncodings(2);
    for (const encoding of ['packed', 'json'] as const) {
      const before = json.of('snapshot').length;
      json.send({ type: 'hello', protocol: 1, encoding });
      await json.untilSnapshot(before + 1);
      await move(1, { lat: before });
      await json.until(() => json.picture.vehicles.get(uuid(1))?.lat === before);
    }
    expect(json.packed.length).toBeGreaterThanOrEqual(2);
  });
});

describe('the socket of one truck', () => {
  const path = (n: number) => `/live/vehicles/${uuid(n)}`;
  const open = async (
    room: ReturnType<typeof newRoom>['room'],
    principal: ReturnType<typeof who>,
    n: number,
    hello = {},
  ) => {
    const client = await openWith(room, (await room.issueTicket(principal)).ticket, true, path(n));
    client.send({ type: 'hello', protocol: 1, ...hello });
    return client;
  };

  it('carries that truck, its alerts, and nothing else', async () => {
    const { tenantId, room, stub } = newRoom();
    const alerts = [1, 2].map((n) => alertOf(tenantId, n, { vehicleId: uuid(n) }));
    await room.seed(seedOf(tenantId, [truck(tenantId, 1), truck(tenantId, 2)], { alerts }));
    const client = await open(room, who([tenantId]), 2);
    const packed = await open(room, who([tenantId]), 2, { encoding: 'packed' });
    await Promise.all([client.untilSnapshot(), packed.untilSnapshot()]);
    expect(shown(client)).toEqual([uuid(2)]);
    expect([...client.picture.alerts.keys()]).toEqual([`${tenantId}/a2`]);
    await fallQuiet(stub);
    await evictDurableObject(stub);
    const readings = [1, 2].map((n) => readingOf(uuid(n), Date.now()));
    await room.recordReadings({ sourceTenantId: tenantId, readings });
    for (const one of [client, packed]) {
      await one.until(() => one.picture.vehicles.get(uuid(2))?.status === 'moving');
      expect(shown(one)).toEqual([uuid(2)]);
    }
    expect(client.texts.join()).not.toContain(uuid(1));
    // A filter narrows further, and never opens.
    client.send({ type: 'filter', filter: { vehicleIds: [uuid(1)] } });
    await client.untilSnapshot(2);
    expect(shown(client)).toEqual([]);
    client.send({ type: 'filter', filter: {} });
    await client.untilSnapshot(3);
    expect(shown(client)).toEqual([uuid(2)]);
    await room.applyChange(changeOf(tenantId, 11, { removedVehicleIds: [uuid(2)] }));
    await client.until(() => client.picture.vehicles.size === 0);
    expect(client.closed).toBeNull();
  });

  it('is closed with 4403 for a truck that is unknown or not to be seen, with 4401 for a bad ticket', async () => {
    const { tenantId, room } = newRoom();
    const other = uuid(555_555);
    await room.seed(seedOf(tenantId, [truck(tenantId, 1, { assignedDriverId: 'driver-1' })]));
    await room.seed(seedOf(other, [truck(other, 3)]));
    const driver = (userId: string) => who([tenantId], { role: 'driver', userId, onlyAssignedTo: userId });
    for (const [principal, n] of [
      [who([tenantId]), 3],
      [who([tenantId]), 99],
      [driver('driver-2'), 1],
    ] as const) {
      expect(await (await open(room, principal, n)).untilClosed()).toBe(closeCode.forbidden);
    }
    const own = await open(room, driver('driver-1'), 1);
    await own.untilSnapshot();
    const { ticket } = await room.issueTicket(who([tenantId]));
    expect(await (await openWith(room, `${ticket}x`, true, path(1))).untilClosed()).toBe(closeCode.unauthenticated);
    expect(await (await openWith(room, ticket, true, '/live/vehicles/nonsense')).untilClosed()).toBe(
      closeCode.forbidden,
    );
    // Used up, whatever came of it.
    expect(await (await openWith(room, ticket)).untilClosed()).toBe(closeCode.unauthenticated);
    expect((await room.status()).sockets).toBe(1);
  });

  it('shows no more when rights are widened', async () => {
    const { tenantId, room } = newRoom();
    const customer = uuid(444_444);
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
    const client = await open(room, who([tenantId]), 1);
    await client.untilSnapshot();
    await room.grantSources([customer]);
    await room.seed(seedOf(customer, [truck(customer, 2)]));
    await room.applyChange(changeOf(tenantId, 11, { vehicles: [truck(tenantId, 1, { unitNumber: 'last' })] }));
    await client.until(() => client.picture.vehicles.get(uuid(1))?.unitNumber === 'last');
    expect(shown(client)).toEqual([uuid(1)]);
  });
});
