/** What a training reads: pages that join into the whole, nothing foreign, nothing from after the end of the data. */
import { eq } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { featureListVersion, featureNames } from '#scoring';
import { db, fault, tenant, truck, type TestTenant } from '#test/workers/harness';
import { fleetHistory } from '#test/workers/training-builders';
import { predictions, serviceEvents, signalStates, vehicles } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { newId } from '#worker/ids';
import { readLandmarks, takeCensus, type LandmarkPage } from './landmarks-store.ts';
import { planReading, type ReadingPlan } from './rules.ts';

const until = '2026-11-20T00:00:00.000Z';
const vector = featureNames.map((_, at) => (at % 3 === 0 ? null : at));

async function prediction(of: TestTenant, vehicleId: string, createdAt: string, fields = {}) {
  await db.insert(predictions).values({
    ...{ id: newId(), tenantId: of.id, vehicleId, createdAt, modelVersion: 'x', riskScore: 1, riskLevel: 'low' },
    ...{ score: {} as never, featureVector: vector, featureList: featureListVersion },
    ...fields,
  });
}
async function event(of: TestTenant, vehicleId: string, at: string, kind: 'repair' | 'preventive' | 'inspection') {
  const id = newId();
  const words = { description: 'x', source: 'api', fingerprint: id, createdAt: at } as const;
  await db.insert(serviceEvents).values({ id, tenantId: of.id, vehicleId, at, kind, ...words });
}

async function readAll(of: TestTenant, plan: ReadingPlan): Promise<{ pages: LandmarkPage[]; whole: LandmarkPage }> {
  const pages: LandmarkPage[] = [];
  for (let vin: string | null = ''; vin !== null;) {
    const page: LandmarkPage = await readLandmarks(scopeForJob(of.id), db, plan, vin);
    pages.push(page);
    vin = page.nextVin;
  }
  const whole = {
    landmarks: pages.flatMap((page) => page.landmarks),
    events: pages.flatMap((page) => page.events),
    vehicles: pages.flatMap((page) => page.vehicles),
    nextVin: null,
  };
  return { pages, whole };
}

test('many pages say the same as one', async () => {
  const owner = await tenant();
  await fleetHistory(owner, { vehicles: 11, days: 60, daysBetweenFailures: 30 });
  const end = `${new Date().toISOString().slice(0, 10)}T00:00:00.000Z`;
  const { vehicles: count, earliestAt } = await takeCensus(scopeForJob(owner.id), db);
  expect(count).toBe(11);
  const plan = planReading(end, count, earliestAt);
  const one = await readAll(owner, plan);
  expect(one.pages).toHaveLength(1);
  expect(one.whole.landmarks.length).toBeGreaterThan(11 * 8);
  for (const vehiclesPerPage of [1, 3, 10, 11]) {
    const many = await readAll(owner, { ...plan, vehiclesPerPage });
    expect(many.pages.length).toBeGreaterThan(1);
    expect(many.whole).toEqual(one.whole);
  }
});

test('one landmark a week, the first; none of another list, of today, or without a vector', async () => {
  const owner = await tenant();
  const vehicleId = await truck(owner);
  // A week that begins on Thursday, 5 November 2026, at midnight.
  for (const at of ['2026-11-05T08:00:00.000Z', '2026-11-06T08:00:00.000Z', '2026-11-11T23:59:59.999Z']) {
    await prediction(owner, vehicleId, at);
  }
  await prediction(owner, vehicleId, '2026-11-12T00:00:00.000Z', { featureList: 'features-0' });
  await prediction(owner, vehicleId, '2026-11-12T01:00:00.000Z', { featureVector: null });
  await prediction(owner, vehicleId, '2026-11-12T02:00:00.000Z', { featureVector: [1, 2, 3] });
  await prediction(owner, vehicleId, '2026-11-20T00:00:00.000Z');
  const plan = planReading(until, 1, '2026-11-05T08:00:00.000Z');
  const { whole } = await readAll(owner, plan);
  expect(whole.landmarks).toEqual([{ vehicleId, at: '2026-11-05T08:00:00.000Z', x: vector }]);
});

test('what followed, without inspections and what came later; signals as they stand', async () => {
  const owner = await tenant();
  const vehicleId = await truck(owner, { make: 'Peterbilt', model: '579', firstSeenAt: '2026-10-21T00:00:00.000Z' });
  await prediction(owner, vehicleId, '2026-11-05T08:00:00.000Z');
  await fault(owner, vehicleId, { reopenCount: 2, firstSeenAt: '2026-11-01T00:00:00.000Z' });
  await fault(owner, vehicleId, { spn: 111, firstSeenAt: '2026-10-21T00:00:00.000Z' });
  // Not of the thirty days before the end of the data.
  await fault(owner, vehicleId, { spn: 112, firstSeenAt: '2026-10-20T23:59:59.000Z' });
  await fault(owner, vehicleId, { spn: 113, firstSeenAt: until });
  for (const [at, kind] of [
    ['2026-11-15T00:00:00.000Z', 'repair'],
    ['2026-11-10T00:00:00.000Z', 'preventive'],
    ['2026-11-12T00:00:00.000Z', 'inspection'],
    ['2026-11-20T00:00:00.000Z', 'repair'],
  ] as const) {
    await event(owner, vehicleId, at, kind);
  }
  const signal = { name: 'batteryVolts', value: 13.8, at: '2026-11-19T00:00:00.000Z', n: 30 };
  const state = { ...signal, baselineMedian: 13.9, baselineMad: null };
  await db.insert(signalStates).values({ vehicleId, tenantId: owner.id, signals: [state], computedAt: signal.at });
  const { whole } = await readAll(owner, planReading(until, 1, '2026-11-05T08:00:00.000Z'));
  expect(whole.events).toEqual([
    { vehicleId, at: '2026-11-10T00:00:00.000Z', kind: 'preventive' },
    { vehicleId, at: '2026-11-15T00:00:00.000Z', kind: 'repair' },
  ]);
  expect(whole.vehicles).toEqual([
    { make: 'Peterbilt', model: '579', faultsOpened: 2, observedDays: 30, signals: [state] },
  ]);
});

test('another tenant’s rows are never read, whatever they claim', async () => {
  const [owner, other] = [await tenant(), await tenant()];
  const [mine, theirs] = [await truck(owner), await truck(other)];
  await prediction(owner, mine, '2026-11-05T08:00:00.000Z');
  await prediction(other, theirs, '2026-11-05T08:00:00.000Z');
  // Rows that contradict themselves: the vehicle is mine, the row says it is theirs.
  await prediction(other, mine, '2026-11-12T08:00:00.000Z');
  await event(other, mine, '2026-11-13T08:00:00.000Z', 'repair');
  const { whole } = await readAll(owner, planReading(until, 1, '2026-11-05T08:00:00.000Z'));
  expect(whole.landmarks).toHaveLength(1);
  expect(whole.events).toEqual([]);
  expect(await takeCensus(scopeForJob(newId()), db)).toEqual({ vehicles: 0, earliestAt: null });
  const rows = await db.select().from(vehicles).where(eq(vehicles.tenantId, owner.id));
  expect(whole.vehicles).toHaveLength(rows.length);
});
