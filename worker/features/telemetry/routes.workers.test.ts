import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { apiKey, call, db, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { vehicles } from '#worker/db/schema/index';
import { copyBackReadings } from '../live/copy-back.ts';
import { ensureRoom } from '../live/reseed.ts';

commonRouteTests('POST /telemetry/positions', {
  method: 'POST',
  path: () => '/telemetry/positions',
  permission: 'telemetry:write',
  namesThing: false,
  takesBody: true,
});

const at = (secondsAgo: number): string => new Date(Date.now() - secondsAgo * 1000).toISOString();
const place = { lat: 39.74, lon: -104.99, speedMph: 61, heading: 90, ignition: true };
const gateway = async (of: TestTenant) => (await person(of, 'fleet_admin')).token;
const post = (token: string, positions: unknown[]) =>
  call('POST', '/telemetry/positions', { token, body: { positions } });
const position = async (token: string, id: string) =>
  (await call('GET', `/vehicles/${id}`, { token })).body.data as { lastPosition: unknown; status: string };

describe('POST /telemetry/positions', () => {
  test('keeps good rows and names bad ones by index', async () => {
    const [fleet, other] = [await tenant(), await tenant()];
    const [mine, foreign] = [await truck(fleet), await truck(other)];
    const token = await gateway(fleet);
    const answer = await post(token, [
      { vehicleId: mine, at: at(10), ...place },
      { vehicleId: foreign, at: at(10), ...place },
      { vin: '1XKYDP9X0RJ99999', at: at(10), ...place },
      { vehicleId: mine, at: at(10), ...place, lat: 200 },
      { vehicleId: mine, at: 'yesterday', ...place },
      { vehicleId: mine, at: at(-3600), ...place },
      { at: at(10), ...place },
      'not a row',
      { vehicleId: mine, at: at(9), ...place, speedMph: -4 },
    ]);
    expect(answer.status).toBe(202);
    const { accepted, rejected } = answer.body.data as {
      accepted: number;
      rejected: { index: number; code: string }[];
    };
    expect(accepted).toBe(1);
    expect(rejected.map(({ index, code }) => [index, code])).toEqual([
      [1, 'UNKNOWN_VEHICLE'],
      [2, 'INVALID_FIELD'],
      [3, 'INVALID_POSITION'],
      [4, 'INVALID_TIME'],
      [5, 'IN_THE_FUTURE'],
      [6, 'INVALID_FIELD'],
      [7, 'INVALID_FIELD'],
      [8, 'INVALID_FIELD'],
    ]);
    expect(await position(token, mine)).toMatchObject({ status: 'moving', lastPosition: { lat: 39.74, speedMph: 61 } });
  });

  test('an older reading never overwrites a newer one, and the same batch twice changes nothing', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const token = await gateway(fleet);
    const newest = at(5);
    await post(token, [{ vehicleId: id, ...place, at: newest, lat: 41 }]);
    await post(token, [{ vehicleId: id, ...place, at: at(60), lat: 40 }]);
    await post(token, [{ vehicleId: id, ...place, at: newest, lat: 42 }]);
    expect(await position(token, id)).toMatchObject({ lastPosition: { lat: 41, at: newest } });
  });

  test('an offset is folded to UTC', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const token = await gateway(fleet);
    const utc = at(60);
    const inHelsinki = new Date(Date.parse(utc) + 2 * 3_600_000).toISOString().replace('Z', '+02:00');
    const answer = await post(token, [{ vehicleId: id, ...place, at: inHelsinki }]);
    expect(answer.body.data).toEqual({ accepted: 1, rejected: [] });
    expect(await position(token, id)).toMatchObject({ lastPosition: { at: utc } });
  });

  test('more than 1,000 rows and more than 4 MB are 413, and the next request works', async () => {
    const fleet = await tenant();
    const token = await gateway(fleet);
    expect(
      (
        await post(
          token,
          Array.from({ length: 1001 }, () => ({})),
        )
      ).body.error.code,
    ).toBe('PAYLOAD_TOO_LARGE');
    expect((await post(token, ['x'.repeat(4_000_001)])).status).toBe(413);
    expect((await post(token, [])).body.data).toEqual({ accepted: 0, rejected: [] });
  });

  test('NDJSON is understood; a bad line is a rejected row', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const token = await gateway(fleet);
    const lines = [JSON.stringify({ vehicleId: id, at: at(4), ...place }), '{"vehicleId":', '', '7'].join('\n');
    const ndjson = { 'content-type': 'application/x-ndjson' };
    const plain = await call('POST', '/telemetry/positions', { token, body: lines, headers: ndjson });
    expect(plain.status).toBe(202);
    expect(plain.body.data).toMatchObject({
      accepted: 1,
      rejected: [
        { index: 1, code: 'INVALID_FIELD' },
        { index: 2, code: 'INVALID_FIELD' },
      ],
    });
  });

  test('a meter once reported is not lost when the next reading does not mention it', async () => {
    const fleet = await tenant();
    const id = await truck(fleet, { odometerMiles: 100 });
    const token = await gateway(fleet);
    const meters = async () => (await call('GET', `/vehicles/${id}`, { token })).body.data;
    await post(token, [{ vehicleId: id, at: at(30), ...place, odometerMiles: 216.5, engineHours: 12 }]);
    await post(token, [{ vehicleId: id, at: at(20), ...place }]);
    expect(await meters()).toMatchObject({ currentOdometer: 216.5, engineHours: 12 });
    await post(token, [{ vehicleId: id, at: at(25), ...place, odometerMiles: 217 }]);
    await copyBackReadings(env, fleet.id);
    expect(await meters()).toMatchObject({ currentOdometer: 217, engineHours: 12 });
  });

  test('rows are taken by VIN and by id; a row that names two vehicles is nobody’s', async () => {
    const fleet = await tenant();
    const [first, second] = [await truck(fleet, { vin: '1XKYDP9X0RJ700001' }), await truck(fleet)];
    const { key } = await apiKey(fleet, ['telemetry:write']);
    const answer = await post(key, [
      { vin: '1xkydp9x0rj700001', at: at(9), ...place, lat: 41 },
      { vin: '1XKYDP9X0RJ700001', vehicleId: first, at: at(8), ...place, lat: 42 },
      { vin: '1XKYDP9X0RJ700001', vehicleId: second, at: at(7), ...place, lat: 43 },
    ]);
    expect(answer.body.data).toMatchObject({ accepted: 2, rejected: [{ index: 2, code: 'UNKNOWN_VEHICLE' }] });
    expect(await position(await gateway(fleet), first)).toMatchObject({ lastPosition: { lat: 42 } });
  });

  test('a vehicle whose news never reached the room is found, and the room knows it from then on', async () => {
    const fleet = await tenant();
    const token = await gateway(fleet);
    await truck(fleet);
    await ensureRoom(env, db, fleet.id);
    // Behind everybody's back: no change is counted, so no sweep would find it either.
    const id = await truck(fleet, { vin: '1XKYDP9X0RJ700002' });
    const rows = [
      { vin: '1XKYDP9X0RJ700003', at: at(9), ...place },
      { vin: '1XKYDP9X0RJ700002', at: at(8), ...place, lat: 41 },
      { vehicleId: id, at: at(7), ...place, lat: 42 },
    ];
    const answer = await post(token, rows);
    expect(answer.body.data).toMatchObject({ accepted: 2, rejected: [{ index: 0, code: 'UNKNOWN_VEHICLE' }] });
    expect(await position(token, id)).toMatchObject({ lastPosition: { lat: 42 } });
    expect((await post(token, rows)).body.data).toMatchObject({ accepted: 2 });
    // Gone from D1, but not from the room: what the room knows is taken without asking D1.
    await db.delete(vehicles).where(eq(vehicles.id, id));
    const after = await post(token, [{ vehicleId: id, at: at(1), ...place, lat: 43 }]);
    expect(after.body.data).toEqual({ accepted: 1, rejected: [] });
  });

  test('a row older than thirty days is accepted and moves nobody; one from before 2000 is refused', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const token = await gateway(fleet);
    const answer = await post(token, [
      { vehicleId: id, ...place, at: at(31 * 86_400) },
      { vehicleId: id, ...place, at: '1970-01-01T00:00:00Z' },
    ]);
    expect(answer.body.data).toMatchObject({ accepted: 1, rejected: [{ index: 1, code: 'INVALID_TIME' }] });
    expect(await position(token, id)).toMatchObject({ lastPosition: null });
  });

  test('copies readings back to D1 once, in bulk', async () => {
    const fleet = await tenant();
    const ids = await Promise.all([truck(fleet), truck(fleet)]);
    const token = await gateway(fleet);
    await post(
      token,
      ids.map((vehicleId) => ({ vehicleId, at: at(3), ...place, odometerMiles: 250_000.5 })),
    );
    expect(await copyBackReadings(env, fleet.id)).toEqual({ copied: 2 });
    expect(await copyBackReadings(env, fleet.id)).toEqual({ copied: 0 });
    const moving = await call('GET', '/vehicles?status=moving', { token });
    expect(moving.body.meta).toMatchObject({ total: 2 });
    const { results } = await env.DB.prepare('SELECT odometer_miles AS miles FROM vehicles WHERE tenant_id = ?')
      .bind(fleet.id)
      .all();
    expect(results).toEqual([{ miles: 250_000.5 }, { miles: 250_000.5 }]);
  });

  test('what nobody reported stays unknown', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const token = await gateway(fleet);
    await post(token, [{ vehicleId: id, at: at(3), ...place }]);
    await copyBackReadings(env, fleet.id);
    const { data } = (await call('GET', `/vehicles/${id}`, { token })).body;
    expect(data).toMatchObject({ currentOdometer: null, engineHours: null });
  });
});
