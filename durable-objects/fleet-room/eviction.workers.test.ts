/** A room that lost its memory behaves like one that did not, whichever entry comes first. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FleetRoom } from './fleet-room.ts';
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
import { connect, openWith } from '#test/durable-objects/room-client';

/** A room with one truck, a reading and one connected client, evicted. */
async function evictedRoom() {
  const { tenantId, room, stub } = newRoom();
  await room.seed(seedOf(tenantId, [truck(tenantId, 1), truck(tenantId, 2)]));
  await room.recordReadings({ sourceTenantId: tenantId, readings: [readingOf(uuid(1), Date.now())] });
  const client = await connect(room, who([tenantId]), { filter: { vehicleIds: [uuid(1)] } });
  await client.untilSnapshot();
  await fallQuiet(stub);
  await evictDurableObject(stub);
  return { tenantId, room, stub, client };
}

describe('after an eviction', () => {
  it('a socket frame may come first', async () => {
    const { room, client, tenantId } = await evictedRoom();
    client.send({ type: 'ack', seq: client.picture.seq });
    client.send({ type: 'filter', filter: {} });
    await client.untilSnapshot(2);
    expect(client.picture.vehicles.size).toBe(2);
    await room.applyChange(changeOf(tenantId, 11, { vehicles: [truck(tenantId, 2, { unitNumber: 'new' })] }));
    await client.until(() => client.picture.vehicles.get(uuid(2))?.unitNumber === 'new');
  });

  it('a bad socket frame may come first', async () => {
    const { client } = await evictedRoom();
    client.send({ type: 'ack', seq: client.picture.seq + 1 });
    expect(await client.untilClosed()).toBe(4400);
  });

  it('the close of a socket may come first', async () => {
    const { client, room, stub } = await evictedRoom();
    client.close();
    await client.untilClosed();
    await expect.poll(async () => (await room.status()).sockets).toBe(0);
    await runInDurableObject(stub, (_, { storage }) => {
      expect(storage.sql.exec('SELECT * FROM connections').toArray()).toEqual([]);
    });
  });

  it('the alarm may come first, and asks for the copy that is due', async () => {
    const { room, stub } = await evictedRoom();
    const queued: unknown[] = [];
    await runInDurableObject(stub, async (instance: FleetRoom, ctx) => {
      ctx.storage.sql.exec('UPDATE room SET copy_back_due_ms = ?', Date.now());
      // A fresh instance as the runtime makes it, whose queue can be watched.
      const watched = Object.create(instance, {
        env: { value: { LIVE_QUEUE: { send: async (message: unknown) => void queued.push(message) } } },
        room: { value: null, writable: true },
      }) as FleetRoom;
      await watched.alarm();
      expect(await ctx.storage.getAlarm()).toBeLessThanOrEqual(Date.now() + 20_000);
    });
    expect(queued).toEqual([{ kind: 'copy_back', tenantId: expect.stringMatching(/^0194/) as string }]);
    await fallQuiet(stub);
    await evictDurableObject(stub);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect((await room.status()).sockets).toBe(1);
  });

  it('a queue that fails is asked again within seconds', async () => {
    const { stub } = await evictedRoom();
    await runInDurableObject(stub, async (instance: FleetRoom, ctx) => {
      ctx.storage.sql.exec('UPDATE room SET copy_back_due_ms = ?', Date.now());
      const failing = { send: () => Promise.reject(new Error('queue is away')) };
      const watched = Object.create(instance, {
        env: { value: { LIVE_QUEUE: failing } },
        room: { value: null, writable: true },
      }) as FleetRoom;
      await watched.alarm();
      const [row] = ctx.storage.sql.exec<{ due: number }>('SELECT copy_back_due_ms AS due FROM room').toArray();
      expect(row?.due).toBeLessThanOrEqual(Date.now() + 5_000);
    });
  });

  it('a request may come first', async () => {
    const { room, stub, tenantId } = await evictedRoom();
    const { ticket } = await room.issueTicket(who([tenantId]));
    await fallQuiet(stub);
    await evictDurableObject(stub);
    const second = await openWith(room, ticket);
    await fallQuiet(stub);
    await evictDurableObject(stub);
    second.send({ type: 'hello', protocol: 1 });
    await second.untilSnapshot();
    expect(second.picture.vehicles.get(uuid(1))).toMatchObject({ status: 'moving', lat: 39.7 });
    expect((await room.status()).sockets).toBe(2);
  });

  it('a feed may come first, and reaches the sockets that slept', async () => {
    const { room, client, tenantId } = await evictedRoom();
    const readings = [readingOf(uuid(1), Date.now() + 1, { speedMph: 0 })];
    await room.recordReadings({ sourceTenantId: tenantId, readings });
    await client.until(() => client.picture.vehicles.get(uuid(1))?.status === 'idle');
    const older = [readingOf(uuid(1), Date.now() - 60_000)];
    expect(await room.recordReadings({ sourceTenantId: tenantId, readings: older })).toEqual({ recorded: 0 });
    expect(client.of('snapshot')).toHaveLength(1);
  });

  it('a change accepted but not yet ticked still arrives, with no other entry than the alarm', async () => {
    const { tenantId, room, stub } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
    const client = await connect(room, who([tenantId]));
    await client.untilSnapshot();
    await runInDurableObject(stub, async (instance: FleetRoom) => {
      for (const counter of [11, 12, 13]) {
        const vehicles = [truck(tenantId, 1, { riskScore: counter })];
        await instance.applyChange(changeOf(tenantId, counter, { vehicles }));
      }
      Object.assign(instance, { room: null });
    });
    await client.until(() => client.picture.vehicles.get(uuid(1))?.riskScore === 13);
  });

  it('an end of session may come first', async () => {
    const { room, client } = await evictedRoom();
    expect(await room.close({ endedSessionIds: ['session-1'] })).toEqual({ closed: 1 });
    expect(await client.untilClosed()).toBe(4410);
  });

  it('a slow reader is still known to be slow, and is ended after its minute', async () => {
    const { tenantId, room, stub } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
    const slow = await connect(room, who([tenantId]), {}, false);
    await slow.untilSnapshot();
    const change = (counter: number) =>
      room.applyChange(changeOf(tenantId, counter, { vehicles: [truck(tenantId, 1, { riskScore: counter })] }));
    for (let counter = 11; counter <= 20; counter += 1) {
      await change(counter);
      await slow.until(() => slow.deltas.length === counter - 10);
    }
    await fallQuiet(stub);
    await evictDurableObject(stub);
    await change(21);
    await scheduler.wait(150);
    expect(slow.deltas).toHaveLength(10);
    await fallQuiet(stub);
    await evictDurableObject(stub);
    await runInDurableObject(stub, (_, ctx) => {
      for (const ws of ctx.getWebSockets()) {
        const held = ws.deserializeAttachment() as { window: { slowSinceMs: number | null } };
        expect(held.window.slowSinceMs).not.toBeNull();
        held.window.slowSinceMs = Date.now() - 60_000;
        ws.serializeAttachment(held);
      }
    });
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await slow.untilClosed()).toBe(4430);
  });

  it('what was heard, what is dirty and what may be resumed from are still known', async () => {
    const { room, stub, tenantId } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1), truck(tenantId, 2)]));
    const client = await connect(room, who([tenantId]), { filter: { riskLevels: ['low'] } });
    await client.untilSnapshot();
    client.close();
    await room.recordReadings({ sourceTenantId: tenantId, readings: [readingOf(uuid(1), Date.now())] });
    await room.applyChange(changeOf(tenantId, 13, { vehicles: [truck(tenantId, 1, { riskLevel: 'high' })] }));
    await fallQuiet(stub);
    await evictDurableObject(stub);
    expect((await room.status()).heardThrough).toEqual({ [tenantId]: 10 });
    expect((await room.listDirtyReadings(9)).readings).toHaveLength(1);
    await fallQuiet(stub);
    await evictDurableObject(stub);
    await room.applyChange(changeOf(tenantId, 12, { vehicles: [truck(tenantId, 1, { riskLevel: 'low' })] }));
    await room.applyChange(changeOf(tenantId, 11, { removedVehicleIds: [uuid(2)] }));
    await fallQuiet(stub);
    await evictDurableObject(stub);
    expect(await room.status()).toMatchObject({ vehicles: 1, heardThrough: { [tenantId]: 13 } });
    const { ticket } = await room.issueTicket(who([tenantId]));
    const back = await openWith(room, ticket);
    back.picture.take(client.picture.seq, { vehicles: [...client.picture.vehicles.values()], alerts: [] });
    back.send({
      type: 'hello',
      protocol: 1,
      filter: { riskLevels: ['low'] },
      resume: { epoch: client.epoch, seq: client.picture.seq },
    });
    await back.until(() => back.deltas.length === 1);
    expect(back.deltas[0]?.removed.toSorted()).toEqual([uuid(1), uuid(2)]);
    expect(back.picture.vehicles.size).toBe(0);
  });
});

/** An object that is not awake has nothing to lose. */
async function evictIfAwake(stub: DurableObjectStub): Promise<void> {
  await fallQuiet(stub);
  await evictDurableObject(stub).catch((cause: unknown) => {
    if (!String(cause).includes('not currently running')) throw cause;
  });
}

describe('a random life with evictions', () => {
  const step = fc.oneof(
    fc.record({
      op: fc.constant('reading' as const),
      n: fc.integer({ min: 1, max: 3 }),
      speedMph: fc.constantFrom(0, 60),
    }),
    fc.record({
      op: fc.constant('change' as const),
      n: fc.integer({ min: 1, max: 3 }),
      riskLevel: fc.constantFrom('low' as const, 'critical' as const),
      isRemoved: fc.boolean(),
    }),
    fc.record({ op: fc.constant('evict' as const) }),
    fc.record({ op: fc.constant('lose' as const) }),
    fc.record({ op: fc.constant('pause' as const) }),
  );

  it('leaves every client with what a fresh one is given', { timeout: 60_000 }, async () => {
    const histories = fc.sample(fc.array(step, { minLength: 40, maxLength: 60, size: 'max' }), { numRuns: 3, seed: 7 });
    for (const history of histories) {
      const { tenantId, room, stub } = newRoom();
      await room.seed(seedOf(tenantId, []));
      const hellos = [
        {},
        { encoding: 'packed' },
        { filter: { riskLevels: ['critical'] } },
        { filter: { vehicleIds: [uuid(1), uuid(2)] }, encoding: 'packed' },
      ];
      const clients = await Promise.all(hellos.map((hello) => connect(room, who([tenantId]), hello)));
      await Promise.all(clients.map((client) => client.untilSnapshot()));
      let counter = 10;
      for (const next of history) {
        if (next.op === 'evict') await evictIfAwake(stub);
        if (next.op === 'lose') await loseMemory(stub);
        if (next.op === 'pause') await scheduler.wait(90);
        if (next.op === 'reading') {
          const readings = [readingOf(uuid(next.n), Date.now(), { speedMph: next.speedMph })];
          await room.recordReadings({ sourceTenantId: tenantId, readings });
        }
        if (next.op === 'change') {
          counter += 1;
          const { n, riskLevel } = next;
          const removal = { removedVehicleIds: [uuid(n)] };
          const update = { vehicles: [truck(tenantId, n, { riskLevel })] };
          await room.applyChange(changeOf(tenantId, counter, next.isRemoved ? removal : update));
        }
      }
      await room.applyChange(changeOf(tenantId, counter + 1, { vehicles: [truck(tenantId, 9)] }));
      await clients[0]?.until(() => clients[0]?.picture.vehicles.has(uuid(9)) === true);
      await evictIfAwake(stub);
      for (const [at, client] of clients.entries()) {
        const fresh = await connect(room, who([tenantId]), hellos[at]);
        await fresh.untilSnapshot();
        expect(client.picture.vehicles).toEqual(fresh.picture.vehicles);
        expect(client.closed).toBeNull();
        client.close();
        fresh.close();
      }
    }
  });
});

describe('memory lost before the room fell quiet', () => {
  /** A room whose client holds more than its socket's attachment says. */
  async function aheadOfItsAttachment(hello: object = {}) {
    const { tenantId, room, stub } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1), truck(tenantId, 2)]));
    const client = await connect(room, who([tenantId]), hello);
    await client.untilSnapshot();
    await fallQuiet(stub);
    await room.applyChange(changeOf(tenantId, 11, { vehicles: [truck(tenantId, 1, { riskScore: 11 })] }));
    await client.until(() => client.deltas.length === 1);
    await loseMemory(stub);
    return { tenantId, room, stub, client };
  }

  it('is healed by one whole snapshot, and nobody is closed', async () => {
    const { tenantId, room, client } = await aheadOfItsAttachment();
    await room.applyChange(changeOf(tenantId, 12, { vehicles: [truck(tenantId, 1, { riskScore: 12 })] }));
    await client.until(() => client.picture.vehicles.get(uuid(1))?.riskScore === 12);
    expect(client.of('snapshot').length).toBe(2);
    await room.applyChange(changeOf(tenantId, 13, { vehicles: [truck(tenantId, 1, { riskScore: 13 })] }));
    await client.until(() => client.picture.vehicles.get(uuid(1))?.riskScore === 13);
    expect(client.of('snapshot').length).toBe(2);
    expect(client.closed).toBeNull();
  });

  it('an ack of what the room has forgotten it sent is no offence', async () => {
    const { room, client } = await aheadOfItsAttachment({ encoding: 'packed' });
    client.send({ type: 'ack', seq: client.picture.seq });
    await client.untilSnapshot(2);
    expect(client.closed).toBeNull();
    client.send({ type: 'ack', seq: (await room.status()).seq + 1 });
    expect(await client.untilClosed()).toBe(4400);
  });

  it('nothing is to be healed after a quiet end: the room kept what it knew by itself', async () => {
    const { tenantId, room, stub } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
    const client = await connect(room, who([tenantId]));
    const narrow = await connect(room, who([tenantId]), { filter: { vehicleIds: [uuid(2)] } });
    await Promise.all([client.untilSnapshot(), narrow.untilSnapshot()]);
    await room.applyChange(changeOf(tenantId, 11, { vehicles: [truck(tenantId, 1, { riskScore: 11 })] }));
    await client.until(() => client.deltas.length === 1);
    // Waits for the room's timer: an object with a timer is not evicted.
    await evictDurableObject(stub);
    await room.applyChange(changeOf(tenantId, 12, { vehicles: [truck(tenantId, 1, { riskScore: 12 })] }));
    await client.until(() => client.deltas.length === 2);
    expect([client.of('snapshot').length, narrow.of('snapshot').length, narrow.deltas.length]).toEqual([1, 1, 0]);
  });
});
