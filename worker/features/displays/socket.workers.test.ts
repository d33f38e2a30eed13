/** A display's socket: what it shows, what it is told, how it ends; against the real Worker, D1 and rooms. */
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { displaySchema, sentCommandSchema, type Display } from '#contracts/displays';
import { liveTicketSchema, type CommandMessage, type ServerMessage } from '#contracts/live';
import { roomOf, type FleetRoomStub } from '#durable-objects/stubs';
import { askFor, display, pairedDisplay } from '#test/workers/display-builders';
import {
  alert,
  auditEntriesOf,
  call,
  db,
  link,
  origin,
  person,
  tenant,
  truck,
  type TestTenant,
} from '#test/workers/harness';
import { connect, deltas, snapshots, type LiveSocket } from '#test/workers/live-socket';
import { createApp } from '#worker/app';
import { alerts, displays } from '#worker/db/schema/index';
import { bumpChangeCounter, publishChange } from '#worker/features/live/publish';

const admin = async (of: TestTenant): Promise<string> => (await person(of, 'fleet_manager')).token;
const secondsAgo = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();
const beat = (socket: LiveSocket, fields = {}) =>
  socket.socket.send(
    JSON.stringify({
      type: 'heartbeat',
      build: 'b1',
      uptimeSeconds: 7,
      viewport: { width: 1920, height: 1080 },
      ...fields,
    }),
  );
const commands = ({ messages }: LiveSocket): CommandMessage[] =>
  (messages as ServerMessage[]).filter((message): message is CommandMessage => message.type === 'command');
const get = async (token: string, id: string): Promise<Display> =>
  displaySchema.parse((await call('GET', `/displays/${id}`, { token })).body.data);

describe('a display’s socket', () => {
  test('shows its tenant’s trucks, and no full VIN, phone number or name whatever field holds it', async () => {
    const fleet = await tenant();
    const driver = await person(fleet, 'driver', { name: 'Driver Canary' });
    await truck(await tenant());
    const vin = '1XKYDP9X0RJ777777';
    const unit = await truck(fleet, { vin, unitNumber: vin, assignedDriverId: driver.userId });
    await alert(fleet, unit, { title: `Call (801) 555-0142 about ${vin}` });
    const { token } = await display(fleet);
    const socket = await connect(token);
    const [picture] = snapshots(socket);
    expect(picture?.vehicles).toMatchObject([{ id: unit, unitNumber: '…RJ777777' }]);
    expect(picture?.alerts).toMatchObject([{ title: 'Call [phone] about …RJ777777' }]);
    // Whatever comes later, too.
    const later = await alert(fleet, unit, { title: `${vin} again` });
    const [bumped] = await bumpChangeCounter(db, fleet.id);
    const counters = bumped === undefined ? [] : [bumped.counter];
    await publishChange(env, db, { tenantId: fleet.id, counters, vehicleIds: [unit], alertIds: [later] });
    await expect
      .poll(() => deltas(socket).flatMap((delta) => delta.alerts))
      .toMatchObject([{ id: later, title: '…RJ777777 again' }]);
    const said = JSON.stringify(socket.messages);
    for (const word of [vin, '555', 'Canary', driver.userId, driver.email]) expect(said).not.toContain(word);
    // People are shown what is there.
    const colleague = await connect(await admin(fleet));
    expect(snapshots(colleague)[0]?.vehicles).toMatchObject([{ unitNumber: vin }]);
    for (const open of [socket, colleague]) open.socket.close();
  });

  test('of a dealer shows linked customers’ trucks, and not how their screens and syncs fare', async () => {
    const [dealer, customer] = [await tenant('dealer'), await tenant()];
    await link(dealer, customer);
    const theirs = await truck(customer);
    for (const type of ['sync', 'display'] as const) await alert(customer, null, { type, title: `their ${type}` });
    const { token } = await display(dealer);
    const socket = await connect(token);
    expect(snapshots(socket)[0]?.vehicles.map(({ id }) => id)).toEqual([theirs]);
    expect(snapshots(socket)[0]?.alerts).toEqual([]);
    socket.socket.close();
    const listed = await call('GET', '/alerts', { token: (await person(dealer, 'dealer_admin')).token });
    expect(listed.body.data).toEqual([]);
  });

  test('is heard: its heartbeat is in the list at once, with what it says of itself', async () => {
    const fleet = await tenant();
    const token = await admin(fleet);
    const paired = await pairedDisplay(fleet);
    const socket = await connect(paired.displayToken);
    beat(socket, { lastError: 'tiles did not load' });
    await expect
      .poll(() => get(token, paired.display.id))
      .toMatchObject({
        ...{ health: 'green', isConnected: true, build: 'b1', uptimeSeconds: 7, viewport: '1920×1080' },
        ...{ lastError: 'tiles did not load', lastHeartbeatAt: expect.any(String) },
      });
    socket.socket.close();
    await expect.poll(async () => (await get(token, paired.display.id)).isConnected).toBe(false);
    expect((await get(token, paired.display.id)).health).toBe('green');
  });

  test('is told commands and a changed layout; what lasts is kept for a display that is away', async () => {
    const fleet = await tenant();
    const token = await admin(fleet);
    const { id, token: displayToken } = await display(fleet);
    const send = (body: unknown) => call('POST', `/displays/${id}/commands`, { token, body });
    for (const body of [
      {},
      { command: 'explode' },
      { command: 'layout', args: { layout: 'film' } },
      { command: 'reload', args: { url: 'https://elsewhere.example' } },
      { command: 'reload', more: 1 },
    ]) {
      expect((await send(body)).status, JSON.stringify(body)).toBe(400);
    }
    const away = await send({ command: 'sleep' });
    expect([away.status, sentCommandSchema.parse(away.body.data).isDelivered]).toEqual([202, false]);
    expect((await get(token, id)).isAsleep).toBe(true);
    expect((await call('GET', '/displays/me', { token: displayToken })).body.data).toMatchObject({
      display: { isAsleep: true },
    });

    const socket = await connect(displayToken);
    const sent = [];
    for (const body of [
      { command: 'wake' },
      { command: 'identify' },
      { command: 'layout', args: { layout: 'map' } },
      { command: 'reload', args: { layout: 'alerts' } },
    ]) {
      const answer = await send(body);
      expect(answer.status).toBe(202);
      sent.push(sentCommandSchema.parse(answer.body.data));
    }
    expect(sent.every(({ isDelivered }) => isDelivered)).toBe(true);
    await call('PATCH', `/displays/${id}`, { token, body: { layout: 'alerts' } });
    await expect.poll(() => commands(socket)).toHaveLength(5);
    expect(commands(socket).slice(0, 4)).toEqual([
      { type: 'command', id: sent[0]?.id, command: 'wake' },
      { type: 'command', id: sent[1]?.id, command: 'identify' },
      { type: 'command', id: sent[2]?.id, command: 'layout', args: { layout: 'map' } },
      { type: 'command', id: sent[3]?.id, command: 'reload' },
    ]);
    expect(commands(socket)[4]).toMatchObject({ command: 'layout', args: { layout: 'alerts' } });
    expect(await get(token, id)).toMatchObject({ isAsleep: false, layout: 'alerts' });
    const words = (await auditEntriesOf(fleet.id)).map(({ action, after }) => [
      action,
      (JSON.parse(after ?? '{}') as { command?: string }).command,
    ]);
    expect(words).toEqual([
      ...['sleep', 'wake', 'identify', 'layout', 'reload'].map((command) => ['display.command', command]),
      ['display.update', undefined],
    ]);
    // Without a layout the screen is told again which one it has.
    expect((await send({ command: 'layout' })).status).toBe(202);
    await expect.poll(() => commands(socket)).toHaveLength(6);
    expect(commands(socket)[5]).toMatchObject({ command: 'layout', args: { layout: 'alerts' } });
    expect(await get(token, id)).toMatchObject({ layout: 'alerts' });
    socket.socket.close();
  });

  test('of another display of the tenant hears nothing of it', async () => {
    const fleet = await tenant();
    const token = await admin(fleet);
    const [one, two] = [await display(fleet), await display(fleet)];
    const [first, second] = [await connect(one.token), await connect(two.token)];
    await call('POST', `/displays/${one.id}/commands`, { token, body: { command: 'identify' } });
    await expect.poll(() => commands(first)).toHaveLength(1);
    expect(commands(second)).toEqual([]);
    for (const open of [first, second]) open.socket.close();
  });
});

describe('unpairing', () => {
  test('closes the socket with 4411 at once, voids tickets, refuses the token, settles the alert, and is final', async () => {
    const fleet = await tenant();
    const token = await admin(fleet);
    const paired = await pairedDisplay(fleet);
    const { id } = paired.display;
    const alertId = await alert(fleet, null, { type: 'display', cause: `display:${id}` });
    const colleague = await connect(token);
    const socket = await connect(paired.displayToken);
    const unused = liveTicketSchema.parse(
      (await call('POST', '/live/tickets', { token: paired.displayToken })).body.data,
    ).ticket;
    const gone = await call('DELETE', `/displays/${id}`, { token });
    expect([gone.status, gone.text]).toEqual([204, '']);
    expect(await socket.closed).toBe(4411);
    const refused = await call('POST', '/live/tickets', { token: paired.displayToken });
    expect([refused.status, refused.body.error.code]).toEqual([401, 'TOKEN_REVOKED']);
    await expect(connect(unused, '', { isTicket: true })).rejects.toThrow();
    const [settled] = await db.select().from(alerts).where(eq(alerts.id, alertId));
    expect(settled).toMatchObject({ status: 'resolved', resolvedBy: null });
    await expect
      .poll(() => colleague.messages.flatMap((message) => (message.type === 'delta' ? message.alertsClosed : [])))
      .toEqual([alertId]);
    for (const method of ['GET', 'DELETE'] as const) {
      expect((await call(method, `/displays/${id}`, { token })).status).toBe(404);
    }
    expect((await auditEntriesOf(fleet.id)).map(({ action }) => action)).toEqual([
      ...['display.pair', 'display.connect', 'display.unpair', 'access.denied'],
    ]);
    colleague.socket.close();
  });

  test('between the door and the ticket leaves no socket open', async () => {
    const fleet = await tenant();
    const { id, token } = await display(fleet);
    const issued: string[] = [];
    const slowRoom = (room: FleetRoomStub): Partial<FleetRoomStub> => ({
      status: () => room.status(),
      seed: (seed) => room.seed(seed),
      closeDisplay: (displayId) => room.closeDisplay(displayId),
      issueTicket: async (principal) => {
        await db
          .update(displays)
          .set({ deletedAt: secondsAgo(0) })
          .where(eq(displays.id, id));
        await room.closeDisplay(id);
        const made = await room.issueTicket(principal);
        issued.push(made.ticket);
        return made;
      },
    });
    const FLEET_ROOM = Object.create(env.FLEET_ROOM, {
      idFromName: { value: (name: string) => env.FLEET_ROOM.idFromName(name) },
      get: { value: () => slowRoom(roomOf(env.FLEET_ROOM, fleet.id)) },
    }) as DurableObjectNamespace;
    const ctx = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    const answer = await createApp().request(
      `${origin}/api/v1/live/tickets`,
      { method: 'POST', headers: { authorization: `Bearer ${token}` } },
      { ...env, FLEET_ROOM },
      ctx as unknown as ExecutionContext,
    );
    expect(answer.status).toBe(401);
    expect(issued).toHaveLength(1);
    await expect(connect(issued[0] ?? '', '', { isTicket: true })).rejects.toThrow();
  });

  test('does not bring the code back', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'fleet_manager');
    const made = await call('POST', '/displays/device-code');
    const { deviceCode: code, userCode } = made.body.data as { deviceCode: string; userCode: string };
    const body = { userCode, name: 'Bay', locationName: 'Shop', layout: 'map' };
    const { id } = displaySchema.parse((await call('POST', '/displays/claim', { token, body })).body.data);
    await askFor(code);
    await call('DELETE', `/displays/${id}`, { token });
    expect((await askFor(code)).body.error.code).toBe('EXPIRED_TOKEN');
    expect((await call('POST', '/displays/claim', { token, body })).status).toBe(404);
  });
});
