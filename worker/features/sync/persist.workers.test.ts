/** Persisting on real D1: what is written, what is not, and that doing it twice is doing it once. */
import { describe, expect, it } from 'vitest';
import type { ObservedVehicle } from '#contracts/sync';
import { faults, syncRuns, tenants, vehicles } from '#worker/db/schema/index';
import { scopeForJob } from '#worker/http/tenant-scope';
import { openDatabase } from '#worker/db/client';
import { eq } from 'drizzle-orm';
import { db, fault as insertFault, tenant, truck } from '../../../test/workers/harness.ts';
import { markSeen, persistObserved } from './persist.ts';
import { beginRun, createRun, endRun, listRuns, vehiclesLastTime } from './runs-store.ts';
import { listeningDatabase, observedFault as fault, observedVehicle as vehicle } from '#test/workers/sync-builders';

const t1 = '2026-11-20T09:00:00.000Z';
const t2 = '2026-11-20T09:15:00.000Z';

async function aRun(nowIso = t1) {
  const owner = await tenant();
  const scope = scopeForJob(owner.id);
  const { row } = await createRun(scope, db, { provider: 'paccar', trigger: 'manual', nowIso });
  await beginRun(db, row.id, nowIso);
  return { owner, scope, runId: row.id };
}
const at = (runId: string, observed: ObservedVehicle[], observedAt = t1, mayClear = true) => ({
  runId,
  observed,
  observedAt,
  changedAt: observedAt,
  mayClear,
});
const vehiclesOf = (tenantId: string) =>
  db.select().from(vehicles).where(eq(vehicles.tenantId, tenantId)).orderBy(vehicles.vin);
const faultsOf = (tenantId: string) =>
  db.select().from(faults).where(eq(faults.tenantId, tenantId)).orderBy(faults.spn);
const countsOf = async (runId: string) => (await db.select().from(syncRuns).where(eq(syncRuns.id, runId)))[0]?.counts;

describe('persisting a reading', () => {
  it('writes vehicles and faults in full, counted and marked for scoring', async () => {
    const { owner, scope, runId } = await aRun();
    const { counters, counts } = await persistObserved(scope, db, at(runId, [vehicle(1), vehicle(2, { faults: [] })]));
    expect(counts).toEqual({ vehiclesCreated: 2, vehiclesChanged: 0, faultsOpened: 1, faultsCleared: 0 });
    const rows = await vehiclesOf(owner.id);
    expect(rows[0]).toMatchObject({
      unitNumber: 'U-1',
      model: "T680 'next gen'",
      odometerMiles: 100_000.5,
      activeFaultCount: 1,
      isScoreDirty: true,
      firstSeenAt: t1,
    });
    expect(rows[1]?.activeFaultCount).toBe(0);
    expect((await faultsOf(owner.id))[0]).toMatchObject({
      isActive: true,
      severity: 'critical',
      system: 'cooling',
      occurrenceCount: 3,
      lamps: { malfunction: true, redStop: false, amberWarning: false, protect: false },
      clearedAt: null,
    });
    const [of] = await db.select().from(tenants).where(eq(tenants.id, owner.id));
    expect(counters).toEqual([of?.changeCounter]);
  });

  it('a repeated step changes nothing and counts nothing twice', async () => {
    const { owner, scope, runId } = await aRun();
    const input = at(runId, [vehicle(1), vehicle(2)]);
    await persistObserved(scope, db, input);
    const before = [await vehiclesOf(owner.id), await faultsOf(owner.id), await countsOf(runId)];
    const { counters } = await persistObserved(scope, db, input);
    expect(counters).toEqual([]);
    expect([await vehiclesOf(owner.id), await faultsOf(owner.id), await countsOf(runId)]).toEqual(before);
    expect(before[2]).toMatchObject({ vehiclesCreated: 2, faultsOpened: 2 });
  });

  it('opens, updates, clears and reopens across runs', async () => {
    const { owner, scope, runId } = await aRun();
    await persistObserved(scope, db, at(runId, [vehicle(1)]));
    await markSeen(scope, db, t1, [{ vin: vehicle(1).vin, hasFaultList: true }]);
    await persistObserved(
      scope,
      db,
      at(runId, [vehicle(1, { odometerMiles: 100_010, faults: [fault({ occurrenceCount: 5 })] })], t2),
    );
    expect((await faultsOf(owner.id))[0]).toMatchObject({ occurrenceCount: 5, lastSeenAt: t2, firstSeenAt: t1 });
    expect((await vehiclesOf(owner.id))[0]).toMatchObject({ odometerMiles: 100_010, updatedAt: t2 });
    const t3 = '2026-11-20T09:30:00.000Z';
    await persistObserved(scope, db, at(runId, [vehicle(1, { faults: [] })], t3));
    expect((await faultsOf(owner.id))[0]).toMatchObject({ isActive: false, clearedAt: t3 });
    expect((await vehiclesOf(owner.id))[0]?.activeFaultCount).toBe(0);
    const t4 = '2026-11-20T09:45:00.000Z';
    await persistObserved(scope, db, at(runId, [vehicle(1)], t4));
    expect((await faultsOf(owner.id))[0]).toMatchObject({
      isActive: true,
      clearedAt: null,
      reopenCount: 1,
      firstSeenAt: t1,
    });
    expect(await countsOf(runId)).toMatchObject({
      vehiclesCreated: 1,
      vehiclesChanged: 3,
      faultsOpened: 2,
      faultsCleared: 1,
    });
  });

  it('never touches another tenant’s truck of the same VIN', async () => {
    const { scope, runId } = await aRun();
    const other = await tenant();
    const theirs = await truck(other, { vin: vehicle(1).vin });
    await insertFault(other, theirs);
    const before = [await vehiclesOf(other.id), await faultsOf(other.id)];
    await persistObserved(scope, db, at(runId, [vehicle(1, { faults: [] })]));
    await persistObserved(scope, db, at(runId, [vehicle(1, { odometerMiles: 200_000, faults: [] })], t2));
    await markSeen(scope, db, t2, [{ vin: vehicle(1).vin, hasFaultList: true }]);
    expect([await vehiclesOf(other.id), await faultsOf(other.id)]).toEqual(before);
  });

  it('moves updated_at on even past a later one, so that scoring notices', async () => {
    const { owner, scope, runId } = await aRun();
    await truck(owner, { vin: vehicle(1).vin, updatedAt: '2026-11-20T12:00:00.000Z' });
    await persistObserved(scope, db, at(runId, [vehicle(1)]));
    expect((await vehiclesOf(owner.id))[0]).toMatchObject({
      updatedAt: '2026-11-20T12:00:00.001Z',
      isScoreDirty: true,
    });
  });

  it('writes 200 vehicles with 10 faults each in one transaction of a few statements', async () => {
    const { owner, scope, runId } = await aRun();
    const { d1, writes } = listeningDatabase();
    const many = Array.from({ length: 200 }, (_, n) =>
      vehicle(n, {
        faults: Array.from({ length: 10 }, (_, f) => fault({ spn: 100 + f, description: 'x'.repeat(200) })),
      }),
    );
    await persistObserved(scope, openDatabase(d1), at(runId, many));
    expect(writes.length).toBeLessThanOrEqual(8);
    expect(await faultsOf(owner.id)).toHaveLength(2_000);
  });

  it('never binds a value near D1’s two megabytes, neither when faults come nor when they go', async () => {
    const { owner, scope, runId } = await aRun();
    const { d1, largestValueBytes } = listeningDatabase();
    const worst = (n: number) =>
      vehicle(n, {
        faults: Array.from({ length: 50 }, (_, f) => fault({ spn: 400_000 + f, description: '€'.repeat(200) })),
      });
    const many = Array.from({ length: 100 }, (_, n) => worst(n));
    const { counts, counters } = await persistObserved(scope, openDatabase(d1), at(runId, many));
    expect(counts).toMatchObject({ vehiclesCreated: 100, faultsOpened: 5_000 });
    expect(counters.length).toBeGreaterThan(1);
    const gone = many.map((one) => ({ ...one, faults: [] }));
    expect((await persistObserved(scope, openDatabase(d1), at(runId, gone, t2))).counts.faultsCleared).toBe(5_000);
    expect(largestValueBytes()).toBeGreaterThan(700_000);
    expect(largestValueBytes()).toBeLessThan(1_500_000);
    expect(await countsOf(runId)).toMatchObject({ vehiclesCreated: 100, faultsOpened: 5_000, faultsCleared: 5_000 });
    expect((await faultsOf(owner.id)).filter((row) => !row.isActive)).toHaveLength(5_000);
  }, 30_000);
});

describe('the log of runs', () => {
  it('lets one run live per tenant and provider, and ends it once', async () => {
    const owner = await tenant();
    const scope = scopeForJob(owner.id);
    const start = () => createRun(scope, db, { provider: 'paccar', trigger: 'manual', nowIso: t1 });
    const both = await Promise.all([start(), start()]);
    expect(both.map((one) => one.created).sort()).toEqual([false, true]);
    expect(both[0].row.id).toBe(both[1].row.id);
    const end = {
      status: 'failed',
      finishedAt: t2,
      read: null,
      error: { code: 'TIMED_OUT', message: 'x'.repeat(900) },
    } as const;
    expect(await endRun(db, both[0].row.id, end)).toBe(true);
    expect(await endRun(db, both[0].row.id, { ...end, status: 'succeeded', error: null })).toBe(false);
    expect((await start()).created).toBe(true);
    expect((await beginRun(db, both[0].row.id, t2)) === null).toBe(true);
  });

  it('begins at its first step and keeps that time', async () => {
    const { row } = await createRun(scopeForJob((await tenant()).id), db, {
      provider: 'paccar',
      trigger: 'cron',
      nowIso: t1,
    });
    expect((await beginRun(db, row.id, t2))?.startedAt).toBe(t2);
    expect((await beginRun(db, row.id, '2026-11-20T10:00:00.000Z'))?.startedAt).toBe(t2);
  });

  it('pages newest first without gaps or repeats, and knows what last time was', async () => {
    const owner = await tenant();
    const scope = scopeForJob(owner.id);
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) {
      const nowIso = new Date(Date.parse(t1) + Math.floor(n / 2) * 60_000).toISOString();
      const { row } = await createRun(scope, db, { provider: 'paccar', trigger: 'cron', nowIso });
      await endRun(db, row.id, {
        status: 'succeeded',
        finishedAt: nowIso,
        read: { vehiclesSeen: n, faultsSeen: 0, alertsOpened: 0 },
        error: null,
      });
      ids.push(row.id);
    }
    const walked: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listRuns(scope, db, { cursor, limit: 3 });
      walked.push(...(page?.rows.map((row) => row.id) ?? []));
      cursor = page?.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(walked).toHaveLength(7);
    expect(new Set(walked)).toEqual(new Set(ids));
    expect(await listRuns(scope, db, { cursor: 'nonsense', limit: 3 })).toBeNull();
    expect(await vehiclesLastTime(scope, db, 'paccar', t2, null)).toBe(6);
    expect(await vehiclesLastTime(scope, db, 'paccar', '2026-12-20T09:00:00.000Z', null)).toBe(6);
    expect(await vehiclesLastTime(scope, db, 'paccar', t2, t2)).toBe(0);
  });
});
