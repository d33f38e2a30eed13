import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { featureNames } from '#scoring';
import { db, fault, tenant, truck } from '#test/workers/harness';
import { shopVisit, signalsOf } from '#test/workers/scoring-builders';
import { predictions } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { readFeatures } from './features-store.ts';
import { rescoreDirtyVehicles } from './rescore.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const daysAgo = (days: number): string => new Date(now.getTime() - days * 86_400_000).toISOString();

test('everything that is known of a vehicle, as scoring takes it', async () => {
  const fleet = await tenant();
  const id = await truck(fleet, {
    odometerMiles: 300_000,
    engineHours: 6_000,
    firstSeenAt: daysAgo(20),
    lastSyncAt: daysAgo(0),
    faultsReadAt: daysAgo(0.5),
  });
  const lamps = { malfunction: false, redStop: true, amberWarning: true, protect: false };
  await fault(fleet, id, {
    spn: 3251,
    fmi: 16,
    sourceAddress: 1,
    firstSeenAt: daysAgo(3),
    lastSeenAt: daysAgo(2),
    lamps,
  });
  await fault(fleet, id, {
    ...{ spn: 100, fmi: 1, isActive: false, firstSeenAt: daysAgo(30), lastSeenAt: daysAgo(25), clearedAt: daysAgo(24) },
    ...{ occurrenceCount: 7, reopenCount: 2 },
  });
  await fault(fleet, id, { spn: 94, fmi: 1, isActive: false, lastSeenAt: daysAgo(500), clearedAt: daysAgo(499) });
  const signals = [
    { name: 'batteryVolts', value: 11.9, at: daysAgo(0), baselineMedian: 13.9, baselineMad: 0.1, n: 90, drift: null },
  ];
  await signalsOf(fleet, id, signals);
  await shopVisit(fleet, id, { kind: 'preventive', at: daysAgo(200), odometerMiles: 210_000 });
  await shopVisit(fleet, id, { kind: 'preventive', at: daysAgo(100), odometerMiles: 250_000.5 });
  await shopVisit(fleet, id, { kind: 'breakdown', at: daysAgo(50) });
  await shopVisit(fleet, id, { kind: 'repair', at: daysAgo(60), odometerMiles: 260_000 });
  await shopVisit(fleet, id, { kind: 'repair', at: daysAgo(366) });
  await shopVisit(fleet, id, { kind: 'inspection', at: daysAgo(1) });
  await shopVisit(fleet, id, { kind: 'repair', at: daysAgo(-2) });

  const { vehicles } = await readFeatures(scopeForJob(fleet.id), db, [id], { now });
  expect(vehicles).toHaveLength(1);
  expect(vehicles[0]?.features).toEqual({
    vehicle: {
      ...{ make: 'Kenworth', model: 'T680', year: 2024, odometerMiles: 300_000, engineHours: 6_000 },
      // Since the visit 100 days ago.
      ...{ milesPerDay: 500, hoursPerDay: null },
    },
    faults: [
      {
        ...{ spn: 100, fmi: 1, sourceAddress: 0, isActive: false, firstSeenAt: daysAgo(30), lastSeenAt: daysAgo(25) },
        ...{ clearedAt: daysAgo(24), occurrenceCount: 7, reopenCount: 2 },
      },
      {
        ...{ spn: 3251, fmi: 16, sourceAddress: 1, isActive: true, firstSeenAt: daysAgo(3), lastSeenAt: daysAgo(0.5) },
        ...{ clearedAt: null, occurrenceCount: 1, reopenCount: 0 },
      },
    ],
    lamps: [{ ...lamps, sourceAddress: 1, at: daysAgo(0.5) }],
    signals,
    service: { lastServiceAt: daysAgo(100), milesSinceService: 49_999.5, repairs365Days: 2 },
    observedDays: 366,
  });
});

test('a service without odometer hides no other number behind it', async () => {
  const fleet = await tenant();
  const id = await truck(fleet, { odometerMiles: 300_000, firstSeenAt: daysAgo(20), lastSyncAt: daysAgo(0) });
  await shopVisit(fleet, id, { kind: 'preventive', at: daysAgo(20) });
  const { vehicles } = await readFeatures(scopeForJob(fleet.id), db, [id], { now });
  expect(vehicles[0]?.features.service).toEqual({
    lastServiceAt: daysAgo(20),
    milesSinceService: null,
    repairs365Days: 0,
  });
});

test('engine hours a day out of what an earlier prediction has kept', async () => {
  const fleet = await tenant();
  const scope = scopeForJob(fleet.id);
  const id = await truck(fleet, {
    ...{ isScoreDirty: true, odometerMiles: 100_000, engineHours: 1_000, firstSeenAt: daysAgo(90) },
    ...{ lastSyncAt: daysAgo(30), updatedAt: daysAgo(30) },
  });
  await rescoreDirtyVehicles(scope, db, env.ARTIFACTS, { nowIso: daysAgo(30) });
  // Of an older list of features: its columns are others.
  await db.insert(predictions).values({
    ...{ id: newId(), tenantId: fleet.id, vehicleId: id, createdAt: daysAgo(40), modelVersion: 'old', riskScore: 1 },
    ...{ riskLevel: 'low', score: {} as never, featureVector: featureNames.map(() => 1), featureList: 'features-0' },
  });
  await env.DB.prepare(
    'UPDATE vehicles SET odometer_miles = 112000, engine_hours = 1300, last_sync_at = ? WHERE id = ?',
  )
    .bind(daysAgo(0), id)
    .run();
  const { vehicles } = await readFeatures(scope, db, [id], { now });
  expect(vehicles[0]?.features.vehicle).toMatchObject({ milesPerDay: 400, hoursPerDay: 10 });
});

test('ids of others, of nobody and of nothing are left out; the order is that of ids', async () => {
  const [fleet, other] = [await tenant(), await tenant()];
  const [a, b] = [await truck(fleet), await truck(fleet)];
  const foreign = await truck(other);
  await fault(other, foreign);
  const { vehicles } = await readFeatures(scopeForJob(fleet.id), db, [b, foreign, 'no id', newId(), a], { now });
  expect(vehicles.map(({ id }) => id)).toEqual([a, b].sort());
  expect((await readFeatures(scopeForJob(fleet.id), db, [], { now })).vehicles).toEqual([]);
});

test('the same rows in another order of coming in are the same features', async () => {
  const fleet = await tenant();
  const scope = scopeForJob(fleet.id);
  const ids = [await truck(fleet, { firstSeenAt: daysAgo(9) }), await truck(fleet, { firstSeenAt: daysAgo(9) })];
  const codes = [
    [110, 0],
    [100, 1],
    [3251, 16],
  ];
  const add = (id: string, [spn = 0, fmi = 0]: number[]) =>
    fault(fleet, id, { spn, fmi, firstSeenAt: daysAgo(2), lastSeenAt: daysAgo(1) });
  for (const code of codes) await add(ids[0] ?? '', code);
  for (const code of [...codes].reverse()) await add(ids[1] ?? '', code);
  const { vehicles } = await readFeatures(scope, db, ids, { now });
  expect(JSON.stringify(vehicles[1]?.features)).toBe(JSON.stringify(vehicles[0]?.features));
});
