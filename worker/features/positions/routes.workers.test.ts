import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { LiveVehicle } from '#contracts/live';
import { batchLocationSchema, fleetAtSchema, positionSchema, vehicleLocationSchema } from '#contracts/positions';
import type { Reading } from '#contracts/telemetry';
import { packReadings } from '#durable-objects/readings/packed-readings';
import { roomOf, tracksOf } from '#durable-objects/stubs';
import { exampleFeatures, exampleModels, scoreVehicle } from '#scoring';
import { readingAt } from '#test/durable-objects/tracks-builders';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { alert, call, db, fault, link, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { predictions } from '#worker/db/schema/index';
import { newId } from '../../ids.ts';
import { metresFromLine } from './simplify.ts';

const one = { method: 'GET', permission: 'vehicles:read', takesBody: false } as const;
for (const what of ['positions', 'location', 'status']) {
  commonRouteTests(`GET /vehicles/:id/${what}`, {
    ...one,
    path: async (owner) => `/vehicles/${await truck(owner)}/${what}`,
    namesThing: true,
  });
}
commonRouteTests('GET /live/at', { ...one, path: () => `/live/at?time=${iso(Date.now())}`, namesThing: false });
commonRouteTests('POST /vehicles/batch-location', {
  ...one,
  method: 'POST',
  takesBody: true,
  path: () => '/vehicles/batch-location',
  namesThing: false,
});

const second = 1_000;
const hour = 3_600_000;
const day = 24 * hour;
const iso = (ms: number) => new Date(ms).toISOString();

const put = (of: TestTenant, vehicleId: string, ...readings: Reading[]) =>
  tracksOf(env.FLEET_TRACKS, of.id).append(packReadings(readings.map((reading) => ({ vehicleId, reading }))));

/** A truck with a drive of `count` fixes, one every 30 s, that ended an hour ago. */
async function drive(of: TestTenant, count: number) {
  const endMs = Date.now() - hour;
  const readings = Array.from({ length: count }, (_, n) =>
    readingAt(endMs - (count - 1 - n) * 30 * second, {
      lat: 40 + n * 0.003,
      lon: -105 + Math.sin(n / 20) * 0.1,
      odometerMiles: 1_000 + n * 0.25,
    }),
  );
  const id = await truck(of);
  await put(of, id, ...readings);
  return { id, readings, endMs };
}

async function wholeFeed(path: string, token: string): Promise<Reading[]> {
  const readings: Reading[] = [];
  let cursor = '';
  for (;;) {
    const part = await call('GET', `${path}${cursor}`, { token });
    expect(part.status, part.text).toBe(200);
    readings.push(...(part.body.data as Reading[]));
    const { nextCursor } = part.body.meta as { nextCursor: string | null };
    if (nextCursor === null) return readings;
    cursor = `&cursor=${encodeURIComponent(nextCursor)}`;
  }
}

describe('GET /vehicles/:id/positions', () => {
  test('is the track of the last day, oldest first, in parts', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const { id, readings } = await drive(fleet, 250);
    await put(fleet, id, readingAt(Date.now() - 25 * hour));
    const first = await call('GET', `/vehicles/${id}/positions`, { token });
    expect(first.body.data).toEqual(readings.slice(0, 100));
    for (const position of first.body.data as unknown[]) positionSchema.parse(position);
    expect(await wholeFeed(`/vehicles/${id}/positions?limit=99`, token)).toEqual(readings);
    expect(await wholeFeed(`/vehicles/${id}/positions?limit=1000`, token)).toEqual(readings);
    expect(await wholeFeed(`/vehicles/${id}/positions?limit=250`, token)).toEqual(readings);
  });

  test('includes both ends, also as another offset and an instant', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const { id, readings } = await drive(fleet, 20);
    const [from, to] = [readings[5]?.at ?? '', readings[8]?.at ?? ''];
    expect(await wholeFeed(`/vehicles/${id}/positions?from=${from}&to=${to}`, token)).toEqual(readings.slice(5, 9));
    const offset = encodeURIComponent(from.replace('Z', '+00:00'));
    expect(await wholeFeed(`/vehicles/${id}/positions?from=${offset}&to=${offset}`, token)).toEqual([readings[5]]);
  });

  test('what was posted a moment ago is seen', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'fleet_admin');
    const id = await truck(fleet);
    const rows = [3, 1, 2].map((n) => ({ vehicleId: id, at: iso(Date.now() - n * second), lat: 40, lon: -105 }));
    const posted = await call('POST', '/telemetry/positions', { token, body: { positions: rows } });
    expect(posted.body.data).toEqual({ accepted: 3, rejected: [] });
    const seen = await wholeFeed(`/vehicles/${id}/positions?limit=10`, token);
    expect(seen.map(({ at }) => at)).toEqual([rows[0]?.at, rows[2]?.at, rows[1]?.at]);
    expect(seen[0]).toMatchObject({ lat: 40, lon: -105, speedMph: null, ignition: null });
  });

  test.each([
    ['limit=1001', 'limit'],
    ['limit=0', 'limit'],
    ['from=2026-11-20T10:00:00Z&to=2026-11-20T09:59:59Z', 'from'],
    ['from=yesterday', 'from'],
    ['to=2026-02-31T00:00:00Z', 'to'],
    ['cursor=rubbish', 'cursor'],
    ['cursor=W10', 'cursor'],
    ['simplify=-1', 'simplify'],
    ['simplify=10001', 'simplify'],
    ['simplify=abc', 'simplify'],
    ['page=2', ''],
  ])('?%s is 400', async (query, path) => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const answer = await call('GET', `/vehicles/${await truck(fleet)}/positions?${query}`, { token });
    expect(answer.body.error.code, answer.text).toBe('VALIDATION_FAILED');
    expect(answer.status).toBe(400);
    expect((answer.body.error.details as unknown as { issues: { path: string }[] }).issues[0]?.path).toBe(path);
  });

  test("another question's cursor, and another truck's, is not ours", async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const { id } = await drive(fleet, 20);
    const first = await call('GET', `/vehicles/${id}/positions?limit=5`, { token });
    const { nextCursor } = first.body.meta as { nextCursor: string };
    for (const path of [`${id}/positions?simplify=5&`, `${await truck(fleet)}/positions?`]) {
      const answer = await call('GET', `/vehicles/${path}cursor=${nextCursor}`, { token });
      expect(answer.body.error.message).toBe('cursor: is not one of ours.');
    }
  });

  test('simplified: ends stay, no other fix is further from the line than asked, in parts the same', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const { id, readings } = await drive(fleet, 1_200);
    const whole = await wholeFeed(`/vehicles/${id}/positions?simplify=100&limit=1000`, token);
    expect(whole.length).toBeLessThan(readings.length / 5);
    expect(whole[0]).toEqual(readings[0]);
    expect(whole.at(-1)).toEqual(readings.at(-1));
    expect(await wholeFeed(`/vehicles/${id}/positions?simplify=100&limit=7`, token)).toEqual(whole);
    let next = 1;
    for (const reading of readings) {
      while (next < whole.length - 1 && (whole[next]?.at ?? '') <= reading.at) next += 1;
      const [from, to] = [whole[next - 1], whole[next]];
      if (from && to) expect(metresFromLine(reading, from, to)).toBeLessThanOrEqual(100);
    }
  });

  test("a dealer reads its customer's, a driver the own truck's, nobody a stranger's", async () => {
    const [dealer, customer, stranger] = [await tenant('dealer'), await tenant(), await tenant()];
    await link(dealer, customer);
    const { id } = await drive(customer, 3);
    const { token: dealerToken } = await person(dealer, 'dealer_admin');
    const { userId, token: driverToken } = await person(customer, 'driver');
    const own = await truck(customer, { assignedDriverId: userId });
    const { token: strangerToken } = await person(stranger, 'fleet_admin');
    const status = async (path: string, token: string) => (await call('GET', path, { token })).status;
    for (const what of ['positions', 'location', 'status']) {
      expect(await status(`/vehicles/${id}/${what}`, dealerToken)).toBe(200);
      expect(await status(`/vehicles/${id}/${what}`, driverToken)).toBe(404);
      expect(await status(`/vehicles/${own}/${what}`, driverToken)).toBe(200);
      expect(await status(`/vehicles/${id}/${what}`, strangerToken)).toBe(404);
      expect(await status(`/vehicles/rubbish/${what}`, strangerToken)).toBe(404);
    }
  });
});

describe('GET /live/at', () => {
  const predict = async (of: TestTenant, vehicleId: string, createdAt: string, riskLevel: 'low' | 'critical') => {
    const score = {
      ...scoreVehicle(exampleFeatures(), exampleModels(), new Date(createdAt)),
      riskLevel,
      healthScore: 61,
    };
    await db.insert(predictions).values({
      ...{ id: newId(), tenantId: of.id, vehicleId, createdAt, modelVersion: 'm' },
      ...{ riskScore: riskLevel === 'low' ? 7 : 93, riskLevel, score },
    });
  };

  test('shows every truck as it stood: place, status, risk, faults and alerts of then', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const now = Date.now();
    const thenMs = now - 5 * day;
    const then = iso(thenMs);
    const firstSeenAt = iso(now - 20 * day);
    const moving = await truck(fleet, { unitNumber: 'A', firstSeenAt, riskScore: 50, riskLevel: 'medium' });
    const stale = await truck(fleet, { unitNumber: 'B', firstSeenAt });
    await truck(fleet, { unitNumber: 'C', firstSeenAt });
    // It came later; and one of which an older track was brought in.
    await truck(fleet, { unitNumber: 'D', firstSeenAt: iso(now - day) });
    const late = await truck(fleet, { unitNumber: 'E', firstSeenAt: iso(now - day) });
    const at = readingAt(thenMs - 30 * second, { lat: 41, speedMph: 60 });
    await put(fleet, moving, readingAt(thenMs - hour), at, readingAt(thenMs + 1), readingAt(now));
    await put(fleet, stale, readingAt(thenMs - hour));
    await put(fleet, late, readingAt(thenMs - 7 * hour, { speedMph: 0, ignition: false }));
    await predict(fleet, moving, iso(thenMs - day), 'critical');
    await predict(fleet, moving, iso(thenMs - hour), 'low');
    await predict(fleet, moving, iso(thenMs + hour), 'critical');
    const gone = { isActive: false, spn: 1 };
    await fault(fleet, moving, { firstSeenAt: iso(thenMs - day), spn: 2 });
    await fault(fleet, moving, { ...gone, firstSeenAt: iso(thenMs - day), clearedAt: iso(thenMs + day) });
    await fault(fleet, moving, { ...gone, spn: 3, firstSeenAt: iso(thenMs - day), clearedAt: iso(thenMs - hour) });
    await fault(fleet, moving, { spn: 4, firstSeenAt: iso(thenMs + 1) });
    const resolved = { status: 'resolved', openedAt: iso(thenMs - day), updatedAt: iso(now) } as const;
    await alert(fleet, moving, { openedAt: then });
    await alert(fleet, moving, { ...resolved, resolvedAt: iso(thenMs + hour) });
    await alert(fleet, moving, { ...resolved, resolvedAt: iso(thenMs - hour), updatedAt: iso(thenMs - hour) });
    await alert(fleet, moving, { openedAt: iso(thenMs + 1) });
    await alert(fleet, null, { openedAt: then });

    const answer = await call('GET', `/live/at?time=${then}`, { token });
    const data = fleetAtSchema.parse(answer.body.data);
    expect(data.time).toBe(then);
    const about = { make: 'Kenworth', model: 'T680', tenantId: fleet.id };
    const unknown = { healthScore: null, riskScore: null, riskLevel: null, recommendedAction: null };
    const nothing = { ...unknown, activeFaultCount: 0, openAlertCount: 0 };
    expect(data.vehicles).toMatchObject([
      {
        ...{ ...about, id: moving, unitNumber: 'A', status: 'moving', at: at.at, lat: 41, lon: -105, speedMph: 60 },
        ...{ riskScore: 7, riskLevel: 'low', healthScore: 61, activeFaultCount: 2, openAlertCount: 2 },
      },
      { ...about, ...nothing, id: stale, unitNumber: 'B', status: 'stale' },
      { ...about, ...nothing, unitNumber: 'C', status: 'offline', at: null, lat: null, lon: null, heading: null },
      { ...about, ...nothing, id: late, unitNumber: 'E', status: 'stopped' },
    ]);
    expect(data.vehicles).toHaveLength(4);
  });

  test.each([
    [() => iso(Date.now() + 60_000), 'time: must not lie in the future.'],
    [() => iso(Date.now() - 30 * day - 60_000), 'time: must lie within the last 30 days.'],
    [() => 'noon', 'time: must be an RFC 3339 time'],
  ])('a time that cannot be shown is 400 and says why', async (time, message) => {
    const { token } = await person(await tenant(), 'viewer');
    const answer = await call('GET', `/live/at?time=${time()}`, { token });
    expect(answer.body.error).toMatchObject({ code: 'VALIDATION_FAILED', message });
    expect((await call('GET', '/live/at', { token })).status).toBe(400);
  });

  test('a dealer sees itself and its customers, or one of them; a driver the own truck', async () => {
    const [dealer, customer, stranger] = [await tenant('dealer'), await tenant(), await tenant()];
    await link(dealer, customer);
    const seen = { firstSeenAt: iso(Date.now() - day) };
    const { userId, token: driverToken } = await person(customer, 'driver');
    const [loaner, theirs, strange] = [
      await truck(dealer, seen),
      await truck(customer, seen),
      await truck(stranger, seen),
    ];
    const driven = await truck(customer, { ...seen, assignedDriverId: userId });
    for (const [of, id] of [
      [dealer, loaner],
      [customer, theirs],
      [customer, driven],
      [stranger, strange],
    ] as const) {
      await put(of, id, readingAt(Date.now() - 60_000));
    }
    const { token } = await person(dealer, 'dealer_admin');
    const time = iso(Date.now());
    const shown = async (query: string, as: string) => {
      const answer = await call('GET', `/live/at?time=${time}${query}`, { token: as });
      const { vehicles } = answer.body.data as unknown as { vehicles: LiveVehicle[] };
      expect(vehicles.every(({ status }) => status === 'moving')).toBe(true);
      return vehicles.map(({ id }) => id).sort();
    };
    expect(await shown('', token)).toEqual([loaner, theirs, driven].sort());
    expect(await shown(`&tenantId=${customer.id}`, token)).toEqual([theirs, driven].sort());
    expect(await shown('', driverToken)).toEqual([driven]);
    const foreign = await call('GET', `/live/at?time=${time}&tenantId=${stranger.id}`, { token });
    expect(foreign.status).toBe(404);
    const { token: operator } = await person(null, 'super_admin');
    expect(await shown(`&tenantId=${stranger.id}`, operator)).toEqual([strange]);
  });
});

describe('where vehicles are', () => {
  test('location and status are the latest word, or that there was none', async () => {
    const fleet = await tenant();
    const { token } = await person(fleet, 'viewer');
    const [heard, silent] = [await truck(fleet), await truck(fleet)];
    const reading = readingAt(Date.now() - 5 * second, { speedMph: 0, ignition: true });
    await roomOf(env.FLEET_ROOM, fleet.id).recordReadings({
      ...{ sourceTenantId: fleet.id, readings: [{ vehicleId: heard, ...reading }] },
    });
    const place = await call('GET', `/vehicles/${heard}/location`, { token });
    const { at, lat, lon, speedMph, heading } = reading;
    expect(vehicleLocationSchema.parse(place.body.data)).toEqual({
      ...{ vehicleId: heard, status: 'idle', position: { at, lat, lon, speedMph, heading } },
    });
    expect((await call('GET', `/vehicles/${heard}/status`, { token })).body.data).toEqual({ status: 'idle', at });
    expect((await call('GET', `/vehicles/${silent}/location`, { token })).body.data).toEqual({
      ...{ vehicleId: silent, status: 'offline', position: null },
    });
    expect((await call('GET', `/vehicles/${silent}/status`, { token })).body.data).toEqual({
      status: 'offline',
      at: null,
    });
  });

  test('many at once, in the order asked; what is not the caller’s is named, never an error', async () => {
    const [dealer, customer, stranger] = [await tenant('dealer'), await tenant(), await tenant()];
    await link(dealer, customer);
    const [loaner, theirs, strange] = [await truck(dealer), await truck(customer), await truck(stranger)];
    const { token } = await person(dealer, 'technician');
    const ask = (vehicleIds: unknown[]) => call('POST', '/vehicles/batch-location', { token, body: { vehicleIds } });
    const answer = await ask([theirs, 'rubbish', strange, loaner, theirs]);
    expect(answer.status).toBe(200);
    const data = batchLocationSchema.parse(answer.body.data);
    expect(data.locations.map(({ vehicleId }) => vehicleId)).toEqual([theirs, loaner]);
    expect(data.unknownVehicleIds).toEqual(['rubbish', strange]);
    const { token: driverToken } = await person(customer, 'driver');
    const driver = await call('POST', '/vehicles/batch-location', {
      token: driverToken,
      body: { vehicleIds: [theirs] },
    });
    expect(driver.body.data).toEqual({ locations: [], unknownVehicleIds: [theirs] });
    expect((await ask(Array.from({ length: 1_000 }, () => newId()))).status).toBe(200);
    for (const wrong of [[], [7], Array.from({ length: 1_001 }, () => newId()), ['x'.repeat(101)]]) {
      expect((await ask(wrong)).body.error.code).toBe('VALIDATION_FAILED');
    }
  });
});
