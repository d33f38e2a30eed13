/** POST /telemetry/faults and /telemetry/dm1 on real D1, up to score, alert and live socket. */
import { env } from 'cloudflare:workers';
import { and, asc, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { roomOf } from '#durable-objects/stubs';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { apiKey, call, db, fault, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { connect, deltas } from '#test/workers/live-socket';
import { alerts, faults, predictions, tenants, vehicles } from '#worker/db/schema/index';

for (const path of ['/telemetry/faults', '/telemetry/dm1']) {
  commonRouteTests(`POST ${path}`, {
    method: 'POST',
    path: () => path,
    permission: 'telemetry:write',
    namesThing: false,
    takesBody: true,
  });
}

const at = (secondsAgo: number): string => new Date(Date.now() - secondsAgo * 1000).toISOString();
const gateway = async (of: TestTenant) => (await apiKey(of, ['telemetry:write'])).key;
const faultsOf = (vehicleId: string) =>
  db.select().from(faults).where(eq(faults.vehicleId, vehicleId)).orderBy(asc(faults.spn));
const vehicleOf = async (id: string) => (await db.select().from(vehicles).where(eq(vehicles.id, id)))[0];
const coolant = { sourceAddress: 0, spn: 110, fmi: 0 };
let number = 0;
const newVin = () => `1XKYDP9X0RJ7${String((number += 1)).padStart(5, '0')}`;

describe('POST /telemetry/faults', () => {
  const post = (token: string, rows: unknown[]) => call('POST', '/telemetry/faults', { token, body: { faults: rows } });

  test('keeps good rows and names bad ones by index', async () => {
    const [fleet, other] = [await tenant(), await tenant()];
    const [mine, foreign] = [await truck(fleet), await truck(other)];
    const answer = await post(await gateway(fleet), [
      { vehicleId: mine, at: at(60), ...coolant },
      { vehicleId: foreign, at: at(60), ...coolant },
      { vin: '1XKYDP9X0RJ99999', at: at(60), ...coolant },
      { vehicleId: mine, at: at(60), ...coolant, fmi: 32 },
      { vehicleId: mine, at: at(-3600), ...coolant },
      { vehicleId: mine, at: 'noon', ...coolant },
      7,
    ]);
    expect(answer.status).toBe(202);
    const data = answer.body.data as { accepted: number; rejected: { index: number; code: string }[] };
    expect(data.accepted).toBe(1);
    expect(data.rejected.map(({ index, code }) => [index, code])).toEqual([
      [1, 'UNKNOWN_VEHICLE'],
      [2, 'INVALID_FIELD'],
      [3, 'INVALID_FIELD'],
      [4, 'IN_THE_FUTURE'],
      [5, 'INVALID_TIME'],
      [6, 'INVALID_FIELD'],
    ]);
    expect(await faultsOf(foreign)).toEqual([]);
  });

  test('takes NDJSON, with a bad line as a rejected row', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const lines = [JSON.stringify({ vehicleId: id, at: at(5), ...coolant }), '{"oops"'].join('\n');
    const headers = { 'content-type': 'application/x-ndjson' };
    const answer = await call('POST', '/telemetry/faults', { token: await gateway(fleet), body: lines, headers });
    expect(answer.body.data).toMatchObject({ accepted: 1, rejected: [{ index: 1 }] });
  });

  test('brings fault, score, alert and live picture within seconds', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const watcher = await connect((await person(fleet, 'fleet_manager')).token);
    const lamps = { malfunction: true, redStop: true, amberWarning: false, protect: false };
    await post(await gateway(fleet), [{ vehicleId: id, at: at(1), ...coolant, occurrenceCount: 4, lamps }]);
    expect(await faultsOf(id)).toMatchObject([
      {
        isActive: true,
        isTelemetryActive: true,
        isPortalActive: false,
        severity: 'critical',
        occurrenceCount: 4,
        lamps,
      },
    ]);
    await expect
      .poll(() => deltas(watcher).flatMap((delta) => delta.alerts), { timeout: 5_000 })
      .toEqual(expect.arrayContaining([expect.objectContaining({ vehicleId: id, type: 'fault', status: 'open' })]));
    const told = deltas(watcher).flatMap((delta) => delta.vehicles.filter((vehicle) => vehicle.id === id));
    expect(Object.assign({}, ...told)).toMatchObject({ activeFaultCount: 1, openAlertCount: expect.any(Number) });
    expect(await db.select().from(predictions).where(eq(predictions.vehicleId, id))).toHaveLength(1);
    expect(await vehicleOf(id)).toMatchObject({ isScoreDirty: false, activeFaultCount: 1 });
    // The room has heard of every change: one that it misses is found by the sweep, which gives it everything again.
    const counted = await db.select({ counter: tenants.changeCounter }).from(tenants).where(eq(tenants.id, fleet.id));
    const heard = async () => (await roomOf(env.FLEET_ROOM, fleet.id).status()).heardThrough[fleet.id];
    await expect.poll(heard, { timeout: 5_000 }).toBe(counted[0]?.counter);
    watcher.socket.close();
  });

  test('taken back, the fault clears and its alert resolves; the same again changes nothing', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const token = await gateway(fleet);
    const [came, went] = [at(50), at(40)];
    await post(token, [{ vehicleId: id, at: came, ...coolant }]);
    const alertOf = async () =>
      (
        await db
          .select()
          .from(alerts)
          .where(and(eq(alerts.vehicleId, id), eq(alerts.type, 'fault')))
      )[0];
    await expect.poll(async () => (await alertOf())?.status, { timeout: 5_000 }).toBe('open');
    await post(token, [{ vehicleId: id, at: went, ...coolant, active: false }]);
    await expect.poll(async () => (await alertOf())?.status, { timeout: 5_000 }).toBe('resolved');
    const before = await faultsOf(id);
    expect(before).toMatchObject([{ isActive: false, clearedAt: went, lastSeenAt: came }]);
    await post(token, [{ vehicleId: id, at: came, ...coolant }, { vehicleId: id, at: went, ...coolant, active: false }]); // prettier-ignore
    expect(await faultsOf(id)).toEqual(before);
  });

  test('does not take back what the portal reports', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    await fault(fleet, id, { lastSeenAt: at(100) });
    const token = await gateway(fleet);
    await post(token, [{ vehicleId: id, at: at(30), ...coolant }]);
    await post(token, [{ vehicleId: id, at: at(20), ...coolant, active: false }]);
    expect(await faultsOf(id)).toMatchObject([{ isActive: true, isPortalActive: true, isTelemetryActive: false }]);
  });

  test('words that race end as the newest one says', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const token = await gateway(fleet);
    await Promise.all(
      [9, 3, 7, 1, 5, 8, 2, 6, 4].map((n) =>
        post(token, [{ vehicleId: id, at: at(100 - n), ...coolant, active: n % 2 === 1 }]),
      ),
    );
    expect(await faultsOf(id)).toMatchObject([{ isActive: true, isTelemetryActive: true, clearedAt: null }]);
  });
});

describe('POST /telemetry/dm1', () => {
  const post = (token: string, vin: string, secondsAgo: number, data: string, more: object = {}) =>
    call('POST', '/telemetry/dm1', { token, body: { vin, at: at(secondsAgo), sourceAddress: 0, data, ...more } });
  // Red stop lamp on; SPN 110 FMI 0 counted 4 times; then SPN 3251 FMI 16.
  const [lampBytes, code110, code3251] = ['10FF', '6E000004', 'B30C1001'];

  test('replaces the active set of its controller; padding is none of it', async () => {
    const fleet = await tenant();
    const vin = newVin();
    const id = await truck(fleet, { vin });
    const token = await gateway(fleet);
    const first = await post(token, vin, 60, `${lampBytes}${code110}${code3251}FFFFFF`);
    expect(first.status).toBe(202);
    expect(first.body.data).toEqual({ accepted: 1, activeFaults: 2 });
    expect(await faultsOf(id)).toMatchObject([
      { spn: 110, fmi: 0, isActive: true, occurrenceCount: 4, lamps: { redStop: true } },
      { spn: 3251, fmi: 16, isActive: true },
    ]);
    await post(token, vin, 50, `${lampBytes}${code3251}`);
    expect((await faultsOf(id)).map(({ isActive }) => isActive)).toEqual([false, true]);
    // An older one that comes late, and the same one again.
    await post(token, vin, 55, `${lampBytes}${code110}`);
    expect((await faultsOf(id)).map(({ isActive }) => isActive)).toEqual([false, true]);
    await post(token, vin, 40, '00FF00000000');
    expect((await faultsOf(id)).map(({ isActive }) => isActive)).toEqual([false, false]);
    expect(await vehicleOf(id)).toMatchObject({ activeFaultCount: 0 });
  });

  test('those that race end as the newest one says', async () => {
    const fleet = await tenant();
    const vin = newVin();
    const id = await truck(fleet, { vin });
    const token = await gateway(fleet);
    // Each reports a code of its own, the last none.
    const [first, last] = [new Date(Date.now() - 60_000).getTime(), 12];
    const answers = await Promise.all(
      Array.from({ length: last + 1 }, (_, n) =>
        post(token, vin, 0, n === last ? '00FF00000000' : `${lampBytes}${(16 + n).toString(16)}000004`, {
          at: new Date(first + n).toISOString(),
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect((await faultsOf(id)).filter(({ isActive }) => isActive)).toEqual([]);
    expect(await vehicleOf(id)).toMatchObject({ activeFaultCount: 0 });
  });

  test('outdoes what its controller had said before, also what comes late', async () => {
    const fleet = await tenant();
    const vin = newVin();
    const id = await truck(fleet, { vin });
    const token = await gateway(fleet);
    await post(token, vin, 40, `${lampBytes}${code3251}`);
    const rows = [
      { vin, at: at(50), ...coolant },
      { vin, at: at(50), ...coolant, sourceAddress: 3 },
      { vin, at: at(30), ...coolant, fmi: 16 },
    ];
    await call('POST', '/telemetry/faults', { token, body: { faults: rows } });
    const active = (await faultsOf(id)).filter(({ isActive }) => isActive);
    expect(active.map(({ sourceAddress, spn, fmi }) => [sourceAddress, spn, fmi])).toEqual(
      expect.arrayContaining([
        [0, 3251, 16],
        [3, 110, 0],
        [0, 110, 16],
      ]),
    );
    expect(active).toHaveLength(3);
    await expect.poll(async () => (await vehicleOf(id))?.activeFaultCount).toBe(3);
  });

  test('is refused when cut short, of the future, no hex, or of a vehicle that is not here', async () => {
    const [fleet, other] = [await tenant(), await tenant()];
    const [mine, foreign] = [newVin(), newVin()];
    await truck(fleet, { vin: mine });
    await truck(other, { vin: foreign });
    const token = await gateway(fleet);
    expect((await post(token, mine, 5, '10FF6E0000')).status).toBe(400);
    expect((await post(token, mine, 5, `${lampBytes}${code110}B30C`)).status).toBe(400);
    expect((await post(token, mine, 5, 'rubbish!')).status).toBe(400);
    expect((await post(token, mine, 5, '')).status).toBe(400);
    expect((await post(token, mine, -3600, `${lampBytes}${code110}`)).status).toBe(400);
    expect((await post(token, mine, 5, `${lampBytes}${code110}`, { sourceAddress: 300 })).status).toBe(400);
    expect((await post(token, foreign, 5, `${lampBytes}${code110}`)).status).toBe(404);
    expect((await post(token, newVin(), 5, `${lampBytes}${code110}`)).status).toBe(404);
  });
});
