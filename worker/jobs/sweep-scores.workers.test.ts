/** Marking at night and scoring what is marked, for every tenant, on real D1. */
import { env } from 'cloudflare:workers';
import { and, eq } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { alert, db, fault, tenant, truck, type TestTenant } from '#test/workers/harness';
import { shopVisit } from '#test/workers/scoring-builders';
import { alerts, predictions, serviceEvents, tenants, vehicles } from '#worker/db/schema/index';
import { refreshScores } from './refresh-scores.ts';
import { catchUpAlerts } from './catch-up-alerts.ts';
import { sweepScores } from './sweep-scores.ts';

const now = new Date('2026-11-20T03:17:00.000Z');
const daysAgo = (days: number): string => new Date(now.getTime() - days * 86_400_000).toISOString();
const bounds = { vehiclesPerTurn: 1000, vehicles: 6000, turns: 40, ms: 20_000 };

const markedOf = async (of: TestTenant) =>
  (
    await db
      .select()
      .from(vehicles)
      .where(and(eq(vehicles.tenantId, of.id), eq(vehicles.isScoreDirty, true)))
  ).map(({ id }) => id);
const keptOf = (of: TestTenant) => db.select().from(predictions).where(eq(predictions.tenantId, of.id));

// Vehicles of earlier tests would take their turn too.
beforeEach(async () => {
  const firstSeenAt = '2020-01-01T00:00:00.000Z';
  await db.update(vehicles).set({ isScoreDirty: false, lastSyncAt: null, lastReadingAt: null, firstSeenAt });
  await db.delete(serviceEvents);
});

describe('at night', () => {
  test('every vehicle that is watched is marked, healthy ones too; nothing else of it moves', async () => {
    const fleet = await tenant();
    const long = daysAgo(400);
    const synced = await truck(fleet, { firstSeenAt: long, lastSyncAt: daysAgo(29), updatedAt: long });
    const heard = await truck(fleet, { firstSeenAt: long, lastReadingAt: daysAgo(1) });
    const born = await truck(fleet, { firstSeenAt: daysAgo(2) });
    const repaired = await truck(fleet, { firstSeenAt: long });
    await shopVisit(fleet, repaired, { at: daysAgo(5) });
    await truck(fleet, { firstSeenAt: long, lastSyncAt: daysAgo(31), lastReadingAt: daysAgo(40) });
    await refreshScores(env, now);
    expect((await markedOf(fleet)).sort()).toEqual([synced, heard, born, repaired].sort());
    expect((await db.select().from(vehicles).where(eq(vehicles.id, synced)))[0]?.updatedAt).toBe(long);
  });

  test('what was scored today, and who is switched off, is left alone', async () => {
    const [fleet, off] = [await tenant(), await tenant()];
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, off.id));
    await truck(off, { firstSeenAt: daysAgo(2) });
    const [today, yesterday] = [
      await truck(fleet, { firstSeenAt: daysAgo(2) }),
      await truck(fleet, { firstSeenAt: daysAgo(2) }),
    ];
    const prediction = { tenantId: fleet.id, modelVersion: 'x', riskScore: 1, riskLevel: 'low', score: {} } as const;
    await db.insert(predictions).values([
      { ...prediction, id: 'p1', vehicleId: today, createdAt: '2026-11-20T00:00:00.000Z', score: {} as never },
      { ...prediction, id: 'p2', vehicleId: yesterday, createdAt: '2026-11-19T23:59:59.000Z', score: {} as never },
    ]);
    await refreshScores(env, now);
    expect(await markedOf(fleet)).toEqual([yesterday]);
    expect(await markedOf(off)).toEqual([]);
  });

  test('in as many statements as it takes, and no more than a night has', async () => {
    const fleet = await tenant();
    for (let at = 0; at < 7; at += 1) await truck(fleet, { firstSeenAt: daysAgo(1) });
    expect(await refreshScores(env, now, { perStatement: 2, mostStatements: 2 })).toEqual({ marked: 4 });
    expect(await refreshScores(env, now, { perStatement: 2, mostStatements: 50 })).toEqual({ marked: 3 });
    expect(await markedOf(fleet)).toHaveLength(7);
  });
});

describe('the sweep', () => {
  test('scores what is marked, of tenants without any sync too, and alerts follow', async () => {
    const fleet = await tenant();
    const id = await truck(fleet, { isScoreDirty: true });
    await fault(fleet, id, { spn: 100, fmi: 1 });
    expect(await sweepScores(env, bounds)).toEqual({ tenants: 1, scored: 1, failed: 0 });
    expect(await markedOf(fleet)).toEqual([]);
    expect(await keptOf(fleet)).toHaveLength(1);
    const open = await db.select().from(alerts).where(eq(alerts.vehicleId, id));
    expect(open.map(({ type }) => type).sort()).toEqual(['fault', 'risk']);
    expect(await sweepScores(env, bounds)).toEqual({ tenants: 0, scored: 0, failed: 0 });
  });

  test('finds the alerts that somebody died before', async () => {
    const fleet = await tenant();
    const scored = await truck(fleet, { riskLevel: 'high', riskScore: 60, recommendedAction: 'drive_to_dealer' });
    await truck(fleet, { isScoreDirty: true });
    const stale = await alert(fleet, scored, { type: 'fault', cause: `fault:${scored}:0:1:1` });
    await sweepScores(env, bounds);
    const open = await db.select().from(alerts).where(eq(alerts.vehicleId, scored));
    expect(open.map(({ id, type, status }) => [id === stale, type, status])).toEqual(
      expect.arrayContaining([
        [true, 'fault', 'resolved'],
        [false, 'risk', 'open'],
      ]),
    );
  });

  test('takes the tenant first that has waited longest, and none for more than its turn', async () => {
    const [large, small] = [await tenant(), await tenant()];
    for (let at = 0; at < 5; at += 1) {
      await truck(large, { isScoreDirty: true, updatedAt: `2026-11-01T00:00:0${at}.000Z` });
    }
    await truck(small, { isScoreDirty: true, updatedAt: '2026-11-02T00:00:00.000Z' });
    expect(await sweepScores(env, { ...bounds, vehiclesPerTurn: 2, turns: 2 })).toMatchObject({ scored: 3 });
    expect([(await keptOf(large)).length, (await keptOf(small)).length]).toEqual([2, 1]);
    expect(await sweepScores(env, { ...bounds, vehiclesPerTurn: 2, vehicles: 2 })).toMatchObject({ scored: 2 });
    expect(await sweepScores(env, { ...bounds, vehiclesPerTurn: 2 })).toMatchObject({ scored: 1 });
    expect(await markedOf(large)).toEqual([]);
  });

  test('leaves tenants that are switched off, and stops when its time is over', async () => {
    const [fleet, off] = [await tenant(), await tenant()];
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, off.id));
    const [id] = [await truck(fleet, { isScoreDirty: true }), await truck(off, { isScoreDirty: true })];
    expect(await sweepScores(env, { ...bounds, ms: 0 })).toMatchObject({ tenants: 1, scored: 0 });
    expect(await markedOf(fleet)).toEqual([id]);
    expect(await sweepScores(env, bounds)).toMatchObject({ scored: 1 });
    expect(await keptOf(off)).toEqual([]);
  });

  test('one tenant’s trouble does not stop the others', async () => {
    const [broken, fleet] = [await tenant(), await tenant()];
    await truck(broken, { isScoreDirty: true, updatedAt: '2020-01-01T00:00:00.000Z' });
    await truck(fleet, { isScoreDirty: true });
    // What no code of ours writes: scoring this tenant fails.
    await fault(broken, (await markedOf(broken))[0] ?? '');
    await env.DB.prepare(`UPDATE faults SET lamps = 'no json' WHERE tenant_id = ?`).bind(broken.id).run();
    expect(await sweepScores(env, bounds)).toEqual({ tenants: 2, scored: 1, failed: 1 });
    expect(await keptOf(fleet)).toHaveLength(1);
    expect(await markedOf(broken)).toHaveLength(1);
  });
});

describe('scoring that dies before its alerts', () => {
  /** A D1 that takes scores and then is gone: no alert is read or written any more. */
  const dying = () =>
    new Proxy(env.DB, {
      get(target, property) {
        if (property === 'prepare') {
          return (statement: string) => {
            if (/from "alerts"/i.test(statement)) throw new Error('killed');
            return target.prepare(statement);
          };
        }
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const openOf = async (of: TestTenant) =>
    (await db.select().from(alerts).where(eq(alerts.tenantId, of.id))).map(({ type }) => type).sort();

  /** A fleet without a sync whose scores stand, and whose alerts nobody came to. */
  async function left() {
    const fleet = await tenant();
    const id = await truck(fleet, { isScoreDirty: true });
    await fault(fleet, id, { spn: 100, fmi: 1 });
    expect(await sweepScores({ ...env, DB: dying() }, bounds)).toEqual({ tenants: 1, scored: 0, failed: 1 });
    expect([await markedOf(fleet), (await keptOf(fleet)).length, await openOf(fleet)]).toEqual([[], 1, []]);
    return fleet;
  }

  test('has them a quarter of an hour later, and only once', async () => {
    const fleet = await left();
    expect((await sweepScores(env, bounds)).tenants).toBe(0);
    await catchUpAlerts(env, new Date());
    expect(await openOf(fleet)).toEqual(['fault', 'risk']);
    await catchUpAlerts(env, new Date());
    expect(await openOf(fleet)).toEqual(['fault', 'risk']);
  });

  test('every tenant has its turn within the hour, a few at a time; past it and switched off none', async () => {
    await db.delete(predictions);
    const fleets = [await left(), await left(), await left()];
    const off = await left();
    await db.update(tenants).set({ isActive: false }).where(eq(tenants.id, off.id));
    const few = { tenants: 1, ms: 10_000 };
    const afterHours = (hours: number) => new Date(Date.now() + hours * 3_600_000);
    expect(await catchUpAlerts(env, afterHours(1.1), few)).toEqual({ tenants: 0, failed: 0 });
    expect(await catchUpAlerts(env, afterHours(0), { ...few, ms: 0 })).toEqual({ tenants: 0, failed: 0 });
    for (const hours of [0, 0.25, 0.5]) {
      expect(await catchUpAlerts(env, afterHours(hours), few)).toEqual({ tenants: 1, failed: 0 });
    }
    for (const fleet of fleets) expect(await openOf(fleet)).toEqual(['fault', 'risk']);
    expect(await openOf(off)).toEqual([]);
  });
});
