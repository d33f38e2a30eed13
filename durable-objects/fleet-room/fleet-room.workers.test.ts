/** The room as its sockets see it: the protocol, its refusals, its pace. Eviction has its own file. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { closeCode } from '#contracts/live';
import { connect, openWith, type RoomClient } from '#test/durable-objects/room-client';
import { alertOf } from '#test/durable-objects/random-world';
import { changeOf, newRoom, readingOf, seedOf, truck, uuid, who } from '#test/durable-objects/room-builders';
import type { FleetRoom } from './fleet-room.ts';

const unitsOf = (client: RoomClient) => [...client.picture.vehicles.values()].map((row) => row.unitNumber).sort();

describe('a ticket', () => {
  it('works once', async () => {
    const { tenantId, room } = newRoom();
    const { ticket } = await room.issueTicket(who([tenantId]));
    expect(ticket).toMatch(new RegExp(`^${tenantId}\\.[A-Za-z0-9_-]{43}$`));
    const first = await openWith(room, ticket);
    first.send({ type: 'hello', protocol: 1 });
    await first.untilSnapshot();
    expect(await (await openWith(room, ticket)).untilClosed()).toBe(closeCode.unauthenticated);
  });

  it('that was never issued, or names nothing, is accepted and closed with 4401', async () => {
    const { tenantId, room } = newRoom();
    for (const ticket of ['', 'x', `${tenantId}.${'a'.repeat(43)}`]) {
      expect(await (await openWith(room, ticket)).untilClosed()).toBe(closeCode.unauthenticated);
    }
    expect((await room.fetch(new Request('https://room.test/?ticket=x'))).status).toBe(426);
  });

  it('expires, and only its hash is kept', async () => {
    const { tenantId, room, stub } = newRoom();
    const { ticket } = await room.issueTicket(who([tenantId]));
    await runInDurableObject(stub, (_, { storage }) => {
      const rows = storage.sql.exec('SELECT * FROM tickets').toArray();
      expect(rows).toHaveLength(1);
      expect(JSON.stringify(rows)).not.toContain(ticket.split('.')[1]);
      storage.sql.exec('UPDATE tickets SET expires_ms = ?', Date.now());
    });
    expect(await (await openWith(room, ticket)).untilClosed()).toBe(closeCode.unauthenticated);
  });
});

describe('a socket', () => {
  it('gets welcome, snapshot and exact deltas', async () => {
    const { tenantId, room } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)], { alerts: [alertOf(tenantId, 1, { vehicleId: uuid(1) })] }));
    const client = await connect(room, who([tenantId]));
    await client.untilSnapshot();
    expect(client.messages[0]).toMatchObject({ type: 'welcome', protocol: 1, tickMs: 250 });
    expect(client.of('snapshot')[0]).toMatchObject({ part: 1, parts: 1, alerts: [{ title: 'DPF soot load high' }] });
    expect(client.picture.vehicles.get(uuid(1))).toMatchObject({ status: 'offline', lat: null });
    expect(client.picture.vehicles.get(uuid(1))).not.toHaveProperty('assignedDriverId');

    const atMs = Date.now();
    expect(await room.recordReadings({ sourceTenantId: tenantId, readings: [readingOf(uuid(1), atMs)] })).toEqual({
      recorded: 1,
    });
    await client.until(() => client.deltas.length === 1);
    const [delta] = client.deltas;
    expect(delta).toMatchObject({ prev: client.of('snapshot')[0]?.seq, removed: [], alerts: [], alertsClosed: [] });
    expect(delta?.vehicles).toEqual([
      {
        id: uuid(1),
        status: 'moving',
        lat: 39.7,
        lon: -105,
        heading: 90,
        speedMph: 55,
        at: new Date(atMs).toISOString(),
      },
    ]);

    const older = readingOf(uuid(1), atMs - 1_000);
    expect(await room.recordReadings({ sourceTenantId: tenantId, readings: [older] })).toEqual({ recorded: 0 });
    await room.applyChange(
      changeOf(tenantId, 11, { alerts: [alertOf(tenantId, 1, { vehicleId: uuid(1), status: 'resolved' })] }),
    );
    await client.until(() => client.deltas.length === 2);
    expect(client.deltas[1]).toMatchObject({ vehicles: [], alertsClosed: [`${tenantId}/a1`] });
    expect((await room.status()).heardThrough).toEqual({ [tenantId]: 11 });
  });

  it('gets a large fleet in parts of 500 with the alerts last', async () => {
    const { tenantId, room } = newRoom();
    const vehicles = Array.from({ length: 1_200 }, (_, n) => truck(tenantId, n, { unitNumber: `U${n}` }));
    await room.seed(seedOf(tenantId, vehicles, { alerts: [alertOf(tenantId, 1)] }));
    const client = await connect(room, who([tenantId]));
    await client.untilSnapshot();
    expect(
      client.of('snapshot').map((part) => [part.part, part.parts, part.vehicles.length, part.alerts.length]),
    ).toEqual([
      [1, 3, 500, 0],
      [2, 3, 500, 0],
      [3, 3, 200, 1],
    ]);
    expect(client.picture.vehicles.size).toBe(1_200);
  });

  it('coalesces a burst into few frames and has each change well within a second', async () => {
    const { tenantId, room } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1), truck(tenantId, 2)]));
    const client = await connect(room, who([tenantId]));
    await client.untilSnapshot();
    const startMs = Date.now();
    for (let n = 1; n <= 40; n += 1) {
      const readings = [readingOf(uuid(1 + (n % 2)), startMs + n, { lat: n })];
      await room.recordReadings({ sourceTenantId: tenantId, readings });
    }
    const lastSentMs = Date.now();
    await client.until(() => client.picture.vehicles.get(uuid(1))?.lat === 40);
    expect(Date.now() - lastSentMs).toBeLessThan(500);
    expect(client.deltas.length).toBeLessThanOrEqual(2 + (Date.now() - startMs) / 80);
  });

  it('sees only its tenants, and with a filter less', async () => {
    const { tenantId, room } = newRoom();
    const other = uuid(777_777);
    await room.seed(seedOf(tenantId, [truck(tenantId, 1), truck(tenantId, 2, { riskLevel: 'critical' })]));
    await room.seed(seedOf(other, [truck(other, 3, { assignedDriverId: 'driver-1', riskLevel: 'critical' })]));
    const own = await connect(room, who([tenantId]));
    const both = await connect(room, who([tenantId, other]));
    const critical = await connect(room, who([tenantId, other]), { filter: { riskLevels: ['critical'] } });
    const narrowed = await connect(room, who([tenantId]), { filter: { tenantIds: [other] } });
    const driver = await connect(room, who([tenantId, other], { role: 'driver', onlyAssignedTo: 'driver-1' }));
    for (const client of [own, both, critical, narrowed, driver]) await client.untilSnapshot();
    expect([own, both, critical, narrowed, driver].map(unitsOf)).toEqual([
      ['U1', 'U2'],
      ['U1', 'U2', 'U3'],
      ['U2', 'U3'],
      [],
      ['U3'],
    ]);
    await room.applyChange(changeOf(tenantId, 11, { vehicles: [truck(tenantId, 1, { riskLevel: 'critical' })] }));
    await room.applyChange(changeOf(other, 11, { vehicles: [truck(other, 3, { riskLevel: 'low' })] }));
    await both.until(() => both.picture.vehicles.get(uuid(3))?.riskLevel === 'low');
    await critical.until(() => critical.picture.vehicles.has(uuid(1)) && !critical.picture.vehicles.has(uuid(3)));
    await driver.until(() => driver.picture.vehicles.size === 0);
    expect(own.texts.join()).not.toContain(uuid(3));
    expect(narrowed.deltas).toEqual([]);
  });

  it('changes its filter for a fresh snapshot; groups are refused in words', async () => {
    const { tenantId, room } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1), truck(tenantId, 2)]));
    const client = await connect(room, who([tenantId]));
    await client.untilSnapshot();
    client.send({ type: 'filter', filter: { vehicleIds: [uuid(2)] } });
    await client.untilSnapshot(2);
    expect(unitsOf(client)).toEqual(['U2']);
    client.send({ type: 'filter', filter: { groupId: uuid(9) } });
    await client.until(() => client.of('error').length === 1);
    expect(client.of('error')[0]).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(client.closed).toBeNull();
  });

  it('answers ping with pong', async () => {
    const { tenantId, room } = newRoom();
    const client = await connect(room, who([tenantId]));
    await client.untilSnapshot();
    client.send('ping');
    await client.until(() => client.texts.includes('pong'));
  });
});

describe('a socket that misbehaves is closed', () => {
  it.each([
    ['not JSON', ['{'], closeCode.badFrame],
    ['binary', [new ArrayBuffer(3)], closeCode.badFrame],
    ['too large', ['x'.repeat(16 * 1024 + 1)], closeCode.frameTooLarge],
    ['another protocol', [{ type: 'hello', protocol: 9 }], closeCode.protocolMismatch],
    ['ack before hello', [{ type: 'ack', seq: 0 }], closeCode.badFrame],
    [
      'ack beyond the last seq',
      [
        { type: 'hello', protocol: 1 },
        { type: 'ack', seq: 1_000 },
      ],
      closeCode.badFrame,
    ],
    [
      'more than 20 frames in a second',
      [{ type: 'hello', protocol: 1 }, ...Array.from({ length: 25 }, () => ({ type: 'ack', seq: 0 }))],
      closeCode.tooManyFrames,
    ],
  ])('%s', async (_, frames, code) => {
    const { tenantId, room } = newRoom();
    const client = await openWith(room, (await room.issueTicket(who([tenantId]))).ticket, false);
    for (const frame of frames) client.send(frame);
    expect(await client.untilClosed()).toBe(code);
    expect((await room.status()).sockets).toBe(0);
  });

  it('no hello in 10 s', async () => {
    const { tenantId, room, stub } = newRoom();
    const client = await openWith(room, (await room.issueTicket(who([tenantId]))).ticket);
    await runInDurableObject(stub, async (instance, ctx) => {
      const dueMs = await ctx.storage.getAlarm();
      expect(dueMs).toBeGreaterThan(Date.now() + 8_000);
      expect(dueMs).toBeLessThanOrEqual(Date.now() + 10_000);
      for (const ws of ctx.getWebSockets()) {
        ws.serializeAttachment({ ...(ws.deserializeAttachment() as object), helloByMs: Date.now() });
      }
      Object.assign(instance, { room: null });
    });
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await client.untilClosed()).toBe(closeCode.noHello);
  });
});

describe('an end from outside', () => {
  it('of a dealer link takes the trucks off at once, for good', async () => {
    const { tenantId, room } = newRoom();
    const customer = uuid(888_888);
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
    await room.seed(seedOf(customer, [truck(customer, 2)], { alerts: [alertOf(customer, 2, { vehicleId: uuid(2) })] }));
    const client = await connect(room, who([tenantId, customer]));
    await client.untilSnapshot();
    await room.dropSource(customer);
    await client.until(() => client.picture.vehicles.size === 1 && client.picture.alerts.size === 0);
    // A change that was on its way, and even a seed, bring nothing back to this socket.
    expect(await room.applyChange(changeOf(customer, 11, { vehicles: [truck(customer, 2)] }))).toEqual({
      isSeeded: false,
    });
    expect(await room.recordReadings({ sourceTenantId: customer, readings: [readingOf(uuid(2), Date.now())] })).toEqual(
      {
        recorded: 0,
      },
    );
    await room.seed(seedOf(customer, [truck(customer, 2)]));
    await room.applyChange(changeOf(tenantId, 11, { vehicles: [truck(tenantId, 1, { unitNumber: 'last' })] }));
    await client.until(() => client.picture.vehicles.get(uuid(1))?.unitNumber === 'last');
    expect(unitsOf(client)).toEqual(['last']);
  });
});

describe('a reader that lags when its rights change', () => {
  it('is given a whole snapshot of what it may still see', async () => {
    const { tenantId, room } = newRoom();
    const customer = uuid(666_666);
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
    await room.seed(seedOf(customer, [truck(customer, 2)]));
    const slow = await connect(room, who([tenantId, customer]), {}, false);
    await slow.untilSnapshot();
    const change = (counter: number) =>
      room.applyChange(changeOf(tenantId, counter, { vehicles: [truck(tenantId, 1, { riskScore: counter })] }));
    for (let counter = 11; counter <= 20; counter += 1) {
      await change(counter);
      await slow.until(() => slow.deltas.length === counter - 10);
    }
    const { epoch } = slow;
    await room.dropSource(customer);
    await scheduler.wait(100);
    expect(slow.deltas).toHaveLength(10);
    slow.send({ type: 'ack', seq: slow.picture.seq });
    await slow.untilSnapshot(2);
    expect(unitsOf(slow)).toEqual(['U1']);
    expect(slow.epoch).not.toBe(epoch);
  });

  it('cannot pile up snapshots by changing its filter', async () => {
    const { tenantId, room } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
    const client = await connect(room, who([tenantId]), {}, false);
    await client.untilSnapshot();
    for (let n = 0; n < 15; n += 1) client.send({ type: 'filter', filter: n === 14 ? {} : { riskLevels: [] } });
    await client.untilSnapshot(10);
    await scheduler.wait(100);
    expect(client.of('snapshot')).toHaveLength(10);
    client.send({ type: 'ack', seq: client.picture.seq });
    await client.untilSnapshot(11);
    expect(unitsOf(client)).toEqual(['U1']);
  });
});

describe('coming back', () => {
  it('resumes with one merged delta when it can, and with a snapshot when it cannot', async () => {
    const { tenantId, room } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1), truck(tenantId, 2)]));
    const client = await connect(room, who([tenantId]));
    await client.untilSnapshot();
    const { seq } = client.picture;
    client.close();
    for (const counter of [11, 12, 13]) {
      const patch = { riskScore: counter };
      await room.applyChange(changeOf(tenantId, counter, { vehicles: [truck(tenantId, 1, patch)] }));
    }
    await room.applyChange(changeOf(tenantId, 14, { removedVehicleIds: [uuid(2)] }));

    const resume = { epoch: client.epoch, seq };
    const back = await openWith(room, (await room.issueTicket(who([tenantId]))).ticket);
    back.picture.take(seq, { vehicles: [...client.picture.vehicles.values()], alerts: [] });
    back.send({ type: 'hello', protocol: 1, resume });
    await back.until(() => back.deltas.length === 1);
    expect(back.of('snapshot')).toEqual([]);
    expect(back.deltas[0]).toMatchObject({ prev: seq, removed: [uuid(2)] });
    expect(back.picture.vehicles.get(uuid(1))?.riskScore).toBe(13);

    for (const hello of [
      { resume: { ...resume, epoch: 'another' } },
      { resume: { ...resume, seq: seq + 1_000 } },
      // As another viewer: what the client holds is not what this one may see.
      { resume, filter: { vehicleIds: [uuid(1)] } },
    ]) {
      const fresh = await connect(room, who([tenantId]), hello);
      await fresh.untilSnapshot();
      expect(fresh.deltas).toEqual([]);
    }
  });
});

describe('a slow reader', () => {
  it('is sent ten ticks, then waits, and catches up with one merged delta; others are not held up', async () => {
    const { tenantId, room } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
    const slow = await connect(room, who([tenantId]), {}, false);
    const quick = await connect(room, who([tenantId]));
    await Promise.all([slow.untilSnapshot(), quick.untilSnapshot()]);
    for (let counter = 11; counter <= 26; counter += 1) {
      await room.applyChange(changeOf(tenantId, counter, { vehicles: [truck(tenantId, 1, { riskScore: counter })] }));
      await quick.until(() => quick.picture.vehicles.get(uuid(1))?.riskScore === counter);
    }
    expect(slow.deltas).toHaveLength(10);
    // Ten acks at once after a stall are not counted as a flood; the others are, and are just few enough.
    for (const { seq } of slow.deltas) slow.send({ type: 'ack', seq });
    for (let n = 0; n < 18; n += 1) slow.send({ type: 'ack', seq: slow.deltas[0]?.seq });
    await slow.until(() => slow.deltas.length === 11);
    await scheduler.wait(100);
    expect(slow.closed).toBeNull();
    expect(slow.picture.vehicles).toEqual(quick.picture.vehicles);
    expect(quick.deltas).toHaveLength(16);
  });

  it('who has gone leaves no alarm behind that comes again and again', async () => {
    const { tenantId, room, stub } = newRoom();
    await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
    const slow = await connect(room, who([tenantId]), {}, false);
    await slow.untilSnapshot();
    slow.close();
    await expect.poll(async () => (await room.status()).sockets).toBe(0);
    // What it left behind has fallen due, and changes wait for which nobody waits.
    await room.applyChange(changeOf(tenantId, 11, { vehicles: [truck(tenantId, 1, { riskScore: 11 })] }));
    const nextAlarmMs = await runInDurableObject(stub, async (instance: FleetRoom, { storage }) => {
      Object.assign(instance['room']?.fanOut ?? {}, { slowDueMs: Date.now() - 1 });
      await instance.alarm();
      return storage.getAlarm();
    });
    expect(nextAlarmMs ?? Infinity).toBeGreaterThan(Date.now() + 1_000);
  });
});
