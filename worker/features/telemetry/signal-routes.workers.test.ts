/** POST /telemetry/signals on real D1. */
import { asc, eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { commonRouteTests } from '#test/workers/common-route-tests';
import { apiKey, call, db, person, tenant, truck, type TestTenant } from '#test/workers/harness';
import { signalDays, signalStates } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import type { SignalReading } from './signal-rules.ts';
import { recordSignals } from './signal-store.ts';

commonRouteTests('POST /telemetry/signals', {
  method: 'POST',
  path: () => '/telemetry/signals',
  permission: 'telemetry:write',
  namesThing: false,
  takesBody: true,
});

const at = (secondsAgo: number): string => new Date(Date.now() - secondsAgo * 1000).toISOString();
const gateway = async (of: TestTenant) => (await person(of, 'fleet_admin')).token;
const post = (token: string, signals: unknown[]) => call('POST', '/telemetry/signals', { token, body: { signals } });
const daysOf = (vehicleId: string) =>
  db
    .select()
    .from(signalDays)
    .where(eq(signalDays.vehicleId, vehicleId))
    .orderBy(asc(signalDays.name), asc(signalDays.day));
const stateOf = async (vehicleId: string) =>
  (await db.select().from(signalStates).where(eq(signalStates.vehicleId, vehicleId)))[0];

describe('POST /telemetry/signals', () => {
  test('keeps good rows and names bad ones by index', async () => {
    const [fleet, other] = [await tenant(), await tenant()];
    const vin = '1XKYDP9X0RJ555001';
    const [mine, foreign, named] = [await truck(fleet), await truck(other), await truck(fleet, { vin })];
    const volts = { name: 'batteryVolts', value: 13.9, at: at(60) };
    const answer = await post(await gateway(fleet), [
      { vehicleId: mine, ...volts },
      { vehicleId: foreign, ...volts },
      { vin: '1XKYDP9X0RJ99999', ...volts },
      { vehicleId: mine, ...volts, value: 99 },
      { vehicleId: mine, ...volts, at: 'yesterday' },
      { vehicleId: mine, ...volts, at: at(-3600) },
      { vehicleId: mine, ...volts, at: at(401 * 86_400) },
      { ...volts },
      'not a row',
      { vin, ...volts },
      { vin, vehicleId: mine, ...volts },
    ]);
    expect(answer.status).toBe(202);
    const { accepted, rejected } = answer.body.data as {
      accepted: number;
      rejected: { index: number; code: string }[];
    };
    expect(accepted).toBe(2);
    expect(rejected.map(({ index, code }) => [index, code])).toEqual([
      [1, 'UNKNOWN_VEHICLE'],
      [2, 'INVALID_FIELD'],
      [3, 'INVALID_FIELD'],
      [4, 'INVALID_TIME'],
      [5, 'IN_THE_FUTURE'],
      [6, 'INVALID_TIME'],
      [7, 'INVALID_FIELD'],
      [8, 'INVALID_FIELD'],
      [10, 'UNKNOWN_VEHICLE'],
    ]);
    expect(await daysOf(foreign)).toEqual([]);
    expect(await daysOf(named)).toMatchObject([{ tenantId: fleet.id, readings: 1, mean: 13.9 }]);
  });

  test('the same batch again changes nothing but is accepted; a second reading of a minute neither', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const { key } = await apiKey(fleet, ['telemetry:write']);
    const noon = '2026-03-01T12:00:30.000Z';
    const batch = [
      { vehicleId: id, at: noon, name: 'coolantTempF', value: 190 },
      { vehicleId: id, at: '2026-03-01T12:01:00Z', name: 'coolantTempF', value: 194 },
      { vehicleId: id, at: '2026-03-01T23:59:59.999Z', name: 'coolantTempF', value: 192 },
      { vehicleId: id, at: '2026-03-02T02:00:00+02:00', name: 'coolantTempF', value: 100 },
      { vehicleId: id, at: noon, name: 'engineRpm', value: 1200 },
    ];
    expect((await post(key, batch)).body.data).toEqual({ accepted: 5, rejected: [] });
    const before = await daysOf(id);
    expect(before).toMatchObject([
      { name: 'coolantTempF', day: '2026-03-01', readings: 3, mean: 192, min: 190, max: 194, lastValue: 192 },
      { name: 'coolantTempF', day: '2026-03-02', readings: 1, mean: 100 },
      { name: 'engineRpm', day: '2026-03-01', readings: 1, mean: 1200, lastAt: noon, version: 1 },
    ]);
    expect((await stateOf(id))?.changes).toBe(1);
    const again = [...batch].reverse();
    expect((await post(key, again)).body.data).toEqual({ accepted: 5, rejected: [] });
    await post(key, [{ vehicleId: id, at: noon, name: 'coolantTempF', value: 250 }]);
    expect(await daysOf(id)).toEqual(before);
    expect((await stateOf(id))?.changes).toBe(1);
  });

  test('a closed day takes nothing more', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const token = await gateway(fleet);
    const row = { vehicleId: id, name: 'boostPsi', value: 20 };
    await post(token, [{ ...row, at: '2026-03-01T12:00:00Z' }]);
    await db.update(signalDays).set({ minutes: null }).where(eq(signalDays.vehicleId, id));
    const before = await daysOf(id);
    expect((await post(token, [{ ...row, at: '2026-03-01T13:00:00Z' }])).body.data).toEqual({
      accepted: 1,
      rejected: [],
    });
    expect(await daysOf(id)).toEqual(before);
  });

  test('NDJSON is understood; more than 1,000 rows are 413', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const token = await gateway(fleet);
    const line = JSON.stringify({ vehicleId: id, at: at(60), name: 'oilPressurePsi', value: 41 });
    const ndjson = { 'content-type': 'application/x-ndjson' };
    const answer = await call('POST', '/telemetry/signals', { token, body: `${line}\n{"vin":\n`, headers: ndjson });
    expect(answer.body.data).toMatchObject({ accepted: 1, rejected: [{ index: 1, code: 'INVALID_FIELD' }] });
    const many = Array.from({ length: 1001 }, () => ({}));
    expect((await post(token, many)).body.error.code).toBe('PAYLOAD_TOO_LARGE');
  });

  test('a full batch is one read and one write', async () => {
    const fleet = await tenant();
    const ids = await Promise.all(Array.from({ length: 100 }, () => truck(fleet)));
    const token = await gateway(fleet);
    const names = ['coolantTempF', 'oilTempF', 'oilPressurePsi', 'defLevelPercent', 'dpfSootPercent'] as const;
    const rows = ids.flatMap((vehicleId) =>
      names.flatMap((name) => [
        { vehicleId, name, at: '2026-03-01T12:00:00Z', value: 40 },
        { vehicleId, name, at: '2026-03-01T12:01:00Z', value: 42 },
      ]),
    );
    expect((await post(token, rows)).body.data).toEqual({ accepted: 1000, rejected: [] });
    const kept = await db.select().from(signalDays).where(eq(signalDays.tenantId, fleet.id));
    expect(kept).toHaveLength(500);
    expect(kept.every(({ readings, mean }) => readings === 2 && mean === 41)).toBe(true);
  });
});

describe('many writers at once', () => {
  const readings = (vehicleId: string, writer: number): SignalReading[] =>
    Array.from({ length: 30 }, (_, index) => ({
      ...{ vehicleId, name: 'engineRpm', value: 1000 + writer },
      at: new Date(Date.parse('2026-03-01T00:00:00.000Z') + (writer * 30 + index) * 60_000).toISOString(),
    }));

  test('lose nothing and count nothing twice', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const scope = scopeForJob(fleet.id);
    const writers = Array.from({ length: 12 }, (_, writer) => readings(id, writer));
    // Each batch comes twice, all at the same time.
    await Promise.all([...writers, ...writers].map((rows) => recordSignals(scope, db, rows)));
    const [day, ...others] = await daysOf(id);
    expect(others).toEqual([]);
    expect(day).toMatchObject({ readings: 360, min: 1000, max: 1011, mean: 1005.5, version: 12 });
  });

  test('through the real Worker too', async () => {
    const fleet = await tenant();
    const id = await truck(fleet);
    const { key } = await apiKey(fleet, ['telemetry:write']);
    const answers = await Promise.all(Array.from({ length: 8 }, (_, writer) => post(key, readings(id, writer))));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202));
    expect(await daysOf(id)).toMatchObject([{ readings: 240 }]);
  });

  test('another tenant’s rollup is never written, even under its vehicle’s id', async () => {
    const [fleet, other] = [await tenant(), await tenant()];
    const id = await truck(fleet);
    await recordSignals(scopeForJob(fleet.id), db, readings(id, 0));
    await expect(recordSignals(scopeForJob(other.id), db, readings(id, 1))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(await daysOf(id)).toMatchObject([{ readings: 30, tenantId: fleet.id }]);
    expect(await db.select().from(signalDays).where(eq(signalDays.tenantId, other.id))).toEqual([]);
  });
});
