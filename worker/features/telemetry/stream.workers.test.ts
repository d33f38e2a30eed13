import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { maxTelemetryRows, streamLimits } from '#contracts/telemetry';
import { gateOf, roomOf } from '#durable-objects/stubs';
import { commonRouteTests } from '#test/workers/common-route-tests';
import {
  apiKey,
  auditEntriesOf,
  call,
  db,
  origin,
  person,
  tenant,
  truck,
  type TestTenant,
} from '#test/workers/harness';
import { openStream, streamTicket } from '#test/workers/stream-socket';
import { apiKeys, apiKeySecrets, tenants } from '#worker/db/schema/index';
import { ensureRoom } from '../live/reseed.ts';

commonRouteTests('POST /telemetry/tickets', {
  method: 'POST',
  path: () => '/telemetry/tickets',
  permission: 'telemetry:write',
  namesThing: false,
  takesBody: false,
});

const at = (secondsAgo: number): string => new Date(Date.now() - secondsAgo * 1000).toISOString();
const place = { lat: 39.74, lon: -104.99, speedMph: 61 };
const keyOf = async (of: TestTenant) => (await apiKey(of, ['telemetry:write'])).key;
const latOf = async (of: TestTenant, id: string) =>
  (await roomOf(env.FLEET_ROOM, of.id).overlay([id]))[0]?.reading?.lat ?? null;
const stubOf = (of: TestTenant, gate = 0) => env.INGEST_GATE.get(env.INGEST_GATE.idFromName(`${of.id}/${gate}`));

describe('the door', () => {
  const codeFor = async (ticket: string, headers = {}) => (await openStream(ticket, headers)).closed;

  test('a ticket works once, and only one that was issued for a tenant that exists', async () => {
    const fleet = await tenant();
    const ticket = await streamTicket(await keyOf(fleet));
    const { socket } = await openStream(ticket);
    expect(await codeFor(ticket)).toBe(4401);
    for (const wrong of ['', 'x', 'x.y', `${fleet.id}.invented`, `${crypto.randomUUID()}.x`, 'a'.repeat(5_000)]) {
      expect(await codeFor(wrong), wrong).toBe(4401);
    }
    const own = (await streamTicket(await keyOf(fleet))).split('.')[1] ?? '';
    expect(await codeFor(`${(await tenant()).id}.${own}`)).toBe(4401);
    socket.close();
  });

  test('a page of somebody else’s is refused, our own is not', async () => {
    const { token } = await person(await tenant(), 'fleet_admin');
    expect(await codeFor(await streamTicket(token), { origin: 'https://evil.example' })).toBe(4403);
    const { socket, closed } = await openStream(await streamTicket(token), { origin });
    socket.close(1000);
    expect(await closed).toBe(1000);
  });

  test('what is no upgrade is told so', async () => {
    const answer = await call('GET', '/telemetry/stream');
    expect([answer.status, answer.body.error.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect((await call('POST', '/telemetry/stream')).status).toBe(405);
  });

  test('a ticket of one who may not write telemetry opens no stream; a stream’s opens no live picture', async () => {
    const fleet = await tenant();
    const viewer = (await call('POST', '/live/tickets', { token: (await person(fleet, 'viewer')).token })).body.data;
    expect(await codeFor((viewer as { ticket: string }).ticket)).toBe(4401);
    const admin = (await call('POST', '/live/tickets', { token: (await person(fleet, 'fleet_admin')).token })).body
      .data;
    const { socket } = await openStream((admin as { ticket: string }).ticket);
    expect(socket.readyState).toBe(1);
    const ticket = await streamTicket(await keyOf(fleet));
    const request = new Request(`${origin}/api/v1/live?ticket=${ticket}`, { headers: { upgrade: 'websocket' } });
    const { webSocket } = await roomOf(env.FLEET_ROOM, fleet.id).fetch(request);
    const closed = new Promise((resolve) => webSocket?.addEventListener('close', ({ code }) => resolve(code)));
    webSocket?.accept();
    expect(await closed).toBe(4401);
  });

  test('the operator streams into the tenant they name', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const { token } = await person(null, 'super_admin');
    expect((await call('POST', '/telemetry/tickets', { token })).status).toBe(400);
    const stream = await openStream(await streamTicket(token, `?tenantId=${fleet.id}`));
    stream.send(1, [{ vehicleId: id, at: at(1), ...place }]);
    expect(await stream.answers(1)).toMatchObject([{ accepted: 1 }]);
  });
});

describe('a stream', () => {
  test('answers each batch once it is in the room, in their order, bad rows by their index', async () => {
    const [fleet, other] = [await tenant(), await tenant()];
    const [id, foreign] = [await truck(fleet), await truck(other)];
    const stream = await openStream(await streamTicket(await keyOf(fleet)));
    for (let batch = 0; batch < 20; batch += 1) {
      stream.send(batch, [
        { vehicleId: id, at: at(100 - batch), ...place, lat: batch },
        { vehicleId: foreign, at: at(1) },
      ]);
    }
    stream.send(99, [{ vehicleId: foreign, at: at(1), ...place }, 7, { vehicleId: id, at: at(0), ...place, lat: 50 }]);
    stream.send(7, []);
    const heard = await stream.answers(22);
    expect(heard.map(({ batch }) => batch)).toEqual([...Array.from({ length: 20 }, (_, n) => n), 99, 7]);
    expect(heard[0]).toMatchObject({ accepted: 1, rejected: [{ index: 1, code: 'INVALID_POSITION' }] });
    expect(heard[20]).toEqual({
      ...{ type: 'accepted', batch: 99, accepted: 1 },
      rejected: [
        { index: 0, code: 'UNKNOWN_VEHICLE', message: 'no such vehicle in this organisation' },
        expect.objectContaining({ index: 1, code: 'INVALID_FIELD' }),
      ],
    });
    expect(heard[21]).toEqual({ type: 'accepted', batch: 7, accepted: 0, rejected: [] });
    expect(await latOf(fleet, id)).toBe(50);
    expect(await latOf(other, foreign)).toBeNull();
  });

  test('finds a vehicle whose news never reached the room', async () => {
    const fleet = await tenant();
    const stream = await openStream(await streamTicket(await keyOf(fleet)));
    await ensureRoom(env, db, fleet.id);
    const id = await truck(fleet, { vin: '1XKYDP9X0RJ800001' });
    stream.send(1, [
      { vin: '1XKYDP9X0RJ800002', at: at(3), ...place },
      { vin: '1XKYDP9X0RJ800001', at: at(2), ...place, lat: 44 },
    ]);
    expect(await stream.answers(1)).toMatchObject([{ accepted: 1, rejected: [{ index: 0, code: 'UNKNOWN_VEHICLE' }] }]);
    expect(await latOf(fleet, id)).toBe(44);
  });

  test('ends with the documented code on what it does not understand', async () => {
    const fleet = await tenant();
    const key = await keyOf(fleet);
    const rows = Array.from({ length: maxTelemetryRows + 1 }, () => 7);
    for (const [frame, code] of [
      ['x', 4400],
      ['{"type":"positions"', 4400],
      ['7', 4400],
      ['{"type":"hello","protocol":1}', 4400],
      ['{"type":"positions","batch":1}', 4400],
      ['{"type":"positions","batch":-1,"positions":[]}', 4400],
      ['{"type":"positions","batch":1.5,"positions":[]}', 4400],
      [new Uint8Array([1, 2, 3]).buffer, 4400],
      [JSON.stringify({ type: 'positions', batch: 1, positions: rows }), 4413],
      [`"${'x'.repeat(streamLimits.maxFrameBytes)}"`, 4413],
      [`"${'ü'.repeat(streamLimits.maxFrameBytes / 2)}"`, 4413],
      [new ArrayBuffer(streamLimits.maxFrameBytes + 1), 4413],
    ] as const) {
      const bystander = await openStream(await streamTicket(key));
      const stream = await openStream(await streamTicket(key));
      stream.socket.send(frame);
      expect(await stream.closed, String(frame).slice(0, 60)).toBe(code);
      bystander.send(1, []);
      expect(await bystander.answers(1)).toMatchObject([{ accepted: 0 }]);
      bystander.socket.close();
    }
  });

  test('answers pings while it sleeps, and goes on after it', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const stream = await openStream(await streamTicket(await keyOf(fleet)));
    const pong = new Promise((resolve) => stream.socket.addEventListener('message', ({ data }) => resolve(data)));
    await evictDurableObject(stubOf(fleet), { webSockets: 'hibernate' });
    stream.socket.send('ping');
    expect(await pong).toBe('pong');
    // The answer to the ping may or may not have woken it.
    await evictDurableObject(stubOf(fleet), { webSockets: 'hibernate' }).catch(() => undefined);
    stream.send(1, [{ vehicleId: id, at: at(1), ...place, lat: 12 }]);
    expect(await stream.answers(1)).toMatchObject([{ batch: 1, accepted: 1 }]);
    expect(await latOf(fleet, id)).toBe(12);
  });

  test('tells one that sends faster than it is answered to wait', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const stream = await openStream(await streamTicket(await keyOf(fleet)));
    const count = streamLimits.maxUnanswered + 10;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const room = env.FLEET_ROOM.get(env.FLEET_ROOM.idFromName(fleet.id));
    const holding = runInDurableObject(room, (_, state) => state.blockConcurrencyWhile(() => held));
    for (let batch = 0; batch < count; batch += 1) stream.send(batch, [{ vehicleId: id, at: at(batch), ...place }]);
    expect(await stream.answers(10)).toEqual(
      Array.from({ length: 10 }, (_, n) => ({
        ...{ type: 'busy', batch: streamLimits.maxUnanswered + n, retryAfterSeconds: 1 },
      })),
    );
    release();
    await holding;
    const accepted = (await stream.answers(count)).slice(10);
    expect(accepted.map(({ type, batch }) => [type, batch])).toEqual(
      Array.from({ length: streamLimits.maxUnanswered }, (_, batch) => ['accepted', batch]),
    );
  });

  test('closes one that does not heed it', async () => {
    const fleet = await tenant();
    const stream = await openStream(await streamTicket(await keyOf(fleet)));
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const room = env.FLEET_ROOM.get(env.FLEET_ROOM.idFromName(fleet.id));
    const id = await truck(fleet);
    const holding = runInDurableObject(room, (_, state) => state.blockConcurrencyWhile(() => held));
    const row = { vehicleId: id, at: at(1), ...place };
    const isOver = () => stream.socket.readyState !== 1;
    for (let batch = 0; batch < 1_000 && !isOver(); batch += 1) {
      stream.send(batch, [row]);
      if (batch % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await stream.closed).toBe(4429);
    release();
    await holding;
  });
});

describe('a stream ends', () => {
  const isOpen = async (stream: Awaited<ReturnType<typeof openStream>>) => {
    const before = stream.heard.length;
    stream.send(1, []);
    await stream.answers(before + 1);
    return true;
  };

  test('with the session of its person, and no ticket of theirs opens another', async () => {
    const fleet = await tenant();
    const [gone, stays] = [await person(fleet, 'fleet_admin'), await person(fleet, 'fleet_admin')];
    const [first, second] = [
      await openStream(await streamTicket(gone.token)),
      await openStream(await streamTicket(stays.token)),
    ];
    const unused = await streamTicket(gone.token);
    await call('POST', '/auth/logout', { token: gone.token });
    expect(await first.closed).toBe(4410);
    expect(await (await openStream(unused)).closed).toBe(4401);
    expect(await isOpen(second)).toBe(true);
  });

  test('with its key: revoked at once, rotated at once, expired to the moment', async () => {
    const fleet = await tenant();
    const admin = await person(fleet, 'fleet_admin');
    const [revoked, rotated] = [await apiKey(fleet, ['telemetry:write']), await apiKey(fleet, ['telemetry:write'])];
    const [first, second] = [
      await openStream(await streamTicket(revoked.key)),
      await openStream(await streamTicket(rotated.key)),
    ];
    const unused = await streamTicket(revoked.key);
    await call('DELETE', `/api-keys/${revoked.id}`, { token: admin.token });
    expect(await first.closed).toBe(4410);
    expect(await (await openStream(unused)).closed).toBe(4401);
    expect(await isOpen(second)).toBe(true);
    await call('POST', `/api-keys/${rotated.id}/rotate`, { token: admin.token, body: { overlapHours: 1 } });
    expect(await second.closed).toBe(4410);
    // The old secret is good for an hour, and so is what it opens.
    const again = await openStream(await streamTicket(rotated.key));
    expect(await isOpen(again)).toBe(true);
    const soon = await apiKey(fleet, ['telemetry:write'], { expiresAt: new Date(Date.now() + 900) });
    const brief = await openStream(await streamTicket(soon.key));
    expect(await isOpen(brief)).toBe(true);
    expect(await brief.closed).toBe(4410);
    expect(await isOpen(again)).toBe(true);
  });

  test('with its tenant, in every gate it has', async () => {
    const fleet = await tenant();
    await db.update(tenants).set({ ingestGates: 4 }).where(eq(tenants.id, fleet.id));
    const { token } = await person(fleet, 'fleet_admin');
    const streams = [];
    for (let n = 0; n < 12; n += 1) streams.push(await openStream(await streamTicket(token)));
    const operator = await person(null, 'super_admin');
    await call('PATCH', `/admin/tenants/${fleet.id}`, { token: operator.token, body: { isActive: false } });
    expect(await Promise.all(streams.map(({ closed }) => closed))).toEqual(streams.map(() => 4410));
  });

  test('when its gate is one too many, and opens again at another', async () => {
    const fleet = await tenant();
    const operator = await person(null, 'super_admin');
    const setGates = (ingestGates: number) =>
      call('PATCH', `/admin/tenants/${fleet.id}`, { token: operator.token, body: { ingestGates } });
    expect((await setGates(16)).body.data).toMatchObject({ ingestGates: 16 });
    const entry = (await auditEntriesOf(fleet.id)).at(-1);
    expect(entry).toMatchObject({ action: 'tenant.update', actorId: operator.userId });
    expect([entry?.before, entry?.after].map((text) => JSON.parse(text ?? 'null') as unknown)).toEqual([
      { ingestGates: 0 },
      { ingestGates: 16 },
    ]);
    for (const wrong of [17, -1, 1.5, null]) expect((await setGates(wrong as number)).status).toBe(400);
    const { token } = await person(fleet, 'fleet_admin');
    const streams = [];
    for (let n = 0; n < 8; n += 1) streams.push(await openStream(await streamTicket(token)));
    const codes: number[] = [];
    for (const { closed } of streams) void closed.then((code) => codes.push(code));
    await setGates(0);
    const after = await openStream(await streamTicket(token));
    expect(await isOpen(after)).toBe(true);
    // With sixteen gates to choose from, eight streams at gate 0 alone would be a wonder.
    await expect.poll(() => codes.length).toBeGreaterThan(0);
    expect(new Set(codes)).toEqual(new Set([1012]));
    await call('POST', '/auth/logout', { token });
    expect(await after.closed).toBe(4410);
  });

  test('when it was being opened just then', async () => {
    const fleet = await tenant();
    const { token, sessionId } = await person(fleet, 'fleet_admin');
    for (let n = 0; n < 20; n += 1) {
      const ticket = await streamTicket(token);
      const opening = openStream(ticket);
      const room = roomOf(env.FLEET_ROOM, fleet.id);
      await room.close({ endedSessionIds: [`${sessionId}-${n}`], userIds: [] });
      // As closeSockets does: the room first, then the gates; whatever the stream has come to by then.
      const everyone = { everyone: true };
      await room.close(everyone);
      await gateOf(env.INGEST_GATE, fleet.id, 0).close(everyone);
      expect([4401, 4410]).toContain(await (await opening).closed);
    }
  });
});

test('the alarm of a gate whose keys live on does nothing but arm itself again', async () => {
  const fleet = await tenant();
  const stream = await openStream(await streamTicket(await keyOf(fleet)));
  expect(await runDurableObjectAlarm(stubOf(fleet))).toBe(true);
  expect(await runDurableObjectAlarm(stubOf(fleet))).toBe(true);
  stream.send(1, []);
  expect(await stream.answers(1)).toMatchObject([{ batch: 1 }]);
  expect(await db.select().from(apiKeys).where(eq(apiKeys.tenantId, fleet.id))).toHaveLength(1);
  expect((await db.select().from(apiKeySecrets)).length).toBeGreaterThan(0);
});
