/** Wall displays in the room, commands to them, their silence; and tickets that are not for watching. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { closeCode } from '#contracts/live';
import { changeOf, fallQuiet, newRoom, seedOf, truck, uuid, who } from '#test/durable-objects/room-builders';
import { connect, openWith } from '#test/durable-objects/room-client';
import { hashOf } from './tickets.ts';
import type { FleetRoom } from './fleet-room.ts';

const display = (tenantId: string, n: number) =>
  who([tenantId], { kind: 'display', userId: uuid(n), sessionId: uuid(n), role: 'viewer' });
const heartbeat = { type: 'heartbeat', build: 'b1', uptimeSeconds: 12, viewport: { width: 1920, height: 1080 } };

/** A room with one display that has sent a heartbeat; its queue is watched. */
async function withDisplay() {
  const { tenantId, room, stub } = newRoom();
  await room.seed(seedOf(tenantId, [truck(tenantId, 1)]));
  const queued: unknown[] = [];
  let isQueueDown = false;
  const watchQueue = () =>
    runInDurableObject(stub, (instance: FleetRoom) => {
      const send = async (message: unknown) => {
        if (isQueueDown) throw new Error('queue is down');
        queued.push(message);
      };
      Object.assign(instance, { env: { ...instance['env'], LIVE_QUEUE: { send } } });
    });
  await watchQueue();
  const client = await connect(room, display(tenantId, 70));
  await client.untilSnapshot();
  client.send(heartbeat);
  await expect.poll(async () => (await room.displayStates())[0]?.lastHeartbeatAt).toBeTruthy();
  /** As if so many seconds had passed since the display was last heard. */
  const ageBy = (seconds: number) =>
    runInDurableObject(stub, (instance: FleetRoom, ctx) => {
      instance['room']?.displays.save();
      ctx.storage.sql.exec('UPDATE displays SET heard_ms = heard_ms - ?', seconds * 1_000);
      Object.assign(instance, { room: null });
    });
  const health = { kind: 'display_health', tenantId };
  const setQueueDown = (isDown: boolean) => (isQueueDown = isDown);
  return { tenantId, room, stub, client, queued, health, ageBy, watchQueue, setQueueDown };
}

describe('a display', () => {
  it('is known by what it last said of itself, also after an eviction', async () => {
    const { room, stub, client, watchQueue } = await withDisplay();
    const expected = {
      displayId: uuid(70),
      isConnected: true,
      lastHeartbeatAt: expect.any(String) as string,
      build: 'b1',
      uptimeSeconds: 12,
      viewport: '1920×1080',
      lastError: null,
    };
    expect(await room.displayStates()).toEqual([expected]);
    await fallQuiet(stub);
    await evictDurableObject(stub);
    await watchQueue();
    expect(await room.displayStates()).toEqual([expected]);
    client.send({ ...heartbeat, viewport: '3840×2160', lastError: 'no tiles' });
    await expect.poll(async () => (await room.displayStates())[0]?.lastError).toBe('no tiles');
    expect((await room.displayStates())[0]?.viewport).toBe('3840×2160');
    client.close();
    await expect.poll(async () => (await room.displayStates())[0]?.isConnected).toBe(false);
  });

  it('is no person: their heartbeats are ignored', async () => {
    const { tenantId, room } = newRoom();
    const person = await connect(room, who([tenantId]));
    await person.untilSnapshot();
    person.send(heartbeat);
    person.send({ type: 'filter', filter: {} });
    await person.untilSnapshot(2);
    expect(await room.displayStates()).toEqual([]);
    expect(person.closed).toBeNull();
  });

  it('that falls silent is told of once, by the alarm, and once more when it comes back', async () => {
    const { room, stub, client, queued, health, ageBy } = await withDisplay();
    await ageBy(149);
    await runDurableObjectAlarm(stub);
    expect(queued).toEqual([]);
    await ageBy(1);
    await room.status();
    await runDurableObjectAlarm(stub);
    await expect.poll(() => queued).toEqual([health]);
    await runInDurableObject(stub, (instance: FleetRoom) => instance.alarm());
    expect(queued).toEqual([health]);
    client.send(heartbeat);
    await expect.poll(() => queued, { timeout: 3_000 }).toEqual([health, health]);
    await runInDurableObject(stub, (instance: FleetRoom) => instance.alarm());
    expect(queued).toHaveLength(2);
  });

  it('that connected and never said anything counts from then', async () => {
    const { tenantId, room, stub, queued, ageBy } = await withDisplay();
    const mute = await connect(room, display(tenantId, 71));
    await mute.untilSnapshot();
    await room.closeDisplay(uuid(70));
    expect(await room.displayStates()).toMatchObject([
      { displayId: uuid(71), lastHeartbeatAt: null, isConnected: true },
    ]);
    await ageBy(151);
    await room.status();
    await runDurableObjectAlarm(stub);
    await expect.poll(() => queued).toHaveLength(1);
  });

  it('is told of again until the queue takes it', async () => {
    const { room, stub, queued, health, ageBy, setQueueDown } = await withDisplay();
    setQueueDown(true);
    await ageBy(151);
    await room.status();
    await runDurableObjectAlarm(stub);
    await runInDurableObject(stub, async (_, ctx) => {
      expect(await ctx.storage.getAlarm()).toBeLessThanOrEqual(Date.now() + 5_000);
    });
    expect(queued).toEqual([]);
    setQueueDown(false);
    await runInDurableObject(stub, (instance: FleetRoom) => Object.assign(instance, { room: null }));
    await runInDurableObject(stub, (instance: FleetRoom) => instance.alarm());
    expect(queued).toEqual([health]);
  });

  it('is sent its commands, as text, and nobody else is', async () => {
    const { tenantId, room, stub, client } = await withDisplay();
    const other = await connect(room, display(tenantId, 72), { encoding: 'packed' });
    await other.untilSnapshot();
    await fallQuiet(stub);
    await evictDurableObject(stub);
    const command = { id: uuid(900), command: 'layout', args: { layout: 'map' } } as const;
    expect(await room.sendCommand(uuid(72), command)).toEqual({ isDelivered: true });
    await other.until(() => other.of('command').length === 1);
    expect(other.of('command')).toEqual([{ type: 'command', ...command }]);
    expect(await room.sendCommand(uuid(73), command)).toEqual({ isDelivered: false });
    expect(client.of('command')).toEqual([]);
  });

  it('that is unpaired loses its sockets and its tickets, and is forgotten', async () => {
    const { tenantId, room, stub, client } = await withDisplay();
    const person = await connect(room, who([tenantId], { userId: uuid(70), sessionId: 'session-9' }));
    await person.untilSnapshot();
    const { ticket } = await room.issueTicket(display(tenantId, 70));
    await room.closeDisplay(uuid(70));
    expect(await client.untilClosed()).toBe(closeCode.displayUnpaired);
    // Issued before and after: neither opens anything.
    expect(await (await openWith(room, ticket)).untilClosed()).toBe(closeCode.unauthenticated);
    const late = await room.issueTicket(display(tenantId, 70));
    expect(await (await openWith(room, late.ticket)).untilClosed()).toBe(closeCode.unauthenticated);
    expect(await room.displayStates()).toEqual([]);
    await runInDurableObject(stub, (_, { storage }) => {
      expect(storage.sql.exec('SELECT * FROM displays').toArray()).toEqual([]);
    });
    await room.applyChange(changeOf(tenantId, 11, { vehicles: [truck(tenantId, 1, { riskScore: 50 })] }));
    await person.until(() => person.picture.vehicles.get(uuid(1))?.riskScore === 50);
    expect(person.closed).toBeNull();
  });
});

describe('a ticket', () => {
  it('is for watching, for streaming, or both, and works once', async () => {
    const { tenantId, room } = newRoom();
    const issue = async (mayWatch: boolean, mayStream: boolean) =>
      (await room.issueTicket(who([tenantId], { kind: 'api_key', mayWatch, mayStream }))).ticket;
    const streams = async (ticket: string) => (await room.redeemStreamTicket(await hashOf(ticket))) !== null;
    const watches = async (ticket: string) => {
      const client = await openWith(room, ticket);
      client.send({ type: 'hello', protocol: 1 });
      await client.until(() => client.closed !== null || client.of('snapshot').length > 0);
      return client.closed === null ? 'open' : client.closed.code;
    };
    expect(await watches(await issue(false, true))).toBe(closeCode.unauthenticated);
    expect(await streams(await issue(true, false))).toBe(false);
    const [first, second] = [await issue(true, true), await issue(true, true)];
    expect([await streams(first), await streams(first), await watches(first)]).toEqual([true, false, 4401]);
    expect([await watches(second), await streams(second)]).toEqual(['open', false]);
    expect(await streams('nonsense')).toBe(false);
    const ended = await issue(true, true);
    await room.close({ userIds: ['user-1'] });
    expect(await streams(ended)).toBe(false);
  });
});
