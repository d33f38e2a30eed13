import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { liveTicketSchema, type DeltaMessage, type ServerMessage, type SnapshotMessage } from '#contracts/live';
import { roomOf, type FleetRoomStub } from '#durable-objects/stubs';
import { exports } from 'cloudflare:workers';
import { createApp } from '#worker/app';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { alert, call, db, link, origin, person, tenant, truck } from '#test/workers/harness';
import { dealerLinks, users, vehicles } from '#worker/db/schema/index';
import { closeSockets } from '#worker/features/auth/revocation';
import { bumpChangeCounter, publishChange } from './publish.ts';
import { ensureRoom, judgeRoom, reseedLaggingRooms } from './reseed.ts';

commonRouteTests('POST /live/tickets', {
  method: 'POST',
  path: () => '/live/tickets',
  permission: 'vehicles:read',
  namesThing: false,
  takesBody: false,
});

interface Socket {
  socket: WebSocket;
  messages: ServerMessage[];
  closed: Promise<number>;
}

async function open(path: string, headers: Record<string, string> = {}): Promise<Socket> {
  const request = new Request(`${origin}${path}`, { headers: { upgrade: 'websocket', ...headers } });
  const { webSocket, status } = await exports.default.fetch(request);
  if (webSocket === null) throw new Error(`no socket: ${status}`);
  const messages: ServerMessage[] = [];
  webSocket.addEventListener('message', ({ data }) => messages.push(JSON.parse(String(data)) as ServerMessage));
  const closed = new Promise<number>((resolve) => webSocket.addEventListener('close', ({ code }) => resolve(code)));
  webSocket.accept();
  return { socket: webSocket, messages, closed };
}

async function connect(token: string): Promise<Socket> {
  const answer = await call('POST', '/live/tickets', { token });
  const { url } = liveTicketSchema.parse(answer.body.data);
  expect(url).toMatch(/^ws:\/\//);
  const { pathname, search } = new URL(url);
  const connection = await open(`${pathname}${search}`);
  connection.socket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
  await expect.poll(() => connection.messages.map(({ type }) => type)).toContain('snapshot');
  return connection;
}

const snapshot = ({ messages }: Socket) =>
  messages.find((message): message is SnapshotMessage => message.type === 'snapshot');
const deltas = ({ messages }: Socket) =>
  messages.filter((message): message is DeltaMessage => message.type === 'delta');

describe('a live socket', () => {
  test('starts with everything the tenant has and hears a committed change', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'fleet_manager');
    const vehicleId = await truck(fleet, { unitNumber: 'LIVE-1' });
    const alertId = await alert(fleet, vehicleId);
    const connection = await connect(token);
    expect(snapshot(connection)).toMatchObject({
      vehicles: [{ id: vehicleId, unitNumber: 'LIVE-1' }],
      alerts: [{ id: alertId }],
    });
    expect((await call('PUT', `/alerts/${alertId}/acknowledge`, { token })).status).toBe(200);
    await expect
      .poll(() => deltas(connection).flatMap((delta) => delta.alerts))
      .toMatchObject([{ status: 'acknowledged' }]);
    await call('PUT', `/alerts/${alertId}/resolve`, { token });
    await expect.poll(() => deltas(connection).flatMap((delta) => delta.alertsClosed)).toEqual([alertId]);
    connection.socket.close();
  });

  test('a dealer’s socket carries its customers and nobody else', async () => {
    const [dealer, customer, stranger] = [await tenant('dealer'), await tenant(), await tenant()];
    await link(dealer, customer);
    const theirs = await truck(customer);
    await truck(stranger);
    const connection = await connect((await person(dealer, 'service_manager')).token);
    expect(snapshot(connection)?.vehicles.map(({ id }) => id)).toEqual([theirs]);
    connection.socket.close();
  });

  test('a driver’s socket carries the assigned truck only', async () => {
    const fleet = await tenant();
    const driver = await person(fleet, 'driver');
    const mine = await truck(fleet, { assignedDriverId: driver.userId });
    await truck(fleet);
    const connection = await connect(driver.token);
    expect(snapshot(connection)?.vehicles.map(({ id }) => id)).toEqual([mine]);
    connection.socket.close();
  });

  test('logout closes the sockets of that session with 4410', async () => {
    const fleet = await tenant();
    const [one, two] = [await person(fleet, 'viewer'), await person(fleet, 'viewer')];
    const [ends, stays] = [await connect(one.token), await connect(two.token)];
    await call('POST', '/auth/logout', { token: one.token });
    expect(await ends.closed).toBe(4410);
    expect(stays.socket.readyState).toBe(WebSocket.READY_STATE_OPEN);
    stays.socket.close();
  });

  test('a role that changes just before its ticket is made gives no ticket with the old rights', async () => {
    const fleet = await tenant();
    const { token, userId } = await person(fleet, 'fleet_manager');
    const issued: string[] = [];
    /** The room, with the change of role slipped in between the caller's rights being read and the ticket being made. */
    const slowRoom = (room: FleetRoomStub): Partial<FleetRoomStub> => ({
      status: () => room.status(),
      seed: (seed) => room.seed(seed),
      close: (unwelcome) => room.close(unwelcome),
      issueTicket: async (principal) => {
        await db.update(users).set({ role: 'driver' }).where(eq(users.id, userId));
        await closeSockets(env, fleet.id, { userIds: [userId] });
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
    expect(answer.status).toBe(503);
    expect(issued).toHaveLength(1);
    expect(await (await open(`/api/v1/live?ticket=${issued[0]}`)).closed).toBe(4401);
  });

  test('of one truck carries that truck; a foreign, unknown or unassigned one is closed with 4403', async () => {
    const [fleet, stranger] = [await tenant(), await tenant()];
    const { token } = await person(fleet, 'viewer');
    const driver = await person(fleet, 'driver');
    const [mine, other, foreign] = [await truck(fleet), await truck(fleet), await truck(stranger)];
    const ticketFor = async (bearer: string) =>
      liveTicketSchema.parse((await call('POST', '/live/tickets', { token: bearer })).body.data).ticket;
    const one = await open(`/api/v1/live/vehicles/${mine}?ticket=${await ticketFor(token)}`);
    one.socket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
    await expect.poll(() => snapshot(one)?.vehicles.map(({ id }) => id)).toEqual([mine]);
    one.socket.close();
    for (const [bearer, vehicleId] of [
      [token, foreign],
      [token, '01940000-0000-7000-8000-00000000dead'],
      [token, 'nonsense'],
      [driver.token, other],
    ] as const) {
      const refused = await open(`/api/v1/live/vehicles/${vehicleId}?ticket=${await ticketFor(bearer)}`);
      expect(await refused.closed).toBe(4403);
    }
    expect(await (await open(`/api/v1/live/vehicles/${mine}?ticket=x`)).closed).toBe(4401);
    expect((await call('GET', `/live/vehicles/${mine}`)).status).toBe(400);
  });

  test('a ticket opens one socket; invented, used and foreign-origin ones are closed with their code', async () => {
    const { token } = await person(await tenant(), 'viewer');
    const { ticket } = liveTicketSchema.parse((await call('POST', '/live/tickets', { token })).body.data);
    const first = await open(`/api/v1/live?ticket=${ticket}`);
    expect(await (await open(`/api/v1/live?ticket=${ticket}`)).closed).toBe(4401);
    expect(await (await open('/api/v1/live')).closed).toBe(4401);
    expect(await (await open(`/api/v1/live?ticket=${crypto.randomUUID()}.x`)).closed).toBe(4401);
    const elsewhere = await open(`/api/v1/live?ticket=${ticket}`, { origin: 'https://elsewhere.example' });
    expect(await elsewhere.closed).toBe(4403);
    first.socket.close();
    expect((await call('GET', `/live?ticket=${ticket}`)).body.error.code).toBe('VALIDATION_FAILED');
    expect((await call('GET', '/auth/me', { token: ticket })).status).toBe(401);
  });
});

describe('a lost push', () => {
  const renamed = (vehicleId: string, unitNumber: string) =>
    db.update(vehicles).set({ unitNumber }).where(eq(vehicles.id, vehicleId));

  test('is found by the counter and repaired by the sweep', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const vehicleId = await truck(fleet, { unitNumber: 'before' });
    const connection = await connect(token);
    await db.batch([renamed(vehicleId, 'after'), bumpChangeCounter(db, fleet.id)]);
    expect((await reseedLaggingRooms(env, db)).repaired).toBeGreaterThanOrEqual(1);
    await expect
      .poll(() => deltas(connection).flatMap((delta) => delta.vehicles))
      .toMatchObject([{ id: vehicleId, unitNumber: 'after' }]);
    expect((await roomOf(env.FLEET_ROOM, fleet.id).status()).heardThrough).toEqual({ [fleet.id]: 1 });
    connection.socket.close();
  });

  test('a later push does not hide it', async () => {
    const fleet = await tenant();
    const [lost, heard] = [await truck(fleet), await truck(fleet)];
    await ensureRoom(env, db, fleet.id);
    await db.batch([renamed(lost, 'lost'), bumpChangeCounter(db, fleet.id)]);
    const [, [bumped]] = await db.batch([renamed(heard, 'heard'), bumpChangeCounter(db, fleet.id)]);
    await publishChange(env, db, {
      tenantId: fleet.id,
      counters: [bumped?.counter ?? 0],
      vehicleIds: [heard],
      alertIds: [],
    });
    expect((await roomOf(env.FLEET_ROOM, fleet.id).status()).heardThrough).toEqual({ [fleet.id]: 0 });
    await reseedLaggingRooms(env, db);
    expect((await roomOf(env.FLEET_ROOM, fleet.id).status()).heardThrough).toEqual({ [fleet.id]: 2 });
  });

  test('a link that ended unheard is forgotten by the sweep', async () => {
    const [dealer, fleet] = [await tenant('dealer'), await tenant()];
    const linkId = await link(dealer, fleet);
    await truck(fleet);
    const connection = await connect((await person(dealer, 'service_manager')).token);
    await db.update(dealerLinks).set({ status: 'ended' }).where(eq(dealerLinks.id, linkId));
    await reseedLaggingRooms(env, db);
    await expect.poll(() => deltas(connection).flatMap((delta) => delta.removed)).toHaveLength(1);
    connection.socket.close();
  });
});

test('judgeRoom names what lags and what ended', () => {
  const expected = [
    { tenantId: 'a', counter: 3 },
    { tenantId: 'b', counter: 0 },
    { tenantId: 'c', counter: 5 },
  ];
  expect(judgeRoom(expected, { a: 3, c: 4, d: 9 })).toEqual({ lagging: ['b', 'c'], ended: ['d'] });
});
